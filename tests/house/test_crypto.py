"""What is sealed opens with its key, in its own place, unchanged; nowhere else."""

import pytest

from app.core.crypto import Keys, seal, unseal
from app.core.settings import Settings

pytestmark = pytest.mark.no_database

KEYS = Keys.of("k" * 32)
BOTH = Keys({1: "k" * 32, 2: "n" * 32}, "i" * 32)
PLACE = {"table": "residents", "column": "name", "row": 7}


def test_it_opens_where_it_was_sealed_and_looks_different_each_time() -> None:
    sealed = seal(KEYS, "王淑芬", **PLACE)
    assert unseal(KEYS, sealed, **PLACE) == "王淑芬"
    assert sealed != seal(KEYS, "王淑芬", **PLACE)


@pytest.mark.parametrize("elsewhere", [{"table": "reasons"}, {"column": "phone"}, {"row": 8}])
def test_it_opens_in_no_other_place(elsewhere: dict[str, str | int]) -> None:
    with pytest.raises(ValueError, match="elsewhere"):
        unseal(KEYS, seal(KEYS, "王淑芬", **PLACE), **PLACE | elsewhere)


def test_it_opens_with_no_other_key_and_not_when_changed() -> None:
    sealed = seal(KEYS, "王淑芬", **PLACE)
    with pytest.raises(ValueError, match="elsewhere"):
        unseal(Keys.of("other" * 8), sealed, **PLACE)
    with pytest.raises(ValueError, match="changed"):
        unseal(KEYS, sealed[:-1] + bytes([sealed[-1] ^ 1]), **PLACE)
    with pytest.raises(ValueError, match="key version 9"):
        unseal(KEYS, b"\x09" + sealed[1:], **PLACE)


def test_the_newest_key_seals_and_the_old_one_still_opens() -> None:
    assert unseal(BOTH, seal(KEYS, "王淑芬", **PLACE), **PLACE) == "王淑芬"
    sealed = seal(BOTH, "王淑芬", **PLACE)
    assert sealed[0] == 2
    with pytest.raises(ValueError, match="key version 2"):
        unseal(KEYS, sealed, **PLACE)


def test_the_version_cannot_be_changed_even_under_the_same_secret() -> None:
    twice = Keys({1: "k" * 32, 2: "k" * 32}, "i" * 32)
    with pytest.raises(ValueError, match="elsewhere"):
        unseal(twice, b"\x01" + seal(twice, "王淑芬", **PLACE)[1:], **PLACE)


def test_no_secret_is_shown_where_keys_are_printed() -> None:
    settings = Settings(_env_file=None, field_keys={1: "k" * 32}, index_key="i" * 32)
    assert "kkk" not in f"{settings!r} {settings.keys!r}"
    assert "iii" not in f"{settings!r} {settings.keys!r}"


def test_secret_key_is_the_first_version_where_no_other_keys_are_set() -> None:
    plain = Settings(_env_file=None, secret_key="s" * 32)
    assert plain.keys == Keys.of("s" * 32)
    assert Settings(_env_file=None, secret_key="s" * 32, field_keys={1: "s" * 32, 2: "n" * 32}).keys.newest == 2
    with pytest.raises(ValueError, match="1 to 255"):
        Settings(_env_file=None, field_keys={256: "x" * 32})
