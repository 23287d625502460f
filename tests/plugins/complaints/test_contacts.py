"""Contacts 3, 6 and 12 months after an event (CMPL-27)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pluggy
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import hookspecs, work
from core.audit.models import AuditEvent
from core.consent import services as consent
from core.customers.models import Customer
from core.errors import Conflict, InvalidInput, NotAllowed, faults
from core.plugins.manifest import PROJECT, hookimpl
from core.plugins.relay import Relay
from core.testing import sign_in
from plugins.complaints import contacts, offers
from plugins.complaints.models import Contact, Entry
from tests.plugins.complaints.conftest import MONDAY, Person, Staff

VISIT = {"event": "زيارة المقر", "event_on": date(2026, 1, 31), "months": (12, 3, 6)}
LATER = MONDAY + timedelta(days=90)
"""2026-05-03, three days after the first contact is due."""


@pytest.fixture(autouse=True)
def monday() -> Iterator[None]:
    with work.time_at(MONDAY):
        yield


def plan(session: Session, staff: Staff, donor: Customer, **changed: Any) -> list[Contact]:
    given = {"customer_number": donor.number, **VISIT, **changed}
    return contacts.plan(session, **given, actor=staff.crm.actor, now=MONDAY)


def test_three_contacts_are_planned_to_the_day_or_the_months_last(session: Session, staff: Staff, donor: Customer) -> None:
    assert [(one.months, one.due_on, one.customer_id) for one in plan(session, staff, donor)] == [
        (3, date(2026, 4, 30), donor.id), (6, date(2026, 7, 31), donor.id), (12, date(2027, 1, 31), donor.id)]
    assert [one.months for one in plan(session, staff, donor, months=(6,))] == [6]


def test_the_same_form_sent_twice_plans_them_once(client: FlaskClient, session: Session, staff: Staff, donor: Customer) -> None:
    sign_in(client, staff.crm.user)
    given = {"customer_number": donor.number, "event": "زيارة", "event_on": "2026-01-31", "after_3": "y", "after_12": "y", "operation_key": "one"}

    assert [client.post("/complaints/contacts/new/", data=given).status_code for _n in range(2)] == [302, 302]

    assert [one.months for one in session.scalars(sa.select(Contact).order_by(Contact.due_on))] == [3, 12]


def test_a_key_that_no_page_gives_out_plans_nothing(client: FlaskClient, session: Session, staff: Staff, donor: Customer) -> None:
    sign_in(client, staff.crm.user)
    given = {"customer_number": donor.number, "event": "زيارة", "event_on": "2026-01-31", "after_3": "y", "operation_key": "k" * 200}

    assert client.post("/complaints/contacts/new/", data=given).status_code == 422

    assert session.scalars(sa.select(Contact)).all() == []


def test_each_fault_names_its_field(session: Session, staff: Staff, donor: Customer) -> None:
    def refused(**changed: Any) -> set[Any]:
        with pytest.raises(InvalidInput) as caught:
            plan(session, staff, donor, **changed)
        return {(fault.field, fault.rule) for fault in faults(caught.value)}

    assert refused(event=" ", event_on=None, months=()) == {("event", "CMPL-27"), ("event_on", "CMPL-27"), ("months", "CMPL-27")}
    assert refused(months=(4,)) == {("months", "CMPL-27")}
    assert refused(event_on=date(2025, 10, 1)) == {("months", "CMPL-27")}
    assert {field for field, _rule in refused(customer_number="999")} == {"customer_number"}


def test_a_contact_stands_on_my_day_from_its_day_until_it_is_settled(client: FlaskClient, session: Session, staff: Staff, donor: Customer) -> None:
    first, *_others = plan(session, staff, donor)
    assert offers.later_contacts(session, staff.crm.actor, MONDAY).value == 0
    assert offers.later_contacts(session, staff.crm.actor, LATER).value == 1
    assert offers.later_contacts(session, staff.centres.actor, LATER).value == 0

    with work.time_at(LATER):
        sign_in(client, staff.crm.user)
        listed = client.get("/complaints/contacts/?f.due=1").get_data(as_text=True)
        answer = client.post(f"/complaints/contacts/edit/?id={first.id}", data={"state": "done", "channel": "phone", "outcome": "راضٍ عن الخدمة"})

    assert f"id={first.id}" in listed or donor.name in listed
    assert listed.count("زيارة المقر") == 1
    session.refresh(first)
    assert (answer.status_code, first.state, first.channel, first.outcome, first.settled_at, first.settled_by_id) == (
        302, "done", "phone", "راضٍ عن الخدمة", LATER, staff.crm.user.id)
    assert offers.later_contacts(session, staff.crm.actor, LATER).value == 0
    with pytest.raises(Conflict):
        contacts.settle(session, first, state="dropped", outcome="خطأ", actor=staff.crm.actor, now=LATER)


def test_the_customers_page_names_the_next_one(session: Session, staff: Staff, donor: Customer) -> None:
    assert offers.panel(session, donor, staff.crm.actor) == []
    plan(session, staff, donor)

    assert [(line.value, line.link) for line in offers.panel(session, donor, staff.crm.actor)] == [(date(2026, 4, 30), "/complaints/contacts/")]


def test_settling_needs_channel_and_words_and_dropping_a_reason(session: Session, staff: Staff, donor: Customer) -> None:
    first, second, _third = plan(session, staff, donor)

    def refused(**given: Any) -> set[Any]:
        with pytest.raises(InvalidInput) as caught:
            contacts.settle(session, first, **given, actor=staff.crm.actor, now=LATER)
        return {fault.field for fault in faults(caught.value)}

    assert refused(state="", outcome="") == {"state", "outcome"}
    assert refused(state="done", channel="smoke", outcome="x") == {"channel"}
    assert refused(state="dropped", channel="phone", outcome=" ") == {"outcome"}
    dropped = contacts.settle(session, second, state="dropped", channel="phone", outcome="انتقل إلى مدينة أخرى", actor=staff.crm.actor, now=LATER)
    assert (dropped.state, dropped.channel) == ("dropped", None)


class Objector:
    @hookimpl
    def contact_objections(self, channel: str, purpose: str) -> list[str]:
        return ["Asked not to be called."] if (channel, purpose) == ("phone", "service") else []


@pytest.fixture
def objector(session: Session) -> None:
    """A plugin that objects to calls."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(Objector(), name="objector")
    session.info["hooks"] = Relay(manager)


@pytest.mark.usefixtures("objector")
def test_whoever_objects_to_a_channel_is_not_contacted_by_it(session: Session, staff: Staff, donor: Customer) -> None:
    first, *_others = plan(session, staff, donor)

    with pytest.raises(NotAllowed, match="Asked not to be called") as refused:
        contacts.settle(session, first, state="done", channel="phone", outcome="x", actor=staff.crm.actor, now=LATER)

    assert (refused.value.field, refused.value.rule) == ("channel", "PERM-01")
    assert contacts.settle(session, first, state="done", channel="email", outcome="x", actor=staff.crm.actor, now=LATER).state == "done"


def test_a_contact_against_the_customers_will_is_refused_beside_its_field_and_logged(
    client: FlaskClient, session: Session, staff: Staff, donor: Customer,
) -> None:
    first, *_others = plan(session, staff, donor)
    consent.withdraw(session, donor, "phone", "all", source="call", actor=staff.crm.actor, now=MONDAY)

    with work.time_at(LATER):
        sign_in(client, staff.crm.user)
        form = client.get(f"/complaints/contacts/edit/?id={first.id}&lang=en").get_data(as_text=True)
        refused = client.post(f"/complaints/contacts/edit/?id={first.id}&lang=en", data={"state": "done", "channel": "phone", "outcome": "typed words"})

    shown = refused.get_data(as_text=True)
    assert "Mobile or phone: The customer withdrew" in form
    assert (refused.status_code, "typed words" in shown, "The customer withdrew" in shown) == (422, True, True)
    session.refresh(first)
    assert first.state == "open"
    entry = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "denied").order_by(AuditEvent.id.desc()).limit(1)).one()
    assert (entry.rule, entry.record_type, entry.record_id, entry.actor_id) == ("PERM-02", "core_customer", str(donor.id), staff.crm.user.id)


def test_a_call_is_written_down_after_the_hours_in_which_one_calls(session: Session, staff: Staff, donor: Customer) -> None:
    first, *_others = plan(session, staff, donor)
    night = LATER.replace(hour=20)

    assert consent.objections(session, donor.id, "phone", contacts.PURPOSE, actor=staff.crm.actor, now=night) != []
    assert contacts.settle(session, first, state="done", channel="phone", outcome="x", actor=staff.crm.actor, now=night).state == "done"


def test_the_preferred_channel_stands_first(client: FlaskClient, staff: Staff, session: Session, customer: Callable[..., Customer]) -> None:
    writes = customer(name="شركة الضحى", mobile="0557000011", email="d@example.org", contact_channel="email")
    first, *_others = plan(session, staff, writes)
    sign_in(client, staff.crm.user)

    shown = client.get(f"/complaints/contacts/edit/?id={first.id}").get_data(as_text=True)

    assert re.findall(r'<option[^>]* value="(\w+)"', shown)[:2] == ["email", "phone"]


def test_another_department_neither_sees_nor_settles_it(client: FlaskClient, session: Session, staff: Staff, donor: Customer) -> None:
    first, *_others = plan(session, staff, donor)
    sign_in(client, staff.centres.user)

    assert client.get(f"/complaints/contacts/edit/?id={first.id}").status_code == 404
    assert donor.number not in client.get("/complaints/contacts/").get_data(as_text=True)
    with pytest.raises(NotAllowed):
        contacts.plan(session, customer_number=donor.number, **VISIT, actor=staff.secretary.actor, now=MONDAY)


def test_the_entry_of_a_customer_leads_to_planning_for_who_may(
    client: FlaskClient, staff: Staff, donor: Customer, receive: Callable[..., Entry],
) -> None:
    entry = receive(staff.crm, customer_number=donor.number)
    address = f"/complaints/contacts/new/?customer={donor.number}"

    def page_of(by: Person) -> str:
        sign_in(client, by.user)
        return client.get(f"/complaints/{entry.id}").get_data(as_text=True)

    assert address in page_of(staff.crm) and address not in page_of(staff.quality)
