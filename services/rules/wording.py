"""A result in words that a resident can read: the figures, what the rule asks for, and the article it stands in."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.rules.quorum import PRESETS, AnyRule, Preset, Threshold, Weight, preset_of

UNITS = {"residents": "人", "households": "户", "representatives": "名代表", "owners": "名业主"}
NUMERALS = "零一二三四五六七八九十"
Said = tuple[str, str]
"""The same in Chinese and in English."""


@dataclass(frozen=True)
class Line:
    """One candidate with the votes it received, and whether it carried (None: nothing binds)."""

    zh: str
    en: str
    votes: int
    passed: bool | None
    area_cm2: int = 0


def explain(
    rule: AnyRule,
    lines: Sequence[Line],
    *,
    present: Weight,
    roll: Weight,
    quorate: bool,
    passed: bool | None,
    unit: str,
    recognised: bool = False,
    how: Said | None = None,
) -> Said:
    """The result in Chinese and in English. `unit` is of what the roll is made.

    `how`: how it was counted, where the votes of each line do not say it all (ranked, score, budget).
    `recognised`: whether the place holds owners' votes as the statutory ballot.
    """
    preset = preset_of(rule)
    said = [_turnout(preset, present, roll, unit)]
    if preset.quorum is not None:
        said.append(_quorum(preset, preset.quorum, quorate))
    said.append(how or _votes(preset, lines))
    if not quorate:
        said.append(("本次表决不产生决议。", "No resolution comes of this vote."))
    elif preset.majority is None:
        said.append(
            (
                f"依照{preset.article_zh}，本次为民主协商，结果供参考，不具有约束力。",
                f"This was a consultation ({preset.article_en}): it informs and binds nobody.",
            )
        )
    elif passed is None:
        said.append(
            (
                f"这种表决只排序或选出项目，不表明过半数赞成；依照{preset.article_zh}，结果供会议决定时参考。",
                "Such a vote orders and chooses; it does not say that a majority is in favour. "
                f"Under {preset.article_en} it advises the meeting that decides.",
            )
        )
    else:
        said.append(_majority(preset, preset.majority, lines, present, passed))
    if preset.by_area and not recognised:
        said.append(
            ("本次为意见征询，不是法定的业主表决。", "This was a consultation, not the statutory ballot of owners.")
        )
    return "".join(zh for zh, _ in said), " ".join(en for _, en in said)


def yuan(amount_fen: int) -> str:
    """Money as people write it: 123450 fen is 1,234.50, 100000 is 1,000."""
    whole, fen = divmod(amount_fen, 100)
    return f"{whole:,}.{fen:02}" if fen else f"{whole:,}"


def square_metres(area_cm2: int) -> str:
    """Area exactly: 885000 cm² is 88.5."""
    whole, rest = divmod(area_cm2, 10_000)
    return f"{whole:,}.{rest:04}".rstrip("0") if rest else f"{whole:,}"


def _turnout(preset: Preset, present: Weight, roll: Weight, unit: str) -> Said:
    zh_unit = UNITS[unit]
    zh = f"名册共 {roll.heads} {zh_unit}，{present.heads} {zh_unit}参加表决"
    en = f"{present.heads} of the {roll.heads} {unit} on the roll took part"
    if preset.by_area:
        part, whole = square_metres(present.area_cm2), square_metres(roll.area_cm2)
        zh += f"，其专有部分面积 {part} 平方米（名册共 {whole} 平方米）"
        en += f", with {part} of its {whole} m² of exclusive area"
    return zh + "。", en + "."


def _quorum(preset: Preset, threshold: Threshold, quorate: bool) -> Said:
    zh, en = _of(preset, threshold, "", "")
    by_law = any(law.article_zh == preset.article_zh and law.quorum == threshold for law in PRESETS.values())
    zh_source = preset.article_zh if by_law else "本地的表决规则"
    return (
        f"{zh_source}要求{zh}参加，{'已达到' if quorate else '未达到'}法定人数。",
        f"{preset.article_en if by_law else 'The rule of this place'} asks for {en}: "
        f"the quorum was {'met' if quorate else 'not met'}.",
    )


def _votes(preset: Preset, lines: Sequence[Line]) -> Said:
    if preset.by_area:
        return (
            "；".join(f"{line.zh} {line.votes} 票、{square_metres(line.area_cm2)} 平方米" for line in lines) + "。",
            _sentence("; ".join(f"{line.en}: {line.votes}, {square_metres(line.area_cm2)} m²" for line in lines)),
        )
    return (
        "；".join(f"{line.zh} {line.votes} 票" for line in lines) + "。",
        _sentence("; ".join(f"{line.en}: {line.votes}" for line in lines)),
    )


def _majority(preset: Preset, threshold: Threshold, lines: Sequence[Line], present: Weight, passed: bool) -> Said:
    zh, en = _of(preset, threshold, "参加表决者的", " of those taking part")
    about = [line for line in lines if line.passed is passed]
    shares = ", ".join(_share(preset, line, present) for line in about)
    zh_names, en_names = "、".join(line.zh for line in about), ", ".join(line.en for line in about)
    zh, en = f"须有{zh}赞成，", f"To pass, {en} must be in favour."
    if passed and not about:
        return f"{zh}已达到，通过。", f"{en} This was reached: passed."
    if passed:
        return f"{zh}{zh_names}达到要求（{shares}），通过。", f"{en} Passed: {en_names} ({shares})."
    if not about:
        return f"{zh}未达到，未通过。", f"{en} This was not reached: not passed."
    return f"{zh}{zh_names}未达到（{shares}），未通过。", f"{en} Not passed: {en_names} ({shares})."


def _sentence(en: str) -> str:
    return en[:1].upper() + en[1:] + "."


def _of(preset: Preset, threshold: Threshold, zh_whole: str, en_whole: str) -> Said:
    """The threshold of heads, or of area and of heads, with what it is a share of."""
    zh, en = _zh(threshold), _en(threshold)
    if preset.by_area:
        return f"{zh_whole}专有部分面积{zh}且人数{zh}", f"{en} of the area and {en} of the heads{en_whole}"
    return zh_whole + zh, en + en_whole


def _share(preset: Preset, line: Line, present: Weight) -> str:
    heads = f"{line.votes}/{present.heads}"
    if not preset.by_area:
        return heads
    return f"{heads}, {square_metres(line.area_cm2)}/{square_metres(present.area_cm2)} m²"


def _zh(threshold: Threshold) -> str:
    """以上 includes the number itself, 过 and 超过 do not (民法典 1259)."""
    if (threshold.numerator, threshold.denominator, threshold.more_than) == (1, 2, True):
        return "过半数"
    if threshold.numerator == threshold.denominator:
        return "全体"
    share = f"{_numeral(threshold.denominator)}分之{_numeral(threshold.numerator)}"
    return f"超过{share}" if threshold.more_than else f"{share}以上"


def _numeral(number: int) -> str:
    return NUMERALS[number] if number < len(NUMERALS) else str(number)


def _en(threshold: Threshold) -> str:
    if threshold.numerator == threshold.denominator:
        return "all"
    return f"{'more than' if threshold.more_than else 'at least'} {threshold.numerator}/{threshold.denominator}"
