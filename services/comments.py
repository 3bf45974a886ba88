"""Comments on needs, deliberations and campaigns: the domain opens its own door first, then calls here.

Where a comment is found by its own id, the door of its thing opens first, too: each domain hangs it into `DOORS`.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tortoise.expressions import Q

from app.core import db
from app.core.db import atomic
from app.core.errors import Forbidden, Invalid, InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation, Record
from models.comments import Comment, CommentSupport
from services import checks, events, moderation, notifications, residents
from services.policies import Actor, require, require_resident
from services.policies import comments as policies
from services.policies.actor import STAFF

DOORS: dict[str, Callable[[Actor, int], Awaitable[Any]]] = {}
"""How a thing of each kind is found by whoever may see it."""


async def add(actor: Actor, about: Record, community_id: int, *, body: str, parent_id: int | None = None) -> Comment:
    """Say something about a thing already found; an answer's answer is refused (two levels).

    Raises NotFound for a parent elsewhere, Invalid for a third level.
    """
    if parent_id is not None:
        parent = await Comment.get_or_none(
            id=parent_id, subject_kind=about.noun(), subject_id=about.id, moderation=Moderation.PASSED
        )
        if parent is None:
            raise NotFound("没有找到要回复的评论", "No such comment to answer")
        if parent.parent_id is not None:
            raise Invalid("评论只有两层", "Comments go two levels deep")
    comment = await Comment.create(
        community_id=community_id,
        subject_kind=about.noun(),
        subject_id=about.id,
        author_id=actor.id,
        parent_id=parent_id,
        body=body,
    )
    await checks.expect(actor, comment)
    await events.record(actor, f"{about.noun()}.commented", about, comment_id=comment.id)
    return await find(actor, comment.id)


async def find(actor: Actor, comment_id: int) -> Comment:
    """One comment that the actor may see, on a thing that he may see. Raises NotFound."""
    comment, _ = await _find_both(actor, comment_id)
    return comment


async def listed(actor: Actor, about: Record, *, page: Page) -> Listed[Comment]:
    """What was said about a thing already found: the official answer, then newest first."""
    query = Comment.filter(_seen(actor), subject_kind=about.noun(), subject_id=about.id)
    found = await newest(query.select_related("author", "hidden_for"), page, by=("pinned", "id"))
    await _name_supported(actor, found.items)
    return found


SUPPORT = """
WITH shown AS (
    SELECT id, community_id FROM comments WHERE id = $1 AND moderation = 'passed' FOR NO KEY UPDATE
), made AS (
    INSERT INTO comment_supports (community_id, comment_id, resident_id) SELECT community_id, id, $2 FROM shown
    ON CONFLICT ON CONSTRAINT comment_supports_once DO NOTHING
)
SELECT id FROM shown
"""


@atomic()
async def support(actor: Actor, comment_id: int) -> Comment:
    """Stand behind what a neighbour said; again: no change.

    Raises NotFound, NotVerified, Forbidden for one's own words or another community, InvalidState while not shown.
    """
    comment = await find(actor, comment_id)
    require_resident(actor, comment.community_id)
    require(policies.may_support(actor, comment), "不能支持自己的评论", "Nobody supports his own words")
    if await db.value(SUPPORT, comment.id, actor.id) is None:
        raise InvalidState(comment.moderation)
    return await find(actor, comment_id)


@atomic()
async def unsupport(actor: Actor, comment_id: int) -> Comment:
    """Take one's support back; again: no change. Raises NotFound."""
    comment = await find(actor, comment_id)
    await db.execute("DELETE FROM comment_supports WHERE comment_id = $1 AND resident_id = $2", comment.id, actor.id)
    return await find(actor, comment_id)


@atomic()
async def pin(actor: Actor, comment_id: int) -> Comment:
    """Make a committee member's comment the official answer, on top of the others, in place of the one before.

    Raises NotFound, Forbidden, InvalidState while its words are not shown, Invalid for an answer to a comment.
    """
    comment, about = await _find_both(actor, comment_id)
    require(policies.may_moderate(actor, comment), "只有居委会可以置顶答复", "Only the committee pins an answer")
    if not policies.is_official(await residents.actor(comment.author_id), comment):
        raise Forbidden("只有居委会成员的评论可以作为正式答复", "An official answer is a committee member's")
    if comment.parent_id is not None:
        raise Invalid("只能置顶一级评论", "Only a comment of the first level is pinned")
    await db.advisory_lock(f"the answer to {comment.subject_kind} {comment.subject_id}")
    await _unpin(comment)
    if not await Comment.filter(id=comment.id, moderation=Moderation.PASSED).update(pinned=True):
        raise InvalidState(comment.moderation)
    await events.record(actor, f"{comment.subject_kind}.answer_pinned", about, comment_id=comment.id)
    return await find(actor, comment_id)


@atomic()
async def unpin(actor: Actor, comment_id: int) -> Comment:
    """Let it be a comment among others; again: no change. Raises NotFound, Forbidden."""
    comment, about = await _find_both(actor, comment_id)
    require(policies.may_moderate(actor, comment), "只有居委会可以取消置顶", "Only the committee unpins an answer")
    if comment.pinned:
        await _unpin(comment)
        await events.record(actor, f"{comment.subject_kind}.answer_unpinned", about, comment_id=comment.id)
    return await find(actor, comment_id)


@atomic()
async def hide(actor: Actor, comment_id: int, *, reason: str) -> Comment:
    """Take words out of the discussion; their author is told why, and the thing's history says that it was done.

    Raises NotFound, Forbidden, InvalidState when they are hidden already.
    """
    comment, about = await _find_both(actor, comment_id)
    require(policies.may_moderate(actor, comment), "只有居委会可以隐藏评论", "Only the committee hides comments")
    event = await events.record(
        actor, f"{comment.subject_kind}.comment_hidden", about, reason=reason, comment_id=comment.id
    )
    hidden = (
        await Comment.filter(id=comment.id)
        .exclude(moderation=Moderation.HIDDEN)
        .update(moderation=Moderation.HIDDEN, hidden_for_id=event.facts["reason_id"], pinned=False)
    )
    if not hidden:
        raise InvalidState(Moderation.HIDDEN)
    reason_id = event.facts["reason_id"]
    if comment.author_id == actor.id:
        await moderation.drop(comment)
    else:
        about_it = moderation.Target(comment.noun(), comment.id, comment.community_id, comment.author_id)
        await moderation.note_hidden(actor, about_it, reason_id=reason_id)
    await notifications.tell([comment.author_id], "comment.hidden", comment, reason_id=reason_id)
    return await find(actor, comment_id)


@atomic()
async def take_back(actor: Actor, comment_id: int) -> Comment:
    """Take one's own words out of the discussion; again changes nothing. Raises NotFound, Forbidden."""
    comment, about = await _find_both(actor, comment_id)
    require(comment.author_id == actor.id, "只能撤回自己的评论", "Only one's own words")
    hidden = (
        await Comment.filter(id=comment.id)
        .exclude(moderation=Moderation.HIDDEN)
        .update(moderation=Moderation.HIDDEN, pinned=False)
    )
    if hidden:
        await moderation.drop(comment)
        await events.record(actor, f"{comment.subject_kind}.comment_taken_back", about, comment_id=comment.id)
    return await find(actor, comment_id)


async def _find_both(actor: Actor, comment_id: int) -> tuple[Comment, Any]:
    query = Comment.filter(_seen(actor), id=comment_id).select_related("author", "hidden_for")
    comment = await query.first()
    if comment is None:
        raise NotFound("没有找到这条评论", "No such comment")
    about = await DOORS[comment.subject_kind](actor, comment.subject_id)
    await _name_supported(actor, [comment])
    return comment, about


async def _unpin(comment: Comment) -> None:
    about = {"subject_kind": comment.subject_kind, "subject_id": comment.subject_id}
    await Comment.filter(**about, pinned=True).update(pinned=False)


async def _name_supported(actor: Actor, found: Sequence[Comment]) -> None:
    ids = [comment.id for comment in found]
    mine = await CommentSupport.filter(comment_id__in=ids, resident_id=actor.id).values_list("comment_id", flat=True)
    for comment in found:
        comment.supported_by_me = comment.id in mine


def _seen(actor: Actor) -> Q:
    """Passed, or his own, or of the community he works in."""
    return Q(moderation=Moderation.PASSED) | Q(author_id=actor.id) | Q(community_id__in=actor.serves(*STAFF))
