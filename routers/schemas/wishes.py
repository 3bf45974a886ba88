"""Shapes of micro-wishes."""

from datetime import date
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from models.base import Moderation
from models.wishes import CLAIMERS_MAX, WishClaimState, WishKind, WishState
from routers.schemas.base import Asked, Author, Body, Fen, Id, Moment, Shape, TimelineLine, Title
from routers.schemas.media import PHOTO, PhotoIds, PhotoOut
from routers.schemas.residents import HelpIn, OnBehalfOfIn

WISH: dict[str, Any] = {
    "id": 9,
    "community_id": 4,
    "state": "open",
    "moderation": "passed",
    "kind": "goods",
    "title": "想要一台收音机",
    "body": "奶奶眼睛不好，想听戏。",
    "value_fen": 8000,
    "needed_by": "2026-12-31",
    "claimers": 1,
    "free_slots": 1,
    "claimed_by_me": False,
    "author": {"id": None, "nickname": "王**"},
    "assisted": True,
    "created_at": "2026-11-23T10:00:00+08:00",
}


class WishIn(Asked):
    """A small wish. `value_fen` is an estimate in fen; `claimers` how many neighbours it takes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "community_id": 4,
                    "kind": "goods",
                    "title": "想要一台收音机",
                    "body": "奶奶眼睛不好，想听戏。",
                    "value_fen": 8000,
                    "needed_by": "2026-12-31",
                }
            ]
        },
    )

    community_id: Id
    kind: WishKind
    title: Title
    body: Body
    value_fen: Fen | None = None
    needed_by: date | None = None
    claimers: Annotated[int, Field(ge=1, le=CLAIMERS_MAX, strict=True)] = 1
    need_ids: Annotated[list[Id], Field(max_length=20)] = []
    on_behalf_of: OnBehalfOfIn | None = None


class WisherOut(Shape):
    """Who wishes: the name is masked for all but the wisher's side, the id is null for neighbours."""

    id: int | None
    nickname: str


class WishOut(Shape):
    """A wish as its reader may see it."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [WISH]})

    id: int
    community_id: int
    state: WishState
    moderation: Moderation
    kind: WishKind
    title: str
    body: str
    value_fen: int | None
    needed_by: date | None
    claimers: int
    free_slots: int
    claimed_by_me: bool
    author: WisherOut
    assisted: bool
    created_at: Moment


class ClaimOut(Shape):
    """A claim on a wish, for those concerned; `due_at` is when it runs out."""

    id: int
    claimer: Author
    state: WishClaimState
    due_at: Moment
    note: str | None
    moderation: Moderation
    photos: list[PhotoOut]


class WishDetailOut(WishOut):
    """A wish with the claims and thanks that are the reader's to know, and its history."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                WISH
                | {
                    "state": "claimed",
                    "free_slots": 0,
                    "claims": [
                        {
                            "id": 4,
                            "claimer": {"id": 8, "nickname": "阿梅"},
                            "state": "held",
                            "due_at": "2026-11-30T10:00:00+08:00",
                            "note": None,
                            "moderation": "passed",
                            "photos": [PHOTO],
                        }
                    ],
                    "need_ids": [5],
                    "thanks": None,
                    "thanks_moderation": "passed",
                    "timeline": [
                        {
                            "id": 90,
                            "verb": "wish.claimed",
                            "at": "2026-11-23T10:00:00+08:00",
                            "by": "resident",
                            "assisted": False,
                            "reason": None,
                            "facts": {"from": "open", "state": "claimed", "claim_id": 4},
                        }
                    ],
                }
            ]
        },
    )

    claims: list[ClaimOut]
    need_ids: list[int]
    thanks: str | None
    thanks_moderation: Moderation
    timeline: list[TimelineLine]


class FulfilIn(HelpIn):
    """What one did for the wish."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "收音机已送到奶奶手上。"}]})

    note: Body
    photo_ids: PhotoIds = []


class ConfirmIn(HelpIn):
    """The wisher's thanks, if he likes."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"thanks": "谢谢热心的邻居！"}]})

    thanks: Body | None = None
