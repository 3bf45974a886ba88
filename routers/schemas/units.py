"""Shapes of units that help as one."""

from models.base import Moderation
from models.units import UnitKind, UnitState
from routers.schemas.base import Author, Id, Moment, Shape, Title, examples
from routers.schemas.residents import HelpIn


class UnitIn(HelpIn):
    """A unit one acts for."""

    model_config = examples({"community_id": 4, "kind": "party_branch", "name": "锦阳社区第二党支部"})

    community_id: Id
    kind: UnitKind
    name: Title


class UnitOut(Shape):
    """A unit and the resident who acts for it."""

    model_config = examples(
        {
            "id": 3,
            "community_id": 4,
            "kind": "party_branch",
            "name": "锦阳社区第二党支部",
            "moderation": "passed",
            "state": "confirmed",
            "contact": {"id": 8, "nickname": "阿梅"},
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    community_id: int
    kind: UnitKind
    name: str
    moderation: Moderation
    state: UnitState
    contact: Author
    created_at: Moment
