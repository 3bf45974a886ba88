"""One attempt to break each constraint on codes, by raw SQL as the owner of the tables."""

JY = "(SELECT id FROM places WHERE name = '锦阳社区')"


def made(scene: str = "0K3F9QZ2", kind: str = "need", subject: int = 1) -> str:
    """An INSERT of a code."""
    return f"INSERT INTO codes (community_id, scene, kind, subject_id) VALUES ({JY}, '{scene}', '{kind}', {subject})"


VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("codes_once", "one scene for two things", [made(), made(subject=2)]),
    ("codes_one_per_thing", "two scenes for one thing", [made(), made(scene="0K3F9QZ3")]),
    ("codes_scene", "a letter that looks like a figure", [made(scene="OK3F9QZ2")]),
    ("codes_scene", "a scene one can guess in a day", [made(scene="0K3F")]),
    ("codes_kind", "a code for a person", [made(kind="resident")]),
    ("codes_link_whole", "a link that never ends", [made(), "UPDATE codes SET link = 'https://wxaurl.cn/x'"]),
    ("codes_stand_for_ever", "a code on a wall that leads elsewhere", [made(), "UPDATE codes SET subject_id = 2"]),
    ("codes_stand_for_ever", "a code on a wall that leads nowhere", [made(), "UPDATE codes SET scene = '0K3F9QZ3'"]),
]
