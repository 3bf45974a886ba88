"""Who may: pure predicates over an Actor and a thing already loaded. No input, output or clock."""

from app.core.errors import Forbidden, NotVerified
from services.policies.actor import Actor, Grant

__all__ = ["Actor", "Grant", "require", "require_resident"]


def require(allowed: bool, zh: str | None = None, en: str | None = None) -> None:
    """Refuse with 403 unless allowed."""
    if not allowed:
        raise Forbidden(zh, en)


def require_resident(actor: Actor, community_id: int) -> None:
    """Refuse with 403 unless the actor is a verified resident of the community."""
    if not actor.verified:
        raise NotVerified
    if actor.community_id != community_id:
        raise Forbidden("只有本社区的认证居民可以参与", "Only verified residents of this community may take part")
