"""Giving and disclosure over HTTP: shapes, refusals by name, files to take away, what the public reads."""

import io
import zipfile
from collections.abc import Awaitable, Callable

import httpx
import pytest

from services import crowdfunding, disclosures
from tests.passing import passed
from tests.people import People
from tests.raising import draft, opened, paid, resolution
from tests.routers.test_crowdfunding import body

As = Callable[[str], Awaitable[httpx.AsyncClient]]
CHARITY = {
    "name": "锦城慈善基金会",
    "certificate_number": "53510000MJQ1234567",
    "filing_number": "53510000MJQ1234567A26001",
    "platform_url": "https://charity.example.org/p/1",
}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"legal_path": "charity"}, "invalid"),
        ({"charity": CHARITY}, "invalid"),
        ({"legal_path": "charity", "charity": CHARITY | {"platform_url": "http://charity.example.org"}}, "invalid"),
        ({"legal_path": "charity", "charity": CHARITY | {"platform_url": "javascript:alert(1)"}}, "invalid"),
        ({"legal_path": "charity", "charity": {"name": "基金会"}}, "invalid"),
        ({"beneficiary": {"kind": "person", "cause": "illness", "statement": "老张"}}, "personal_appeal"),
        ({"beneficiary": {"kind": "person"}}, "invalid"),
        ({"beneficiary": {"kind": "dog"}}, "invalid"),
    ],
)
async def test_paths_and_appeals_are_refused_by_name(
    as_: As, people: People, changes: dict[str, object], code: str
) -> None:
    answer = await (await as_("chen")).post("/v1/campaigns", json=await body(people, **changes))
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    if code == "personal_appeal":
        assert "第一百二十四条" in answer.json()["detail"]


async def test_a_charity_is_shown_and_takes_no_payment_here(as_: As, people: People) -> None:
    chen, zhao, lin = [await as_(who) for who in ("chen", "zhao", "lin")]
    made = await chen.post("/v1/campaigns", json=await body(people, legal_path="charity", charity=CHARITY))
    assert made.status_code == 201, made.text
    assert made.json()["charity"] == CHARITY
    where = f"/v1/campaigns/{made.json()['id']}"
    await chen.post(f"{where}/submit")
    assert (await zhao.post(f"{where}/publish")).json()["state"] == "open"
    refused = await lin.post(f"{where}/pledges", json={"kind": "money", "amount_fen": 100})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_payment_here")
    refused = await chen.post(f"{where}/incomes", json={"amount_fen": 100, "document_number": "第1号"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


async def test_government_money_is_noted_by_document(as_: As, people: People) -> None:
    chen, zhao, lin = [await as_(who) for who in ("chen", "zhao", "lin")]
    made = await chen.post("/v1/campaigns", json=await body(people, legal_path="government"))
    where = f"/v1/campaigns/{made.json()['id']}"
    await chen.post(f"{where}/submit")
    await zhao.post(f"{where}/publish")
    said = {"amount_fen": 40_000, "document_number": "锦民发〔2026〕12号"}
    noted = await chen.post(f"{where}/incomes", json=said, headers={"Idempotency-Key": "k1"})
    assert noted.status_code == 201, noted.text
    again = await chen.post(f"{where}/incomes", json=said, headers={"Idempotency-Key": "k1"})
    assert again.json() == noted.json()
    assert (await zhao.post(f"{where}/incomes", json=said)).json()["code"] == "document_noted"
    assert (await lin.get(where)).json()["progress"] == 0, "one alone has noted it"
    assert (await zhao.post(f"/v1/slips/{noted.json()['slip_id']}/countersign")).json()["state"] == "posted"
    assert (await lin.get(where)).json()["progress"] == 40
    [line] = (await lin.get(f"{where}/incomes")).json()["items"]
    assert (line["document_number"], line["struck"], line["counted"]) == ("锦民发〔2026〕12号", False, True)
    assert (await zhao.post(f"/v1/incomes/{line['id']}/strike", json={"reason": "错了"})).json()["state"] == "posted"
    second = await chen.post(f"{where}/incomes", json=said | {"document_number": "第2号"})
    line = second.json()
    refused = await chen.post(f"/v1/incomes/{line['id']}/strike", json={"reason": "错了"})
    assert (refused.status_code, refused.json()["code"]) == (403, "struck_by_another")
    assert (await zhao.post(f"/v1/incomes/{line['id']}/strike", json={"reason": "错了"})).json()["struck"] is True
    assert (await lin.get(where)).json()["raised_fen"] == 40_000


async def test_a_name_is_shown_while_its_consent_stands(as_: As, people: People) -> None:
    campaign = await opened(people)
    lin, mei = await as_("lin"), await as_("mei")
    said = {"kind": "time", "hours": 2, "anonymous": False}
    await lin.post(f"/v1/campaigns/{campaign.id}/pledges", json=said)

    async def giver() -> str:
        return str((await mei.get(f"/v1/campaigns/{campaign.id}/pledges")).json()["items"][0]["giver"])

    assert await giver() == "一位邻居"
    given = await lin.put("/v1/me/consents/publishing", json={"policy_version": "2026-11"})
    assert (given.status_code, given.json()["withdrawn_at"]) == (200, None)
    assert await giver() == "小林"
    assert (await lin.delete("/v1/me/consents/publishing")).status_code == 204
    assert (await lin.delete("/v1/me/consents/publishing")).status_code == 204
    assert await giver() == "一位邻居"
    assert len((await lin.get("/v1/me/consents")).json()["items"]) == 1
    assert (await lin.put("/v1/me/consents/anything", json={"policy_version": "1"})).status_code == 422


async def test_a_team_over_http(as_: As, people: People) -> None:
    campaign = await opened(people)
    lin, mei, wu = [await as_(who) for who in ("lin", "mei", "wu")]
    made = await lin.post(f"/v1/campaigns/{campaign.id}/teams", json={"name": "点灯队"})
    where = f"/v1/teams/{made.json()['id']}"
    assert (await mei.post(f"{where}/join")).json()["helpers"] == 2
    refused = await lin.post(f"{where}/leave")
    assert (refused.status_code, refused.json()["code"]) == (409, "hand_over_first")
    helpers = (await lin.get(f"{where}/helpers")).json()["items"]
    assert [(one["nickname"], one["leading"], one["mine"]) for one in helpers] == [
        ("一位邻居", False, False),
        ("小林", True, True),
    ]
    handed = await lin.post(f"{where}/hand-over", json={"helper_id": helpers[0]["id"]})
    assert (handed.status_code, handed.json()["leading"]) == (200, False)
    assert (await lin.post(f"{where}/leave")).json()["helpers"] == 1
    assert (await mei.get(where)).json()["brought"] == []
    assert (await wu.get(where)).status_code == 404
    ranked = await mei.get(f"/v1/campaigns/{campaign.id}/teams?sort=helpers&limit=1")
    assert ranked.json()["items"][0]["leading"] is True


async def test_goods_change_hands_over_http(as_: As, people: People) -> None:
    campaign = await opened(people)
    lin, ma = await as_("lin"), await as_("ma")
    said = {"kind": "in_kind", "item": "灯", "amount_fen": 100}
    given = await lin.post(f"/v1/campaigns/{campaign.id}/pledges", json=said)
    where = f"/v1/pledges/{given.json()['id']}"
    assert (await lin.post(f"{where}/hand-over")).json()["handed_over_at"] is not None
    assert (await ma.post(f"{where}/receive")).json()["state"] == "received"
    refused = await lin.post(f"{where}/choose-shift", json={"shift_id": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_state")


async def test_accounts_are_for_who_sees_the_campaign_and_hold_no_formula(as_: As, people: People) -> None:
    made = await draft(people, title="=HYPERLINK(1)", budget=[crowdfunding.BudgetItem("+1", 100_000)])
    await crowdfunding.submit(people.chen, made.id)
    await crowdfunding.publish(people.zhao, made.id)
    await paid(people.mei, made, 12_345)
    lin, wu = await as_("lin"), await as_("wu")
    where = f"/v1/campaigns/{made.id}/accounts"
    accounts = (await lin.get(where)).json()
    assert (accounts["raised_fen"], accounts["balance_fen"]) == (12_345, 12_345)
    assert accounts["movements"] == [{"counterpart": "wechat_clearing", "in_fen": 12_345, "out_fen": 0}]
    file = await lin.get(f"{where}.csv")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    lines = file.content.decode("utf-8-sig").splitlines()
    assert "'=HYPERLINK(1)" in lines
    assert "已筹,123.45" in lines
    assert "'+1,1000.00,0.00,0.00" in lines
    book = zipfile.ZipFile(io.BytesIO((await lin.get(f"{where}.xlsx")).content))
    sheets = "".join(book.read(name).decode() for name in book.namelist() if "worksheets/sheet" in name)
    assert "<f>" not in sheets
    assert "<v>123.45</v>" in sheets
    assert "=HYPERLINK(1)" in book.read("xl/sharedStrings.xml").decode()
    for path in ("", ".csv", ".xlsx"):
        assert (await wu.get(where + path)).status_code == 404


async def test_the_statement_is_public_in_three_forms(anonymous: httpx.AsyncClient, people: People) -> None:
    campaign = await opened(people)
    given = await paid(people.lin, campaign, 5_000)
    where, month = f"/v1/communities/{people.jy}/fund/statement", f"month={given.created_at:%Y-%m}"
    said = (await anonymous.get(f"{where}?{month}")).json()
    assert said["campaigns"][0]["campaign_id"] == campaign.id
    file = (await anonymous.get(f"{where}.csv?{month}")).content.decode("utf-8-sig")
    assert "众筹项目专户,0.00,50.00,0.00,50.00" in file
    assert "小林" not in file
    assert (await anonymous.get(f"{where}.xlsx?{month}")).content.startswith(b"PK")
    for form in ("", ".csv", ".xlsx"):
        for nonsense in ("2026-13", "20２６-12"):
            assert (await anonymous.get(f"{where}{form}?month={nonsense}")).status_code == 422
        assert (await anonymous.get(f"/v1/communities/999999/fund/statement{form}?{month}")).status_code == 404


async def test_a_disclosure_is_public_and_residents_ask(as_: As, anonymous: httpx.AsyncClient, people: People) -> None:
    await resolution(people.jy, people.chen)
    await disclosures.disclose_due()
    await disclosures.note_displays()
    [line] = (await anonymous.get(f"/v1/communities/{people.jy}/disclosures?kind=resolution")).json()["items"]
    assert line["on_display"] is True
    where = f"/v1/disclosures/{line['id']}"
    shown = (await anonymous.get(where)).json()
    assert (len(shown["days"]), shown["document"]["kind"]) == (1, "resolution")
    lin, chen, mei = [await as_(who) for who in ("lin", "chen", "mei")]
    asked = await lin.post(f"{where}/questions", json={"body": "为什么？"})
    assert (asked.status_code, asked.json()["moderation"]) == (201, "passed")
    assert [one["id"] for one in (await chen.get(f"/v1/communities/{people.jy}/questions")).json()["items"]] == [
        asked.json()["id"]
    ]
    assert (await mei.get(f"/v1/communities/{people.jy}/questions")).status_code == 403
    answered = await chen.post(f"/v1/questions/{asked.json()['id']}/answer", json={"body": "因为旧的坏了"})
    assert (answered.status_code, answered.json()["overdue"]) == (200, False)
    again = await chen.post(f"/v1/questions/{asked.json()['id']}/answer", json={"body": "因为"})
    assert (again.status_code, again.json()["code"]) == (409, "already_answered")
    [read] = (await mei.get(f"{where}/questions")).json()["items"]
    assert read["answer"] == "因为旧的坏了"
    assert (await anonymous.get(f"{where}/questions")).status_code == 401
    assert (await anonymous.get("/v1/disclosures/999999")).status_code == 404


async def test_a_resolution_proves_where_it_hung_in_one_place(
    as_: As, anonymous: httpx.AsyncClient, people: People
) -> None:
    decided = await resolution(people.jy, people.chen)
    assert (await anonymous.get(f"/v1/resolutions/{decided}")).json()["on_screen"] is None, "not yet"
    await disclosures.disclose_due()
    await disclosures.note_displays()
    ma = await as_("ma")
    hung = await ma.post(f"/v1/resolutions/{decided}/displays", json={"where_text": "东门公告栏"})
    assert hung.status_code == 201, hung.text
    await passed(None)
    of_resolution = (await anonymous.get(f"/v1/resolutions/{decided}")).json()
    shown = (await anonymous.get(f"/v1/disclosures/{of_resolution['on_screen']['id']}")).json()
    assert shown["on_paper"] == of_resolution["displays"]
    assert shown["on_paper"][0]["where_text"] == "东门公告栏"
    for part in ("days", "document_hash", "shown_from", "shown_until"):
        assert shown[part] == of_resolution["on_screen"][part]
    assert len(shown["days"]) == 1


async def test_what_is_offered_is_bought_at_once(as_: As, people: People) -> None:
    where = f"/v1/campaigns/{(await opened(people)).id}"
    ma, lin = await as_("ma"), await as_("lin")
    items = [
        {"title": "手工香囊", "price_fen": 1_500, "quantity": 3},
        {"title": "旧书", "price_fen": 500, "quantity": 1},
    ]
    said = (await ma.put(f"{where}/sale-items", json={"items": items})).json()["items"]
    assert [(one["title"], one["moderation"]) for one in said] == [("手工香囊", "passed"), ("旧书", "passed")]
    assert (await ma.put(f"{where}/sale-items", json={"items": items})).json()["items"] == said
    assert [one["id"] for one in (await lin.get(f"{where}/sale-items")).json()["items"]] == [
        said[1]["id"],
        said[0]["id"],
    ]
    order = await lin.post(f"{where}/pledges", json={"kind": "sale", "sale_item_id": said[0]["id"]})
    assert (order.status_code, order.json()["amount_fen"]) == (201, 1_500)
