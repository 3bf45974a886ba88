"""Whether the process lives, whether it can work, and its figures."""

import contextlib
import hmac
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from app.core import db
from app.core.errors import NotFound
from routers.deps import LOOPBACK, TheSettings
from routers.house import PROBLEMS, PUBLIC
from services import residents, transparency, verification

LOG_ENTRIES = Gauge("linli_log_entries", "Entries of the transparency log")
LOG_HEAD_AGE = Gauge("linli_log_head_age_seconds", "Since the newest head of the log was signed")
LOG_WAITING = Gauge("linli_log_waiting_seconds", "How long the oldest row has waited for the log")
VIOLATIONS = Gauge("linli_violations", "What the last hourly verification found wrong")
VERIFIED_AGE = Gauge("linli_verified_age_seconds", "Since everything was last verified")

router = APIRouter(tags=["health"], responses=PROBLEMS)


def _example(body: dict[str, str]) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {"application/json": {"example": body}}}}


@router.get("/healthz", openapi_extra=PUBLIC, responses=_example({"status": "ok"}))
async def check_health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", openapi_extra=PUBLIC, responses=_example({"status": "ok", "database": "ok", "redis": "ok"}))
async def check_readiness(request: Request, config: TheSettings) -> dict[str, str]:
    """The database answers and our keys open what is sealed in it (503 if not); a missing Redis is only said."""
    redis = "ok"
    try:
        await request.app.state.redis.ping()
    except Exception:  # whatever is wrong with Redis, it is not available
        redis = "unavailable"
    await db.value("SELECT 1")
    if not request.app.state.keys_fit:
        await residents.require_keys(config.keys)
        request.app.state.keys_fit = True
    return {"status": "ok", "database": "ok", "redis": redis}


@router.get("/metrics", openapi_extra=PUBLIC, response_class=PlainTextResponse)
async def show_metrics(request: Request, config: TheSettings, authorization: Annotated[str, Header()] = "") -> Response:
    """Figures for Prometheus, on loopback or with METRICS_TOKEN."""
    host = request.client.host if request.client else ""
    token = config.metrics_token.get_secret_value() if config.metrics_token else ""
    allowed = bool(token) and hmac.compare_digest(authorization, f"Bearer {token}")
    if not (allowed or host in LOOPBACK):
        raise NotFound
    with contextlib.suppress(*db.OUTAGE):  # then the last figures stand; /readyz says what is wrong
        await _read_figures()
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _read_figures() -> None:
    log, verified = await transparency.figures(), await verification.last()
    LOG_ENTRIES.set(log.entries)
    LOG_HEAD_AGE.set(log.head_age_s)
    LOG_WAITING.set(log.waiting_s)
    if verified is not None:
        VIOLATIONS.set(verified.violations)
        VERIFIED_AGE.set(verified.age_s)
