"""The page: the verdict first, entries with filters, nothing that changes one, a file for the auditor."""

from __future__ import annotations

import csv
import io
from itertools import count

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit import services as audit
from core.audit.models import AuditEvent
from core.auth import services as auth
from core.commands import operator
from core.database import section
from core.settings import put
from core.testing import actor_with, sign_in

_people = count(1)


def auditor(client: FlaskClient, session: Session, *roles: str) -> FlaskClient:
    """Sign in as somebody with these roles, the auditor's by default."""
    with work.unit_of_work(session):
        user = auth.add_user(session, username=f"person{next(_people)}", name_ar="يوسف", actor=operator(), now=work.now())
        for role in roles or ("auditor",):
            auth.grant_role(session, user, role, actor=operator())
    return sign_in(client, user)


@pytest.fixture
def changed(session: Session) -> int:
    """A changed setting; returns the number of its entry."""
    session.info["actor"] = actor_with("core.settings", label="reem")
    with work.unit_of_work(session):
        put(session, "core.idle_minutes", 20)
        audit.record(session, "upload", summary="a file")
    return session.scalar(sa.select(sa.func.max(AuditEvent.id)).where(AuditEvent.record_type == "core_setting")) or 0


def test_page_begins_with_the_verdict_and_lists_entries(client: FlaskClient, session: Session, changed: int) -> None:
    page = auditor(client, session).get("/audit/").get_data(as_text=True)

    assert page.index('id="verdict"') < page.index("<table")
    assert f"/audit/{changed}" in page
    assert "reem" in page


def test_check_writes_a_verdict_that_the_page_shows(client: FlaskClient, session: Session, changed: int) -> None:
    own = auditor(client, session)

    assert own.post("/audit/check").status_code == 302
    page = own.get("/audit/").get_data(as_text=True)

    assert "dw-verdict dw-good" in page


def test_broken_log_is_said_with_entry_and_remedies(client: FlaskClient, session: Session, changed: int, tampering: object) -> None:
    tampering(f"UPDATE core_audit_event SET actor_label = 'somebody' WHERE id = {changed}")  # type: ignore[operator]
    own = auditor(client, session)
    own.post("/audit/check")

    page = own.get("/audit/").get_data(as_text=True)
    report = own.get("/audit/verdict.txt").get_data(as_text=True)

    assert "dw-verdict dw-bad" in page
    assert '<tr class="dw-bad">' in page
    assert f"{changed:,}" in report


def test_entry_shows_old_and_new(client: FlaskClient, session: Session, changed: int) -> None:
    page = auditor(client, session).get(f"/audit/{changed}").get_data(as_text=True)

    assert "core.idle_minutes" in page
    assert "dw-diff" in page


def test_unknown_entry_is_not_found(client: FlaskClient, session: Session) -> None:
    own = auditor(client, session)

    assert own.get("/audit/999999999").status_code == 404
    assert own.get("/audit/99999999999999999999").status_code == 404


@pytest.mark.parametrize("query", ["f.action=update", "f.who=reem", "f.plugin=core", "f.from=2020-01-01&f.to=2100-01-01", "f.record=core.idle_minutes"])
def test_filters_narrow_the_list(client: FlaskClient, session: Session, changed: int, query: str) -> None:
    assert auditor(client, session).get(f"/audit/?{query}").status_code == 200


@pytest.mark.parametrize("query", ["f.from=yesterday", "sort=code", "after=x", "f.code=1"])
def test_nonsense_in_the_address_is_refused_clearly(client: FlaskClient, session: Session, query: str) -> None:
    assert auditor(client, session).get(f"/audit/?{query}").status_code == 422


def test_who_may_not_read_is_refused_and_logged(client: FlaskClient, session: Session) -> None:
    own = auditor(client, session, "crm_employee")

    assert own.get("/audit/").status_code == 403
    entry = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert (entry.action, entry.rule) == ("denied", "ORG-01")


@pytest.mark.parametrize("path", ["/audit/check", "/audit/anchor", "/audit/export"])
def test_acts_need_their_own_permission_and_post(client: FlaskClient, session: Session, path: str) -> None:
    own = auditor(client, session, "crm_employee")

    assert own.post(path).status_code == 403
    assert own.get(path).status_code in (404, 405)


@pytest.mark.parametrize("path", ["/audit/delete/", "/audit/edit/", "/audit/new/", "/audit/action/"])
def test_nothing_on_the_page_changes_an_entry(client: FlaskClient, session: Session, changed: int, path: str) -> None:
    own = auditor(client, session, "auditor", "admin")
    before = session.scalar(sa.select(AuditEvent.code).where(AuditEvent.id == changed))

    assert own.post(path, data={"id": changed}).status_code in (404, 405)
    assert session.scalar(sa.select(AuditEvent.code).where(AuditEvent.id == changed)) == before


def test_export_is_a_file_and_two_entries(client: FlaskClient, session: Session, changed: int) -> None:
    response = auditor(client, session).post("/audit/export?f.action=upload", buffered=True)
    rows = list(csv.reader(io.StringIO(response.get_data(as_text=True).lstrip("\ufeff"))))
    response.close()

    assert rows[0][:4] == ["entry", "at", "at_utc", "action"]
    assert {row[3] for row in rows[2:]} == {"upload"}
    about = sa.select(AuditEvent).where(AuditEvent.action.in_(("export", "export_end")))
    ended, begun = session.scalars(about.order_by(AuditEvent.id.desc()).limit(2)).all()
    assert begun.facts["filter"] == {"action": "upload"}
    assert (ended.facts["rows"], ended.facts["whole"]) == (len(rows) - 2, True)


def test_export_of_more_than_one_block_is_whole(client: FlaskClient, session: Session) -> None:
    """The rows are read while the file is sent: nothing may close their session in between."""
    session.info["actor"] = actor_with(label="reem")
    with work.unit_of_work(session):
        for number in range(4_100):
            audit.record(session, "open", summary=f"record {number}")
    with auditor(client, session).post("/audit/export?f.action=open") as response:
        rows = list(csv.reader(io.StringIO(response.get_data(as_text=True).lstrip("\ufeff"))))

    assert len(rows) == 4_102
    ended = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "export_end").order_by(AuditEvent.id.desc()).limit(1)).one()
    assert (ended.facts["rows"], ended.facts["whole"]) == (4_100, True)


def test_a_download_leaves_its_button_alive(client: FlaskClient, session: Session) -> None:
    assert 'action="/audit/export" class="dw-inline" data-download' in auditor(client, session).get("/audit/").get_data(as_text=True)


@pytest.fixture
def tampering(app: Flask, session: Session) -> object:
    """Change the log as somebody with the database would, inside the test's own transaction."""

    def tamper(statement: str) -> None:
        work.rollback(session)
        connection = app.extensions["diwan_connection"]
        on = connection.dialect.name == "postgresql"
        names = ("no_update", "no_delete", "no_replace")
        with section("tampering"):
            for name in () if on else names:
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS core_audit_event_{name}")
            if on:
                connection.exec_driver_sql("ALTER TABLE core_audit_event DISABLE TRIGGER ALL")
            connection.exec_driver_sql(statement)

    return tamper
