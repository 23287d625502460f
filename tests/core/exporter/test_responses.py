"""A file on its way to a browser: the request ends when it is sent, not before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask, Response
from sqlalchemy.orm import Session

from core import work
from core.database import db
from core.exporter.columns import Column
from core.exporter.responses import download
from core.exporter.text import write_csv
from core.organisation import services as organisation
from core.organisation.models import City
from core.settings import Deployment
from core.testing import actor_with, close_app, make_app, new_association

BOSS = actor_with(organisation.MANAGE)


@pytest.fixture
def sender() -> tuple[Flask, list[str]]:
    """An app whose one page sends 5,000 rows, and what happened in which order."""
    app, happened = Flask("sender"), list[str]()

    def rows() -> Iterator[tuple[str]]:
        for number in range(5_000):
            if number % 2_500 == 0:
                happened.append("read")
            yield (str(number),)

    app.teardown_appcontext(lambda _error: happened.append("request ended"))
    app.add_url_rule("/", view_func=lambda: download(write_csv([Column("number", "Number")], rows()), "numbers"))
    return app, happened


def test_the_request_lasts_until_the_last_row_is_sent(sender: tuple[Flask, list[str]]) -> None:
    app, happened = sender
    with app.test_client().get("/", buffered=False) as answer:
        assert answer.get_data().count(b"\r\n") == 5_001
    assert happened == ["read", "read", "request ended"]


def test_the_request_ends_when_the_reader_goes_away(sender: tuple[Flask, list[str]]) -> None:
    app, happened = sender
    answer = app.test_client().get("/", buffered=False)
    next(answer.iter_encoded())
    answer.close()
    assert happened == ["read", "request ended"]


def test_a_cursor_of_the_database_lives_as_long(engine_name: str, deployment: Deployment, request: pytest.FixtureRequest) -> None:
    """On PostgreSQL it dies with its transaction, on SQLite objects lose their session."""
    server = request.getfixturevalue("postgres") if engine_name == "postgresql" else None
    app = make_app(new_association(deployment, f"sending-{engine_name}", postgres=server), deployment)

    def view() -> Response:
        found = work.real(db.session).scalars(sa.select(City).order_by(City.id).execution_options(yield_per=10)).partitions()
        return download(write_csv([Column("name", "Name")], ((one.name_ar,) for part in found for one in part for _n in range(300))), "cities")

    app.add_url_rule("/static/cities", view_func=view)
    with app.app_context():
        session: Session = work.real(db.session)
        with work.unit_of_work(session):
            for number in range(30):
                organisation.save_city(session, name_ar=f"مدينة {number}", region_ar="تجربة", actor=BOSS)
    try:
        assert app.test_client().get("/static/cities").get_data().count(b"\r\n") >= 9_001
    finally:
        close_app(app)
