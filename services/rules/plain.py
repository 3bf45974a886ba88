"""Texts as lists of words read them, so that nothing between the letters hides one."""

import unicodedata


def plain(text: str) -> str:
    """Letters and digits only, in one width and case: "Ｋ T\u200bV·白 血 病" reads "ktv白血病"."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())
