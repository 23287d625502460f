"""A year of the demo's complaints: the page of the clause and the kept monthly report, held against queries written apart (PLUG-10, RPT-01, RPT-09)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from core import demo, work
from core.auth import services as auth
from core.auth.actor import Actor
from core.auth.models import User
from core.commands import operator
from core.database import UtcDateTime, db
from core.i18n import use_language
from core.opening import opened
from core.reports import services as report_services
from core.reports.keeping import canonical, checksum
from core.reports.models import ReportRun
from core.reports.results import document_of
from core.testing import close_app, make_app, new_association, rolled_back, sign_in, test_deployment
from plugins.complaints import reports, services
from plugins.complaints.demo import ENTRIES
from plugins.complaints.models import Entry, Performance

pytestmark = pytest.mark.slow
MAKKAH = ZoneInfo("Asia/Riyadh")
REPORT = next(one for one in reports.reports() if one.name == "complaints.performance")
MOMENTS = ("since", "until", "now")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def year(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The demo of the centres in Makkah, with fewer customers, on this engine."""
    url = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    deployment = test_deployment(tmp_path_factory.mktemp(f"year-{request.param}"))
    association = new_association(deployment, "year", postgres=url, preset="neighbourhood_centres", plugins=frozenset({"complaints"}))
    with opened(association, deployment, actor=operator()) as (app, session), use_language("ar"):
        demo.Story(session, demo.PLANS[0], 120, app.extensions["diwan"]).tell()
    app = make_app(association, deployment)
    yield app
    close_app(app)


def bounds(month: date) -> tuple[datetime, datetime]:
    """The first moments of a month and of the next, in Makkah."""
    after = (month + timedelta(days=32)).replace(day=1)
    return tuple(datetime(day.year, day.month, 1, tzinfo=MAKKAH).astimezone(UTC) for day in (month, after))  # type: ignore[return-value]


def months(now: datetime) -> list[date]:
    """The present month and the eleven before."""
    found = [now.astimezone(MAKKAH).date().replace(day=1)]
    while len(found) < 12:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found


def ask(session: Session, query: str, **values: Any) -> list[tuple[Any, ...]]:
    moments = [sa.bindparam(name, type_=UtcDateTime) for name in MOMENTS if f":{name}" in query]
    return [tuple(row) for row in session.execute(sa.text(query).bindparams(*moments), values)]


# --- the page of the clause --------------------------------------------------------------------------------------------

OF_A_MONTH = """
    SELECT CASE WHEN step_number = 6 THEN 4 ELSE step_number END, COUNT(*),
           SUM(CASE WHEN ended_as = 'closed' AND (due_at IS NULL OR NOT ended_at > due_at) THEN 1 ELSE 0 END),
           SUM(CASE WHEN ended_as = 'closed' AND ended_at > due_at THEN 1 WHEN ended_at IS NULL AND due_at < :now THEN 1 ELSE 0 END),
           SUM(CASE WHEN ended_at IS NULL THEN 1 ELSE 0 END)
      FROM core_step_run WHERE procedure_code = 'MAN-CMPL' AND opened_at >= :since AND opened_at < :until GROUP BY 1"""


def shown(page: str) -> dict[int, tuple[int, ...]]:
    """By step the figures of the page: opened, in time, late, open now."""
    found = {}
    body = page[page.index("<tbody>"):page.index("</tbody>")]
    for row in body.split("<tr>")[1:]:
        number = re.search(r'href="/procedures/MAN-CMPL/(\d+)/"', row)
        cells = re.findall(r'<td class="dw-right[^>]*>(.*?)</td>', row, re.DOTALL)
        assert number and len(cells) == 4, row
        found[int(number[1])] = tuple(int(re.sub(r"<[^>]+>|[^\d<]", "", cell.split('<span class="dw-second')[0])) for cell in cells)
    return found


def test_each_months_figures_of_the_clause_equal_a_query_written_apart(year: Flask) -> None:
    now = datetime.now(UTC)
    with year.app_context(), work.time_at(now):
        client = sign_in(year.test_client(), db.session.scalars(sa.select(User).where(User.username == "manager")).one())
        client.set_cookie("diwan_language", "en")
        db.session.rollback()
        whole = dict.fromkeys(range(1, 10), (0, 0, 0, 0))
        for month in months(now):
            since, until = bounds(month)
            counted = {row[0]: tuple(map(int, row[1:])) for row in ask(work.real(db.session), OF_A_MONTH, since=since, until=until, now=now)}
            page = client.get(f"/procedures/MAN-CMPL/?month={month:%Y-%m}")
            assert page.status_code == 200
            assert {number: row for number, row in shown(page.get_data(as_text=True)).items() if any(row)} == counted, month
            whole = {number: tuple(map(sum, zip(row, counted.get(number, (0, 0, 0, 0)), strict=True))) for number, row in whole.items()}
            assert 1 in counted or month == months(now)[0], "entries come in all the year"

    assert whole[1] == (ENTRIES, ENTRIES, 0, 0), "each entry was taken down once, and at once"
    assert whole[3][1] > 0 < whole[3][2] and whole[5][1] > 0 < whole[5][2] and whole[5][3] > 0, "some in time, some late, some open"
    assert whole[6] == (0, 0, 0, 0) != whole[4], "step 6 is the same work as step 4"


# --- the monthly report and its kept run -------------------------------------------------------------------------------

BY_PLACE = """
    SELECT COALESCE(c.name_ar, d.name_ar), COUNT(*), SUM(CASE WHEN {closed} THEN 1 ELSE 0 END), SUM(CASE WHEN {closed} THEN 0 ELSE 1 END),
           SUM(CASE WHEN NOT ({closed}) AND EXISTS (
               SELECT 1 FROM core_step_run r WHERE r.record_type = 'complaints_entry' AND r.record_id = e.id AND r.procedure_code = 'MAN-CMPL'
                  AND r.step_number IN (2, 3, 5) AND r.due_at < :until AND (r.ended_at IS NULL OR r.ended_at >= :until)) THEN 1 ELSE 0 END),
           SUM(CASE WHEN e.kind = 'inquiry' THEN 1 ELSE 0 END), SUM(CASE WHEN e.kind = 'suggestion' THEN 1 ELSE 0 END)
      FROM complaints_entry e JOIN core_department d ON d.id = e.department_id LEFT JOIN core_centre c ON c.id = e.centre_id
     WHERE e.received_at >= :since AND e.received_at < :until AND (e.department_id = :department OR e.registered_by_id = :maker)
     GROUP BY e.department_id, e.centre_id, 1""".replace("{closed}", "e.state = 'closed' AND e.closed_at < :until")
COMPARED = ("group", "received", "closed", "open", "late", "inquiries", "suggestions")


def archived(session: Session) -> list[ReportRun]:
    """The kept runs of performance reports that went the whole way to the archive."""
    return list(session.scalars(sa.select(ReportRun).join(Performance, Performance.run_id == ReportRun.id).where(Performance.archived_at.is_not(None))))


def actor_of(session: Session, user: User) -> Actor:
    return auth.actor_for(session, user, source="web", now=work.now())


def kept_rows(run: ReportRun) -> list[tuple[Any, ...]]:
    columns = [one["key"] for one in run.document["columns"]]
    found = [[row[columns.index(name)] for name in COMPARED] for row in run.document["rows"]]
    return [(place["ar"], *figures) for place, *figures in found]


def produced_now(session: Session, run: ReportRun) -> tuple[str, list[Any]]:
    """The same report of the same month, produced anew for who kept it: as it would be kept, and its totals."""
    actor = actor_of(session, session.get_one(User, run.made_by))
    result = report_services.run(session, REPORT, run.parameters, actor=actor, now=work.now())
    return canonical(document_of(result, run.parameters)), result.totals["received"]


def test_the_kept_reports_equal_a_query_written_apart(year: Flask) -> None:
    with rolled_back(year) as session:
        runs = archived(session)
        assert len(runs) >= 2, "of both departments"
        for run in runs:
            maker, (since, until) = session.get_one(User, run.made_by), bounds(run.starts_on)
            counted = ask(session, BY_PLACE, since=since, until=until, department=maker.department_id, maker=maker.id)
            assert sorted(kept_rows(run)) == sorted((row[0], *map(int, row[1:])) for row in counted), run.number
        assert any(kept_rows(run) for run in runs)


def test_the_monthly_report_equals_its_kept_run_after_later_changes(year: Flask) -> None:
    now = datetime.now(UTC)
    with rolled_back(year) as session, work.time_at(now), use_language("ar"):
        session.info["actor"] = operator()
        runs = archived(session)
        before = {run.number: run.content for run in runs}
        work.begin_write(session)
        change_open_entries(session, now)

        assert {run.number: produced_now(session, run)[0] for run in runs} == before, "what happened since does not reach back into the month"

        own = next(run for run in runs if session.get_one(User, run.made_by).username == "employee")
        late_entry(session, own, now)
        content, totals = produced_now(session, own)
        session.expire_all()
        assert totals == [own.document["totals"]["received"][0] + 1] and content != before[own.number]
        assert {run.number: run.content for run in archived(session)} == before, "a kept run does not change, whatever is written down later"
        assert all(run.sha256 == checksum(run.content) for run in archived(session))


def change_open_entries(session: Session, now: datetime) -> None:
    """Close one of the entries that are still open, hand another to the other department, and remark on a closed one."""
    people = {one.username: actor_of(session, one) for one in session.scalars(sa.select(User))}
    waiting = session.scalars(sa.select(Entry).where(Entry.state != "closed").order_by(Entry.id)).all()
    services.close(session, waiting[0], answer="أُبلغ", answer_channel="phone", returned_at=now, actor=people["manager"], now=now)
    other = next(one.department_id for one in waiting if one.department_id != waiting[1].department_id)
    services.reassign(session, waiting[1], other, "ليست لنا", actor=people["quality"], now=now)
    closed = session.scalars(sa.select(Entry).where(Entry.state == "closed").order_by(Entry.id.desc()).limit(1)).one()
    services.remark(session, closed, "يُتابع", actor=people["quality"], now=now)


def late_entry(session: Session, run: ReportRun, now: datetime) -> None:
    """A complaint of that month that customer relations, whose report it is, writes down only today."""
    maker = session.get_one(User, run.made_by)
    given = {"kind": "complaint", "channel": "phone", "text": "تأخر الإيصال", "name": "هند", "phone": "0559990000",
             "received_at": bounds(run.starts_on)[0] + timedelta(days=9)}
    services.receive(session, given, actor=actor_of(session, maker), now=now)
