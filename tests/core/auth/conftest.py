"""People to test with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from core import work
from core.auth import passwords, services
from core.auth.models import User
from core.commands import operator

NOW = datetime(2026, 2, 1, 9, 0, tzinfo=UTC)
PASSWORD = "quiet lantern harbour 7"
HASH = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
MakeUser = Callable[..., User]


@pytest.fixture(scope="package", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Argon2id with little memory, so that a hundred sign-ins take no minute; what it costs is no subject of these tests."""
    kept = passwords._hasher, passwords.NOBODY
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
    passwords.NOBODY = passwords.of_nobody(passwords._hasher)
    yield
    passwords._hasher, passwords.NOBODY = kept


@pytest.fixture
def make_user(session: Session) -> MakeUser:
    """Make a person with a password and the given roles: ``make_user("noura", "crm_manager", email=…)``."""

    def make(username: str, *roles: str, **details: Any) -> User:
        work.begin_write(session)
        user = services.add_user(session, username=username, actor=operator(), now=NOW, **{"name_ar": f"شخص {username}", **details})
        user.password_hash = HASH
        for slug in roles:
            services.grant_role(session, user, slug, actor=operator())
        session.flush()
        return user

    return make
