"""People for tests that sign in."""

from __future__ import annotations

import itertools
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.auth import services as auth
from core.auth.models import User
from core.commands import operator
from core.testing import NOON, sign_in

_numbers = itertools.count(1)


def person(session: Session, *roles: str, language: str = "en", **details: Any) -> User:
    """Somebody new with these roles, reading English; made in the session's writing transaction."""
    number = next(_numbers)
    user = auth.add_user(session, username=f"person{number}", name_ar=details.pop("name_ar", f"شخص {number}"), actor=operator(), now=NOON, **details)
    for slug in roles:
        auth.grant_role(session, user, slug, actor=operator())
    user.language = language
    session.flush()
    return user


def signed_in(client: FlaskClient, session: Session, *roles: str, **details: Any) -> User:
    """A new person, signed in on this client; the session writes again afterwards."""
    user = person(session, *roles, **details)
    sign_in(client, user)
    work.begin_write(session)
    return user
