"""An association with the dummy on, and tokens of other systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from core import work
from core.auth.actor import Actor
from core.rest import services
from core.rest.models import RestToken
from core.testing import actor_with
from tests.core.customers.conftest import NOW, approved, customer, fill, people  # noqa: F401 - fixtures

KEEPER = actor_with("rest.tokens", "auth.manage_roles", label="keeper")


@dataclass
class System:
    """Another system: its token, and what it asks with it."""

    client: FlaskClient
    token: RestToken
    secret: str
    headers: dict[str, str] = field(default_factory=lambda: {"Accept-Language": "en"})

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(f"/api/v1{path}", headers=self.shown(headers))

    def post(self, path: str, body: Any = None, key: str | None = None, **headers: str) -> TestResponse:
        if key is not None:
            headers = {**headers, "Idempotency-Key": key}
        more: dict[str, Any] = {} if body is None else {"json": body}
        return self.client.post(f"/api/v1{path}", headers=self.shown(headers), **more)

    def shown(self, more: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}", **self.headers, **{name.replace("_", "-"): value for name, value in more.items()}}


def make_token(session: Session, name: str, *permissions: str, actor: Actor = KEEPER, now: datetime = NOW, **more: Any) -> services.Made:
    work.begin_write(session)
    made = services.add_token(session, name=name, permissions=permissions, actor=actor, now=now, **more)
    work.commit(session)
    return made


@pytest.fixture(scope="session")
def shared_app(app_with: Callable[[str], Flask]) -> Flask:
    return app_with("dummy_plugin")


@pytest.fixture
def at_noon() -> Iterator[datetime]:
    """It is the moment of ``NOW`` for every request."""
    with work.time_at(NOW):
        yield NOW


@pytest.fixture
def system(session: Session, client: FlaskClient, at_noon: datetime) -> Callable[..., System]:
    """Let a system in with these permissions."""
    made: list[str] = []

    def make(*permissions: str, name: str | None = None, **more: Any) -> System:
        made.append(name or f"System {len(made) + 1}")
        one = make_token(session, made[-1], *permissions, **more)
        return System(client, one.token, one.secret)

    return make
