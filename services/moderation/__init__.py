"""Content security: nobody reads what was not checked, by WeChat or, where it is in doubt, by a human."""

from services.moderation.checking import check_due, check_now, drop, trust
from services.moderation.labels import in_words
from services.moderation.queue import Queued, approve, find, hide, queue

__all__ = ["Queued", "approve", "check_due", "check_now", "drop", "find", "hide", "in_words", "queue", "trust"]
