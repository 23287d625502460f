"""Figures of the log against figures counted by hand (CMPL-10, 12, 25, 26; RPT-01, 02; ACC-28, ACC-33)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import figures as core_figures
from core import work
from core.auth.actor import Actor
from core.errors import NotAllowed
from core.i18n import use_language
from core.organisation.models import Centre
from core.reports import services as report_services
from core.reports.domain import as_texts
from core.reports.models import ReportRun
from core.reports.offers import Report
from core.reports.queries import runs_of
from core.reports.results import Result
from core.testing import sign_in
from plugins.complaints import domain, figures, queries, reports, services
from plugins.complaints.models import Cause, Entry
from tests.plugins.complaints.conftest import MONDAY, Person, Staff

Receive = Callable[..., Entry]
HOUR = timedelta(hours=1)
FEBRUARY = {"from_on": date(2026, 2, 1), "to_on": date(2026, 2, 28)}


@pytest.fixture(autouse=True)
def at_the_end_of_february(session: Session, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(work, "now", lambda: datetime(2026, 3, 1, 9, 0, tzinfo=MONDAY.tzinfo))
    with use_language("en"):
        yield


def cause(session: Session, code: str) -> int:
    return session.scalars(sa.select(Cause.id).where(Cause.code == code)).one()


def rows(session: Session, name: str, staff: Staff, **parameters: Any) -> list[dict[str, Any]]:
    found = run(session, name, staff.quality.actor, **parameters)
    return [{column.key: str(cell) if hasattr(cell, "localized") else cell for column, cell in zip(found.columns, row, strict=True)} for row in found.rows]


def run(session: Session, name: str, actor: Actor, **parameters: Any) -> Result:
    report = next(one for one in reports.reports() if one.name == name)
    return report_services.run(session, report, as_texts({**FEBRUARY, **parameters}), actor=actor, now=work.now())


def close(session: Session, entry: Entry, staff: Staff, hours: float) -> None:
    told = entry.received_at + timedelta(hours=hours)
    services.close(session, entry, answer="تم", answer_channel="phone", returned_at=told, actor=staff.crm.actor, now=told)


@pytest.fixture
def month(session: Session, staff: Staff, receive: Receive) -> None:
    """Three complaints in February (one hour, three hours, still open), two inquiries, a declined suggestion, and one in January."""
    first, second, _third = (receive(staff.crm, at=MONDAY + n * HOUR) for n in range(3))
    close(session, first, staff, 1)
    close(session, second, staff, 3)
    for _n in range(2):
        receive(staff.crm, kind="inquiry")
    declined = receive(staff.crm, kind="suggestion", answer_now="study")
    services.decide_suggestion(session, declined, "declined", "لا ميزانية", actor=staff.crm.actor, now=MONDAY + HOUR)
    close(session, receive(staff.crm, at=MONDAY - timedelta(days=9)), staff, 2)


def test_the_month_in_figures_with_other_kinds_in_their_own_columns(session: Session, staff: Staff, month: None) -> None:
    (line,) = rows(session, "complaints.monthly", staff)

    assert line == {"group": "Customer relations", "received": 3, "closed": 2, "open": 1, "late": 1, "average_hours": Decimal("2.0"),
                    "median_hours": Decimal("2.0"), "closing_rate": Decimal("66.7"), "rate_before": Decimal("-33.3"), "inquiries": 2, "suggestions": 1}


@pytest.mark.parametrize(("by", "groups"), [("kind", ["Complaint", "Inquiry", "Suggestion"]), ("channel", ["Telephone"]), ("month", ["2026-02"]),
                                            ("cause", ["Without a cause"]), ("centre", ["Without a centre"])])
def test_the_month_by_other_groups(session: Session, staff: Staff, month: None, by: str, groups: list[str]) -> None:
    assert [str(line["group"]) for line in rows(session, "complaints.monthly", staff, by=by, kind="all")] == groups


def test_the_week_by_department_and_kind(session: Session, staff: Staff, month: None) -> None:
    found = [(line["department"], line["kind"], line["received"]) for line in rows(session, "complaints.weekly", staff)]

    assert found == [("Customer relations", "Complaint", 3), ("Customer relations", "Inquiry", 2), ("Customer relations", "Suggestion", 1)]


def test_suggestions_and_problems_handled(session: Session, staff: Staff, month: None) -> None:
    assert [tuple(line.values()) for line in rows(session, "complaints.suggestions", staff)] == [
        ("Complaint", 3, 2, 0, 0), ("Inquiry", 2, 0, 0, 0), ("Suggestion", 1, 1, 0, 1)]


def test_only_what_repeats_at_one_place_is_a_line(session: Session, staff: Staff, receive: Receive, centre: Centre) -> None:
    late = cause(session, "late")
    for _n in range(3):
        receive(staff.crm, cause_id=late, centre_id=centre.id)
    receive(staff.crm, cause_id=late)
    receive(staff.crm, cause_id=cause(session, "conduct"))
    receive(staff.crm, cause_id=cause(session, "aid"))
    receive(staff.crm, at=MONDAY - timedelta(days=9), cause_id=late, centre_id=centre.id)

    assert rows(session, "complaints.repeated", staff) == [
        {"cause": "Late for the appointed time", "place": "الصفا", "count": 3, "share": Decimal("50.0"), "before": 1}]


def test_what_was_open_at_the_end_of_a_period_counts_as_open_there(session: Session, staff: Staff, receive: Receive) -> None:
    entry = receive(staff.crm)
    services.close(session, entry, answer="تم", answer_channel="phone", returned_at=datetime(2026, 3, 1, 7, 0, tzinfo=MONDAY.tzinfo),
                   actor=staff.crm.actor, now=datetime(2026, 3, 1, 7, 0, tzinfo=MONDAY.tzinfo))

    (line,) = rows(session, "complaints.monthly", staff)
    assert (line["received"], line["closed"], line["late"]) == (1, 0, 1)


def test_a_person_of_one_department_gets_that_departments_figures(session: Session, staff: Staff, month: None) -> None:
    assert run(session, "complaints.monthly", staff.centres.actor).rows == []


def test_a_week_without_anything_has_its_place_in_the_chart(session: Session, staff: Staff, receive: Receive) -> None:
    for week in (0, 2):
        receive(staff.crm, at=MONDAY + timedelta(weeks=week))

    (chart,) = run(session, "complaints.monthly", staff.quality.actor).charts
    assert list(chart.labels) == ["01/02", "08/02", "15/02"]
    assert [list(one.values) for one in chart.series] == [[0, 0, 0], [1, 0, 1]]


@pytest.mark.parametrize("name", ["complaints.monthly", "complaints.performance"])
def test_rows_figures_and_chart_read_each_month_once(session: Session, staff: Staff, month: None, name: str) -> None:
    made: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        made.append(statement)

    sa.event.listen(session.get_bind(), "before_cursor_execute", note)
    found = run(session, name, staff.quality.actor)
    sa.event.remove(session.get_bind(), "before_cursor_execute", note)

    assert (len(found.rows), len(found.figures), len(found.charts)) == (1, 4, 1)
    assert sum("FROM complaints_entry" in one for one in made) == 2, len(made)


def test_averages_leave_out_what_the_source_lacks(session: Session, staff: Staff, receive: Receive) -> None:
    entry = receive(staff.crm, answer_now="solved", answer="تم")
    entry.lacks = {"returned_at": True}
    session.flush()

    (found,) = figures.cases(session, MONDAY - HOUR, MONDAY + HOUR, MONDAY + HOUR, staff.quality.actor)
    assert (found.closed, found.minutes, domain.span_of([])) == (True, None, domain.Span(0, None, None))


# --- kept runs and who reaches as far (CUST-37) ------------------------------------------------------------------------


def keep(session: Session, by: Person) -> ReportRun:
    return report_services.keep(session, monthly_report(), FEBRUARY, actor=by.actor, now=work.now())


def monthly_report() -> Report:
    return next(one for one in reports.reports() if one.name == "complaints.monthly")


def opened(client: FlaskClient, run: ReportRun, by: Person) -> list[int]:
    """What the run's page and its file answer this person."""
    sign_in(client, by.user)
    return [client.get(f"/reports/runs/{run.number}/").status_code, client.post(f"/reports/runs/{run.number}/export", data={"_format": "csv"}).status_code]


def test_a_run_over_the_whole_log_is_not_open_to_a_department(client: FlaskClient, session: Session, staff: Staff, receive: Receive) -> None:
    receive(staff.crm)
    receive(staff.centres, customer_class="beneficiary")
    whole, own = keep(session, staff.quality), keep(session, staff.crm)
    assert [[row[0]["en"] for row in one.document["rows"]] for one in (whole, own)] == [
        ["Customer relations", "Centres, programmes and projects affairs"], ["Customer relations"]]

    assert opened(client, whole, staff.crm_manager) == opened(client, own, staff.crm_manager) == opened(client, own, staff.quality) == [200, 200]
    assert opened(client, whole, staff.crm) == opened(client, own, staff.centres_manager) == [403, 403]
    assert opened(client, own, staff.crm) == [200, 200]
    assert runs_of(session, monthly_report(), staff.centres.actor) == []
    assert runs_of(session, monthly_report(), staff.crm.actor) == [own]


def test_the_refusal_says_the_way_out_and_sending_opens_it(client: FlaskClient, session: Session, staff: Staff, receive: Receive) -> None:
    receive(staff.crm)
    whole = keep(session, staff.quality)
    with pytest.raises(NotAllowed, match="sent to you") as refused:
        report_services.require_run(session, whole, monthly_report(), staff.crm.actor)
    assert refused.value.rule == "CUST-37"

    report_services.send(session, whole, to_roles=["crm_employee"], actor=staff.quality.actor, now=work.now())

    assert opened(client, whole, staff.crm) == [200, 200]


def test_figures_of_a_department_count_no_entry_that_went_to_another(session: Session, staff: Staff, receive: Receive) -> None:
    """An employee reads what he wrote down himself; the figures of his department are of its own entries."""
    away = receive(staff.crm, customer_class="beneficiary")
    assert queries.by_id(session, away.id, staff.crm.actor) is not None

    assert figures.cases(session, MONDAY - HOUR, MONDAY + HOUR, work.now(), staff.crm.actor) == []
    assert [one.id for one in figures.cases(session, MONDAY - HOUR, MONDAY + HOUR, work.now(), staff.centres.actor)] == [away.id]


def test_the_panel_of_another_plugin_is_told_what_was_received_and_closed_in_each_period(
    session: Session, staff: Staff, receive: Receive,
) -> None:
    """CALL-02, 03: of complaints only, closed by the period's end, and only for who reads the whole log."""
    for place, at in enumerate((MONDAY - timedelta(days=20), MONDAY, MONDAY + HOUR)):
        entry = receive(staff.crm, at)
        if place:
            services.close(session, entry, answer="أجيب", answer_channel="phone", returned_at=at + HOUR, actor=staff.crm.actor,
                           now=MONDAY + timedelta(days=place * 20))
    receive(staff.crm, MONDAY, kind="inquiry")
    months = [(datetime(2026, month, 1, tzinfo=MONDAY.tzinfo), datetime(2026, month + 1, 1, tzinfo=MONDAY.tzinfo)) for month in (1, 2)]

    def told(who: Person) -> Any:
        return core_figures.ask(session, core_figures.COMPLAINTS, months, actor=who.actor, now=work.now())

    assert told(staff.quality) == [{"received": 1, "closed": 0}, {"received": 2, "closed": 1}]
    assert told(staff.crm) is None
    assert core_figures.ask(session, "donations", months, actor=staff.quality.actor, now=work.now()) is None
