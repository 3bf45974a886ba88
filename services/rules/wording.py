"""A result in words that a resident can read: the figures, what the rule asks for, and the article it stands in."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.rules.quorum import PRESETS, Threshold, Weight


@dataclass(frozen=True)
class Line:
    """One candidate with the votes it received, and whether it carried (None: nothing binds)."""

    zh: str
    en: str
    votes: int
    passed: bool | None


def explain(
    rule: str, lines: Sequence[Line], *, present: Weight, roll: Weight, quorate: bool, passed: bool | None, unit: str
) -> tuple[str, str]:
    """The result in Chinese and in English. `unit` is `residents` or `households`; heads only."""
    preset, heads = PRESETS[rule], present.heads
    zh_unit = {"residents": "人", "households": "户"}[unit]
    zh = [f"名册共 {roll.heads} {zh_unit}，{heads} {zh_unit}参加表决。"]
    en = [f"{heads} of the {roll.heads} {unit} on the roll took part."]
    if preset.quorum is not None:
        said = _zh(preset.quorum), _en(preset.quorum)
        zh.append(f"{preset.article_zh}要求{said[0]}参加，{'已达到' if quorate else '未达到'}法定人数。")
        en.append(f"{preset.article_en} asks for {said[1]}: the quorum was {'met' if quorate else 'not met'}.")
    zh.append("；".join(f"{line.zh} {line.votes} 票" for line in lines) + "。")
    en.append("; ".join(f"{line.en}: {line.votes}" for line in lines) + ".")
    if not quorate:
        zh.append("本次表决不产生决议。")
        en.append("No resolution comes of this vote.")
    elif preset.majority is None:
        zh.append(f"依照{preset.article_zh}，本次为民主协商，结果供参考，不具有约束力。")
        en.append(f"This was a consultation ({preset.article_en}): it informs and binds nobody.")
    else:
        said = _zh(preset.majority), _en(preset.majority)
        carried = [line for line in lines if line.passed]
        zh.append(f"须有参加表决者的{said[0]}赞成，")
        en.append(f"To pass, {said[1]} of those taking part must be in favour.")
        if passed:
            zh.append("、".join(line.zh for line in carried) + f"达到要求（{_shares(carried, heads)}），通过。")
            en.append(f"Passed: {', '.join(line.en for line in carried)} ({_shares(carried, heads)}).")
        else:
            zh.append("未达到，未通过。")
            en.append("This was not reached: not passed.")
    return "".join(zh), " ".join(en)


def _shares(lines: Sequence[Line], heads: int) -> str:
    return ", ".join(f"{line.votes}/{heads}" for line in lines)


def _zh(threshold: Threshold) -> str:
    if threshold.more_than:
        assert (threshold.numerator, threshold.denominator) == (1, 2)
        return "过半数"
    return {3: "三分之二以上", 4: "四分之三以上"}[threshold.denominator]


def _en(threshold: Threshold) -> str:
    return f"{'more than' if threshold.more_than else 'at least'} {threshold.numerator}/{threshold.denominator}"
