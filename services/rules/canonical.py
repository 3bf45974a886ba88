"""One value, one spelling: the JSON that is hashed, signed and published."""

import json
from typing import Any

MOST = 2**53 - 1


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no spaces, in UTF-8. Holds only what every reader spells alike (a part of RFC 8785).

    Keys are ASCII and numbers whole, at most 2^53 - 1 either way. Raises ValueError on anything else.
    """
    _check(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _check(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise ValueError(f"a key must be ASCII text: {key!r}")
            _check(inner)
    elif isinstance(value, list):
        for inner in value:
            _check(inner)
    elif isinstance(value, int):
        if abs(value) > MOST:
            raise ValueError(f"a number lies beyond 2^53 - 1: {value}")
    elif not (value is None or isinstance(value, str)):
        raise ValueError(f"neither text, whole number, true, false, null, list nor object: {value!r}")
