"""WeChat's daily bills against our books: what was paid and given back, number by number, to the fen."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial

import structlog

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import NotFound
from app.core.pages import Listed, Page, newest
from app.gateways.errors import BillNotReady, GatewayError
from app.gateways.wechat_pay import FundFlowBill, TradeBill, WechatPay
from models.bills import Bill, BillDifference, BillSource, BillState, DifferenceKind
from services.due import one_by_one
from services.policies import Actor, require
from services.policies import payments as policies
from services.rules.reconciliation import Difference, compare

log = structlog.stdlib.get_logger("linli.payments")

DAYS_AT_ONCE = 100
SHOWN_MAX = 100
NUMBER_MAX = 64
PAYMENT, REFUND = "交易", "退款"  # the movements of the fund flow that are ours; fees and withdrawals are not compared


@dataclass(frozen=True)
class Line:
    """A difference as it is shown."""

    id: int
    source: BillSource
    kind: DifferenceKind
    number: str
    pledge_id: int | None
    ours_fen: int
    theirs_fen: int
    settled_at: datetime | None
    settled_reason: str | None


@dataclass(frozen=True)
class DayOfBills:
    """A day's bills as one community sees them: its first 100 differences, and how many there are."""

    id: int
    bill_date: date
    state: BillState
    compared_at: datetime | None
    differences_total: int
    differences: list[Line]


@dataclass(frozen=True)
class _Ours:
    """A payment or a refund in our books; `fen` is 0 for nothing."""

    number: str
    wechat_id: str | None
    fen: int
    order_id: int
    community_id: int
    due: bool


@dataclass
class _Books:
    """What we know of the numbers that a day's bills name, and of those they must name."""

    payments: dict[str, _Ours] = field(default_factory=dict)
    refunds: dict[str, _Ours] = field(default_factory=dict)


# --- fetching ---------------------------------------------------------------------------------------------------

# A day's bills are there from 10:00 of the next, for three months; we ask from 10:30.
DAYS_OVER = """
INSERT INTO bills (bill_date, state, trade_rows, fund_flow_rows, paid_fen, refunded_fen, fee_fen, tries)
SELECT day, 'awaited', 0, 0, 0, 0, 0, 0
FROM (SELECT ((clock_now() AT TIME ZONE 'Asia/Shanghai') - interval '34 hours 30 minutes')::date AS last) AS over,
    LATERAL generate_series(
        greatest(coalesce((SELECT max(bill_date) + 1 FROM bills), last), last - 88), last, interval '1 day') AS day
ON CONFLICT ON CONSTRAINT bills_day_once DO NOTHING
"""
BILLS_DUE = f"""
SELECT id FROM bills WHERE state = 'awaited' AND next_try_at <= clock_now() ORDER BY bill_date LIMIT {DAYS_AT_ONCE}
"""
TAKE_BILL = """
UPDATE bills SET tries = least(tries + 1, 10000), next_try_at = clock_now() + interval '5 minutes'
WHERE id = $1 AND state = 'awaited' AND next_try_at <= clock_now() RETURNING bill_date
"""
LATER = "UPDATE bills SET next_try_at = clock_now() + interval '30 minutes' WHERE id = $1 AND state = 'awaited'"


async def fetch_bills(pay: WechatPay) -> int:
    """Fetch the bills of the days that are over and compare them, each day once; how many days were asked for.

    Bills that are not ready are asked for again in half an hour, those that cannot be had or read in five minutes.
    """
    await db.execute(DAYS_OVER)
    due = [int(row["id"]) for row in await db.rows(BILLS_DUE)]
    await one_by_one(due, partial(_fetch_day, pay))
    return len(due)


async def _fetch_day(pay: WechatPay, bill_id: int) -> None:
    day = await db.value(TAKE_BILL, bill_id)
    if day is None:
        return
    try:
        trade, flow = await pay.trade_bill(day), await pay.fund_flow_bill(day)
    except BillNotReady:
        await db.execute(LATER, bill_id)
    except GatewayError as error:
        log.error("bill not to be had", bill_date=str(day), error=str(error))
    else:
        await _compare_day(bill_id, trade, flow)


@atomic(limit_s=60)
async def _compare_day(bill_id: int, trade: TradeBill, flow: FundFlowBill) -> None:
    """Write down where the bills of a day and our books differ; once, whoever comes second does nothing."""
    bill = await Bill.filter(id=bill_id, state=BillState.AWAITED).select_for_update(no_key=True).get_or_none()
    if bill is None:
        return
    books = await _books(bill.bill_date, trade, flow)
    found = _trade_differences(trade, books)
    named = {_what(difference) for difference in found}
    found += [one for one in _flow_differences(trade, flow, books) if _what(one) not in named]
    found += _fees(trade, books)
    for one in found:
        one.bill_id = bill_id
    await BillDifference.bulk_create(found, batch_size=500)
    await Bill.filter(id=bill_id).update(
        state=BillState.COMPARED,
        trade_sha1=trade.sha1,
        fund_flow_sha1=flow.sha1,
        trade_rows=len(trade.rows),
        fund_flow_rows=len(flow.rows),
        paid_fen=sum(row.amount_fen for row in trade.rows if row.out_refund_no is None),
        refunded_fen=sum(row.amount_fen for row in trade.rows if row.out_refund_no is not None),
        fee_fen=sum(row.fee_fen for row in trade.rows),
        compared_at=await clock.now(),
    )
    kinds = Counter(str(one.kind) for one in found if one.kind is not DifferenceKind.FEE)
    if kinds:
        log.error("bills differ from our books", bill_date=str(bill.bill_date), **kinds)


# --- our side ---------------------------------------------------------------------------------------------------

OUR_PAYMENTS = """
SELECT o.out_trade_no AS number, o.transaction_id AS wechat_id, o.captured_fen AS fen, o.id AS order_id, o.community_id,
    coalesce(o.paid_at >= $1 AND o.paid_at < $2, false) AS due
FROM orders o WHERE o.paid_at >= $1 AND o.paid_at < $2
    OR o.out_trade_no = ANY ($3::text[]) OR o.transaction_id = ANY ($4::text[])
"""
OUR_REFUNDS = """
SELECT r.out_refund_no AS number, r.refund_id AS wechat_id,
    CASE WHEN r.state = 'requested' THEN 0 ELSE r.amount_fen END AS fen, r.order_id, r.community_id,
    coalesce(r.accepted_at >= $1 AND r.accepted_at < $2, false) AS due
FROM refunds r WHERE r.accepted_at >= $1 AND r.accepted_at < $2
    OR r.out_refund_no = ANY ($3::text[]) OR r.refund_id = ANY ($4::text[])
"""


async def _books(day: date, trade: TradeBill, flow: FundFlowBill) -> _Books:
    begins_at = datetime(day.year, day.month, day.day, tzinfo=clock.SHANGHAI)
    bounds = (begins_at, begins_at + timedelta(days=1))
    orders = [row.out_trade_no for row in trade.rows]
    refunds = [row.out_refund_no for row in trade.rows if row.out_refund_no is not None]
    moved = [row.business_no for row in flow.rows]
    payments = [_Ours(**row) for row in await db.rows(OUR_PAYMENTS, *bounds, orders, moved)]
    given_back = [_Ours(**row) for row in await db.rows(OUR_REFUNDS, *bounds, refunds, moved)]
    return _Books({one.number: one for one in payments}, {one.number: one for one in given_back})


# --- comparing --------------------------------------------------------------------------------------------------


def _trade_differences(trade: TradeBill, books: _Books) -> list[BillDifference]:
    paid = [(row.out_trade_no, row.amount_fen) for row in trade.rows if row.out_refund_no is None]
    given_back = [(row.out_refund_no, row.amount_fen) for row in trade.rows if row.out_refund_no is not None]
    return _told(BillSource.TRADE, paid, books.payments, trade, books) + _told(
        BillSource.TRADE, given_back, books.refunds, trade, books
    )


def _flow_differences(trade: TradeBill, flow: FundFlowBill, books: _Books) -> list[BillDifference]:
    """The account names WeChat's numbers, and its amounts may be less or more by the fee that the trade bill names."""
    fees = {row.refund_id or row.transaction_id: row.fee_fen for row in trade.rows}
    billed = {row.refund_id or row.transaction_id: row.amount_fen for row in trade.rows}
    numbers = {row.refund_id or row.transaction_id: row.out_refund_no or row.out_trade_no for row in trade.rows}
    found: list[BillDifference] = []
    for kind, ours, sign in ((PAYMENT, books.payments, 1), (REFUND, books.refunds, -1)):
        numbers |= {one.wechat_id: one.number for one in ours.values() if one.wechat_id is not None}
        told: list[tuple[str, int]] = []
        for row in flow.rows:
            if row.kind == kind:
                number = numbers.get(row.business_no, row.business_no)
                known, fen = ours.get(number), sign * row.amount_fen
                expected = {known.fen if known else None, billed.get(row.business_no)}
                whole = fen + sign * fees.get(row.business_no, 0)
                told.append((number, whole if whole in expected and fen not in expected else fen))
        found += _told(BillSource.FUND_FLOW, told, ours, trade, books)
    return found


def _what(difference: BillDifference) -> tuple[DifferenceKind, str, int, int]:
    """By this the account's difference is the one that the trade bill has named already."""
    return difference.kind, difference.number, difference.ours_fen, difference.theirs_fen


def _told(
    source: BillSource, told: Iterable[tuple[str, int]], ours: dict[str, _Ours], trade: TradeBill, books: _Books
) -> list[BillDifference]:
    amounts = {number: one.fen for number, one in ours.items()}
    due = [number for number, one in ours.items() if one.due]
    # A refund that we never asked for, of an order of ours: somebody gave money back in the merchant's console.
    outside = {row.out_refund_no: books.payments.get(row.out_trade_no) for row in trade.rows if row.out_refund_no}
    return [_row(source, one, ours.get(one.number), outside.get(one.number)) for one in compare(told, amounts, due)]


def _row(source: BillSource, found: Difference, ours: _Ours | None, outside: _Ours | None) -> BillDifference:
    kind = DifferenceKind(found.kind)
    if kind is DifferenceKind.UNKNOWN_ORDER and outside is not None:
        kind = DifferenceKind.REFUNDED_OUTSIDE
    about = ours or outside
    return BillDifference(
        source=source,
        kind=kind,
        number=found.number[:NUMBER_MAX],
        order_id=about.order_id if about else None,
        community_id=about.community_id if about else None,
        ours_fen=found.ours_fen,
        theirs_fen=found.theirs_fen,
    )


def _fees(trade: TradeBill, books: _Books) -> list[BillDifference]:
    """What WeChat kept of each community's money that day, less what it gave back with refunds."""
    kept = Counter[int]()
    for row in trade.rows:
        if (order := books.payments.get(row.out_trade_no)) is not None:
            kept[order.community_id] += row.fee_fen
    return [
        BillDifference(
            source=BillSource.TRADE,
            kind=DifferenceKind.FEE,
            number="",
            community_id=community_id,
            ours_fen=0,
            theirs_fen=fen,
        )
        for community_id, fen in sorted(kept.items())
        if fen
    ]


# --- reading ----------------------------------------------------------------------------------------------------

DIFFERENCES = f"""
SELECT * FROM (
    SELECT d.id, d.bill_id, d.source, d.kind, d.number, o.pledge_id, d.ours_fen, d.theirs_fen, d.settled_at,
        d.settled_reason, row_number() OVER (PARTITION BY d.bill_id ORDER BY d.id) AS place,
        count(*) OVER (PARTITION BY d.bill_id) AS total
    FROM bill_differences d LEFT JOIN orders o ON o.id = d.order_id
    WHERE d.community_id = $1 AND d.bill_id = ANY ($2::bigint[])) AS numbered
WHERE place <= {SHOWN_MAX} ORDER BY id
"""


async def days_of_bills(actor: Actor, community_id: int, *, page: Page) -> Listed[DayOfBills]:
    """The days whose bills were compared or are awaited, newest first, with what differs for the community."""
    require(policies.may_see_bills(actor, community_id))
    found = await newest(Bill.all(), page)
    rows = await db.rows(DIFFERENCES, community_id, [bill.id for bill in found.items])

    def day(bill: Bill) -> DayOfBills:
        mine = [row for row in rows if row["bill_id"] == bill.id]
        total = mine[0]["total"] if mine else 0
        names = Line.__dataclass_fields__
        lines = [Line(**{name: row[name] for name in names}) for row in mine]
        return DayOfBills(bill.id, bill.bill_date, bill.state, bill.compared_at, total, lines)

    return found.map(day)


OPEN = """
SELECT b.bill_date, d.id, d.kind, d.number, d.ours_fen, d.theirs_fen, d.source FROM bill_differences d
JOIN bills b ON b.id = d.bill_id WHERE d.settled_at IS NULL AND d.kind <> 'fee' ORDER BY d.id LIMIT 100
"""
OVERDUE = """
SELECT bill_date, tries FROM bills WHERE state = 'awaited' AND tries > 0 AND created_at < clock_now() - interval '1 day'
ORDER BY bill_date LIMIT 100
"""
OPEN_SAYS = (
    "{source} bill of {bill_date}, difference {id}: {kind} {number}, {ours_fen} fen here, {theirs_fen} fen there"
)
OVERDUE_SAYS = "the bills of {bill_date} could not be had in {tries} tries"
SETTLE = """
UPDATE bill_differences SET settled_at = clock_now(), settled_reason = $2 WHERE id = $1 AND settled_at IS NULL
"""


async def check_bills() -> list[str]:
    """A sentence for every difference nobody has settled, and for every day whose bills could not be had."""
    differing = [OPEN_SAYS.format(**row) for row in await db.rows(OPEN)]
    return differing + [OVERDUE_SAYS.format(**row) for row in await db.rows(OVERDUE)]


async def settle_difference(difference_id: int, reason: str) -> None:
    """Note why a difference is in order, as whoever runs the server may. Raises NotFound when there is none open."""
    if not await db.execute(SETTLE, difference_id, reason):
        raise NotFound("没有这条未处理的差异", "No such open difference")
