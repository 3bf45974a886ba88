"""Over HTTP: consents, the export of one's data, and leaving."""

import io
import json
import zipfile
from collections.abc import Awaitable, Callable

import httpx
import pytest

from app.core import db
from app.core.settings import Settings
from models.residents import Resident
from services import residents
from services.privacy import HELD
from services.residents.phones import keep_phone
from tests.people import People

LoggedIn = Callable[[str], Awaitable[httpx.AsyncClient]]


async def _archive(client: httpx.AsyncClient) -> tuple[zipfile.ZipFile, dict]:
    answer = await client.get("/v1/me/export")
    assert answer.status_code == 200, answer.text
    made = zipfile.ZipFile(io.BytesIO(answer.content))
    return made, json.loads(made.read("data.json"))


async def test_a_fresh_account_is_asked_for_its_consent_and_a_new_policy_asks_again(as_: LoggedIn) -> None:
    lin = await as_("lin")
    assert (await lin.get("/v1/me")).json()["consents_due"] == ["service"]
    for purpose in ("service", "publishing"):
        await lin.put(f"/v1/me/consents/{purpose}", json={"policy_version": "2026-11"})
    assert (await lin.get("/v1/me")).json()["consents_due"] == []
    await lin.put("/v1/me/consents/publishing", json={"policy_version": "2025-01"})
    assert (await lin.get("/v1/me")).json()["consents_due"] == ["publishing"]
    history = (await lin.get("/v1/me/consents")).json()["items"]
    assert [(one["purpose"], one["policy_version"], one["withdrawn_at"] is None) for one in history] == [
        ("publishing", "2025-01", True),
        ("publishing", "2026-11", False),
        ("service", "2026-11", True),
    ]


async def test_each_organisation_is_consented_to_on_its_own(as_: LoggedIn) -> None:
    lin = await as_("lin")
    nameless = await lin.put("/v1/me/consents/sharing", json={"policy_version": "2026-11"})
    assert nameless.status_code == 422
    named = await lin.put("/v1/me/consents/publishing", json={"policy_version": "2026-11", "recipient": "暖心社"})
    assert named.status_code == 422
    for recipient in ("暖心社", "阳光社"):
        given = await lin.put("/v1/me/consents/sharing", json={"policy_version": "2026-11", "recipient": recipient})
        assert (given.status_code, given.json()["recipient"]) == (200, recipient)
    assert (await lin.delete("/v1/me/consents/sharing")).status_code == 204
    assert all(one["withdrawn_at"] for one in (await lin.get("/v1/me/consents")).json()["items"])


async def test_the_consent_to_the_service_ends_with_the_account(as_: LoggedIn) -> None:
    lin = await as_("lin")
    refused = await lin.delete("/v1/me/consents/service")
    assert (refused.status_code, refused.json()["code"]) == (409, "leave_instead")
    assert "DELETE /v1/me" in refused.json()["detail"]


async def test_the_export_is_complete_and_in_words(as_: LoggedIn, people: People) -> None:
    lin = await as_("lin")
    await lin.post("/v1/needs", json={
        "community_id": people.jy, "service_class": "care", "field": "safety", "title": "楼道灯坏了", "body": "三楼",
    })  # fmt: skip
    made, data = await _archive(lin)
    assert made.testzip() is None
    sections = {section["table"]: section for section in data["sections"]}
    assert set(sections) == {held.table for held in HELD if held.whose or held.where}
    assert sections["residents"]["rows"][0]["nickname"] == "小林"
    assert sections["residents"]["rows"][0]["birth_year"] == 1988
    assert sections["needs"]["rows"][0]["body"] == "三楼"
    assert sections["households"]["rows"][0]["room"] == "101"
    assert "area_cm2" not in sections["households"]["rows"][0], "the flat's, also when he has left it"
    assert sections["needs"]["title"] == "需求"
    assert data["fields"]["birth_year"] == "出生年份"


async def test_a_sealed_number_is_opened_for_its_owner_and_no_secret_of_ours_goes_with_it(
    as_: LoggedIn, people: People, settings: Settings
) -> None:
    await keep_phone(await Resident.get(id=people.lin.id), "13812345678", settings.keys)
    _, data = await _archive(await as_("lin"))
    row = data["sections"][0]["rows"][0]
    assert (row["phone"], row["name"]) == ("13812345678", None)
    assert "token_hash" not in json.dumps(data)
    assert "phone_index" not in row


async def test_others_are_in_an_export_only_by_their_ids(as_: LoggedIn, people: People) -> None:
    _, data = await _archive(await as_("chen"))
    assert any(act["table"] == "household_claims" and act["as"] == "decided_by" for act in data["acts"])
    told = json.dumps(data, ensure_ascii=False)
    for nickname in ("小林", "阿梅", "王伯", "马社工"):
        assert nickname not in told


async def test_leaving_ends_everything_and_a_new_login_is_a_new_person(as_: LoggedIn, people: People) -> None:
    lin = await as_("lin")
    assert (await lin.delete("/v1/me")).status_code == 204
    assert (await lin.get("/v1/me")).status_code == 401
    kept = await db.row("SELECT * FROM residents WHERE id = $1", people.lin.id)
    assert kept is not None
    held = {name: value for name, value in kept.items() if value not in (None, False)}
    assert set(held) == {"id", "created_at", "nickname", "nickname_moderation", "left_at"}
    assert held["nickname"] == "已注销的邻居"
    again = await residents.enrol("lin")
    assert again.id != people.lin.id
    assert not (await residents.actor(again.id)).verified


async def test_the_last_officer_stays(as_: LoggedIn) -> None:
    refused = await (await as_("qian")).delete("/v1/me")
    assert (refused.status_code, refused.json()["code"]) == (409, "last_officer")
    assert (await (await as_("qian")).get("/v1/me")).status_code == 200


async def test_who_is_suspended_may_read_export_and_leave_but_not_act(as_: LoggedIn, people: People) -> None:
    lin = await as_("lin")
    await db.execute("UPDATE residents SET suspended = true WHERE id = $1", people.lin.id)
    assert (await lin.put("/v1/me", json={"nickname": "换名"})).status_code == 403
    assert (await lin.get("/v1/me")).status_code == 200
    assert (await lin.get("/v1/me/export")).status_code == 200
    assert (await lin.delete("/v1/me")).status_code == 204


@pytest.mark.usefixtures("rolled_back")
async def test_every_column_that_names_a_resident_is_exported_or_an_act() -> None:
    found = await db.rows(
        "SELECT c.conrelid::regclass::text AS table, a.attname AS column FROM pg_constraint c "
        "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
        "WHERE c.contype = 'f' AND c.confrelid = 'residents'::regclass"
    )
    named = {(held.table, column) for held in HELD for column in (*held.whose, *held.acts)}
    assert {(line["table"], line["column"]) for line in found} == named
