"""Structured logs: one JSON object a line, no bodies, tokens, codes or phones."""

import logging
import sys
import traceback
from typing import Any

import structlog


def set_up(*, json: bool) -> None:
    """Send our own and the libraries' logs to standard error, as JSON or as text for a person."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False) if json else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("httpx", "httpcore", "asyncpg", "tortoise", "uvicorn.access", "wechatpayv3", "pgqueuer"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def about(exc: BaseException) -> dict[str, Any]:
    """What a log line may say of an exception: its kind, place, SQLSTATE and constraint.

    Never its text: PostgreSQL quotes the whole row that failed, with names and words somebody wrote.
    """
    cause = exc.__cause__ or exc
    frames = traceback.extract_tb(exc.__traceback__)[-8:]
    found = {
        "error": type(exc).__name__,
        "cause": type(cause).__name__,
        "sqlstate": getattr(cause, "sqlstate", None),
        "constraint": getattr(cause, "constraint_name", None),
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if isinstance(exc, ExceptionGroup):
        found["failures"] = [about(one) for one in exc.exceptions[:10]]
    return {name: value for name, value in found.items() if value}


def get(name: str) -> structlog.stdlib.BoundLogger:
    """A logger that takes facts as keywords."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
