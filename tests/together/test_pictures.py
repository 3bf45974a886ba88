"""Pictures from the upload to the verdict, by a WeChat that fetches them and tells a worker what it saw."""

import secrets
from typing import Any

import pytest

from app.core import db
from models.pushes import Push
from tests.pictures import plain
from tests.routers.test_media import upload
from tests.together.conftest import Town, until, working


async def checked(town: Town, who: str = "lin", ends: str = "passed") -> int:
    """Upload a picture nobody has seen yet, and wait for the end of its check."""
    client = await town.as_(who)
    made = await upload(client, plain(colour=f"#{secrets.token_hex(3)}"))
    assert made.status_code == 201, made.text
    assert made.json()["moderation"] == "checking"
    where = f"/v1/media/{made.json()['id']}"

    async def ended() -> bool:
        return (await client.get(where)).json()["moderation"] == ends

    await until(ended)
    return int(made.json()["id"])


async def at_wechat(town: Town, who: str = "lin") -> None:
    """Somebody has the mini-program before him, and WeChat knows where to push."""
    await town.as_(who)
    await town.pushes_here()


async def test_each_verdict_finds_its_picture(town: Town) -> None:
    await at_wechat(town)
    async with working(town):
        await checked(town)
        await town.sandbox("picture-verdict", suggest="review", label=21000)
        await checked(town, ends="queued")
        await town.sandbox("picture-verdict", errcode=43104)
        await checked(town, ends="queued")
        await town.sandbox("picture-verdict", suggest="risky", label=20002)
        hidden = await checked(town, ends="hidden")

        async def told() -> bool:
            inbox = (await (await town.as_("lin")).get("/v1/me/inbox")).json()["items"]
            return any((line["kind"], line["subject"]) == ("media.hidden", f"media:{hidden}") for line in inbox)

        await until(told)
        await town.as_("mei")
        await town.sandbox("inactive", openid="mei")  # so WeChat will not judge in her name
        await checked(town, "mei", ends="queued")


@pytest.mark.parametrize(
    "trouble",
    [
        {"push": "before_reply"},
        {"push": "duplicate"},
        {"push": "xml"},
        {"push": "replay"},
        {"path": "/wxa/media_check_async", "drop": True, "effect": "after", "count": 1},
        {"path": "/wxa/media_check_async", "status": 200, "body": "<html>", "effect": "after", "count": 1},
        {"path": "/wxa/media_check_async", "change": {"errcode": -1}, "count": 1},
        {"path": "/wxa/media_check_async", "errcode": 40001, "count": 1},
    ],
    ids=lambda trouble: "-".join(map(str, trouble.values())),
)
async def test_trouble_on_the_way_only_costs_time(town: Town, trouble: dict[str, Any]) -> None:
    await at_wechat(town)
    await town.sandbox("faults", **trouble)
    async with working(town):
        media_id = await checked(town)
    settled = "SELECT count(*) FROM events WHERE subject_kind = 'media' AND subject_id = $1"
    assert await db.value(settled, media_id) == 1
    assert await Push.filter(due_at=None).count() == 1
