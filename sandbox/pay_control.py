"""The control room of the Pay side: what payers, the merchant's console and a bad day at WeChat Pay may do."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from sandbox import payer, purse, refunds, transfers
from sandbox.faults import Tampering
from sandbox.gate import PayProblem
from sandbox.keys import Signer
from sandbox.notify import Postman
from sandbox.world import World


class Arrival(BaseModel):
    coupon_fen: int = Field(0, ge=0)


class ByHand(BaseModel):
    out_trade_no: str
    refund_fen: int = Field(ge=1)


class Balance(BaseModel):
    fen: int = Field(ge=0, le=10**12)


class Tampered(BaseModel):
    kind: Tampering


class KeyChange(BaseModel):
    certificate_percent: int = Field(0, ge=0, le=100)
    new_key: bool = False


def routes(world: World, postman: Postman) -> APIRouter:
    """The control endpoints of the Pay side."""
    router = APIRouter(prefix="/_sandbox")

    @router.post("/orders/{out_trade_no}/pay")
    async def pay_anyway(out_trade_no: str, asked: Arrival) -> dict[str, str]:
        """The payer's money arrives although the order is closed, over, or its prepay not even answered."""
        try:
            payer.pay_anyway(world, out_trade_no, asked.coupon_fen)
        except payer.PaymentRefused as error:
            raise HTTPException(409, str(error)) from None
        world.news.set()
        return {"state": "SUCCESS"}

    @router.post("/refunds")
    async def refund_by_hand(asked: ByHand) -> dict[str, str]:
        """A refund in the merchant's console, of which the application is not told."""
        try:
            with world.store.transaction():
                number = refunds.by_hand(world, asked.out_trade_no, asked.refund_fen)
        except PayProblem as problem:
            raise HTTPException(409, problem.message) from None
        world.news.set()
        return {"out_refund_no": number}

    @router.get("/merchant-balance")
    async def merchant_balance() -> dict[str, int]:
        """What the merchant's account holds."""
        return {"fen": purse.balance(world)}

    @router.post("/merchant-balance")
    async def set_merchant_balance(asked: Balance) -> dict[str, int]:
        """Top the merchant's account up, or withdraw from it, until it holds so much."""
        with world.store.transaction():
            purse.set_balance(world, asked.fen)
        return {"fen": purse.balance(world)}

    @router.post("/transfers/{out_bill_no}/confirm")
    async def confirm_transfer(out_bill_no: str) -> dict[str, str]:
        """The user accepts a transfer."""
        if not transfers.confirm(world, out_bill_no):
            raise HTTPException(409, "there is nothing to confirm")
        return {"state": "TRANSFERING"}

    @router.post("/notifications/{notification_id}/tamper")
    async def tamper(notification_id: str, asked: Tampered) -> dict[str, Any]:
        """Deliver a spoiled copy of a notification now."""
        if not world.store.one("SELECT 1 FROM notifications WHERE id = ?", notification_id):
            raise HTTPException(404, "no such notification")
        return await postman.send(notification_id, asked.kind)

    @router.post("/key-change")
    async def change_keys(asked: KeyChange) -> KeyChange:
        """So many percent of the notifications are signed by the certificate; or the public key is another at once."""
        world.certificate_percent, world.new_key = asked.certificate_percent, None
        if asked.new_key:
            made = generate_private_key(public_exponent=65537, key_size=2048)
            world.new_key = Signer("PUB_KEY_ID_0SANDBOX" + "1" * 24, made)
        return asked

    return router
