"""ACC-21: a beneficiary complains by telephone; it is routed, studied, answered and closed (CMPL-01, 02, 09, 15…19)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.customers.models import Customer
from core.organisation.models import Centre
from core.procedures.models import StepRun
from core.procedures.queries import inbox
from plugins.complaints import domain, services
from plugins.complaints.models import Entry
from tests.plugins.complaints.conftest import Staff, department


def makkah(day: int, hour: int, minute: int) -> datetime:
    """A moment of February 2026 by the clock of Makkah."""
    return datetime(2026, 2, day, hour - 3, minute, tzinfo=UTC)


MONDAY_1015, PROMISED = makkah(2, 10, 15), makkah(3, 17, 0)


def run(session: Session, entry: Entry, number: int) -> StepRun:
    return session.scalars(sa.select(StepRun).where(StepRun.record_type == "complaints_entry", StepRun.record_id == entry.id,
                                                    StepRun.step_number == number)).one()


def promised(receive: Callable[..., Entry], staff: Staff, beneficiary: Customer) -> Entry:
    return receive(staff.centres, at=MONDAY_1015, customer_number=beneficiary.number, channel="phone", answer_now="callback", promised_at=PROMISED,
                   callback_to="0551234567")


def test_it_is_routed_to_centres_affairs_with_the_centre(session: Session, staff: Staff, receive: Callable[..., Entry], beneficiary: Customer,
                                                         centre: Centre) -> None:
    entry = receive(staff.centres, at=MONDAY_1015, customer_number=beneficiary.number)

    assert (entry.department_id, entry.centre_id, entry.channel, entry.received_at) == (
        department(session, "centres_affairs").id, centre.id, "phone", MONDAY_1015)
    assert [run(session, entry, number).due_at for number in (1, 2)] == [MONDAY_1015, MONDAY_1015]


def test_with_a_call_back_the_study_is_due_after_a_day_and_the_call_has_its_task(session: Session, staff: Staff, receive: Callable[..., Entry],
                                                                                 beneficiary: Customer) -> None:
    entry = promised(receive, staff, beneficiary)

    assert run(session, entry, 3).due_at == makkah(3, 10, 15)
    assert (run(session, entry, 5).due_at, run(session, entry, 5).is_open()) == (PROMISED, True)


def test_studied_in_time_answered_and_closed(session: Session, staff: Staff, receive: Callable[..., Entry], beneficiary: Customer) -> None:
    entry = promised(receive, staff, beneficiary)
    actor = staff.centres.actor

    services.study(session, entry, "الموعد لم يُبلّغ", "مركز الصفا", actor=actor, now=makkah(2, 14, 0))
    services.close(session, entry, answer="حُدد موعد جديد", answer_channel="phone", returned_at=makkah(3, 16, 45), actor=actor, now=makkah(3, 16, 45))

    study = run(session, entry, 3)
    assert (study.closed_at, study.is_overdue(makkah(3, 16, 45))) == (makkah(2, 14, 0), False)
    assert str(domain.states()[entry.state].ar) == "مغلقة"
    assert domain.response_minutes(entry.received_at, entry.returned_at) == 30 * 60 + 30
    assert run(session, entry, 5).closed_at == makkah(3, 16, 45)


def test_without_a_study_it_is_overdue_a_minute_later(session: Session, staff: Staff, receive: Callable[..., Entry], beneficiary: Customer) -> None:
    entry = promised(receive, staff, beneficiary)

    def overdue(minute: int) -> list[int]:
        found = inbox(session, staff.centres.actor, makkah(3, 10, minute)).overdue
        return [one.run.step_number for one in found if one.run.record_id == entry.id]

    assert 3 not in overdue(15)
    assert 3 in overdue(16)
