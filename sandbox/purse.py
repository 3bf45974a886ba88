"""The merchant's account at WeChat Pay: every movement with the balance after it. The bills are written from it."""

import secrets

from sandbox.gate import PayProblem
from sandbox.world import World

OPENING_FEN = 1_000_000  # from business of other days
FEE_PER_10_000 = 60

TRADE, FEE, REFUND, REFUND_UNDONE = "交易", "扣除交易手续费", "退款", "退款关闭退回"
TRANSFER, TRANSFER_UNDONE = "商家转账", "商家转账退回"
TOP_UP, WITHDRAWAL = "充值", "提现"


def balance(world: World) -> int:
    """What the merchant can dispose of, in fen."""
    last = world.store.one("SELECT balance FROM flows ORDER BY id DESC LIMIT 1")
    return OPENING_FEN if last is None else int(last["balance"])


def move(world: World, kind: str, fen: int, business_no: str, *, remark: str = "", voucher: str = "") -> None:
    """Put money in (above zero) or take it out, in the running transaction. Raises NOT_ENOUGH."""
    if fen == 0:
        return
    after = balance(world) + fen
    if after < 0:
        raise PayProblem(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
    world.store.add(
        "flows",
        at=world.clock.now(),
        business_no=business_no,
        flow_no=f"{world.keys.ids.mchid}{secrets.randbelow(10**18):018}",
        kind=kind,
        fen=fen,
        balance=after,
        remark=remark,
        voucher=voucher,
    )


def set_balance(world: World, fen: int) -> None:
    """Top up or withdraw until the balance is this."""
    change = fen - balance(world)
    move(world, TOP_UP if change > 0 else WITHDRAWAL, change, f"{secrets.randbelow(10**28):028}")


def fee(fen: int) -> int:
    """What WeChat Pay keeps of an amount, rounded to the fen."""
    return (fen * FEE_PER_10_000 + 5_000) // 10_000


def yuan(fen: int) -> str:
    """Money as bills write it."""
    sign, fen = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{fen // 100}.{fen % 100:02d}"
