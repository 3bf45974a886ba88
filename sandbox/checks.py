"""What the platform thinks of texts and pictures: decided by marker words, so that every run says the same."""

import asyncio
import json
import re
from functools import partial
from typing import Any

import httpx

from sandbox import people, pushes
from sandbox.crew import Crew
from sandbox.door import Call, new_rid
from sandbox.people import known_openid
from sandbox.refusal import WeixinError
from sandbox.world import World

CHECKED = "wxa_media_check"
NOTHING = 100
LABELS = (NOTHING, 10001, 20001, 20002, 20003, 20006, 20008, 20012, 20013, 21000)
MARKER = r"LINLI-(RISKY|REVIEW)(?:-(\d{5}))?"
WORDS = {  # plain words, for those who type by hand
    "加微信领红包": ("risky", 10001),
    "裸聊": ("risky", 20002),
    "去死吧": ("risky", 20003),
    "代开发票": ("risky", 20006),
    "刷单返现": ("risky", 20008),
    "稳赚不赔": ("review", 20008),
    "你这个骗子": ("review", 20003),
}
LONGEST = 2500
LOOKED_AT_AFTER_S = 0.2  # the reply comes first, the verdict by a push
PATIENCE_S = 5
LARGEST = 10 * 1024 * 1024
PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"GIF8")
CANNOT_LOAD = (-1008, "media url can not be loaded")

Verdict = tuple[str, int]


def check_text(world: World, call: Call) -> dict[str, Any]:
    """POST /wxa/msg_sec_check: version 2 answers at once; version 1 only says yes or no."""
    body, content = call.body, call.body.get("content")
    if not isinstance(content, str) or not content:
        raise WeixinError(44002, "empty content")
    if len(content) > LONGEST:
        raise WeixinError(45002, "content size out of limit")
    if body.get("version") != 2:
        if judge(content)[0] == "risky":
            raise WeixinError(87014, "risky content")
        return {"errcode": 0, "errmsg": "ok"}
    _check_asker(world, call)
    words = [str(body.get(name) or "") for name in ("content", "title", "nickname", "signature")]
    suggest, label = judge("\n".join(words))
    return {
        "errcode": 0,
        "errmsg": "ok",
        "trace_id": new_rid(),
        "result": {"suggest": suggest, "label": label},
        "detail": [
            {"strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": 90},
            {"strategy": "keyword", "errcode": 0},  # it may say no more than this
        ],
        "sandbox_extra": "may be anything",
    }


def check_media(world: World, call: Call) -> dict[str, Any]:
    """POST /wxa/media_check_async: the verdict comes by a push."""
    body = call.body
    media_url, version = body.get("media_url"), 2 if body.get("version") == 2 else 1
    if not isinstance(media_url, str) or not media_url.startswith(("http://", "https://")):
        raise WeixinError(40097, "invalid args: media_url")
    if body.get("media_type") not in (1, 2):
        raise WeixinError(40097, "invalid args: media_type")
    openid = _check_asker(world, call) if version == 2 else ""
    trace_id, now = new_rid(), world.clock.now()
    world.store.add(
        "picture_checks",
        trace_id=trace_id,
        openid=openid,
        media_url=media_url,
        version=version,
        made_at=now,
        due_at=now + LOOKED_AT_AFTER_S,
    )
    pushes.hurry(world, CHECKED)
    return {"errcode": 0, "errmsg": "ok", "trace_id": trace_id}


def judge(text: str) -> Verdict:
    """The advice about a text: the first marker in it, else the first of the words, else `pass`."""
    if marker := re.search(MARKER, text):
        label = int(marker[2] or 21000)
        return marker[1].lower(), label if label in LABELS else 21000
    return next((verdict for word, verdict in WORDS.items() if word in text), ("pass", NOTHING))


class Inspector:
    """Looks at pictures as their time comes and owes the push that tells."""

    def __init__(self, world: World) -> None:
        self._world, self._crew = world, Crew()
        self._http = httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S)

    async def aclose(self) -> None:
        """Stop what is under way; it stays due."""
        await self._crew.dismiss()
        await self._http.aclose()

    def look_at_due(self, ahead_s: float = 0) -> None:
        """Start looking at the pictures that are due now or within so many seconds."""
        due = "SELECT * FROM picture_checks WHERE due_at <= ? ORDER BY due_at LIMIT ?"
        for row in self._world.store.all(due, self._world.clock.now() + ahead_s, self._crew.limit):
            self._crew.start(row["trace_id"], partial(self._look, dict(row)))

    async def settle(self) -> None:
        """Look at once at what would be due in a moment."""
        self.look_at_due(LOOKED_AT_AFTER_S)
        await self._crew.all_home()

    async def _look(self, check: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                content: bytes | None = await self._load(check["media_url"])
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            content = None
        store = self._world.store
        with store.transaction():
            if store.one("SELECT 1 FROM picture_checks WHERE trace_id = ?", check["trace_id"]) is None:
                return  # it was reset away
            said = self._said(check, content)
            done = "UPDATE picture_checks SET due_at = NULL, said = ? WHERE trace_id = ?"
            store.run(done, json.dumps(said), check["trace_id"])
            pushes.owe(self._world, check["openid"], CHECKED, **said)

    async def _load(self, url: str) -> bytes | None:
        if not self._world.reaches(url):
            return None
        content = b""
        async with self._http.stream("GET", url) as reply:
            async for part in reply.aiter_bytes():
                content += part
                if len(content) > LARGEST:
                    return None
        return content if reply.status_code == 200 and content.startswith(PICTURES) else None

    def _said(self, check: dict[str, Any], content: bytes | None) -> dict[str, Any]:
        head = {"appid": self._world.keys.ids.appid, "trace_id": check["trace_id"]}
        chosen = self._world.store.one("SELECT * FROM verdicts ORDER BY id LIMIT 1")
        if chosen:
            self._world.store.run("DELETE FROM verdicts WHERE id = ?", chosen["id"])
        errcode, errmsg = (0, "ok") if content is not None else CANNOT_LOAD
        if chosen and chosen["errcode"]:
            errcode, errmsg = chosen["errcode"], "this appid does not have permission"
        suggest, label = judge(check["media_url"] + "\n" + (content or b"").decode("latin-1"))
        if chosen:
            suggest, label = chosen["suggest"], chosen["label"]
        if check["version"] == 1:
            risky = int(not errcode and suggest == "risky")
            return {**head, "isrisky": risky, "extra_info_json": "", "status_code": errcode}
        if errcode:
            return {**head, "version": 2, "detail": [], "errcode": errcode, "errmsg": errmsg}
        text = str(label)  # a number in the reply about a text, a string here
        return {
            **head,
            "version": 2,
            "detail": [{"strategy": "content_model", "errcode": 0, "suggest": suggest, "label": text, "prob": 90}],
            "errcode": 0,
            "errmsg": "ok",
            "result": {"suggest": suggest, "label": text},
        }


def _check_asker(world: World, call: Call) -> str:
    if call.body.get("scene") not in (1, 2, 3, 4):
        raise WeixinError(40129, "invalid scene")
    foreign = WeixinError(43104, "this appid does not have permission")
    openid = known_openid(world, call, foreign=foreign)
    people.check_active(world, openid)
    return openid
