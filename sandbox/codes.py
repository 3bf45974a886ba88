"""Mini-program codes: a QR code of the page and the scene does for the round one of the platform."""

import io
import re

import segno
from PIL import Image

from sandbox.door import Call, Picture
from sandbox.links import environment, keep
from sandbox.refusal import WeixinError
from sandbox.world import World

SCENE = r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]+"
PAGE = r"(?!/)[0-9A-Za-z_\-./]{1,128}"
PATH_LONGEST = 1024
WIDTHS = range(280, 1281)
RESERVED = "scancode_time"


def unlimited(world: World, call: Call) -> Picture:
    """POST /wxa/getwxacodeunlimit: a code with a scene of at most 32 characters, as many as one likes."""
    body = call.body
    scene, page = body.get("scene"), body.get("page") or ""
    if not isinstance(scene, str) or not 1 <= len(scene) <= 32:
        raise WeixinError(40169, "invalid length for scene, or the data is not json string")
    if not re.fullmatch(SCENE, scene):
        raise WeixinError(40129, "invalid scene")
    if not isinstance(page, str) or (page and not re.fullmatch(PAGE, page)):
        raise WeixinError(41030, "invalid page")
    if RESERVED in scene or RESERVED in page:
        raise WeixinError(85096, "scancode_time is reserved")
    picture = _draw(call, f"{page}?scene={scene}")
    keep(world, "code", page, f"scene={scene}", environment(body), None, None)
    return picture


def of_path(world: World, call: Call) -> Picture:
    """POST /wxa/getwxacode and /cgi-bin/wxaapp/createwxaqrcode: a code of a path with its query, 100,000 in all."""
    path = call.body.get("path")
    if not isinstance(path, str) or not re.fullmatch(rf"(?!/){SCENE}", path) or len(path) > PATH_LONGEST:
        raise WeixinError(40159, "invalid length for path, or the data is not json string")
    picture = _draw(call, path)
    page, _, query = path.partition("?")
    keep(world, "code", page, query, environment(call.body), None, None)
    return picture


def _draw(call: Call, content: str) -> Picture:
    width = call.body.get("width", 430)
    if type(width) is not int or width not in WIDTHS:
        raise WeixinError(40097, "invalid args: width")
    clear = call.body.get("is_hyaline") is True
    code = segno.make(content, error="m", micro=False)
    drawn = io.BytesIO()
    code.save(drawn, kind="png", scale=max(1, width // code.symbol_size()[0]), dark=_ink(call), light="#fff")
    picture = Image.open(drawn).convert("RGB").resize((width, width), Image.Resampling.NEAREST)
    if clear:
        picture.putalpha(Image.eval(picture.convert("L"), lambda light: 255 - light))
    saved = io.BytesIO()
    picture.save(saved, "PNG" if clear else "JPEG")
    return Picture(saved.getvalue(), "image/png" if clear else "image/jpeg")


def _ink(call: Call) -> str:
    color = call.body.get("line_color")
    if call.body.get("auto_color") is True or not isinstance(color, dict):
        return "#000"
    parts = [color.get(name) for name in "rgb"]
    if not all(str(part).isdecimal() and int(str(part)) <= 255 for part in parts):
        raise WeixinError(40097, "invalid args: line_color")
    return "#" + "".join(f"{int(str(part)):02x}" for part in parts)
