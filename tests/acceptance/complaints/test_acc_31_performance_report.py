"""ACC-31: the monthly performance report from its preparation to the archive, which does not change any more (RPT-01…09)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.errors import Conflict, InvalidInput
from core.procedures import recurring
from core.procedures.models import StepPeriod, StepRun
from core.recommendations import services as recommending
from core.recommendations.domain import Source
from core.reports import services as report_services
from core.reports.models import ReportRun
from plugins.complaints import performance, reports
from plugins.complaints.models import Entry
from tests.plugins.complaints.conftest import Staff, department

LAST_DAY = datetime(2026, 1, 31, 6, 0, tzinfo=UTC)
REPORT = next(one for one in reports.reports() if one.name == "complaints.performance")


@pytest.fixture
def january(session: Session, staff: Staff, receive: Callable[..., Entry], monkeypatch: pytest.MonkeyPatch) -> StepPeriod:
    monkeypatch.setattr(work, "now", lambda: LAST_DAY)
    for n in range(3):
        receive(staff.crm, at=datetime(2026, 1, 10 + n, 9, 0, tzinfo=UTC))
    recurring.open_periods(session, {}, LAST_DAY)
    home = department(session, "crm").id
    return session.scalars(sa.select(StepPeriod).where(StepPeriod.procedure_code == "MAN-RPT", StepPeriod.department_id == home)).one()


def due(session: Session, period: StepPeriod, number: int) -> datetime | None:
    run = session.scalars(sa.select(StepRun).where(StepRun.record_type == "core_step_period", StepRun.record_id == period.id,
                                                   StepRun.step_number == number, StepRun.procedure_code == "MAN-RPT")).one()
    return run.due_at


def december(session: Session, staff: Staff) -> list[recommending.Recommendation]:
    """Two recommendations of December, both adopted, one of them carried out."""
    source = Source(label="2025-12", link="/complaints/", plugin="complaints", decision="complaints.recommendations",
                    department_id=department(session, "crm").id, period=(date(2025, 12, 1), date(2025, 12, 31)))
    raised = [recommending.propose(session, text, source=source, actor=staff.crm_manager.actor, now=LAST_DAY) for text in ("تدريب", "رسالة")]
    for one in raised:
        recommending.decide(session, one, True, actor=staff.secretary.actor, now=LAST_DAY)
    recommending.carry_out(session, raised[0], actor=staff.crm_manager.actor, now=LAST_DAY)
    return raised


def test_on_the_last_day_it_opens_for_both_departments(session: Session, january: StepPeriod) -> None:
    opened = session.scalars(sa.select(StepRun).where(StepRun.procedure_code == "MAN-RPT", StepRun.step_number == 1))

    assert sorted(run.roles for run in opened) == ["|centres_employee|", "|crm_employee|"]


def test_the_way_to_the_archive_with_one_recommendation_not_carried_out(session: Session, staff: Staff, january: StepPeriod,
                                                                        receive: Callable[..., Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    crm, manager, secretary = staff.crm.actor, staff.crm_manager.actor, staff.secretary.actor
    left = december(session, staff)[1]
    now = LAST_DAY + timedelta(hours=2)

    made = performance.prepare(session, january, REPORT, "ثلاث شكاوى", actor=crm, now=now)
    performance.review(session, january, "التأخر في الرد", actor=manager, now=now)
    assert performance.follow_up(session, january, actor=manager, now=now) is True
    assert due(session, january, 4) == now + timedelta(days=2)

    with pytest.raises(InvalidInput):
        performance.investigate(session, january, actor=manager, now=now)
    recommending.record_cause(session, left, "لم يعتمد النص", actor=manager, now=now)
    performance.investigate(session, january, actor=manager, now=now)
    assert due(session, january, 5) == now + timedelta(days=3)
    assert made.submitted_at == now

    performance.discuss(session, january, "نوقش مع المديرين", actor=secretary, now=now)
    assert due(session, january, 6) == now + timedelta(days=1)
    performance.archive(session, january, actor=crm, now=now)
    assert made.archived_at == now

    kept = session.get_one(ReportRun, made.run_id)
    before = kept.content
    receive(staff.crm, at=datetime(2026, 1, 30, 9, 0, tzinfo=UTC))
    live = report_services.run(session, REPORT, {"from_on": "2026-01-01", "to_on": "2026-01-31"}, actor=staff.quality.actor, now=now)
    assert live.totals["received"] == [4]
    session.expire(kept)
    assert kept.content == before
    assert kept.document["totals"]["received"] == [3]


def test_nobody_steps_out_of_turn_and_the_archive_is_shut(session: Session, staff: Staff, january: StepPeriod) -> None:
    crm, manager, secretary = staff.crm.actor, staff.crm_manager.actor, staff.secretary.actor
    with pytest.raises(Conflict):
        performance.review(session, january, "x", actor=manager, now=LAST_DAY)
    made = performance.prepare(session, january, REPORT, "", actor=crm, now=LAST_DAY)
    with pytest.raises(Conflict):
        performance.archive(session, january, actor=crm, now=LAST_DAY)
    performance.review(session, january, "لا شيء", actor=manager, now=LAST_DAY)
    assert performance.follow_up(session, january, actor=manager, now=LAST_DAY) is False
    performance.discuss(session, january, "نوقش", actor=secretary, now=LAST_DAY)
    performance.archive(session, january, actor=crm, now=LAST_DAY)

    with pytest.raises(sa.exc.DatabaseError, match="RPT-09"), session.begin_nested():
        made.weak_points = "تغيير"
        session.flush()
