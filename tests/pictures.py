"""Pictures made by code, for tests: good ones, odd ones, and hostile ones."""

import functools
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from PIL import Image, ImageCms

SCRIPT = b"<script>alert(1)</script>"
CANARY = b"LINLI-CANARY-7391"


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """A picture as a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def plain(kind: str = "JPEG", *, size: tuple[int, int] = (640, 480), colour: str = "teal", **options: Any) -> bytes:
    """A file of one colour."""
    return encoded(Image.new("RGB", size, colour), kind, **options)


@functools.cache
def noise(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """Pixels that nothing compresses."""
    rng = random.Random(7)
    return Image.frombytes(mode, size, rng.randbytes(size[0] * size[1] * len(mode)))


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*, width: int, height: int, data: bytes, before: bytes = b"", depth: int = 8, colour: int = 2) -> bytes:
    """A PNG put together by hand: any size, any chunks before its pixels."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def segment(marker: int, data: bytes) -> bytes:
    """One segment of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def with_segments(raw: bytes, *segments: bytes) -> bytes:
    """The same JPEG with more segments after its first marker."""
    return raw[:2] + b"".join(segments) + raw[2:]


def exif(orientation: int = 1) -> bytes:
    """EXIF with an orientation, a GPS place and a canary."""
    data = Image.Exif()
    data[0x0112] = orientation
    data[0x010E] = CANARY.decode()
    data.get_ifd(0x8825).update({1: "N", 2: (30.0, 39.0, 30.0), 3: "E", 4: (104.0, 3.0, 50.0)})
    return data.tobytes()


def animated(kind: str) -> bytes:
    """Three frames, the first of them red."""
    frames = [Image.new("RGB", (120, 80), colour) for colour in ("red", "green", "blue")]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50, loop=0)


def jpeg_of_size(width: int, height: int) -> bytes:
    """A JPEG that says it is larger than it is."""
    raw = bytearray(plain(size=(16, 16)))
    at = raw.index(b"\xff\xc0")
    raw[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(raw)


def webp_of_size(width: int, height: int) -> bytes:
    """A WebP whose canvas is larger than its frame."""
    frame = plain("WEBP", size=(16, 16), lossless=True)[12:]
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\x00" * 4 + struct.pack("<I", width - 1)[:3]
    body = b"WEBP" + canvas + struct.pack("<I", height - 1)[:3] + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body


def zipped(inside: bytes = SCRIPT) -> bytes:
    """An archive, as in a JAR."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", inside)
    return out.getvalue()


def tiff_bomb() -> bytes:
    return b"II*\x00\x08\x00\x00\x00" + b"\x01\x00" + struct.pack("<HHII", 0x0100, 4, 1, 0x7FFFFFFF) + b"\x00" * 4


def many_scans(scans: int) -> bytes:
    """A progressive JPEG of 16 million pixels whose last scan is repeated: little to send, much to decode."""
    raw = encoded(Image.new("L", (4000, 4000), 99), "JPEG", progressive=True)
    at = raw.rindex(b"\xff\xda")
    return raw[:at] + raw[at:-2] * scans + raw[-2:]


CMYK = Image.new("CMYK", (64, 48), (10, 200, 30, 5))
SHALLOW = zlib.compress(b"\x00" * 40_000_000, 9)

# What is no picture, or not one that is developed.
REFUSED: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "one byte": lambda: b"\xff",
    "text": lambda: b"hello, neighbour",
    "html": lambda: b"<!doctype html>" + SCRIPT,
    "svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "svg with entities": lambda: b'<!DOCTYPE s [<!ENTITY a "aaaa">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
    "gif": lambda: plain("GIF"),
    "gif with an archive behind it": lambda: plain("GIF") + zipped(),
    "animated gif": lambda: animated("GIF"),
    "tiff": lambda: plain("TIFF"),
    "tiff bomb": tiff_bomb,
    "bmp": lambda: plain("BMP"),
    "ico": lambda: plain("ICO", size=(32, 32)),
    "psd header": lambda: b"8BPS\x00\x01" + b"\x00" * 6 + struct.pack(">HIIHH", 3, 30000, 30000, 8, 3),
    "pdf": lambda: plain("PDF"),
    "ppm": lambda: plain("PPM"),
    "avif": lambda: plain("AVIF"),
    "jpeg 2000": lambda: plain("JPEG2000"),
    "tga": lambda: plain("TGA"),
    "postscript": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
    "archive": lambda: zipped(),
    "elf": lambda: b"\x7fELF" + b"\x00" * 60,
    "noise of 10 MB": lambda: random.Random(1).randbytes(10 * 1024 * 1024),
    "jpeg marker and noise": lambda: b"\xff\xd8\xff\xe0" + random.Random(2).randbytes(100_000),
    "png signature and noise": lambda: b"\x89PNG\r\n\x1a\n" + random.Random(3).randbytes(100_000),
    "webp header and noise": lambda: b"RIFF\x00\x00\x01\x00WEBPVP8 " + random.Random(4).randbytes(65_000),
    "png without pixels": lambda: plain("PNG")[:33],
    "png of no width": lambda: png(width=0, height=9, data=zlib.compress(b"")),
    "png bomb by size": lambda: png(width=50_000, height=50_000, data=SHALLOW),
    "png one pixel over": lambda: png(width=24_000_001, height=1, data=zlib.compress(b"")),
    "png of the largest size": lambda: png(width=2**31 - 1, height=2**31 - 1, data=zlib.compress(b"")),
    "png with too little in it": lambda: png(width=4000, height=4000, data=zlib.compress(b"\x00" * 100)),
    "png with an impossible depth": lambda: png(width=9, height=9, data=zlib.compress(b"\x00" * 999), depth=7),
    "jpeg bomb by size": lambda: jpeg_of_size(65_500, 65_500),
    "jpeg of 30 MP": lambda: jpeg_of_size(6000, 5000),
    "webp bomb by size": lambda: webp_of_size(16_383, 16_383),
    "webp canvas of 2^24": lambda: webp_of_size(2**24, 2**24),
    "truncated jpeg, a tenth": lambda: _part(encoded(noise((300, 300))), 0.1),
    "truncated jpeg, a half": lambda: _part(encoded(noise((300, 300))), 0.5),
    "truncated jpeg, nine tenths": lambda: _part(encoded(noise((300, 300))), 0.9),
    "truncated png, a half": lambda: _part(encoded(noise((300, 300)), "PNG"), 0.5),
    "truncated png, nine tenths": lambda: _part(encoded(noise((300, 300)), "PNG"), 0.9),
    "truncated webp, a half": lambda: _part(encoded(noise((300, 300)), "WEBP"), 0.5),
    "a jpeg of ten thousand scans": lambda: many_scans(10_000),
}

# What is developed, and must come out clean.
TAKEN: dict[str, Callable[[], bytes]] = {
    "jpeg with an archive behind it": lambda: plain() + zipped(CANARY + SCRIPT),
    "jpeg with a page in its comment": lambda: plain(comment=CANARY + b"*/=1/*" + SCRIPT),
    "jpeg with a page in every segment": lambda: with_segments(
        plain(), *(segment(0xE0 + n, CANARY + SCRIPT) for n in range(1, 16))
    ),
    "jpeg with trailing bytes": lambda: plain() + CANARY * 1000,
    "jpeg with EXIF and a place": lambda: plain(exif=exif()),
    "jpeg with broken EXIF": lambda: with_segments(plain(), segment(0xE1, b"Exif\x00\x00" + CANARY * 50)),
    "jpeg with XMP": lambda: with_segments(plain(), segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00<x>" + CANARY)),
    "jpeg with a huge colour profile": lambda: plain(icc_profile=CANARY * 200_000),
    "jpeg with a real colour profile": lambda: plain(
        icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    ),
    "jpeg in CMYK": lambda: encoded(CMYK),
    "jpeg in grey": lambda: encoded(Image.new("L", (64, 48), 80)),
    "progressive jpeg": lambda: encoded(noise((400, 300)), progressive=True),
    "mpo of two pictures": lambda: encoded(
        Image.new("RGB", (64, 48), "red"), "MPO", save_all=True, append_images=[Image.new("RGB", (64, 48), "blue")]
    ),
    "png with a script in tEXt": lambda: _png_saying(b"tEXt", b"Comment\x00" + CANARY + SCRIPT),
    "png with a bomb in zTXt": lambda: _png_saying(b"zTXt", b"Comment\x00\x00" + zlib.compress(b"A" * 500_000, 9)),
    "png with a place in eXIf": lambda: _png_saying(b"eXIf", exif(6)[6:]),
    "png with trailing bytes": lambda: plain("PNG") + CANARY * 100,
    "png of 16 bits": lambda: png(
        width=8, height=8, depth=16, colour=0, data=zlib.compress(b"\x00".join([b"\x80\x00" * 8] * 8).rjust(136, b"\0"))
    ),
    "png with a palette that is seen through": lambda: encoded(Image.new("P", (32, 32), 1), "PNG", transparency=1),
    "png seen through": lambda: encoded(Image.new("RGBA", (32, 32), (255, 0, 0, 0)), "PNG"),
    "png of one bit": lambda: encoded(Image.new("1", (32, 32), 1), "PNG"),
    "animated png": lambda: animated("PNG"),
    "webp": lambda: plain("WEBP"),
    "webp seen through": lambda: encoded(Image.new("RGBA", (32, 32), (255, 0, 0, 0)), "WEBP", lossless=True),
    "webp with EXIF": lambda: plain("WEBP", exif=exif()),
    "animated webp": lambda: animated("WEBP"),
    "png one pixel wide": lambda: plain("PNG", size=(1, 20_000)),
    "one pixel": lambda: plain("PNG", size=(1, 1)),
    "png of 24 MP": lambda: plain("PNG", size=(6000, 4000)),
    "noisy png of 3 MP": lambda: encoded(noise((2000, 1500)), "PNG", compress_level=1),
    "png of 24 MP seen through": lambda: encoded(Image.new("RGBA", (6000, 4000), (255, 0, 0, 9)), "PNG"),
    "jpeg of 24 MP": lambda: plain(size=(6000, 4000)),
    "progressive jpeg of 24 MP": lambda: plain(size=(6000, 4000), progressive=True),
    "CMYK jpeg of 24 MP": lambda: encoded(Image.new("CMYK", (6000, 4000), (9, 99, 9, 9))),
    "webp of 24 MP": lambda: plain("WEBP", size=(6000, 4000), method=0),
}


def _part(raw: bytes, share: float) -> bytes:
    return raw[: int(len(raw) * share)]


def _png_saying(kind: bytes, data: bytes) -> bytes:
    raw = plain("PNG")
    return raw[:33] + chunk(kind, data) + raw[33:]


def leftovers(raw: bytes) -> Iterator[str]:
    """What a JPEG holds besides pixels and the tables to read them: metadata segments, and bytes after its end."""
    at = 2
    while raw[at] == 0xFF and raw[at + 1] != 0xDA:
        marker, length = raw[at + 1], int.from_bytes(raw[at + 2 : at + 4], "big")
        if marker == 0xFE or 0xE1 <= marker <= 0xEF:
            yield f"segment {marker:#x}"
        at += 2 + length
    if raw.index(b"\xff\xd9", at) != len(raw) - 2:
        yield "bytes after the end"
    if CANARY in raw or SCRIPT in raw:
        yield "something that was hidden in it"
