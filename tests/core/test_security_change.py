"""No change without a CSRF token, and none by GET: every route of the app, as somebody who may do everything (issue 2, point 7)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.auth import services as auth
from core.auth.models import Role, User
from core.commands import operator
from core.customers import entry
from core.database import metadata
from core.finance import services as money
from core.money import Money
from core.testing import NOON, actor_with, rolled_back, sign_in
from tests.acceptance.register import approved_form, fill_noor, register_people

OPEN = ("q=x", "f.class=donor", "sort=-number", "count=all", "act=check", "delete=1", "id=1", "state=approved", "matching=1", "lang=ar", "kind=forms",
    "part=1")
TOLD_ALWAYS = {"core_user_session", "core_login_attempts"}
"""When a session was last used is no act of its owner."""


@pytest.fixture(scope="module")
def everyone(shared_app: Flask) -> Iterator[tuple[Session, User]]:
    with rolled_back(shared_app) as session:
        work.begin_write(session)
        session.info["actor"] = actor_with()
        people = register_people(session, NOON)
        form = approved_form(session, people, NOON)
        entry.enter(session, form, actor=people.officer, now=NOON)
        fill_noor(session, people.employee, NOON, name="مؤسسة السلام", mobile="0550000002")
        recorder = actor_with("finance.record", "customers.read", scopes={"*": "all"})
        money.record_contribution(session, customer_id=form.line.customer_id, amount=Money.of_minor(10_000, "SAR"), received_on=date(2026, 1, 10),
        method="bank",
                                  fund="zakat", reference="R1", actor=recorder, now=NOON)
        user = auth.add_user(session, username="everything", name_ar="مدير", actor=operator(), now=NOON)
        for slug in session.scalars(sa.select(Role.slug)).all():
            auth.grant_role(session, user, slug, actor=operator())
        work.commit(session)
        yield session, user


@pytest.fixture(scope="module")
def client(shared_app: Flask, everyone: tuple[Session, User]) -> FlaskClient:
    return sign_in(shared_app.test_client(), everyone[1])


@pytest.fixture
def guarded(shared_app: Flask, client: FlaskClient) -> Iterator[Flask]:
    """The app as it serves, asking for tokens."""
    shared_app.config["WTF_CSRF_ENABLED"] = True
    yield shared_app
    shared_app.config["WTF_CSRF_ENABLED"] = False


def addresses(app: Flask, method: str) -> list[str]:
    """Every address that takes ``method``, filled with ids that are there."""
    values = {"number": "MAN-CUST", "reference": "R1", "code": "MAN-CUST", "slug": "admin", "name": "core", "token": "x", "export_type": "csv"}
    found = []
    for rule in app.url_map.iter_rules():
        if method not in (rule.methods or ()) or "static" in rule.endpoint or rule.rule.startswith("/api/"):
            continue  # other systems have no cookie that a foreign page could make use of (tests/core/rest)
        address = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
        address = re.sub(r"<int[^>]*>", "1", address)
        found.append(re.sub(r"<(?:[^:>]+:)?(\w+)>", lambda match: values.get(match[1], "x"), address))
    return sorted(set(found))


def state_of(session: Session) -> dict[str, Any]:
    """Every row of every table that pages write, as one checksum each."""
    session.expire_all()
    tables = [table for name, table in metadata.tables.items() if name.startswith("core_") and name not in TOLD_ALWAYS]
    present = set(sa.inspect(session.connection()).get_table_names())
    return {table.name: sorted(str(row) for row in session.execute(sa.select(table))) for table in tables if table.name in present}


def test_no_page_opened_by_get_changes_anything(shared_app: Flask, client: FlaskClient, everyone: tuple[Session, User]) -> None:
    session = everyone[0]
    before = state_of(session)
    assert before["core_customer"] and before["core_audit_event"] and before["core_contribution"]

    for address in addresses(shared_app, "GET"):
        for method in ("GET", "HEAD"):
            assert client.open(address, method=method).status_code < 500, address
        client.get(f"{address}?{'&'.join(OPEN)}")

    after = state_of(session)
    assert [name for name in before if before[name] != after[name]] == []


def test_no_post_is_taken_without_a_token(guarded: Flask, client: FlaskClient, everyone: tuple[Session, User]) -> None:
    session = everyone[0]
    before = state_of(session)

    for address in addresses(guarded, "POST"):
        for token in (None, "", "x", "IjFhMmIzYzRkNWU2ZiI.aaaaaa.bbbbbbbbbbbbbbbb"):
            data = {"name": "x", "state": "x", **({"csrf_token": token} if token is not None else {})}
            assert client.post(address, data=data).status_code == 400, address
        assert client.post(address, data=b"{}", content_type="application/json").status_code == 400, address
        assert client.post(address, data=b"x=1", content_type="text/plain").status_code == 400, address

    after = state_of(session)
    assert [name for name in before if before[name] != after[name]] == []


def test_the_token_of_one_browser_is_none_in_another(guarded: Flask, client: FlaskClient) -> None:
    page = guarded.test_client().get("/login/").get_data(as_text=True)
    stolen = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert stolen is not None

    client.get("/")
    assert client.post("/preferences", data={"language": "en", "csrf_token": stolen[1]}).status_code == 400


def test_no_route_takes_another_method(shared_app: Flask, client: FlaskClient) -> None:
    methods = {method for rule in shared_app.url_map.iter_rules() for method in rule.methods or ()}

    assert methods == {"GET", "HEAD", "OPTIONS", "POST"}
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
        assert client.open("/customers/", method=method).status_code in (400, 405)


def test_a_method_in_a_field_changes_no_method(client: FlaskClient) -> None:
    """No override by field, header or query: a link stays a link."""
    answer = client.get("/customers/confirm?_method=POST&id=1", headers={"X-HTTP-Method-Override": "POST"})

    assert answer.status_code in (404, 405)
