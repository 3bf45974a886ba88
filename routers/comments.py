"""Comments by their own id: support, the pinned official answer, hiding."""

from functools import partial

from models.comments import Comment
from routers.deps import CurrentActor, HelpedByQuery, OnlyOnce, acting
from routers.house import make_router
from routers.schemas.base import PathId, Reasoned
from routers.schemas.comments import CommentOut, SupportOut
from routers.schemas.residents import HelpIn
from services import comments

router = make_router("/comments", "comments")


@router.put("/{comment_id}/support", response_model=SupportOut)
async def support_comment(actor: CurrentActor, comment_id: PathId, asked: HelpIn | None = None) -> Comment:
    """Stand behind what a neighbour said; doing it again changes nothing."""
    return await acting(actor, asked, "comment.supported", comments.support, comment_id)()


@router.delete("/{comment_id}/support", response_model=SupportOut)
async def unsupport_comment(actor: CurrentActor, comment_id: PathId, asked: HelpedByQuery) -> Comment:
    """Take one's support back; doing it again changes nothing."""
    return await acting(actor, asked, "comment.unsupported", comments.unsupport, comment_id)()


@router.post("/{comment_id}/pin", response_model=CommentOut)
async def pin_comment(actor: CurrentActor, only_once: OnlyOnce, comment_id: PathId) -> Comment:
    """Make a committee member's comment the official answer, in place of the one before; committee only."""
    return await only_once(partial(comments.pin, actor, comment_id), partial(comments.find, actor))


@router.post("/{comment_id}/unpin", response_model=CommentOut)
async def unpin_comment(actor: CurrentActor, only_once: OnlyOnce, comment_id: PathId) -> Comment:
    """Let the official answer be a comment among others; committee only."""
    return await only_once(partial(comments.unpin, actor, comment_id), partial(comments.find, actor))


@router.post("/{comment_id}/hide", response_model=CommentOut)
async def hide_comment(actor: CurrentActor, only_once: OnlyOnce, comment_id: PathId, asked: Reasoned) -> Comment:
    """Take a comment out of the discussion; its author is told why, the thing's history says so. Committee only."""
    effect = partial(comments.hide, actor, comment_id, reason=asked.reason)
    return await only_once(effect, partial(comments.find, actor))
