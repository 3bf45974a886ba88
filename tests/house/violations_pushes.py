"""One attempt to break each constraint on pushes, by raw SQL as the owner of the tables."""

PUSHED = "INSERT INTO pushes (event, openid, facts, digest, signed) VALUES ('wxa_media_check', 'lin', '{}', '%s', '%s')"

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("pushes_once", "the same event twice", [PUSHED % ("d", "s"), PUSHED % ("d", "t")]),
    ("pushes_signature_once", "the same signature twice", [PUSHED % ("d", "s"), PUSHED % ("e", "s")]),
]
