"""WeChat's check of a picture: asked for by one worker, answered by a push, and ended in any case.

What nobody could judge waits for a human. Nothing is shown because something failed.
"""

from functools import partial

import structlog

from app.core import db
from app.gateways.errors import WxBadArgument, WxError, WxInactive, WxMisconfigured, WxRefused
from app.gateways.wechat import Scene, Suggest, Wechat
from models.base import Moderation
from models.media import Media, Purpose
from models.moderation import Why
from services.due import one_by_one
from services.media.links import signed_url
from services.media.settling import due_checks, settle

log = structlog.stdlib.get_logger("linli.media")

TRIES_MAX = 10
ANSWERED_WITHIN_MIN = 35  # WeChat promises 30
ADDRESS_HOURS = 1
OF_NO_USE = {WxInactive: Why.INACTIVE, WxBadArgument: Why.REFUSED, WxRefused: Why.REFUSED}
"""Asking again would be refused again."""
SCENES = {Purpose.AVATAR: Scene.PROFILE}
VERDICTS = {Suggest.PASS: Moderation.PASSED, Suggest.RISKY: Moderation.HIDDEN, Suggest.REVIEW: Moderation.QUEUED}

# Taken for longer than a call lasts before WeChat is asked, so that no two ask at once and a failure waits its turn.
TAKE = """
UPDATE media SET check_tries = check_tries + 1, next_check_at = clock_now()
    + (ARRAY[30, 60, 180, 600, 1800, 3600])[least(check_tries, 5) + 1] * interval '1 second'
WHERE id = $1 AND moderation = 'checking' AND next_check_at <= clock_now() RETURNING id
"""
ASKED = f"""
UPDATE media SET trace_id = $2, check_sent_at = clock_now(),
    next_check_at = clock_now() + interval '{ANSWERED_WITHIN_MIN} minutes'
WHERE id = $1 AND moderation = 'checking'
"""


async def check(wechat: Wechat, media_id: int) -> None:
    """Ask WeChat about a picture, if that is due and nobody else is at it.

    One that WeChat will not judge, has been asked about ten times in vain, or has not answered for within 35 minutes,
    is given to a human.
    """
    if not await db.value(TAKE, media_id):
        return
    media = await Media.get(id=media_id).select_related("uploader")
    openid = media.uploader.openid
    if openid is None:
        await settle(media_id, Moderation.QUEUED, why=Why.NO_OPENID)
        return
    if media.check_sent_at is not None or media.check_tries > TRIES_MAX:
        await settle(media_id, Moderation.QUEUED, why=Why.UNREACHABLE)
        return
    try:
        url = signed_url(media_id, ADDRESS_HOURS)
        trace_id = await wechat.check_picture(openid, SCENES.get(media.purpose, Scene.FORUM), url)
    except tuple(OF_NO_USE) as error:
        log.info("picture_not_judged", media=media_id, error=type(error).__name__, errcode=error.errcode)
        await settle(media_id, Moderation.QUEUED, why=OF_NO_USE[type(error)])
    except WxError as error:
        say = log.error if isinstance(error, WxMisconfigured) else log.warning
        say("picture_not_asked_about", media=media_id, error=type(error).__name__, errcode=error.errcode)
    else:
        await db.execute(ASKED, media_id, trace_id)


async def check_due(wechat: Wechat) -> None:
    """Ask about the pictures that are due, and end the checks that were never answered."""
    await one_by_one([media.id for media in await due_checks()], partial(check, wechat))


async def heard_verdict(trace_id: str, suggest: str | None, label: int | None) -> bool:
    """Take in what WeChat pushed about a picture; without advice a human looks. False when the trace id is unknown.

    That may be because the push has overtaken the reply that brings the trace id.
    """
    media = await Media.get_or_none(trace_id=trace_id)
    if media is None:
        return False
    if suggest is None:
        await settle(media.id, Moderation.QUEUED, why=Why.REFUSED)
    else:
        await settle(media.id, VERDICTS[Suggest(suggest)], label=label)
    return True
