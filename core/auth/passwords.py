"""Passwords: Argon2id, fifteen characters (eight with a second factor), a block-list, no composition rules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import InvalidInput
from core.i18n import lazy_gettext as _l
from core.text import fold

ALONE, WITH_SECOND_FACTOR, LONGEST = 15, 8, 256
_hasher = PasswordHasher()


def of_nobody(hasher: PasswordHasher) -> str:
    """A hash that no password has, verified against when there is no such user, so that the answer takes as long."""
    return f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}${'A' * 22}${'A' * 43}"


NOBODY = of_nobody(_hasher)


@cache
def blocked() -> frozenset[str]:
    """Common passwords and their usual stems, folded."""
    lines = (Path(__file__).parent / "blocklist.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def check_password(password: str, *, second_factor: bool, words: Iterable[str] = ()) -> None:
    """Raise InvalidInput for one that is too short, too long, common, or made of the person's or association's name."""
    least = WITH_SECOND_FACTOR if second_factor else ALONE
    if len(password) < least:
        raise InvalidInput(_l("At least %(n)s characters; this has %(found)s. Several words in a row are easy to remember.", n=least, found=len(password)),
                           field="password", rule="ORG-01")
    if len(password) > LONGEST:
        raise InvalidInput(_l("At most %(n)s characters; this has %(found)s.", n=LONGEST, found=len(password)), field="password")
    if "\x00" in password:
        raise InvalidInput(_l("This password holds a character that cannot be typed again."), field="password")
    plain = fold(password).replace(" ", "")
    stem = re.sub(r"[\d\W_]+$", "", plain)
    if plain in blocked() or (len(stem) >= 4 and stem in blocked() and len(plain) - len(stem) < 8) or len(set(plain)) < 5:
        raise InvalidInput(_l("This password is among those that are tried first. Choose another one."), field="password")
    for word in (fold(word).replace(" ", "") for word in words):
        if len(word) >= 4 and word in plain and len(plain) - len(word) < 8:
            raise InvalidInput(_l("A password that holds your name or the association's is easily guessed. Choose another one."), field="password")


def hash_password(password: str) -> str:
    """Argon2id; takes about a tenth of a second, so call it outside the writing transaction."""
    return _hasher.hash(password)


def verify(password: str, hashed: str | None) -> bool:
    """Whether the password is right; takes the same time where there is no hash."""
    try:
        _hasher.verify(hashed or NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None
