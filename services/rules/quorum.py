"""When a vote counts and when it carries: named presets over integers, each with its article of law."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Generic, TypeVar

C = TypeVar("C", bound=Hashable)


@dataclass(frozen=True)
class Weight:
    """How much stands behind something: heads (people or households) and their exclusive area in cm²."""

    heads: int
    area_cm2: int = 0

    def __add__(self, other: "Weight") -> "Weight":
        return Weight(self.heads + other.heads, self.area_cm2 + other.area_cm2)


class TooLow(ValueError):
    """A place may ask for more than a preset does, never for less, and never for more than all."""


@dataclass(frozen=True)
class Threshold:
    """`more than` or `at least` so many of a whole."""

    numerator: int
    denominator: int
    more_than: bool

    @property
    def strictness(self) -> tuple[Fraction, bool]:
        """Of two thresholds the stricter compares as the greater."""
        return Fraction(self.numerator, self.denominator), self.more_than

    def is_reached(self, part: int, whole: int) -> bool:
        """Compare exactly; nothing of nothing reaches no threshold."""
        assert 0 <= part <= whole
        left, right = part * self.denominator, whole * self.numerator
        return part > 0 and (left > right if self.more_than else left >= right)


MORE_THAN_HALF = Threshold(1, 2, more_than=True)
TWO_THIRDS = Threshold(2, 3, more_than=False)
THREE_QUARTERS = Threshold(3, 4, more_than=False)


@dataclass(frozen=True)
class Preset:
    """What a rule asks for: who must take part, what share of those must favour, and whether area counts too."""

    article_zh: str
    article_en: str
    quorum: Threshold | None
    majority: Threshold | None
    by_area: bool = False


PRESETS: dict[str, Preset] = {
    "residents_meeting": Preset(
        "《城市居民委员会组织法》第二十七条",
        "Organic Law of Urban Residents' Committees, art. 27",
        quorum=MORE_THAN_HALF,
        majority=MORE_THAN_HALF,
    ),
    "representatives_meeting": Preset(
        "《城市居民委员会组织法》第二十九条",
        "Organic Law of Urban Residents' Committees, art. 29",
        quorum=TWO_THIRDS,
        majority=MORE_THAN_HALF,
    ),
    "owners_ordinary": Preset(
        "《民法典》第二百七十八条",
        "Civil Code, art. 278",
        quorum=TWO_THIRDS,
        majority=MORE_THAN_HALF,
        by_area=True,
    ),
    "owners_major": Preset(
        "《民法典》第二百七十八条",
        "Civil Code, art. 278",
        quorum=TWO_THIRDS,
        majority=THREE_QUARTERS,
        by_area=True,
    ),
    "consultation": Preset(
        "《城市居民委员会组织法》第三十二条",
        "Organic Law of Urban Residents' Committees, art. 32",
        quorum=None,
        majority=None,
    ),
}


AnyRule = str | Preset
"""The name of a preset, or one that a place has made stricter."""


def preset_of(rule: AnyRule) -> Preset:
    """What the rule asks for."""
    return rule if isinstance(rule, Preset) else PRESETS[rule]


def stricter(preset: Preset, *, quorum: Threshold | None = None, majority: Threshold | None = None) -> Preset:
    """The preset with a place's own thresholds instead of the statutory ones.

    Raises TooLow where one is below the statute's, or cannot be reached at all. A consultation takes no majority: it
    would no longer be one.
    """
    if majority is not None and preset.majority is None:
        raise TooLow("a consultation binds nobody")
    for own, statutory in ((quorum, preset.quorum), (majority, preset.majority)):
        if own is None:
            continue
        if statutory is not None and own.strictness < statutory.strictness:
            raise TooLow("a place may only ask for more than the law does")
        if not (Fraction(0), False) < own.strictness <= (Fraction(1), False):
            raise TooLow("a threshold lies above nothing and is reached by all")
    return replace(preset, quorum=quorum or preset.quorum, majority=majority or preset.majority)


@dataclass(frozen=True)
class Verdict(Generic[C]):
    """`passed` is None where nothing binds; `winners` are the candidates that carried."""

    quorate: bool
    passed: bool | None
    winners: frozenset[C]


def is_quorate(rule: AnyRule, present: Weight, roll: Weight) -> bool:
    """Whether enough of the roll took part (居委会组织法 27, 29; 民法典 278; a consultation, 32, asks for none)."""
    preset = preset_of(rule)
    return preset.quorum is None or _reached(preset.quorum, present, roll, preset.by_area)


def carries(rule: AnyRule, favour: Weight, present: Weight) -> bool | None:
    """Whether enough of those taking part, abstainers included, were in favour; None where the rule binds nothing."""
    preset = preset_of(rule)
    return None if preset.majority is None else _reached(preset.majority, favour, present, preset.by_area)


def judge(rule: AnyRule, votes: Mapping[C, Weight], present: Weight, roll: Weight) -> Verdict[C]:
    """Which of `votes`' candidates carried. A tie at one half carries nobody; in an approval vote several may."""
    if not is_quorate(rule, present, roll):
        return Verdict(False, False, frozenset())
    if preset_of(rule).majority is None:
        return Verdict(True, None, frozenset())
    winners = frozenset(candidate for candidate, favour in votes.items() if carries(rule, favour, present))
    return Verdict(True, bool(winners), winners)


def _reached(threshold: Threshold, part: Weight, whole: Weight, by_area: bool) -> bool:
    heads = threshold.is_reached(part.heads, whole.heads)
    return heads and (not by_area or threshold.is_reached(part.area_cm2, whole.area_cm2))
