"""Units that help as one: registered by their contact, confirmed by the committee, ended by either."""

from tortoise.expressions import Q

from app.core.db import atomic
from app.core.errors import NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.residents import Role
from models.units import Unit, UnitKind, UnitState
from services import checks, events, notifications, residents
from services.policies import Actor, require, require_resident
from services.policies import units as policies


def _seen(actor: Actor) -> Q:
    """Confirmed with a name that has passed; or his own; or of the community whose committee he sits on."""
    shown = Q(state__not=UnitState.PENDING, confirmed_by_id__isnull=False, moderation=Moderation.PASSED)
    return shown | Q(contact_id=actor.id) | Q(community_id__in=actor.serves(Role.COMMITTEE))


async def find(actor: Actor, unit_id: int) -> Unit:
    """One unit that the actor may see. Raises NotFound."""
    unit = await Unit.filter(_seen(actor), id=unit_id).select_related("contact").first()
    if unit is None:
        raise NotFound("没有找到这个单位", "No such unit")
    return unit


async def listed(
    actor: Actor, *, community_id: int | None = None, state: UnitState | None = None, mine: bool = False, page: Page
) -> Listed[Unit]:
    """Units, newest first; `mine` are those the actor acts for."""
    query = Unit.filter(_seen(actor)).select_related("contact")
    if community_id is not None:
        query = query.filter(community_id=community_id)
    if state is not None:
        query = query.filter(state=state)
    if mine:
        query = query.filter(contact_id=actor.id)
    return await newest(query, page)


@atomic()
async def register(actor: Actor, *, community_id: int, kind: UnitKind, name: str) -> Unit:
    """Register a unit that the actor acts for; the committee is asked to confirm it.

    Raises NotVerified, Forbidden, AlreadyExists while one of his waits.
    """
    require_resident(actor, community_id)
    unit = await Unit.create(community_id=community_id, kind=kind, name=name, contact_id=actor.id)
    await checks.expect(actor, unit)
    await events.record(actor, "unit.registered", unit)
    committee = set(await residents.holders(Role.COMMITTEE, community_id)) - {actor.id}
    await notifications.tell(committee, "unit.registered", unit)
    return await find(actor, unit.id)


@atomic()
async def confirm(actor: Actor, unit_id: int) -> Unit:
    """Confirm that the contact acts for the unit; another committee member than he.

    Raises Forbidden, InvalidState, AlreadyExists for a name that another confirmed unit has.
    """
    unit = await find(actor, unit_id)
    require(policies.may_confirm(actor, unit), "只有居委会其他成员可以确认", "Another committee member confirms it")
    await unit.move_to(UnitState.CONFIRMED, confirmed_by_id=actor.id)
    await events.record(actor, "unit.confirmed", unit)
    await notifications.tell([unit.contact_id], "unit.confirmed", unit)
    return unit


@atomic()
async def end(actor: Actor, unit_id: int, *, reason: str) -> Unit:
    """Decline or end a unit: it claims nothing any more; what it holds it may bring to an end.

    Raises Forbidden, InvalidState.
    """
    unit = await find(actor, unit_id)
    require(policies.may_end(actor, unit), "只有单位联系人或居委会可以注销", "Its contact or the committee ends it")
    await unit.move_to(UnitState.ENDED)
    event = await events.record(actor, "unit.ended", unit, reason=reason)
    if unit.contact_id != actor.id:
        await notifications.tell([unit.contact_id], "unit.ended", unit, reason_id=event.facts["reason_id"])
    return unit
