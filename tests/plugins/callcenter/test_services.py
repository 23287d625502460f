"""Calls by hand, promised call-backs, and a call that becomes an entry of the log (CALL-01, 04, 09, 10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pluggy
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from core.customers.domain import touch_points
from core.customers.models import Customer
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, faults
from core.messages import Message, Taken
from core.plugins.manifest import PROJECT, hookimpl
from core.plugins.relay import Relay
from core.procedures.models import StepRun
from plugins.callcenter import offers, queries, services
from plugins.callcenter.models import Call, Callback
from tests.plugins.callcenter.conftest import MONDAY, Staff

Log = Callable[..., Call]
TOMORROW = MONDAY + timedelta(days=1)


def steps(session: Session, one: Callback) -> list[StepRun]:
    return list(session.scalars(sa.select(StepRun).where(StepRun.record_type == "callcenter_callback", StepRun.record_id == one.id).order_by(StepRun.id)))


@pytest.fixture
def promised(session: Session, staff: Staff, donor: Customer, log: Log) -> Callback:
    call = log(staff.agent, result="callback", customer_number=donor.number, phone="", due_at=TOMORROW)
    return session.scalars(sa.select(Callback).where(Callback.call_id == call.id)).one()


def test_a_call_holds_what_was_said_of_it(staff: Staff, donor: Customer, log: Log) -> None:
    call = log(staff.agent, customer_number=donor.number, phone="٠٥٥ ٧٦٥ ٤٣٢١", duration="3:20", note="سأل عن مشروع")

    assert (call.direction, call.subject, call.result, call.duration_seconds, call.talk_seconds, call.answered) == ("in", "donation", "solved", 200, 200, True)
    assert (call.customer_id, call.subject_id, call.phone, call.agent_id, call.started_at) == (
        donor.id, donor.subject_id, "+966557654321", staff.agent.user.id, MONDAY - timedelta(seconds=200))


def test_a_call_stands_on_the_customers_page_with_its_touch_point(app: Flask, session: Session, staff: Staff, donor: Customer, log: Log) -> None:
    log(staff.agent, customer_number=donor.number)
    with app.test_request_context("/"):
        (found,) = offers.entries(session, donor.id, staff.agent.actor, None, 5)

    assert found.touch_point == "service"
    assert found.touch_point in touch_points()


def test_an_unknown_number_and_no_number_are_calls_too(staff: Staff, log: Log) -> None:
    stranger, nobody = log(staff.agent, phone="00966 55 999 0000", name="متصل"), log(staff.agent, phone="", result="no_answer", direction="out")

    assert (stranger.customer_id, stranger.phone, stranger.name) == (None, "+966559990000", "متصل")
    assert (nobody.customer_id, nobody.phone, nobody.answered, nobody.talk_seconds) == (None, None, False, 0)
    assert stranger.subject_id != nobody.subject_id


def test_every_fault_is_named_at_once(english: None, staff: Staff, log: Log) -> None:
    with pytest.raises(InvalidInput) as refused:
        log(staff.agent, direction="up", subject="", result="callback", duration="x", phone="12", started_at=TOMORROW)

    assert {fault.field for fault in faults(refused.value)} == {"direction", "subject", "duration", "phone", "started_at", "callback_to", "due_at"}
    assert {fault.rule for fault in faults(refused.value)} == {"CALL-01", "CALL-04"}


def test_sent_twice_it_is_one_call_and_only_agents_write_one_down(session: Session, staff: Staff) -> None:
    given = {"direction": "in", "subject": "donation", "result": "solved"}
    first = services.log_call(session, given, actor=staff.agent.actor, now=MONDAY, operation_key="key-1")

    assert services.log_call(session, given, actor=staff.agent.actor, now=MONDAY, operation_key="key-1") is first
    with pytest.raises(Conflict):
        services.log_call(session, given, actor=staff.donors.actor, now=MONDAY, operation_key="key-1")
    with pytest.raises(NotAllowed):
        services.log_call(session, given, actor=staff.quality.actor, now=MONDAY)


def test_only_who_keeps_the_call_centre_writes_down_calls_of_others(staff: Staff, log: Log) -> None:
    assert log(staff.manager, agent_id=str(staff.agent.user.id)).agent_id == staff.agent.user.id
    with pytest.raises(InvalidInput) as refused:
        log(staff.agent, agent_id=str(staff.manager.user.id))
    assert faults(refused.value)[0].field == "agent_id"


def test_a_promise_is_a_step_of_the_inbox_at_its_hour(session: Session, staff: Staff, promised: Callback, donor: Customer) -> None:
    (step,) = steps(session, promised)

    assert (promised.phone, promised.customer_id, promised.due_at) == (donor.mobile, donor.id, TOMORROW)
    assert (step.due_at, step.customer_id, step.ended_at, set(step.role_slugs)) == (TOMORROW, donor.id, None, {"call_agent", "donor_service_agent"})
    assert step.link == f"/callcenter/callbacks/{promised.id}"


def test_the_queue_is_sorted_by_due_time(session: Session, staff: Staff, log: Log) -> None:
    hours = (30, 3, 12)
    for after in hours:
        log(staff.agent, result="callback", due_at=MONDAY + timedelta(hours=after))

    assert [one.due_at - MONDAY for one in session.scalars(queries.waiting())] == [timedelta(hours=after) for after in sorted(hours)]


def test_a_done_call_back_records_its_call_and_closes_its_step(session: Session, staff: Staff, promised: Callback, donor: Customer) -> None:
    call = services.complete_callback(session, promised, {"result": "solved", "duration": "1:30"}, actor=staff.donors.actor, now=TOMORROW)

    assert (call.direction, call.customer_id, call.phone, call.agent_id, call.duration_seconds, call.subject) == (
        "out", donor.id, donor.mobile, staff.donors.user.id, 90, "donation")
    assert (promised.state, promised.done_call_id, promised.settled_by_id) == ("done", call.id, staff.donors.user.id)
    assert [(step.ended_at, step.outcome) for step in steps(session, promised)] == [(TOMORROW, "done")]
    with pytest.raises(Conflict):
        services.complete_callback(session, promised, {"result": "solved"}, actor=staff.agent.actor, now=TOMORROW)


def test_a_call_that_nobody_answers_leaves_the_promise_open(session: Session, staff: Staff, promised: Callback) -> None:
    call = services.complete_callback(session, promised, {"result": "no_answer"}, actor=staff.agent.actor, now=TOMORROW)

    assert (call.direction, call.answered, promised.state, steps(session, promised)[0].ended_at) == ("out", False, "open", None)


def test_another_hour_moves_the_step_and_a_dropped_one_leaves_the_inbox(session: Session, staff: Staff, promised: Callback) -> None:
    later = TOMORROW + timedelta(hours=4)
    services.postpone_callback(session, promised, later, actor=staff.agent.actor, now=MONDAY)
    assert [(step.due_at, step.ended_at is None) for step in steps(session, promised)] == [(TOMORROW, False), (later, True)]

    with pytest.raises(InvalidInput):
        services.drop_callback(session, promised, " ", actor=staff.agent.actor, now=MONDAY)
    services.drop_callback(session, promised, "اتصل بنفسه", actor=staff.agent.actor, now=MONDAY)
    assert (promised.state, promised.reason) == ("dropped", "اتصل بنفسه")
    assert all(step.ended_at is not None for step in steps(session, promised))


class Others:
    """Other plugins: one that objects to calls, and one that keeps a log."""

    reasons: tuple[str, ...] = ()
    taken: Message | None = None

    @hookimpl
    def contact_objections(self, channel: str) -> tuple[str, ...]:
        return self.reasons if channel == "phone" else ()

    @hookimpl
    def take_message(self, message: Message) -> Taken:
        self.taken = message
        return Taken("C-2026-0001", "/log/1")


@pytest.fixture
def others(session: Session) -> Others:
    from core import hookspecs

    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    one = Others()
    manager.register(one, name="others")
    session.info["hooks"] = Relay(manager)
    return one


def test_who_may_not_be_called_now_is_not(session: Session, english: None, staff: Staff, promised: Callback, others: Others) -> None:
    others.reasons = ("Asked not to be called.",)

    with pytest.raises(NotAllowed, match="Asked not to be called") as refused:
        services.complete_callback(session, promised, {"result": "solved"}, actor=staff.agent.actor, now=TOMORROW)
    assert (refused.value.rule, promised.state) == ("PERM-01", "open")


def test_whom_one_may_not_call_one_has_not_called(session: Session, english: None, staff: Staff, donor: Customer, log: Log, others: Others) -> None:
    others.reasons = ("Asked not to be called.",)

    with pytest.raises(NotAllowed, match="Asked not to be called") as refused:
        log(staff.agent, customer_number=donor.number, direction="out")
    assert (refused.value.field, refused.value.rule) == ("caller", "PERM-01")
    assert log(staff.agent, customer_number=donor.number, phone="").direction == "in"
    assert log(staff.agent, phone="", direction="out").customer_id is None


def test_a_call_becomes_an_entry_with_customer_channel_time_and_reference(
    session: Session, staff: Staff, donor: Customer, log: Log, others: Others,
) -> None:
    call = log(staff.agent, customer_number=donor.number, phone="")

    taken = services.open_entry(session, call, "complaint", "لم يصل الإيصال", actor=staff.agent.actor, now=MONDAY)

    assert others.taken == Message("callcenter", str(call.id), "phone", "لم يصل الإيصال", kind="complaint", said_at=call.started_at,
                                   customer_number=donor.number, link=f"/callcenter/{call.id}")
    assert (call.entry_number, call.entry_link) == (taken.number, taken.link) == ("C-2026-0001", "/log/1")


def test_without_a_log_a_call_becomes_no_entry(session: Session, english: None, staff: Staff, log: Log) -> None:
    with pytest.raises(NotFound, match="turn it on"):
        services.open_entry(session, log(staff.agent), "complaint", "x", actor=staff.agent.actor, now=MONDAY)


def test_a_call_of_the_exchange_is_described_and_given_its_customer(session: Session, staff: Staff, donor: Customer, log: Log) -> None:
    call = log(staff.agent)
    services.describe_call(session, call, subject="receipt", result="informed", note="أرسل الإيصال", actor=staff.donors.actor, now=MONDAY)
    services.attach(session, call, donor.number, actor=staff.donors.actor, now=MONDAY)

    assert (call.subject, call.result, call.note, call.customer_id) == ("receipt", "informed", "أرسل الإيصال", donor.id)
    values: dict[str, Any] = {"subject": "no such", "result": "none either"}
    with pytest.raises(InvalidInput) as refused:
        services.describe_call(session, call, **values, actor=staff.donors.actor, now=MONDAY)
    assert {fault.field for fault in faults(refused.value)} == {"subject", "result"}
