"""Reads a QR code of the smallest size (version 1) out of a picture, by ISO/IEC 18004, without what drew it."""

from PIL import Image, ImageOps

SIDE = 21
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
MASKS = (
    lambda y, x: (y + x) % 2,
    lambda y, x: y % 2,
    lambda y, x: x % 3,
    lambda y, x: (y + x) % 3,
    lambda y, x: (y // 2 + x // 3) % 2,
    lambda y, x: y * x % 2 + y * x % 3,
    lambda y, x: (y * x % 2 + y * x % 3) % 2,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2,
)


def read_qr(picture: Image.Image) -> str:
    """What the only code in a picture says, in capitals and digits."""
    grey = picture.convert("L")
    code = grey.crop(ImageOps.invert(grey).getbbox()).resize((SIDE, SIDE), Image.Resampling.BOX)
    dark = [[code.getpixel((x, y)) < 128 for x in range(SIDE)] for y in range(SIDE)]  # type: ignore[operator]
    mask = MASKS[int("".join(str(int(dark[8][x])) for x in (2, 3, 4)), 2) ^ 0b101]
    bits = "".join(str(int(dark[y][x] ^ (mask(y, x) == 0))) for y, x in _path())
    if bits.startswith("0001"):
        return _digits(bits[14:], int(bits[4:14], 2))
    assert bits.startswith("0010"), "neither digits nor capitals"
    return _capitals(bits[13:], int(bits[4:13], 2))


def _path() -> list[tuple[int, int]]:
    """The modules that hold data, from below right in columns of two, up and down in turn."""
    columns = [x for x in range(SIDE - 1, 0, -2) if x > 6] + [5, 3, 1]
    ways = [range(SIDE - 1, -1, -1) if n % 2 == 0 else range(SIDE) for n in range(len(columns))]
    return [
        (y, x)
        for right, way in zip(columns, ways, strict=True)
        for y in way
        for x in (right, right - 1)
        if 6 not in (y, x) and not (y < 9 and (x < 9 or x >= SIDE - 8)) and not (y >= SIDE - 8 and x < 9)
    ]


def _digits(bits: str, count: int) -> str:
    said = ""
    while len(said) < count:
        many = min(3, count - len(said))
        wide = 3 * many + 1
        said, bits = f"{said}{int(bits[:wide], 2):0{many}}", bits[wide:]
    return said


def _capitals(bits: str, count: int) -> str:
    said = ""
    while len(said) < count:
        many = min(2, count - len(said))
        wide = 11 if many == 2 else 6
        high, low = divmod(int(bits[:wide], 2), len(ALPHABET))
        said, bits = said + (ALPHABET[high] if many == 2 else "") + ALPHABET[low], bits[wide:]
    return said
