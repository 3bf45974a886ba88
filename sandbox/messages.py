"""Subscription messages: templates, what their keywords may say, and a user's credit for each."""

import json
import re
import time
from typing import Any

from sandbox import pushes
from sandbox.door import Call
from sandbox.people import known_openid
from sandbox.refusal import WeixinError
from sandbox.world import World

SENT = "subscribe_msg_sent_event"
STATES = ("developer", "trial", "formal")
LANGUAGES = ("zh_CN", "en_US", "zh_HK", "zh_TW")
_CLOCK = r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?"
_DAY = r"\d{4}(年\d{1,2}月\d{1,2}日|[-/.]\d{1,2}[-/.]\d{1,2})"
_TIME = rf"({_DAY} ?)?{_CLOCK}"
_DATE = rf"{_DAY}( ?{_CLOCK})?"
KEYWORDS = {  # what stands for a type of keyword, as a pattern for the whole value
    "thing": r"[^\r\n]{1,20}",
    "number": r"-?(?=.{1,32}$)\d+(\.\d+)?",
    "letter": r"[A-Za-z]{1,32}",
    "symbol": r"[^\w\s]{1,5}",
    "character_string": r"[\x21-\x7e]{1,32}",
    "time": rf"{_TIME}(~{_TIME})?",
    "date": rf"{_DATE}(~{_DATE})?",
    "amount": r"([¥￥$€£]?\d{1,10}(\.\d+)?元?)",
    "phone_number": r"[\d+\-() ]{1,17}",
    "car_number": r"[A-Z0-9\u4e00-\u9fff]{1,8}",
    "name": r"[\u4e00-\u9fff]{1,10}|[^\u4e00-\u9fff\r\n]{1,20}",
    "phrase": r"[\u4e00-\u9fff]{1,5}",
}


def send(world: World, call: Call) -> dict[str, Any]:
    """POST /cgi-bin/message/subscribe/send: uses up one accept; the delivery is reported by a push."""
    openid, body = known_openid(world, call, "touser"), call.body
    template_id = body.get("template_id")
    if not isinstance(template_id, str) or not is_known(world, template_id):
        raise WeixinError(40037, "invalid template_id")
    _check_envelope(body)
    _check_data(world, template_id, body.get("data"))
    spent = "UPDATE credits SET left = left - 1 WHERE openid = ? AND template_id = ? AND left > 0"
    if world.store.run(spent, openid, template_id) == 0:
        raise WeixinError(43101, "user refuse to accept the msg")
    newest = world.store.row("SELECT coalesce(max(id), 0) AS id FROM messages")["id"]
    msgid = max(time.time_ns(), newest + 1)  # a whole number of 64 bits, too long for JavaScript
    text = json.dumps(body, ensure_ascii=False)
    world.store.add("messages", id=msgid, openid=openid, template_id=template_id, body=text, at=world.clock.now())
    failed = world.faults.for_push(SENT, "not_delivered")
    sent = {"TemplateId": template_id, "MsgID": str(msgid)}
    outcome = ("20001", "failed: user block") if failed else ("0", "success")
    pushes.owe(world, openid, SENT, List=dict(sent, ErrorCode=outcome[0], ErrorStatus=outcome[1]))
    pushes.hurry(world, SENT)
    return {"errcode": 0, "errmsg": "ok", "msgid": msgid, "sandbox_extra": "may be anything"}


def answer(world: World, openid: str, decisions: dict[str, str]) -> None:
    """What a user answered when asked about templates: each accept is one message; a push tells the application."""
    for template_id, decision in decisions.items():
        now = world.clock.now()
        world.store.add("subscriptions", openid=openid, template_id=template_id, decision=decision, at=now)
        if decision == "accept":
            more = "INSERT INTO credits VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET left = left + 1"
            world.store.run(more, openid, template_id)
    told = [
        {"TemplateId": template_id, "SubscribeStatusString": decision, "PopupScene": "0"}
        for template_id, decision in decisions.items()
        if decision in ("accept", "reject")  # of the others the platform decided itself
    ]
    if told:
        pushes.owe(world, openid, "subscribe_msg_popup_event", List=_object_or_array(told))


def unsubscribe(world: World, openid: str, template_ids: list[str]) -> None:
    """A user switched templates off in the settings; a push tells the application."""
    for template_id in template_ids:
        world.store.run("DELETE FROM credits WHERE openid = ? AND template_id = ?", openid, template_id)
    told = [{"TemplateId": template_id, "SubscribeStatusString": "reject"} for template_id in template_ids]
    pushes.owe(world, openid, "subscribe_msg_change_event", List=_object_or_array(told))


def keyword_type(keyword: str) -> str | None:
    """The type in `thing1`, if it is one."""
    read = re.fullmatch(r"([a-z_]+?)\d+", keyword)
    return read[1] if read and read[1] in KEYWORDS else None


def is_known(world: World, template_id: str) -> bool:
    """Whether a template was registered, or anybody was ever asked about it."""
    asked = "SELECT 1 FROM templates WHERE template_id = ? UNION SELECT 1 FROM subscriptions WHERE template_id = ?"
    return world.store.one(asked, template_id, template_id) is not None


def _object_or_array(entries: list[dict[str, str]]) -> Any:
    return entries if len(entries) > 1 else entries[0]


def _check_envelope(body: dict[str, Any]) -> None:
    if not re.fullmatch(r"[!-~]{0,1024}", str(body.get("page") or "")):
        raise WeixinError(41030, "invalid page")
    if body.get("miniprogram_state", "formal") not in STATES:
        raise WeixinError(47003, "argument invalid! miniprogram_state invalid")
    if body.get("lang", "zh_CN") not in LANGUAGES:
        raise WeixinError(47003, "argument invalid! lang invalid")


def _check_data(world: World, template_id: str, data: Any) -> None:
    if not isinstance(data, dict) or not data:
        raise WeixinError(47003, "argument invalid! data is empty")
    template = world.store.one("SELECT keywords FROM templates WHERE template_id = ?", template_id)
    wanted = json.loads(template["keywords"]) if template else list(data)
    for keyword in wanted:
        value = data[keyword].get("value") if isinstance(data.get(keyword), dict) else None
        if value is None or value == "":
            raise WeixinError(47003, f"argument invalid! data.{keyword}.value is empty")
    for keyword, given in data.items():
        kind, value = keyword_type(keyword), given.get("value") if isinstance(given, dict) else None
        fits = kind and isinstance(value, str) and re.fullmatch(KEYWORDS[kind], value)
        if keyword not in wanted or not fits:
            raise WeixinError(47003, f"argument invalid! data.{keyword}.value invalid")
