"""How a message push is written: plain, compatible or safe, as JSON or XML, and forged where a fault wants it."""

import json
import secrets
import string
import time
from dataclasses import dataclass, replace
from hashlib import sha1
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from sandbox import push_crypto
from sandbox.faults import Forgery
from sandbox.world import World

NESTS = {  # XML puts the list of these events one level deeper
    "subscribe_msg_popup_event": "SubscribeMsgPopupEvent",
    "subscribe_msg_change_event": "SubscribeMsgChangeEvent",
    "subscribe_msg_sent_event": "SubscribeMsgSentEvent",
}
OLD_S = 600


@dataclass(frozen=True)
class Mode:
    """What is chosen in the console: where to push, `safe`, `compat` or `plain`, `json` or `xml`."""

    url: str
    mode: str = "safe"
    format: str = "json"


@dataclass(frozen=True)
class Letter:
    """One delivery, ready to be posted."""

    url: str
    body: bytes
    content_type: str


def mode(world: World) -> Mode:
    """What was chosen, or how it stands at first."""
    kept = world.store.note("push_mode")
    return Mode(**json.loads(kept)) if kept else Mode(default_url(world))


def default_url(world: World) -> str:
    """The application's address for pushes."""
    return f"{world.app_url}/v1/wechat/push"


def name_of_app(world: World) -> str:
    """The app's original id, to which pushes are addressed."""
    return "gh_" + sha1(world.keys.ids.appid.encode(), usedforsecurity=False).hexdigest()[:12]


def write(world: World, message: dict[str, Any], trouble: Forgery | None = None) -> Letter:
    """A message as it is posted, signed at this moment by the real clock."""
    chosen, ids = mode(world), world.keys.ids
    if trouble in ("compat", "plain"):
        chosen = replace(chosen, mode=trouble)
    if trouble == "xml":
        chosen = replace(chosen, format="xml")
    timestamp = str(int(time.time()) - (OLD_S if trouble == "old_timestamp" else 0))
    nonce = str(secrets.randbelow(10**10))
    query = {
        "signature": push_crypto.signature(ids.push_token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "openid": message["FromUserName"],
    }
    content = message
    if chosen.mode != "plain":
        key = _another_key() if trouble == "wrong_key" else ids.encoding_aes_key
        appid = "wxSOMEBODYELSE0000" if trouble == "wrong_appid" else ids.appid
        sealed = push_crypto.seal(key, appid, _written(message, chosen.format))
        query["encrypt_type"] = "aes"
        query["msg_signature"] = push_crypto.signature(ids.push_token, timestamp, nonce, sealed)
        kept = message if chosen.mode == "compat" else {"ToUserName": message["ToUserName"]}
        content = {**kept, "Encrypt": sealed}
    for name in ("signature", "msg_signature"):
        if trouble == f"bad_{name}" and name in query:
            query[name] = sha1(query[name].encode(), usedforsecurity=False).hexdigest()
    content_type = "application/json" if chosen.format == "json" else "text/xml"
    return Letter(f"{chosen.url}?{urlencode(query)}", _written(content, chosen.format), content_type)


def url_check(world: World, echostr: str) -> str:
    """The address by which the console asks whether the application knows the token."""
    timestamp, nonce = str(int(time.time())), str(secrets.randbelow(10**10))
    signature = push_crypto.signature(world.keys.ids.push_token, timestamp, nonce)
    query = {"signature": signature, "timestamp": timestamp, "nonce": nonce, "echostr": echostr}
    return f"{mode(world).url}?{urlencode(query)}"


def xml(message: dict[str, Any]) -> str:
    """A message as XML; what is a list becomes an element repeated."""
    nest = NESTS.get(message.get("Event", ""))
    if nest and "List" in message:
        message = {name: value for name, value in message.items() if name != "List"} | {nest: {"List": message["List"]}}
    return f"<xml>{_elements(message)}</xml>"


def _written(message: dict[str, Any], form: str) -> bytes:
    return (json.dumps(message, ensure_ascii=False) if form == "json" else xml(message)).encode()


def _elements(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(
            f"<{name}>{_elements(one)}</{name}>"
            for name, part in value.items()
            for one in (part if isinstance(part, list) else [part])
        )
    if isinstance(value, str):
        return f"<![CDATA[{value}]]>" if "]]>" not in value else escape(value)
    return escape(str(value))


def _another_key() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(43))
