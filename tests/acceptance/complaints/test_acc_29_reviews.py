"""ACC-29: each manager reviews the own department's week and recommends; the secretary decides in the month's review (CMPL-21, 22)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, NotAllowed
from core.procedures import recurring
from core.procedures.models import StepPeriod
from core.procedures.queries import inbox
from core.recommendations import queries as recommendations
from core.recommendations import services as recommending
from plugins.complaints import reviews
from plugins.complaints.models import Entry
from tests.plugins.complaints.conftest import MONDAY, Staff, department

SUNDAY, TUESDAY = datetime(2026, 2, 1, 6, 0, tzinfo=UTC), datetime(2026, 2, 3, 9, 0, tzinfo=UTC)


@pytest.fixture
def weeks(session: Session) -> dict[int | None, StepPeriod]:
    recurring.open_periods(session, {}, SUNDAY)
    found = session.scalars(sa.select(StepPeriod).where(StepPeriod.procedure_code == "MAN-CMPL", StepPeriod.step_number == 8))
    return {one.department_id: one for one in found}


def test_each_manager_has_one_task_with_the_own_departments_entries(
    session: Session, staff: Staff, receive: Callable[..., Entry], weeks: dict[int | None, StepPeriod],
) -> None:
    ours = receive(staff.crm)
    theirs = receive(staff.crm, customer_class="beneficiary")
    for one, home, own in ((staff.crm_manager, "crm", ours), (staff.centres_manager, "centres_affairs", theirs)):
        tasks = [step.run for steps in inbox(session, one.actor, MONDAY).groups.values() for step in steps if step.run.step_number == 8]
        assert [run.record_id for run in tasks] == [weeks[department(session, home).id].id]
        assert [case.id for case in reviews.entries_of(session, weeks[department(session, home).id], one.actor, MONDAY)] == [own.id]


def test_a_review_shows_what_was_open_before_its_week_too(
    session: Session, staff: Staff, receive: Callable[..., Entry], weeks: dict[int | None, StepPeriod],
) -> None:
    week, before = weeks[department(session, "crm").id], MONDAY - timedelta(days=8)
    old = receive(staff.crm, at=before)
    receive(staff.crm, at=before, answer_now="solved", answer="تم")
    receive(staff.crm, at=before, customer_class="beneficiary")
    receive(staff.crm)

    assert [one.id for one in reviews.left_open(session, week, staff.crm_manager.actor)] == [old.id]


def test_what_is_due_later_in_the_period_is_not_late_yet(
    session: Session, staff: Staff, receive: Callable[..., Entry], weeks: dict[int | None, StepPeriod],
) -> None:
    receive(staff.crm, answer_now="callback", promised_at=MONDAY + timedelta(days=2), callback_to="0559990000")
    week = weeks[department(session, "crm").id]
    late = [[case.late for case in reviews.entries_of(session, week, staff.crm_manager.actor, now)] for now in (MONDAY, MONDAY + timedelta(days=3))]

    assert late == [[False], [True]]


def test_the_other_departments_manager_does_not_close_it(session: Session, staff: Staff, weeks: dict[int | None, StepPeriod]) -> None:
    week = weeks[department(session, "centres_affairs").id]

    with pytest.raises(NotAllowed):
        reviews.finish(session, week, "", actor=staff.crm_manager.actor, now=MONDAY)
    assert reviews.finish(session, week, "راجعت السجل", actor=staff.centres_manager.actor, now=MONDAY).reviewed_at == MONDAY


def test_the_secretary_adopts_two_and_declines_one(session: Session, staff: Staff, weeks: dict[int | None, StepPeriod]) -> None:
    week = weeks[department(session, "crm").id]
    source = recommending.source_of(session, week, link=f"/complaints/reviews/{week.id}", decision="complaints.recommendations")
    raised = [recommending.propose(session, text, source=source, actor=staff.crm_manager.actor, now=MONDAY) for text in ("تدريب", "رسالة تذكير", "موظف")]
    month = session.scalars(sa.select(StepPeriod).where(StepPeriod.procedure_code == "MAN-CMPL", StepPeriod.step_number == 9)).one()
    assert recommendations.waiting_for_decision(session, plugin="complaints") == raised

    with pytest.raises(Conflict):
        reviews.finish(session, month, "", actor=staff.secretary.actor, now=TUESDAY)
    for one, adopt in zip(raised, (True, True, False), strict=True):
        recommending.decide(session, one, adopt, reason="" if adopt else "لا ميزانية", actor=staff.secretary.actor, now=TUESDAY)
    reviews.finish(session, month, "تم", actor=staff.secretary.actor, now=TUESDAY)

    assert [(one.state, one.decided_at) for one in raised] == [("adopted", TUESDAY), ("adopted", TUESDAY), ("declined", TUESDAY)]
