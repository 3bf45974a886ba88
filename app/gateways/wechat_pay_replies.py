"""What WeChat Pay answers, as far as we read it."""

import json
from dataclasses import dataclass
from typing import Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from app.gateways.errors import PayUnknown

Shape = TypeVar("Shape", bound=BaseModel)


@dataclass(frozen=True)
class Reply:
    status: int
    text: str | bytes


class Said(BaseModel):
    model_config = ConfigDict(extra="ignore")  # the platform adds fields at any time


class Prepaid(Said):
    prepay_id: str


class Payer(Said):
    openid: str | None = None


class Amount(Said):
    total: int | None = None
    currency: str = "CNY"


class OrderSaid(Said):
    """An order as the query tells it."""

    appid: str
    mchid: str
    out_trade_no: str
    trade_state: str
    transaction_id: str | None = None
    success_time: AwareDatetime | None = None
    payer: Payer | None = None
    amount: Amount | None = None


class RefundAmount(Said):
    refund: int


class RefundSaid(Said):
    """A refund as its acceptance and its query tell it."""

    refund_id: str
    out_refund_no: str
    out_trade_no: str
    status: str
    create_time: AwareDatetime | None = None
    success_time: AwareDatetime | None = None
    amount: RefundAmount


class BillSaid(Said):
    hash_type: Literal["SHA1"]
    hash_value: str
    download_url: str


def read(shape: type[Shape], reply: Reply) -> Shape:
    """The reply in this shape; one in any other proves nothing."""
    try:
        return shape.model_validate_json(reply.text)
    except ValidationError as error:
        raise PayUnknown(f"{reply.status} with an unexpected body: {error.error_count()} errors") from None


def complaint(text: str | bytes) -> tuple[str, str]:
    """The code and the message of a refusal; no code when some machine on the way has answered."""
    try:
        said = json.loads(text)
        return str(said["code"]), str(said.get("message", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", "no JSON"  # some machine on the way, not WeChat Pay
