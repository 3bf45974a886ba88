"""What is left of somebody who has left: exactly what docs/privacy.md says."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from tortoise.exceptions import IntegrityError, OperationalError

from app.core import crypto, db
from app.core.errors import DomainError, NotFound
from app.core.settings import Settings
from models.crowdfunding import PledgeState
from models.deliberations import Roll
from models.needs import NeedField, ServiceClass
from models.residents import Capacity, HasLeft, Household, LastOfficer, Resident, Role
from services import crowdfunding, deliberations, needs, reports, residents, wishes
from services.privacy import HELD, UnfinishedDuties, leave
from services.residents.phones import keep_phone
from tests.everything import build
from tests.homing import KEYS, joined, newcomer
from tests.passing import passed
from tests.people import People
from tests.raising import money, opened, paid
from tests.voting import discussed

LoggedIn = Callable[[str], Awaitable[httpx.AsyncClient]]
PAGE = (Path(__file__).parents[2] / "docs/privacy.md").read_text()
ERASED, KEPT = PAGE.split("Erased wholly:")[1].split("Kept, about a number")
COLUMNS = """
SELECT table_name AS table, column_name AS column FROM information_schema.columns
WHERE table_schema = 'public' AND table_name NOT LIKE 'pgqueuer%' AND table_name NOT LIKE 'alembic%' ORDER BY 1, 2
"""
PERSONAL = ("金丝雀昵称", "openidCANARY", "unionCANARY", "金丝雀室")


async def _where(canary: str) -> set[str]:
    """The columns in which a text stands, however it is kept."""
    found = set()
    for line in await db.rows(COLUMNS):
        table, column = line["table"], line["column"]
        if column.endswith(("_at", "_on")) or column == "period":
            continue
        if await db.value(f'SELECT 1 FROM {table} WHERE strpos("{column}"::text, $1) > 0 LIMIT 1', canary):
            found.add(f"{table}.{column}")
    return found


def test_every_table_about_people_is_in_the_documents() -> None:
    erased, kept = (set(re.findall(r"`(\w+)`", part)) for part in (ERASED, KEPT))
    assert erased | kept == {held.table for held in HELD}
    assert not erased & kept


async def test_what_remains_is_what_the_documents_say(
    app: FastAPI, as_: LoggedIn, anonymous: httpx.AsyncClient, people: People, settings: Settings
) -> None:
    town = await build(app, as_, anonymous, people)
    lin = people.lin.id
    await town.make("lin", "sign_up_for_shift")
    await paid(people.lin, await opened(people))
    await db.execute(
        "UPDATE residents SET nickname = '金丝雀昵称', unionid = 'unionCANARY', birth_year = 1966 WHERE id = $1", lin
    )
    await db.execute("UPDATE household_claims SET room = '金丝雀室', birth_year = 1966 WHERE resident_id = $1", lin)
    await keep_phone(await Resident.get(id=lin), "13777001234", settings.keys)
    sealed = crypto.seal(settings.keys, "林真名", table="residents", column="name", row=lin)
    await Resident.filter(id=lin).update(name_sealed=sealed)
    await db.execute("UPDATE wishes SET body = '金丝雀的难处' WHERE author_id = $1", lin)
    await db.execute("UPDATE needs SET body = '金丝雀的需求' WHERE author_id = $1", lin)

    with pytest.raises(UnfinishedDuties) as refused:
        await leave(await residents.actor(lin))
    assert refused.value.extra == {"duties": [f"wish:{town.ids['claimed_wish']}"]}
    await wishes.release(people.mei, town.ids["claimed_wish"])
    await leave(await residents.actor(lin))

    left = {canary: await _where(canary) for canary in PERSONAL}
    assert not {canary: where for canary, where in left.items() if where}
    born = "SELECT birth_year FROM {} WHERE {} = $1"
    for table, column in (("residents", "id"), ("household_claims", "resident_id")):
        assert await db.value(born.format(table, column), lin) is None
    assert await _where("金丝雀的难处") == set()
    assert await _where("金丝雀的需求") == {"needs.body"} | await _search_columns("金丝雀的需求")
    assert await db.value("SELECT openid FROM orders o JOIN pledges p ON p.id = o.pledge_id WHERE giver_id = $1", lin)
    kept = set(re.findall(r"`(\w+)`", KEPT))
    for held in HELD:
        for column in (*held.whose, *held.acts):
            if await db.value(f"SELECT 1 FROM {held.table} WHERE {column} = $1 LIMIT 1", lin):
                assert held.table in kept, f"{held.table}.{column} still names him"
    pictures = await db.rows("SELECT purpose FROM media WHERE uploader_id = $1", lin)
    assert {line["purpose"] for line in pictures} <= {"evidence"}


async def _search_columns(canary: str) -> set[str]:
    """The search keeps the words of what it finds."""
    return {where for where in await _where(canary) if where.startswith(("need_words.", "need_pairs."))}


async def test_public_words_go_too_when_he_asks_for_it(people: People, as_: LoggedIn) -> None:
    lin = await as_("lin")
    need = {
        "community_id": people.jy,
        "service_class": "care",
        "field": "safety",
        "title": "金丝雀",
        "body": "金丝雀灯",
    }
    made = (await lin.post("/v1/needs", json=need)).json()
    await lin.post(f"/v1/needs/{made['id']}/comments", json={"body": "金丝雀评论"})
    assert (await lin.delete("/v1/me?erase_texts=true")).status_code == 204
    assert await _where("金丝雀") == set()
    seen = (await (await as_("mei")).get(f"/v1/needs/{made['id']}")).json()
    assert (seen["title"], seen["author"]["nickname"]) == ("（作者已注销，内容已删除）", "已注销的邻居")


async def test_whoever_appealed_and_holds_what_was_hidden_may_leave(as_: LoggedIn, people: People) -> None:
    lin, chen, mei, zhao = [await as_(who) for who in ("lin", "chen", "mei", "zhao")]
    need = {"community_id": people.jy, "service_class": "care", "field": "safety", "title": "坡道", "body": "太陡"}
    hidden = (await lin.post("/v1/needs", json=need)).json()["id"]
    await chen.post("/v1/moderation/hide", json={"subject": f"need:{hidden}", "reason": "广告"})
    check_id = await db.value("SELECT max(id) FROM checks WHERE state = 'hidden'")
    assert (await lin.post(f"/v1/moderation/{check_id}/appeal", json={"reason": "不是广告"})).is_success
    wish = {"community_id": people.jy, "kind": "goods", "title": "收音机", "body": "想听戏"}
    wish_id = (await mei.post("/v1/wishes", json=wish)).json()["id"]
    await chen.post(f"/v1/wishes/{wish_id}/approve", json={})
    assert (await lin.post(f"/v1/wishes/{wish_id}/claim", json={})).is_success
    await zhao.post("/v1/moderation/hide", json={"subject": f"wish:{wish_id}", "reason": "广告"})
    task = {"community_id": people.jy, "kind": "task", "title": "送药", "body": "送药", "shifts": [
        {"capacity": 2, "place_text": "活动室"},
    ]}  # fmt: skip
    activity = (await chen.post("/v1/activities", json=task)).json()
    assert (await lin.post(f"/v1/shifts/{activity['shifts'][0]['id']}/signup", json={})).is_success
    await zhao.post("/v1/moderation/hide", json={"subject": f"activity:{activity['id']}", "reason": "广告"})
    assert (await lin.delete("/v1/me")).status_code == 204
    assert await _where("不是广告") == set()
    assert await db.value("SELECT state FROM wish_claims WHERE resident_id = $1", people.lin.id) == "released"
    assert await db.value("SELECT state FROM wishes WHERE id = $1", wish_id) == "open"
    assert await db.value("SELECT state FROM signups WHERE resident_id = $1", people.lin.id) == "cancelled"


async def test_what_others_were_told_names_his_wish_no_more_nor_his_opinions(as_: LoggedIn, people: People) -> None:
    lin, chen = await as_("lin"), await as_("chen")
    wish = {"community_id": people.jy, "kind": "goods", "title": "金丝雀心愿", "body": "想听戏"}
    await lin.post("/v1/wishes", json=wish)
    need = {
        "community_id": people.jy,
        "service_class": "care",
        "field": "safety",
        "title": "金丝雀灯",
        "body": "金丝雀",
    }
    rated, alone = [(await lin.post("/v1/needs", json=need)).json()["id"] for _ in range(2)]
    for step in ("accept", "done"):
        await chen.post(f"/v1/needs/{rated}/{step}", json={})
    said = await lin.post(f"/v1/needs/{rated}/rate", json={"score": 1, "comment": "金丝雀还是不亮"})
    assert said.is_success, said.text
    assert "notices.params" in await _where("金丝雀")
    assert (await lin.delete("/v1/me?erase_texts=true")).status_code == 204
    assert await _where("金丝雀") == set()
    assert await db.value("SELECT state FROM needs WHERE id = $1", alone) == "withdrawn"
    assert (await chen.get("/v1/me/inbox")).status_code == 200


async def test_no_word_of_his_is_left_anywhere_and_none_of_his_office_is_lost(as_: LoggedIn, people: People) -> None:
    lin, chen, mei = [await as_(who) for who in ("lin", "chen", "mei")]

    async def asked(who: httpx.AsyncClient, path: str, **body: object) -> int:
        answer = await who.post(f"/v1/{path}", json=body)
        assert answer.is_success, (path, answer.text)
        return int(answer.json().get("id", 0))

    need = {"community_id": people.jy, "service_class": "care", "field": "safety", "body": "金丝雀"}
    his, into_his = [await asked(who, "needs", title=title, **need) for who, title in ((lin, "金丝雀甲"), (mei, "乙"))]
    gone, other = [await asked(who, "needs", title=title, **need) for who, title in ((lin, "金丝雀丙"), (chen, "丁"))]
    await db.execute("UPDATE needs SET body = '不亮' WHERE author_id <> $1", people.lin.id)
    assert (await mei.put(f"/v1/needs/{gone}/endorsement")).is_success
    await asked(chen, f"needs/{into_his}/merge", into_id=his, reason="同一盏灯")
    await asked(chen, f"needs/{gone}/merge", into_id=other)
    assert "金丝雀" in (await mei.get("/v1/me/inbox")).text
    petition = await asked(
        lin, "petitions", community_id=people.jy, roll="residents", title="金丝雀联名", body="金丝雀联名"
    )
    await asked(lin, "reports", subject=f"need:{other}", reason="金丝雀举报")
    await asked(lin, "volunteer-teams", community_id=people.jy, name="暖心队", body="金丝雀队")

    assert (await lin.delete("/v1/me?erase_texts=true")).status_code == 204
    assert await _where("金丝雀") == set()
    closed = (await mei.get(f"/v1/petitions/{petition}")).json()
    assert (closed["state"], closed["title"]) == ("withdrawn", "（作者已注销，内容已删除）")
    assert "同一盏灯" in (await mei.get(f"/v1/needs/{into_his}")).text
    assert "乙" in (await mei.get("/v1/me/inbox")).text


async def test_the_reasons_he_gave_for_his_household_go_and_those_of_his_office_stay(people: People) -> None:
    guest = await joined(people)
    await joined(people, "third")
    for who, household_id in ((people.lin, people.lin.household_id), (people.chen, people.lin.household_id)):
        change = await residents.propose_representative(guest, household_id or 0, resident_id=guest.id)
        await residents.decline_representative(who, change.id, reason="金丝雀不同意")
    home = await Household.get(id=people.lin.household_id)
    claim = await residents.claim_household(
        await newcomer("fourth"),
        building_id=home.building_id,
        unit=home.unit,
        room=home.room,
        capacity=Capacity.TENANT,
        birth_year=1990,
        secret=KEYS,
    )
    await residents.decline_claim(people.lin, claim.id, "金丝雀不住这里")
    third = await residents.actor((await residents.enrol("third")).id)
    await residents.end_membership(people.lin, home.id, third.id, reason="金丝雀搬走了")
    await leave(people.lin, erase_texts=True)
    assert await _where("金丝雀") == {"reasons.text"}
    assert await db.value("SELECT count(*) FROM reasons WHERE text LIKE '金丝雀%'") == 1, "the committee's"


async def test_what_was_signed_or_objected_is_struck_out_and_never_rewritten(people: People) -> None:
    await _written(people)
    for table, column in (("petitions", "title"), ("objections", "reason"), ("reports", "reason"), ("reasons", "text")):
        await db.execute(f"UPDATE {table} SET {column} = '（作者已注销，内容已删除）'")
        with pytest.raises((DomainError, IntegrityError, OperationalError)):
            async with db.tx():
                await db.execute(f"UPDATE {table} SET {column} = '别的'")


async def _written(people: People) -> None:
    need = await needs.submit(
        people.mei,
        community_id=people.jy,
        service_class=ServiceClass.CARE,
        field=NeedField.SAFETY,
        title="灯",
        body="暗",
    )
    await passed(need)
    await reports.report(people.lin, f"need:{need.id}", reason="广告")
    await needs.decline(people.chen, need.id, reason="重复")
    await deliberations.object_to(people.lin, (await discussed(people)).id, reason="少了我")
    await deliberations.start_petition(people.lin, people.jy, roll=Roll.RESIDENTS, title="请开会", body="请开会")


async def test_his_household_is_represented_by_the_next_and_he_comes_back_as_nobody(people: People) -> None:
    await leave(people.wang)
    assert await db.value("SELECT representative_id FROM households WHERE id = $1", people.wang.household_id) is None
    assert not await db.value("SELECT 1 FROM memberships WHERE resident_id = $1 AND until_at IS NULL", people.wang.id)
    await leave(people.wang)
    with pytest.raises(HasLeft):
        async with db.tx():
            await residents.grant_role(people.chen, people.jy, resident_id=people.wang.id, role=Role.SOCIAL_WORKER)


async def test_the_last_officer_stays_and_keeps_everything(people: People) -> None:
    with pytest.raises(LastOfficer):
        async with db.tx():
            await leave(people.qian)
    assert (await residents.actor(people.qian.id)).grants


async def test_an_unpaid_order_is_waited_for_and_a_refund_goes_on(people: People) -> None:
    campaign = await opened(people)
    await money(people.lin, campaign)
    with pytest.raises(UnfinishedDuties):
        await leave(people.lin)
    given = await paid(people.mei, campaign)
    await crowdfunding.take_back(people.mei, given.id, reason="不需要了")
    await leave(people.mei)
    state = await db.value("SELECT state FROM pledges WHERE id = $1", given.id)
    assert state == PledgeState.REFUNDING


async def test_nobody_leaves_who_never_was(people: People) -> None:
    with pytest.raises(NotFound):
        await leave(replace(people.lin, id=999_999))
