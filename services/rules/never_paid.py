"""What the community fund never pays for: what the law forbids, and each community's own phrases on top.

A phrase says one thing in several words, `香烟/白酒/茅台`, or two things near each other in either order,
`志愿者/义工+工资/酬劳`. So it finds what is said openly and what is said another way; what is called something else
altogether the two approvers have to see.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations

from services.rules.plain import plain

NEAR = 8  # so many signs at most between two things that belong together


@dataclass(frozen=True)
class Forbidden:
    """One thing the law forbids to pay, the phrases by which it gives itself away, and its article."""

    zh: str
    en: str
    article: str
    phrases: tuple[str, ...]
    near: int = NEAR


FORBIDDEN = (
    Forbidden(
        "个人求助（疾病、治疗等）须通过民政部指定的平台",
        "Personal appeals, for an illness for instance, belong on the platforms the ministry has named",
        "慈善法第一百二十四条",
        (
            "个人求助/大病求助/大病救助/救命钱/水滴筹/轻松筹",
            "治病/看病/就医/住院/住院期间/手术/开刀/化疗/放疗/透析/医疗/医药/抢救/治疗/病房/药品+费/费用/款/钱/开支/账单/报销",
            "患者/病人/病患/重病/大病/绝症/癌症/白血病/尿毒症+救助/资助/筹款/筹钱/捐款/捐助",
        ),
        near=2,
    ),
    Forbidden(
        "志愿服务是无偿的，不支付报酬",
        "Volunteers are not paid",
        "志愿服务条例第二条、第三条",
        (
            "志愿者/志愿服务/志愿人员/义工/志愿队"
            "+工资/工钱/薪水/薪酬/薪资/酬金/酬劳/报酬/劳务费/劳务报酬/劳务补助/辛苦费/误工费/加班费/奖金/红包/提成/日薪/时薪",
        ),
    ),
    Forbidden(
        "捐赠出于自愿，不得摊派或变相摊派",
        "Giving is voluntary; nothing is apportioned, openly or in disguise",
        "慈善法第三十二条",
        (
            "摊派",
            "强制/强行/强迫/硬性/必须/代扣+捐款/募捐/捐钱/认捐/捐赠/善款",
            "按户/每户/各户/挨户/逐户/每家/家家+收取/收钱/收款/出钱/交钱/缴费/缴款/认捐/捐款指标",
        ),
        near=4,
    ),
)


@dataclass(frozen=True)
class Hit:
    """Why something is never paid: an article of law, or a phrase of the community's own; `word` as it was found."""

    zh: str
    en: str
    article: str | None
    word: str


def find(texts: Iterable[str], own: Iterable[str]) -> Hit | None:
    """The first thing in the texts that is never paid, the law's before the community's; None when there is none.

    Spaces, signs, case and width do not hide a word.
    """
    said = "\n".join(plain(text) for text in texts)
    for thing in FORBIDDEN:
        for phrase in thing.phrases:
            if word := _found(phrase, said, thing.near):
                return Hit(thing.zh, thing.en, thing.article, word)
    for phrase in own:
        if word := _found(phrase, said, NEAR):
            zh, en = f"本社区规定公益金不支付「{word}」", f"This community's fund never pays for “{word}”"
            return Hit(zh, en, None, word)
    return None


def _found(phrase: str, said: str, near: int) -> str | None:
    """What was said from the first to the last word of a phrase: `志愿者三人工资`."""
    parts = [_words(part) for part in unicodedata.normalize("NFKC", phrase).split("+")]
    if not all(parts):
        return None
    for order in permutations(parts) if len(parts) == 2 else [parts]:
        found = re.search(f".{{0,{near}}}".join(f"(?:{'|'.join(words)})" for words in order), said)
        if found:
            return found[0]
    return None


def _words(part: str) -> list[str]:
    return [re.escape(plain(word)) for word in part.split("/") if plain(word)]
