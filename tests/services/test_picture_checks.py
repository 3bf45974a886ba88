"""WeChat is asked about each picture, and whatever it answers, or does not, the check ends."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest

from app.core import db
from app.core.pages import Page
from app.gateways.errors import (
    WxBadArgument,
    WxBadResponse,
    WxError,
    WxInactive,
    WxMisconfigured,
    WxQuota,
    WxRefused,
    WxUnavailable,
)
from app.gateways.wechat import Scene, Wechat
from app.gateways.wechat_push import Push as Told
from models.base import Moderation
from models.events import Event
from models.media import Media, Picture, Purpose
from models.moderation import Check, Why
from models.pushes import Push
from models.residents import Resident
from services import jobs, media, notifications, pushes
from services.media import links
from tests.people import People
from tests.pushing import Pusher, picture_checked, picture_not_checked
from tests.sandbox_process import SandboxProcess

MoveClock = Callable[[timedelta], Awaitable[None]]


class Asked:
    """A WeChat that is only asked about pictures; `says` what it answers, an exception or a trace id."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Scene, str]] = []
        self.says: list[Exception | str] = []

    async def check_picture(self, openid: str, scene: Scene, url: str) -> str:
        self.calls.append((openid, scene, url))
        await asyncio.sleep(0.05)
        said = self.says.pop(0) if self.says else f"trace-{len(self.calls)}"
        if isinstance(said, Exception):
            raise said
        return said


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def wechat(asked: Asked) -> Wechat:
    return cast(Wechat, asked)


@pytest.fixture(autouse=True)
def addresses() -> Iterator[None]:
    with links.bound(links.Links("http://linli.test", "secret")):
        yield


async def uploaded(people: People, openid: str = "lin", purpose: Purpose = Purpose.PHOTO) -> Media:
    """A picture that waits to be checked."""
    picture = await Picture.create(sha256=secrets.token_bytes(32), width=640, height=480)
    photo = await media.keep(people[openid], picture.id, purpose=purpose)
    return await Media.get(id=photo.id)


async def why_a_human(kept: Media) -> Why | None:
    return (await Check.get(subject_kind="media", subject_id=kept.id)).why


async def now_of(kept: Media) -> Moderation:
    return (await Media.get(id=kept.id)).moderation


async def due(kept: Media) -> None:
    await db.execute("UPDATE media SET next_check_at = clock_now() WHERE id = $1", kept.id)


async def pushed(trace_id: str, digest: bytes = b"d", **facts: Any) -> None:
    """WeChat tells of a picture, and the worker hears."""
    said = {"trace_id": trace_id} | (facts or {"suggest": "pass", "label": 100})
    await pushes.hear(Told("wxa_media_check", "lin", said, digest, digest))
    await pushes.handle_due()


# --- asking -----------------------------------------------------------------------------------------------------


async def test_wechat_is_asked_in_the_uploaders_name_with_an_address_good_for_an_hour(
    people: People, wechat: Wechat, asked: Asked
) -> None:
    photo, avatar = await uploaded(people), await uploaded(people, "mei", Purpose.AVATAR)
    await media.check_due(wechat)
    assert [(openid, scene) for openid, scene, _ in asked.calls] == [("lin", Scene.FORUM), ("mei", Scene.PROFILE)]
    token = httpx.URL(asked.calls[0][2]).params["token"]
    assert links.current().audience(photo.id, links.Size.FILE, token) is links.Audience.CHECKER
    kept = await Media.get(id=photo.id)
    assert (kept.trace_id, kept.moderation, kept.check_tries) == ("trace-1", "checking", 1)
    assert kept.check_sent_at
    assert kept.next_check_at
    assert round((kept.next_check_at - kept.check_sent_at).total_seconds()) == 35 * 60
    assert (await Media.get(id=avatar.id)).trace_id == "trace-2"


async def test_an_upload_owes_its_check(people: People) -> None:
    kept = await uploaded(people)
    payload = await db.value("SELECT convert_from(payload, 'UTF8') FROM pgqueuer WHERE entrypoint = 'check_picture'")
    assert payload == f'{{"row_id": {kept.id}}}'


async def test_evidence_is_shown_to_no_platform(people: People, wechat: Wechat, asked: Asked) -> None:
    kept = await uploaded(people, purpose=Purpose.EVIDENCE)
    await media.check(wechat, kept.id)
    await media.check_due(wechat)
    assert asked.calls == []


async def test_what_was_asked_about_is_not_asked_about_again(people: People, wechat: Wechat, asked: Asked) -> None:
    kept = await uploaded(people)
    await media.check(wechat, kept.id)
    await media.check(wechat, kept.id)
    await media.check_due(wechat)
    assert len(asked.calls) == 1


@pytest.mark.parametrize(
    "trouble", [WxUnavailable("slow"), WxBadResponse("html"), WxQuota("45009", 45009), WxMisconfigured("40164", 40164)]
)
async def test_when_wechat_cannot_be_asked_it_is_asked_again_later_and_later(
    people: People, wechat: Wechat, asked: Asked, trouble: WxError
) -> None:
    kept = await uploaded(people)
    waits = []
    for _ in range(10):
        asked.says = [trouble]
        await media.check_due(wechat)
        waits.append(await db.value("SELECT round(extract(epoch FROM next_check_at - clock_now())) FROM media"))
        await media.check_due(wechat)
        await due(kept)
    assert waits == [30, 60, 180, 600, 1800, 3600, 3600, 3600, 3600, 3600]
    assert len(asked.calls) == 10
    assert await now_of(kept) is Moderation.CHECKING
    await media.check_due(wechat)
    assert await now_of(kept) is Moderation.QUEUED, "after ten tries a human looks"
    assert await why_a_human(kept) is Why.UNREACHABLE
    assert len(asked.calls) == 10


@pytest.mark.parametrize(
    ("refusal", "why"),
    [
        (WxInactive("", 61010), Why.INACTIVE),
        (WxBadArgument("", 43104), Why.REFUSED),
        (WxRefused("", 40226), Why.REFUSED),
    ],
)
async def test_what_wechat_will_not_judge_is_given_to_a_human_at_once(
    people: People, wechat: Wechat, asked: Asked, refusal: WxError, why: Why
) -> None:
    kept = await uploaded(people)
    asked.says = [refusal]
    await media.check_due(wechat)
    assert await now_of(kept) is Moderation.QUEUED
    assert await why_a_human(kept) is why
    await media.check_due(wechat)
    assert len(asked.calls) == 1


async def test_whoever_has_no_wechat_has_his_picture_seen_by_a_human(
    people: People, wechat: Wechat, asked: Asked
) -> None:
    kept = await uploaded(people)
    await Resident.filter(id=people.lin.id).update(openid=None)
    await media.check_due(wechat)
    assert await now_of(kept) is Moderation.QUEUED
    assert await why_a_human(kept) is Why.NO_OPENID
    assert asked.calls == []


async def test_one_that_cannot_be_asked_about_keeps_nobody_waiting(
    people: People, wechat: Wechat, asked: Asked
) -> None:
    first, second = await uploaded(people), await uploaded(people, "mei")
    asked.says = [RuntimeError("a defect"), "t2"]
    with pytest.raises(ExceptionGroup):
        await media.check_due(wechat)
    assert [(await Media.get(id=kept.id)).trace_id for kept in (first, second)] == [None, "t2"]


# --- hearing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suggest", "becomes"),
    [("pass", Moderation.PASSED), ("review", Moderation.QUEUED), ("risky", Moderation.HIDDEN)],
)
async def test_each_advice_has_its_end(people: People, wechat: Wechat, suggest: str, becomes: Moderation) -> None:
    kept = await uploaded(people)
    await media.check_due(wechat)
    await pushed("trace-1", suggest=suggest, label=20002)
    assert await now_of(kept) is becomes
    event = await Event.get(subject_kind="media", subject_id=kept.id, verb=f"media.{becomes}")
    assert event.facts["label"] == 20002


async def test_whoever_uploaded_what_is_hidden_is_told_once(people: People, wechat: Wechat) -> None:
    kept = await uploaded(people)
    await media.check_due(wechat)
    await pushed("trace-1", suggest="risky", label=20002)
    event = await Event.get(verb="media.hidden")
    for _ in range(2):
        await jobs.JOBS["tell_uploader"](cast(Any, None), event)
    told = (await notifications.inbox(people.lin, page=Page(10))).items
    assert [(line.zh, line.subject_id) for line in told] == [
        ("您上传的一张照片未通过审核（涉及色情内容），其他人看不到它", kept.id)
    ]


async def test_a_picture_that_could_not_be_judged_is_seen_by_a_human(people: People, wechat: Wechat) -> None:
    kept = await uploaded(people)
    await media.check_due(wechat)
    await pushed("trace-1", errcode=43104)
    assert await now_of(kept) is Moderation.QUEUED


async def test_a_push_may_come_before_the_reply_that_names_its_trace(people: People, wechat: Wechat) -> None:
    kept = await uploaded(people)
    await pushed("trace-1")
    assert await now_of(kept) is Moderation.CHECKING
    await media.check_due(wechat)
    await db.execute("UPDATE pushes SET due_at = clock_now()")
    await pushes.handle_due()
    assert await now_of(kept) is Moderation.PASSED
    assert (await Push.get()).due_at is None


async def test_the_first_verdict_counts(people: People, wechat: Wechat) -> None:
    kept = await uploaded(people)
    await media.check_due(wechat)
    await pushed("trace-1", suggest="risky", label=20002)
    await pushed("trace-1", digest=b"e", suggest="pass", label=100)
    assert await now_of(kept) is Moderation.HIDDEN
    assert await Event.filter(subject_kind="media", subject_id=kept.id).count() == 1


async def test_a_human_outranks_whatever_comes_late(people: People, wechat: Wechat) -> None:
    kept = await uploaded(people)
    await media.check_due(wechat)
    await media.settle(kept.id, Moderation.HIDDEN, by=people.chen)
    await pushed("trace-1")
    assert await now_of(kept) is Moderation.HIDDEN


async def test_what_is_never_answered_is_given_to_a_human_after_35_minutes(
    people: People, wechat: Wechat, move_clock: MoveClock
) -> None:
    kept = await uploaded(people)
    await media.check_due(wechat)
    await move_clock(timedelta(minutes=34, seconds=55))
    await media.check_due(wechat)
    assert await now_of(kept) is Moderation.CHECKING
    await move_clock(timedelta(seconds=6))
    await media.check_due(wechat)
    assert await now_of(kept) is Moderation.QUEUED
    await pushed("trace-1", suggest="pass", label=100)
    assert await now_of(kept) is Moderation.QUEUED, "an answer this late is no longer waited for"


async def test_a_push_over_http_ends_the_check(
    people: People, wechat: Wechat, asked: Asked, anonymous: httpx.AsyncClient, sandbox: SandboxProcess
) -> None:
    first, second = await uploaded(people), await uploaded(people, "mei")
    asked.says = ["60f96f1d-3845297a-1976a3ae", "60f96f1d-3845297a-1976a3af"]
    await media.check_due(wechat)
    pusher = Pusher.of(sandbox.config)
    await pusher.safe(picture_checked(asked_trace(await Media.get(id=first.id)))).to(anonymous)
    await pusher.safe(picture_not_checked(asked_trace(await Media.get(id=second.id)))).to(anonymous)
    await pushes.handle_due()
    assert [await now_of(kept) for kept in (first, second)] == [Moderation.PASSED, Moderation.QUEUED]


def asked_trace(kept: Media) -> str:
    assert kept.trace_id
    return kept.trace_id


# --- together ---------------------------------------------------------------------------------------------------


async def test_of_many_workers_one_asks(committed: str, people: People, wechat: Wechat, asked: Asked) -> None:
    kept = await uploaded(people)
    await asyncio.gather(*(media.check(wechat, kept.id) for _ in range(10)), media.check_due(wechat))
    assert len(asked.calls) == 1


async def test_without_the_claim_each_of_them_would_ask(
    committed: str, people: People, wechat: Wechat, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim is what keeps them apart, so this shows that the test above can fail."""
    monkeypatch.setattr(media.checking, "TAKE", "SELECT id FROM media WHERE id = $1 AND moderation = 'checking'")
    kept = await uploaded(people)
    await asyncio.gather(*(media.check(wechat, kept.id) for _ in range(5)))
    assert len(asked.calls) == 5


@pytest.mark.parametrize(
    ("facts", "suggest"), [({"suggest": "review", "label": 21000}, "review"), ({"errcode": 1}, None)]
)
async def test_the_queue_says_what_wechat_advised(
    people: People, wechat: Wechat, facts: dict[str, Any], suggest: str | None
) -> None:
    kept = await uploaded(people)
    await media.check_due(wechat)
    await pushed("trace-1", **facts)
    assert (await Check.get(subject_kind="media", subject_id=kept.id)).suggest == suggest
