"""What a unit owes for its promise to match, and what part of a gift belongs to a change of use. Whole fen, exact."""


def owed(raised_fen: int, *, for_each_fen: int, adds_fen: int, cap_fen: int) -> int:
    """What is owed for `adds_fen` on each `for_each_fen` raised, up to the cap: fen begun are not owed."""
    assert raised_fen >= 0
    assert min(for_each_fen, adds_fen, cap_fen) > 0
    return min(cap_fen, raised_fen * adds_fen // for_each_fen)


def share(left_fen: int, *, changed_fen: int, raised_fen: int) -> int:
    """The part of `left_fen` that goes another way when `changed_fen` of `raised_fen` do.

    Rounded down, so that all shares together never exceed `changed_fen` as long as all gifts together are at most
    `raised_fen`.
    """
    assert 0 < changed_fen <= raised_fen
    assert left_fen >= 0
    return left_fen * changed_fen // raised_fen
