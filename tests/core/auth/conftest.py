"""People to test with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core import work
from core.auth import passwords, services
from core.auth.models import User
from core.commands import operator

NOW = datetime(2026, 2, 1, 9, 0, tzinfo=UTC)
PASSWORD = "quiet lantern harbour 7"
HASH = passwords.hash_password(PASSWORD)
MakeUser = Callable[..., User]


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
