"""Who is asking: logins by WeChat, sessions, and the actor behind a token."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import db, tokens
from app.core.db import atomic
from app.core.errors import NotFound
from app.gateways.wechat import Wechat
from models.residents import (
    Resident,
    Role,
    Session,
)
from services.policies import Actor, Grant
from services.residents.ages import IS_CHILD

SESSION_DAYS, SESSION_DAYS_MAX = 30, 90


@dataclass(frozen=True)
class Login:
    """A fresh session: the token is told once and never kept."""

    token: str
    expires_at: datetime
    actor: Actor


async def log_in(wechat: Wechat, code: str) -> Login:
    """Open a session for whoever WeChat says the code belongs to; a newcomer becomes a resident. Calls WeChat."""
    identity = await wechat.code_to_session(code)
    return await open_session(identity.openid, identity.unionid)


@atomic()
async def open_session(openid: str, unionid: str | None = None) -> Login:
    """Open a session for an openid that has been proved; sliding 30 days, absolute 90."""
    resident = await enrol(openid, unionid)
    token = tokens.new_token()
    expires_at: datetime = await db.value(
        "INSERT INTO sessions (resident_id, token_hash, expires_at, ends_at) "
        "VALUES ($1, $2, clock_now() + $3 * interval '1 day', clock_now() + $4 * interval '1 day') "
        "RETURNING expires_at",
        resident.id,
        tokens.token_hash(token),
        SESSION_DAYS,
        SESSION_DAYS_MAX,
    )
    actor = await actor_by_token(token)
    assert actor is not None  # noqa: S101 - just made
    return Login(token, expires_at, actor)


async def enrol(openid: str, unionid: str | None = None) -> Resident:
    """The resident of an openid, made if new."""
    await db.execute(
        "INSERT INTO residents (openid, unionid, nickname, suspended) VALUES ($1, $2, $3, false) "
        "ON CONFLICT (openid) DO UPDATE SET unionid = coalesce(excluded.unionid, residents.unionid)",
        openid,
        unionid,
        "微信用户",
    )
    return await Resident.get(openid=openid)


async def log_out(actor: Actor) -> None:
    """End the session the actor came with; other devices stay logged in."""
    await Session.filter(id=actor.session_id).delete()


async def end_old_sessions() -> None:
    """Delete sessions that ended a day ago or earlier, at most 10,000."""
    await db.execute(
        "DELETE FROM sessions WHERE id IN "
        "(SELECT id FROM sessions WHERE expires_at < clock_now() - interval '1 day' LIMIT 10000)"
    )


ACTOR = """
SELECT r.id, r.nickname, r.openid, r.birth_year, r.suspended, m.household_id, m.community_id, b.path AS home_path,
    {child} AS child, CASE WHEN {child} THEN EXISTS (
        SELECT 1 FROM guardianships w WHERE w.child_id = r.id AND w.ended_at IS NULL) ELSE false END AS guarded,
    {session} coalesce((
        SELECT json_agg(json_build_object(
            'role', g.role, 'place_id', g.place_id, 'path', p.path, 'community_id', p.community_id,
            'communities', CASE
                WHEN p.kind = 'community' THEN json_build_array(p.id)
                WHEN p.kind IN ('street', 'district') THEN (
                    SELECT coalesce(json_agg(c.id), '[]'::json) FROM places c
                    WHERE c.kind = 'community' AND c.path LIKE p.path || '%')
                ELSE '[]'::json END))
        FROM role_grants g JOIN places p ON p.id = g.place_id
        WHERE g.resident_id = r.id AND g.from_at <= clock_now() AND (g.until_at IS NULL OR g.until_at > clock_now())
    ), '[]'::json) AS grants
FROM {origin}
LEFT JOIN memberships m ON m.resident_id = r.id AND m.until_at IS NULL
LEFT JOIN households h ON h.id = m.household_id LEFT JOIN places b ON b.id = h.building_id
WHERE {condition}
"""
ACTOR_BY_TOKEN = ACTOR.format(
    child=IS_CHILD,
    session="s.id AS session_id, s.expires_at < clock_now() + interval '29 days' AS slide,",
    origin="sessions s JOIN residents r ON r.id = s.resident_id",
    condition="s.token_hash = $1 AND s.expires_at > clock_now()",
)
ACTOR_BY_ID = ACTOR.format(
    child=IS_CHILD, session="NULL::bigint AS session_id,", origin="residents r", condition="r.id = $1"
)


async def actor_by_token(token: str) -> Actor | None:
    """Whoever holds the token, with his home and roles as they are now; None for a wrong or expired one."""
    found = await db.row(ACTOR_BY_TOKEN, tokens.token_hash(token))
    if found is None:
        return None
    if found.pop("slide"):
        await db.execute(
            "UPDATE sessions SET expires_at = least(ends_at, clock_now() + $2 * interval '1 day') WHERE id = $1",
            found["session_id"],
            SESSION_DAYS,
        )
    return _actor(found)


async def actor(resident_id: int) -> Actor:
    """A resident as an actor, for jobs, the command line and tests. Raises NotFound."""
    found = await db.row(ACTOR_BY_ID, resident_id)
    if found is None:
        raise NotFound("没有找到这位居民", "No such resident")
    return _actor(found)


def _actor(found: dict[str, Any]) -> Actor:
    raw = found.pop("grants")
    grants = tuple(
        Grant(
            role=Role(grant["role"]),
            place_id=grant["place_id"],
            path=grant["path"],
            community_id=grant["community_id"],
            communities=frozenset(grant["communities"]),
        )
        for grant in (json.loads(raw) if isinstance(raw, str) else raw)
    )
    return Actor(**found, grants=grants)
