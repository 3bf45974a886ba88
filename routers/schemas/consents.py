"""Shapes of consents."""

from typing import Annotated, Any

from models.residents import ConsentPurpose
from routers.schemas.base import PRINTABLE, Asked, Moment, Shape, bounded, examples

PolicyVersion = Annotated[str, bounded(1, 20), PRINTABLE]
Recipient = Annotated[str, bounded(1, 60), PRINTABLE]


class ConsentIn(Asked):
    """The version of the policy that was shown when one agreed; for `sharing` also with whom."""

    model_config = examples({"policy_version": "2026-11"})

    policy_version: PolicyVersion
    recipient: Recipient | None = None


CONSENT: dict[str, Any] = {
    "id": 2,
    "purpose": "publishing",
    "policy_version": "2026-11",
    "recipient": None,
    "granted_at": "2026-11-23T10:00:00+08:00",
    "withdrawn_at": None,
}


class ConsentOut(Shape):
    """A consent of one's own; `withdrawn_at` is null while it stands."""

    model_config = examples(CONSENT)

    id: int
    purpose: ConsentPurpose
    policy_version: str
    recipient: str | None
    granted_at: Moment
    withdrawn_at: Moment | None


class ConsentsOut(Shape):
    """All one ever consented to, newest first."""

    model_config = examples({"items": [CONSENT]})

    items: list[ConsentOut]
