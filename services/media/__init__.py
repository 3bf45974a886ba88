"""Pictures: uploaded, checked, attached to things, shown under signed addresses, forgotten when nobody uses them.

Whoever carries out WeChat's checks of pictures calls three things here: `due_checks()` for what is to be asked about
now, `signed_url(media_id, hours)` for the address WeChat loads it from, and `settle(media_id, moderation)` to end the
check, the one place that does. The columns `trace_id`, `check_sent_at`, `check_tries` and `next_check_at` are his.
"""

from services.media.attaching import attach, photos_of, photos_sql, read_photos
from services.media.forgetting import forget_unused, sweep
from services.media.links import Links, Size, avatar_id, avatar_url, signed_url
from services.media.settling import due_checks, settle
from services.media.uploading import Opened, Photo, develop, find, keep, opened

__all__ = [
    "Links",
    "Opened",
    "Photo",
    "Size",
    "attach",
    "avatar_id",
    "avatar_url",
    "develop",
    "due_checks",
    "find",
    "forget_unused",
    "keep",
    "opened",
    "photos_of",
    "photos_sql",
    "read_photos",
    "settle",
    "signed_url",
    "sweep",
]
