"""The control room's half for the mini-program: what its users do on their telephones, and what its console sets."""

import asyncio
import json
import secrets
import sqlite3
from typing import Any, Literal, Self

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field, model_validator

from sandbox import checks, messages, people, push_form, pushes
from sandbox.clock import iso
from sandbox.faults import Push
from sandbox.world import World

Decision = Literal["accept", "reject", "ban", "filter"]


class Someone(BaseModel):
    openid: str = Field(min_length=1, max_length=128)


class Phone(Someone):
    phone: str = Field(pattern=r"^\d{5,15}$")


class Template(BaseModel):
    template_id: str = Field(min_length=1, max_length=64)
    title: str = ""
    keywords: list[str] = Field(min_length=1, max_length=10)

    @model_validator(mode="after")
    def _has_types(self) -> Self:
        if unknown := [keyword for keyword in self.keywords if not messages.keyword_type(keyword)]:
            raise ValueError(f"no such keywords: {', '.join(unknown)}")
        return self


class Answers(Someone):
    """One template and the decision about it, or several in `decisions`."""

    template_id: str | None = None
    decision: Decision = "accept"
    decisions: dict[str, Decision] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_some(self) -> Self:
        if (self.template_id is None) == (not self.decisions):
            raise ValueError("give template_id and decision, or decisions")
        return self


class Unsubscription(Someone):
    template_ids: list[str] = Field(min_length=1)


class PictureVerdict(BaseModel):
    suggest: Literal["pass", "review", "risky"] = "pass"
    label: int = checks.NOTHING
    errcode: int = 0


class PushMode(BaseModel):
    mode: Literal["safe", "compat", "plain"] = "safe"
    format: Literal["json", "xml"] = "json"
    url: str | None = None


class PushTest(Someone):
    """Without an event only the address is checked, as the console does when it is saved."""

    openid: str = "nobody"
    event: str | None = None
    fields: dict[str, Any] = Field(default_factory=dict)
    trouble: Push | None = None


def routes(world: World, courier: pushes.Courier) -> APIRouter:
    """The endpoints."""
    router = APIRouter(prefix="/_sandbox")
    store = world.store

    @router.post("/login-code")
    async def login_code(asked: Someone) -> dict[str, str]:
        """What wx.login gives; a new openid becomes a user."""
        return {"code": new_code(world, "login", asked.openid)}

    @router.post("/phone-code")
    async def phone_code(asked: Phone) -> dict[str, str]:
        """What the getPhoneNumber button gives."""
        return {"code": new_code(world, "phone", asked.openid, asked.phone)}

    @router.post("/active", status_code=204)
    async def active(asked: Someone) -> None:
        """Open the mini-program: for two hours texts may be checked in this user's name."""
        with store.transaction():
            people.know(world, asked.openid)
            people.be_active(world, asked.openid)

    @router.post("/templates")
    async def register_template(asked: Template) -> Template:
        """Register a message template, or change it."""
        keywords = json.dumps(asked.keywords)
        store.run("INSERT OR REPLACE INTO templates VALUES (?, ?, ?)", asked.template_id, asked.title, keywords)
        return asked

    @router.get("/templates")
    async def templates() -> list[dict[str, Any]]:
        """The registered templates."""
        rows = store.all("SELECT * FROM templates ORDER BY rowid")
        return [{**dict(row), "keywords": json.loads(row["keywords"])} for row in rows]

    @router.post("/subscribe")
    async def subscribe(asked: Answers) -> dict[str, Decision]:
        """Answer the question whether templates may be sent."""
        decisions = asked.decisions or {str(asked.template_id): asked.decision}
        with store.transaction():
            people.know(world, asked.openid)
            messages.answer(world, asked.openid, dict(decisions))
        return decisions

    @router.post("/unsubscribe", status_code=204)
    async def unsubscribe(asked: Unsubscription) -> None:
        """Switch templates off in the settings."""
        with store.transaction():
            messages.unsubscribe(world, asked.openid, asked.template_ids)

    @router.get("/messages")
    async def all_messages(openid: str) -> list[dict[str, Any]]:
        """The subscription messages a user has got."""
        rows = store.all("SELECT * FROM messages WHERE openid = ? ORDER BY id", openid)
        return [{**_plain(row), "body": json.loads(row["body"])} for row in rows]

    @router.post("/picture-verdict", status_code=204)
    async def picture_verdict(asked: PictureVerdict) -> None:
        """Decide about the next picture (and so on, one by one); with an errcode its check fails."""
        store.add("verdicts", **asked.model_dump())

    @router.get("/links")
    async def links() -> list[dict[str, Any]]:
        """The codes and links that were made."""
        return [_plain(row) for row in store.all("SELECT * FROM links ORDER BY id")]

    @router.post("/push-mode")
    async def push_mode(asked: PushMode) -> dict[str, str]:
        """Set, as in the console, where and how messages are pushed."""
        url = asked.url or push_form.default_url(world)
        if not world.reaches(url):
            raise HTTPException(400, "this sandbox pushes only to this machine and to its application")
        store.keep_note("push_mode", json.dumps({"url": url, "mode": asked.mode, "format": asked.format}))
        return {"url": url, "mode": asked.mode, "format": asked.format}

    @router.post("/push-test")
    async def push_test(asked: PushTest) -> dict[str, Any]:
        """Check the address as the console does, or push any event now and say what came back."""
        if asked.event is None:
            return await courier.check_url(secrets.token_hex(8))
        with store.transaction():
            push_id = pushes.keep(world, asked.openid, asked.event, asked.fields, next_at=None)
        return {"id": push_id, "attempts": await courier.send(push_id, asked.trouble)}

    @router.get("/pushes")
    async def all_pushes() -> list[dict[str, Any]]:
        """Every message push with every attempt to deliver it."""
        attempts = "SELECT at, trouble, status, answer FROM push_attempts WHERE push_id = ? ORDER BY id"
        return [
            {
                **_plain(row),
                "message": json.loads(row["message"]),
                "delivered": bool(row["delivered"]),
                "attempts": [_plain(attempt) for attempt in store.all(attempts, row["id"])],
            }
            for row in store.all("SELECT * FROM pushes ORDER BY id")
        ]

    @router.post("/pushes/{push_id}/resend")
    async def resend_push(push_id: int, times: int = 1) -> list[dict[str, Any]]:
        """Deliver a push now, once more or several times at once, freshly signed."""
        if not store.one("SELECT 1 FROM pushes WHERE id = ?", push_id):
            raise HTTPException(404, "no such push")
        sent = await asyncio.gather(*(courier.send(push_id) for _ in range(min(times, 50))))
        return [attempt for attempts in sent for attempt in attempts]

    return router


def new_code(world: World, kind: str, openid: str, phone: str | None = None) -> str:
    """A fresh login or phone code of a user, who is made if he is new."""
    code = "0" + secrets.token_hex(16)[1:]
    with world.store.transaction():
        people.know(world, openid)
        world.store.add("codes", code=code, kind=kind, openid=openid, phone=phone, made_at=world.clock.now())
    return code


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    return {
        name: iso(value) if name.endswith("at") and value is not None else value for name, value in dict(row).items()
    }
