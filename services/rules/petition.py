"""How many must ask for a residents' meeting."""


def needed(roll: str, size: int) -> int:
    """The fewest of `size` who are one in ten (residents, households) or one in three (representatives).

    居委会组织法 26. Exact: `needed(…) - 1` are less than the share, `needed(…)` reach it.
    """
    one_in = 3 if roll == "representatives" else 10
    return (size + one_in - 1) // one_in
