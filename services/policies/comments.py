"""Who may stand behind a comment, pin the official answer, and hide what does not belong there."""

from models.comments import Comment
from services.policies.actor import Actor


def may_support(actor: Actor, comment: Comment) -> bool:
    """A verified neighbour, not the author himself."""
    return actor.lives_in(comment.community_id) and actor.id != comment.author_id


def may_moderate(actor: Actor, comment: Comment) -> bool:
    """The committee."""
    return actor.is_committee(comment.community_id)


def is_official(author: Actor, comment: Comment) -> bool:
    """What is pinned is the committee's own word."""
    return author.is_committee(comment.community_id)
