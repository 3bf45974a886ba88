"""The receipt of a gift of money, for whoever gave it. It proves what the ledger says; it is no tax invoice."""

from app.core import db
from app.core.clock import SHANGHAI
from app.core.errors import InvalidState
from models.crowdfunding import PledgeKind
from services import crowdfunding
from services.drawing import Receipt, in_the_studio, receipt
from services.policies import Actor, require

KINDS = {PledgeKind.MONEY: "资金", PledgeKind.ADOPTION: "项目认捐", PledgeKind.SALE: "义卖"}
NOBODY = "一位邻居"
CAPTURED = """
SELECT t.id AS transfer_id, o.captured_fen, o.paid_at, p.name AS community, l.index AS log_index,
    coalesce((SELECT sum(r.amount_fen) FROM refunds r WHERE r.order_id = o.id AND r.state = 'succeeded'), 0)::bigint
        AS refunded_fen,
    o.refund_reserved_fen
FROM transfers t
JOIN orders o ON o.pledge_id = t.source_id AND o.captured_fen > 0
JOIN places p ON p.id = t.community_id
LEFT JOIN log_entries l ON l.kind = 'transfer' AND l.row_id = t.id
WHERE t.source_kind = 'pledge' AND t.source_id = $1 AND t.leg = 'capture'
"""


async def drawn(actor: Actor, pledge_id: int, *, base_url: str) -> bytes:
    """The receipt of a pledge that was paid, as a PNG; its giver's alone. What was given back is marked.

    Raises NotFound, Forbidden, InvalidState where nothing was paid.
    """
    pledge = await crowdfunding.find_pledge(actor, pledge_id)
    require(pledge.giver_id == actor.id, "只有认捐人本人可以取得凭证", "Only the giver has the receipt")
    paid = await db.row(CAPTURED, pledge.id)
    if paid is None:
        raise InvalidState(pledge.state)
    sealed = "正在写入，稍后可查" if paid["log_index"] is None else f"第 {paid['log_index']} 号记录"
    said = Receipt(
        number=f"P-{pledge.id}",
        giver=pledge.giver.nickname or NOBODY,
        amount_fen=paid["captured_fen"],
        refunded_fen=paid["refunded_fen"],
        refunding_fen=max(0, paid["refund_reserved_fen"] - paid["refunded_fen"]),
        kind=KINDS[pledge.kind],
        campaign=pledge.campaign.title,
        community=paid["community"],
        paid_at=f"{paid['paid_at'].astimezone(SHANGHAI):%Y-%m-%d %H:%M}",
        transfer=f"第 {paid['transfer_id']} 号",
        log=sealed,
        verify_url=f"{base_url}/v1/log/proof?entry=transfer:{paid['transfer_id']}",
    )
    return await in_the_studio(receipt, said)
