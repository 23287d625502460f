"""Values of the log in words: people by name, codes by title, moments by the association's clock; unknown ones as they are."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit import queries
from core.audit.models import AuditEvent
from core.audit.readable import Readable, choices_of, readable, target_of
from core.audit.titles import CHOICES
from core.auth import services as auth
from core.auth.actor import system_actor
from core.commands import operator
from core.customers import domain as customers
from core.database import metadata
from core.i18n import use_language
from core.settings import put
from core.testing import actor_with
from tests.core.audit.test_views import auditor

MORNING = datetime(2026, 11, 21, 3, 20, tzinfo=UTC)


def latest(session: Session, table: str) -> AuditEvent:
    return session.scalars(sa.select(AuditEvent).where(AuditEvent.record_type == table).order_by(AuditEvent.id.desc()).limit(1)).one()


@pytest.fixture
def granted(session: Session) -> AuditEvent:
    """Somebody with both names was given a role; the entry of it."""
    with work.unit_of_work(session):
        person = auth.add_user(session, username="reem", name_ar="ريم العتيبي", name_en="Reem Al-Otaibi", actor=operator(), now=MORNING)
        auth.grant_role(session, person, "auditor", actor=operator())
    return latest(session, "core_user_role")


def in_words(session: Session, event: AuditEvent) -> dict[str, object]:
    found = queries.told(session, [event], personal=False)
    changes = readable(session, [event], found, {}).told(event, found[event.id]).changes
    return {change.field: change.new for change in changes}


@pytest.mark.parametrize(("tongue", "person", "role"), [("ar", "ريم العتيبي", "مدقق"), ("en", "Reem Al-Otaibi", "uditor")])
def test_people_and_records_are_named_in_the_language_of_the_page(session: Session, granted: AuditEvent, tongue: str, person: str, role: str) -> None:
    with use_language(tongue):
        told = in_words(session, granted)

    assert told["user_id"] == person
    assert not str(told["role_id"]).isdigit()
    assert role in str(told["role_id"])


def test_a_record_that_is_gone_keeps_its_number(session: Session, granted: AuditEvent) -> None:
    assert Readable({}).value("core_user_role", "user_id", 4711) == 4711


@pytest.mark.parametrize(("table", "name", "code", "title"), [
    ("core_customer_form", "state", "approved", "Waiting for entry"),
    ("core_customer_form", "kind", "merge", "Merge two records"),
    ("core_contribution", "method", "sms", "Text message"),
    ("core_customer_form_line", "action", "update", "Changed record"),
    ("core_customer_form", "state", "unheard_of", "unheard_of"),
    ("gone_visit", "state", "open", "open"),
])
def test_codes_have_titles_where_somebody_offers_them(app: Flask, table: str, name: str, code: str, title: str) -> None:
    with use_language("en"):
        assert Readable().value(table, name, code) == title


@pytest.mark.parametrize(("table", "name", "text", "value"), [
    ("core_customer_form", "decided_at", "2026-11-21T03:20:00+00:00", MORNING),
    ("core_contribution", "received_on", "2025-11-22", date(2025, 11, 22)),
    ("gone_visit", "seen_at", "2026-11-21T03:20:00+00:00", MORNING),
    ("gone_visit", "on", "2026-11-21", date(2026, 11, 21)),
    ("gone_visit", "on", "2026-13-45", "2026-13-45"),
    ("core_finance_batch", "number", "2026-11-21", "2026-11-21"),
    ("gone_visit", "made_by", 3, 3),
])
def test_moments_and_days_are_told_from_text(app: Flask, table: str, name: str, text: object, value: object) -> None:
    assert Readable().value(table, name, text) == value


def test_a_column_may_bring_its_own_titles(app: Flask) -> None:
    column = metadata.tables["core_contribution"].c.currency
    column.info["choices"] = {"SAR": "Saudi riyal"}
    try:
        assert Readable().value("core_contribution", "currency", "SAR") == "Saudi riyal"
    finally:
        del column.info["choices"]


def test_every_state_of_a_form_has_a_title() -> None:
    assert set(choices_of("core_customer_form", "state")) == set(customers.STATES)


def test_titles_are_of_fields_that_exist() -> None:
    places = [place.split(".") for place in CHOICES]

    assert not [place for place in places if place[1] not in metadata.tables[place[0]].c]


@pytest.mark.parametrize(("table", "name", "target"), [
    ("core_customer_form", "decided_by", "core_user"), ("core_step_run", "ended_by_id", "core_user"), ("core_customer", "city_id", "core_city"),
    ("core_customer", "number", None), ("gone_visit", "decided_by", None),
])
def test_what_a_field_names(table: str, name: str, target: str | None) -> None:
    assert target_of(table, name) == target


def test_the_page_shows_no_stamp_as_it_is_kept(client: FlaskClient, session: Session, granted: AuditEvent) -> None:
    own = auditor(client, session)
    for table in ("core_user", "core_user_role"):
        page = own.get(f"/audit/?f.record={table}:{latest(session, table).record_id}").get_data(as_text=True)
        shown = re.sub(r"<[^>]*>", " ", page[page.index("<tbody>"):])
        assert not re.search(r"\d{4}-\d\d-\d\d|\+00:00", shown)


def test_a_label_that_the_person_does_not_bear_is_shown_as_logged(client: FlaskClient, session: Session) -> None:
    with work.unit_of_work(session):
        person = auth.add_user(session, username="mona", name_ar="منى باوزير", name_en="Mona Bawazir", actor=operator(), now=MORNING)
    for label, shown in (("منى باوزير", "Mona Bawazir"), ("Somebody else", "Somebody else")):
        session.info["actor"] = actor_with("core.settings", label=label, user_id=person.id)
        with work.unit_of_work(session):
            put(session, "core.idle_minutes", 21 + len(label))
        event = latest(session, "core_setting")
        words = readable(session, [event], queries.told(session, [event], personal=False), {})
        with use_language("en"):
            assert words.person(event.actor_id, event.actor_label) == shown


def test_background_work_is_called_by_its_title(client: FlaskClient, session: Session) -> None:
    session.info["actor"] = system_actor("job", "job audit.verify")
    with work.unit_of_work(session):
        put(session, "core.idle_minutes", 44)
    own = auditor(client, session)
    own.set_cookie("diwan_language", "en")
    page = own.get(f"/audit/{latest(session, 'core_setting').id}").get_data(as_text=True)

    assert "Check the audit log" in page
    assert "job audit.verify" not in page
