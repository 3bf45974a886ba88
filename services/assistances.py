"""What a resident can do, done by the hand of a helper; and his objection to what he did not want.

Every act that takes `on_behalf_of` passes here: the person acts, the helper's hand and the person's consent are kept.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Conflict, Forbidden, Invalid, InvalidState, NotFound
from models.base import Record
from models.deliberations import DeliberationState
from models.needs import Endorsement, NeedState
from models.residents import Assistance, Outcome, Role
from models.units import UnitState
from models.volunteering import Signup
from services import (
    comments,
    crowdfunding,
    deliberations,
    events,
    needs,
    notifications,
    residents,
    units,
    volunteering,
    wishes,
)
from services.policies import Actor, require
from services.residents import OnBehalfOf

P = ParamSpec("P")
R = TypeVar("R")

NOT_MINE = "本人说明没有要求登记这个单位"


class ObjectedBefore(Conflict):
    code, zh, en = "objected_before", "这次代办已提出过异议", "This was objected to before"


async def act(
    actor: Actor,
    on_behalf_of: OnBehalfOf | None,
    verb: str,
    use_case: Callable[Concatenate[Actor, P], Awaitable[R]],
    *args: P.args,
    **named: P.kwargs,
) -> R:
    """Do something oneself, or for somebody one helps, whose act it then is: `act(he, for_her, "need.endorsed", …)`.

    Raises what `residents.stand_in` and the use case raise.
    """
    if on_behalf_of is None:
        return await use_case(actor, *args, **named)
    return await _act_for(actor, on_behalf_of, verb, args, lambda person: use_case(person, *args, **named))


@atomic()
async def _act_for(
    actor: Actor, on_behalf_of: OnBehalfOf, verb: str, about: Sequence[Any], deed: Callable[[Actor], Awaitable[R]]
) -> R:
    person = await residents.stand_in(actor, on_behalf_of)
    done = await deed(person)
    await residents.note_help(person, verb, *_subject(person, verb, about, done))
    return done


def _subject(person: Actor, verb: str, about: Sequence[Any], done: Any) -> tuple[str, int]:
    """What was done or what it was done to; where neither has an id, the person herself."""
    if isinstance(done, Record):
        return done.noun(), done.id
    noun = verb.partition(".")[0]
    known = [one for one in (getattr(done, "id", None), *about[:1]) if isinstance(one, int)]
    return (noun, known[0]) if known else ("resident", person.id)


@atomic()
async def object_to(
    actor: Actor, assistance_id: int, *, reason: str | None = None, on_behalf_of: OnBehalfOf | None = None
) -> Assistance:
    """Say that one did not want what was done for one; it is undone where that is possible, and stays on record.

    He himself says it, or another helper than the one before with his consent. He, the helper and the committee are
    told what came of it. Raises NotFound, Forbidden, ObjectedBefore, Invalid, and what `residents.stand_in` raises.
    """
    assistance = await residents.find_assistance(actor, assistance_id)
    require(actor.id != assistance.assistant_id, "代办人不能代为提出异议", "Another than the helper says so")
    person = actor
    if actor.id != assistance.resident_id:
        if on_behalf_of is None or on_behalf_of.resident_id != assistance.resident_id:
            raise Invalid("请注明代表本人提出，并附其同意的凭证", "Say on whose behalf, and how he agreed")
        person = await residents.stand_in(actor, on_behalf_of)
    undone = await _undo(person, assistance)
    changed = await Assistance.filter(id=assistance.id, objected_at=None).update(
        objected_at=await clock.now(), objected_by_id=actor.id, outcome=Outcome.UNDONE if undone else Outcome.KEPT
    )
    if not changed:
        raise ObjectedBefore
    await events.record(person, "assistance.objected", assistance, reason=reason, undone=undone)
    await _tell(assistance, undone)
    return await residents.find_assistance(actor, assistance_id)


async def _undo(person: Actor, assistance: Assistance) -> bool:
    """Whether it could be undone; what has moved on since, was done anew or cannot be undone, stays as it is."""
    later = {"resident_id": person.id, "verb": assistance.verb, "id__gt": assistance.id}
    about = {"subject_kind": assistance.subject_kind, "subject_id": assistance.subject_id}
    if (undo := UNDO.get(assistance.verb)) is None or await Assistance.exists(**later, **about):
        return False
    try:
        async with db.tx():
            return await undo(person, assistance.subject_id) is not False
    except (Conflict, Forbidden, Invalid, NotFound):
        return False


async def _withdraw_need(person: Actor, need_id: int) -> None:
    need = await needs.find(person, need_id)
    if need.state is not NeedState.SUBMITTED or need.endorsements:
        raise InvalidState(need.state)
    await needs.withdraw(person, need_id)


async def _unendorse(person: Actor, need_id: int) -> None:
    """Of a need that was merged what it brought to the other goes, but no support that she gave that one herself."""
    need = await needs.find(person, need_id)
    while need.merged_into_id is not None:
        need = await needs.find(person, need.merged_into_id)
    if need.id != need_id and await Endorsement.exists(need_id=need.id, resident_id=person.id, brought_from_id=None):
        raise InvalidState(need.state)
    await needs.unendorse(person, need.id)


async def _withdraw_deliberation(person: Actor, deliberation_id: int) -> None:
    deliberation = await deliberations.find(person, deliberation_id)
    if deliberation.state is not DeliberationState.PROPOSED:
        raise InvalidState(deliberation.state)
    await deliberations.withdraw(person, deliberation_id)


async def _withdraw_petition(person: Actor, petition_id: int) -> None:
    petition = await deliberations.find_petition(person, petition_id)
    if petition.signatures > petition.signed_by_me:
        raise InvalidState(petition.state)
    await deliberations.withdraw_petition(person, petition_id)


async def _end_unit(person: Actor, unit_id: int) -> None:
    unit = await units.find(person, unit_id)
    if unit.state is not UnitState.PENDING:
        raise InvalidState(unit.state)
    await units.end(person, unit_id, reason=NOT_MINE)


async def _forget_skills(person: Actor, _: int) -> None:
    await volunteering.forget_skills(person)


async def _cancel_signup(person: Actor, signup_id: int) -> None:
    await volunteering.cancel(person, (await Signup.get(id=signup_id)).shift_id)


async def _hide_thanks(person: Actor, wish_id: int) -> bool:
    """That the wish came true stays said; her thanks are no longer public."""
    await wishes.publish_thanks(person, wish_id, public=False)
    return False


UNDO: dict[str, Callable[[Actor, int], Awaitable[object]]] = {
    "need.submitted": _withdraw_need,
    "need.endorsed": _unendorse,
    "comment.made": comments.take_back,
    "comment.supported": comments.unsupport,
    "wish.posted": wishes.withdraw,
    "wish.claimed": wishes.release,
    "wish.photo_consented": wishes.withdraw_photo_consent,
    "wish.contact_recorded": wishes.withdraw_contact,
    "wish.confirmed": _hide_thanks,
    "wish.thanks_published": partial(wishes.publish_thanks, public=False),
    "signup.made": _cancel_signup,
    "signup.checked_in": partial(volunteering.take_back, entered="signup.checked_in"),
    "signup.checked_out": partial(volunteering.take_back, entered="signup.checked_out"),
    "signup.reported": partial(volunteering.take_back, entered="signup.checked_out"),
    "volunteer.skills_set": _forget_skills,
    "volunteer_team.founded": volunteering.leave_team,
    "volunteer_team.asked": volunteering.leave_team,
    "certificate.issued": volunteering.disown_certificate,
    "unit.registered": _end_unit,
    "pledge.made": crowdfunding.withdraw,
    "team.founded": crowdfunding.leave_team,
    "team.joined": crowdfunding.leave_team,
    "deliberation.proposed": _withdraw_deliberation,
    "option_proposal.made": deliberations.withdraw_option,
    "petition.started": _withdraw_petition,
    "petition.signed": deliberations.unsign,
    "representative_change.proposed": residents.withdraw_representative,
}


async def _tell(assistance: Assistance, undone: bool) -> None:
    committee = await residents.holders(Role.COMMITTEE, assistance.community_id)
    told = [assistance.resident_id, assistance.assistant_id, *committee]
    outcome = ("已撤销", "it was undone") if undone else ("无法撤销，已记录在案", "it stands, and is on record")
    await notifications.tell(told, "assistance.objected", assistance, outcome=outcome)
