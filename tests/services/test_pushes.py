"""Pushes are kept before they are answered, once each, and handled afterwards."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core import clock, db
from app.core.embedded import free_port
from app.core.redis import open_redis
from app.core.settings import Settings
from app.gateways import wechat_push
from models.notifications import Delivery, MessageCredit
from models.pushes import Push
from models.residents import Resident
from services import notifications, pushes
from tests.conftest import as_owner
from tests.people import People
from tests.pushing import PATH, Pusher, answered, delivered, event, picture_checked, sha1
from tests.sandbox_process import SandboxProcess

MoveClock = Callable[[timedelta], Awaitable[None]]


@pytest.fixture
def wechat(sandbox: SandboxProcess) -> Pusher:
    return Pusher.of(sandbox.config)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was handed on; nothing is known of a trace id that begins with `unknown`."""
    handed: list[dict[str, Any]] = []

    async def take_in(push: Push) -> bool:
        handed.append(push.facts)
        if push.facts["trace_id"].startswith("broken"):
            raise RuntimeError("not today")
        return not push.facts["trace_id"].startswith("unknown")

    monkeypatch.setitem(pushes.HANDLERS, wechat_push.CHECKED, take_in)
    return handed


def said(trace_id: str, digest: bytes = b"d", signed: bytes = b"s") -> wechat_push.Push:
    facts = {"trace_id": trace_id, "suggest": "pass", "label": 100}
    return wechat_push.Push(wechat_push.CHECKED, "lin", facts, digest, signed)


async def kept() -> int:
    return await Push.all().count()


async def owed() -> int:
    return int(await db.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'handle_push'"))


async def past(by: timedelta) -> None:
    """What waits came that much earlier, and is due."""
    came_earlier = "UPDATE pushes SET due_at = clock_now(), created_at = created_at - $1::interval"
    await db.execute(f"{came_earlier} WHERE due_at IS NOT NULL", by)


# --- over HTTP --------------------------------------------------------------------------------------------------


async def test_the_address_is_proved_by_an_echo_and_nothing_else(anonymous: httpx.AsyncClient, wechat: Pusher) -> None:
    query = wechat.plain(b"").query | {"echostr": "4375120948345356249"}
    answer = await anonymous.get(PATH, params=query)
    assert (answer.status_code, answer.text) == (200, "4375120948345356249")
    assert answer.headers["content-type"].startswith("text/plain")
    refused = await anonymous.get(PATH, params=query | {"signature": sha1("guess")})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await anonymous.get(PATH)).status_code == 403


async def test_a_push_is_kept_and_owed_before_it_is_answered(anonymous: httpx.AsyncClient, wechat: Pusher) -> None:
    answer = await wechat.safe(picture_checked("t1", "risky", "20002")).to(anonymous)
    assert (answer.status_code, answer.text) == (200, "success")
    assert answer.headers["content-type"].startswith("text/plain")
    push = await Push.get()
    assert (push.event, push.openid) == ("wxa_media_check", "lin")
    assert push.facts == {"trace_id": "t1", "suggest": "risky", "label": 20002}
    assert await owed() == 1


async def test_a_forged_push_is_403_and_leaves_nothing(anonymous: httpx.AsyncClient, wechat: Pusher) -> None:
    forged = Pusher(wechat.appid, "guess", wechat.aes_key)
    for pushed in (forged.safe(picture_checked("t1")), wechat.plain(picture_checked("t1"))):
        answer = await pushed.to(anonymous)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await anonymous.post(PATH, content=b"x" * 70_000)).status_code == 403
    assert await kept() == 0


async def test_an_event_of_no_use_is_answered_and_not_kept(anonymous: httpx.AsyncClient, wechat: Pusher) -> None:
    answer = await wechat.safe(event("debug_demo")).to(anonymous)
    assert (answer.status_code, answer.text) == (200, "success")
    assert await kept() == 0


@pytest.mark.parametrize("redis", ["at work", "away", "emptied"])
async def test_pushed_again_it_is_kept_once(
    app: FastAPI, anonymous: httpx.AsyncClient, wechat: Pusher, redis: str
) -> None:
    if redis == "away":
        app.state.redis = open_redis(f"redis://127.0.0.1:{free_port()}")
    told = picture_checked("t1")
    first = wechat.safe(told)
    for pushed in (first, first, wechat.safe(told), wechat.safe(told | {"CreateTime": str(told["CreateTime"])})):
        answer = await pushed.to(anonymous)
        assert (answer.status_code, answer.text) == (200, "success")
        if redis == "emptied":
            await app.state.redis.flushall()
    assert (await kept(), await owed()) == (1, 1)


@pytest.mark.parametrize("redis", ["at work", "emptied"])
async def test_a_signature_that_was_overheard_is_worth_nothing(
    app: FastAPI, settings: Settings, anonymous: httpx.AsyncClient, wechat: Pusher, redis: str
) -> None:
    """A plain signature does not cover the body, so whoever hears it could write another one."""
    app.state.settings = settings.model_copy(update={"wx_encoding_aes_key": type(settings.wx_encoding_aes_key)("")})
    heard = wechat.plain(picture_checked("t1"))
    assert (await heard.to(anonymous)).text == "success"
    if redis == "emptied":
        await app.state.redis.flushall()
    heard.body = json.dumps(picture_checked("t2")).encode()
    assert (await heard.to(anonymous)).text == "success"
    assert [push.facts["trace_id"] for push in await Push.all()] == ["t1"]


async def test_two_different_events_of_one_second_are_two(anonymous: httpx.AsyncClient, wechat: Pusher) -> None:
    for told in (answered(("t1", "accept")), answered(("t2", "accept")), answered(("t1", "accept"), scene="change")):
        await wechat.safe(told | {"CreateTime": 1}).to(anonymous)
    assert await kept() == 3


async def test_what_could_not_be_kept_is_not_answered_and_heard_when_pushed_again(
    app: FastAPI, anonymous: httpx.AsyncClient, wechat: Pusher, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object) -> None:
        raise ConnectionError

    pushed = wechat.safe(picture_checked("t1"))
    with monkeypatch.context() as broken:
        broken.setattr(db, "value", down)
        assert (await pushed.to(anonymous)).status_code == 503
    assert (await pushed.to(anonymous)).text == "success"
    assert await kept() == 1


# --- handling ---------------------------------------------------------------------------------------------------


async def test_a_push_is_handed_on_once(seen: list[dict[str, Any]]) -> None:
    await pushes.hear(said("t1"))
    push = await Push.get()
    await pushes.handle(push.id)
    await pushes.handle(push.id)
    await pushes.handle_due()
    assert [facts["trace_id"] for facts in seen] == ["t1"]
    assert (await Push.get()).due_at is None


async def test_a_push_whose_job_was_lost_is_found_by_the_clock(seen: list[dict[str, Any]]) -> None:
    await pushes.hear(said("t1"))
    await db.execute("DELETE FROM pgqueuer")
    await pushes.handle_due()
    assert [facts["trace_id"] for facts in seen] == ["t1"]


async def test_a_push_that_came_too_early_waits_ten_minutes(seen: list[dict[str, Any]]) -> None:
    await pushes.hear(said("unknown"))
    await pushes.handle_due()
    await pushes.handle_due()
    assert len(seen) == 1, "it is not asked about again at once"
    await past(timedelta(minutes=9))
    await pushes.handle_due()
    assert (await Push.get()).due_at is not None
    await past(timedelta(minutes=1))
    await pushes.handle_due()
    assert len(seen) == 3
    assert (await Push.get()).due_at is None


async def test_one_that_fails_is_tried_again_and_keeps_nobody_waiting(seen: list[dict[str, Any]]) -> None:
    await pushes.hear(said("broken", b"1", b"1"))
    await pushes.hear(said("t1", b"2", b"2"))
    with pytest.raises(ExceptionGroup):
        await pushes.handle_due()
    assert [facts["trace_id"] for facts in seen] == ["broken", "t1"]
    await past(timedelta(hours=1))
    with pytest.raises(ExceptionGroup):
        await pushes.handle_due()
    assert [facts["trace_id"] for facts in seen] == ["broken", "t1", "broken"]


async def test_what_was_pushed_is_forgotten_after_seven_days(seen: list[dict[str, Any]], move_clock: MoveClock) -> None:
    await pushes.hear(said("t1"))
    await move_clock(timedelta(days=7, seconds=-5))
    await pushes.forget_old()
    assert await kept() == 1
    await move_clock(timedelta(seconds=6))
    await pushes.forget_old()
    assert await kept() == 0


# --- together ---------------------------------------------------------------------------------------------------


async def together(times: int) -> int:
    await asyncio.gather(*(pushes.hear(said("t1", signed=bytes([number]))) for number in range(times)))
    return await kept()


async def test_told_by_many_at_once_it_is_kept_once(committed: str) -> None:
    assert await together(20) == 1
    assert await owed() == 1


async def test_without_the_constraint_it_would_be_kept_many_times(committed: str) -> None:
    async with db.tx():
        await as_owner(lambda: db.execute("ALTER TABLE pushes DROP CONSTRAINT pushes_once"))
    assert await together(20) == 20


async def test_of_many_workers_one_hands_it_on(committed: str, seen: list[dict[str, Any]]) -> None:
    await pushes.hear(said("t1"))
    push = await Push.get()
    await asyncio.gather(*(pushes.handle(push.id) for _ in range(10)), pushes.handle_due())
    assert len(seen) == 1


# --- to whom ----------------------------------------------------------------------------------------------------


async def hear_over_http(anonymous: httpx.AsyncClient, wechat: Pusher, *events: dict[str, Any]) -> None:
    for told in events:
        assert (await wechat.safe(told).to(anonymous)).text == "success"
    await pushes.handle_due()
    assert await Push.filter(due_at=None).count() == await kept()


async def credits_of(openid: str) -> dict[str, int]:
    held = await MessageCredit.filter(resident__openid=openid)
    return {credit.template_id: credit.amount for credit in held}


async def test_consents_become_credits_and_their_withdrawal_ends_them(
    anonymous: httpx.AsyncClient, wechat: Pusher
) -> None:
    asked = answered(("tmpl-a", "accept"), ("tmpl-b", "reject"))
    await hear_over_http(anonymous, wechat, asked, asked, asked | {"CreateTime": asked["CreateTime"] + 1})
    assert await credits_of("lin") == {"tmpl-a": 2}
    await hear_over_http(anonymous, wechat, answered(("tmpl-a", "reject"), scene="change"))
    assert await credits_of("lin") == {"tmpl-a": 0}


async def test_a_stranger_s_answer_is_heard_and_means_nothing(anonymous: httpx.AsyncClient, wechat: Pusher) -> None:
    await hear_over_http(anonymous, wechat, answered(("tmpl-a", "accept"), openid="nobody-we-know"))
    assert await MessageCredit.all().count() == 0


async def test_a_message_that_did_not_arrive_is_written_down(
    anonymous: httpx.AsyncClient, wechat: Pusher, people: People
) -> None:
    lin = await Resident.get(id=people.lin.id)
    for msgid in ("17001", "17002"):
        await notifications.tell([lin.id], "pledge.refunded", lin, title="感应灯", yuan="10.00")
        sent = {"state": "sent", "msgid": msgid, "template_id": "tmpl-a", "sending_at": await clock.now()}
        await Delivery.filter(msgid=None).update(**sent)
    await hear_over_http(anonymous, wechat, delivered("17001"), delivered("17002", "43101", "user refuse"))
    assert {one.msgid: one.state for one in await Delivery.all()} == {"17001": "sent", "17002": "failed"}


async def test_a_failure_told_before_the_reply_is_written_down_is_looked_at_again(people: People) -> None:
    lin = await Resident.get(id=people.lin.id)
    for _ in range(2):
        await notifications.tell([lin.id], "pledge.refunded", lin, title="感应灯", yuan="10.00")
    known, overtaken = [one.id for one in await Delivery.all().order_by("id")]
    sent = {"state": "sent", "template_id": "tmpl-a", "sending_at": await clock.now()}
    await Delivery.filter(id=known).update(**sent, msgid="17001")
    failures = [{"msgid": msgid, "error_code": 43101, "status": "refused"} for msgid in ("17002", "17001")]
    await pushes.hear(wechat_push.Push(wechat_push.DELIVERED, "lin", {"deliveries": failures}, b"d", b"s"))
    push = await Push.get()
    await pushes.handle(push.id)
    assert (await Push.get()).due_at is not None
    await Delivery.filter(id=overtaken).update(**sent, msgid="17002")
    await past(timedelta(seconds=5))
    await pushes.handle(push.id)
    assert (await Push.get()).due_at is None
    assert {one.state for one in await Delivery.all()} == {"failed"}
