"""The inbox: what residents are told, on one page, in two languages."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.core import clock, db
from app.core.pages import Listed, Page, newest
from models.base import Record
from models.events import Notice
from services.policies import Actor

# kind of notice → (Chinese, English); {…} are the notice's own params.
NOTICES: dict[str, tuple[str, str]] = {
    "household_claim.confirmed": ("您的住户认证已通过", "Your residence has been confirmed"),
    "household_claim.declined": (
        "您的住户认证未通过：{reason}",
        "Your residence was not confirmed: {reason}",
    ),
    "role.granted": ("您已被授予新的职责", "You have been given a new role"),
    "role.revoked": ("您的一项职责已结束", "One of your roles has ended"),
    "activity.led": ("请您担任「{title}」的负责人", "You have been asked to lead “{title}”"),
    "signup.confirmed": ("您已报名「{title}」", "You are signed up for “{title}”"),
    "signup.waitlisted": (
        "「{title}」名额已满，您排在候补第{position}位",
        "“{title}” is full; you are number {position} on the waiting list",
    ),
    "signup.promoted": (
        "「{title}」有了空位，您已报名成功",
        "A place has become free: you are signed up for “{title}”",
    ),
    "signup.cancelled": ("{name}取消了「{title}」的报名", "{name} cancelled the sign-up for “{title}”"),
    "hours.confirmed": (
        "您在「{title}」的服务时长{minutes}分钟已确认",
        "Your {minutes} minutes of service in “{title}” have been confirmed",
    ),
}


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


async def tell(resident_ids: Iterable[int | None], kind: str, about: Record, **params: str | int) -> None:
    """Put a notice into the inbox of each resident named (None and repetitions are passed over)."""
    text = NOTICES[kind]
    for line in text:
        line.format(**params)  # a missing param fails here, in the use case's own test
    ids = sorted({resident_id for resident_id in resident_ids if resident_id is not None})
    await db.execute(
        "INSERT INTO notices (resident_id, kind, subject_kind, subject_id, params) "
        "SELECT unnest($1::bigint[]), $2, $3, $4, $5",
        ids,
        kind,
        about.noun(),
        about.id,
        json.dumps(params, ensure_ascii=False),
    )


async def inbox(actor: Actor, *, page: Page) -> Listed[InboxLine]:
    """The actor's notices, newest first."""
    return (await newest(Notice.filter(resident_id=actor.id), page)).map(_line)


async def read_all(actor: Actor) -> None:
    """Mark the actor's notices as read."""
    await Notice.filter(resident_id=actor.id, read_at=None).update(read_at=await clock.now())


def _line(notice: Notice) -> InboxLine:
    zh, en = (text.format(**notice.params) for text in NOTICES[notice.kind])
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
