"""Pictures: uploaded, checked, attached to things, shown under signed addresses, forgotten when nobody uses them.

Every check of a picture ends in `settle`, whoever made it: WeChat (`checking.py`) or a human.
"""

from services.media.attaching import attach, detach, entrusted, photos_of, photos_sql, read_photos
from services.media.checking import check, check_due, heard_verdict
from services.media.forgetting import forget_unused, sweep
from services.media.links import Links, Size, avatar_id, avatar_url, judged_url, opens, own_url, private_url
from services.media.settling import settle
from services.media.uploading import Opened, Photo, develop, find, keep, opened

__all__ = [
    "Links",
    "Opened",
    "Photo",
    "Size",
    "attach",
    "avatar_id",
    "avatar_url",
    "check",
    "check_due",
    "detach",
    "develop",
    "entrusted",
    "find",
    "forget_unused",
    "heard_verdict",
    "judged_url",
    "keep",
    "opened",
    "opens",
    "own_url",
    "photos_of",
    "photos_sql",
    "private_url",
    "read_photos",
    "settle",
    "sweep",
]
