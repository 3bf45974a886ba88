"""Two accounts of one person: somebody on record begins to use WeChat, or his telephone outlives an account.

Each needs the person himself and, apart from him, the committee.
"""

from app.core import crypto, db
from app.core.crypto import Keys
from app.core.db import atomic
from app.core.errors import Conflict, Forbidden, Invalid, InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from app.gateways.wechat import Wechat
from models.homes import AlreadyActive, PhoneMove, RequestState, ResidentLink
from models.residents import PhoneTaken, Resident
from services import events
from services.policies import Actor, require
from services.policies import residents as policies
from services.residents.phones import bind, plain

HOME = """
SELECT m.community_id FROM memberships m WHERE m.resident_id = $1 ORDER BY m.until_at IS NOT NULL, m.id DESC LIMIT 1
"""
# WeChat's name for him goes over to the person on record, and with it where he is logged in,
# what he was told and where he said he lives. Consents are given anew by whoever one is now.
GO_OVER = (
    "UPDATE residents SET openid = NULL, unionid = NULL, phone_sealed = NULL, phone_index = NULL WHERE id = $1",
    "UPDATE residents SET openid = $2, unionid = $3 WHERE id = $1",
    "UPDATE sessions SET resident_id = $2 WHERE resident_id = $1",
    "UPDATE notices SET resident_id = $2 WHERE resident_id = $1",
    "UPDATE deliveries SET resident_id = $2 WHERE resident_id = $1",
    "UPDATE household_claims SET resident_id = $2 WHERE resident_id = $1",
)


class StillPhoneless(Conflict):
    code = "already_uses_wechat"
    zh = "这位居民已在使用微信登录，不能合并"
    en = "This resident uses WeChat already"


class PhoneFree(Conflict):
    code, zh, en = "phone_free", "这个手机号没有绑定其他账号，可以直接绑定", "No other account has this number; bind it"


async def bind_phone(wechat: Wechat, actor: Actor, code: str, *, secret: Keys) -> None:
    """Keep the number behind a phone code of the actor's own, in place of the one before. Calls WeChat.

    Where somebody on record without WeChat has that number the committee is asked whether it is he; to the actor that
    looks like any other number that is taken. Raises WxBadCode, WxUnavailable, PhoneTaken.
    """
    if actor.openid is None:
        raise Forbidden("请用微信登录后再绑定手机号", "Log in with WeChat to bind a phone")
    number = await wechat.phone_number(code, actor.openid)
    try:
        await bind(actor, number, secret)
    except PhoneTaken:
        await _match(actor, number, secret)
        raise


@atomic()
async def _match(actor: Actor, number: str, secret: Keys) -> None:
    keys = [key for key in (secret.index, secret.index_before) if key is not None]
    indexes = [crypto.index(key, plain(number), table="residents", column="phone") for key in keys]
    made = await db.value(MATCH, actor.id, indexes)
    if made is not None:
        link = await ResidentLink.get(id=made)
        await events.record(None, "resident_link.matched", link, recorded_id=link.recorded_id)


# Once for each two: what the committee has declined a number does not ask again.
MATCH = f"""
INSERT INTO resident_links (community_id, recorded_id, newcomer_id, state)
SELECT home.community_id, r.id, $1, 'pending' FROM residents r CROSS JOIN LATERAL ({HOME.replace("$1", "r.id")}) home
WHERE r.phone_index = ANY($2::bytea[]) AND r.openid IS NULL AND r.id <> $1 AND NOT has_traces($1)
    AND NOT EXISTS (SELECT 1 FROM resident_links l WHERE (l.recorded_id, l.newcomer_id) = (r.id, $1))
ON CONFLICT DO NOTHING RETURNING id
"""


@atomic()
async def ask_to_link(actor: Actor, recorded_id: int, *, newcomer_id: int) -> ResidentLink:
    """Say, as the committee, that a new account belongs to somebody on record; he confirms it himself.

    Raises NotFound, Forbidden, StillPhoneless, AlreadyActive, AlreadyExists.
    """
    recorded = await Resident.get_or_none(id=recorded_id)
    community_id = await db.value(HOME, recorded_id)
    if recorded is None or community_id is None or not actor.is_staff(community_id):
        raise NotFound("没有找到这位居民", "No such resident")
    require(actor.is_committee(community_id), "只有居委会可以合并记录", "Only the committee links records")
    newcomer = await Resident.get_or_none(id=newcomer_id)
    if newcomer is None or newcomer.openid is None:
        raise NotFound("没有找到这个微信账号", "No such account")
    matched = await ResidentLink.get_or_none(
        recorded_id=recorded.id, newcomer_id=newcomer.id, state=RequestState.PENDING, asked_by_id=None
    )
    if matched is not None:
        return await _ask(actor, matched)
    await _require_linkable(recorded, newcomer)
    link = await ResidentLink.create(
        community_id=community_id, recorded_id=recorded.id, newcomer_id=newcomer.id, asked_by_id=actor.id
    )
    await events.record(actor, "resident_link.asked", link, recorded_id=recorded.id, newcomer_id=newcomer.id)
    return link


@atomic()
async def confirm_link(actor: Actor, link_id: int) -> ResidentLink:
    """Say that it is oneself: from now on one is the person on record, with his home and all he did.

    What a telephone number matched the committee confirms first; then he is asked. Raises NotFound, Forbidden,
    InvalidState, StillPhoneless, AlreadyActive.
    """
    link = await find_link(actor, link_id)
    if not link.asked:
        return await _ask(actor, link)
    require(link.newcomer_id == actor.id, "只有本人可以确认", "Only he himself confirms it")
    held = {
        one.id: one
        for one in await Resident.filter(id__in=(link.recorded_id, actor.id)).order_by("id").select_for_update()
    }
    recorded, newcomer = held[link.recorded_id], held[actor.id]
    await link.move_to(RequestState.CONFIRMED)
    await _require_linkable(recorded, newcomer)
    await db.execute(GO_OVER[0], newcomer.id)
    await db.execute(GO_OVER[1], recorded.id, newcomer.openid, newcomer.unionid)
    for moved in GO_OVER[2:]:
        await db.execute(moved, newcomer.id, recorded.id)
    await events.record(actor, "resident_link.confirmed", link, recorded_id=recorded.id, newcomer_id=newcomer.id)
    return link


@atomic()
async def decline_link(actor: Actor, link_id: int) -> ResidentLink:
    """Say that it is not oneself; the committee may take it back, too. Raises NotFound, InvalidState."""
    link = await find_link(actor, link_id)
    await link.move_to(RequestState.DECLINED)
    await events.record(actor, "resident_link.declined", link)
    return link


async def find_link(actor: Actor, link_id: int) -> ResidentLink:
    """A link asked for, for the person (once he was asked, and after) and the committee. Raises NotFound."""
    link = await ResidentLink.get_or_none(id=link_id)
    if link is None or not (
        (link.asked and actor.id in (link.newcomer_id, link.recorded_id)) or actor.is_committee(link.community_id)
    ):
        raise NotFound("没有找到这项请求", "No such request")
    return link


async def links(actor: Actor, *, community_id: int, page: Page) -> Listed[ResidentLink]:
    """The links asked for in a community, newest first; the committee. Raises Forbidden."""
    require(actor.is_committee(community_id))
    return await newest(ResidentLink.filter(community_id=community_id), page)


async def ask_to_move_phone(wechat: Wechat, actor: Actor, code: str, *, secret: Keys) -> PhoneMove:
    """Show by a phone code that one holds a number which a lost account still has. Calls WeChat.

    Raises WxBadCode, WxUnavailable, PhoneFree, PhoneTaken (by an account that lives nowhere, as oneself does),
    AlreadyExists.
    """
    if actor.openid is None:
        raise Invalid("请用微信登录后再申请", "Log in with WeChat first")
    number = await wechat.phone_number(code, actor.openid)
    return await _ask_to_move(actor, crypto.index(secret.index, plain(number), table="residents", column="phone"))


@atomic()
async def _ask_to_move(actor: Actor, index: bytes) -> PhoneMove:
    old = await Resident.get_or_none(phone_index=index)
    if old is None or old.id == actor.id:
        raise PhoneFree
    community_id = await db.value(HOME, old.id) or actor.community_id
    if community_id is None:
        raise PhoneTaken
    move = await PhoneMove.create(community_id=community_id, old_id=old.id, new_id=actor.id)
    await events.record(actor, "phone_move.asked", move, old_id=old.id, new_id=actor.id)
    return move


@atomic()
async def suspend(resident_id: int, *, suspended: bool) -> None:
    """Let an account only read, export and leave, or act again, as whoever runs the server may; its holder is told.

    For one that was stolen or is run by a program; who writes what must be hidden pauses by himself. Again changes
    nothing. Raises NotFound.
    """
    resident = await Resident.get_or_none(id=resident_id, left_at=None)
    if resident is None:
        raise NotFound("没有找到这位居民", "No such resident")
    if await Resident.filter(id=resident.id).exclude(suspended=suspended).update(suspended=suspended):
        await events.record(None, "resident.suspended" if suspended else "resident.reinstated", resident)


@atomic()
async def confirm_phone_move(actor: Actor, move_id: int) -> PhoneMove:
    """Take the number off the account that was lost, as a committee member; its holder then binds it.

    Raises NotFound, Forbidden, InvalidState.
    """
    move = await find_phone_move(actor, move_id)
    require(policies.may_decide_phone_move(actor, move))
    await move.move_to(RequestState.CONFIRMED, decided_by_id=actor.id)
    await db.execute("UPDATE residents SET phone_sealed = NULL, phone_index = NULL WHERE id = $1", move.old_id)
    await events.record(actor, "phone_move.confirmed", move, old_id=move.old_id, new_id=move.new_id)
    return move


@atomic()
async def decline_phone_move(actor: Actor, move_id: int, *, reason: str) -> PhoneMove:
    """Leave the number where it is, with a reason. Raises NotFound, Forbidden, InvalidState."""
    move = await find_phone_move(actor, move_id)
    require(policies.may_decide_phone_move(actor, move))
    await move.move_to(RequestState.DECLINED, decided_by_id=actor.id)
    await events.record(actor, "phone_move.declined", move, reason=reason)
    return move


async def find_phone_move(actor: Actor, move_id: int) -> PhoneMove:
    """A request, for whoever made it and the committee. Raises NotFound."""
    move = await PhoneMove.get_or_none(id=move_id)
    if move is None or not (actor.id == move.new_id or actor.is_committee(move.community_id)):
        raise NotFound("没有找到这项请求", "No such request")
    return move


async def phone_moves(actor: Actor, *, community_id: int, page: Page) -> Listed[PhoneMove]:
    """The requests of a community, newest first; the committee. Raises Forbidden."""
    require(actor.is_committee(community_id))
    return await newest(PhoneMove.filter(community_id=community_id), page)


async def _ask(actor: Actor, link: ResidentLink) -> ResidentLink:
    """Take up what a number has matched, as a committee member who is neither of the two."""
    require(
        actor.is_committee(link.community_id) and actor.id not in (link.recorded_id, link.newcomer_id),
        "只有居委会可以合并记录",
        "Only the committee links records",
    )
    await _require_linkable(await Resident.get(id=link.recorded_id), await Resident.get(id=link.newcomer_id))
    if not await ResidentLink.filter(id=link.id, state=RequestState.PENDING, asked_by_id=None).update(
        asked_by_id=actor.id
    ):
        raise InvalidState(link.state)
    asked = await ResidentLink.get(id=link.id)
    await events.record(
        actor, "resident_link.asked", asked, recorded_id=asked.recorded_id, newcomer_id=asked.newcomer_id
    )
    return asked


async def _require_linkable(recorded: Resident, newcomer: Resident) -> None:
    if recorded.openid is not None:
        raise StillPhoneless
    if await db.value("SELECT has_traces($1)", newcomer.id):
        raise AlreadyActive
