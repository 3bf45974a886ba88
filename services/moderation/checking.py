"""WeChat is asked, at once by the request that wrote the words, then by the worker; its advice is followed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from app.core import db, logs
from app.core.db import atomic
from app.core.errors import InvalidState
from app.gateways.errors import WxBadArgument, WxError, WxInactive
from app.gateways.wechat import Scene, Suggest, Verdict, Wechat
from models.base import Moderation, Record
from models.moderation import Check, CheckState, Why
from services import events
from services.due import one_by_one
from services.moderation import texts
from services.rules.pieces import pieces

log = structlog.stdlib.get_logger("linli.moderation")

AT_ONCE_S = 2.0
DUE_AT_ONCE, PATIENCE_S = 20, 10.0
TRIES_MAX = 8  # within an hour and a half, as WeChat judges only in the name of who was there within two
GRAVITY = [Suggest.PASS, Suggest.REVIEW, Suggest.RISKY]
FOLLOWED = {
    Suggest.PASS: CheckState.PASSED,
    Suggest.REVIEW: CheckState.QUEUED,
    Suggest.RISKY: CheckState.HIDDEN,
}

# Whoever takes a check has until `next_try_at`, longer than his patience; if he dies, it is taken again then.
TAKE = f"""
UPDATE checks SET tries = tries + 1,
    next_try_at = clock_now() + greatest(least(5 * 3 ^ tries, 3600), {PATIENCE_S + 5}) * interval '1 second'
WHERE id = $1 AND state = 'pending' AND (tries = 0 OR next_try_at <= clock_now())
RETURNING id
"""


@dataclass(frozen=True)
class Advice:
    """What WeChat says about a whole text: the gravest of its pieces' verdicts, and the trace ids of all asked."""

    verdict: Verdict
    trace_ids: list[str]


async def check_now(wechat: Wechat, check_ids: Sequence[int]) -> None:
    """Check what has just been written, 2 s for all; what cannot be checked now the worker checks. Calls WeChat.

    Never raises: what was written is committed, and its check is owed.
    """
    ends_at = asyncio.get_running_loop().time() + AT_ONCE_S
    try:
        for check_id in check_ids:
            await _check(wechat, check_id, ends_at)
    except (WxError, TimeoutError) as error:
        log.warning("text_not_checked", error=type(error).__name__)
    except Exception as error:
        log.error("text_not_checked", **logs.about(error))


async def check_due(wechat: Wechat) -> None:
    """Check what could not be checked before, at most 20; after the last try a human looks. Calls WeChat."""
    due = await db.rows(
        "SELECT id FROM checks WHERE state = 'pending' AND next_try_at <= clock_now() "
        f"ORDER BY next_try_at LIMIT {DUE_AT_ONCE}"
    )
    loop = asyncio.get_running_loop()
    await one_by_one((line["id"] for line in due), lambda id_: _check(wechat, id_, loop.time() + PATIENCE_S))


@atomic()
async def trust(kind: str, subject_id: int) -> None:
    """Pass without a check what the installation itself wrote: seeds."""
    check = await Check.get(subject_kind=kind, subject_id=subject_id, state=CheckState.PENDING)
    await settle(check, CheckState.PASSED)


async def drop(subject: Record) -> None:
    """Owe no check any more of something that a human has decided about elsewhere."""
    await Check.filter(
        subject_kind=subject.noun(), subject_id=subject.id, state__in=(CheckState.PENDING, CheckState.QUEUED)
    ).update(state=CheckState.REPLACED)


async def settle(check: Check, state: CheckState, **columns: object) -> None:
    """Decide a check, and show or hide the words with it. Raises InvalidState when it was decided meanwhile."""
    await check.move_to(state, **columns)
    await texts.show(check.subject_kind, check.subject_id, Moderation(state.value))


async def _check(wechat: Wechat, check_id: int, ends_at: float) -> None:
    """Ask about one check, by the loop's time `ends_at`.

    Raises WxError or TimeoutError when nobody could be asked; after the last try, whatever failed, a human looks.
    """
    if await db.value(TAKE, check_id) is None:
        return
    check = await Check.get(id=check_id).select_related("speaker")
    if check.speaker.openid is None:
        await _queue(check, Why.NO_OPENID)
        return
    words = (await texts.words(check.subject_kind, [check.subject_id]))[check.subject_id]
    scene = texts.KINDS[check.subject_kind].scene
    try:
        async with asyncio.timeout_at(ends_at):
            advice = await _ask(wechat, check.speaker.openid, scene, pieces("\n".join(words)))
        await _follow(check, advice)
    except WxInactive:
        await _queue(check, Why.INACTIVE)
    except WxBadArgument:
        await _queue(check, Why.REFUSED)
    except Exception:
        if check.tries >= TRIES_MAX:
            await _queue(check, Why.UNREACHABLE)
        raise


async def _ask(wechat: Wechat, openid: str, scene: Scene, parts: Sequence[str]) -> Advice:
    gravest, trace_ids = Verdict(Suggest.PASS, 100, ""), []
    for part in parts:
        verdict = await wechat.check_text(openid, scene, part)
        trace_ids.append(verdict.trace_id)
        if GRAVITY.index(verdict.suggest) >= GRAVITY.index(gravest.suggest):
            gravest = verdict
    return Advice(gravest, trace_ids)


@atomic()
async def _follow(check: Check, advice: Advice) -> None:
    state = FOLLOWED[advice.verdict.suggest]
    said = {"suggest": advice.verdict.suggest.value, "label": advice.verdict.label, "trace_ids": advice.trace_ids}
    await _settle_by_machine(check, state, **said, why=Why.REVIEW if state is CheckState.QUEUED else None)


@atomic()
async def _queue(check: Check, why: Why) -> None:
    await _settle_by_machine(check, CheckState.QUEUED, why=why)


async def _settle_by_machine(check: Check, state: CheckState, **columns: object) -> None:
    try:
        await settle(check, state, **columns)
    except InvalidState:
        return  # another was faster, or other words have taken the place of these
    if state is CheckState.HIDDEN:
        await events.record(None, "check.hidden", check, label=check.label)
    elif state is CheckState.QUEUED:
        await events.record(None, "check.queued", check, why=check.why)
