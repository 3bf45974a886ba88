"""Whom to call: residents without WeChat who have notices nobody has told them, for those who serve where they live."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import db
from app.core.crypto import Keys
from app.core.db import atomic
from app.core.errors import NotFound
from app.core.pages import Listed, Page, cut
from models.residents import Resident
from services import events, places, residents
from services.notifications.notices import in_words, passed_reasons
from services.notifications.quoting import Told, as_shown
from services.policies import Actor, require
from services.policies import residents as policies

NOTICES_PER_CALL = 20

CALLS = f"""
SELECT r.id AS resident_id, r.nickname, r.name_sealed, r.phone_sealed, b.name AS building, h.unit, h.room,
    said.through_id, said.notices
FROM memberships m
JOIN residents r ON r.id = m.resident_id AND r.openid IS NULL
JOIN households h ON h.id = m.household_id
JOIN places b ON b.id = h.building_id
JOIN LATERAL (
    SELECT max(n.id) AS through_id, json_agg(json_build_object(
        'id', n.id, 'kind', n.kind, 'params', n.params, 'created_at', n.created_at,
        'subject_kind', n.subject_kind, 'subject_id', n.subject_id) ORDER BY n.id) AS notices
    FROM (SELECT * FROM notices WHERE resident_id = r.id AND read_at IS NULL ORDER BY id LIMIT {NOTICES_PER_CALL}) n
) said ON said.notices IS NOT NULL
WHERE m.community_id = $1 AND m.until_at IS NULL
    AND EXISTS (SELECT 1 FROM unnest($2::text[]) AS served WHERE starts_with(b.path, served))
    AND ($3::bigint IS NULL OR r.id < $3)
ORDER BY r.id DESC LIMIT $4
"""
TO_CALL = """
SELECT r.id FROM residents r JOIN memberships m ON m.resident_id = r.id AND m.until_at IS NULL
JOIN households h ON h.id = m.household_id JOIN places b ON b.id = h.building_id
WHERE r.id = $1 AND r.openid IS NULL AND m.community_id = $2
    AND EXISTS (SELECT 1 FROM unnest($3::text[]) AS served WHERE starts_with(b.path, served))
"""


@dataclass(frozen=True)
class CallLine:
    """One thing to tell."""

    id: int
    zh: str
    en: str
    created_at: datetime


@dataclass(frozen=True)
class Call:
    """One person to call, by full name, with his oldest untold notices; `through_id` is the last of them."""

    resident_id: int
    name: str
    phone: str | None
    building: str
    unit: str
    room: str
    through_id: int
    notices: list[CallLine]


@dataclass(frozen=True)
class Called:
    """Somebody who was called (`id`), and how many notices he has not been told yet."""

    id: int
    unread: int


@atomic()
async def call_list(actor: Actor, community_id: int, *, page: Page, secret: Keys) -> Listed[Call]:
    """Whom the actor may call in a community, with what to tell. That he has read it, and of whom, is recorded.

    Raises NotFound, Forbidden for who does not serve there.
    """
    community = await places.find_community(community_id)
    require(actor.is_staff(community_id), "只有本社区的工作人员可以查看", "Only the community's staff may read this")
    served, after = policies.serves_at(actor), page.after[0] if page.after else None
    found = await db.rows(CALLS, community_id, served, after, page.limit + 1)
    for line in found:
        line["notices"] = json.loads(line["notices"])
    told = [(line["resident_id"], one) for line in found for one in line["notices"]]
    quoted = await as_shown([Told(who, one["subject_kind"], one["subject_id"], one["params"]) for who, one in told])
    for (_, one), params in zip(told, quoted, strict=True):
        one["params"] = params
    reasons = await passed_reasons(one["params"].get("reason_id") for line in found for one in line["notices"])
    listed = cut([_call(line, reasons, secret) for line in found], page, by=("resident_id",))
    await events.record(actor, "call_list.read", community, resident_ids=[call.resident_id for call in listed.items])
    return listed


@atomic()
async def called(actor: Actor, community_id: int, resident_id: int, *, through_id: int | None = None) -> Called:
    """Note that somebody was told his notices, those up to `through_id` where it is given.

    Raises NotFound for whom the actor does not serve, Forbidden.
    """
    resident = await _to_call(actor, community_id, resident_id)
    told = await db.execute(
        "UPDATE notices SET read_at = clock_now() "
        "WHERE resident_id = $1 AND read_at IS NULL AND ($2::bigint IS NULL OR id <= $2)",
        resident.id,
        through_id,
    )
    await events.record(actor, "call_list.called", resident, told=told, through_id=through_id)
    return Called(resident.id, await _unread(resident.id))


async def find_call(actor: Actor, community_id: int, resident_id: int) -> Called:
    """How many notices somebody the actor serves has not been told. Raises NotFound, Forbidden."""
    resident = await _to_call(actor, community_id, resident_id)
    return Called(resident.id, await _unread(resident.id))


async def _to_call(actor: Actor, community_id: int, resident_id: int) -> Resident:
    await places.find_community(community_id)
    require(actor.is_staff(community_id), "只有本社区的工作人员可以操作", "Only the community's staff may do this")
    if not await db.value(TO_CALL, resident_id, community_id, policies.serves_at(actor)):
        raise NotFound("没有找到这位居民", "No such resident")
    return await Resident.get(id=resident_id)


async def _unread(resident_id: int) -> int:
    return int(await db.value("SELECT count(*) FROM notices WHERE resident_id = $1 AND read_at IS NULL", resident_id))


def _call(found: dict[str, Any], reasons: Mapping[int, str], secret: Keys) -> Call:
    return Call(
        resident_id=found["resident_id"],
        name=residents.full_name(found, secret),
        phone=residents.phone(found, secret),
        building=found["building"],
        unit=found["unit"],
        room=found["room"],
        through_id=found["through_id"],
        notices=[_line(notice, reasons) for notice in found["notices"]],
    )


def _line(notice: dict[str, Any], reasons: Mapping[int, str]) -> CallLine:
    zh, en = in_words(notice["kind"], notice["params"], reasons)
    return CallLine(notice["id"], zh, en, datetime.fromisoformat(notice["created_at"]))
