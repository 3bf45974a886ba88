"""One attempt to break each constraint on pictures, by raw SQL as the owner of the tables."""

JY = "(SELECT id FROM places WHERE name = '锦阳社区')"
LIN = "(SELECT id FROM residents WHERE openid = 'lin')"
PICTURE = "(SELECT max(id) FROM pictures)"
MEDIA = "(SELECT max(id) FROM media)"

KEPT = "INSERT INTO pictures (sha256, width, height) VALUES (sha256('%s'::bytea), 640, 480)"
UPLOADED = (
    "INSERT INTO media (uploader_id, picture_id, purpose, moderation, trace_id) "
    f"VALUES ({LIN}, {PICTURE}, '%s', 'checking', %s)"
)
ATTACHED = (
    "INSERT INTO attachments (community_id, media_id, subject_kind, subject_id, position) "
    f"VALUES ({JY}, {MEDIA}, 'need', 1, %s)"
)
ONE, OTHER = KEPT % "one", KEPT % "other"
PHOTO = UPLOADED % ("photo", "NULL")

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("pictures_sha256_key", "the same bytes kept twice", [ONE, ONE]),
    ("pictures_sha256_is_a_hash", "a name that is no hash", [ONE, "UPDATE pictures SET sha256 = '\\x00'"]),
    ("pictures_size", "larger than we make them", [ONE, "UPDATE pictures SET width = 2049"]),
    ("media_once_each", "the same picture of the same person twice", [ONE, PHOTO, PHOTO]),
    (
        "media_trace_id_key",
        "one check for two pictures",
        [ONE, UPLOADED % ("photo", "'t'"), OTHER, UPLOADED % ("photo", "'t'")],
    ),
    ("media_purpose", "for a purpose that is none", [ONE, UPLOADED % ("poster", "NULL")]),
    ("media_moderation", "a moderation that is none", [ONE, PHOTO, "UPDATE media SET moderation = 'fine'"]),
    ("media_check_tries", "tried less than never", [ONE, PHOTO, "UPDATE media SET check_tries = -1"]),
    ("attachments_once", "the same photo twice on one thing", [ONE, PHOTO, ATTACHED % 1, ATTACHED % 2]),
    (
        "attachments_one_per_position",
        "two photos in one place",
        [ONE, PHOTO, ATTACHED % 1, OTHER, PHOTO, ATTACHED % 1],
    ),
    ("attachments_position", "a tenth photo", [ONE, PHOTO, ATTACHED % 10]),
]
