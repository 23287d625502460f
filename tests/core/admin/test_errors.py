"""A refusal in words: the permission by its title, who has it, one piece of advice; and who one is, in the page's language."""

from __future__ import annotations

import sqlite3
from unittest.mock import Mock

import psycopg
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.audit.models import AuditEvent
from tests.support.people import signed_in


@pytest.mark.parametrize(("language", "role", "advice"), [
    ("ar", "مدير النظام", "يُراجَع المدير أو مدير النظام"), ("en", "dministrator", "Ask your manager or the administrator"),
])
def test_a_refusal_names_the_permission_by_its_title(
    client: FlaskClient, session: Session, language: str, role: str, advice: str,
) -> None:
    signed_in(client, session, "crm_employee", language=language)

    answer = client.get("/users/")
    html = answer.text[answer.text.index("dw-refusal"):]

    assert answer.status_code == 403
    assert "auth.manage_users" not in html
    assert role in html
    assert html.count(advice) == 1
    logged = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "denied").order_by(AuditEvent.id.desc()).limit(1)).one()
    assert logged.rule == "ORG-01"


@pytest.mark.parametrize(("language", "name"), [("ar", "ريم العتيبي"), ("en", "Reem Al-Otaibi")])
def test_the_page_calls_one_by_the_name_of_its_language(client: FlaskClient, session: Session, language: str, name: str) -> None:
    signed_in(client, session, "crm_manager", language=language, name_ar="ريم العتيبي", name_en="Reem Al-Otaibi")

    html = client.get("/").text

    assert f"<strong>{name}</strong>" in html


def test_a_full_disk_is_named_and_another_trouble_of_the_database_is_not(
    client: FlaskClient, session: Session, engine_name: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    signed_in(client, session, "crm_employee")
    full: Exception = psycopg.errors.DiskFull("could not extend file")
    if engine_name == "sqlite":
        full = sqlite3.OperationalError("database or disk is full")
        full.sqlite_errorcode = sqlite3.SQLITE_FULL  # type: ignore[attr-defined]
    said = []

    for cause in (full, sqlite3.OperationalError("disk I/O error")):
        trouble = sa.exc.OperationalError("INSERT", {}, cause)
        monkeypatch.setattr("core.customers.queries.search", Mock(side_effect=trouble))
        answer = client.get("/customers/find?q=a")
        assert answer.status_code == 503
        assert answer.text.count("Nothing was saved. Try again in a minute.") == 1
        said.append("disk is full" in answer.text)

    assert said == [True, False]
