"""Somebody without a telephone tries Linli on the sandbox's page, in a real browser."""

import os
import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.demo import Story
from app.seed import CAST
from sandbox import page as the_page
from tests.stories.running import Running, running

pytestmark = pytest.mark.no_database

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIETLY = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
PHONE, DESKTOP = {"width": 375, "height": 812}, {"width": 1280, "height": 900}
PATIENCE_MS = 15_000


@pytest.fixture(autouse=True)
def rolled_back() -> None:
    """Nothing here touches the tests' own database, and the browser's driver bears no event loop beside its own."""


@pytest.fixture(scope="module")
def linli() -> Iterator[Running]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        assert "CI" not in os.environ, "Chromium must be there where CI is set"
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIETLY)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, linli: Running) -> Iterator[Page]:
    """The page on a phone-sized screen; whatever it complains about fails the test."""
    opened = browser.new_page(viewport=PHONE, locale="zh-CN")  # type: ignore[arg-type]
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    opened.goto(linli.sandbox)
    yield opened
    assert not complaints
    assert all(url.startswith((linli.sandbox, "data:")) for url in asked)
    opened.close()


def an_open_campaign(story: Story) -> str:
    """The committee decides and opens a campaign; its path."""
    story.log_in("lin", "chen", "zhao")
    community = story.people["lin"]["household"]["community_id"]
    question: dict[str, Any] = {
        "community_id": community,
        "form": "open",
        "title": "要不要花园",
        "body": "空地怎么用。",
    }
    question |= {"ballot": {"kind": "yes_no", "secret": False}, "options": []}
    question |= {"roll": "residents", "rule": "consultation"}
    now = datetime.fromisoformat(story.ask("chen", "POST", "/v1/needs", a_need(community))["created_at"])
    question |= {name: (now + timedelta(days=d)).isoformat() for name, d in DAYS.items()}
    path = f"/v1/deliberations/{story.ask('chen', 'POST', '/v1/deliberations', question)['id']}"
    for verb in ("open-discussion", "open-voting"):
        story.ask("chen", "POST", f"{path}/{verb}")
    story.ask("lin", "PUT", f"{path}/ballot", {"choice": "yes"})
    story.ask("chen", "POST", f"{path}/close")
    campaign = {
        "community_id": community,
        "legal_path": "community",
        "kind": "all_or_nothing",
        "title": "共享花园",
        "body": "土和苗。",
        "goal_fen": 500_00,
        "deadline": (now + timedelta(days=7)).isoformat(),
        "budget": [{"title": "土和苗", "amount_fen": 500_00}],
        "resolution_id": story.ask(None, "GET", f"{path}/result")["resolution_id"],
    }
    made = f"/v1/campaigns/{story.ask('chen', 'POST', '/v1/campaigns', campaign)['id']}"
    story.ask("chen", "POST", f"{made}/submit")
    story.ask("zhao", "POST", f"{made}/publish")
    return made


def send(linli: Running, openid: str, template_id: str, text: str) -> None:
    """A subscription message, as the application sends it."""
    urls = linli.urls()
    asked = {"appid": urls["WX_APPID"], "secret": urls["WX_SECRET"], "grant_type": "client_credential"}
    token = httpx.post(f"{linli.sandbox}/cgi-bin/stable_token", json=asked).json()["access_token"]
    message = {"touser": openid, "template_id": template_id, "data": {"thing1": {"value": text}}}
    where = f"{linli.sandbox}/cgi-bin/message/subscribe/send"
    assert httpx.post(where, params={"access_token": token}, json=message).json()["errcode"] == 0


DAYS = {"discussion_until": 3, "voting_until": 10}


def a_need(community: int) -> dict[str, Any]:
    about = {"service_class": "mutual_aid", "field": "environment"}
    return about | {"community_id": community, "title": "空地荒着", "body": "长满了草。"}


def test_lin_logs_in_pays_cancels_and_reads_her_notices(page: Page, linli: Running, tmp_path: Path) -> None:
    story = Story(linli.api, linli.sandbox, lambda _: None)
    campaign = an_open_campaign(story)

    page.get_by_label("社区里的人").select_option("lin")
    page.get_by_role("button", name="登录", exact=True).click()
    me = page.get_by_role("region", name="我的邻里")
    expect(me).to_contain_text("小林")
    expect(me).to_contain_text("已认证居民")

    paid, left = (
        story.ask("lin", "POST", f"{campaign}/pledges", {"kind": "money", "amount_fen": fen}) for fen in (200_00, 12_34)
    )
    to_pay = page.get_by_role("region", name="待付款")
    expect(to_pay.get_by_role("listitem")).to_have_count(2)
    expect(to_pay).to_contain_text("邻里众筹：共享花园")
    expect(to_pay).to_contain_text("还剩 14:")
    page.screenshot(path=tmp_path / "phone.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]

    to_pay.get_by_role("button", name="支付 邻里众筹：共享花园 ¥200.00").click()
    expect(page.get_by_role("status")).to_contain_text("已支付 ¥200.00")
    story.until("lin", f"/v1/pledges/{paid['id']}", "state", "paid")
    done = page.get_by_role("region", name="付过的和关闭的")
    expect(done).to_contain_text("已支付")
    expect(done).to_contain_text("TRANSACTION.SUCCESS → 应用已收到（204）")
    expect(me).to_contain_text("共享花园")  # what Linli itself told her

    to_pay.get_by_role("button", name="取消 邻里众筹：共享花园 ¥12.34").click()
    expect(to_pay).to_contain_text("requestPayment:fail cancel")
    expect(to_pay.get_by_role("listitem")).to_have_count(1)  # still open: she may think again
    assert story.ask("lin", "GET", f"/v1/pledges/{left['id']}")["state"] == "awaiting_payment"

    story.sandbox.post("/templates", json={"template_id": "T-PAID", "title": "到账提醒", "keywords": ["thing1"]})
    page.get_by_role("button", name="允许 到账提醒").click()
    messages = page.get_by_role("region", name="微信收到的消息")
    expect(messages).to_contain_text("已允许 · 还可收 1 条")
    page.get_by_text("问起另一个模板").click()
    page.get_by_label("模板编号").fill("T-OTHER")
    page.get_by_role("button", name="拒绝", exact=True).click()
    expect(messages).to_contain_text("T-OTHER")
    send(linli, "lin", "T-PAID", "已收到二百元")
    expect(messages).to_contain_text("已收到二百元")

    story.ask("chen", "POST", f"{campaign}/cancel", {"reason": "不建了"})
    expect(done).to_contain_text("已退款")
    expect(done).to_contain_text("REFUND.SUCCESS → 应用已收到")

    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("region", name="To pay")).to_contain_text("time left")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("button", name="中文").click()
    expect(me).to_contain_text("认捐的 200.00 元已收到")
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    expect(page.get_by_role("region", name="应用问了微信什么")).to_contain_text("/v3/pay/transactions/jsapi")
    page.screenshot(path=tmp_path / "desktop.png", full_page=True)


def test_a_stranger_logs_in_with_a_code_shown_on_the_page(page: Page, linli: Running) -> None:
    page.get_by_label("社区里的人").select_option(label="另一个人……")
    page.get_by_label("另一个人的 openid").fill("<b>xin</b>")
    page.get_by_label("另一个人的 openid").blur()
    page.get_by_text("用命令行登录").click()
    curl = page.locator("#curl")
    expect(curl).to_contain_text(f"curl -s {linli.api}/v1/auth/wechat")
    said = re.search(r'{"code":"\w+"}', curl.inner_text())
    assert said
    login = httpx.post(f"{linli.api}/v1/auth/wechat", content=said[0], headers={"Content-Type": "application/json"})
    assert login.json()["token"]
    assert httpx.get(f"{linli.sandbox}/_sandbox/window?openid=lin").json()["people"][-1]["openid"] == "<b>xin</b>"
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.get_by_role("region", name="我的邻里")).to_contain_text("未认证")
    assert page.locator("b").count() == 0  # text, never HTML


def test_the_page_can_be_walked_with_the_keyboard_alone(page: Page) -> None:
    page.get_by_label("社区里的人").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="登录", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("已登录")


def test_another_site_cannot_use_the_page_and_curl_can(linli: Running) -> None:
    login = f"{linli.sandbox}/_sandbox/login-code"
    mine = linli.sandbox.removeprefix("http://")
    for headers, status in (
        ({}, 200),
        ({"Origin": linli.sandbox, "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Host": mine.replace("127.0.0.1", "localhost")}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": linli.api}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "["}, 421),
    ):
        assert httpx.post(login, json={"openid": "lin"}, headers=headers).status_code == status, headers
    assert httpx.get(linli.sandbox, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200  # a link to the page
    assert httpx.get(linli.sandbox, headers={"Host": "evil.example"}).status_code == 421


def test_the_page_brings_a_strict_policy_and_leaves_no_trace_in_the_journal(linli: Running) -> None:
    answer = httpx.get(linli.sandbox)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", answer.text)
    journal = httpx.get(f"{linli.sandbox}/_sandbox/requests").json()
    assert not [entry for entry in journal if entry["path"] == "/" or entry["path"].startswith("/_sandbox")]


def test_the_application_behind_the_page_may_be_away(tmp_path: Path) -> None:
    from tests.sandbox_process import SandboxProcess, free_port

    alone = SandboxProcess.start(tmp_path / "alone", app_url=f"http://127.0.0.1:{free_port()}")
    try:
        answer = httpx.post(f"{alone.url}/_sandbox/app-login", json={"openid": "lin"})
        assert (answer.status_code, "does not answer" in answer.json()["detail"]) == (502, True)
        assert httpx.get(f"{alone.url}/_sandbox/app/me").status_code == 502
        assert httpx.get(f"{alone.url}/_sandbox/app/secrets").status_code == 404
        unknown = httpx.post(f"{alone.url}/_sandbox/pay-prepared", json={"openid": "lin", "prepay_id": "wx1"})
        assert (unknown.status_code, unknown.json()["detail"]) == (400, "no such prepay_id")
    finally:
        alone.stop()


def test_the_page_knows_the_cast_of_the_seed() -> None:
    assert {openid: name for openid, name, _, _ in the_page.CAST} == {
        openid: person.nickname for openid, person in CAST.items()
    }
