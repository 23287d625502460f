"""ACC-93 with the real log: a customer renamed by form is renamed in his complaint at once (PLUG-06, CUST-01, CUST-22).

Leads and surveys are not built; the story's last sentence is shown of every table of complaints.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.customers import entry as entering
from core.customers import services as forms
from core.customers.models import Customer
from core.database import metadata, owner_of
from core.testing import sign_in
from plugins.complaints.models import Entry
from tests.core.customers.conftest import People
from tests.plugins.complaints.conftest import MONDAY, Staff

OLD, NEW = "مؤسسة الخير", "مؤسسة الخير العالمية"


def rename(session: Session, people: People, donor: Customer) -> None:
    """By form, an hour after the complaint: filled, reviewed, approved, and entered another hour later."""
    at = MONDAY + timedelta(hours=1)
    form = forms.fill_form(session, {"name": NEW}, actor=people.employee.actor, now=at, customer=donor)
    forms.review(session, form, actor=people.manager.actor, now=at)
    forms.approve(session, form, actor=people.manager.actor, now=at)
    entering.enter(session, form, actor=people.officer.actor, now=at + timedelta(hours=1))


def text(client: FlaskClient, place: str) -> str:
    """A page without the marks that a search sets into the words it found."""
    return re.sub("</?mark[^>]*>", "", client.get(place).get_data(as_text=True))


def test_the_new_name_stands_in_his_complaint_wherever_it_is_shown(app: Flask, session: Session, staff: Staff, people: People, donor: Customer,
                                                                   receive: Callable[..., Entry]) -> None:
    with work.time_at(MONDAY):
        entry = receive(staff.crm, customer_number=donor.number)
        work.commit(session)
        client = sign_in(app.test_client(), staff.crm_manager.user)
        places = ("/complaints/", f"/complaints/{entry.id}", f"/complaints/?q={OLD}", f"/search/?part=1&q={entry.number}", f"/customers/{donor.number}")
        pages = [text(client, place) for place in places]
        assert [OLD in page and NEW not in page for page in pages] == [True] * len(places)

    work.begin_write(session)
    rename(session, people, donor)
    work.commit(session)

    with work.time_at(MONDAY + timedelta(hours=3)):
        client = sign_in(app.test_client(), staff.crm_manager.user)
        for place in (*places, f"/complaints/?q={NEW}"):
            page = text(client, place)
            assert NEW in page and entry.number in page, place


def test_the_last_change_of_the_record_is_the_entry_time(session: Session, staff: Staff, people: People, donor: Customer,
                                                         receive: Callable[..., Entry]) -> None:
    received = receive(staff.crm, customer_number=donor.number)
    written = received.updated_at

    rename(session, people, donor)

    session.refresh(received)
    assert (donor.name, donor.changed_at) == (NEW, MONDAY + timedelta(hours=2))
    assert received.updated_at == written, "nothing was written into the complaint"


def test_no_row_of_complaints_holds_the_name(session: Session, staff: Staff, people: People, donor: Customer, receive: Callable[..., Entry]) -> None:
    receive(staff.crm, customer_number=donor.number)
    receive(staff.crm, name="متصل غير مسجل")
    tables = [table for table in metadata.tables.values() if owner_of(table.name) == "complaints"]

    def held(word: str) -> list[str]:
        return [table.name for table in tables for row in session.execute(sa.select(table)) if any(word in str(value) for value in row)]

    assert held(OLD) == []
    assert held("متصل غير مسجل") == ["complaints_entry"], "of a caller without a record the log itself is the place"
    assert "complaints_entry" in {table.name for table in tables for key in table.foreign_keys if key.column.table.name == "core_customer"}
