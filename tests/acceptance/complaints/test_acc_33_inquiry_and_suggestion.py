"""ACC-33: an inquiry is routed like a complaint; a suggestion is declined without a call-back; each has its own column (CMPL-23)."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from core.customers.models import Customer
from core.reports import services as report_services
from plugins.complaints import reports, services
from plugins.complaints.models import Entry
from tests.plugins.complaints.conftest import MONDAY, Staff


def test_an_inquiry_is_routed_as_a_complaint_of_the_same_class(session: Session, staff: Staff, receive: Callable[..., Entry],
                                                               beneficiary: Customer, donor: Customer) -> None:
    for one in (beneficiary, donor):
        complaint, inquiry = (receive(staff.crm, kind=kind, customer_number=one.number) for kind in ("complaint", "inquiry"))
        assert (inquiry.department_id, inquiry.centre_id) == (complaint.department_id, complaint.centre_id)


def test_a_suggestion_is_declined_with_a_reason_and_without_a_call_back(session: Session, staff: Staff, receive: Callable[..., Entry]) -> None:
    suggestion = receive(staff.crm, kind="suggestion", answer_now="study")

    services.decide_suggestion(session, suggestion, "declined", "لا تتوفر ميزانية", actor=staff.crm.actor, now=MONDAY)

    assert (suggestion.state, suggestion.decision, suggestion.promised_at) == ("closed", "declined", None)


def test_both_have_columns_of_their_own_in_the_monthly_report(session: Session, staff: Staff, receive: Callable[..., Entry]) -> None:
    for kind in ("complaint", "inquiry", "inquiry", "suggestion"):
        receive(staff.crm, kind=kind)
    report = next(one for one in reports.reports() if one.name == "complaints.monthly")
    keys = [column.key for column in report.columns]

    given = {"from_on": "2026-02-01", "to_on": "2026-02-28"}
    (line,) = report_services.run(session, report, given, actor=staff.quality.actor, now=MONDAY).rows

    assert [dict(zip(keys, line, strict=True))[key] for key in ("received", "inquiries", "suggestions")] == [1, 2, 1]
