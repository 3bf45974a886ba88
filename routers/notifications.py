"""Messages through WeChat, how one wants to be told, and whom to call."""

from functools import partial
from typing import Any

from fastapi import Response
from fastapi.responses import HTMLResponse

from app.core import clock
from app.core.pages import Page
from models.notifications import MessageTemplate
from routers.deps import CurrentActor, InEnglish, OnlyOnce, ThePaging, TheSettings
from routers.house import make_router
from routers.schemas.base import PageOf, PathId
from routers.schemas.notifications import (
    CalledIn,
    CalledOut,
    CallLineOut,
    CallOut,
    CreditsOut,
    PreferencesIn,
    PreferencesOut,
    SubscriptionOut,
    SubscriptionsIn,
)
from services import notifications, places
from services.notifications import Balance, Call, Preferences, Subscription

PRINTED_AT_ONCE = 200
PRIVATE = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}

messages = make_router("/me", "messages")
calls = make_router("/communities", "call lists")


@messages.get("/subscriptions", response_model=list[SubscriptionOut])
async def list_subscriptions(actor: CurrentActor, config: TheSettings) -> list[Subscription]:
    """The message templates to ask for, and how many messages of each one has agreed to."""
    return await notifications.subscriptions(actor, config.template_id)


@messages.post("/subscriptions", response_model=CreditsOut)
async def report_subscriptions(
    actor: CurrentActor, only_once: OnlyOnce, config: TheSettings, asked: SubscriptionsIn
) -> Balance:
    """Report what wx.requestSubscribeMessage answered: each accept lets one message of that template be sent."""
    effect = partial(notifications.report, actor, asked.results, config.template_id)
    return await only_once(effect, lambda resident_id: notifications.balance(resident_id, config.template_id))


@messages.get("/notice-preferences", response_model=PreferencesOut)
async def get_preferences(actor: CurrentActor) -> PreferencesOut:
    """How one wants to be told."""
    return _preferences(await notifications.preferences(actor))


@messages.put("/notice-preferences", response_model=PreferencesOut)
async def update_preferences(actor: CurrentActor, asked: PreferencesIn) -> PreferencesOut:
    """Replace the wishes named: templates, quiet nights (22:00–07:00), the digest of 18:00."""
    enabled = asked.templates | ({} if asked.digest is None else {MessageTemplate.DIGEST: asked.digest})
    return _preferences(await notifications.update_preferences(actor, quiet=asked.quiet, enabled=enabled))


@calls.get("/{community_id}/call-list", response_model=PageOf[CallOut])
async def list_calls(
    actor: CurrentActor,
    community_id: PathId,
    config: TheSettings,
    paging: ThePaging,
    in_english: InEnglish,
    response: Response,
) -> dict[str, Any]:
    """Residents without WeChat who have notices to be told; for staff, where they serve. Each reading is recorded."""
    response.headers["Cache-Control"] = "no-store"
    secret = config.keys
    listed = await notifications.call_list(actor, community_id, page=paging.page, secret=secret)
    return paging.of(listed.map(lambda call: _call(call, in_english)))


@calls.get("/{community_id}/call-list.html", response_class=HTMLResponse)
async def print_calls(actor: CurrentActor, community_id: PathId, config: TheSettings) -> HTMLResponse:
    """The same on paper: a page to print on A4, at most 200 people at once. Each reading is recorded."""
    secret = config.keys
    listed = await notifications.call_list(actor, community_id, page=Page(PRINTED_AT_ONCE), secret=secret)
    community = await places.find_community(community_id)
    more = listed.after is not None
    page = notifications.call_page(community.name, listed.items, at=await clock.now(), more=more)
    return HTMLResponse(page, headers=PRIVATE)


@calls.post("/{community_id}/call-list/{resident_id}/called", response_model=CalledOut)
async def mark_called(
    actor: CurrentActor,
    only_once: OnlyOnce,
    community_id: PathId,
    resident_id: PathId,
    asked: CalledIn | None = None,
) -> Any:
    """Note that somebody was called and told his notices."""
    through_id = asked.through_id if asked else None
    effect = partial(notifications.called, actor, community_id, resident_id, through_id=through_id)
    return await only_once(effect, partial(notifications.find_call, actor, community_id))


def _preferences(kept: Preferences) -> PreferencesOut:
    names = [name for name in MessageTemplate if name is not MessageTemplate.DIGEST]
    return PreferencesOut(
        templates={name: kept.wants(name) for name in names},
        quiet=kept.quiet,
        digest=kept.wants(MessageTemplate.DIGEST),
    )


def _call(call: Call, in_english: bool) -> CallOut:
    lines = [CallLineOut.of(line, text=line.en if in_english else line.zh) for line in call.notices]
    return CallOut.of(call, notices=lines)
