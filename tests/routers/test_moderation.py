"""The check of texts over HTTP, against the sandbox: the 201 already says what became of it."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.core import db
from services import moderation
from tests.passing import check_now
from tests.people import People
from tests.sandbox_process import SandboxProcess

As = Callable[[str], Awaitable[httpx.AsyncClient]]


def need(people: People, body: str) -> dict[str, Any]:
    return {
        "community_id": people.jy,
        "service_class": "care",
        "field": "safety",
        "title": "楼道灯坏了",
        "body": body,
    }


@pytest.mark.parametrize(
    ("body", "becomes", "others"),
    [("三层的灯坏了", "passed", 200), ("LINLI-RISKY-20002", "hidden", 404), ("LINLI-REVIEW", "queued", 404)],
)
async def test_the_answer_tells_what_became_of_it(
    as_: As, people: People, body: str, becomes: str, others: int
) -> None:
    lin, mei = await as_("lin"), await as_("mei")
    key = {"Idempotency-Key": f"once-{becomes}"}
    answers = [await lin.post("/v1/needs", json=need(people, body), headers=key) for _ in range(2)]
    assert [(one.status_code, one.json()["moderation"]) for one in answers] == [(201, becomes)] * 2
    assert answers[0].json() == answers[1].json()
    path = f"/v1/needs/{answers[0].json()['id']}"
    assert (await lin.get(path)).json()["moderation"] == becomes
    assert (await mei.get(path)).status_code == others
    ids = [one["id"] for one in (await mei.get("/v1/needs")).json()["items"]]
    assert (answers[0].json()["id"] in ids) is (others == 200)


async def test_a_bad_day_at_wechat_delays_it_and_loses_nothing(
    app: Any, as_: As, people: People, sandbox: SandboxProcess
) -> None:
    lin, mei = await as_("lin"), await as_("mei")
    await sandbox.tell("faults", path="/wxa/msg_sec_check", status=503)
    try:
        made = await lin.post("/v1/needs", json=need(people, "三层的灯坏了"))
    finally:
        await sandbox.forget("faults")
    assert (made.status_code, made.json()["moderation"]) == (201, "checking")
    path = f"/v1/needs/{made.json()['id']}"
    assert (await mei.get(path)).status_code == 404
    await db.execute("UPDATE checks SET next_try_at = clock_now() WHERE state = 'pending'")
    await moderation.check_due(app.state.wechat)
    assert (await mei.get(path)).json()["moderation"] == "passed"


async def test_a_slow_wechat_is_waited_for_two_seconds(as_: As, people: People, sandbox: SandboxProcess) -> None:
    lin = await as_("lin")
    await sandbox.tell("faults", path="/wxa/msg_sec_check", delay_s=4)
    try:
        made = await lin.post("/v1/needs", json=need(people, "三层的灯坏了"))
    finally:
        await sandbox.forget("faults")
    assert made.json()["moderation"] == "checking"
    assert made.elapsed.total_seconds() < 3


async def test_somebody_wechat_has_not_seen_lately_waits_for_a_human(
    as_: As, people: People, sandbox: SandboxProcess
) -> None:
    lin, mei, chen = await as_("lin"), await as_("mei"), await as_("chen")
    await sandbox.tell("login-code", openid="lin-long-ago")  # known to WeChat, but never there
    await db.execute("UPDATE residents SET openid = 'lin-long-ago' WHERE openid = 'lin'")
    made = (await lin.post("/v1/needs", json=need(people, "三层的灯坏了"))).json()
    assert made["moderation"] == "queued"
    (waiting,) = (await chen.get(f"/v1/moderation/queue?community_id={people.jy}")).json()["items"]
    assert (waiting["subject"], waiting["why"], waiting["suggest"]) == (f"need:{made['id']}", "inactive", None)
    assert (waiting["texts"], waiting["author"], waiting["media_url"]) == (["楼道灯坏了", "三层的灯坏了"], "小**", None)
    approved = await chen.post(f"/v1/moderation/{waiting['id']}/approve")
    assert (approved.status_code, approved.json()["state"]) == (200, "passed")
    assert (await mei.get(f"/v1/needs/{made['id']}")).status_code == 200
    again = await chen.post(f"/v1/moderation/{waiting['id']}/hide", json={"reason": "重复"})
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (409, "invalid_state", "passed")


async def test_the_queue_refuses_by_name(as_: As, people: People) -> None:
    chen = await as_("chen")
    for who, status in (("lin", 403), ("he", 403), ("sun", 403), ("guest", 403), ("deng", 403), ("zhao", 200)):
        answer = await (await as_(who)).get(f"/v1/moderation/queue?community_id={people.jy}")
        assert answer.status_code == status, who
    await chen.post("/v1/needs", json=need(people, "LINLI-REVIEW"))
    waiting = (await chen.get("/v1/moderation/queue")).json()["items"][0]
    for verb, body in (("approve", None), ("hide", {"reason": "不好"})):
        path = f"/v1/moderation/{waiting['id']}/{verb}"
        assert (await chen.post(path, json=body)).status_code == 403, "his own"
        assert (await (await as_("lin")).post(path, json=body)).status_code == 404
        assert (await (await as_("deng")).post(path, json=body)).status_code == 404
    assert (await chen.post("/v1/moderation/999999/approve")).status_code == 404
    hidden = await (await as_("zhao")).post(f"/v1/moderation/{waiting['id']}/hide", json={"reason": "请写清楚"})
    assert hidden.json()["state"] == "hidden"


async def test_my_page_shows_the_nickname_i_want_with_its_state(as_: As, people: People) -> None:
    lin, mei = await as_("lin"), await as_("mei")
    made = (await lin.post("/v1/needs", json=need(people, "三层的灯坏了"))).json()

    async def called() -> str:
        author = (await mei.get(f"/v1/needs/{made['id']}")).json()["author"]
        return str(author["nickname"])

    for nickname, state, others in (
        ("林林", "passed", "林林"),
        ("LINLI-REVIEW", "queued", "林林"),
        ("LINLI-RISKY-20003", "hidden", "林林"),
    ):
        me = (await lin.put("/v1/me", json={"nickname": nickname})).json()
        assert (me["nickname"], me["nickname_moderation"]) == (nickname, state)
        assert (await lin.get("/v1/me")).json() == me
        assert await called() == others


async def test_comments_teams_gifts_and_reasons_are_checked_in_the_answer(as_: As, people: People) -> None:
    lin, mei, chen = await as_("lin"), await as_("mei"), await as_("chen")
    path = f"/v1/needs/{(await lin.post('/v1/needs', json=need(people, '灯'))).json()['id']}"
    for body, becomes in (("一起附议", "passed"), ("LINLI-RISKY", "hidden"), ("LINLI-REVIEW", "queued")):
        said = (await mei.post(f"{path}/comments", json={"body": body})).json()
        assert said["moderation"] == becomes
    assert [one["body"] for one in (await lin.get(f"{path}/comments")).json()["items"]] == ["一起附议"]
    assert len((await mei.get(f"{path}/comments")).json()["items"]) == 3
    await chen.post(f"{path}/decline", json={"reason": "LINLI-REVIEW"})
    line = (await lin.get(path)).json()["timeline"][-1]
    assert (line["reason"], line["reason_moderation"]) == (None, "queued")
    line = (await chen.get(path)).json()["timeline"][-1]
    assert (line["reason"], line["reason_moderation"]) == ("LINLI-REVIEW", "queued")
    assert not await check_now(None, people.chen)  # type: ignore[arg-type]
