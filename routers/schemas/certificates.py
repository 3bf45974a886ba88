"""Shapes of certificates of voluntary service."""

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic.config import JsonDict

from models.certificates import CertificatePurpose
from routers.schemas.base import PRINTABLE, Id, Moment, Shape, bounded, examples
from routers.schemas.residents import HelpIn

LINES: JsonDict = {"on": "2026-12-05", "title": "周六陪老人逛公园", "minutes": 110}
PUBLIC_EXAMPLE: JsonDict = {
    "code": "7Q2M0X9KD4T8VB3RWZ5H",
    "number": "LL-4-00000012",
    "valid": True,
    "name_masked": "林**",
    "name_declared": True,
    "minutes": 110,
    "from_on": "2026-12-05",
    "until_on": "2026-12-05",
    "issuer": "锦阳社区",
    "issued_at": "2026-12-08T10:00:00+08:00",
    "revoked_at": None,
    "reason": None,
}


class CertificateIn(HelpIn):
    """What is to be certified. `name` is the real name, needed where the community has none on record."""

    model_config = examples({"name": "林小芳", "document_tail": "123X", "purpose": "study"})

    community_id: Id | None = None
    name: Annotated[str, bounded(1, 40), PRINTABLE] | None = None
    document_tail: Annotated[str, Field(pattern=r"^[0-9]{3}[0-9X]$")] | None = None
    from_on: date | None = Field(None, alias="from")
    until_on: date | None = Field(None, alias="until")
    purpose: CertificatePurpose = CertificatePurpose.OTHER

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_on and self.until_on and self.until_on < self.from_on:
            raise ValueError("until lies before from")
        return self


class VerifiedOut(Shape):
    """What anybody learns of a certificate by its code."""

    model_config = examples(PUBLIC_EXAMPLE)

    code: str
    number: str
    valid: bool
    name_masked: str
    name_declared: bool
    minutes: int
    from_on: date
    until_on: date
    issuer: str
    issued_at: Moment
    revoked_at: Moment | None
    reason: str | None


class CertificateLine(Shape):
    """One service."""

    on: date
    title: str
    minutes: int


class CertificateOut(VerifiedOut):
    """A certificate for its holder. `image_url` needs no login for an hour or two, `page_url` is on it."""

    model_config = examples(
        PUBLIC_EXAMPLE
        | {
            "id": 12,
            "person_in_charge": "陈主任",
            "purpose": "study",
            "lines": [LINES],
            "image_url": "https://linli.example/v1/certificates/7Q2M0X9KD4T8VB3RWZ5H.png?token=k3Zr",
            "page_url": "https://linli.example/v1/certificates/7Q2M0X9KD4T8VB3RWZ5H.html",
        }
    )

    id: int
    person_in_charge: str | None
    purpose: CertificatePurpose
    lines: list[CertificateLine]
    image_url: str
    page_url: str
