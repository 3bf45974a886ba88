"""Long texts in pieces short enough to be checked, none of whose words is cut in two."""

PIECE, OVERLAP = 2_500, 50


def pieces(text: str) -> list[str]:
    """The text in pieces of at most 2,500 characters, each beginning with the last 50 of the one before."""
    step = PIECE - OVERLAP
    return [text[start : start + PIECE] for start in range(0, max(len(text) - OVERLAP, 1), step)]
