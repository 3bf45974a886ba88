"""What is sealed opens with its key, in its own place, unchanged; nowhere else."""

import pytest

from app.core.crypto import seal, unseal

pytestmark = pytest.mark.no_database

SECRET = "k" * 32
PLACE = {"table": "residents", "column": "name", "row": 7}


def test_it_opens_where_it_was_sealed_and_looks_different_each_time() -> None:
    sealed = seal(SECRET, "王淑芬", **PLACE)
    assert unseal(SECRET, sealed, **PLACE) == "王淑芬"
    assert sealed != seal(SECRET, "王淑芬", **PLACE)


@pytest.mark.parametrize("elsewhere", [{"table": "reasons"}, {"column": "phone"}, {"row": 8}])
def test_it_opens_in_no_other_place(elsewhere: dict[str, str | int]) -> None:
    with pytest.raises(ValueError, match="elsewhere"):
        unseal(SECRET, seal(SECRET, "王淑芬", **PLACE), **PLACE | elsewhere)


def test_it_opens_with_no_other_key_and_not_when_changed() -> None:
    sealed = seal(SECRET, "王淑芬", **PLACE)
    with pytest.raises(ValueError, match="elsewhere"):
        unseal("other" * 8, sealed, **PLACE)
    with pytest.raises(ValueError, match="changed"):
        unseal(SECRET, sealed[:-1] + bytes([sealed[-1] ^ 1]), **PLACE)
    with pytest.raises(ValueError, match="key version"):
        unseal(SECRET, b"\x09" + sealed[1:], **PLACE)
