"""Certificates of voluntary service, as they were issued, and which of them were revoked."""

from enum import StrEnum
from typing import Any

from tortoise import fields

from app.core.errors import AlreadyExists, refuses
from models.base import RESTRICT, Record
from models.events import Reason
from models.places import OfCommunity
from models.residents import Resident

CODE_LENGTH = 20  # 100 bits


class CertificatePurpose(StrEnum):
    """What the volunteer wants it for."""

    STUDY = "study"
    WORK = "work"
    RECOGNITION = "recognition"
    OTHER = "other"


refuses("certificate_revocations_once", AlreadyExists)


class Certificate(OfCommunity, Record):
    """What a community certified (志愿服务记录与证明出具办法): it never changes.

    The name is sealed for this one purpose; `name_declared` says that the volunteer gave it himself. `lines` are the
    activities with their minutes.
    """

    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "certificates", on_delete=RESTRICT
    )
    resident_id: int
    code = fields.CharField(CODE_LENGTH)
    number = fields.CharField(40)
    name_sealed = fields.BinaryField(null=True)
    name_masked = fields.CharField(3)
    name_declared = fields.BooleanField()
    document_sealed = fields.BinaryField(null=True)
    from_on = fields.DateField()
    until_on = fields.DateField()
    minutes = fields.IntField()
    lines: Any = fields.JSONField()
    issuer = fields.CharField(60)
    person_in_charge = fields.CharField(30, null=True)
    purpose = fields.CharEnumField(CertificatePurpose, max_length=16)

    class Meta:
        table = "certificates"


class CertificateRevocation(Record):
    """Its issuer took a certificate back, and why."""

    community_id = fields.BigIntField()
    certificate: fields.ForeignKeyRelation[Certificate] = fields.ForeignKeyField(
        "models.Certificate", "revocations", on_delete=RESTRICT
    )
    certificate_id: int
    revoked_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "certificates_revoked", on_delete=RESTRICT
    )
    revoked_by_id: int
    reason: fields.ForeignKeyRelation[Reason] = fields.ForeignKeyField(
        "models.Reason", "certificate_revocations", on_delete=RESTRICT
    )
    reason_id: int

    class Meta:
        table = "certificate_revocations"
