"""Who may: pure predicates over an Actor and a thing already loaded. No input, output or clock."""

from app.core.errors import Forbidden, NotVerified
from services.policies.actor import Actor, Grant, Help

__all__ = ["Actor", "Grant", "Help", "NeedsGuardian", "require", "require_resident"]


class NeedsGuardian(Forbidden):
    code = "needs_guardian"
    zh = "不满十四周岁，须由监护人同意后才能参与"
    en = "Under 14 a guardian must consent first"


def require(allowed: bool, zh: str | None = None, en: str | None = None) -> None:
    """Refuse with 403 unless allowed."""
    if not allowed:
        raise Forbidden(zh, en)


def require_resident(actor: Actor, community_id: int) -> None:
    """Refuse with 403 unless the actor is a verified resident of the community."""
    if not actor.verified:
        raise NotVerified
    if actor.needs_guardian:
        raise NeedsGuardian
    if actor.community_id != community_id:
        raise Forbidden("只有本社区的认证居民可以参与", "Only verified residents of this community may take part")
