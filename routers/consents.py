"""What one lets us do with his data beyond the service itself."""

from fastapi import Response

from models.residents import Consent, ConsentPurpose
from routers.deps import CurrentActor
from routers.house import make_router
from routers.schemas.consents import ConsentIn, ConsentOut, ConsentsOut
from services import residents

router = make_router("/me/consents", "me")


@router.get("", response_model=ConsentsOut)
async def list_consents(actor: CurrentActor) -> dict[str, list[Consent]]:
    """All one ever consented to, newest first; `withdrawn_at` says what is over."""
    return {"items": await residents.consents(actor)}


@router.put("/{purpose}", response_model=ConsentOut)
async def give_consent(actor: CurrentActor, purpose: ConsentPurpose, asked: ConsentIn) -> Consent:
    """Consent to a purpose: `publishing` lets lists of givers and helpers show one's nickname where one asks for it.

    `sharing` is with one organisation, named as `recipient`; each is a consent of its own.
    """
    return await residents.consent(actor, purpose, policy_version=asked.policy_version, recipient=asked.recipient)


@router.delete("/{purpose}", status_code=204)
async def withdraw_consent(actor: CurrentActor, purpose: ConsentPurpose) -> Response:
    """Withdraw a consent; it is over at once, everywhere. That to the service ends with the account (409)."""
    await residents.withdraw_consent(actor, purpose)
    return Response(status_code=204)
