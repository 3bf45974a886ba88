"""Pictures over HTTP: uploaded, looked at, refused by name."""

import io
from typing import Any

import httpx
from PIL import Image

from tests.pictures import plain


async def upload(client: httpx.AsyncClient, raw: bytes, *, purpose: str | None = None, **headers: str) -> Any:
    """Send a file as `wx.uploadFile` does."""
    data = {"purpose": purpose} if purpose else {}
    return await client.post("/v1/media", files={"file": ("a.jpg", raw, "image/jpeg")}, data=data, headers=headers)


async def test_a_picture_is_uploaded_and_looked_at(as_: Any, anonymous: httpx.AsyncClient) -> None:
    lin = await as_("lin")
    reply = await upload(lin, plain(size=(3000, 1500)))
    assert reply.status_code == 201, reply.text
    told = reply.json()
    assert set(told) == {"id", "url", "thumb_url", "width", "height", "moderation"}
    assert (told["width"], told["height"], told["moderation"]) == (2048, 1024, "checking")
    for address, size in ((told["url"], (2048, 1024)), (told["thumb_url"], (400, 200))):
        served = await anonymous.get(address)
        assert served.status_code == 200
        assert served.headers["content-type"] == "image/jpeg"
        assert served.headers["x-content-type-options"] == "nosniff"
        assert served.headers["content-disposition"] == "inline"
        assert "max-age" in served.headers["cache-control"]
        assert Image.open(io.BytesIO(served.content)).size == size
    assert (await lin.get(f"/v1/media/{told['id']}")).json()["id"] == told["id"]
    mei = await as_("mei")
    assert (await mei.get(f"/v1/media/{told['id']}")).status_code == 404
