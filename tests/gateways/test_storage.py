"""Where pictures are kept: a folder, and a store that speaks S3, played here by a small server."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from app.core.errors import Unavailable
from app.core.settings import Settings
from app.gateways.storage import Storage, open_storage

pytestmark = pytest.mark.no_database


class Bucket:
    """Keeps what is PUT and answers GET, HEAD and DELETE; every request must be signed."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, str]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        signed = "AWS4-HMAC-SHA256" in headers.get("authorization", "") or b"X-Amz-Signature" in scope["query_string"]
        body = b""
        while (message := await receive()).get("more_body") or message.get("body"):
            body += message["body"]
            if not message.get("more_body"):
                break
        status, data, kind = 403, b"", "application/xml"
        if signed and scope["method"] == "PUT":
            self.kept[scope["path"]] = (body, headers.get("content-type", ""))
            status = 200
        elif signed and scope["method"] == "DELETE":
            self.kept.pop(scope["path"], None)
            status = 204
        elif signed:
            status = 200 if scope["path"] in self.kept else 404
            data, kind = self.kept.get(scope["path"], (b"", kind))
        told = [
            (b"content-length", str(len(data)).encode()),
            (b"content-type", kind.encode()),
            (b"etag", b'"e"'),
            (b"last-modified", b"Mon, 23 Nov 2026 02:00:00 GMT"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data})


@pytest.fixture
async def bucket() -> AsyncIterator[tuple[Bucket, str]]:
    """A bucket and the address of its server."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    bucket = Bucket()
    server = uvicorn.Server(uvicorn.Config(bucket, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield bucket, f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await serving


def s3(endpoint: str) -> Storage:
    return open_storage(
        Settings(
            _env_file=None,
            media_store="s3://linli/town",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            aws_region="cn-north-1",
            aws_endpoint=endpoint,
        )
    )


async def walk(storage: Storage) -> None:
    """What every store does."""
    assert not await storage.exists("pictures/ab/one.jpg")
    assert await storage.get("pictures/ab/one.jpg") is None
    await storage.put("pictures/ab/one.jpg", b"one")
    await storage.put("pictures/ab/one.jpg", b"two")
    assert await storage.exists("pictures/ab/one.jpg")
    assert await storage.get("pictures/ab/one.jpg") == b"two"


async def test_a_folder_keeps_pictures(tmp_path: Path) -> None:
    storage = open_storage(Settings(_env_file=None, media_store=f"file://{tmp_path}/deep/media"))
    await walk(storage)
    assert (tmp_path / "deep/media/pictures/ab/one.jpg").read_bytes() == b"two"
    assert await storage.signed_url("pictures/ab/one.jpg", seconds=60) is None
    for _ in range(2):
        await storage.delete("pictures/ab/one.jpg")
    assert not await storage.exists("pictures/ab/one.jpg")


async def test_unless_told_otherwise_it_is_a_folder_of_linli_data(tmp_path: Path) -> None:
    await walk(open_storage(Settings(_env_file=None, linli_data=tmp_path)))
    assert (tmp_path / "media/pictures/ab/one.jpg").exists()


async def test_an_s3_store_keeps_pictures(bucket: tuple[Bucket, str]) -> None:
    kept, endpoint = bucket
    storage = s3(endpoint)
    await walk(storage)
    assert kept.kept == {"/linli/town/pictures/ab/one.jpg": (b"two", "image/jpeg")}
    url = await storage.signed_url("pictures/ab/one.jpg", seconds=60)
    assert url is not None
    async with httpx.AsyncClient(trust_env=False) as anybody:
        assert (await anybody.get(url)).content == b"two"
        assert (await anybody.get(url.partition("?")[0])).status_code == 403
    for _ in range(2):
        await storage.delete("pictures/ab/one.jpg")
    assert kept.kept == {}


async def test_an_s3_store_is_told_what_kind_of_picture_it_keeps(bucket: tuple[Bucket, str]) -> None:
    kept, endpoint = bucket
    await s3(endpoint).put("posters/need/1.zh.png", b"drawn")
    assert kept.kept == {"/linli/town/posters/need/1.zh.png": (b"drawn", "image/png")}


async def test_a_store_that_is_away_is_unavailable() -> None:
    storage = s3("http://127.0.0.1:9")
    with pytest.raises(Unavailable):
        await storage.put("pictures/ab/one.jpg", b"one")
    with pytest.raises(Unavailable):
        await storage.get("pictures/ab/one.jpg")


def test_a_store_is_a_folder_or_a_bucket() -> None:
    for wrong in ("media", "file://", "http://store.example/media", "s3://"):
        with pytest.raises(ValueError, match="media_store"):
            Settings(_env_file=None, media_store=wrong)
