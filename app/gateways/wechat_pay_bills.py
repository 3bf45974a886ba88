"""Reading the daily bills of WeChat Pay: unpacked within bounds, held to their hash and their own sums, in fen."""

import hashlib
import re
import zlib
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from app.gateways.errors import PayUnknown

LARGEST_FILE = 32 * 1024 * 1024  # about 150,000 rows
LARGEST_PACKED = 8 * 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"
ROW_BEGINS = re.compile(r"`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,`")
NO_REFUND = ("", "0")


@dataclass(frozen=True)
class TradeRow:
    """A payment, or a refund when it has an `out_refund_no`. The fee of a refund is what is given back: below zero."""

    transaction_id: str
    out_trade_no: str
    refund_id: str | None
    out_refund_no: str | None
    amount_fen: int
    fee_fen: int


@dataclass(frozen=True)
class FlowRow:
    """A movement of the merchant's account: income above zero, expense below."""

    business_no: str
    kind: str
    amount_fen: int


@dataclass(frozen=True)
class TradeBill:
    """What was paid and given back on a day; no hash when there was nothing."""

    rows: list[TradeRow]
    sha1: str | None = None


@dataclass(frozen=True)
class FundFlowBill:
    """How the merchant's basic account moved on a day; no hash when it did not."""

    rows: list[FlowRow]
    sha1: str | None = None


def unpack(packed: bytes, sha1: str) -> str:
    """The text of a bill file, whose hash is that of the plain file. Raises PayUnknown."""
    plain = packed
    if packed.startswith(GZIP_MAGIC):
        inflate = zlib.decompressobj(wbits=31)
        try:
            plain = inflate.decompress(packed, LARGEST_FILE + 1)
        except zlib.error as error:
            raise PayUnknown(f"the bill cannot be unpacked: {error}") from None
    if len(plain) > LARGEST_FILE:
        raise PayUnknown(f"the bill is larger than {LARGEST_FILE} bytes")
    if hashlib.sha1(plain).hexdigest() != sha1.lower():  # noqa: S324 - the platform's choice
        raise PayUnknown("the bill does not have the hash it was announced with")
    try:
        return plain.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PayUnknown("the bill is not UTF-8") from None


def read_trade_bill(text: str, sha1: str) -> TradeBill:
    """Read an ALL bill. Raises PayUnknown when it is not as documented or does not fit its own summary."""
    lines, totals = _table(text, first_text="商品名称", texts=2)
    rows = [_trade_row(line) for line in lines]
    sold = sum(row.amount_fen for row in rows if row.out_refund_no is None)
    given_back = sum(row.amount_fen for row in rows if row.out_refund_no is not None)
    _same("总交易单数", int(totals["总交易单数"]), len(rows))
    _same("订单总金额", _fen(totals["订单总金额"]), sold)
    _same("申请退款总金额", _fen(totals["申请退款总金额"]), given_back)
    return TradeBill(rows, sha1)


def read_fund_flow_bill(text: str, sha1: str) -> FundFlowBill:
    """Read a fund-flow bill. Raises PayUnknown when it is not as documented or does not fit its own summary."""
    lines, totals = _table(text, first_text="备注", texts=1)
    rows = [_flow_row(line) for line in lines]
    _same("资金流水总笔数", int(totals["资金流水总笔数"]), len(rows))
    _same("收入金额", _fen(totals["收入金额"]), sum(row.amount_fen for row in rows if row.amount_fen > 0))
    _same("支出金额", _fen(totals["支出金额"]), -sum(row.amount_fen for row in rows if row.amount_fen < 0))
    return FundFlowBill(rows, sha1)


def _trade_row(line: dict[str, str]) -> TradeRow:
    refund = line["微信退款单号"] not in NO_REFUND
    return TradeRow(
        line["微信订单号"],
        line["商户订单号"],
        line["微信退款单号"] if refund else None,
        line["商户退款单号"] if refund else None,
        _fen(line["申请退款金额"] if refund else line["订单金额"]),
        _rounded(line["手续费"]),
    )


def _flow_row(line: dict[str, str]) -> FlowRow:
    fen = _fen(line["收支金额(元)"])
    return FlowRow(line["微信支付业务单号"], line["业务类型"], fen if line["收支类型"] == "收入" else -fen)


def _table(text: str, *, first_text: str, texts: int) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The rows by column name, and the summary. A row begins with its time; what people wrote may hold anything."""
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    if len(lines) < 3:
        raise PayUnknown("the bill has no summary")
    columns, body, summary = lines[0].split(","), lines[1:-2], dict(zip(*_summary(lines[-2:]), strict=True))
    rows: list[str] = []
    for line in body:
        if ROW_BEGINS.match(line):
            rows.append(line)
        elif rows:
            rows[-1] += "\n" + line
        else:
            raise PayUnknown("the bill does not begin with a row")
    try:
        at = columns.index(first_text)
        return [dict(zip(columns, _cells(row, len(columns), at, texts), strict=True)) for row in rows], summary
    except (KeyError, ValueError):
        raise PayUnknown("the bill has other columns than documented") from None


def _summary(lines: list[str]) -> tuple[list[str], list[str]]:
    names, values = lines[0].split(","), lines[1].removeprefix("`").split(",`")
    if len(names) != len(values):
        raise PayUnknown("the bill has a summary that is not as documented")
    return names, values


def _cells(row: str, columns: int, at: int, texts: int) -> list[str]:
    """Split a row; the surplus stands in the columns of free text, which nobody here reads."""
    cells = row.removeprefix("`").split(",`")
    surplus = len(cells) - columns
    return cells[: at + texts] + cells[at + texts + surplus :] if surplus > 0 else cells


def _fen(yuan: str) -> int:
    fen = _decimal(yuan) * 100
    if fen != int(fen):
        raise PayUnknown(f"not an amount: {yuan!r}")
    return int(fen)


def _rounded(yuan: str) -> int:
    return int((_decimal(yuan) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def _decimal(yuan: str) -> Decimal:
    try:
        read = Decimal(yuan)
    except InvalidOperation:
        raise PayUnknown(f"not an amount: {yuan!r}") from None
    if not read.is_finite() or abs(read) > 10**12:
        raise PayUnknown(f"not an amount: {yuan!r}")
    return read


def _same(what: str, told: int, counted: int) -> None:
    if told != counted:
        raise PayUnknown(f"the bill says {what} {told}, its rows {counted}")
