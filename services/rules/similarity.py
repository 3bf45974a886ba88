"""How alike two short Chinese texts are: shared pairs of neighbouring characters."""

from collections.abc import Iterable
from fractions import Fraction


def pairs(text: str) -> set[str]:
    """The pairs of neighbouring letters, digits and characters; a single one stands for itself."""
    kept = "".join(char for char in text.casefold() if char.isalnum())
    return {kept[i : i + 2] for i in range(len(kept) - 1)} or ({kept} if kept else set())


def likeness(one: str, other: str) -> Fraction:
    """From 0 (nothing shared) to 1 (the shorter lies wholly in the longer): shared pairs over the shorter's pairs."""
    mine, theirs = pairs(one), pairs(other)
    shorter = min(len(mine), len(theirs))
    return Fraction(len(mine & theirs), shorter) if shorter else Fraction(0)


def most_alike(text: str, others: Iterable[tuple[int, str]], *, least: Fraction, most: int) -> list[int]:
    """The ids of at most `most` texts whose likeness is at least `least`, the most alike first, newer before older."""
    ranked = [(likeness(text, other), id) for id, other in others]
    return [id for alike, id in sorted(ranked, reverse=True) if alike >= least][:most]


def spellings(text: str) -> list[str]:
    """The text as it may have been written by others."""
    return [text]
