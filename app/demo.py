"""`linli demo`: the story *a lamp is mended*, played by the cast over HTTP against a running Linli and its sandbox.

Each step is told as a person would tell it, with the request behind it. Anything unexpected ends the story with an
error. Time passes by moving the clock.
"""

import io
import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
from PIL import Image
from rich.console import Console

from app.looking import Wrong, look_around

CLOCK_S = 30.0  # how long the worker may take to notice that a date has come

console = Console(highlight=False, soft_wrap=True)


class StoryBroken(Exception):
    """Something did not go as told."""


class Story:
    """The cast's clients and the telling."""

    def __init__(self, api: str, sandbox: str, pass_time: Callable[[timedelta], None]) -> None:
        self.api = httpx.Client(base_url=api, timeout=15)
        self.sandbox = httpx.Client(base_url=f"{sandbox}/_sandbox", timeout=15)
        self._pass_time = pass_time
        self._tokens: dict[str, str] = {}
        self.people: dict[str, dict[str, Any]] = {}
        self.now = datetime.min  # the system's time, once something was made

    def tell(self, text: str) -> None:
        """A sentence of the story."""
        console.print(f"\n[bold]{text}[/bold]")

    def log_in(self, *openids: str) -> None:
        """Each logs in with a code of WeChat."""
        for openid in openids:
            code = self.sandbox.post("/login-code", json={"openid": openid}).raise_for_status().json()["code"]
            login = self.ask(None, "POST", "/v1/auth/wechat", {"code": code})
            self._tokens[openid], self.people[openid] = login["token"], login["resident"]
            console.print(f"  [dim]       {openid} is {login['resident']['nickname']}[/dim]")

    def ask(self, who: str | None, method: str, path: str, body: Any = None, *, expect: int | None = None) -> Any:
        """One request, shown; raises StoryBroken unless it is answered as expected (2xx by default)."""
        headers = {"Authorization": f"Bearer {self._tokens[who]}"} if who else {}
        answer = self.api.request(method, path, json=body, headers=headers)
        console.print(f"  [dim]{who or '-':>5}  {method} {path} → {answer.status_code}[/dim]")
        if answer.status_code != expect if expect else not answer.is_success:
            raise StoryBroken(f"{method} {path} as {who} answered {answer.status_code}: {answer.text}")
        return answer.json() if answer.content else None

    def upload(self, who: str, picture: bytes) -> int:
        """Upload a picture that everybody may see; its id."""
        headers = {"Authorization": f"Bearer {self._tokens[who]}"}
        answer = self.api.post("/v1/media", files={"file": picture}, headers=headers).raise_for_status()
        console.print(f"  [dim]{who:>5}  POST /v1/media → {answer.status_code}[/dim]")
        return int(answer.json()["id"])

    def let_pass(self, by: timedelta, why: str) -> None:
        """Move the clock on."""
        self._pass_time(by)
        self.now += by
        console.print(f"  [dim]clock  +{by} ({why})[/dim]")

    def until(self, who: str | None, path: str, field: str, wanted: object) -> Any:
        """Read `path` until `field` is as wanted: the worker notices by itself that a date has come."""
        deadline = time.monotonic() + CLOCK_S
        headers = {"Authorization": f"Bearer {self._tokens[who]}"} if who else {}
        while True:
            answer = self.api.get(path, headers=headers)
            found = answer.raise_for_status().json()
            if found[field] == wanted:
                console.print(f"  [dim]{who or '-':>5}  GET {path} → {field}: {wanted}[/dim]")
                return found
            if time.monotonic() > deadline:
                raise StoryBroken(f"{path}: {field} is still {found[field]}, not {wanted}")
            time.sleep(0.3)

    def check(self, fact: str, got: object, wanted: object) -> None:
        """State a fact that must hold."""
        if got != wanted:
            raise StoryBroken(f"{fact}: {got}, not {wanted}")
        console.print(f"  [green]✓[/green] {fact}: {got}")

    def picture(self, who: str, path: str, what: str) -> None:
        """Fetch a picture and tell its size."""
        answer = self._read(who, path)
        if not answer.is_success:
            raise StoryBroken(f"GET {path} as {who} answered {answer.status_code}: {answer.text}")
        drawn = Image.open(io.BytesIO(answer.content))
        self.check(f"{what} {path}", drawn.format, "PNG")
        console.print(f"  {what} {drawn.width}×{drawn.height}，{len(answer.content) // 1024} KB")

    def look(self, **how: bool) -> None:
        """Read everything that a neighbour, the committee and strangers may read; all of it has to agree."""
        community = self.people["lin"]["household"]["community_id"]
        try:
            answers = look_around(self._read, community, ("lin", "chen"), **how)
        except Wrong as exc:
            raise StoryBroken(str(exc)) from exc
        console.print(f"  [green]✓[/green] 列表、详情、图片和统计全部一致（{answers} 次读取）")

    def _read(self, who: str | None, path: str) -> httpx.Response:
        return self.api.get(path, headers={"Authorization": f"Bearer {self._tokens[who]}"} if who else {})

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Every item of a public list."""
        cursor: str | None = None
        for _ in range(10_000):
            params: dict[str, str | int] = {"limit": 100} | ({"cursor": cursor} if cursor else {})
            page = self.api.get(path, params=params).raise_for_status().json()
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return


def play(story: Story) -> None:
    """From the day the lamp goes dark to the published accounts."""
    story.tell("锦阳社区的邻居们登录小程序。")
    story.log_in("lin", "mei", "wang", "he", "chen", "zhao", "sun", "wu")
    community = story.people["lin"]["household"]["community_id"]

    need = _say(story, community)
    story.look()
    resolution_id = _decide(story, community, need)
    story.look()
    campaign = _raise_money(story, community, need, resolution_id)
    story.look()
    _mend(story, community, need)
    story.look()
    _spend(story, campaign)
    story.look()
    _rate(story, need)
    story.look()
    _certify(story, community)
    wish = _wish(story, community)
    _show(story, need, resolution_id, wish)
    _account(story, community, campaign)
    story.look()
    console.print("\n[bold green]灯亮了，账平了。[/bold green] A lamp is mended, and the books balance.")


def _say(story: Story, community: int) -> int:
    story.tell("小林晚上回家，7号楼的楼道灯坏了。她写下来，邻居们附议，居委会受理。")
    need = story.ask(
        "lin",
        "POST",
        "/v1/needs",
        {
            "community_id": community,
            "service_class": "mutual_aid",
            "field": "safety",
            "title": "7号楼楼道灯坏了",
            "body": "一到三层的楼道灯都不亮，老人晚上下楼不安全。",
        },
    )
    story.now = datetime.fromisoformat(need["created_at"])
    for neighbour in ("mei", "wang", "he"):
        story.ask(neighbour, "PUT", f"/v1/needs/{need['id']}/endorsement")
    story.ask("chen", "POST", f"/v1/needs/{need['id']}/accept", {})
    seen = story.ask("mei", "GET", f"/v1/needs/{need['id']}")
    story.check("附议人数", seen["endorsements"], 3)
    return int(need["id"])


def _decide(story: Story, community: int, need: int) -> int:
    story.tell("居委会发起协商：要不要众筹 300 元换成感应灯？一户一票，先议后决。")
    deliberation = story.ask(
        "chen",
        "POST",
        "/v1/deliberations",
        {
            "community_id": community,
            "form": "co_building",
            "title": "7号楼换感应灯",
            "body": "向邻居自愿筹集 300 元，买三盏感应灯，志愿者安装。",
            "need_ids": [need],
            "ballot": {"kind": "yes_no", "secret": False},
            "options": [],
            "roll": "households",
            "rule": "residents_meeting",
            "discussion_until": (story.now + timedelta(days=3)).isoformat(),
            "voting_until": (story.now + timedelta(days=10)).isoformat(),
        },
    )
    path = f"/v1/deliberations/{deliberation['id']}"
    story.ask("chen", "POST", f"{path}/open-discussion", {})
    story.ask("mei", "POST", f"{path}/comments", {"body": "赞成，感应灯省电。"})
    story.let_pass(timedelta(days=3, minutes=1), "三天讨论期满，系统自动开始表决")
    story.until("chen", path, "state", "voting")
    for voter, choice in (
        ("lin", "yes"),
        ("mei", "yes"),
        ("he", "yes"),
        ("chen", "yes"),
        ("zhao", "yes"),
        ("sun", "abstain"),
        ("wang", "no"),
    ):
        story.ask(voter, "PUT", f"{path}/ballot", {"choice": choice})
    story.tell("王伯想了想，改投赞成。")
    receipt = story.ask("wang", "PUT", f"{path}/ballot", {"choice": "yes"})["receipt"]
    console.print(f"  回执 {receipt}")
    story.let_pass(timedelta(days=7), "表决期满，系统自动计票")
    story.until("chen", path, "state", "decided")
    result = story.ask(None, "GET", f"{path}/result")
    story.check("通过", result["passed"], True)
    console.print(f"  {result['explanation']}")
    resolution = story.ask(None, "GET", f"/v1/resolutions/{result['resolution_id']}")
    console.print(f"  决议 {resolution['number']}")
    return int(result["resolution_id"])


def _raise_money(story: Story, community: int, need: int, resolution_id: int) -> int:
    story.tell("凭决议立项：七天内筹满 300 元就做，筹不满全额退回。陈主任提交，赵委员发布。")
    campaign = story.ask(
        "chen",
        "POST",
        "/v1/campaigns",
        {
            "community_id": community,
            "legal_path": "community",
            "kind": "all_or_nothing",
            "title": "7号楼感应灯",
            "body": "三盏感应灯和线材，志愿者义务安装，账目公开。",
            "goal_fen": 300_00,
            "deadline": (story.now + timedelta(days=7)).isoformat(),
            "budget": [{"title": "感应灯三盏", "amount_fen": 240_00}, {"title": "线材", "amount_fen": 60_00}],
            "resolution_id": resolution_id,
            "need_ids": [need],
        },
    )
    path = f"/v1/campaigns/{campaign['id']}"
    story.ask("chen", "POST", f"{path}/submit", {})
    story.ask("chen", "POST", f"{path}/publish", {}, expect=403)
    story.ask("zhao", "POST", f"{path}/publish", {})
    story.tell("邻居们用微信支付认捐；何楼长借出梯子。")
    for giver, amount_fen in (("lin", 100_00), ("mei", 120_00), ("wang", 80_00)):
        pledge = story.ask(giver, "POST", f"{path}/pledges", {"kind": "money", "amount_fen": amount_fen})
        paid = story.sandbox.post("/pay", json={"openid": giver, "payment": pledge["payment"]}).raise_for_status()
        console.print(f"  [dim]{giver:>5}  wx.requestPayment → {paid.json()}[/dim]")
        story.until(giver, f"/v1/pledges/{pledge['id']}", "state", "paid")
    story.ask("he", "POST", f"{path}/pledges", {"kind": "in_kind", "item": "人字梯（借用）", "amount_fen": 50_00})
    seen = story.ask("wang", "GET", path)
    story.check("已筹（分）", seen["raised_fen"], 300_00)
    story.check("支持人数", seen["backers"] >= 3, True)
    story.ask("wu", "GET", path, expect=404)
    story.let_pass(timedelta(days=7, minutes=1), "筹款截止")
    story.until("chen", path, "state", "funded")
    story.let_pass(timedelta(days=1, minutes=1), "一天后开始实施")
    story.until("chen", path, "state", "implementing")
    return int(campaign["id"])


def _mend(story: Story, community: int, need: int) -> None:
    story.tell("何楼长带队换灯，需要两名志愿者；第三个人排队候补。")
    starts = story.now + timedelta(hours=6)
    activity = story.ask(
        "chen",
        "POST",
        "/v1/activities",
        {
            "community_id": community,
            "kind": "service",
            "title": "换楼道灯",
            "body": "安装三盏感应灯，请带手套。",
            "leader_id": story.people["he"]["id"],
            "need_ids": [need],
            "shifts": [
                {
                    "starts_at": starts.isoformat(),
                    "ends_at": (starts + timedelta(hours=2)).isoformat(),
                    "capacity": 2,
                    "place_text": "7号楼一层门厅",
                }
            ],
        },
    )
    shift = f"/v1/shifts/{activity['shifts'][0]['id']}"
    story.check("小林", story.ask("lin", "POST", f"{shift}/signup", {})["state"], "confirmed")
    story.check("王伯", story.ask("wang", "POST", f"{shift}/signup", {})["state"], "confirmed")
    story.check("阿梅", story.ask("mei", "POST", f"{shift}/signup", {})["state"], "waitlisted")
    story.tell("王伯腰疼，取消了；阿梅自动递补。")
    story.ask("wang", "DELETE", f"{shift}/signup")
    story.check("阿梅", story.ask("mei", "POST", f"{shift}/signup", {})["state"], "confirmed")
    story.let_pass(timedelta(hours=6), "到了换灯的时间")
    code = story.ask("he", "GET", f"{shift}/checkin-code")["token"]
    for volunteer in ("lin", "mei"):
        story.ask(volunteer, "POST", f"{shift}/check-in", {"token": code})
    story.let_pass(timedelta(minutes=90), "灯都亮了")
    code = story.ask("he", "GET", f"{shift}/checkin-code")["token"]
    for volunteer in ("lin", "mei"):
        story.ask(volunteer, "POST", f"{shift}/check-out", {"token": code})
    story.ask("he", "POST", f"{shift}/confirm-hours", {})
    record = story.ask("mei", "GET", "/v1/me/service-records?limit=1")["items"][0]
    story.check("阿梅的志愿时长（分钟）", record["minutes"], 90)


def _spend(story: Story, campaign: int) -> None:
    story.tell("何楼长凭票报销买灯的 240 元：他自己不能批，陈主任和监督委员老孙批准，赵委员付款。")
    line = story.ask("he", "GET", f"/v1/campaigns/{campaign}")["budget"][0]
    expense = story.ask(
        "he",
        "POST",
        f"/v1/campaigns/{campaign}/expenses",
        {
            "budget_line_id": line["id"],
            "amount_fen": 240_00,
            "payee": "光明五金店",
            "purpose": "感应灯三盏",
            "receipt_ids": [story.upload("he", _receipt())],
        },
    )
    path = f"/v1/expenses/{expense['id']}"
    story.ask("he", "POST", f"{path}/approve", {}, expect=403)
    story.ask("chen", "POST", f"{path}/approve", {})
    story.ask("zhao", "POST", f"{path}/pay", {"reference": "网银 0017"}, expect=409)
    story.ask("sun", "POST", f"{path}/approve", {})
    story.ask("zhao", "POST", f"{path}/pay", {"reference": "网银 0017"})
    seen = story.ask(None, "GET", path)
    story.check("审批人的身份", [approval["role"] for approval in seen["approvals"]], ["committee", "supervisor"])
    story.check("已支出（分）", story.ask("lin", "GET", f"/v1/campaigns/{campaign}")["spent_fen"], 240_00)


def _receipt() -> bytes:
    """A photograph of a receipt, as far as a computer is concerned."""
    picture = io.BytesIO()
    paper = Image.frombytes("L", (16, 16), os.urandom(256))  # each is another one
    paper.resize((256, 256)).convert("RGB").save(picture, "JPEG")
    return picture.getvalue()


def _rate(story: Story, need: int) -> None:
    story.tell("居委会办结，小林打分；这条需求的来龙去脉人人可查。")
    story.ask("chen", "POST", f"/v1/needs/{need}/done", {})
    story.ask("lin", "POST", f"/v1/needs/{need}/rate", {"score": 5, "comment": "晚上终于亮堂了"})
    seen = story.ask("wang", "GET", f"/v1/needs/{need}")
    story.check("需求", seen["state"], "rated")
    for line in seen["timeline"]:
        made = " ".join(str(line["facts"][key]) for key in ("kind", "subject_id") if key in line["facts"])
        console.print(f"  {line['at'][:16]}  {line['verb']} {made}  [dim]{line['by']}[/dim]")
    inbox = story.ask("lin", "GET", "/v1/me/inbox?limit=5")["items"]
    for notice in inbox:
        console.print(f"  [dim]通知 {notice['text']}[/dim]")


def _certify(story: Story, community: int) -> None:
    story.tell("阿梅申请志愿服务证明；谁扫描证明上的码，都能核对。")
    served = story.ask("mei", "GET", "/v1/me/service-records?limit=100")["items"]
    made = story.ask("mei", "POST", "/v1/me/certificates", {"community_id": community, "name": "梅晓芳"})
    seen = story.ask(None, "GET", f"/v1/certificates/{made['code']}")
    story.check("证明有效", seen["valid"], True)
    story.check("证明的时长（分钟）", seen["minutes"], sum(record["minutes"] for record in served))
    console.print(f"  {seen['number']}  {seen['name_masked']}  {seen['issuer']}")
    story.picture("mei", f"/v1/certificates/{made['code']}.png", "证明")
    story.look()


def _wish(story: Story, community: int) -> int:
    story.tell("何楼长替不用手机的李奶奶写下心愿；赵委员入户核实，陈主任发布。")
    elder = story.ask(
        "he",
        "POST",
        "/v1/residents",
        {"household_id": story.people["he"]["household"]["id"], "name": "李桂兰", "birth_year": 1941},
    )
    consent = {"kind": "witness", "witness_id": story.people["mei"]["id"]}
    for_her = {"on_behalf_of": {"resident_id": elder["id"], "consent": consent}}
    wish = story.ask(
        "he",
        "POST",
        "/v1/wishes",
        {
            "community_id": community,
            "kind": "goods",
            "title": "想要一台收音机",
            "body": "眼睛不好，想听戏。",
            "value_fen": 80_00,
            **for_her,
        },
    )
    path = f"/v1/wishes/{wish['id']}"
    story.ask("he", "PUT", f"{path}/contact", {"consent": "on_claim", "words": "7号楼601，敲门请大声些", **for_her})
    story.ask("zhao", "POST", f"{path}/attest", {"ground": "入户走访，独居老人"})
    story.ask("chen", "POST", f"{path}/approve", {})
    story.look()
    story.tell("小林认领，这才看到怎样找到李奶奶；每次查看都记在册上。")
    seen = story.ask("lin", "GET", path)
    story.check("别人看到的许愿人", seen["author"], {"id": None, "nickname": "李**"})
    story.ask("lin", "GET", f"{path}/contact", expect=403)
    story.ask("lin", "POST", f"{path}/claim", {})
    story.ask("mei", "POST", f"{path}/claim", {}, expect=409)
    story.ask("mei", "GET", f"{path}/contact", expect=403)
    contact = story.ask("lin", "GET", f"{path}/contact")
    console.print(f"  {contact['name']}  {contact['words']}")
    story.check("查看记录", len(story.ask("chen", "GET", f"{path}/disclosures")["items"]), 1)
    story.look()
    story.tell("收音机送到了；何楼长替李奶奶确认并道谢，她愿意公开谢意。")
    story.ask("lin", "POST", f"{path}/fulfil", {"note": "收音机已送到，戏曲频道存好了。"})
    story.look()
    story.ask("he", "POST", f"{path}/confirm", {"thanks": "谢谢热心的小林！", "thanks_public": True, **for_her})
    seen = story.ask("mei", "GET", path)
    story.check("心愿", seen["state"], "confirmed")
    story.check("谢意", seen["thanks"], "谢谢热心的小林！")
    story.look()
    return int(wish["id"])


def _show(story: Story, need: int, resolution: int, wish: int) -> None:
    story.tell("把故事分享给邻居：海报由系统绘制，不写人名，不放照片。")
    deliberation = story.ask(None, "GET", f"/v1/resolutions/{resolution}")["deliberation_id"]
    for kind, thing in (("need", need), ("deliberation", deliberation), ("wish", wish)):
        story.picture("lin", f"/v1/posters/{kind}/{thing}.png", "海报")


def _account(story: Story, community: int, campaign: int) -> None:
    story.tell("账目公开：每一分钱从哪里来、到哪里去，任何人都能重算。")
    fund = story.ask(None, "GET", f"/v1/communities/{community}/fund")
    transfers = list(story.pages(f"/v1/communities/{community}/fund/transfers"))
    balances = dict.fromkeys(fund["balances"], 0)
    raised_fen = 0
    for transfer in transfers:
        balances[transfer["debit"]] -= transfer["amount_fen"]
        balances[transfer["credit"]] += transfer["amount_fen"]
        raised_fen += transfer["amount_fen"] if transfer["credit_campaign_id"] == campaign else 0
    story.check("借贷相抵", sum(balances.values()), 0)
    for kind, balance_fen in fund["balances"].items():
        if balance_fen or balances[kind]:
            story.check(f"账户 {kind}（分）", balances[kind], balance_fen)
    story.check("本项目入账（分）", raised_fen, 300_00)
    figures = story.ask(None, "GET", f"/v1/places/{community}/stats")
    story.check("社区已筹与各项目之和（分）", figures["raised_fen"], fund["received_fen"] - fund["refunded_fen"])
