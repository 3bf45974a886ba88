"""What WeChat takes in the keywords of a message: each is named by its type and a number (thing1, time2, …).

Source: subscribeMessage.send, «订阅消息参数值内容限制说明». What is too long is cut; what has a form is only checked.
"""

import re

THING, NAME_CHINESE, NAME_LATIN, PHRASE, CHARACTER_STRING = 20, 10, 20, 5, 32
HAN = "\u3400-\u9fff"
CLOCK = r"([01]?[0-9]|2[0-3]):[0-5][0-9]"
DAY = r"[0-9]{4}年(1[0-2]|0?[1-9])月(3[01]|[12][0-9]|0?[1-9])日"
FORMS = {
    "number": re.compile(r"(?=.{1,32}$)[0-9]+(\.[0-9]+)?"),
    "amount": re.compile(r"[¥￥$€£]?[0-9]{1,10}(\.[0-9]{1,2})?元?"),
    "time": re.compile(rf"({DAY} )?{CLOCK}(~({DAY} )?{CLOCK})?"),
    "date": re.compile(rf"{DAY}( {CLOCK})?(~{DAY}( {CLOCK})?)?"),
    "phone_number": re.compile(r"\+?[0-9][0-9-]{4,15}"),
}


def fit(keyword: str, value: str) -> str:
    """`value` as the keyword takes it. Raises ValueError for a type we do not know and a form that does not fit."""
    kind = keyword.rstrip("0123456789")
    if kind in CUT:
        return CUT[kind](value)
    if kind in FORMS and FORMS[kind].fullmatch(value):
        return value
    raise ValueError(f"{keyword} does not take this value")


def _thing(value: str) -> str:
    return _cut(" ".join(value.split()), THING) or "无"


def _name(value: str) -> str:
    value = " ".join(value.split())
    return value[: NAME_LATIN if value.isascii() else NAME_CHINESE].rstrip() or "无"


def _phrase(value: str) -> str:
    return re.sub(f"[^{HAN}]", "", value)[:PHRASE] or "无"


def _character_string(value: str) -> str:
    return re.sub(r"[^!-~]", "", value)[:CHARACTER_STRING] or "-"


def _cut(value: str, most: int) -> str:
    return value if len(value) <= most else value[: most - 1] + "…"


CUT = {"thing": _thing, "name": _name, "phrase": _phrase, "character_string": _character_string}
