"""What the page says of the log: whether it can be believed, and what this reader may see."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_babel import Babel
from werkzeug.datastructures import MultiDict

from core import work
from core.audit import queries
from core.audit import services as audit
from core.audit.models import AuditEvent
from core.auth.actor import Actor
from core.database import Session
from core.errors import NotAllowed
from core.keys import destroy_subject_key, new_subject
from tests.core.audit.conftest import CLERK, Log
from tests.core.audit.models import Person

RIYADH = ZoneInfo("Asia/Riyadh")


@pytest.fixture(autouse=True)
def words() -> object:
    """Words need an app to know the language."""
    app = Flask(__name__)
    Babel(app, default_locale="en")
    with app.app_context():
        yield app


def listed(log: Log, **filters: str) -> list[str]:
    with log.begin() as session:
        engine = queries.engine(RIYADH, [(name, name) for name in queries.plugins_in_log(session)])
        page = engine.page(session, sa.select(AuditEvent), MultiDict({f"f.{key}": value for key, value in filters.items()}), CLERK)
        return [event.record_label for event in page.rows]


@pytest.fixture
def filled(log: Log) -> Log:
    with work.time_at(datetime(2026, 11, 20, 21, 30, tzinfo=UTC)):
        log.add(Person(number="1001"))
    with work.time_at(datetime(2026, 11, 22, 6, 0, tzinfo=UTC)), log.begin(Actor(user_id=None, label="reem", source="web")) as session:
        one = Person(number="1002")
        session.add(one)
        audit.name_action(session, one, "approve")
        work.commit(session)
    with work.time_at(datetime(2026, 11, 23, 6, 0, tzinfo=UTC)), log.begin() as session:
        work.denied(session, NotAllowed("No.", rule="ORG-09"), record=("core_customer_form", 7, "F-7"))
    return log


@pytest.mark.parametrize(("filters", "found"), [
    ({}, ["F-7", "1002", "1001"]),
    ({"who": "reem"}, ["1002"]),
    ({"action": "denied"}, ["F-7"]),
    ({"plugin": "probe"}, ["1002", "1001"]),
    ({"record": "100-1"}, ["1001"]),
    ({"record": "core_customer_form:7"}, ["F-7"]),
    ({"to": "2026-11-21"}, ["1001"]),
    ({"to": "2026-11-20"}, []),
    ({"from": "2026-11-21", "to": "2026-11-22", "action": "approve"}, ["1002"]),
])
def test_entries_are_filtered_by_person_action_plugin_record_and_local_day(filled: Log, filters: dict[str, str], found: list[str]) -> None:
    assert listed(filled, **filters) == found


def test_pages_follow_each_other_by_key(log: Log) -> None:
    log.add(*(Person(number=f"{n}") for n in range(7)))
    with log.begin() as session:
        engine = queries.engine(RIYADH, [])
        first = engine.page(session, sa.select(AuditEvent), MultiDict(), CLERK, size=3)
        second = engine.page(session, sa.select(AuditEvent), MultiDict({"after": first.next_cursor or ""}), CLERK, size=3)

    ids = [event.id for event in (*first.rows, *second.rows)]
    assert len(ids) == 6
    assert ids == sorted(ids, reverse=True)


def test_owners_of_removed_plugins_are_still_listed(filled: Log) -> None:
    with filled.begin() as session:
        assert queries.plugins_in_log(session) == ["core", "probe"]


def marks_of(log: Log) -> list[str]:
    with log.begin() as session:
        events = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)).all()
        return list(queries.marks(session, events).values())


def test_untouched_entries_are_marked_sound(filled: Log) -> None:
    assert marks_of(filled) == ["sound"] * 3


def test_changed_entry_is_marked_broken_and_others_stay_sound(filled: Log) -> None:
    filled.tamper(f"UPDATE core_audit_event SET actor_label = 'x' WHERE id = {filled.entries()[1]['id']}")

    assert marks_of(filled) == ["sound", "broken", "sound"]


def test_neighbours_of_a_missing_row_are_unknown_and_not_ticked(log: Log) -> None:
    log.add(*(Person(number=f"{n}") for n in range(3)))
    log.add(Person(number="later"))
    log.tamper(f"DELETE FROM core_audit_event WHERE id = {log.entries()[1]['id']}")

    assert marks_of(log) == ["unknown", "unknown", "sound"]


def test_entries_after_a_missing_chain_row_are_unknown(log: Log) -> None:
    for n in range(3):
        log.add(Person(number=f"{n}"))
    log.tamper("DELETE FROM core_audit_block WHERE seq = 2")

    assert marks_of(log) == ["sound", "unknown", "unknown"]


@pytest.fixture
def named(log: Log) -> Log:
    with log.begin() as session:
        one = Person(number="1", subject_id=new_subject(session), name="أحمد")
        session.add(one)
        audit.name_action(session, one, "reject", reason="his brother")
        work.commit(session)
    return log


def told(session: Session, personal: bool) -> queries.Told:
    event = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)).first()
    assert event is not None
    return queries.told(session, [event], personal=personal)[event.id]


def shown(one: queries.Told, field: str) -> tuple[object, object, str]:
    change = next(change for change in one.changes if change.field == field)
    return change.old, change.new, change.shown


def test_personal_values_are_shown_to_who_may_see_them(named: Log) -> None:
    with named.begin() as session:
        one = told(session, personal=True)

    assert shown(one, "name") == (None, "أحمد", "open")
    assert one.reason == "his brother"


def test_personal_values_stay_sealed_for_others(named: Log) -> None:
    with named.begin() as session:
        one = told(session, personal=False)

    assert shown(one, "name") == (None, None, "sealed")
    assert shown(one, "number") == (None, "1", "open")
    assert one.reason == ""


def test_erased_values_are_said_to_be_erased_and_the_entry_stays_sound(named: Log) -> None:
    with named.begin() as session:
        destroy_subject_key(session, session.scalars(sa.select(Person)).one().subject_id or "")
        work.commit(session)

    with named.begin() as session:
        assert shown(told(session, personal=True), "name") == (None, None, "erased")
    assert marks_of(named) == ["sound"]


def test_tampered_ciphertext_is_said_to_be_unreadable(named: Log) -> None:
    named.tamper("UPDATE core_audit_event SET sealed = 'AAAA'")

    with named.begin() as session:
        assert shown(told(session, personal=True), "name") == (None, None, "unreadable")


def test_entries_of_a_table_that_is_gone_stay_readable() -> None:
    from core.audit.titles import action_title, field_title, record_title

    assert (str(record_title("gone_old_thing")), field_title("gone_old_thing", "shelf_id"), action_title("frobnicate")) == ("old thing", "shelf", "frobnicate")
