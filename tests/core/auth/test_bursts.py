"""Many attempts at the same time, in real transactions on an association of its own (reliability 2.12)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

from core import work
from core.auth import services, signin
from core.commands import operator
from core.database import db
from core.testing import close_app, make_app, new_association, test_deployment
from tests.core.auth.conftest import HASH


@pytest.fixture
def busy_app(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    server = request.getfixturevalue("postgres") if engine_name == "postgresql" else None
    deployment = test_deployment(tmp_path)
    app = make_app(new_association(deployment, "busy", postgres=server), deployment)
    with app.app_context():
        session = work.real(db.session)
        with work.unit_of_work(session):
            user = services.add_user(session, username="noura", name_ar="نورة", actor=operator(), now=work.now())
            signin.change_password(session, user, HASH)
    yield app
    close_app(app)


def test_twenty_guesses_at_once_get_five_answers(busy_app: Flask) -> None:
    def guess(number: int) -> str:
        answer = busy_app.test_client().post("/login/?lang=en", data={"username": "noura", "password": f"guess {number}"})
        return "judged" if "User name or password is not right" in answer.text else "locked" if "Too many failed attempts" in answer.text else answer.text

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, range(20)))

    assert (answers.count("judged"), answers.count("locked")) == (5, 15)
