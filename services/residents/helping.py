"""Acting on behalf of those who do not use a phone, with their consent on record."""

from dataclasses import dataclass, replace

from tortoise.expressions import Q

from app.core import db
from app.core.errors import Invalid, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Record
from models.media import Media, Purpose
from models.residents import (
    Assistance,
    ConsentKind,
    Resident,
)
from services.policies import Actor, Help, require, require_resident
from services.policies import residents as policies
from services.policies.actor import STAFF
from services.residents.sessions import actor as actor_by_id


@dataclass(frozen=True)
class OnBehalfOf:
    """The person helped and how he agreed."""

    resident_id: int
    consent: ConsentKind
    witness_id: int | None = None
    media_id: int | None = None


@dataclass(frozen=True)
class Speaker:
    """For whom an act counts: the actor himself, or the person he helps."""

    id: int
    helped: OnBehalfOf | None = None

    @property
    def on_behalf_of_id(self) -> int | None:
        return self.helped.resident_id if self.helped else None


async def speaker(actor: Actor, community_id: int, on_behalf_of: OnBehalfOf | None) -> Speaker:
    """For whom the act counts. An assistant must serve where the person he helps lives.

    Raises NotVerified, Forbidden, NotFound, Invalid (helping oneself, a witness who is missing or a party).
    """
    if on_behalf_of is None:
        require_resident(actor, community_id)
        return Speaker(actor.id)
    home = await db.row(
        "SELECT m.community_id, b.path FROM memberships m JOIN households h ON h.id = m.household_id "
        "JOIN places b ON b.id = h.building_id WHERE m.resident_id = $1 AND m.until_at IS NULL",
        on_behalf_of.resident_id,
    )
    if home is None or not actor.is_staff(home["community_id"]):
        raise NotFound("没有找到这位居民", "No such resident")
    require(
        policies.may_help(actor, home["path"]) and home["community_id"] == community_id,
        "您不负责这位居民所在的楼栋或社区",
        "You do not serve where this resident lives",
    )
    if on_behalf_of.resident_id == actor.id:
        raise Invalid("不能代表自己", "Nobody acts on behalf of himself")
    await check_evidence(actor, on_behalf_of)
    return Speaker(on_behalf_of.resident_id, on_behalf_of)


async def stand_in(actor: Actor, on_behalf_of: OnBehalfOf | None) -> Actor:
    """Whoever the act counts for: the actor himself, or the person he helps, without any roles of that person's own.

    `events.record` keeps what he does so as the actor's act on his behalf. Raises what `speaker` raises.
    """
    if on_behalf_of is None:
        return actor
    helped = await actor_by_id(on_behalf_of.resident_id)
    if helped.community_id is None:
        raise NotFound("没有找到这位居民", "No such resident")
    await speaker(actor, helped.community_id, on_behalf_of)
    by = Help(actor.id, on_behalf_of.consent, on_behalf_of.witness_id, on_behalf_of.media_id)
    return replace(helped, grants=(), help=by)


async def check_evidence(actor: Actor, on_behalf_of: OnBehalfOf) -> None:
    """Raises Invalid unless the evidence is the actor's own, and the witness there and neither of the two."""
    if on_behalf_of.media_id is not None and not await Media.exists(
        id=on_behalf_of.media_id, uploader_id=actor.id, purpose=Purpose.EVIDENCE
    ):
        raise Invalid("没有找到这份凭证", "No such evidence")
    if on_behalf_of.consent is ConsentKind.WITNESS and (
        on_behalf_of.witness_id is None
        or on_behalf_of.witness_id in (actor.id, on_behalf_of.resident_id)
        or not await Resident.exists(id=on_behalf_of.witness_id)
    ):
        raise Invalid("请填写见证人，且见证人不能是双方本人", "Name a witness who is neither of the two")


async def note_help(person: Actor, verb: str, subject_kind: str, subject_id: int) -> None:
    """Keep how the person agreed to what he has just done by somebody else's hand."""
    assert person.help is not None, "he acts by somebody else's hand"  # noqa: S101
    await Assistance.create(
        community_id=person.community_id,
        resident_id=person.id,
        assistant_id=person.help.assistant_id,
        consent_kind=person.help.consent,
        witness_id=person.help.witness_id,
        media_id=person.help.media_id,
        verb=verb,
        subject_kind=subject_kind,
        subject_id=subject_id,
    )


async def note_assistance(actor: Actor, speaker: Speaker, verb: str, subject: Record, community_id: int) -> None:
    """Keep how the person helped agreed to the act just done; nothing to keep when the actor spoke for himself."""
    if speaker.helped is not None:
        await keep_assistance(actor, speaker.helped, verb, subject, community_id)


async def keep_assistance(
    actor: Actor, helped: OnBehalfOf, verb: str, subject: Record, community_id: int, *, receipt: str | None = None
) -> Assistance:
    """What was just done for somebody, and how he agreed; of a ballot with its receipt."""
    return await Assistance.create(
        community_id=community_id,
        resident_id=helped.resident_id,
        assistant_id=actor.id,
        consent_kind=helped.consent,
        witness_id=helped.witness_id,
        media_id=helped.media_id,
        verb=verb,
        subject_kind=subject.noun(),
        subject_id=subject.id,
        receipt=receipt,
    )


async def find_assistance(actor: Actor, assistance_id: int) -> Assistance:
    """One act done on behalf of somebody, for him, whoever helped, and who serves where he lives. Raises NotFound."""
    found = await Assistance.filter(_seen(actor)).select_related("resident", "assistant").get_or_none(id=assistance_id)
    if found is None:
        raise NotFound("没有找到这次代办", "No such assistance")
    return found


async def assistances(actor: Actor, *, page: Page) -> Listed[Assistance]:
    """What was done on the actor's behalf, and what he did for others; newest first."""
    mine = Assistance.filter(Q(resident_id=actor.id) | Q(assistant_id=actor.id))
    return await newest(mine.select_related("resident", "assistant"), page)


def _seen(actor: Actor) -> Q:
    return Q(resident_id=actor.id) | Q(assistant_id=actor.id) | Q(community_id__in=actor.serves(*STAFF))
