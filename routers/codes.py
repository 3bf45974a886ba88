"""Mini-program codes and links: a thing as a picture to print, an address to send, a scene id to resolve."""

from typing import Annotated, Any

from fastapi import Path, Response

from models.codes import CodeKind
from routers.deps import CurrentActor, TheSettings, TheStorage, TheWechat
from routers.house import make_router
from routers.schemas.base import PathId
from routers.schemas.codes import CodeOut, LinkOut
from services import codes
from services.codes import Link

router = make_router("", "codes")

A_PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}, "description": "The code"}}


@router.get("/codes/{kind}/{thing_id}.png", response_class=Response, responses=A_PNG)
async def get_code(
    actor: CurrentActor, wechat: TheWechat, storage: TheStorage, config: TheSettings, kind: CodeKind, thing_id: PathId
) -> Response:
    """The mini-program code of a thing one may see, as a PNG to print; the same one every time."""
    drawn = await codes.picture(actor, wechat, storage, kind, thing_id, version=config.wx_env_version)
    return Response(drawn, media_type="image/png")


@router.get("/codes/{scene}", response_model=CodeOut)
async def resolve_code(actor: CurrentActor, scene: Annotated[str, Path(min_length=1, max_length=32)]) -> CodeOut:
    """What a scanned scene id stands for; 404 also for what one may not see."""
    code = await codes.resolve(actor, scene)
    return CodeOut(kind=code.kind, id=code.subject_id, page=code.page)


@router.get("/links/{kind}/{thing_id}", response_model=LinkOut)
async def get_link(
    actor: CurrentActor, wechat: TheWechat, config: TheSettings, kind: CodeKind, thing_id: PathId
) -> Link:
    """An https link that opens a thing one may see in WeChat, for a text message or a web page."""
    return await codes.link(actor, wechat, kind, thing_id, version=config.wx_env_version)
