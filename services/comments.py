"""Comments on needs, deliberations and campaigns: the domain opens its own door first, then calls here."""

from tortoise.expressions import Q

from app.core.errors import Invalid, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation, Record
from models.comments import Comment
from services import checks, events
from services.policies import Actor
from services.policies.actor import STAFF


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
    """One comment that the actor may see. Raises NotFound."""
    comment = await Comment.filter(_seen(actor), id=comment_id).select_related("author").first()
    if comment is None:
        raise NotFound("没有找到这条评论", "No such comment")
    return comment


async def listed(actor: Actor, about: Record, *, page: Page) -> Listed[Comment]:
    """What was said about a thing already found, newest first."""
    query = Comment.filter(_seen(actor), subject_kind=about.noun(), subject_id=about.id)
    return await newest(query.select_related("author"), page)


def _seen(actor: Actor) -> Q:
    """Passed, or his own, or of the community he works in."""
    return Q(moderation=Moderation.PASSED) | Q(author_id=actor.id) | Q(community_id__in=actor.serves(*STAFF))
