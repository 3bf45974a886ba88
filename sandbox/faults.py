"""Trouble on request: what to spoil, how often, and before or after the effect was committed."""

import random
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

Forgery = Literal[
    "bad_signature",
    "bad_msg_signature",
    "wrong_appid",
    "wrong_key",
    "old_timestamp",
    "replay",
    "compat",
    "plain",
    "xml",
]
Push = Literal["never", "late", "before_reply", "duplicate", "not_delivered"] | Forgery
Tampering = Literal[
    "replay",
    "forged",
    "signtest",
    "unknown_serial",
    "no_signature_type",
    "other_apiv3_key",
    "other_aad",
    "other_amount",
    "other_mchid",
    "other_appid",
    "other_openid",
    "unknown_order",
    "unknown_event",
    "large",
]
BillTrouble = Literal[
    "creating",
    "no_statement",
    "expired_url",
    "hash_differs",
    "row_missing",
    "row_extra",
    "row_doubled",
    "amount_differs",
]
TIMING = ("never", "late", "duplicate")


class Fault(BaseModel):
    """One kind of trouble. `path` is a shell pattern; without `count` it lasts until it is removed.

    The reply is replaced by `status` with `body`, by `errcode` or by `html`, or the line is cut by `drop`.
    Otherwise it is the real one: with `change` in its JSON (null takes a field away), in a wrong `charset`,
    `truncated`, or dripping with `drip_s` seconds between twenty pieces.
    """

    model_config = ConfigDict(extra="forbid")

    path: str | None = None
    method: str | None = None
    effect: Literal["before", "after"] = "before"
    status: int | None = Field(None, ge=200, le=599)
    body: Any = ""
    errcode: int | None = None
    html: bool = False
    change: dict[str, Any] | None = None
    charset: Literal["gbk"] | None = None
    truncated: bool = False
    drip_s: float = Field(0, ge=0, le=5)
    delay_s: float = Field(0, ge=0, le=60)
    drop: bool = False
    reply: Literal["unsigned", "forged", "signtest", "stale", "certificate"] | None = None  # of the Pay side
    clock_s: float = Field(0, ge=-86400, le=86400)  # how wrong the Pay side's clock is
    notify: Literal["never", "late", "duplicate"] | Tampering | None = None
    event: str = "*"  # which notifications or pushes, a shell pattern: TRANSACTION.*
    late_s: float = Field(3600, ge=0, le=86400)
    bill: BillTrouble | None = None
    bill_kind: Literal["tradebill", "fundflowbill"] = "tradebill"
    refund: Literal["PROCESSING", "ABNORMAL", "CLOSED"] | None = None
    push: Push | None = None
    count: int | None = Field(None, ge=1)
    after: int = Field(0, ge=0)
    probability: float = Field(1, gt=0, le=1)

    @model_validator(mode="after")
    def _names_one_thing(self) -> "Fault":
        if sum(part is not None for part in (self.path, self.notify, self.refund, self.push, self.bill)) != 1:
            raise ValueError("a fault names exactly one of path, notify, refund, push and bill")
        return self

    def strikes(self) -> bool:
        """Count one occasion and say whether this fault takes it."""
        if self.after:
            self.after -= 1
            return False
        if random.random() >= self.probability:  # noqa: S311 (dice)
            return False
        if self.count is None:
            return True
        self.count -= 1
        return self.count >= 0


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Arm one more fault; the oldest that fits strikes first."""
        self._faults.append(fault)

    def all(self) -> list[Fault]:
        """Those that are armed."""
        return self._faults

    def clear(self) -> None:
        """Disarm all."""
        self._faults.clear()

    def for_request(self, method: str, path: str) -> Fault | None:
        """The fault that spoils this request."""
        return self._first(
            fault
            for fault in self._faults
            if fault.path and fnmatchcase(path, fault.path) and fault.method in (None, method)
        )

    def for_notification(self, event_type: str) -> Fault | None:
        """The fault that keeps this notification from being sent in time, or sends it several times."""
        return self._first(fault for fault in self._notifying(event_type) if fault.notify in TIMING)

    def for_delivery(self, event_type: str) -> Tampering | None:
        """How this one delivery of a notification is spoiled."""
        fault = self._first(fault for fault in self._notifying(event_type) if fault.notify not in TIMING)
        return cast(Tampering, fault.notify) if fault else None

    def for_bill(self, kind: str) -> BillTrouble | None:
        """What is wrong with this bill."""
        fault = self._first(fault for fault in self._faults if fault.bill and fault.bill_kind == kind)
        return fault.bill if fault else None

    def _notifying(self, event_type: str) -> Iterable[Fault]:
        return (fault for fault in self._faults if fault.notify and fnmatchcase(event_type, fault.event))

    def for_refund(self) -> Fault | None:
        """The fault that decides how this refund ends."""
        return self._first(fault for fault in self._faults if fault.refund)

    def for_push(self, event: str, *kinds: str) -> Fault | None:
        """The fault of one of these kinds that spoils the push of this event."""
        return self._first(fault for fault in self._faults if fault.push in kinds and fnmatchcase(event, fault.event))

    def _first(self, fitting: Iterable[Fault]) -> Fault | None:
        return next((fault for fault in fitting if fault.strikes()), None)
