"""G7: what is POSTed to the real callback address: no forgery is accepted, makes us call anybody, or is a 5xx."""

import asyncio
import base64
import json
import secrets
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core import db
from models.crowdfunding import Campaign, Pledge, PledgeState
from models.ledger import Transfer
from models.payments import Heard, Order, Refund
from sandbox import signing, tamper
from sandbox.clock import Clock, iso
from sandbox.keys import Keys, Signer, open_keys
from sandbox.store import Store
from sandbox.world import World
from services import crowdfunding, ledger
from tests.raising import opened
from tests.sandbox_process import SandboxProcess
from tests.together.conftest import Town
from tests.together.test_payments import asked, is_

NOTIFY = "/v1/wechat/pay/notify"
Message = tuple[dict[str, str], bytes]

_watching: list[list[Any]] = []


def _see(event: str, details: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _watching:
        _watching[-1].append(details[1])


sys.addaudithook(_see)  # sees every connect() of this process, the application's among them; cannot be removed


@pytest.fixture
def calls(town: Town) -> Iterator[list[Any]]:
    """The addresses that were connected to, but for the database, Redis and the callback address itself."""
    seen: list[Any] = []
    _watching.append(seen)
    yield seen
    _watching.remove(seen)


def outbound(town: Town, calls: list[Any]) -> list[Any]:
    ours = {httpx.URL(town.url).port, httpx.URL(town.app.state.settings.redis_url).port}
    return [address for address in calls if isinstance(address, tuple) and address[1] not in ours]


@dataclass
class Platform:
    """WeChat Pay's own keys, in our hand: it can say anything, and sign it as well as the real one."""

    keys: Keys
    world: World

    def payment(self, order: Order, **changes: Any) -> dict[str, Any]:
        said = {
            "appid": self.keys.ids.appid,
            "mchid": self.keys.ids.mchid,
            "out_trade_no": order.out_trade_no,
            "transaction_id": f"42{order.id:026}",
            "trade_type": "JSAPI",
            "trade_state": "SUCCESS",
            "success_time": iso(self.world.clock.now()),
            "payer": {"openid": order.openid},
            "amount": {"total": order.amount_fen, "payer_total": order.amount_fen, "currency": "CNY"},
        }
        return said | changes

    def body(self, plain: dict[str, Any], event_type: str = "TRANSACTION.SUCCESS", **changes: Any) -> bytes:
        original_type = "refund" if event_type.startswith("REFUND") else "transaction"
        envelope = {
            "id": f"EV-{secrets.token_hex(12)}",
            "create_time": iso(self.world.clock.now()),
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": "支付成功",
            "resource": signing.seal(self.keys, plain, original_type),
        }
        return json.dumps(envelope | changes).encode()

    def sign(self, body: bytes, signer: Signer | None = None, *, clock_s: float = 0, **headers: str | None) -> Message:
        named = {f"Wechatpay-{name}": value for name, value in headers.items()}
        signed = {**signing.sign(signer or self.keys.by_key, body, clock_s=clock_s), **named}
        return {name: value for name, value in signed.items() if value is not None}, body

    def spoiled(self, order: Order, kind: Any) -> Message:
        return tamper.delivery(self.world, self.body(self.payment(order)), kind)

    def says(self, order: Order, **changes: Any) -> Message:
        return self.sign(self.body(self.payment(order, **changes)))


@pytest.fixture
def platform(sandbox: SandboxProcess, tmp_path: Any) -> Iterator[Platform]:
    keys, store = open_keys(sandbox.data_dir), Store(tmp_path / "state.sqlite3")
    yield Platform(keys, World(keys, store, Clock(store), sandbox.url, "http://127.0.0.1"))
    store.close()


def headed(name: str, value: str | None) -> Callable[[Platform, Order], Message]:
    def forge(platform: Platform, order: Order) -> Message:
        headers, body = platform.says(order)
        headers.pop(f"Wechatpay-{name}")
        return headers | ({f"Wechatpay-{name}": value} if value is not None else {}), body

    return forge


def spoiled(kind: str) -> Callable[[Platform, Order], Message]:
    return lambda platform, order: platform.spoiled(order, kind)


def swapped(platform: Platform, order: Order) -> Message:
    (headers, _), (_, body) = platform.says(order), platform.says(order)
    return headers, body


def cut_short(platform: Platform, order: Order) -> Message:
    body = json.loads(platform.body(platform.payment(order)))
    body["resource"]["ciphertext"] = base64.b64encode(base64.b64decode(body["resource"]["ciphertext"])[:-1]).decode()
    return platform.sign(json.dumps(body).encode())


def another_tag(platform: Platform, order: Order) -> Message:
    body = json.loads(platform.body(platform.payment(order)))
    sealed = bytearray(base64.b64decode(body["resource"]["ciphertext"]))
    sealed[-1] ^= 1
    body["resource"]["ciphertext"] = base64.b64encode(sealed).decode()
    return platform.sign(json.dumps(body).encode())


Forgery = Callable[[Platform, Order], Message]
REJECTED: dict[str, Forgery] = {
    "a day old, freshly encrypted": spoiled("replay"),
    "five minutes old": lambda it, order: it.sign(it.body(it.payment(order)), clock_s=-301),
    "from the future": lambda it, order: it.sign(it.body(it.payment(order)), clock_s=301),
    "signed by the merchant": spoiled("forged"),
    "SIGNTEST": spoiled("signtest"),
    "an unknown public key": spoiled("unknown_serial"),
    "a certificate that is not pinned": lambda it, order: it.sign(
        it.body(it.payment(order)), Signer("0F" * 20, it.keys.platform)
    ),
    "the key's signature under the certificate's serial": lambda it, order: it.sign(
        it.body(it.payment(order)), Signer(it.keys.by_certificate.serial, it.keys.platform)
    ),
    "an address as serial": headed("Serial", "http://127.0.0.1:9/certificate"),
    "no serial": headed("Serial", None),
    "no signature": headed("Signature", None),
    "no timestamp": headed("Timestamp", None),
    "no nonce": headed("Nonce", None),
    "another nonce": headed("Nonce", "other"),
    "a signature that is no base64": headed("Signature", "!!!"),
    "another kind of signature": headed("Signature-Type", "WECHATPAY2-SM2-WITH-SM3"),
    "the signature of another message": swapped,
    "a byte more": lambda it, order: (it.says(order)[0], it.says(order)[1] + b" "),
    "nothing": lambda it, order: ({}, b""),
    "no JSON, well signed": lambda it, order: it.sign(b"paid"),
    "not encrypted": lambda it, order: it.sign(it.body({}, resource=it.payment(order))),
    "another APIv3 key": spoiled("other_apiv3_key"),
    "another associated data": spoiled("other_aad"),
    "cut short": cut_short,
    "another tag": another_tag,
    "for another merchant": spoiled("other_mchid"),
    "for another mini-program": spoiled("other_appid"),
    "an unknown event": spoiled("unknown_event"),
    "a payment that calls itself a refund": lambda it, order: it.sign(it.body(it.payment(order), "REFUND.SUCCESS")),
    "not paid": lambda it, order: it.says(order, trade_state="NOTPAY"),
    "in another currency": lambda it, order: it.says(order, amount={"total": order.amount_fen, "currency": "USD"}),
    "an amount that is a text": lambda it, order: it.says(order, amount={"total": "5000", "currency": "CNY"}),
    "no payer": lambda it, order: it.says(order, payer={}),
    "a megabyte": spoiled("large"),
}
HEARD_IN_VAIN: dict[str, Forgery] = {
    "another amount": spoiled("other_amount"),
    "another payer": spoiled("other_openid"),
    "an order that is not ours": spoiled("unknown_order"),
}


async def waiting(town: Town) -> tuple[Campaign, Order]:
    campaign = await opened(town.people)
    made = await asked(town, "lin", campaign)
    return campaign, await Order.get(pledge_id=made["id"])


async def post(town: Town, message: Message) -> int:
    headers, body = message
    async with httpx.AsyncClient(base_url=town.url, trust_env=False) as client:
        return (await client.post(NOTIFY, content=body, headers=headers)).status_code


async def test_no_forgery_is_accepted_or_makes_us_call_anybody(
    town: Town, platform: Platform, calls: list[Any]
) -> None:
    _, order = await waiting(town)
    calls.clear()
    assert len(REJECTED) + len(HEARD_IN_VAIN) >= 16
    for name, forge in REJECTED.items():
        assert 400 <= await post(town, forge(platform, order)) < 500, name
    assert await Heard.all().count() == 0
    for name, forge in HEARD_IN_VAIN.items():
        assert await post(town, forge(platform, order)) == 204, name
    assert outbound(town, calls) == []
    assert (await Pledge.get(id=order.pledge_id)).state is PledgeState.AWAITING_PAYMENT
    assert await Transfer.all().count() == 0
    assert await post(town, platform.says(order)) == 204
    assert (await Pledge.get(id=order.pledge_id)).state is PledgeState.PAID, "the real one is taken in all the same"
    assert outbound(town, calls) == []


async def test_the_watch_would_see_a_call(town: Town, calls: list[Any], sandbox: SandboxProcess) -> None:
    await town.pay.query("CF000000000000")
    assert httpx.URL(sandbox.url).port in {address[1] for address in outbound(town, calls)}


async def test_the_genuine_is_applied_once_however_often_it_comes(town: Town, platform: Platform) -> None:
    _, order = await waiting(town)
    same = platform.body(platform.payment(order))
    messages = [platform.sign(same) for _ in range(5)] + [platform.says(order) for _ in range(5)]
    assert set(await asyncio.gather(*(post(town, message) for message in messages))) == {204}
    assert await Transfer.filter(leg="capture").count() == 1
    assert await db.value("SELECT count(*) FROM events WHERE verb = 'pledge.paid'") == 1
    assert await Heard.all().count() == 6
    assert await ledger.check_books() == []


async def test_a_refund_may_be_told_before_its_payment_and_before_our_own_asking(
    town: Town, platform: Platform, move_clock: Any
) -> None:
    campaign, order = await waiting(town)
    refund = platform.payment(order) | {
        "refund_id": "5" * 28,
        "out_refund_no": f"{order.out_trade_no}-R1",
        "refund_status": "SUCCESS",
        "amount": {"total": 5_000, "refund": 5_000, "payer_total": 5_000, "payer_refund": 5_000},
    }
    early = platform.sign(platform.body(refund, "REFUND.SUCCESS"))
    assert await post(town, early) == 204
    assert (await Pledge.get(id=order.pledge_id)).state is PledgeState.AWAITING_PAYMENT
    assert await post(town, platform.says(order)) == 204
    await crowdfunding.take_back(town.people.lin, order.pledge_id)
    assert await post(town, platform.sign(platform.body(refund, "REFUND.SUCCESS"))) == 204
    assert (await Pledge.get(id=order.pledge_id)).state is PledgeState.REFUNDED
    assert await post(town, platform.says(order)) == 204, "late and once more"
    assert (await Pledge.get(id=order.pledge_id)).state is PledgeState.REFUNDED
    assert (await Transfer.all().count(), campaign.id > 0) == (3, True)
    assert await ledger.check_books() == []


async def test_a_payment_may_be_told_before_the_prepays_own_reply(town: Town) -> None:
    campaign = await opened(town.people)
    await town.as_("lin")
    await town.sandbox("faults", path="/v3/pay/transactions/jsapi", effect="after", delay_s=2, count=1)
    pledging = asyncio.create_task(asked(town, "lin", campaign))
    while not (made := await town.seen("orders")):
        await asyncio.sleep(0.02)
    await town.sandbox(f"orders/{made[0]['out_trade_no']}/pay")
    order = await Order.get(out_trade_no=made[0]["out_trade_no"])
    await is_(order.pledge_id, PledgeState.PAID)
    assert not pledging.done()
    answer = await pledging
    assert answer["id"] == order.pledge_id
    assert (await Order.get(id=order.id)).state == "paid"
    assert (await Pledge.get(id=order.pledge_id)).state is PledgeState.PAID
    assert await ledger.check_books() == []


async def test_a_signtest_probe_is_followed_by_the_real_one(town: Town) -> None:
    campaign = await opened(town.people)
    await town.sandbox("faults", notify="signtest", count=1)
    made = await asked(town, "lin", campaign)
    await town.sandbox("pay", openid="lin", payment=made["payment"])
    while not (await town.seen("notifications"))[0]["retries"]:
        await asyncio.sleep(0.05)
    assert (await Pledge.get(id=made["id"])).state is PledgeState.AWAITING_PAYMENT
    await town.sandbox("clock", advance_s=int(timedelta(seconds=15).total_seconds()))
    await is_(made["id"], PledgeState.PAID)
    assert await Refund.all().count() == 0
