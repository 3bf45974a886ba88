"""The inbox: every notice stands there; where somebody uses WeChat a message is owed with it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.core import clock, db
from app.core.pages import Listed, Page, newest
from models.base import Record
from models.events import Notice
from models.moderation import Subject
from services.notifications.notices import in_words, passed_reasons
from services.notifications.quoting import NOBODY, Told, as_shown
from services.notifications.templates import template_of
from services.policies import Actor

# The message is owed by the statement that makes the notice: there is never one without the other.
TELL = """
WITH told AS (
    INSERT INTO notices (resident_id, kind, subject_kind, subject_id, params)
    SELECT unnest($1::bigint[]), $2, $3, $4, $5 RETURNING id, resident_id
)
INSERT INTO deliveries (resident_id, notice_id, template, state, due_at)
SELECT told.resident_id, told.id, $6::text, 'waiting', clock_now() FROM told
JOIN residents r ON r.id = told.resident_id AND r.openid IS NOT NULL
WHERE $6::text IS NOT NULL
"""


@dataclass(frozen=True)
class InboxLine:
    """A notice as its reader sees it, in both languages."""

    id: int
    kind: str
    zh: str
    en: str
    subject_kind: str
    subject_id: int
    read: bool
    created_at: datetime


async def tell(
    resident_ids: Iterable[int | None], kind: str, about: Record | Subject, **params: str | int | tuple[str, str]
) -> None:
    """Put a notice into the inbox of each resident named (None and repetitions are passed over).

    Params are figures, titles, and our own words as (Chinese, English). Somebody's reason is given by `reason_id`, his
    nickname by `name_id`: they are read when the notice is, and titles only while they may be (`quoting`).
    """
    in_words(kind, {"name": NOBODY} | params if "name_id" in params else params, {})  # a missing param fails here
    ids = sorted({resident_id for resident_id in resident_ids if resident_id is not None})
    said = json.dumps(params, ensure_ascii=False)
    await db.execute(TELL, ids, kind, about.noun(), about.id, said, template_of(kind))


async def inbox(actor: Actor, *, page: Page) -> Listed[InboxLine]:
    """The actor's notices, newest first."""
    found = await newest(Notice.filter(resident_id=actor.id), page)
    told = [Told(actor.id, notice.subject_kind, notice.subject_id, notice.params) for notice in found.items]
    for notice, params in zip(found.items, await as_shown(told), strict=True):
        notice.params = params
    reasons = await passed_reasons(notice.params.get("reason_id") for notice in found.items)
    return found.map(lambda notice: _line(notice, reasons))


async def read(actor: Actor, *, through_id: int | None = None) -> None:
    """Mark the actor's notices as read, or only those up to one: what came after it he has not seen."""
    unread = Notice.filter(resident_id=actor.id, read_at=None)
    if through_id is not None:
        unread = unread.filter(id__lte=through_id)
    await unread.update(read_at=await clock.now())


def _line(notice: Notice, reasons: Mapping[int, str]) -> InboxLine:
    zh, en = in_words(notice.kind, notice.params, reasons)
    return InboxLine(
        id=notice.id,
        kind=notice.kind,
        zh=zh,
        en=en,
        subject_kind=notice.subject_kind,
        subject_id=notice.subject_id,
        read=notice.read_at is not None,
        created_at=notice.created_at,
    )
