"""Which passwords are taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.auth import passwords
from core.errors import InvalidInput


def taken(password: str, *, second_factor: bool = False, words: tuple[str, ...] = ()) -> bool:
    try:
        passwords.check_password(password, second_factor=second_factor, words=words)
    except InvalidInput:
        return False
    return True


@pytest.mark.parametrize("password", ["quiet lantern harbour", "نخلة وماء وظل طويل جدا", "x7" + "kq9vmr2tz" * 7, "correct horse staple 2041 battery"])
def test_long_password_without_rules_of_composition_is_taken(password: str) -> None:
    assert taken(password)


def test_fourteen_characters_are_too_few_and_fifteen_enough() -> None:
    assert not taken("lantern harbor")
    assert taken("lantern harbors")


def test_eight_characters_are_enough_beside_a_second_factor() -> None:
    assert taken("lnt7hrbq", second_factor=True)
    assert not taken("lnt7hrb", second_factor=True)


def test_password_of_64_and_of_256_characters_is_taken_and_longer_is_not() -> None:
    long = "".join(chr(97 + (n * 7) % 26) for n in range(256))

    assert taken(long[:64]) and taken(long)
    assert not taken(long + "x")


@pytest.mark.parametrize("password", [
    "passwordpassword1", "Bismillahirrahmanirrahim", "123456789012345", "qwertyuiopasdfgh", "aaaaaaaaaaaaaaaaaa", "alhamdulillah1234",
    "administratoradministrator", "لااله الا الله محمد رسول الله", "السلام عليكم2026", "ababababababababab",
])
def test_common_password_is_refused_in_any_script(password: str) -> None:
    assert not taken(password)


@pytest.mark.parametrize("password", ["hgsghl123", "Mohammed@123", "p@ssw0rd", "مرحبا١٢٣", "1q2w3e4r5t", "alhilal2026"])
def test_common_short_password_is_refused_beside_a_second_factor(password: str) -> None:
    assert not taken(password, second_factor=True)


def test_password_made_of_the_own_or_the_associations_name_is_refused() -> None:
    assert not taken("reem.otaibi.2026", words=("reem.otaibi",))
    assert taken("otaibi plants seven palms", words=("otaibi",))


def test_block_list_is_long_folded_and_without_doubles() -> None:
    from core.text import fold

    lines = [line for line in (Path(passwords.__file__).parent / "blocklist.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]

    assert len(lines) >= 3000
    assert len(set(lines)) == len(lines)
    assert all(line == fold(line).replace(" ", "") for line in lines)


def test_hash_is_argon2id_and_verifies_only_the_same_password() -> None:
    hashed = passwords.hash_password("quiet lantern harbour")

    assert hashed.startswith("$argon2id$")
    assert passwords.verify("quiet lantern harbour", hashed)
    assert not passwords.verify("quiet lantern harbours", hashed)


def test_absent_hash_costs_a_comparison_and_never_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    class Hasher:
        def verify(self, hashed: str, password: str) -> bool:
            compared.append(hashed)
            return True

    monkeypatch.setattr(passwords, "_hasher", Hasher())

    assert passwords.verify("nobody has this password", None) is False
    assert compared == [passwords.NOBODY]
