"""The control room's half for the mini-program: what its users do on their telephones, and what its console sets."""

import json
import secrets
import sqlite3
from typing import Any, Literal, Self

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field, model_validator

from sandbox import checks, messages, people, user_data
from sandbox.clock import iso
from sandbox.world import World

PHONE = r"^\d{5,15}$"
Decision = Literal["accept", "reject", "ban", "filter"]


class Someone(BaseModel):
    openid: str = Field(min_length=1, max_length=128)


class User(Someone):
    """Without a union id the mini-program is not bound to an open platform account."""

    unionid: str | None = None
    phone: str | None = Field(None, pattern=PHONE)


class Phone(Someone):
    """Without a telephone number it is the user's own."""

    phone: str | None = Field(None, pattern=PHONE)


class UserData(Someone):
    data: dict[str, Any] = Field(default_factory=dict)


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


def routes(world: World) -> APIRouter:
    """The endpoints."""
    router = APIRouter(prefix="/_sandbox")
    store = world.store

    @router.post("/users")
    async def users(asked: User) -> User:
        """Make a user, or change one."""
        with store.transaction():
            people.know(world, asked.openid)
            store.run("UPDATE users SET unionid = ? WHERE openid = ?", asked.unionid or "", asked.openid)
            if asked.phone:
                store.run("INSERT OR REPLACE INTO telephones VALUES (?, ?)", asked.openid, asked.phone)
        return asked

    @router.post("/login-code")
    async def login_code(asked: Someone) -> dict[str, str]:
        """What wx.login gives; a new openid becomes a user."""
        return {"code": new_code(world, "login", asked.openid)}

    @router.post("/phone-code")
    async def phone_code(asked: Phone) -> dict[str, str]:
        """What the getPhoneNumber button gives."""
        own = store.one("SELECT phone FROM telephones WHERE openid = ?", asked.openid)
        phone = asked.phone or (own and own["phone"])
        if not phone:
            raise HTTPException(400, "this user has no telephone number")
        return {"code": new_code(world, "phone", asked.openid, phone)}

    @router.post("/encrypted-data")
    async def encrypted_data(asked: UserData) -> dict[str, str]:
        """What wx.getUserInfo gives: data signed and encrypted with the user's session key."""
        user = store.one("SELECT * FROM users WHERE openid = ?", asked.openid)
        if user is None or not user["session_key"]:
            raise HTTPException(409, "this user has not logged in")
        known = {"openId": asked.openid} | ({"unionId": user["unionid"]} if user["unionid"] else {})
        return user_data.handed_over(user["session_key"], world.keys.ids.appid, known | asked.data, world.clock.now())

    @router.post("/apps")
    async def another_app() -> dict[str, str]:
        """Somebody else's mini-program: its tokens are good, but not for our users."""
        app = {"appid": "wxSANDBOX" + secrets.token_hex(5)[:9], "secret": secrets.token_hex(16)}
        store.add("apps", **app)
        return app

    @router.delete("/tokens", status_code=204)
    async def end_tokens() -> None:
        """End every access token, as another system with our secret may."""
        store.run("UPDATE access_tokens SET dies_at = ?", world.clock.now())

    @router.post("/active", status_code=204)
    async def active(asked: Someone) -> None:
        """Open the mini-program: texts may be checked in this user's name from now on."""
        with store.transaction():
            people.know(world, asked.openid)
            people.be_active(world, asked.openid)

    @router.post("/inactive", status_code=204)
    async def inactive(asked: Someone) -> None:
        """Close the mini-program for more than two hours: nothing may be checked in this user's name."""
        people.leave(world, asked.openid)

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
        return [{**plain(row), "body": json.loads(row["body"])} for row in rows]

    @router.post("/picture-verdict", status_code=204)
    async def picture_verdict(asked: PictureVerdict) -> None:
        """Decide about the next picture (and so on, one by one); with an errcode its check fails."""
        store.add("verdicts", **asked.model_dump())

    @router.get("/links")
    async def links() -> list[dict[str, Any]]:
        """The codes and links that were made."""
        return [plain(row) for row in store.all("SELECT * FROM links ORDER BY id")]

    return router


def new_code(world: World, kind: str, openid: str, phone: str | None = None) -> str:
    """A fresh login or phone code of a user, who is made if he is new."""
    code = "0" + secrets.token_hex(16)[1:]
    with world.store.transaction():
        people.know(world, openid)
        world.store.add("codes", code=code, kind=kind, openid=openid, phone=phone, made_at=world.clock.now())
    return code


def plain(row: sqlite3.Row) -> dict[str, Any]:
    """A row with its moments written out."""
    return {
        name: iso(value) if name.endswith("at") and value is not None else value for name, value in dict(row).items()
    }
