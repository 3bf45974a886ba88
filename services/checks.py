"""Owe a check of what somebody wrote; `services.moderation` makes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from app.core import db
from app.core.clock import SHANGHAI
from models.base import Record
from models.moderation import Paused, Why
from services.policies import Actor

FIRST_LOOK_S = 15  # until then the request that wrote it checks it; afterwards the worker

POSTS = frozenset(
    {
        "activity",
        "comment",
        "deliberation",
        "need",
        "nickname",
        "option_proposal",
        "signup",
        "team",
        "unit",
        "volunteer_team",
        "wish",
        "wish_claim",
    }
    | {"wish_thanks"}
)
"""What nobody may post while he pauses. Votes, money, petitions, objections and questions are not among them."""
PAUSED = """
SELECT until_at FROM pauses WHERE resident_id IN ({author}, {speaker}) AND lifted_at IS NULL AND until_at > clock_now()
"""

_noted: ContextVar[list[int] | None] = ContextVar("noted", default=None)


@contextmanager
def noted() -> Iterator[list[int]]:
    """The ids of the checks owed within the block, so that who wrote the words can have them checked at once."""
    ids: list[int] = []
    token = _noted.set(ids)
    try:
        yield ids
    finally:
        _noted.reset(token)


async def ask_a_human(
    subject: Record, author_id: int, why: Why, *, label: int | None = None, community_id: int | None = None
) -> None:
    """Put something of a resident's that no machine decided about into the human queue, by default where he lives.

    Why.REVIEW is WeChat's own advice.
    """
    await db.execute(
        "INSERT INTO checks (subject_kind, subject_id, community_id, author_id, speaker_id, state, tries, trace_ids, "
        "next_try_at, why, label, suggest) SELECT $1, $2, "
        "coalesce($6, (SELECT m.community_id FROM memberships m WHERE m.resident_id = $3 AND m.until_at IS NULL)), "
        "$3, $3, 'queued', 0, '[]', clock_now(), $4, $5, $7 ON CONFLICT DO NOTHING",
        subject.noun(),
        subject.id,
        author_id,
        why.value,
        label,
        community_id,
        "review" if why is Why.REVIEW else None,
    )


async def expect(
    actor: Actor,
    subject: Record,
    *,
    kind: str | None = None,
    community_id: int | None = None,
    author_id: int | None = None,
    again: bool = False,
) -> None:
    """Owe a check of the words just written, in the running transaction; they are shown to nobody before.

    `kind` is one of `services.moderation.texts` where it is not the subject's noun, `author_id` whose words they are
    where the actor only helped: WeChat is asked in the name of whose hand it is. `again` replaces a check still owed
    for words that no longer stand; of two who replace it at once one waits for the other. Raises Paused for a post of
    whoever pauses.
    """
    kind = kind or subject.noun()
    if again:
        await db.advisory_lock(f"the check of {kind} {subject.id}")
        await db.execute(
            "UPDATE checks SET state = 'replaced' "
            "WHERE subject_kind = $1 AND subject_id = $2 AND state IN ('pending', 'queued')",
            kind,
            subject.id,
        )
    check_id: int | None = await db.value(
        "INSERT INTO checks (subject_kind, subject_id, community_id, author_id, speaker_id, state, tries, trace_ids, "
        f"next_try_at) SELECT $1, $2, $3, $4, $5, 'pending', 0, '[]', clock_now() + interval '{FIRST_LOOK_S} s' "
        f"WHERE NOT ($6 AND EXISTS ({PAUSED.format(author='$4', speaker='$5')})) RETURNING id",
        kind,
        subject.id,
        community_id or getattr(subject, "community_id", None),
        author_id or actor.id,
        actor.hand_id,
        kind in POSTS,
    )
    if check_id is None:
        until = await db.value(PAUSED.format(author="$1", speaker="$2"), author_id or actor.id, actor.hand_id)
        raise Paused(until.astimezone(SHANGHAI))
    if (ids := _noted.get()) is not None:
        ids.append(check_id)
