"""Believing what WeChat pushes to us, or not, and putting it into one shape. Calls nobody."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.gateways.errors import NotifyRejected
from app.gateways.wechat import read_verdict

WINDOW_S = 300
LARGEST_BODY = 64 * 1024
BLOCK_BITS = 32 * 8  # WeChat pads to 32 bytes, twice the block of AES
DEEPEST_XML = 5

CHECKED = "wxa_media_check"
ASKED, CHANGED = "subscribe_msg_popup_event", "subscribe_msg_change_event"
DELIVERED = "subscribe_msg_sent_event"


@dataclass(frozen=True)
class Push:
    """An event that WeChat tells of a user, in the same shape whether it came as JSON or XML, with one entry or many.

    `facts` by event: a picture checked `{trace_id, suggest, label}`, or `{trace_id, errcode}` where it could not be;
    questions answered `{answers: [[template_id, status], …]}`; messages delivered
    `{deliveries: [{msgid, error_code, status}, …]}`.
    """

    event: str
    openid: str
    facts: dict[str, Any]
    digest: bytes
    """The same for the same event, however often it is pushed."""
    signed: bytes
    """The same for the same signature: one that was used is worth nothing to whoever overheard it."""


class PushReader:
    """Reads what is pushed to one mini-program. With an EncodingAESKey only what is encrypted with it is believed."""

    def __init__(self, *, appid: str, token: str, encoding_aes_key: str = "") -> None:
        self._appid, self._token = appid.encode(), token
        self._key = base64.b64decode(encoding_aes_key + "=") if encoding_aes_key else None

    def echo(self, query: Mapping[str, str], *, now: datetime) -> str:
        """What WeChat wants to hear back when the address is entered in its console. Raises NotifyRejected."""
        self._check(query, "signature", now)
        return query.get("echostr", "")

    def read(self, query: Mapping[str, str], body: bytes, *, now: datetime) -> Push | None:
        """The event pushed, None for one we have no use for; whatever is not believed is one NotifyRejected."""
        if len(body) > LARGEST_BODY:
            raise NotifyRejected(NOT_BELIEVED)
        try:
            said = _parse(body)
            if self._key is None:
                signed = self._check(query, "signature", now)
            else:
                sealed = str(said["Encrypt"])
                signed = self._check(query, "msg_signature", now, sealed)
                said = _parse(self._open(self._key, sealed))
        except (ValueError, LookupError, RecursionError, ElementTree.ParseError, DefusedXmlException):
            raise NotifyRejected(NOT_BELIEVED) from None
        return _understood(said, signed)

    def _check(self, query: Mapping[str, str], signature: str, now: datetime, *also: str) -> bytes:
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        signed = "".join(sorted([self._token, timestamp, nonce, *also])).encode(errors="replace")
        expected = hashlib.sha1(signed, usedforsecurity=False).hexdigest()
        fits = hmac.compare_digest(expected.encode(), query.get(signature, "").encode(errors="replace"))
        of_now = timestamp.isdecimal() and len(timestamp) <= 12 and abs(now.timestamp() - int(timestamp)) <= WINDOW_S
        if not (self._token and fits and of_now):
            raise NotifyRejected(NOT_BELIEVED)
        return hashlib.sha256(signed).digest()

    def _open(self, key: bytes, sealed: str) -> bytes:
        decryptor = Cipher(AES(key), CBC(key[:16])).decryptor()
        padded = decryptor.update(base64.b64decode(sealed, validate=True)) + decryptor.finalize()
        unpadder = PKCS7(BLOCK_BITS).unpadder()
        plain = unpadder.update(padded) + unpadder.finalize()  # 16 random bytes, a length, the message, an appid
        end = 20 + int.from_bytes(plain[16:20], "big")
        if plain[end:] != self._appid:
            raise ValueError("for another mini-program")
        return plain[20:end]


NOT_BELIEVED = "the push is not believed"  # always the same words: they tell a forger nothing


def _parse(body: bytes) -> dict[str, Any]:
    text = body.strip()
    said = _of_element(ElementTree.fromstring(text, forbid_dtd=True)) if text[:1] == b"<" else json.loads(text)
    if not isinstance(said, dict):
        raise ValueError("no object")
    return said


def _of_element(element: Any, depth: int = 0) -> Any:
    """What the same would be in JSON: text, an object, and a list where a name is repeated."""
    if depth > DEEPEST_XML:
        raise ValueError("too deep")
    if not len(element):
        return element.text or ""
    found: dict[str, Any] = {}
    for child in element:
        value = _of_element(child, depth + 1)
        if child.tag in found:
            before = found[child.tag]
            found[child.tag] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            found[child.tag] = value
    return found


def _understood(said: dict[str, Any], signed: bytes) -> Push | None:
    try:
        heard = _Heard.model_validate(said)
        facts = _facts(heard.Event, said)
    except ValueError:
        return None
    if facts is None:
        return None
    told = json.dumps([heard.Event, heard.FromUserName, heard.CreateTime, facts], sort_keys=True)
    return Push(heard.Event, heard.FromUserName, facts, hashlib.sha256(told.encode()).digest(), signed)


def _facts(event: str, said: dict[str, Any]) -> dict[str, Any] | None:
    if event == CHECKED:
        return _checked(said)
    listed = said.get(event.title().replace("_", ""), said)  # XML wraps the list in the event's name
    if event in (ASKED, CHANGED):
        answers = _Answers.model_validate(listed).List
        return {"answers": [[answer.TemplateId, answer.SubscribeStatusString] for answer in answers]}
    if event == DELIVERED:
        return {"deliveries": [delivery.facts() for delivery in _Deliveries.model_validate(listed).List]}
    return None


def _checked(said: dict[str, Any]) -> dict[str, Any]:
    checked = _Checked.model_validate(said)
    not_checked = {"trace_id": checked.trace_id, "errcode": checked.errcode}
    if checked.errcode:
        return not_checked
    try:
        verdict = read_verdict(said)
    except ValueError:  # a form we do not know: no verdict either
        return not_checked
    return {"trace_id": checked.trace_id, "suggest": str(verdict.suggest), "label": verdict.label}


Name = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,64}$")]
Number = Annotated[int, Field(ge=-(10**15), le=10**15)]


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)  # numbers come as strings, and the reverse


class _Heard(_Said):
    FromUserName: Name
    CreateTime: Number
    Event: Name


class _Checked(_Said):
    trace_id: Name
    errcode: Number = 0


class _Answer(_Said):
    TemplateId: Name
    SubscribeStatusString: Name


class _Delivery(_Said):
    MsgID: Name
    ErrorCode: Number
    ErrorStatus: Annotated[str, Field(pattern=r"^[\x20-\x7e]{0,64}$")]

    def facts(self) -> dict[str, Any]:
        return {"msgid": self.MsgID, "error_code": self.ErrorCode, "status": self.ErrorStatus}


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


class _Answers(_Said):
    List: Annotated[list[_Answer], Field(max_length=20), BeforeValidator(_as_list)]


class _Deliveries(_Said):
    List: Annotated[list[_Delivery], Field(max_length=20), BeforeValidator(_as_list)]
