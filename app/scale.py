"""`linli seed --scale N`: communities with N needs, people, endorsements and comments, by COPY, for benchmarks."""

import random
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from app.core import clock, db
from app.core.db import atomic
from models.needs import NeedField, NeedState, ServiceClass
from models.places import PlaceKind
from models.residents import Capacity
from services import places

FIELDS, CLASSES = list(NeedField), list(ServiceClass)
STATES = [NeedState.SUBMITTED, NeedState.ACCEPTED, NeedState.IN_PROGRESS]
WHAT = ["楼道灯", "电梯", "单元门", "健身器材", "井盖", "晾衣架", "花坛", "充电桩", "消防通道", "活动室"]
WRONG = ["坏了", "需要维修", "太旧了", "不够用", "晚上太暗", "希望增加一处"]
ENDORSEMENTS, PEOPLE_MAX = 3, 20_000
STREETS, COMMUNITIES, NEIGHBOURS = 8, 64, 100
BETWEEN = timedelta(minutes=1)


@atomic(limit_s=3600)
async def seed_scale(count: int) -> int:
    """Make `count` needs in a new community of their own; the community's id."""
    dice = random.Random(count)  # noqa: S311 - the same N gives the same neighbourhood
    community = await _community(dice, await _street(), count, max(10, min(count // 10, PEOPLE_MAX)), BETWEEN)
    await analyse()
    return community


@atomic(limit_s=3600)
async def seed_district(count: int, *, over: timedelta = timedelta(days=365)) -> int:
    """Make `count` needs in the 64 communities of a new district, raised over so long a time; the district's id."""
    dice = random.Random(count)  # noqa: S311 - the same N gives the same district
    number = await db.value("SELECT count(*) + 1 FROM places WHERE kind = 'district'")
    district = await places.add(None, parent_id=None, kind=PlaceKind.DISTRICT, name=f"规模区{number}")
    streets = [
        (await places.add(None, parent_id=district.id, kind=PlaceKind.STREET, name=f"第{n + 1}街道")).id
        for n in range(STREETS)
    ]
    for n in range(COMMUNITIES):
        share = count // COMMUNITIES + (n < count % COMMUNITIES)
        await _community(dice, streets[n % STREETS], share, NEIGHBOURS, over / max(1, share))
    await analyse()
    return int(district.id)


async def analyse() -> None:
    """Let the planner know what was copied in."""
    await db.execute(
        "ANALYZE residents, households, memberships, needs, need_words, need_pairs, endorsements, comments, "
        "figure_entries"
    )


async def _community(dice: random.Random, street: int, count: int, neighbours: int, between: timedelta) -> int:
    number = await db.value("SELECT count(*) + 1 FROM places WHERE parent_id = $1", street)
    community = await places.add(None, parent_id=street, kind=PlaceKind.COMMUNITY, name=f"规模社区{number}")
    building = await places.add(None, parent_id=community.id, kind=PlaceKind.BUILDING, name="1号楼")
    people = await settle(community.id, building.id, neighbours, f"scale-{community.id}")
    await _needs(dice, community.id, people, count, between)
    return int(community.id)


async def settle(community_id: int, building_id: int, count: int, prefix: str) -> list[int]:
    """Make `count` verified adult residents, each in a household of his own; their ids."""
    now = await clock.now()
    residents, households = await _ids("residents", count), await _ids("households", count)
    await _copy(
        "residents",
        ("id", "openid", "nickname", "birth_year", "suspended"),
        ((id_, f"{prefix}-{n}", f"邻居{n}", 1950 + n % 50, False) for n, id_ in enumerate(residents)),
    )
    await _copy(
        "households",
        ("id", "community_id", "building_id", "unit", "room", "area_cm2", "representative_id"),
        (
            (id_, community_id, building_id, "1", str(n), 600_000 + n % 90 * 10_000, residents[n])
            for n, id_ in enumerate(households)
        ),
    )
    await _copy(
        "memberships",
        ("community_id", "household_id", "resident_id", "capacity", "from_at"),
        ((community_id, households[n], id_, Capacity.OWNER.value, now) for n, id_ in enumerate(residents)),
    )
    return residents


async def _street() -> int:
    found = await db.value("SELECT s.id FROM places s WHERE s.kind = 'street' AND s.name = '规模街道'")
    if found is None:
        district = await places.add(None, parent_id=None, kind=PlaceKind.DISTRICT, name="规模区")
        found = (await places.add(None, parent_id=district.id, kind=PlaceKind.STREET, name="规模街道")).id
    return int(found)


async def _needs(dice: random.Random, community_id: int, people: list[int], count: int, between: timedelta) -> None:
    now = await clock.now()
    needs = await _ids("needs", count)
    authors = [dice.choice(people) for _ in needs]
    times = {id_: now - between * (count - n) for n, id_ in enumerate(needs)}
    await _copy(
        "needs",
        (
            "id",
            "created_at",
            "community_id",
            "author_id",
            "state",
            "moderation",
            "service_class",
            "field",
            "title",
            "body",
            "endorsements",
        ),
        (
            (
                id_,
                times[id_],
                community_id,
                authors[n],
                dice.choice(STATES).value,
                "passed",
                dice.choice(CLASSES).value,
                dice.choice(FIELDS).value,
                f"{n % 40 + 1}号楼{dice.choice(WHAT)}{dice.choice(WRONG)}",
                "住户反映已有一段时间，希望社区协调处理。" * dice.randint(1, 5),
                0,
            )
            for n, id_ in enumerate(needs)
        ),
    )
    supporters = {
        (id_, supporter)
        for n, id_ in enumerate(needs)
        for supporter in dice.sample(people, dice.randint(0, 2 * ENDORSEMENTS))
        if supporter != authors[n]
    }
    await _copy(
        "endorsements",
        ("created_at", "community_id", "need_id", "resident_id"),
        ((times[need_id], community_id, need_id, supporter) for need_id, supporter in sorted(supporters)),
    )
    await _copy(
        "comments",
        ("created_at", "community_id", "subject_kind", "subject_id", "author_id", "body", "moderation"),
        ((times[id_], community_id, "need", id_, dice.choice(people), "我家门口也是这样。", "passed") for id_ in needs),
    )


async def _ids(table: str, count: int) -> list[int]:
    found = await db.rows(f"SELECT nextval('{table}_id_seq') AS id FROM generate_series(1, $1)", count)
    return [line["id"] for line in found]


async def _copy(table: str, columns: Sequence[str], records: Iterable[tuple[Any, ...]]) -> None:
    await db.driver_connection().copy_records_to_table(table, columns=list(columns), records=records)
