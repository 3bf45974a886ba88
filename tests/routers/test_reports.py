"""What is shown already: neighbours report it, the committee hides and restores it, its author appeals or pauses."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core import db
from app.core.errors import NotFound
from app.core.pages import Page
from models.base import Moderation
from models.events import Event
from models.moderation import Check
from services import jobs, media, notifications, reports
from services.moderation import texts
from services.moderation.pausing import HIDDEN_MAX
from services.moderation.reporting import APPEAL_DAYS, REPORTS_MAX
from tests.people import People
from tests.pictures import plain

As = Callable[[str], Awaitable[httpx.AsyncClient]]
MoveClock = Callable[[timedelta], Awaitable[None]]
WHY = {"reason": "内容是广告"}


async def raised(as_: As, people: People, who: str = "lin", title: str = "楼道灯坏了") -> int:
    asked = {
        "community_id": people.jy,
        "service_class": "care",
        "field": "safety",
        "title": title,
        "body": "三层的灯坏了",
    }
    made = await (await as_(who)).post("/v1/needs", json=asked)
    assert made.status_code == 201, made.text
    return int(made.json()["id"])


async def reported(as_: As, who: str, subject: str) -> httpx.Response:
    return await (await as_(who)).post("/v1/reports", json={"subject": subject, "reason": f"{who}觉得是广告"})


async def by_hand(as_: As, who: str, verb: str, subject: str) -> httpx.Response:
    return await (await as_(who)).post(f"/v1/moderation/{verb}", json={"subject": subject} | WHY)


async def hidden(as_: As, people: People, who: str = "lin") -> tuple[int, int]:
    """A need of somebody's that chen has hidden, and the decision."""
    need_id = await raised(as_, people, who)
    answer = await by_hand(as_, "chen", "hide", f"need:{need_id}")
    assert (answer.status_code, answer.json()["state"]) == (200, "hidden"), answer.text
    return need_id, answer.json()["id"]


async def inbox(people: People, who: str) -> list[str]:
    """What somebody was told in Chinese, after the jobs owed were done twice."""
    for event in await Event.filter(verb__in=["check.hidden", "check.approved", "check.kept", "check.noted"]):
        for _ in range(2):
            await jobs.tell_reporters(None, event)  # type: ignore[arg-type]
            if event.verb in ("check.hidden", "check.approved"):
                await jobs.tell_author(None, event)  # type: ignore[arg-type]
    for event in await Event.filter(verb__startswith="pause."):
        for _ in range(2):
            await jobs.tell_paused(None, event)  # type: ignore[arg-type]
    return [line.zh for line in (await notifications.inbox(people[who], page=Page(100))).items]


async def test_neighbours_report_and_the_moderators_keep_it(as_: As, people: People) -> None:
    need_id = await raised(as_, people)
    mine = await reported(as_, "mei", f"need:{need_id}")
    assert (mine.status_code, mine.json()["state"], mine.json()["subject"]) == (201, "open", f"need:{need_id}")
    assert (await reported(as_, "wang", f"need:{need_id}")).status_code == 201
    assert (await (await as_("wu")).get(f"/v1/needs/{need_id}")).status_code == 200, "it is shown meanwhile"
    chen = await as_("chen")
    (waiting,) = (await chen.get("/v1/moderation/queue")).json()["items"]
    assert (waiting["why"], waiting["reports"]) == ("reported", 2)
    assert waiting["reasons"] == ["mei觉得是广告", "wang觉得是广告"]
    kept = await chen.post(f"/v1/moderation/{waiting['id']}/approve")
    assert (kept.status_code, kept.json()["state"]) == (200, "passed")
    assert (await (await as_("mei")).get("/v1/reports")).json()["items"][0]["state"] == "kept"
    assert await inbox(people, "mei") == ["您举报的内容已处理：予以保留"]
    assert await inbox(people, "wang") == ["您举报的内容已处理：予以保留"]
    assert await inbox(people, "lin") == [], "nothing changed for its author"
    assert (await reported(as_, "mei", f"need:{need_id}")).status_code == 201, "the one before is closed"


async def test_what_was_reported_is_hidden_and_nobody_names_the_reporter(as_: As, people: People) -> None:
    need_id = await raised(as_, people)
    await reported(as_, "mei", f"need:{need_id}")
    chen = await as_("chen")
    (waiting,) = (await chen.get("/v1/moderation/queue")).json()["items"]
    assert (await chen.post(f"/v1/moderation/{waiting['id']}/hide", json=WHY)).json()["state"] == "hidden"
    assert (await (await as_("wu")).get(f"/v1/needs/{need_id}")).status_code == 404
    assert await inbox(people, "mei") == ["您举报的内容已处理：不再显示"]
    assert len(await inbox(people, "lin")) == 1
    assert await Event.filter(verb="check.reported").values_list("actor_id", flat=True) == [None]
    said = str((await (await as_("lin")).get(f"/v1/needs/{need_id}")).json())
    said += str((await (await as_("lin")).get("/v1/moderation/decisions")).json())
    assert "mei觉得" not in said


async def test_a_moderator_does_not_read_why_his_own_words_were_reported(as_: As, people: People) -> None:
    need_id = await raised(as_, people, "chen")
    await reported(as_, "mei", f"need:{need_id}")
    for who, reasons in (("chen", []), ("zhao", ["mei觉得是广告"])):
        (waiting,) = (await (await as_(who)).get("/v1/moderation/queue")).json()["items"]
        assert (waiting["reports"], waiting["reasons"]) == (1, reasons)


async def test_reports_are_refused_by_name(as_: As, people: People) -> None:
    need_id = await raised(as_, people)
    assert (await reported(as_, "lin", f"need:{need_id}")).status_code == 403, "his own"
    for subject in ("need:999999", "elephant:1", "resident:1", "media:999999"):
        assert (await reported(as_, "mei", subject)).json()["code"] == "not_found", subject
    for subject in ("need", "need:x", "need:0", "need:-1", "Need:1", ""):
        assert (await reported(as_, "mei", subject)).status_code == 422, subject
    assert (await reported(as_, "mei", f"need:{need_id}")).status_code == 201
    again = await reported(as_, "mei", f"need:{need_id}")
    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    assert (await by_hand(as_, "chen", "hide", f"need:{need_id}")).status_code == 200
    assert (await reported(as_, "wang", f"need:{need_id}")).status_code == 404, "hidden from him"
    late = await reported(as_, "zhao", f"need:{need_id}")
    assert (late.status_code, late.json()["code"], late.json()["state"]) == (409, "invalid_state", "hidden")
    assert (await (await as_("mei")).get("/v1/reports")).json()["items"][0]["state"] == "hidden"


async def test_nobody_floods_the_moderators(as_: As, people: People) -> None:
    ids = [await raised(as_, people, title=f"第{n}盏灯") for n in range(REPORTS_MAX + 1)]
    for need_id in ids[:-1]:
        assert (await reported(as_, "mei", f"need:{need_id}")).status_code == 201
    refused = await reported(as_, "mei", f"need:{ids[-1]}")
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_reports")


@pytest.mark.parametrize(
    ("who", "status"),
    [("chen", 200), ("zhao", 200), ("mei", 403), ("lin", 403), ("he", 403), ("deng", 403), ("guest", 403)],
)
async def test_who_hides_and_restores(as_: As, people: People, who: str, status: int) -> None:
    need_id = await raised(as_, people)
    assert (await by_hand(as_, who, "hide", f"need:{need_id}")).status_code == status
    if status == 200:
        assert (await by_hand(as_, who, "restore", f"need:{need_id}")).status_code == 200


async def test_the_committee_hides_and_restores_what_is_shown(as_: As, people: People) -> None:
    need_id, _ = await hidden(as_, people)
    mei = await as_("mei")
    assert (await mei.get(f"/v1/needs/{need_id}")).status_code == 404
    twice = await by_hand(as_, "zhao", "hide", f"need:{need_id}")
    assert (twice.status_code, twice.json()["code"], twice.json()["state"]) == (409, "invalid_state", "hidden")
    assert (await by_hand(as_, "zhao", "restore", f"need:{need_id}")).json()["state"] == "passed"
    assert (await mei.get(f"/v1/needs/{need_id}")).status_code == 200
    twice = await by_hand(as_, "zhao", "restore", f"need:{need_id}")
    assert (twice.status_code, twice.json()["state"]) == (409, "passed")
    told = await inbox(people, "lin")
    assert len(told) == 2
    own = await raised(as_, people, "chen")
    assert (await by_hand(as_, "chen", "hide", f"need:{own}")).status_code == 403, "his own"


async def test_a_comment_is_hidden_and_comes_back(as_: As, people: People) -> None:
    need_id = await raised(as_, people)
    said = (await (await as_("mei")).post(f"/v1/needs/{need_id}/comments", json={"body": "买灯找我"})).json()
    chen = await as_("chen")
    assert (await chen.post(f"/v1/comments/{said['id']}/hide", json=WHY)).status_code == 200
    (decided,) = (await (await as_("mei")).get("/v1/moderation/decisions")).json()["items"]
    assert (decided["subject"], decided["appeal"]) == (f"comment:{said['id']}", None)
    assert decided["reason"] == WHY["reason"]
    assert (await by_hand(as_, "zhao", "restore", f"comment:{said['id']}")).status_code == 200
    shown = (await (await as_("lin")).get(f"/v1/needs/{need_id}/comments")).json()["items"]
    assert [one["moderation"] for one in shown] == ["passed"]


async def test_an_appeal_is_decided_by_somebody_else(as_: As, people: People) -> None:
    need_id, check_id = await hidden(as_, people)
    lin = await as_("lin")
    (decision,) = (await lin.get("/v1/moderation/decisions")).json()["items"]
    assert (decision["id"], decision["subject"], decision["reason"]) == (check_id, f"need:{need_id}", WHY["reason"])
    path = f"/v1/moderation/{check_id}/appeal"
    assert (await (await as_("mei")).post(path, json=WHY)).status_code == 404, "not hers"
    asked = await lin.post(path, json={"reason": "不是广告"})
    assert (asked.status_code, asked.json()["appeal"]) == (200, "queued")
    assert (await lin.post(path, json=WHY)).json()["code"] == "already_exists"
    (waiting,) = (await (await as_("zhao")).get("/v1/moderation/queue")).json()["items"]
    assert (waiting["why"], waiting["plea"]) == ("appeal", "不是广告")
    for verb, body in (("approve", None), ("hide", WHY)):
        refused = await (await as_("chen")).post(f"/v1/moderation/{waiting['id']}/{verb}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "decided_before")
    assert (await by_hand(as_, "chen", "restore", f"need:{need_id}")).json()["code"] == "decided_before"
    granted = await (await as_("zhao")).post(f"/v1/moderation/{waiting['id']}/approve")
    assert granted.json()["state"] == "passed"
    assert (await (await as_("mei")).get(f"/v1/needs/{need_id}")).status_code == 200
    assert (await lin.get("/v1/moderation/decisions")).json()["items"][0]["appeal"] == "passed"


async def test_an_appeal_refused_is_the_end(as_: As, people: People) -> None:
    need_id, check_id = await hidden(as_, people)
    lin = await as_("lin")
    await lin.post(f"/v1/moderation/{check_id}/appeal", json=WHY)
    (waiting,) = (await (await as_("zhao")).get("/v1/moderation/queue")).json()["items"]
    assert (await (await as_("zhao")).post(f"/v1/moderation/{waiting['id']}/hide", json=WHY)).status_code == 200
    assert (await lin.post(f"/v1/moderation/{check_id}/appeal", json=WHY)).status_code == 409
    assert (await lin.post(f"/v1/moderation/{waiting['id']}/appeal", json=WHY)).status_code == 404
    assert await Check.filter(subject_kind="need", subject_id=need_id, state="hidden").count() == 2


@pytest.mark.parametrize(("late", "status", "code"), [(-60, 200, None), (60, 409, "too_late")])
async def test_an_appeal_has_fifteen_days(
    as_: As, people: People, move_clock: MoveClock, late: int, status: int, code: str | None
) -> None:
    _, check_id = await hidden(as_, people)
    await db.execute("UPDATE sessions SET expires_at = expires_at + interval '60 days'")
    lin = await as_("lin")
    await move_clock(timedelta(days=APPEAL_DAYS, seconds=late))
    answer = await lin.post(f"/v1/moderation/{check_id}/appeal", json=WHY)
    assert (answer.status_code, answer.json().get("code")) == (status, code)


async def paused(as_: As, people: People) -> list[int]:
    """The decisions after which 小林 pauses."""
    return [(await hidden(as_, people))[1] for _ in range(HIDDEN_MAX)]


async def test_who_has_too_much_hidden_pauses(as_: As, people: People, move_clock: MoveClock) -> None:
    others = await raised(as_, people, "mei")
    open_to_all = await raised(as_, people)
    await paused(as_, people)
    lin = await as_("lin")
    (pause,) = (await lin.get("/v1/moderation/pauses")).json()["items"]
    need = {"community_id": people.jy, "service_class": "care", "field": "safety", "title": "灯", "body": "坏了"}
    for path, body in (("/v1/needs", need), (f"/v1/needs/{others}/comments", {"body": "附议"})):
        refused = await lin.post(path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "paused")
        assert refused.json()["until"] == pause["until_at"]
    assert (await lin.get(f"/v1/needs/{others}")).status_code == 200
    assert (await lin.put(f"/v1/needs/{others}/endorsement")).status_code == 200
    assert (await lin.post(f"/v1/needs/{open_to_all}/withdraw")).status_code == 200
    assert any("不能发布" in line for line in await inbox(people, "lin"))
    await db.execute("UPDATE sessions SET expires_at = expires_at + interval '60 days'")
    await move_clock(timedelta(days=6, hours=23))
    assert (await lin.post("/v1/needs", json=need)).status_code == 403
    await move_clock(timedelta(hours=2))
    assert (await lin.post("/v1/needs", json=need)).status_code == 201
    await hidden(as_, people)
    assert (await lin.post("/v1/needs", json=need)).status_code == 201, "what brought the last pause brings no other"


async def test_the_committee_lifts_a_pause(as_: As, people: People) -> None:
    await paused(as_, people)
    (pause,) = (await (await as_("zhao")).get("/v1/moderation/pauses")).json()["items"]
    path = f"/v1/moderation/pauses/{pause['id']}/lift"
    for who, status in (("lin", 403), ("mei", 404), ("deng", 404), ("zhao", 200), ("chen", 409)):
        assert (await (await as_(who)).post(path, json=WHY)).status_code == status, who
    await raised(as_, people)
    assert "您可以重新发布内容了" in await inbox(people, "lin")
    await hidden(as_, people)
    await raised(as_, people)


async def test_a_successful_appeal_ends_the_pause(as_: As, people: People) -> None:
    decisions = await paused(as_, people)
    lin, zhao = await as_("lin"), await as_("zhao")
    assert (await lin.post(f"/v1/moderation/{decisions[0]}/appeal", json=WHY)).status_code == 200
    (waiting,) = (await zhao.get("/v1/moderation/queue")).json()["items"]
    assert (await zhao.post(f"/v1/moderation/{waiting['id']}/approve")).status_code == 200
    assert (await lin.get("/v1/moderation/pauses")).json()["items"][0]["lifted_at"] is not None
    await raised(as_, people)


async def test_what_only_a_machine_hid_brings_no_pause(as_: As, people: People) -> None:
    lin = await as_("lin")
    need = {"community_id": people.jy, "service_class": "care", "field": "safety", "title": "灯"}
    for _ in range(HIDDEN_MAX + 1):
        made = await lin.post("/v1/needs", json=need | {"body": "LINLI-RISKY-20002"})
        assert (made.status_code, made.json()["moderation"]) == (201, "hidden")
    decided: list[dict[str, Any]] = (await lin.get("/v1/moderation/decisions")).json()["items"]
    assert {one["why"] for one in decided} == {"涉及色情内容"}
    asked = await lin.post(f"/v1/moderation/{decided[0]['id']}/appeal", json={"reason": "误判"})
    assert (asked.status_code, asked.json()["appeal"]) == (200, "queued")


async def test_a_picture_is_reported_hidden_and_restored(as_: As, people: People) -> None:
    lin, mei = await as_("lin"), await as_("mei")
    photo = (await lin.post("/v1/media", files={"file": ("a.jpg", plain(), "image/jpeg")})).json()["id"]
    asked = {"community_id": people.jy, "service_class": "care", "field": "safety", "title": "灯", "body": "坏了"}
    need_id = (await lin.post("/v1/needs", json=asked | {"photo_ids": [photo]})).json()["id"]
    assert (await reported(as_, "mei", f"media:{photo}")).status_code == 404, "not shown yet"
    await media.settle(photo, Moderation.PASSED)
    assert (await reported(as_, "mei", f"media:{photo}")).status_code == 201
    for verb, photos in (("hide", []), ("restore", [photo])):
        assert (await by_hand(as_, "chen", verb, f"media:{photo}")).status_code == 200
        assert [one["id"] for one in (await mei.get(f"/v1/needs/{need_id}")).json()["photos"]] == photos


# --- everything that others read --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", texts.KINDS)
async def test_every_kind_of_words_is_found_by_its_reference_or_says_why_not(people: People, kind: str) -> None:
    ways = [kind in way for way in (reports.DOORS, reports.ELSEWHERE, reports.WITHIN, reports.PUBLIC)]
    ways += [kind in ("reason", "media"), kind in reports.BETWEEN_FEW]
    assert sum(ways) == 1
    with pytest.raises(NotFound):
        await reports.report(people.mei, f"{kind}:999999999", reason="广告")
    await texts.show(kind, 0, "hidden")  # the application may


async def answered(as_: As, people: People) -> str:
    need_id = await raised(as_, people)
    chen = await as_("zhao")
    await chen.post(f"/v1/needs/{need_id}/accept")
    await chen.post(f"/v1/needs/{need_id}/answer", json={"body": "给您发红包"})
    return f"need_answer:{await db.value('SELECT max(id) FROM need_answers')}"


async def declined(as_: As, people: People) -> str:
    need_id = await raised(as_, people)
    await (await as_("zhao")).post(f"/v1/needs/{need_id}/decline", json={"reason": "给您发红包"})
    return f"reason:{await db.value('SELECT max(id) FROM reasons')}"


async def renamed(as_: As, people: People) -> str:
    await (await as_("zhao")).put("/v1/me", json={"nickname": "领红包"})
    return f"nickname:{people.zhao.id}"


@pytest.mark.parametrize("make", [answered, declined, renamed])
async def test_it_is_reported_hidden_appealed_against_and_restored(
    as_: As, people: People, make: Callable[[As, People], Awaitable[str]]
) -> None:
    subject = await make(as_, people)
    assert (await reported(as_, "mei", subject)).status_code == 201
    assert (await reported(as_, "zhao", subject)).status_code == 403, "his own"
    decided = await by_hand(as_, "chen", "hide", subject)
    assert (decided.status_code, decided.json()["state"]) == (200, "hidden"), decided.text
    assert "红包" in str(decided.json()["texts"])
    zhao = await as_("zhao")
    (mine,) = (await zhao.get("/v1/moderation/decisions")).json()["items"]
    appealed = await zhao.post(f"/v1/moderation/{mine['id']}/appeal", json={"reason": "是真的红包"})
    assert appealed.status_code == 200, appealed.text
    (waiting,) = (await (await as_("ma")).get("/v1/moderation/queue")).json()["items"]
    assert (await (await as_("ma")).post(f"/v1/moderation/{waiting['id']}/approve")).status_code == 200
    kind, _, number = subject.partition(":")
    assert await texts.shown(kind, int(number)) == "passed"


async def test_a_hidden_nickname_is_shown_to_nobody(as_: As, people: People) -> None:
    subject = await renamed(as_, people)
    need_id = await raised(as_, people, "zhao")
    mei = await as_("mei")
    for verb, name in (("hide", "邻居"), ("restore", "领红包")):
        assert (await by_hand(as_, "chen", verb, subject)).status_code == 200
        assert (await mei.get(f"/v1/needs/{need_id}")).json()["author"]["nickname"] == name


async def test_an_avatar_is_hidden_by_its_reference(as_: As, people: People) -> None:
    lin = await as_("lin")
    sent = {"file": ("a.jpg", plain(), "image/jpeg")}
    avatar = (await lin.post("/v1/media", files=sent, data={"purpose": "avatar"})).json()
    shown = await lin.put("/v1/me", json={"avatar_url": avatar["url"]})
    assert shown.status_code == 200, shown.text
    await media.settle(avatar["id"], Moderation.PASSED)
    assert (await lin.get("/v1/me")).json()["avatar_url"] is not None
    assert (await reported(as_, "mei", f"media:{avatar['id']}")).status_code == 201
    assert (await by_hand(as_, "chen", "hide", f"media:{avatar['id']}")).status_code == 200
    assert (await lin.get("/v1/me")).json()["avatar_url"] is None
