"""The tree of places: districts, streets, communities, grids, buildings."""

from app.core import db
from app.core.db import atomic
from app.core.errors import AlreadyExists, Invalid, NotFound, refuses
from app.core.pages import Listed, Page, newest
from models.places import INSIDE, Place, PlaceKind
from models.residents import Role
from services import events
from services.policies import Actor, require

refuses("places_one_name_per_parent", AlreadyExists)


async def find(place_id: int) -> Place:
    """One place; places are public. Raises NotFound."""
    place = await Place.get_or_none(id=place_id)
    if place is None:
        raise NotFound("没有找到这个地方", "No such place")
    return place


async def find_community(community_id: int) -> Place:
    """One community. Raises NotFound when the id is another kind of place."""
    place = await find(community_id)
    if place.kind is not PlaceKind.COMMUNITY:
        raise NotFound("没有找到这个社区", "No such community")
    return place


async def listed(*, parent_id: int | None = None, kind: PlaceKind | None = None, page: Page) -> Listed[Place]:
    """Places, newest first, below a parent or of a kind."""
    query = Place.all()
    if parent_id is not None:
        query = query.filter(parent_id=parent_id)
    if kind is not None:
        query = query.filter(kind=kind)
    return await newest(query, page)


@atomic()
async def add(actor: Actor | None, *, parent_id: int | None, kind: PlaceKind, name: str) -> Place:
    """Add a place below another; an officer above it does, or the command line (actor None).

    Raises Forbidden, NotFound, Invalid for a kind that does not lie in that parent, AlreadyExists for a second name.
    """
    parent = await find(parent_id) if parent_id is not None else None
    if actor is not None:
        require(
            parent is not None and actor.holds_at(parent.path, Role.STREET_OFFICER, Role.DISTRICT_OFFICER),
            "只有上级街道或区级干部可以新增",
            "Only officers of the street or district above may add places",
        )
    if (parent.kind if parent else None) not in INSIDE[kind]:
        raise Invalid("这类地方不能放在这个上级之下", "This kind of place does not lie there")
    place_id = await db.value("SELECT nextval('places_id_seq')")
    community_id = place_id if kind is PlaceKind.COMMUNITY else parent.community_id if parent else None
    place = await Place.create(
        id=place_id,
        parent_id=parent_id,
        kind=kind,
        name=name,
        path=f"{parent.path if parent else '/'}{place_id}/",
        community_id=community_id,
    )
    await events.record(actor, "place.added", place)
    return place
