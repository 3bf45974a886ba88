"""Over HTTP: words are supported, a meeting is asked for, called and attended, a resolution is followed to its end."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx

from app.core import clock
from models.base import Moderation
from models.media import Media
from services import deliberations
from tests.people import People
from tests.pictures import plain
from tests.routers.test_deliberations import asked
from tests.routers.test_media import upload

As = Callable[[str], Awaitable[httpx.AsyncClient]]
Move = Callable[[timedelta], Awaitable[None]]
DAY = timedelta(days=1)


async def done(reply: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    said: dict[str, Any] = reply.json()
    return said


async def test_words_are_supported_answered_and_hidden(as_: As, people: People) -> None:
    lin, mei, chen, wu = await as_("lin"), await as_("mei"), await as_("chen"), await as_("wu")
    made = await done(await lin.post("/v1/deliberations", json=await asked(people)), 201)
    path = f"/v1/deliberations/{made['id']}"
    await done(await chen.post(f"{path}/open-discussion"))
    said = await done(await mei.post(f"{path}/comments", json={"body": "支持"}), 201)
    assert (said["supports"], said["supported_by_me"], said["pinned"], said["hidden_reason"]) == (0, False, False, None)
    comment = f"/v1/comments/{said['id']}"
    assert await done(await lin.put(f"{comment}/support")) == {"supports": 1, "supported_by_me": True}
    assert await done(await lin.delete(f"{comment}/support")) == {"supports": 0, "supported_by_me": False}
    assert (await mei.put(f"{comment}/support")).json()["code"] == "forbidden"
    answer = await done(await chen.post(f"{path}/comments", json={"body": "下月装"}), 201)
    assert (await done(await chen.post(f"/v1/comments/{answer['id']}/pin")))["pinned"] is True
    await lin.post(f"{path}/comments", json={"body": "好"})
    listed = await done(await wu.get(f"{path}/comments?limit=2"))
    rest = await done(await wu.get(f"{path}/comments?limit=2&cursor={listed['next_cursor']}"))
    assert [one["body"] for one in listed["items"] + rest["items"]] == ["下月装", "好", "支持"]
    key = {"Idempotency-Key": "hide"}
    for _ in range(2):
        hidden = await done(await chen.post(f"{comment}/hide", json={"reason": "离题"}, headers=key))
    assert (hidden["moderation"], hidden["hidden_reason"]) == ("hidden", "离题")
    assert (await wu.put(f"{comment}/support")).status_code == 404
    assert (await done(await chen.post(f"/v1/comments/{answer['id']}/unpin")))["pinned"] is False
    wish = await done(await mei.post(f"{path}/option-proposals", json={"title": "太阳能灯"}), 201)
    assert len((await done(await wu.get(f"{path}/option-proposals")))["items"]) == 1
    assert (await done(await chen.post(f"/v1/option-proposals/{wish['id']}/accept")))["state"] == "accepted"
    assert [option["title"] for option in (await done(await wu.get(path)))["options"]][-1] == "太阳能灯"
    more = await done(await mei.post(f"{path}/option-proposals", json={"title": "不如种树"}), 201)
    declined = await chen.post(f"/v1/option-proposals/{more['id']}/decline", json={"reason": "另议"})
    assert (await done(declined))["state"] == "declined"
    last = await done(await mei.post(f"{path}/option-proposals", json={"title": "地灯"}), 201)
    assert (await done(await mei.post(f"/v1/option-proposals/{last['id']}/withdraw")))["state"] == "withdrawn"


async def test_neighbours_ask_for_a_meeting_and_it_is_held(as_: As, people: People, move_clock: Move) -> None:
    lin, chen, ma = await as_("lin"), await as_("chen"), await as_("ma")
    body = {"community_id": people.jy, "title": "商议停车", "body": "请开会。"}
    petition = await done(await lin.post("/v1/petitions", json=body), 201)
    assert (petition["state"], petition["needed"], petition["roll_size"]) == ("open", 1, 8)
    path = f"/v1/petitions/{petition['id']}"
    signed = await done(await lin.put(f"{path}/signature"))
    assert (signed["state"], signed["signatures"], signed["signed_by_me"]) == ("reached", 1, True)
    over = await (await as_("mei")).put(f"{path}/signature")
    assert (over.status_code, over.json()["code"]) == (409, "invalid_state")
    photo = (await upload(chen, plain())).json()["id"]
    call = {
        "community_id": people.jy,
        "kind": "residents",
        "title": "停车怎么办",
        "body": "请到会。",
        "starts_at": (await clock.now() + 10 * DAY).isoformat(),
        "place_text": "活动中心",
        "online_url": "https://meeting.example.org/123",
        "agenda": [{"title": "讨论", "duration_minutes": 60}],
        "photo_ids": [photo],
    }
    soon = await chen.post("/v1/meetings", json=call | {"starts_at": (await clock.now() + 9 * DAY).isoformat()})
    assert (soon.status_code, soon.json()["code"]) == (422, "notice_too_short")
    meeting = await done(await chen.post("/v1/meetings", json=call), 201)
    assert (meeting["state"], meeting["moderation"], len(meeting["photos"])) == ("planned", "passed", 1)
    assert meeting["attendance"] | {"article_zh": "", "article_en": ""} == {
        "expected": 8,
        "present": 0,
        "by_hand": 0,
        "quorate": False,
        "article_zh": "",
        "article_en": "",
    }
    answered = await done(await chen.post(f"{path}/answer", json={"body": "十日后召开。", "meeting_id": meeting["id"]}))
    assert (answered["state"], answered["meeting_id"]) == ("answered", meeting["id"])
    await deliberations.announce_due()
    await move_clock(10 * DAY)
    where = f"/v1/meetings/{meeting['id']}"
    assert (await lin.get(f"{where}/checkin-code")).status_code == 403
    code = await done(await ma.get(f"{where}/checkin-code"))
    came = await done(await lin.post(f"{where}/check-in", json={"token": code["token"]}))
    assert (came["attending"], came["attendance"]["present"]) == (True, 1)
    stale = await (await as_("wang")).post(f"{where}/check-in", json={"token": "AAAA"})
    assert (stale.status_code, stale.json()["code"]) == (422, "stale_code")
    await done(await ma.post(f"{where}/check-in", json={"resident_id": people.wang.id}))
    assert len((await done(await ma.get(f"{where}/attendances")))["items"]) == 2
    sheets = [(await upload(chen, plain(colour=colour))).json()["id"] for colour in ("red", "blue")]
    record = {"minutes": "再议。", "photo_ids": sheets}
    others = await (await as_("zhao")).post(f"{where}/hold", json=record)
    assert (others.status_code, others.json()["code"]) == (422, "unknown_photo"), others.text
    held = await done(await chen.post(f"{where}/hold", json=record))
    assert (held["state"], held["minutes"], held["attendance"]["present"]) == ("held", "再议。", 2)
    await Media.filter(id__in=[photo, *sheets]).update(moderation=Moderation.PASSED)
    for reader in (lin, chen):
        read = await done(await reader.get(where))
        assert [one["id"] for one in read["minutes_photos"]] == sheets
        assert [one["id"] for one in read["photos"]] == [photo]
    listed = await done(await lin.get(f"/v1/meetings?community_id={people.jy}&state=held"))
    assert [one["id"] for one in listed["items"]] == [meeting["id"]]
    gone = await chen.post(f"{where}/cancel", json={"reason": "不开了"})
    assert (gone.status_code, gone.json()["code"], gone.json()["state"]) == (409, "invalid_state", "held")
    mine = await done(await lin.post("/v1/petitions", json=body), 201)
    assert (await done(await lin.delete(f"/v1/petitions/{mine['id']}/signature")))["signatures"] == 0
    assert (await done(await lin.post(f"/v1/petitions/{mine['id']}/withdraw")))["state"] == "withdrawn"
    assert len((await done(await lin.get("/v1/petitions?state=answered")))["items"]) == 1
    assert (await done(await lin.get(path)))["answer"] == "十日后召开。"


async def test_a_resolution_is_followed_to_its_end(
    as_: As, anonymous: httpx.AsyncClient, people: People, move_clock: Move
) -> None:
    lin, chen, ma = await as_("lin"), await as_("chen"), await as_("ma")
    vote = await done(await lin.post("/v1/deliberations", json=await asked(people)), 201)
    path = f"/v1/deliberations/{vote['id']}"
    for step in ("open-discussion", "open-voting", "close"):
        await done(await chen.post(f"{path}/{step}"))
    resolution_id = (await done(await anonymous.get(f"{path}/result")))["resolution_id"]
    where = f"/v1/resolutions/{resolution_id}"
    photo = (await upload(ma, plain())).json()["id"]
    hung = await done(await ma.post(f"{where}/displays", json={"where_text": "东门公告栏", "photo_ids": [photo]}), 201)
    assert (hung["long_enough"], hung["until_at"], len(hung["photos"])) == (False, None, 1)
    early = await ma.post(f"/v1/resolution-displays/{hung['id']}/take-down")
    assert (early.status_code, early.json()["code"]) == (409, "display_too_short")
    task = {"title": "报装", "assignee_id": people.ma.id, "due_at": (await clock.now() + 5 * DAY).isoformat()}
    tasks = [await done(await chen.post(f"{where}/follow-ups", json=task), 201) for _ in range(2)]
    await done(await chen.post(f"{path}/implement"))
    await move_clock(15 * DAY)
    assert (await done(await ma.post(f"/v1/resolution-displays/{hung['id']}/take-down")))["long_enough"] is True
    seen = await done(await anonymous.get(where))
    assert [one["overdue"] for one in seen["follow_ups"]] == [True, True]
    early = await chen.post(f"{path}/review", json={"body": "装好了。"})
    assert (early.status_code, early.json()["code"]) == (409, "follow_ups_open")
    assert (await done(await ma.post(f"/v1/follow-ups/{tasks[0]['id']}/done")))["state"] == "done"
    dropped = await chen.post(f"/v1/follow-ups/{tasks[1]['id']}/cancel", json={"reason": "重复"})
    assert (await done(dropped))["note"] == "重复"
    assert (await done(await chen.post(f"{path}/review", json={"body": "装好了。"})))["state"] == "reviewed"
    judged = await done(await lin.put(f"{path}/satisfaction", json={"score": 5}))
    assert judged == {"count": 1, "average": None, "scores": None}
    for openid in ("mei", "wang", "he", "sun"):
        judged = await done(await (await as_(openid)).put(f"{path}/satisfaction", json={"score": 4}))
    assert judged == {"count": 5, "average": "4.20", "scores": {"1": 0, "2": 0, "3": 0, "4": 4, "5": 1}}
    for score in (0, 6, "5"):
        assert (await lin.put(f"{path}/satisfaction", json={"score": score})).status_code == 422
    found = await done(await anonymous.get(where))
    assert (found["state"], found["review"], found["satisfaction"]) == ("reviewed", "装好了。", judged)
    assert (found["displays"][0]["where_text"], found["follow_ups"][0]["assignee"]) == ("东门公告栏", "马**")
    listed = await done(await anonymous.get(f"/v1/resolutions?community_id={people.jy}"))
    assert [one["id"] for one in listed["items"]] == [resolution_id]
    english = await done(await anonymous.get("/v1/resolutions", headers={"Accept-Language": "en"}))
    assert "consultation" in english["items"][0]["explanation"]
