"""Reminders by telephone and e-mail: planned, made at their hour, and what came of them (CALL-14)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from core.consent import services as consent
from core.customers.models import Customer
from core.errors import Conflict, InvalidInput, NotAllowed, faults
from core.notices.models import FAILED, Mail, Notice
from core.procedures.models import StepRun
from plugins.callcenter import offers, reminders
from plugins.callcenter.models import Call, Reminder
from tests.plugins.callcenter.conftest import MONDAY, People, Staff

AT = MONDAY + timedelta(hours=4)
VISIT = MONDAY + timedelta(days=2)
Plan = Callable[..., Reminder]


@pytest.fixture
def donor(customer: Callable[..., Customer]) -> Customer:
    return customer(name="مؤسسة الخير", mobile="0557654321", email="info@khair.example")


@pytest.fixture
def plan(session: Session, staff: Staff, donor: Customer) -> Plan:
    def make(**values: Any) -> Reminder:
        given = {"customer_number": donor.number, "kind": "appointment", "channel": "phone", "about": "موعد في مركز جدة", "due_at": AT, "about_at": VISIT,
                 **values}
        return reminders.plan(session, given, actor=staff.agent.actor, now=MONDAY)

    return make


def step_of(session: Session, one: Reminder) -> StepRun:
    return session.scalars(sa.select(StepRun).where(StepRun.record_type == "callcenter_reminder", StepRun.record_id == one.id)).one()


def mails(session: Session) -> list[Mail]:
    return list(session.scalars(sa.select(Mail).where(Mail.unique_key.startswith("callcenter.reminder:")).order_by(Mail.id)))


def test_a_reminder_by_telephone_stands_in_the_inbox_at_its_hour_and_its_call_is_recorded(session: Session, staff: Staff, donor: Customer, plan: Plan) -> None:
    one = plan()
    assert (step_of(session, one).due_at, step_of(session, one).link) == (AT, f"/callcenter/reminders/{one.id}")

    reminders.note_result(session, one, {"result": "reminded", "duration": "0:40", "note": "سيحضر"}, actor=staff.donors.actor, now=AT)

    call = session.get_one(Call, one.call_id)
    assert (one.state, one.result, one.note, one.attempts) == ("done", "reminded", "سيحضر", 1)
    assert (call.direction, call.customer_id, call.duration_seconds, call.result) == ("out", donor.id, 40, "informed")
    assert (step_of(session, one).ended_at, step_of(session, one).outcome) == (AT, "reminded")


def test_whether_he_came_is_known_only_afterwards(session: Session, staff: Staff, plan: Plan) -> None:
    one = plan()
    assert reminders.results_for(one, AT) == ["reminded", "not_reached"]
    reminders.note_result(session, one, {"result": "not_reached"}, actor=staff.agent.actor, now=AT)
    with pytest.raises(InvalidInput):
        reminders.note_result(session, one, {"result": "missed"}, actor=staff.agent.actor, now=AT)

    reminders.note_result(session, one, {"result": "missed"}, actor=staff.agent.actor, now=VISIT + timedelta(hours=1))

    assert (one.result, session.scalar(sa.select(sa.func.count(Call.id))), reminders.results_for(one, VISIT + timedelta(days=1))) == ("missed", 1, [])


def test_a_mail_leaves_when_it_is_due_with_the_way_out_of_further_ones(session: Session, english: None, plan: Plan, donor: Customer) -> None:
    one = plan(channel="email")
    reminders.send_due(session, {}, MONDAY)
    assert mails(session) == []

    for _time in range(2):
        reminders.send_due(session, {}, AT)

    (mail,) = mails(session)
    assert (mail.to_address, mail.language, one.state, one.result, one.mail_id) == (donor.email, "ar", "done", "sent", mail.id)
    assert "موعد في مركز جدة" in mail.body and "4 فبراير 2026" in mail.body and donor.name in mail.body
    assert mail.body.rstrip().endswith("أجب على هذه الرسالة.")
    assert mail.subject == "تذكير: موعد"


def test_who_withdrew_meanwhile_gets_no_mail_and_the_planner_is_told(session: Session, people: People, staff: Staff, donor: Customer, plan: Plan) -> None:
    one = plan(channel="email")
    consent.withdraw(session, donor, "email", "all", source="letter", actor=people.manager.actor, now=MONDAY + timedelta(hours=1))

    reminders.send_due(session, {}, AT)

    assert (mails(session), one.state, one.result) == ([], "done", "not_reached")
    assert one.note and session.scalars(sa.select(Notice).where(Notice.user_id == staff.agent.user.id)).one().link == f"/callcenter/reminders/{one.id}"


def test_a_mail_that_the_server_refused_is_not_reached(session: Session, staff: Staff, plan: Plan) -> None:
    one = plan(channel="email")
    reminders.send_due(session, {}, AT)
    session.execute(sa.select(Mail.id))
    mails(session)[0].state = FAILED
    session.flush()

    reminders.send_due(session, {}, AT + timedelta(hours=1))

    assert one.result == "not_reached"
    assert session.scalar(sa.select(sa.func.count(Notice.id)).where(Notice.user_id == staff.agent.user.id)) == 1


def test_who_may_not_be_contacted_by_it_is_not_planned(session: Session, people: People, donor: Customer, plan: Plan) -> None:
    consent.withdraw(session, donor, "phone", "all", source="letter", actor=people.manager.actor, now=MONDAY - timedelta(hours=1))

    with pytest.raises(NotAllowed) as refused:
        plan()
    assert (refused.value.field, plan(channel="email").channel) == ("channel", "email")


def test_the_page_of_the_customer_says_when_he_is_to_be_reminded(
    session: Session, english: None, app: Flask, staff: Staff, donor: Customer, plan: Plan,
) -> None:
    one = plan()

    with app.test_request_context():
        shown = [(str(line.label), line.value, line.link) for line in offers.panel(session, donor, staff.agent.actor)]

    assert shown == [("To be reminded at", AT, f"/callcenter/reminders/{one.id}")]


def test_one_that_is_dropped_leaves_the_inbox(session: Session, staff: Staff, plan: Plan) -> None:
    one = plan()
    reminders.drop(session, one, "حضر قبل موعده", actor=staff.agent.actor, now=AT)

    assert (one.state, one.note, step_of(session, one).ended_at) == ("dropped", "حضر قبل موعده", AT)
    with pytest.raises(Conflict):
        reminders.drop(session, one, "x", actor=staff.agent.actor, now=AT)


@pytest.mark.parametrize(("values", "fields"), [
    ({"customer_number": "1", "kind": "", "channel": "fax", "about": "", "due_at": None}, {"customer_number", "kind", "channel", "about", "due_at"}),
    ({"due_at": MONDAY}, {"due_at"}), ({"due_at": VISIT + timedelta(hours=1)}, {"about_at"}),
])
def test_every_fault_is_named(plan: Plan, values: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        plan(**values)
    assert {fault.field for fault in faults(refused.value)} == fields
