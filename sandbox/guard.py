"""Only this machine's own tools and the sandbox's own page may enter the control room.

The sandbox listens on the loopback, but any web page open in a browser here can send requests to it. Browsers say
where a request comes from (`Sec-Fetch-Site`, `Origin`) and by which name they ask (`Host`); curl and tests do not.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.world import LOOPBACK

CONTROL = "/_sandbox"


class Guard:
    """Refuses what another site sends to the control room, and a page asked for by a foreign name (DNS rebinding)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_ours(scope["path"]):
            said = Headers(scope=scope)
            if not _is_loopback(said.get("host", "")):
                await JSONResponse({"detail": "the sandbox answers on the loopback only"}, 421)(scope, receive, send)
                return
            if scope["path"] != "/" and _from_elsewhere(said):
                await JSONResponse({"detail": "not from another site"}, 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def is_ours(path: str) -> bool:
    """Whether a path belongs to the page or the control room and to no WeChat."""
    return path == "/" or path == CONTROL or path.startswith(f"{CONTROL}/")


def _is_loopback(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK
    except ValueError:
        return False


def _from_elsewhere(said: Headers) -> bool:
    if said.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    return said.get("origin", f"http://{said.get('host')}") != f"http://{said.get('host')}"
