"""How units and rooms are written: one room has one name, however it was typed. The database holds the same form."""

import re
import unicodedata


def room_form(said: str) -> str:
    """A unit or room as it is kept: １０１室, 0101 and 101 are 101; a unit 1单元 is 1; a101 is A101."""
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", said))
    text = "".join(letter.upper() if letter.isascii() else letter for letter in text)
    text = unicodedata.normalize("NFKC", text)  # an accent may have lost the space it stood on
    return re.sub(r"^0+(?=.)", "", re.sub(r"(单元|室|号|房)+$", "", text)) or text
