"""Pictures drawn here: posters to share, receipts of gifts, codes to hang up."""

from typing import Annotated, Any

from fastapi import Query, Response

from models.codes import PosterKind
from routers.deps import CurrentActor, InEnglish, TheSettings, TheStorage, TheWechat
from routers.house import make_router
from routers.schemas.base import PathId
from services import posters, receipts
from services.posters import CODES_MOST

router = make_router("", "posters")

A_PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}, "description": "The picture"}}
A_PDF: dict[int | str, dict[str, Any]] = {200: {"content": {"application/pdf": {}}, "description": "Sheets to print"}}


@router.get("/posters/{kind}/{thing_id}.png", response_class=Response, responses=A_PNG)
async def get_poster(
    actor: CurrentActor,
    wechat: TheWechat,
    storage: TheStorage,
    config: TheSettings,
    english: InEnglish,
    kind: PosterKind,
    thing_id: PathId,
) -> Response:
    """The poster of something everybody may read of, 750 pixels wide, in the reader's language; it names nobody.

    What is raised within a community has none (403 `no_public_poster`).
    """
    version = config.wx_env_version
    drawn = await posters.drawn(actor, wechat, storage, kind, thing_id, version=version, english=english)
    return Response(drawn, media_type="image/png", headers={"Vary": "Accept-Language"})


@router.get("/pledges/{pledge_id}/receipt.png", response_class=Response, responses=A_PNG)
async def get_receipt(actor: CurrentActor, config: TheSettings, pledge_id: PathId) -> Response:
    """The receipt of one's own gift of money, with what was given back; 409 while nothing was paid. No tax invoice."""
    drawn = await receipts.drawn(actor, pledge_id, base_url=config.base_url)
    return Response(drawn, media_type="image/png")


@router.get("/places/{place_id}/qr-sheet.pdf", response_class=Response, responses=A_PDF)
async def print_codes(
    actor: CurrentActor,
    wechat: TheWechat,
    storage: TheStorage,
    config: TheSettings,
    place_id: PathId,
    first: Annotated[int, Query(ge=1, le=10_000, description="From which building on")] = 1,
    count: Annotated[int, Query(ge=1, le=CODES_MOST, description="Of how many buildings")] = CODES_MOST,
) -> Response:
    """The mini-program codes of a place's buildings on A4, to cut out and hang up; the staff of the community."""
    version = config.wx_env_version
    made = await posters.sheet_of_codes(actor, wechat, storage, place_id, first=first, count=count, version=version)
    return Response(made, media_type="application/pdf", headers={"Content-Disposition": 'inline; filename="codes.pdf"'})
