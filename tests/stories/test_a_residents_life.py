"""A resident's whole life with her needs, over HTTP against a whole Linli: she arrives, asks, waits, and leaves."""

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest

from app import demo
from tests.stories.running import running

pytestmark = pytest.mark.no_database

LAMP = {"service_class": "technology", "field": "safety", "body": "三层的灯坏了一周，老人下楼看不见"}


def told_of(story: demo.Story, who: str) -> list[str]:
    return [line["kind"] for line in story.ask(who, "GET", "/v1/me/inbox?limit=100")["items"]]


def verbs(need: dict[str, Any]) -> list[str]:
    return [line["verb"].removeprefix("need.") for line in need["timeline"]]


async def test_she_arrives_asks_waits_and_leaves() -> None:
    with running() as linli:

        def pass_time(by: timedelta) -> None:
            done = linli.linli("clock", f"+{int(by.total_seconds())}s")
            assert done.returncode == 0, done.stderr

        play(demo.Story(linli.api, linli.sandbox, pass_time))
        assert linli.linli("verify").returncode == 0


def play(story: demo.Story) -> None:
    """Each turn, and the wrong ones beside it."""
    story.log_in("jia", "lin", "mei", "wang", "he", "chen", "sun", "qian", "wu")
    community = story.people["lin"]["household"]["community_id"]
    building = story.people["lin"]["household"]["building_id"]
    lamp = LAMP | {"community_id": community}

    story.tell("小佳 moves in and reads, but may not act before somebody has confirmed where she lives.")
    story.ask("jia", "GET", f"/v1/needs?community_id={community}")
    refused = story.ask("jia", "POST", "/v1/needs", lamp | {"title": "楼道灯坏了"}, expect=403)
    assert refused["code"] == "not_verified"
    home = {"building_id": building, "unit": "2", "room": "505", "capacity": "tenant", "birth_year": 1994}
    claim = story.ask("jia", "POST", "/v1/household-claims", home)
    assert claim["state"] == "pending"
    assert story.ask("jia", "POST", "/v1/household-claims", home, expect=409)["code"] == "already_exists"
    for who in ("jia", "wu", "mei"):
        assert story.ask(
            who, "POST", f"/v1/household-claims/{claim['id']}/confirm", expect=403 if who == "jia" else 404
        )
    story.ask("he", "POST", f"/v1/household-claims/{claim['id']}/confirm")
    assert story.ask("jia", "GET", "/v1/me")["verified"] is True

    story.tell(
        "Her need has a twin that 王伯 wrote before; she is told of it while she types, and writes it all the same."
    )
    first = story.ask("wang", "POST", "/v1/needs", lamp | {"title": "7号楼楼道灯坏了"})["id"]
    hinted = story.ask("jia", "GET", f"/v1/needs/similar?community_id={community}&title=7栋楼道的灯不亮")["items"]
    assert [need["id"] for need in hinted] == [first]
    twin = story.ask("jia", "POST", "/v1/needs", lamp | {"title": "7栋楼道的灯不亮"})["id"]
    for who in ("mei", "lin"):
        story.ask(who, "PUT", f"/v1/needs/{twin}/endorsement")
    story.ask("jia", "PUT", f"/v1/needs/{twin}/endorsement", expect=403)
    merge = {"into_id": first, "reason": "同一盏灯"}
    story.ask("jia", "POST", f"/v1/needs/{twin}/merge", merge, expect=403)
    story.ask("chen", "POST", f"/v1/needs/{twin}/merge", {"into_id": twin}, expect=422)
    merged = story.ask("chen", "POST", f"/v1/needs/{twin}/merge", merge)
    assert (merged["state"], merged["merged_into_id"]) == ("merged", first)
    assert "need.merged" in told_of(story, "jia")
    assert "need.support_brought" in told_of(story, "mei")
    assert story.ask("mei", "GET", f"/v1/needs/{first}")["endorsed_by_me"] is True
    assert story.ask("mei", "DELETE", f"/v1/needs/{first}/endorsement")["endorsed_by_me"] is False
    story.ask("jia", "PUT", f"/v1/needs/{first}/endorsement")  # she stands behind what hers has become
    assert story.ask("chen", "POST", f"/v1/needs/{twin}/accept", expect=409)["state"] == "merged"

    story.tell("The committee cannot do it alone and hands it up; the street lets the date go by, and all see that.")
    story.ask("chen", "POST", f"/v1/needs/{first}/route", {"route": "official"}, expect=409)
    story.ask("chen", "POST", f"/v1/needs/{first}/accept")
    up = story.ask("chen", "POST", f"/v1/needs/{first}/escalate", {"reason": "要街道协调电力公司"})
    assert (up["state"], up["route"], up["level"]) == ("routed", "escalation", "street")
    story.ask("chen", "POST", f"/v1/needs/{first}/answer", {"body": "已转"}, expect=403)
    story.let_pass(timedelta(days=14), "the street's five working days go by")
    assert story.until("jia", f"/v1/needs/{first}", "overdue", True)["state"] == "routed"
    listed = story.ask("qian", "GET", f"/v1/needs?community_id={community}&overdue=true")["items"]
    assert first in [need["id"] for need in listed]
    answered = story.ask("qian", "POST", f"/v1/needs/{first}/answer", {"body": "电力公司周五来修"})
    assert answered["state"] == "in_progress"
    seen = story.ask("jia", "GET", f"/v1/needs/{first}")
    assert [answer["late"] for answer in seen["answers"]] == [True]
    assert [hop["late"] for hop in seen["hops"]] == [True]

    story.tell("It is said to be done, and is done badly; a neighbour who never endorsed it has it reopened.")
    story.ask("jia", "POST", f"/v1/needs/{first}/done", {}, expect=403)
    done = story.ask("qian", "POST", f"/v1/needs/{first}/done", {"note": "已更换"})
    assert done["state"] == "done"
    story.ask("sun", "POST", f"/v1/needs/{first}/rate", {"score": 1}, expect=403)
    story.ask("jia", "POST", f"/v1/needs/{first}/rate", {"score": 6}, expect=422)
    story.ask("jia", "POST", f"/v1/needs/{first}/rate", {"score": 1, "comment": "只亮了一晚"})
    story.ask("wu", "POST", f"/v1/needs/{first}/reopen", {"reason": "又灭了"}, expect=403)
    again = story.ask("sun", "POST", f"/v1/needs/{first}/reopen", {"reason": "又灭了"})
    assert (again["state"], again["level"], again["route"]) == ("accepted", "grid", None)
    assert (
        story.ask("sun", "POST", f"/v1/needs/{first}/reopen", {"reason": "又灭了"}, expect=409)["state"] == "accepted"
    )
    told = verbs(story.ask("wu", "GET", f"/v1/needs/{first}"))
    road = ["submitted", "joined", "accepted", "escalated", "answered", "done", "rated", "reopened"]
    assert [verb for verb in told if verb != "overdue"] == road  # the worker may have been slower than the street

    story.tell("小佳 takes what is hers with her and leaves; what concerns the neighbours stays, without her.")
    exported = story.api.get("/v1/me/export", headers={"Authorization": f"Bearer {story._tokens['jia']}"})
    with zipfile.ZipFile(io.BytesIO(exported.content)) as archive:
        assert any("7栋楼道的灯不亮" in archive.read(name).decode() for name in archive.namelist() if "json" in name)
    story.ask("jia", "DELETE", "/v1/me")
    story.ask("jia", "GET", "/v1/me", expect=401)
    left = story.ask("lin", "GET", f"/v1/needs/{twin}")
    assert (left["state"], left["author"]["id"]) == ("merged", story.people["jia"]["id"])
    assert left["author"]["nickname"] != story.people["jia"]["nickname"]
    assert story.ask("lin", "GET", f"/v1/needs/{first}")["state"] == "accepted"
