"""Acting on behalf of those who do not use a phone, with their consent on record."""

from dataclasses import dataclass, replace

from tortoise.expressions import Q

from app.core.errors import Invalid, NotFound
from app.core.pages import Listed, Page, newest
from models.media import Media, Purpose
from models.residents import Assistance, ConsentKind, Resident
from services.policies import Actor, Help, require
from services.policies import residents as policies
from services.residents.ages import is_adult
from services.residents.sessions import actor as actor_by_id


@dataclass(frozen=True)
class OnBehalfOf:
    """The person helped and how he agreed."""

    resident_id: int
    consent: ConsentKind
    witness_id: int | None = None
    media_id: int | None = None


async def stand_in(actor: Actor, on_behalf_of: OnBehalfOf | None) -> Actor:
    """Whoever the act counts for: the actor himself, or the person he helps, without any roles of that person's own.

    He must serve where that person lives. `events.record` keeps what the person does so as the actor's act on his
    behalf. Raises NotFound, Forbidden, Invalid (helping oneself, a witness who is missing or a party).
    """
    person = await stood_in(actor, on_behalf_of)
    if on_behalf_of is not None:
        await check_evidence(actor.id, on_behalf_of)
    return person


async def stood_in(actor: Actor, on_behalf_of: OnBehalfOf | None) -> Actor:
    """The same for what was done so already: the witness may be gone since. Raises NotFound, Forbidden, Invalid."""
    if on_behalf_of is None:
        return actor
    person = await actor_by_id(on_behalf_of.resident_id)
    if person.community_id is None or person.home_path is None or not actor.is_staff(person.community_id):
        raise NotFound("没有找到这位居民", "No such resident")
    require(
        policies.may_help(actor, person.home_path),
        "您不负责这位居民所在的楼栋或社区",
        "You do not serve where this resident lives",
    )
    require(not person.suspended, "这个账号已被停用", "This account is suspended")
    if person.id == actor.id:
        raise Invalid("不能代表自己", "Nobody acts on behalf of himself")
    return replace(person, grants=(), help=_help(actor.id, on_behalf_of))


async def agreed_besides(person: Actor, consent: OnBehalfOf) -> Actor:
    """The same person by the same hand, who agreed to something more in another way. Raises Invalid."""
    await check_evidence(person.hand_id, consent)
    return replace(person, help=_help(person.hand_id, consent))


async def hand(actor: Actor) -> Actor:
    """Who does it, with the roles that are his own."""
    return await actor_by_id(actor.hand_id) if actor.help else actor


async def check_evidence(helper_id: int, on_behalf_of: OnBehalfOf) -> None:
    """Raises Invalid unless the evidence is the helper's own, and the witness a third one who could be asked.

    That is an adult whose home is confirmed, here or elsewhere, or somebody who serves.
    """
    if on_behalf_of.media_id is not None and not await Media.exists(
        id=on_behalf_of.media_id, uploader_id=helper_id, purpose=Purpose.EVIDENCE
    ):
        raise Invalid("没有找到这份凭证", "No such evidence")
    if on_behalf_of.consent is ConsentKind.WITNESS and (
        on_behalf_of.witness_id is None
        or on_behalf_of.witness_id in (helper_id, on_behalf_of.resident_id)
        or not await _bears_witness(on_behalf_of.witness_id)
    ):
        raise Invalid(
            "请填写见证人：已认证的成年居民或工作人员，且不能是双方本人",
            "Name a witness: an adult whose home is confirmed, or somebody who serves, and neither of the two",
        )


async def _bears_witness(resident_id: int) -> bool:
    if not await Resident.exists(id=resident_id, left_at=None, suspended=False):
        return False
    witness = await actor_by_id(resident_id)
    return bool(witness.grants) or (witness.household_id is not None and await is_adult(resident_id))


async def note_help(
    person: Actor, verb: str, subject_kind: str, subject_id: int, *, receipt: str | None = None
) -> Assistance:
    """Keep how the person agreed to what he has just done by somebody else's hand; of a ballot with its receipt."""
    assert person.help is not None, "he acts by somebody else's hand"  # noqa: S101
    return await Assistance.create(
        community_id=person.community_id,
        resident_id=person.id,
        assistant_id=person.help.assistant_id,
        consent_kind=person.help.consent,
        witness_id=person.help.witness_id,
        media_id=person.help.media_id,
        verb=verb,
        subject_kind=subject_kind,
        subject_id=subject_id,
        receipt=receipt,
    )


async def helped_with(actor: Actor, verb: str, subject_id: int) -> bool:
    """Whether it was the actor's hand that did this for somebody."""
    return await Assistance.exists(assistant_id=actor.id, verb=verb, subject_id=subject_id)


async def find_assistance(actor: Actor, assistance_id: int) -> Assistance:
    """One act done on behalf of somebody, for him, whoever helped, and who serves where he lives. Raises NotFound."""
    found = await Assistance.get_or_none(id=assistance_id).select_related("resident", "assistant")
    if found is None or not (actor.id in (found.resident_id, found.assistant_id) or await _serves(actor, found)):
        raise NotFound("没有找到这次代办", "No such assistance")
    return found


async def assistances(actor: Actor, *, page: Page) -> Listed[Assistance]:
    """What was done on the actor's behalf, and what he did for others; newest first."""
    mine = Assistance.filter(Q(resident_id=actor.id) | Q(assistant_id=actor.id))
    return await newest(mine.select_related("resident", "assistant"), page)


def _help(helper_id: int, on_behalf_of: OnBehalfOf) -> Help:
    return Help(helper_id, on_behalf_of.consent, on_behalf_of.witness_id, on_behalf_of.media_id)


async def _serves(actor: Actor, about: Assistance) -> bool:
    """The committee; a building head or social worker only where that person lives now."""
    home = (await actor_by_id(about.resident_id)).home_path
    return actor.is_committee(about.community_id) or (home is not None and policies.may_help(actor, home))
