"""Kept runs never change; files of four formats are logged; sending is logged and told (RPT-09, RPT-03, AUD-05)."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.database import section
from core.errors import InvalidInput, InvalidInputs, NotAllowed, NotFound
from core.i18n import use_language
from core.money import Money
from core.notices.models import Notice
from core.notices.services import words
from core.reports import files, pdf, services
from core.reports.models import ReportRun, ReportSending
from core.reports.offers import ReportFigure
from core.reports.queries import may_read_run, run_of_period, runs_of
from core.reports.results import result_of
from core.testing import NOON, actor_with
from tests.core.reports import samples
from tests.core.reports.samples import SUMMED, WEEKLY
from tests.support.people import person

KEEPER = actor_with("reports.open", "reports.keep", label="keeper")
READER = actor_with("reports.open", label="reader", user_id=None)
WEEK = {"from_on": "2026-01-04", "to_on": "2026-01-10"}


@pytest.fixture
def run(weekly: Flask, session: Session) -> ReportRun:
    return services.keep(session, WEEKLY, WEEK, actor=KEEPER, now=NOON)


def content_of(made: services.Export) -> bytes:
    with made.file:
        return made.file.read()


def logged(session: Session) -> None:
    """Let what was done be written to the log."""
    work.commit(session)
    work.begin_write(session)


def last_export(session: Session) -> dict[str, object]:
    logged(session)
    return json.loads(session.scalar(sa.select(AuditEvent.data).where(AuditEvent.action == "export").order_by(AuditEvent.id.desc()).limit(1)) or "{}")


# --- keeping -------------------------------------------------------------------------------------------------------------


def test_a_kept_run_holds_what_the_page_showed(session: Session, run: ReportRun) -> None:
    result = result_of(run, WEEKLY)

    assert (run.report, run.starts_on, run.ends_on, run.whole, run.row_count) == ("notes.weekly", date(2026, 1, 4), date(2026, 1, 10), True, 2)
    assert run.number.startswith(f"RUN-{NOON.year}-")
    assert result.rows[0][1:] == [46, Decimal("-9.6"), Money(Decimal("150.050"), "KWD"), date(2026, 1, 4)]
    assert result.totals == {"received": [74], "amount": [Money(Decimal("150.100"), "KWD")]}
    assert [one.value for one in result.figures] == [74]
    assert [one.kind for one in result.charts] == ["columns", "bars"]
    assert hashlib.sha256(run.content.encode()).hexdigest() == run.sha256


def test_later_changes_do_not_reach_it(session: Session, run: ReportRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples.Unit, "received", 99)
    session.expire_all()

    assert services.run(session, WEEKLY, WEEK, actor=KEEPER, now=NOON).rows[0][1] == 99
    kept = result_of(session.get_one(ReportRun, run.id), WEEKLY)
    assert (kept.rows[0][1], kept.figures[0].value) == (46, 74)


@pytest.mark.parametrize("statement", [
    "UPDATE core_report_run SET content = '{}'", "UPDATE core_report_run SET sha256 = 'x'", "DELETE FROM core_report_run",
    "UPDATE core_report_sending SET roles = '|x|'", "DELETE FROM core_report_sending",
])
def test_the_database_refuses_any_change(session: Session, run: ReportRun, statement: str) -> None:
    person(session, "crm_manager")
    services.send(session, run, to_roles=["crm_manager"], actor=KEEPER, now=NOON)

    with pytest.raises(DBAPIError, match="RPT-0"), session.begin_nested(), section("test"):
        session.execute(sa.text(statement))


def test_a_run_is_read_in_both_languages(session: Session, run: ReportRun) -> None:
    found = []
    for code in ("ar", "en"):
        with use_language(code):
            result = result_of(run, WEEKLY)
            found.append((str(result.title), str(result.rows[0][0]), [one.words[0] for one in result.said]))

    assert found == [("التقرير الأسبوعي", "مركز الصفا", ["4 إلى 10 يناير 2026 م", "الكل"]), ("Weekly report", "Safa", ["4 to 10 January 2026", "all"])]


def test_days_and_numbers_are_taken_as_they_are(session: Session, weekly: Flask) -> None:
    kept = services.keep(session, WEEKLY, {"from_on": date(2026, 1, 4), "to_on": date(2026, 1, 10), "kind": "a"}, actor=KEEPER, now=NOON)

    assert (kept.parameters, kept.whole) == ({"from_on": "2026-01-04", "to_on": "2026-01-10", "kind": "a"}, False)
    assert run_of_period(session, "notes.weekly", date(2026, 1, 4), date(2026, 1, 10)) is None


def test_each_run_has_a_number_of_its_own(session: Session, run: ReportRun) -> None:
    assert services.keep(session, WEEKLY, WEEK, actor=KEEPER, now=NOON).number != run.number
    assert run_of_period(session, "notes.weekly", date(2026, 1, 4), date(2026, 1, 10)) == run


def test_who_must_produce_it_may_keep_it_and_a_reader_may_not(session: Session, weekly: Flask) -> None:
    duty = actor_with("reports.open", roles=frozenset({"crm_employee"}))
    services.keep(session, WEEKLY, WEEK, actor=duty, now=NOON)

    for actor in (READER, actor_with("reports.keep")):
        with pytest.raises(NotAllowed):
            services.keep(session, WEEKLY, WEEK, actor=actor, now=NOON)


def test_runs_of_other_reports_are_not_kept(session: Session, weekly: Flask) -> None:
    with pytest.raises(NotAllowed, match="not kept"):
        services.keep(session, SUMMED, WEEK, actor=KEEPER, now=NOON)


def test_a_wrong_period_keeps_nothing(session: Session, weekly: Flask) -> None:
    with pytest.raises(InvalidInputs):
        services.keep(session, WEEKLY, {"from_on": "2026-02-01", "to_on": "2026-01-01"}, actor=KEEPER, now=NOON)
    assert session.scalar(sa.select(sa.func.count(ReportRun.id))) == 0


def test_what_is_too_long_is_not_kept(session: Session, weekly: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST_KEPT_ROWS", 1)

    with pytest.raises(InvalidInput, match="10,000"):
        services.keep(session, WEEKLY, WEEK, actor=KEEPER, now=NOON)


def test_keeping_is_in_the_log_without_the_rows(session: Session, run: ReportRun) -> None:
    logged(session)
    entry = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "report_keep")).one()

    assert entry.record_label == run.number
    assert run.sha256 in (entry.changes or "")
    assert "Safa" not in (entry.changes or "")


# --- reading and sending -------------------------------------------------------------------------------------------------


def test_somebody_of_one_centre_reads_no_run_of_all(session: Session, run: ReportRun) -> None:
    bound = actor_with("reports.open", centre_ids=frozenset({9}))

    assert may_read_run(session, run, WEEKLY, READER)
    assert not may_read_run(session, run, WEEKLY, bound)
    assert runs_of(session, WEEKLY, bound) == []
    assert runs_of(session, WEEKLY, READER) == [run]


def test_sending_tells_the_holders_and_lets_them_read(session: Session, run: ReportRun) -> None:
    secretary = person(session, "subcouncil_secretary")
    holder = actor_with(roles=frozenset({"subcouncil_secretary"}), user_id=secretary.id)
    assert not may_read_run(session, run, WEEKLY, holder)

    sending = services.send(session, run, to_roles=["subcouncil_secretary"], actor=KEEPER, now=NOON)

    notice = session.scalars(sa.select(Notice).where(Notice.user_id == secretary.id)).one()
    with use_language("en"):
        assert words(notice) == f"The report “Weekly report” ({run.number}) was sent to you by keeper."
    assert notice.link == f"/reports/runs/{run.number}/"
    assert (sending.told, sending.role_slugs, sending.sent_at) == (1, ["subcouncil_secretary"], NOON)
    logged(session)
    assert may_read_run(session, run, WEEKLY, holder)
    assert session.scalar(sa.select(sa.func.count(AuditEvent.id)).where(AuditEvent.action == "report_send")) == 1


@pytest.mark.parametrize("roles", [[], ["no_such_role"], ["finance_manager"]])
def test_sending_to_nobody_is_refused(session: Session, run: ReportRun, roles: list[str]) -> None:
    with pytest.raises(InvalidInput):
        services.send(session, run, to_roles=roles, actor=KEEPER, now=NOON)
    assert session.scalar(sa.select(sa.func.count(ReportSending.id))) == 0


def test_a_reader_sends_nothing(session: Session, run: ReportRun) -> None:
    person(session, "crm_manager")

    with pytest.raises(NotAllowed):
        services.send(session, run, to_roles=["crm_manager"], actor=READER, now=NOON)


def test_a_run_of_a_report_that_is_off_is_not_sent(session: Session, run: ReportRun, weekly: Flask) -> None:
    weekly.extensions["diwan"].offers["register_reports"] = []

    with pytest.raises(NotFound):
        services.send(session, run, to_roles=["crm_manager"], actor=KEEPER, now=NOON)


# --- files ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", files.FORMATS)
@pytest.mark.parametrize("language", ["ar", "en"])
def test_each_format_is_logged_with_rows_and_checksum(session: Session, weekly: Flask, kind: str, language: str) -> None:
    with use_language(language):
        made = services.export(session, WEEKLY, WEEK, actor=KEEPER, now=NOON, format=kind)
        services.log_export(session, made, actor=KEEPER)
    content = content_of(made)

    assert last_export(session) | {"summary": ""} == {
        "summary": "", "report": "notes.weekly", "format": kind, "filter": WEEK, "rows": 2, "sha256": hashlib.sha256(content).hexdigest()}
    assert content.startswith({"csv": b"\xef\xbb\xbf", "xlsx": b"PK", "pdf": b"%PDF", "json": b"{"}[kind])
    assert made.outcome.size == len(content)


def test_a_kept_run_gives_the_same_table_and_names_itself_in_the_log(session: Session, run: ReportRun, monkeypatch: pytest.MonkeyPatch) -> None:
    live = content_of(services.export(session, WEEKLY, WEEK, actor=KEEPER, now=NOON))
    monkeypatch.setattr(samples.Unit, "received", 99)

    made = services.export_run(session, run, WEEKLY, actor=KEEPER, now=NOON)
    services.log_export(session, made, actor=KEEPER)

    assert content_of(made) == live
    assert last_export(session)["run"] == run.number
    for kind in ("xlsx", "pdf", "json"):
        made = services.export_run(session, run, WEEKLY, actor=KEEPER, now=NOON, format=kind)
        assert made.outcome.rows == 2
        assert len(content_of(made)) == made.outcome.size


def test_a_row_of_totals_ends_the_file_and_is_not_counted(session: Session, weekly: Flask) -> None:
    with use_language("en"):
        made = services.export(session, SUMMED, WEEK, actor=KEEPER, now=NOON)

    assert content_of(made).decode("utf-8-sig").split("\r\n")[-2] == "Total,74,,,"
    assert made.outcome.rows == 2


def test_a_workbook_lies_from_right_to_left_in_arabic(session: Session, weekly: Flask) -> None:
    with use_language("ar"):
        book = content_of(services.export(session, WEEKLY, WEEK, actor=KEEPER, now=NOON, format="xlsx"))

    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        assert b'rightToLeft="1"' in parts.read("xl/worksheets/sheet1.xml")


def test_json_has_amounts_with_their_currency(session: Session, weekly: Flask) -> None:
    with use_language("en"):
        found = json.loads(content_of(services.export(session, WEEKLY, WEEK, actor=KEEPER, now=NOON, format="json")))

    assert found["parameters"] == WEEK
    assert found["rows"][0] == {"unit": "Safa", "received": 46, "change": "-9.6", "amount": {"amount": "150.050", "currency": "KWD"}, "day": "2026-01-04"}


def test_an_unknown_format_is_refused(session: Session, weekly: Flask) -> None:
    with pytest.raises(InvalidInput, match="no format"):
        services.export(session, WEEKLY, WEEK, actor=KEEPER, now=NOON, format="docx")


def test_a_pdf_is_not_for_everything(session: Session, weekly: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MOST_ROWS", 1)

    with pytest.raises(InvalidInput, match="2,000"):
        services.export(session, WEEKLY, WEEK, actor=KEEPER, now=NOON, format="pdf")


def test_the_sheet_of_paper_says_everything_in_arabic(session: Session, run: ReportRun) -> None:
    with use_language("ar"):
        sheet = pdf.sheet_of(session, result_of(run, WEEKLY), now=NOON)

    assert (sheet["direction"], sheet["title"], sheet["number"]) == ("rtl", "التقرير الأسبوعي", run.number)
    assert sheet["rows"][0][:3] == [["مركز الصفا", False], ["46", True], ["\u22129.6", True]]
    assert sheet["rows"][0][3][0].startswith("150.050")
    assert sheet["totals"][0] == ["المجموع"]
    assert sheet["cells"][0]["words"][0] == "4 إلى 10 يناير 2026 م"
    assert [one["svg"].startswith("<svg") for one in sheet["charts"]] == [True, True]
    assert "ثابتة" in sheet["frozen"]


def test_reports_without_pictures_run_as_before(session: Session, weekly: Flask) -> None:
    plain = replace(WEEKLY, name="notes.plain", figures=None, chart=None, every=None, role="")

    result = services.run(session, plain, WEEK, actor=READER, now=NOON)
    assert (result.figures, result.charts, result.run) == ((), (), None)


def test_what_a_report_loads_is_read_once_for_rows_figures_and_chart(session: Session, weekly: Flask) -> None:
    read: list[object] = []

    def load(*_: object) -> list[object]:
        read.append("once")
        return read

    loading = replace(WEEKLY, name="notes.loading", load=load, rows=lambda _s, values, _a, loaded: [("x", len(loaded), None, 1, values["from_on"])],
                      figures=lambda _s, _v, _a, loaded: [ReportFigure("x", len(loaded))], chart=lambda _s, _v, _a, loaded: samples.CHART if loaded else None)

    result = services.run(session, loading, WEEK, actor=READER, now=NOON)
    assert (result.rows[0][1], result.figures[0].value, result.charts) == (1, 1, (samples.CHART,))
    assert read == ["once"]
    assert b"x,2," in content_of(services.export(session, loading, WEEK, actor=READER, now=NOON))
