"""Wishes as each reader may see them: the one door, lists, and one wish with what is his to know."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from app.core import db
from app.core.errors import NotFound
from app.core.pages import Listed, Page, cut, where
from models.base import Moderation
from models.residents import Role
from models.wishes import ContactConsent, Outcome, Side, Wish, WishClaimState, WishKind, WishSort, WishState
from services import events, media, needs, residents
from services.events import TimelineItem
from services.media import Photo
from services.policies import Actor
from services.policies import wishes as policies

SEEN = f"""
SELECT w.*, r.nickname,
    w.claimers - (SELECT count(*) FROM wish_claims c WHERE c.wish_id = w.id AND c.state <> 'released') AS free_slots,
    EXISTS (SELECT 1 FROM wish_claims c
        WHERE c.wish_id = w.id AND $1 IN (c.resident_id, c.assistant_id) AND c.state <> 'released') AS claimed_by_me,
    CASE WHEN NOT w.photo_of_person OR w.photo_consent OR $1 IN (w.author_id, w.assistant_id)
        OR w.community_id = ANY($2::bigint[]) THEN {media.photos_sql("wish", "w.id", "$1")} END AS photos
FROM wishes w JOIN residents r ON r.id = w.author_id
WHERE (w.approved_by_id IS NOT NULL AND w.moderation = 'passed'
    OR w.author_id = $1 OR w.assistant_id = $1 OR w.community_id = ANY($2::bigint[])
    OR w.id IN (SELECT c.wish_id FROM wish_claims c
        WHERE c.resident_id = $1 OR c.assistant_id = $1))
"""
MINE = " AND (w.author_id = $1 OR w.assistant_id = $1)"
CLAIMED_BY_ME = """ AND w.id IN (SELECT c.wish_id FROM wish_claims c
    WHERE (c.resident_id = $1 OR c.assistant_id = $1) AND c.state <> 'released')"""
# The reader's own claims, and those of units, which show their name.
CLAIMS = f"""
SELECT c.id, c.resident_id, r.nickname, c.assistant_id, c.state, c.due_at, c.moderation, c.extension_days,
    c.extended_by_id IS NOT NULL AS extended, c.upheld_at IS NOT NULL AS upheld,
    u.id AS unit_id, u.kind AS unit_kind, u.name AS unit_name, u.moderation = 'passed' AS unit_shown,
    k.id IS NOT NULL AND k.withdrawn_at IS NULL AND (k.consent = 'on_claim' OR c.contact_shared)
        AND c.state = 'held' AND c.due_at > clock_now() AS contact_shared,
    CASE WHEN c.moderation = 'passed' OR c.resident_id = $2 OR $3 THEN c.note END AS note,
    {media.photos_sql("wish_claim", "c.id", "$2")} AS photos,
    $4 OR $2 IN (c.resident_id, c.assistant_id) AS whole
FROM wish_claims c JOIN residents r ON r.id = c.resident_id LEFT JOIN units u ON u.id = c.unit_id
LEFT JOIN wish_contacts k ON k.wish_id = c.wish_id
WHERE c.wish_id = $1
    AND ($4 OR $2 IN (c.resident_id, c.assistant_id) OR c.unit_id IS NOT NULL AND c.state <> 'released')
ORDER BY c.id DESC LIMIT 100
"""
STATEMENTS = """
SELECT s.id, s.side, s.author_id = $2 AS mine, s.moderation, s.created_at,
    CASE WHEN s.moderation = 'passed' OR s.author_id = $2 OR $3 THEN s.body END AS body
FROM wish_statements s WHERE s.wish_id = $1 ORDER BY s.id DESC LIMIT 100
"""


async def visible(actor: Actor, narrowed: str, *values: Any) -> list[Wish]:
    """The one door: the wishes the actor may see, narrowed by SQL whose values count from $3."""
    found = await db.rows(SEEN + narrowed, actor.id, actor.serves(Role.COMMITTEE), *values)
    return [_wish(actor, line) for line in found]


async def find(actor: Actor, wish_id: int) -> Wish:
    """One wish that the actor may see; before it is approved only the wisher's side and the committee. NotFound."""
    found = await visible(actor, "AND w.id = $3", wish_id)
    if not found:
        raise NotFound("没有找到这个心愿", "No such wish")
    return found[0]


async def listed(
    actor: Actor,
    *,
    community_id: int | None = None,
    state: WishState | None = None,
    kind: WishKind | None = None,
    mine: bool = False,
    claimed_by_me: bool = False,
    needed_before: date | None = None,
    sort: WishSort = WishSort.NEW,
    page: Page,
) -> Listed[Wish]:
    """Wishes, newest first, or those with a day by the day, nearest first."""
    by_day = sort is WishSort.NEEDED_BY
    narrowed, values = where(
        3,
        ("w.community_id = {}", community_id),
        ("w.state = {}", state),
        ("w.kind = {}", kind),
        ("w.needed_by <= {}", needed_before),
        ("w.id < {}", page.after[0] if page.after and not by_day else None),
        (
            "(w.needed_by, w.id) > (DATE '2000-01-01' + {}::int, {})",
            *(page.after if page.after and by_day else (None, None)),
        ),
    )
    narrowed += (MINE if mine else "") + (CLAIMED_BY_ME if claimed_by_me else "")
    order = " AND w.needed_by IS NOT NULL ORDER BY w.needed_by, w.id" if by_day else " ORDER BY w.id DESC"
    found = await visible(actor, f"{narrowed}{order} LIMIT {page.limit + 1}", *values)
    return cut(found, page, by=("needed_day", "id") if by_day else ("id",))


@dataclass(frozen=True)
class UnitSeen:
    """A unit that claims; its name may be shown."""

    id: int
    kind: str
    name: str


@dataclass(frozen=True)
class ClaimSeen:
    """A claim, for those concerned. `contact_shared`: its holder may read how to reach the wisher now."""

    id: int
    resident_id: int
    nickname: str
    assistant_id: int | None
    unit: UnitSeen | None
    state: WishClaimState
    due_at: datetime
    extension_days: int | None
    extended: bool
    upheld: bool
    contact_shared: bool
    note: str | None
    moderation: Moderation
    photos: list[Photo]


@dataclass(frozen=True)
class StatementSeen:
    """What a side said in a dispute, without the name of who said it."""

    id: int
    side: Side
    mine: bool
    body: str | None
    moderation: Moderation
    created_at: datetime


@dataclass(frozen=True)
class WishDetail:
    """A wish with the claims the actor may know of, the thanks if they are his to read, and its public history.

    The needs it was made from carry their author's name, so only those who may know the wisher see them. The ground
    it was attested on is the committee's.
    """

    wish: Wish
    need_ids: list[int]
    units: list[UnitSeen]
    claims: list[ClaimSeen]
    thanks: str | None
    ground: str | None
    contact_consent: ContactConsent | None
    outcome: Outcome | None
    statements: list[StatementSeen]
    timeline: list[TimelineItem]


async def detail(actor: Actor, wish_id: int) -> WishDetail:
    """One wish with what is the actor's to know. Raises NotFound."""
    wish = await find(actor, wish_id)
    staff, concerned = actor.is_staff(wish.community_id), policies.is_concerned(actor, wish)
    found = await db.rows(CLAIMS, wish.id, actor.id, staff, policies.sees_all_claims(actor, wish))
    passed = wish.thanks_moderation is Moderation.PASSED
    thanks_shown = (wish.thanks_public and passed) or (
        concerned and (passed or staff or policies.speaks_for(actor, wish))
    )
    timeline = await events.timeline(actor, wish)
    return WishDetail(
        wish,
        (await needs.links_of(Wish.noun(), [wish.id])).get(wish.id, []) if concerned else [],
        [_unit(line) for line in found if line["unit_shown"] and line["state"] != WishClaimState.RELEASED],
        [_claim(line) for line in found if line["whole"]],
        wish.thanks if thanks_shown else None,
        wish.attested_ground if actor.is_committee(wish.community_id) else None,
        await _contact_consent(wish) if concerned else None,
        wish.outcome if concerned else None,
        await _statements(actor, wish, staff) if concerned and wish.disputed_at else [],
        timeline if concerned else [replace(line, reason=None) for line in timeline],
    )


def _wish(actor: Actor, found: dict[str, Any]) -> Wish:
    """The wish as the actor may see it: to all but the wisher's side and the committee its maker's name is masked.

    Whoever has claimed it keeps sight of it, but not of words that are not shown.
    """
    wish = Wish._init_from_db(**found)
    wish.free_slots, wish.claimed_by_me = found["free_slots"], found["claimed_by_me"]
    wish.photos = media.read_photos(found["photos"])
    if not policies.reads_words(actor, wish):
        wish.title, wish.body, wish.photos = "微心愿", "", []
    known = policies.knows_the_wisher(actor, wish)
    wish.wisher_name = found["nickname"] if known else residents.masked(found["nickname"])
    wish.wisher_id = wish.author_id if known else None
    return wish


def _claim(line: dict[str, Any]) -> ClaimSeen:
    shown = {name: value for name, value in line.items() if name != "whole" and not name.startswith("unit_")}
    read = {
        "unit": _unit(line) if line["unit_id"] is not None else None,
        "state": WishClaimState(line["state"]),
        "moderation": Moderation(line["moderation"]),
        "photos": media.read_photos(line["photos"]),
    }
    return ClaimSeen(**shown | read)


def _unit(line: dict[str, Any]) -> UnitSeen:
    return UnitSeen(line["unit_id"], line["unit_kind"], line["unit_name"])


async def _contact_consent(wish: Wish) -> ContactConsent | None:
    found = await db.value("SELECT consent FROM wish_contacts WHERE wish_id = $1 AND withdrawn_at IS NULL", wish.id)
    return ContactConsent(found) if found else None


async def _statements(actor: Actor, wish: Wish, staff: bool) -> list[StatementSeen]:
    return [
        StatementSeen(**line | {"side": Side(line["side"]), "moderation": Moderation(line["moderation"])})
        for line in await db.rows(STATEMENTS, wish.id, actor.id, staff)
    ]
