"""WeChat's side of the message push, by hand: signing, sealing, and the events it tells."""

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

import httpx
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

PATH = "/v1/wechat/push"


def sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def padded(plain: bytes) -> bytes:
    missing = 32 - len(plain) % 32
    return plain + bytes([missing]) * missing


def seal(aes_key: str, appid: str, message: bytes, random: bytes | None = None) -> str:
    """What WeChat writes into Encrypt."""
    plain = (random or secrets.token_bytes(16)) + len(message).to_bytes(4, "big") + message + appid.encode()
    return encrypt(aes_key, padded(plain))


def encrypt(aes_key: str, blocks: bytes) -> str:
    key = base64.b64decode(aes_key + "=")
    encryptor = Cipher(AES(key), CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(blocks) + encryptor.finalize()).decode()


@dataclass
class Pushed:
    """A push on its way: what stands in the address and in the body."""

    query: dict[str, str]
    body: bytes

    async def to(self, client: httpx.AsyncClient) -> httpx.Response:
        return await client.post(PATH, params=self.query, content=self.body)


@dataclass(frozen=True)
class Pusher:
    """WeChat, as far as it knows these three."""

    appid: str
    token: str
    aes_key: str

    @classmethod
    def of(cls, environment: dict[str, str]) -> "Pusher":
        """The one that a sandbox's configuration describes."""
        return cls(environment["WX_APPID"], environment["WX_PUSH_TOKEN"], environment["WX_ENCODING_AES_KEY"])

    def plain(self, said: Any, *, at: float | None = None) -> Pushed:
        timestamp, nonce = str(int(at or time.time())), str(secrets.randbelow(10**9))
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        return Pushed({"signature": sha1(self.token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}, body)

    def safe(self, said: Any, *, at: float | None = None, **beside: Any) -> Pushed:
        """Safe mode; what stands `beside` the encrypted part makes it compatible mode."""
        pushed = self.plain(said, at=at)
        sealed = seal(self.aes_key, self.appid, pushed.body)
        return self.sealed(sealed, pushed, **beside)

    def sealed(self, sealed: str, pushed: Pushed, **beside: Any) -> Pushed:
        """Sign an encrypted part."""
        signed = sha1(self.token, pushed.query["timestamp"], pushed.query["nonce"], sealed)
        query = pushed.query | {"encrypt_type": "aes", "msg_signature": signed}
        return Pushed(query, json.dumps({"ToUserName": "gh_1", "Encrypt": sealed} | beside).encode())


def event(name: str, openid: str = "lin", **more: Any) -> dict[str, Any]:
    return {
        "ToUserName": "gh_123",
        "FromUserName": openid,
        "CreateTime": int(time.time()),
        "MsgType": "event",
        "Event": name,
    } | more


def picture_checked(trace_id: str, suggest: str = "pass", label: int | str = "100", **more: Any) -> dict[str, Any]:
    return (
        event(
            "wxa_media_check",
            appid="wx1",
            trace_id=trace_id,
            version=2,
            detail=[{"strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": 90}],
            errcode=0,
            errmsg="ok",
            result={"suggest": suggest, "label": label},
        )
        | more
    )


def picture_not_checked(trace_id: str, errcode: int = 43104) -> dict[str, Any]:
    return event("wxa_media_check", trace_id=trace_id, version=2, detail=[], errcode=errcode, errmsg="no permission")


def answered(*answers: tuple[str, str], scene: str = "popup", openid: str = "lin") -> dict[str, Any]:
    entries = [{"TemplateId": template, "SubscribeStatusString": status} for template, status in answers]
    return event(f"subscribe_msg_{scene}_event", openid, List=entries if len(entries) > 1 else entries[0])


def delivered(msgid: str, error_code: int | str = "0", status: str = "success", openid: str = "lin") -> dict[str, Any]:
    entry = {"TemplateId": "t1", "MsgID": msgid, "ErrorCode": error_code, "ErrorStatus": status}
    return event("subscribe_msg_sent_event", openid, List=entry)
