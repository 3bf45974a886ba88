"""What notices quote is read when they are: nicknames by id, titles and places only while others may read them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from app.core import db
from services.moderation.texts import KINDS

NOBODY = ("一位邻居", "A neighbour")
UNSHOWN = {
    "activity": ("志愿活动", "an activity"),
    "campaign": ("众筹项目", "a campaign"),
    "deliberation": ("协商议事", "a deliberation"),
    "meeting": ("社区会议", "a meeting"),
    "need": ("居民需求", "a need"),
    "petition": ("居民联名", "a petition"),
    "team": ("小分队", "a team"),
    "volunteer_team": ("志愿队", "a team"),
    "wish": ("微心愿", "a wish"),
}
"""What stands for a title that is not shown, by the kind of thing whose title it is."""
PLACE_UNSHOWN = ("请点击查看", "see the activity")
# Whose title a notice about something else quotes: SQL for its id, of the thing with the id s.id.
QUOTES = {
    "expense": ("campaign", "(SELECT campaign_id FROM expenses WHERE id = s.id)"),
    "option_proposal": ("deliberation", "(SELECT deliberation_id FROM option_proposals WHERE id = s.id)"),
    "pledge": ("campaign", "(SELECT campaign_id FROM pledges WHERE id = s.id)"),
    "service_record": (
        "activity",
        "(SELECT h.activity_id FROM service_records r JOIN shifts h ON h.id = r.shift_id WHERE r.id = s.id)",
    ),
    "slip": ("campaign", "(SELECT campaign_id FROM slips WHERE id = s.id)"),
}
OTHERS = {"title": None, "place": None, "into": "into_id", "from_title": "from_id"}
"""What is quoted of whom: of the thing a notice is about, or of the need with the id that another param has."""


class Told(NamedTuple):
    """A notice: whose it is, what it is about, and its params."""

    reader_id: int
    kind: str
    about_id: int
    params: Mapping[str, Any]


async def as_shown(notices: Sequence[Told]) -> list[dict[str, Any]]:
    """The params of each as its reader may see them now. Who wrote the words, or helped to, always sees them."""
    hidden = await _hidden({(told.kind, told.about_id) for told in notices} | set(_needs(notices)))
    names = await _nicknames(told.params.get("name_id") for told in notices)
    return [_shown(told, hidden, names) for told in notices]


def _needs(notices: Iterable[Told]) -> Iterable[tuple[str, int]]:
    return [("need", told.params[key]) for told in notices for key in ("into_id", "from_id") if key in told.params]


def _shown(told: Told, hidden: Mapping[tuple[str, int], list[int]], names: Mapping[int, str]) -> dict[str, Any]:
    params = dict(told.params)
    if "name_id" in params:
        params["name"] = names.get(params["name_id"], NOBODY)
    for name, of in OTHERS.items():
        kind, about_id = ("need", params.get(of)) if of else (told.kind, told.about_id)
        writers = hidden.get((kind, about_id)) if about_id else None
        if name in params and writers is not None and told.reader_id not in writers:
            params[name] = PLACE_UNSHOWN if name == "place" else UNSHOWN[QUOTES.get(kind, (kind, ""))[0]]
    return params


async def _hidden(things: Iterable[tuple[str, int]]) -> dict[tuple[str, int], list[int]]:
    """Those of the things whose title others may not read, with who wrote it or helped to."""
    ids: dict[str, list[int]] = {}
    for kind, thing_id in things:
        if QUOTES.get(kind, (kind, ""))[0] in UNSHOWN:
            ids.setdefault(kind, []).append(thing_id)
    if not ids:
        return {}
    parts = []
    for number, kind in enumerate(ids, start=1):
        quoted, quoted_id = QUOTES.get(kind, (kind, "s.id"))
        parts.append(
            f"SELECT '{kind}' AS kind, s.id, '{quoted}' AS quoted, t.id AS quoted_id "
            f"FROM unnest(${number}::bigint[]) AS s (id) JOIN {KINDS[quoted].table} t ON t.id = {quoted_id} "
            f"WHERE t.{KINDS[quoted].shown} <> 'passed'"
        )
    found = await db.rows(
        "SELECT h.kind, h.id, ARRAY(SELECT unnest(ARRAY[c.author_id, c.speaker_id]) FROM checks c "
        "WHERE c.subject_kind = h.quoted AND c.subject_id = h.quoted_id) AS writers "
        f"FROM ({' UNION ALL '.join(parts)}) h",
        *ids.values(),
    )
    return {(line["kind"], line["id"]): line["writers"] for line in found}


async def _nicknames(ids: Iterable[int | None]) -> dict[int, str]:
    wanted = [one for one in ids if one is not None]
    found = await db.rows("SELECT id, nickname FROM residents WHERE id = ANY($1::bigint[])", wanted) if wanted else []
    return {line["id"]: line["nickname"] for line in found}
