"""Which counts of people are not shown, so that nobody can be told from a small group (k-anonymity with k = 5)."""

from collections.abc import Mapping
from typing import TypeVar

LEAST = 5

Key = TypeVar("Key", bound=int)


def hidden(counts: Mapping[Key, int], parents: Mapping[Key, Key]) -> set[Key]:
    """The groups of a tree whose counts stay unsaid; each count is the sum of those whose parent it is.

    Groups of 1 to 4 are hidden, and as many others as it takes that no hidden one follows by subtraction: beneath a
    count that is shown at least two are hidden, 5 or more together and not all of 1; beneath a hidden one at least
    one. Zero is shown.
    """
    unsaid = {key for key, count in counts.items() if 0 < count < LEAST}
    below: dict[Key, list[Key]] = {}
    for key in sorted(parents):
        if counts[key]:
            below.setdefault(parents[key], []).append(key)
    while more := {key for parent in below for key in _one_more(parent, below[parent], counts, unsaid)}:
        unsaid |= more
    return unsaid


def _one_more(parent: Key, parts: list[Key], counts: Mapping[Key, int], unsaid: set[Key]) -> set[Key]:
    closed = [key for key in parts if key in unsaid]
    if parent in unsaid:
        enough = bool(closed)
    else:
        rest = sum(counts[key] for key in closed)
        enough = not closed or (rest >= LEAST and rest > len(closed) > 1)
    if enough:
        return set()
    said = [key for key in parts if key not in unsaid]
    return {min(said, key=lambda key: (counts[key], key)) if said else parent}
