"""What the community fund never pays for: what the law forbids, and each community's own words on top.

Words find what is said openly; what is called something else the two approvers have to see.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from services.rules.plain import plain


@dataclass(frozen=True)
class Forbidden:
    """One thing the law forbids to pay, the words by which it gives itself away, and its article."""

    zh: str
    en: str
    article: str
    words: tuple[str, ...]


FORBIDDEN = (
    Forbidden(
        "个人求助（疾病、治疗等）须通过民政部指定的平台",
        "Personal appeals, for an illness for instance, belong on the platforms the ministry has named",
        "慈善法第一百二十四条",
        ("个人求助", "大病求助", "大病救助", "治病款", "医药费", "住院费", "手术费"),
    ),
    Forbidden(
        "志愿服务是无偿的，不支付报酬",
        "Volunteers are not paid",
        "志愿服务条例第二条、第三条",
        ("志愿者工资", "志愿者报酬", "志愿者酬劳", "志愿者劳务费", "志愿服务报酬", "志愿者奖金"),
    ),
    Forbidden(
        "捐赠出于自愿，不得摊派或变相摊派",
        "Giving is voluntary; nothing is apportioned, openly or in disguise",
        "慈善法第三十二条",
        ("摊派", "强制捐款", "强制募捐"),
    ),
)


@dataclass(frozen=True)
class Hit:
    """Why something is never paid: an article of law, or a word of the community's own."""

    zh: str
    en: str
    article: str | None
    word: str


def find(texts: Iterable[str], own: Iterable[str]) -> Hit | None:
    """The first thing in the texts that is never paid, the law's before the community's; None when there is none.

    Spaces, signs, case and width do not hide a word.
    """
    said = " ".join(plain(text) for text in texts)
    for thing in FORBIDDEN:
        for word in thing.words:
            if plain(word) in said:
                return Hit(thing.zh, thing.en, thing.article, word)
    for word in own:
        if plain(word) and plain(word) in said:
            zh, en = f"本社区规定公益金不支付「{word}」", f"This community's fund never pays for “{word}”"
            return Hit(zh, en, None, word)
    return None
