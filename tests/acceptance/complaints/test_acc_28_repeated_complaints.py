"""ACC-28: the monthly report of repeated complaints is prepared by quality and sent to strategic planning (CMPL-12, 20)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import InvalidInput
from core.organisation.models import Centre
from core.procedures import recurring
from core.procedures.models import StepPeriod, StepRun
from core.reports.models import ReportSending
from plugins.complaints import reports, reviews
from plugins.complaints.models import Cause, Entry
from tests.core.customers.conftest import person
from tests.plugins.complaints.conftest import Staff

FIRST, LAST = datetime(2026, 1, 5, 9, 0, tzinfo=UTC), datetime(2026, 1, 31, 9, 0, tzinfo=UTC)


def cause(session: Session, code: str) -> int:
    return session.scalars(sa.select(Cause.id).where(Cause.code == code)).one()


@pytest.fixture
def january(session: Session, staff: Staff, receive: Callable[..., Entry], centre: Centre) -> StepPeriod:
    """Three complaints of التأخر عن الموعد at one centre, one elsewhere, two other causes once each; the month's step is open."""
    late = cause(session, "late")
    for n, (code, place) in enumerate(((late, centre.id),) * 3 + ((late, None), (cause(session, "conduct"), centre.id), (cause(session, "aid"), centre.id))):
        receive(staff.crm, at=FIRST + timedelta(days=n), cause_id=code, centre_id=place)
    recurring.open_periods(session, {}, LAST)
    return session.scalars(sa.select(StepPeriod).where(StepPeriod.procedure_code == "MAN-CMPL", StepPeriod.step_number == 7)).one()


def test_one_group_of_three_and_none_of_one(session: Session, staff: Staff, january: StepPeriod, centre: Centre) -> None:
    lines = reviews.prepare_repeated(session, january, actor=staff.quality.actor, now=LAST)

    assert january.number == "2026-01"
    assert [(line.count, line.centre_id) for line in lines] == [(3, centre.id)]


def test_it_is_sent_when_each_line_has_its_three_texts(session: Session, staff: Staff, january: StepPeriod) -> None:
    planner = person(session, "planner", "strategic_planning_manager")
    report = next(one for one in reports.reports() if one.name == "complaints.repeated")
    (line,) = reviews.prepare_repeated(session, january, actor=staff.quality.actor, now=LAST)

    with pytest.raises(InvalidInput):
        reviews.send_repeated(session, january, report, actor=staff.quality.actor, now=LAST)
    reviews.propose_solution(session, line, solution="جدول مواعيد", implementation="يبلّغ المركز قبل يوم", monitoring="عدد الشكاوى كل أسبوع",
                             actor=staff.quality.actor, now=LAST)
    review = reviews.send_repeated(session, january, report, actor=staff.quality.actor, now=LAST)

    sent = session.scalars(sa.select(ReportSending).where(ReportSending.run_id == review.run_id)).one()
    assert (sent.role_slugs, sent.sent_at, sent.told) == (["strategic_planning_manager"], LAST, 1)
    run = session.scalars(sa.select(StepRun).where(StepRun.record_type == "core_step_period", StepRun.record_id == january.id)).one()
    assert run.closed_at == LAST
    assert planner.user.id is not None
