"""The transparency log, public in every part."""

from typing import Annotated, Any

from fastapi import Header, Query, Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import Field

from models.transparency import LogKind
from routers.deps import ThePaging
from routers.house import PUBLIC, make_router
from routers.schemas.base import ID_MAX, PageOf
from routers.schemas.log import ConsistencyOut, HeadOut, InclusionOut
from services import transparency
from services.transparency import Consistency, Head, Inclusion

router = make_router("/log", "log")

Size = Annotated[int, Field(ge=0, le=ID_MAX)]
Accept = Annotated[str, Header(description="text/plain for the note alone")]
AS_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "The head, or its note as text"}
}
ENTRY = rf"^({'|'.join(LogKind)}):[1-9][0-9]{{0,17}}$"


@router.get("/head", response_model=HeadOut, responses=AS_TEXT, openapi_extra=PUBLIC)
async def get_log_head(accept: Accept = "") -> Head | Response:
    """The newest signed head. Keep one now and then: it shows later whether the past was rewritten."""
    return _head(await transparency.head(), accept)


@router.get("/heads", response_model=PageOf[HeadOut], openapi_extra=PUBLIC)
async def list_log_heads(paging: ThePaging) -> dict[str, Any]:
    """All signed heads, newest first."""
    return paging.of(await transparency.heads(page=paging.page))


@router.get("/heads/{size}", response_model=HeadOut, responses=AS_TEXT, openapi_extra=PUBLIC)
async def get_log_head_of_size(size: Size, accept: Accept = "") -> Head | Response:
    """The signed head over so many entries."""
    return _head(await transparency.head(size), accept)


@router.get("/proof", response_model=InclusionOut, openapi_extra=PUBLIC)
async def prove_inclusion(
    entry: Annotated[str, Query(pattern=ENTRY, description="What it is about: transfer:12")],
) -> Inclusion:
    """That something is in the log under its newest head; 404 `not_in_log` until it is, which takes seconds."""
    kind, row_id = entry.split(":")
    return await transparency.proof(LogKind(kind), int(row_id))


@router.get("/consistency", response_model=ConsistencyOut, openapi_extra=PUBLIC)
async def prove_consistency(
    old: Annotated[Size, Query(alias="from", description="Size of the older head")],
    size: Annotated[Size | None, Query(alias="to", description="Size of the newer head; the newest if none")] = None,
) -> Consistency:
    """That the log only grew between two of its sizes."""
    return await transparency.consistency(old, size)


@router.get("/export", response_class=PlainTextResponse, openapi_extra=PUBLIC)
async def export_log(
    begin: Annotated[Size, Query(alias="from", description="Number of the first entry")] = 0,
    end: Annotated[
        Size | None, Query(alias="to", description="Up to before this entry; the newest head's if none")
    ] = None,
) -> StreamingResponse:
    """Entries as canonical JSON, one a line, at most 100,000: what comes after is asked for from there on."""
    return StreamingResponse(await transparency.export(begin, end), media_type="text/plain; charset=utf-8")


def _head(found: Head, accept: str) -> Head | Response:
    if "text/plain" in accept:
        return PlainTextResponse(found.note, headers={"Vary": "Accept"})
    return found
