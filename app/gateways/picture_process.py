"""The process in which one hostile file is decoded: bytes on stdin, a frame on stdout, and nothing else within reach.

Run by file name in Python's isolated mode; it imports only the standard library and Pillow. The frame is one JSON
line, `{"error": word}` or `{"width", "height", "full", "thumb", "peak_kib"}` (the last three in bytes and KiB), then
both JPEGs.
"""

import io
import json
import resource
import sys
from collections.abc import Mapping

from PIL import Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

MEMORY_MAX = 1024 * 1024 * 1024
CPU_S = 5
PIXELS_MAX = 24_000_000
FULL_PX, THUMB_PX = 2048, 400
QUALITY = 85
ORIENTATION = 0x0112
LANCZOS = Image.Resampling.LANCZOS
DECODERS = (JpegImagePlugin, PngImagePlugin, WebPImagePlugin)  # imported before the limits hold


def main() -> None:
    """Develop what comes in on stdin."""
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_AS, MEMORY_MAX),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(what, (most, most))
    try:
        width, height, full, thumb = develop(sys.stdin.buffer.read())
    except Refused as exc:
        return tell({"error": str(exc)})
    except MemoryError:
        return tell({"error": "too_costly"})
    except Exception:  # whatever a decoder says of a broken file
        return tell({"error": "not_a_picture"})
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    head = {"width": width, "height": height, "full": len(full), "thumb": len(thumb), "peak_kib": peak_kib}
    return tell(head, full + thumb)


class Refused(Exception):
    """A file that is not developed, and why."""


def develop(raw: bytes) -> tuple[int, int, bytes, bytes]:
    """Width, height, the picture and its thumbnail: new JPEGs of the first frame's pixels alone."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    Image.MAX_IMAGE_PIXELS = None  # the bound below is ours
    with Image.open(io.BytesIO(raw), formats=("JPEG", "PNG", "WEBP")) as image:
        if image.width * image.height > PIXELS_MAX:
            raise Refused("too_many_pixels")
        turned = orientation(image)
        image.draft("RGB", (FULL_PX, FULL_PX))
        image.load()
        small = fitted(plain(image), FULL_PX)
    if turned in TURNS:
        small = small.transpose(TURNS[turned])
    canvas = Image.new("RGB", small.size, "white")
    canvas.paste(small, mask=small.getchannel("A") if small.mode == "RGBA" else None)
    return canvas.width, canvas.height, jpeg(canvas), jpeg(fitted(canvas, THUMB_PX))


# What an EXIF orientation asks for.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(image: Image.Image) -> int:
    """How the camera was held; 1 when the file does not say so readably."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:
        return 1


def plain(image: Image.Image) -> Image.Image:
    """The same pixels as RGB, or RGBA where something shows through."""
    if image.mode.startswith("I"):  # 16 bits of grey
        return image.convert("I").point(lambda grey: grey * (1 / 256)).convert("L").convert("RGB")
    see_through = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    mode = "RGBA" if see_through else "RGB"
    return image if image.mode == mode and "transparency" not in image.info else image.convert(mode)


def fitted(image: Image.Image, most_px: int) -> Image.Image:
    """The picture within a square of so many pixels, never enlarged."""
    longest = max(image.size)
    if longest <= most_px:
        return image
    width, height = (max(1, round(side * most_px / longest)) for side in image.size)
    return image.resize((width, height), resample=LANCZOS, reducing_gap=3.0)


def jpeg(image: Image.Image) -> bytes:
    """The pixels as a JPEG and nothing beside them."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def tell(head: Mapping[str, object], body: bytes = b"") -> None:
    """Write the frame."""
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + body)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
