"""A notice in words: our own, with figures and titles, and somebody's reason only if that has passed."""

from collections.abc import Iterable, Mapping
from typing import Any

from tortoise.expressions import Q

from models.base import Moderation
from models.events import Reason
from services.notifications.notices import NOTICES
from services.policies import Actor

NOT_SHOWN = ("（理由暂不显示）", "(the reason is not shown)")


async def readable(actor: Actor, params: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """The reasons that these notices name and the actor may read: what has passed, and his own."""
    ids = [said["reason_id"] for said in params if "reason_id" in said]
    if not ids:
        return {}
    shown = Q(moderation=Moderation.PASSED) | Q(author_id=actor.id)
    return {reason.id: reason.text for reason in await Reason.filter(shown, id__in=ids)}


def in_words(kind: str, params: Mapping[str, Any], reasons: Mapping[int, str]) -> tuple[str, str]:
    """What a notice says, in Chinese and English."""
    return _in(0, kind, params, reasons), _in(1, kind, params, reasons)


def _in(language: int, kind: str, params: Mapping[str, Any], reasons: Mapping[int, str]) -> str:
    said = {name: value[language] if isinstance(value, list | tuple) else value for name, value in params.items()}
    if "reason_id" in params:
        said["reason"] = reasons.get(params["reason_id"], NOT_SHOWN[language])
    return NOTICES[kind][language].format(**said)
