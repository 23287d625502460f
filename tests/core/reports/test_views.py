"""The report centre: one page for all, each for whom it is meant, and exports in the audit log (PLUG-05, AUD-05)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.audit.models import AuditEvent
from core.auth.actor import Actor
from core.exporter.columns import Column
from core.reports import services
from core.reports.models import ReportRun
from core.reports.offers import Report
from core.state import Offer
from core.testing import NOON, actor_with
from tests.support.people import signed_in

DONORS = 600


def by_day(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    for number in range(DONORS):
        yield f"=cmd{number}", number, 150, parameters["from_on"]


DAYS = Report(
    "notes.by_day", "Notes by day", permission="reports.open", rows=by_day, totals=("count", "amount"),
    columns=(Column("name", "Name"), Column("count", "Count", "integer"), Column("amount", "Amount", "money", currency="KWD"), Column("day", "Day", "date")),
)
SECRET = Report("notes.secret", "Secret report", permission="jobs.manage", rows=by_day, columns=DAYS.columns)


@pytest.fixture
def offered(app: Flask) -> Iterator[Flask]:
    offers = app.extensions["diwan"].offers
    kept = offers.get("register_reports", [])
    offers["register_reports"] = [*kept, Offer("notes", DAYS), Offer("notes", SECRET)]
    yield app
    offers["register_reports"] = kept


def entries(session: Session) -> list[AuditEvent]:
    return list(session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "export").order_by(AuditEvent.id)))


def test_index_lists_the_reports_a_person_may_open(offered: Flask, session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")

    html = client.get("/reports/").get_data(as_text=True)

    assert "Notes by day" in html
    assert "Secret report" not in html


def test_page_shows_first_rows_and_totals_over_all(offered: Flask, session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")

    answer = client.get("/reports/notes.by_day/?from_on=2026-01-01&to_on=2026-01-31&centre_id=")
    html = answer.get_data(as_text=True)

    assert answer.status_code == 200
    assert html.count("=cmd") == services.SHOWN_ROWS
    assert "600 rows" in html
    assert "the CSV has all" in html
    assert html.index("90.000") < html.index("=cmd0")  # the totals are in view before the rows
    assert "90.000" in html  # 600 × KWD 0.150
    assert "179,700" in html
    assert 'value="2026-01-01"' in html


def test_the_next_page_goes_on_where_the_first_ended(offered: Flask, session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")
    seen: list[str] = []
    address: str | None = "/reports/notes.by_day/?from_on=2026-01-01&to_on=2026-01-31&code=x"
    while address:
        html = client.get(address).get_data(as_text=True)
        assert "90.000" in html
        seen += re.findall(r"=cmd(\d+)", html)
        following = re.search(r'rel="next" href="([^"]+)"', html)
        address = f"/reports/notes.by_day/{unescape(following.group(1))}" if following else None

    assert seen == [str(number) for number in range(DONORS)]


@pytest.mark.parametrize("start", ["x", "-1", "999999", "9" * 30])
def test_a_page_that_is_not_there_is_empty_or_the_first(offered: Flask, session: Session, client: FlaskClient, start: str) -> None:
    signed_in(client, session, "crm_manager")

    assert client.get(f"/reports/notes.by_day/?start={start}").status_code == 200


def test_page_of_a_wrong_period_says_so_and_keeps_the_input(offered: Flask, session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")

    answer = client.get("/reports/notes.by_day/?from_on=2026-02-01&to_on=2026-01-01")

    assert answer.status_code == 422
    assert "before it begins" in answer.get_data(as_text=True)
    assert 'value="2026-02-01"' in answer.get_data(as_text=True)


@pytest.mark.parametrize("address", ["/reports/notes.secret/", "/reports/nothing/"])
def test_report_of_others_does_not_exist(offered: Flask, session: Session, client: FlaskClient, address: str) -> None:
    signed_in(client, session, "crm_manager")

    assert client.get(address).status_code == 404
    assert client.post(f"{address}export").status_code == 404


def test_export_is_one_entry_with_user_filter_rows_and_checksum(offered: Flask, session: Session, client: FlaskClient) -> None:
    user = signed_in(client, session, "crm_manager")
    before = len(entries(session))

    answer = client.post("/reports/notes.by_day/export", data={"from_on": "2026-01-01", "to_on": "2026-01-31"})

    body = answer.get_data()
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    logged = entries(session)[before:]
    assert len(logged) == 1
    facts = json.loads(logged[0].data or "{}")
    assert (logged[0].actor_id, logged[0].plugin) == (user.id, "notes")
    assert facts["report"] == "notes.by_day"
    assert facts["filter"] == {"from_on": "2026-01-01", "to_on": "2026-01-31"}
    assert (facts["rows"], facts["sha256"]) == (DONORS, hashlib.sha256(body).hexdigest())


def test_export_has_english_keys_and_defuses_formulas(offered: Flask, session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager", language="ar")

    lines = client.post("/reports/notes.by_day/export", data={"from_on": "2026-01-01"}).get_data().decode("utf-8-sig").split("\r\n")

    assert lines[0] == "name,count,amount,day"
    assert lines[1] == "'=cmd0,0,0.150,2026-01-01"


def test_export_by_get_is_refused(offered: Flask, session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")

    assert client.get("/reports/notes.by_day/export").status_code == 405


def test_report_that_fails_midway_leaves_no_file_and_no_entry(app: Flask, session: Session) -> None:
    def failing(*_: Any) -> Iterator[tuple[Any, ...]]:
        yield "a", 1, 1, None
        raise RuntimeError("midway")

    report = Report("notes.failing", "Failing", permission="reports.open", rows=failing, columns=DAYS.columns)
    before = len(entries(session))

    with pytest.raises(RuntimeError, match="midway"):
        services.export(session, report, {}, actor=actor_with("reports.open"), now=NOON)

    assert len(entries(session)) == before


def test_person_of_one_centre_gets_that_centre(app: Flask, session: Session) -> None:
    seen: list[Any] = []

    def rows(_session: Session, parameters: Mapping[str, Any], _actor: Actor) -> Iterator[tuple[Any, ...]]:
        seen.append(parameters["centre_id"])
        return iter(())

    report = Report("notes.centre", "Centre", permission="reports.open", rows=rows, columns=DAYS.columns)

    services.run(session, report, {}, actor=actor_with("reports.open", centre_ids=frozenset({9})), now=NOON)

    assert seen == [9]


# --- pictures, kept runs, the calendar -----------------------------------------------------------------------------------

WEEK = {"from_on": "2026-01-04", "to_on": "2026-01-10"}


@pytest.fixture
def employee(weekly: Flask, session: Session, client: FlaskClient) -> FlaskClient:
    """A client on which an employee is signed in, who must produce the weekly report."""
    signed_in(client, session, "crm_employee")
    return client


def kept_number(client: FlaskClient) -> str:
    answer = client.post("/reports/notes.weekly/keep", data=WEEK)
    assert answer.status_code == 302
    return str(answer.headers["Location"]).rstrip("/").rpartition("/")[2]


def test_page_shows_figures_chart_and_the_same_numbers_as_a_table(employee: FlaskClient) -> None:
    html = employee.get("/reports/notes.weekly/?from_on=2026-01-04&to_on=2026-01-10").get_data(as_text=True)

    assert "September 139" in html
    assert html.count('<svg xmlns="http://www.w3.org/2000/svg" class="dw-chart') == 2
    assert " style=" not in html
    assert "The numbers as a table" in html
    assert "Definition." in html


@pytest.mark.parametrize(("kind", "start", "media"), [("csv", b"\xef\xbb\xbf", "text/csv"), ("xlsx", b"PK", "sheet"), ("pdf", b"%PDF", "application/pdf")])
def test_every_format_is_downloaded_and_logged(employee: FlaskClient, session: Session, kind: str, start: bytes, media: str) -> None:
    answer = employee.post("/reports/notes.weekly/export", data={**WEEK, "_format": kind})

    body = answer.get_data()
    assert body.startswith(start)
    assert media in answer.headers["Content-Type"]
    assert f".{kind}" in answer.headers["Content-Disposition"]
    facts = json.loads(entries(session)[-1].data or "{}")
    assert (facts["format"], facts["filter"], facts["sha256"]) == (kind, WEEK, hashlib.sha256(body).hexdigest())


def test_an_unknown_format_is_a_clear_answer(employee: FlaskClient) -> None:
    assert employee.post("/reports/notes.weekly/export", data={**WEEK, "_format": "exe"}).status_code == 422


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_kept_run_says_that_it_is_frozen_and_offers_others(weekly: Flask, session: Session, client: FlaskClient, language: str) -> None:
    signed_in(client, session, "crm_employee", language=language)
    number = kept_number(client)

    html = client.get(f"/reports/runs/{number}/").get_data(as_text=True)

    assert ("Kept, its figures do not change" if language == "en" else "محفوظ، أرقامه ثابتة") in html
    assert 'href="/reports/notes.weekly/?from_on=2026-01-04&amp;kind=&amp;to_on=2026-01-10"' in html
    assert number in html
    assert ("4 to 10 January 2026" if language == "en" else "4 إلى 10 يناير 2026 م") in html


def test_a_kept_run_is_downloaded_in_every_format(employee: FlaskClient, session: Session) -> None:
    number = kept_number(employee)

    for kind in ("csv", "xlsx", "pdf"):
        assert employee.post(f"/reports/runs/{number}/export", data={"_format": kind}).status_code == 200
        assert json.loads(entries(session)[-1].data or "{}")["run"] == number


def test_kept_runs_are_listed(employee: FlaskClient) -> None:
    number = kept_number(employee)

    assert number in employee.get("/reports/notes.weekly/runs").get_data(as_text=True)
    assert number not in employee.get("/reports/notes.summed/runs").get_data(as_text=True)


def test_sending_by_the_page_opens_the_run_to_its_reader(weekly: Flask, session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_employee")
    number = kept_number(client)
    secretary = weekly.test_client()
    signed_in(secretary, session, "subcouncil_secretary")

    assert client.post(f"/reports/runs/{number}/send", data={"roles": "subcouncil_secretary"}).status_code == 302
    assert "1 notice" in client.get(f"/reports/runs/{number}/").get_data(as_text=True)
    assert secretary.get(f"/reports/runs/{number}/").status_code == 200


def test_sending_without_a_role_is_a_clear_answer(employee: FlaskClient) -> None:
    assert employee.post(f"/reports/runs/{kept_number(employee)}/send").status_code == 422


def test_a_reader_finds_no_button_and_no_way_to_keep(weekly: Flask, session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "auditor")

    assert "Keep this run" not in client.get("/reports/notes.weekly/").get_data(as_text=True)
    assert client.post("/reports/notes.weekly/keep", data=WEEK).status_code == 403
    assert session.scalar(sa.select(sa.func.count(ReportRun.id))) == 0


def test_runs_of_a_report_that_is_off_are_not_there(weekly: Flask, session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_employee")
    number = kept_number(client)
    weekly.extensions["diwan"].offers["register_reports"] = []

    for address in (f"/reports/runs/{number}/", "/reports/notes.weekly/runs"):
        assert client.get(address).status_code == 404
    assert client.post(f"/reports/runs/{number}/export").status_code == 404


@pytest.mark.parametrize("number", ["RUN-1999-0001", "x" * 300, "%00", "'"])
def test_a_run_that_never_was_is_not_found(employee: FlaskClient, number: str) -> None:
    assert employee.get(f"/reports/runs/{number}/").status_code in (400, 404)


def test_the_calendar_leads_to_the_report_of_the_period(employee: FlaskClient) -> None:
    html = employee.get("/reports/calendar").get_data(as_text=True)

    assert "Weekly report" in html
    assert 'data-state="due"' in html
    assert re.search(r'href="/reports/notes.weekly/\?from_on=\d{4}-\d\d-\d\d&amp;to_on=', html)
    assert 'href="/reports/calendar"' in employee.get("/reports/").get_data(as_text=True)
