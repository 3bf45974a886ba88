"""Certificates of voluntary service: asked for by the volunteer, verified by anybody, revoked by the issuer."""

from functools import partial
from typing import Annotated, Any

from fastapi import Path, Request, Response
from fastapi.responses import HTMLResponse

from app.core import rates
from routers.deps import AnyActor, CurrentActor, OnlyOnce, ThePaging, TheSettings, acting, limit, reading
from routers.house import PUBLIC, make_router
from routers.schemas.base import PageOf, Reasoned
from routers.schemas.certificates import CertificateIn, CertificateOut, VerifiedOut
from services import volunteering
from services.volunteering import CertificateSeen

mine = make_router("/me", "certificates")
router = make_router("/certificates", "certificates")

Code = Annotated[str, Path(min_length=1, max_length=32)]
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
}
A_PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}, "description": "The certificate"}}


@mine.post("/certificates", response_model=CertificateOut, status_code=201)
async def issue_certificate(
    actor: CurrentActor, only_once: OnlyOnce, config: TheSettings, asked: CertificateIn = CertificateIn()
) -> CertificateOut:
    """Have one's own confirmed hours certified by the community; free, at once. Who helps prints it for her."""
    effect = acting(
        actor, asked, "certificate.issued", volunteering.issue_certificate, **asked.said(), secret=config.keys
    )
    return _own(await only_once(effect, reading(actor, asked, volunteering.find_certificate)), config.base_url)


@mine.get("/certificates", response_model=PageOf[CertificateOut])
async def list_certificates(actor: CurrentActor, paging: ThePaging, config: TheSettings) -> dict[str, Any]:
    """One's own certificates, newest first."""
    found = await volunteering.certificates(actor, page=paging.page)
    return paging.of(found.map(lambda seen: _own(seen, config.base_url)))


@router.get("/{code}.png", response_class=Response, responses=A_PNG, openapi_extra=PUBLIC)
async def get_certificate_picture(
    request: Request, actor: AnyActor, config: TheSettings, code: Code, token: str | None = None
) -> Response:
    """The certificate to print, with the whole name: for its holder, or by the address he was given for an hour."""
    await limit(request, rates.LOOKUPS, "certificates")
    page = f"{config.base_url}/v1/certificates/{code}.html"
    drawn = await volunteering.certificate_picture(actor, code, verify_url=page, secret=config.keys, token=token)
    return Response(drawn, media_type="image/png", headers={"Cache-Control": "no-store"})


@router.get("/{code}.html", response_class=HTMLResponse, openapi_extra=PUBLIC)
async def show_certificate(request: Request, code: Code) -> HTMLResponse:
    """Whether a certificate is good, as a page for whoever scans the code on paper."""
    await limit(request, rates.LOOKUPS, "certificates")
    return HTMLResponse(await volunteering.verification_page(code), headers=HEADERS)


@router.get("/{code}", response_model=VerifiedOut, openapi_extra=PUBLIC)
async def verify_certificate(request: Request, code: Code) -> VerifiedOut:
    """Whether a certificate is good: hours, period, issuer, and the name masked."""
    await limit(request, rates.LOOKUPS, "certificates")
    return _public(await volunteering.verify_certificate(code))


@router.post("/{code}/revoke", response_model=VerifiedOut)
async def revoke_certificate(actor: CurrentActor, only_once: OnlyOnce, code: Code, asked: Reasoned) -> VerifiedOut:
    """Take a certificate back; the committee that issued it may. The page of its code says so and why."""
    effect = partial(volunteering.revoke_certificate, actor, code, reason=asked.reason)
    return _public(await only_once(effect, partial(volunteering.find_certificate, actor)))


def _public(seen: CertificateSeen) -> VerifiedOut:
    return VerifiedOut.of(seen, issued_at=seen.created_at)


def _own(seen: CertificateSeen, base_url: str) -> CertificateOut:
    return CertificateOut.of(
        seen,
        issued_at=seen.created_at,
        image_url=volunteering.picture_url(seen.code),
        page_url=f"{base_url}/v1/certificates/{seen.code}.html",
    )
