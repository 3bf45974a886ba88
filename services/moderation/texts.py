"""Which words others are going to see, kind by kind: where they stand, and where WeChat should suppose them."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core import db
from app.gateways.wechat import Scene


@dataclass(frozen=True)
class Kind:
    """The columns with the words, the column that says whether others may see them, and lines that belong to them.

    `lines` are another table, its key to this one and its column with words. `also` is set when the words pass,
    `also_hidden` when they are hidden. A `picture` has no words, and its own domain shows it or not, once a human
    has decided.
    """

    table: str
    words: tuple[str, ...]
    scene: Scene
    shown: str = "moderation"
    lines: tuple[str, str, str] | None = None
    also: str = ""
    also_hidden: str = ""
    picture: bool = False

    @property
    def reading(self) -> str:
        """SQL for the words of the things whose ids are $1."""
        own = ", ".join(column if "(" in column else f"t.{column}" for column in self.words)
        lines = ""
        if self.lines:
            table, key, column = self.lines
            lines = f" || ARRAY(SELECT l.{column} FROM {table} l WHERE l.{key} = t.id ORDER BY l.id)::text[]"
        return (
            f"SELECT t.id, array_remove(ARRAY[{own}]::text[]{lines}, NULL) AS words "
            f"FROM {self.table} t WHERE t.id = ANY($1::bigint[])"
        )


KINDS: dict[str, Kind] = {
    "need": Kind("needs", ("title", "body"), Scene.FORUM),
    "need_answer": Kind("need_answers", ("body",), Scene.COMMENT),
    "wish": Kind("wishes", ("title", "body"), Scene.FORUM),
    "wish_claim": Kind("wish_claims", ("note",), Scene.COMMENT),
    "wish_thanks": Kind("wishes", ("thanks",), Scene.COMMENT, shown="thanks_moderation"),
    "wish_statement": Kind("wish_statements", ("body",), Scene.COMMENT),
    "unit": Kind("units", ("name",), Scene.PROFILE),
    "activity": Kind("activities", ("title", "body"), Scene.FORUM, lines=("shifts", "activity_id", "place_text")),
    "volunteer_team": Kind("volunteer_teams", ("name", "body"), Scene.PROFILE),
    "signup": Kind("signups", ("note",), Scene.COMMENT),
    "deliberation": Kind(
        "deliberations", ("title", "body"), Scene.FORUM, lines=("options", "deliberation_id", "title")
    ),
    "campaign": Kind(
        "campaigns",
        ("title", "body", "beneficiary_text", "charity_name", "charity_certificate", "charity_filing"),
        Scene.FORUM,
        lines=("budget_lines", "campaign_id", "title"),
    ),
    "income": Kind("incomes", ("document_number",), Scene.COMMENT),
    "objection": Kind("objections", ("reason", "answer"), Scene.COMMENT),
    "expense": Kind("expenses", ("payee", "purpose"), Scene.COMMENT),
    "team": Kind("teams", ("name",), Scene.PROFILE),
    "match": Kind("matches", ("unit",), Scene.PROFILE),
    "use_change": Kind("use_changes", ("title", "body"), Scene.FORUM),
    "sale_item": Kind("sale_items", ("title",), Scene.FORUM),
    "pledge": Kind("pledges", ("item", "message"), Scene.COMMENT),
    "disclosure_question": Kind("disclosure_questions", ("body",), Scene.COMMENT),
    "disclosure_answer": Kind("disclosure_answers", ("body",), Scene.COMMENT),
    "comment": Kind(
        "comments", ("body",), Scene.COMMENT, also=", hidden_for_id = NULL", also_hidden=", pinned = false"
    ),
    "option_proposal": Kind("option_proposals", ("title",), Scene.FORUM),
    "meeting": Kind(
        "meetings",
        ("title", "body", "place_text", "online_url"),
        Scene.FORUM,
        lines=("agenda_items", "meeting_id", "title"),
    ),
    "meeting_minutes": Kind("meetings", ("minutes",), Scene.FORUM, shown="minutes_moderation"),
    "petition": Kind("petitions", ("title", "body"), Scene.FORUM),
    "petition_answer": Kind("petitions", ("answer",), Scene.COMMENT, shown="answer_moderation"),
    "resolution_display": Kind("resolution_displays", ("where_text",), Scene.COMMENT),
    "follow_up": Kind("follow_ups", ("title",), Scene.COMMENT),
    "follow_up_note": Kind("follow_ups", ("note",), Scene.COMMENT, shown="note_moderation"),
    "deliberation_review": Kind("deliberation_reviews", ("body",), Scene.FORUM),
    "reason": Kind("reasons", ("text",), Scene.COMMENT),
    "household_claim": Kind("household_claims", ("reason",), Scene.COMMENT),
    "nickname": Kind(
        "residents",
        ("coalesce(t.nickname_wanted, t.nickname)",),
        Scene.PROFILE,
        shown="nickname_moderation",
        also=", nickname = coalesce(nickname_wanted, nickname), nickname_wanted = NULL",
        also_hidden=", nickname = CASE WHEN nickname_wanted IS NULL THEN '邻居' ELSE nickname END, "
        "nickname_wanted = coalesce(nickname_wanted, nickname)",
    ),
    "media": Kind("media", (), Scene.SOCIAL, picture=True),
}


async def words(kind: str, ids: Sequence[int]) -> dict[int, list[str]]:
    """What stands in each of these things of a kind."""
    return {line["id"]: line["words"] for line in await db.rows(KINDS[kind].reading, list(ids))}


async def show(kind: str, subject_id: int, moderation: str) -> None:
    """Say of a thing whether others may see its words."""
    of = KINDS[kind]
    if of.picture:
        return
    also = {"passed": of.also, "hidden": of.also_hidden}.get(moderation, "")
    await db.execute(f"UPDATE {of.table} SET {of.shown} = $2{also} WHERE id = $1", subject_id, moderation)


async def shown(kind: str, subject_id: int) -> str | None:
    """Whether others may see a thing's words; None when it is gone."""
    of = KINDS[kind]
    said: str | None = await db.value(f"SELECT {of.shown} FROM {of.table} WHERE id = $1", subject_id)
    return said
