"""The api.weixin.qq.com side: which address is served by what."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter

from sandbox import checks, codes, links, messages, people, shipping, tokens
from sandbox.door import Door
from sandbox.world import World


def routes(world: World, settle: Callable[[], Awaitable[None]]) -> APIRouter:
    """The endpoints, and for every other path the platform's refusal: mount these last."""
    router = APIRouter()
    door = Door(world, router, settle)
    door.get("/cgi-bin/token", lambda world, call: tokens.classic(world, call.query), token=False)
    door.post("/cgi-bin/stable_token", lambda world, call: tokens.stable(world, call.body), token=False)
    door.get("/sns/jscode2session", people.code_to_session, token=False, media_type="text/plain")
    door.post("/wxa/business/getuserphonenumber", people.phone_number)
    door.get("/wxa/checksession", people.check_session)
    door.get("/wxa/resetusersessionkey", people.reset_session)
    door.get("/wxa/getpaidunionid", people.paid_unionid)
    door.post("/cgi-bin/message/subscribe/send", messages.send)
    door.post("/wxa/msg_sec_check", checks.check_text)
    door.post("/wxa/media_check_async", checks.check_media)
    door.post("/wxa/getwxacodeunlimit", codes.unlimited)
    door.post("/wxa/generate_urllink", links.url_link)
    door.post("/wxa/getwxacode", codes.of_path)
    door.post("/cgi-bin/wxaapp/createwxaqrcode", codes.of_path)
    door.post("/wxa/generatescheme", links.scheme)
    door.post("/wxa/genwxashortlink", links.short_link)
    door.post("/wxa/sec/order/upload_shipping_info", shipping.upload)
    door.unknown("/{path:path}")
    return router
