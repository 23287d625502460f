"""ACC-112: one log, its weekly summary, quality's follow-up and a reassignment (CMPL-07, CMPL-08, CMPL-11, CMPL-29)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.errors import InvalidInput, NotAllowed
from core.notices.models import Notice
from core.procedures.models import StepRun
from core.reports import services as report_services
from core.reports.queries import may_read_run
from plugins.complaints import queries, reports, services
from plugins.complaints.models import Entry
from tests.plugins.complaints.conftest import MONDAY, Staff, department


def test_complaint_inquiry_and_suggestion_get_running_numbers_of_one_log(staff: Staff, receive: Callable[..., Entry]) -> None:
    first, second, third = (int(receive(staff.crm, kind=kind).number.rpartition("-")[2]) for kind in ("complaint", "inquiry", "suggestion"))

    assert (second, third) == (first + 1, first + 2)


def test_the_weekly_summary_goes_to_three_recipients_and_is_logged(session: Session, staff: Staff, receive: Callable[..., Entry]) -> None:
    receive(staff.crm)
    receive(staff.centres, customer_class="beneficiary", kind="suggestion")
    report = next(one for one in reports.reports() if one.name == "complaints.weekly")
    week = {"from_on": date(2026, 2, 1), "to_on": date(2026, 2, 7)}
    now = MONDAY + timedelta(days=6)

    kept = report_services.keep(session, report, week, actor=staff.crm_manager.actor, now=now)
    sent = report_services.send(session, kept, to_roles=report.sent_to, actor=staff.crm_manager.actor, now=now)
    work.commit(session)

    assert [(row[0]["en"], row[1]["en"], row[2]) for row in kept.document["rows"]] == [
        ("Customer relations", "Complaint", 1), ("Centres, programmes and projects affairs", "Suggestion", 1)]
    assert sorted(sent.role_slugs) == ["centres_manager", "crm_manager", "quality_employee"]
    told = set(session.scalars(sa.select(Notice.user_id).where(Notice.link == f"/reports/runs/{kept.number}/")))
    assert told == {staff.centres_manager.user.id, staff.crm_manager.user.id, staff.quality.user.id}
    assert all(may_read_run(session, kept, report, one.actor) for one in (staff.centres_manager, staff.crm_manager, staff.quality))
    logged = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "report_send")).all()
    assert [(one.record_type, int(one.record_id or 0)) for one in logged] == [("core_report_sending", sent.id)]
    assert sent.sent_at == now


def test_an_employee_who_reads_one_department_does_not_make_the_summary_of_all(session: Session, staff: Staff) -> None:
    report = next(one for one in reports.reports() if one.name == "complaints.weekly")

    with pytest.raises(NotAllowed):
        report_services.keep(session, report, {}, actor=staff.crm.actor, now=MONDAY)


def test_quality_assigns_a_follow_up_to_it(session: Session, staff: Staff, receive: Callable[..., Entry]) -> None:
    entry = receive(staff.crm)

    asked = services.follow_up(session, entry, department(session, "it").id, "رسائل النظام لا تصل", actor=staff.quality.actor, now=MONDAY)

    assert [(one.id, one.department_id, one.done_at) for one in queries.follow_ups_of(session, entry)] == [(asked.id, department(session, "it").id, None)]


def test_reassigning_needs_a_reason_and_keeps_both_and_the_due_moment(session: Session, staff: Staff, receive: Callable[..., Entry]) -> None:
    entry = receive(staff.centres, customer_class="beneficiary", answer_now="callback", promised_at=MONDAY + timedelta(days=2), callback_to="0559990000")
    crm = department(session, "crm").id

    with pytest.raises(InvalidInput):
        services.reassign(session, entry, crm, "", actor=staff.centres.actor, now=MONDAY)
    services.reassign(session, entry, crm, "يخص المتبرعين", actor=staff.centres.actor, now=MONDAY)

    assert [one.department_id for one in queries.assignments_of(session, entry)] == [department(session, "centres_affairs").id, crm]
    study = session.scalars(sa.select(StepRun).where(StepRun.record_type == "complaints_entry", StepRun.record_id == entry.id, StepRun.step_number == 3)).one()
    assert study.due_at == datetime(2026, 2, 3, 7, 15, tzinfo=UTC), "2026-02-03 10:15 in Makkah"
