"""Certificates of voluntary service (志愿服务记录与证明出具办法): free, on request, of confirmed hours only.

The community issues them by itself, since every hour in them was confirmed by somebody else than the volunteer. They
stand as they were issued. Whoever scans one reads whether it is good, never the whole name.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.core import crypto, db
from app.core.clock import SHANGHAI
from app.core.crypto import Keys
from app.core.db import atomic
from app.core.errors import Conflict, Invalid, NotFound
from app.core.pages import Listed, Page, cut
from app.core.tokens import new_code
from models.certificates import CODE_LENGTH, Certificate, CertificatePurpose, CertificateRevocation
from models.residents import Resident
from services import drawing, events, media, notifications, places, residents
from services.policies import Actor, require
from services.volunteering.certificate_page import PURPOSES, CertificatePage, certificate_page

LINES_MAX = 500
NOT_ASKED_FOR = "本人说明没有申请这份证明"
LOOK_ALIKES = str.maketrans("OIL", "011")


class NoHours(Conflict):
    code, zh, en = "no_hours", "这段时间没有已确认的服务时长", "There are no confirmed hours in that time"


class OtherName(Invalid):
    code = "other_name"
    zh = "姓名与社区登记的或以前证明上的不一致，请联系居委会"
    en = "Another name is on record or on an earlier certificate; please talk to the committee"


@dataclass(frozen=True)
class CertificateSeen:
    """A certificate as it was issued, and whether it still stands; `reason` only once its words have passed."""

    id: int
    community_id: int
    resident_id: int
    code: str
    number: str
    name_masked: str
    name_declared: bool
    from_on: date
    until_on: date
    minutes: int
    lines: list[dict[str, Any]]
    issuer: str
    person_in_charge: str | None
    purpose: CertificatePurpose
    created_at: datetime
    revoked_at: datetime | None
    reason: str | None

    @property
    def valid(self) -> bool:
        """Whether nobody has taken it back."""
        return self.revoked_at is None


# Service is of the day on which its shift began; a task's of the day on which it was confirmed.
SERVED = """
SELECT (coalesce(s.starts_at, h.created_at) AT TIME ZONE 'Asia/Shanghai')::date AS day, h.minutes,
    CASE WHEN a.moderation = 'passed' THEN a.title ELSE '志愿服务' END AS title
FROM hours_served h JOIN shifts s ON s.id = h.shift_id JOIN activities a ON a.id = s.activity_id
WHERE h.resident_id = $1 AND h.community_id = $2 AND h.minutes > 0
    AND (coalesce(s.starts_at, h.created_at) AT TIME ZONE 'Asia/Shanghai')::date
        BETWEEN coalesce($3::date, '-infinity') AND coalesce($4::date, 'infinity')
ORDER BY day DESC, h.id DESC
"""
LAST_SERVED = """
SELECT community_id FROM hours_served WHERE resident_id = $1 AND minutes > 0 ORDER BY created_at DESC, id DESC LIMIT 1
"""
IN_CHARGE = """
SELECT r.nickname FROM role_grants g JOIN residents r ON r.id = g.resident_id
WHERE g.place_id = $1 AND g.role = 'committee' AND g.from_at <= clock_now()
    AND (g.until_at IS NULL OR g.until_at > clock_now()) AND NOT r.suspended
ORDER BY g.id LIMIT 1
"""
CERTIFICATES = """
SELECT c.id, c.community_id, c.resident_id, c.code, c.number, c.name_masked, c.name_declared, c.from_on, c.until_on,
    c.minutes, c.lines, c.issuer, c.person_in_charge, c.purpose, c.created_at, v.created_at AS revoked_at,
    CASE WHEN w.moderation = 'passed' THEN w.text END AS reason
FROM certificates c LEFT JOIN certificate_revocations v ON v.certificate_id = c.id
LEFT JOIN reasons w ON w.id = v.reason_id
"""


@atomic()
async def issue_certificate(
    actor: Actor,
    *,
    community_id: int | None = None,
    name: str | None = None,
    document_tail: str | None = None,
    from_on: date | None = None,
    until_on: date | None = None,
    purpose: CertificatePurpose = CertificatePurpose.OTHER,
    secret: Keys,
) -> CertificateSeen:
    """Certify one's own confirmed hours in a community, by default that of the newest; nobody has to agree.

    The name is the one on record; where there is none it is declared, once for all certificates, and until then the
    nickname stands for it. Raises NotFound, NoHours, OtherName.
    """
    community_id = community_id or await db.value(LAST_SERVED, actor.id)
    if community_id is None:
        raise NoHours
    issuer = await places.find_community(community_id)
    await db.advisory_lock(f"the certificates of resident {actor.id}")
    served = await db.rows(SERVED, actor.id, issuer.id, from_on, until_on)
    if not served:
        raise NoHours
    name, declared = await _name(actor, name, secret)
    certificate_id: int = await db.value("SELECT nextval(pg_get_serial_sequence('certificates', 'id'))")
    made = await Certificate.create(
        id=certificate_id,
        community_id=issuer.id,
        resident_id=actor.id,
        code=new_code(CODE_LENGTH),
        number=f"LL-{issuer.id}-{certificate_id:08d}",
        name_sealed=_sealed("name", name, certificate_id, secret),
        name_masked=residents.masked(name),
        name_declared=declared,
        document_sealed=document_tail and _sealed("document", document_tail, certificate_id, secret),
        from_on=from_on or served[-1]["day"],
        until_on=until_on or served[0]["day"],
        minutes=sum(line["minutes"] for line in served),
        lines=_lines(served),
        issuer=issuer.name,
        person_in_charge=await db.value(IN_CHARGE, issuer.id),
        purpose=purpose,
    )
    await events.record(actor, "certificate.issued", made, minutes=made.minutes)
    return await find_certificate(actor, made.id)


async def certificates(actor: Actor, *, page: Page) -> Listed[CertificateSeen]:
    """The actor's own certificates, newest first."""
    found = await db.rows(
        f"{CERTIFICATES} WHERE c.resident_id = $1 AND ($2::bigint IS NULL OR c.id < $2) ORDER BY c.id DESC LIMIT $3",
        actor.id,
        page.after[0] if page.after else None,
        page.limit + 1,
    )
    return cut([_seen(line) for line in found], page)


async def find_certificate(actor: Actor, certificate_id: int) -> CertificateSeen:
    """A certificate by its id, for its holder and the committee that issued it. Raises NotFound."""
    return _for(actor, await db.row(f"{CERTIFICATES} WHERE c.id = $1", certificate_id))


async def verify_certificate(code: str) -> CertificateSeen:
    """What anybody may learn who has the code of a certificate. Raises NotFound."""
    found = await db.row(f"{CERTIFICATES} WHERE c.code = $1", code.upper().translate(LOOK_ALIKES))
    if found is None:
        raise _NoSuchCertificate
    return _seen(found)


async def verification_page(code: str) -> str:
    """The same as a page of HTML for whoever scans the code on paper. Raises NotFound."""
    seen = await verify_certificate(code)
    return certificate_page(
        CertificatePage(
            number=seen.number,
            name=seen.name_masked,
            declared=seen.name_declared,
            minutes=seen.minutes,
            from_on=seen.from_on,
            until_on=seen.until_on,
            issuer=seen.issuer,
            issued_on=_day(seen.created_at),
            revoked_on=seen.revoked_at and _day(seen.revoked_at),
            reason=seen.reason,
        )
    )


async def certificate_picture(
    actor: Actor, code: str, *, verify_url: str, secret: Keys, token: str | None = None
) -> bytes:
    """The certificate with the whole name, as a PNG, for its holder and whom he gives its address.

    Raises NotFound, Unavailable.
    """
    seen = await verify_certificate(code)
    if seen.resident_id != actor.id and not (token and media.opens(_picture_path(seen.code), token)):
        raise _NoSuchCertificate
    kept = await Certificate.get(id=seen.id)
    tail = _opened("document", kept.document_sealed, kept.id, secret)
    said = drawing.Certificate(
        name=_opened("name", kept.name_sealed, kept.id, secret) or seen.name_masked,
        minutes=seen.minutes,
        services=tuple(
            drawing.Service(on=date.fromisoformat(line["on"]), title=line["title"], minutes=line["minutes"])
            for line in seen.lines
        ),
        begins_on=seen.from_on,
        ends_on=seen.until_on,
        issuer=seen.issuer,
        person_in_charge=seen.person_in_charge or seen.issuer,
        contact=f"{seen.issuer}居民委员会",
        number=seen.number,
        issued_on=_day(seen.created_at),
        verify_url=verify_url,
        identity="*" * 14 + tail if tail else None,
        declared=("姓名",) * seen.name_declared + ("证件号码",) * bool(tail),
        purpose=PURPOSES[seen.purpose],
        revoked_on=seen.revoked_at and _day(seen.revoked_at),
    )
    return await drawing.in_the_studio(drawing.certificate, said)


def picture_url(code: str) -> str:
    """Where its holder finds the picture for an hour or two, without a login."""
    return media.private_url(_picture_path(code))


def _picture_path(code: str) -> str:
    return f"/v1/certificates/{code}.png"


@atomic()
async def revoke_certificate(actor: Actor, code: str, *, reason: str) -> CertificateSeen:
    """Take a certificate back, as a committee member of its issuer; the page of its code says so and why.

    Raises NotFound, Forbidden, AlreadyExists when it is revoked already.
    """
    seen = await verify_certificate(code)
    require(actor.is_committee(seen.community_id), "只有出具证明的居委会可以撤销", "Only the committee that issued it")
    return await _revoke(actor, seen.id, reason)


@atomic()
async def disown_certificate(actor: Actor, certificate_id: int) -> CertificateSeen:
    """Take back a certificate of one's own that somebody asked for in one's name. Raises NotFound, AlreadyExists."""
    seen = await find_certificate(actor, certificate_id)
    require(seen.resident_id == actor.id)
    return await _revoke(actor, seen.id, NOT_ASKED_FOR)


async def _revoke(actor: Actor, certificate_id: int, reason: str) -> CertificateSeen:
    kept = await Certificate.get(id=certificate_id)
    event = await events.record(actor, "certificate.revoked", kept, reason=reason)
    reason_id = event.facts["reason_id"]
    await CertificateRevocation.create(
        community_id=kept.community_id, certificate_id=kept.id, revoked_by_id=actor.id, reason_id=reason_id
    )
    await notifications.tell([kept.resident_id], "certificate.revoked", kept, number=kept.number, reason_id=reason_id)
    return await find_certificate(actor, kept.id)


class _NoSuchCertificate(NotFound):
    zh, en = "没有找到这份证明", "No such certificate"


async def _name(actor: Actor, given: str | None, secret: Keys) -> tuple[str, bool]:
    """The name to certify, and whether only the volunteer says that it is his; what was revoked binds nobody."""
    resident = await Resident.get(id=actor.id)
    standing = Certificate.filter(resident_id=actor.id, revocations__id__isnull=True)
    earlier = await standing.exclude(name_sealed=None).order_by("-id").first()
    registered = None
    if resident.name_sealed is not None:
        row = {"resident_id": resident.id, "name_sealed": resident.name_sealed, "nickname": resident.nickname}
        registered = residents.full_name(row, secret)
    known = registered or (_opened("name", earlier.name_sealed, earlier.id, secret) if earlier else None)
    if known not in (None, resident.nickname) and given not in (None, known):
        raise OtherName
    return given or known or resident.nickname, registered is None


def _lines(served: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was done, oldest first; the oldest beyond 500 in one line."""
    shown = [{"on": line["day"].isoformat(), "title": line["title"], "minutes": line["minutes"]} for line in served]
    rest = served[LINES_MAX - 1 :] if len(served) > LINES_MAX else []
    if rest:
        minutes = sum(line["minutes"] for line in rest)
        shown = [*shown[: LINES_MAX - 1], {"on": rest[0]["day"].isoformat(), "title": "更早的服务", "minutes": minutes}]
    return shown[::-1]


def _for(actor: Actor, line: dict[str, Any] | None) -> CertificateSeen:
    if line is None or not (line["resident_id"] == actor.id or actor.is_committee(line["community_id"])):
        raise _NoSuchCertificate
    return _seen(line)


def _seen(line: dict[str, Any]) -> CertificateSeen:
    lines = json.loads(line["lines"])
    return CertificateSeen(**line | {"lines": lines, "purpose": CertificatePurpose(line["purpose"])})


def _day(at: datetime) -> date:
    return at.astimezone(SHANGHAI).date()


def _sealed(column: str, plain: str, row: int, secret: Keys) -> bytes:
    return crypto.seal(secret, plain, table="certificates", column=column, row=row)


def _opened(column: str, sealed: bytes | None, row: int, secret: Keys) -> str | None:
    if sealed is None:
        return None
    return crypto.unseal(secret, bytes(sealed), table="certificates", column=column, row=row)
