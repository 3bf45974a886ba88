"""The door of the Pay side: only signed requests come in, only signed replies go out."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from sandbox import signing
from sandbox.faults import Fault
from sandbox.keys import Signer
from sandbox.world import World


class PayProblem(Exception):
    """A refusal in the words of the documentation."""

    def __init__(self, status: int, code: str, message: str, detail: dict[str, Any] | None = None) -> None:
        super().__init__(status, code, message)
        self.status, self.code, self.message, self.detail = status, code, message, detail


@dataclass(frozen=True)
class Call:
    """A request that has passed the door."""

    path: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]


Reply = tuple[int, dict[str, Any] | bytes | None]  # bytes are a file, the only reply that is not signed
Handler = Callable[[World, Call], Reply]


def serve(router: APIRouter, world: World, method: str, path: str, handler: Handler) -> None:
    """Put a handler behind the door; each request is one transaction."""

    async def endpoint(request: Request) -> Response:
        body = await request.body()
        try:
            call = _admit(world, request, body)
            with world.store.transaction():
                status, content = handler(world, call)
        except PayProblem as problem:
            detail = {"detail": problem.detail} if problem.detail else {}
            status, content = problem.status, {"code": problem.code, "message": problem.message, **detail}
        world.news.set()
        return _reply(world, request, status, content)

    router.add_api_route(path, endpoint, methods=[method])


def not_found(_world: World, _call: Call) -> Reply:
    """Any address this sandbox does not have."""
    raise PayProblem(404, "RESOURCE_NOT_EXISTS", "请求的资源不存在")


def _admit(world: World, request: Request, body: bytes) -> Call:
    # What was signed is the address as it was sent, so the decoded path will not do.
    target: bytes = request.scope["raw_path"]
    if request.scope["query_string"]:
        target += b"?" + request.scope["query_string"]
    fault = _fault(request)
    try:
        auth = signing.check_request(
            world.keys,
            request.headers.get("Authorization", ""),
            request.method,
            target.decode("latin-1"),
            body,
            clock_s=fault.clock_s if fault else 0,
        )
    except signing.BadSignature as error:
        raise PayProblem(
            401,
            "SIGN_ERROR",
            str(error),
            {"field": "signature", "issue": "sign not match", "location": "authorization"},
        ) from None
    if not request.headers.get("User-Agent"):
        raise PayProblem(400, "PARAM_ERROR", "Http头缺少User-Agent")
    if auth.nonce_str in world.nonces:
        request.scope["state"]["journal"]["warning"] = "nonce_str was used before"
    world.nonces.append(auth.nonce_str)
    if _signer(world, request) is None:
        raise PayProblem(400, "PARAM_ERROR", "Wechatpay-Serial 不正确")
    call = Call(dict(request.path_params), dict(request.query_params), _json(body))
    for mchid in (call.body.get("mchid"), call.query.get("mchid")):
        if mchid not in (None, world.keys.ids.mchid):
            raise PayProblem(400, "PARAM_ERROR", "请求中的mchid与签名的商户号不一致")
    return call


def _json(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        read = json.loads(body)
    except ValueError:
        raise PayProblem(400, "PARAM_ERROR", "请求体不是有效的JSON") from None
    if not isinstance(read, dict):
        raise PayProblem(400, "PARAM_ERROR", "请求体不是JSON对象")
    return read


def _reply(world: World, request: Request, status: int, content: dict[str, Any] | bytes | None) -> Response:
    headers = {"Request-ID": f"{secrets.token_hex(16).upper()}-0"}
    if isinstance(content, bytes):
        return Response(content, status, headers, media_type="application/octet-stream")
    body = b"" if content is None else json.dumps(content, ensure_ascii=False).encode()
    headers |= _proof(world, request, body)
    return Response(body, status, headers, media_type=None if content is None else "application/json")


def _proof(world: World, request: Request, body: bytes) -> dict[str, str]:
    """The signature under a reply, spoiled as a fault demands."""
    fault, signer = _fault(request), _signer(world, request) or world.keys.by_key
    how, clock_s = (fault.reply, fault.clock_s) if fault else (None, 0)
    if how == "unsigned":
        return {}
    if how == "forged":
        signer = Signer(signer.serial, world.keys.merchant)
    elif how == "certificate":
        signer = world.keys.by_certificate
    elif how == "stale":
        clock_s -= 2 * signing.WINDOW_S
    headers = signing.sign(signer, body, clock_s=clock_s)
    if how == "signtest":
        headers["Wechatpay-Signature"] = f"WECHATPAY/SIGNTEST/{headers['Wechatpay-Signature'][19:]}"
    return headers


def _signer(world: World, request: Request) -> Signer | None:
    """Who signs the reply: what the caller names, or the certificate; None if he names what is not there."""
    asked = request.headers.get("Wechatpay-Serial")
    if asked is None or signing.same_serial(asked, world.keys.by_certificate.serial):
        return world.keys.by_certificate
    if asked == world.keys.ids.public_key_id:
        return world.new_key or world.keys.by_key
    return None


def _fault(request: Request) -> Fault | None:
    found: Fault | None = request.scope["state"].get("fault")
    return found
