"""Results of a campaign of another system: as its file writes them, no calls and nobody's (CALL-07), and what others are told of calls (CALL-06)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import figures
from core.customers.models import Customer
from core.imports import services as imports
from core.testing import actor_with
from plugins.callcenter import exports, panel, reports, results
from plugins.callcenter.models import Call, Campaign, CampaignResult
from plugins.callcenter.results import Sum
from tests.plugins.callcenter.conftest import KEEPER, MONDAY, RESULTS, Staff, take_in

HEADINGS = "job;contact;month;day_of_week;duration;campaign;poutcome;y"
LINES = ("student;cellular;mar;mon;261;1;nonexistent;yes", "student;cellular;mar;mon;261;1;nonexistent;yes", "retired;telephone;مايو;الجمعة;0;12;failure;no",
         "unknown;telephone;;;;;;no")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "spring.csv"
    path.write_text("\n".join((HEADINGS, *LINES)) + "\n", encoding="utf-8")
    return path


def test_results_stay_as_they_are_written_and_make_no_call_and_no_customer(session: Session, english: None, file: Path) -> None:
    before = session.scalar(sa.select(sa.func.count(Customer.id)))

    row = take_in(session, RESULTS, file)

    assert row.counts == {"create": 4}
    kept = session.scalars(sa.select(CampaignResult).order_by(CampaignResult.id)).all()
    assert [(one.month, one.weekday, one.channel, one.seconds, one.attempts, one.earlier, one.occupation, one.success) for one in kept] == [
        (3, 0, "cellular", 261, 1, "nonexistent", "student", True), (3, 0, "cellular", 261, 1, "nonexistent", "student", True),
        (5, 4, "telephone", 0, 12, "failure", "retired", False), (None, None, "telephone", None, None, None, "unknown", False)]
    assert (session.scalar(sa.select(sa.func.count(Call.id))), session.scalar(sa.select(sa.func.count(Customer.id)))) == (0, before)
    assert [(one.title, one.kind, one.state) for one in session.scalars(sa.select(Campaign))] == [("spring", "results", "done")]


def test_the_same_file_again_changes_nothing_and_an_undo_takes_all_back(session: Session, english: None, file: Path) -> None:
    first, again = (take_in(session, RESULTS, file) for _time in range(2))
    assert (first.counts, again.counts, session.scalar(sa.select(sa.func.count(CampaignResult.id)))) == ({"create": 4}, {"duplicate": 4}, 4)

    imports.undo(session, first, RESULTS, actor=KEEPER, now=MONDAY)

    assert (session.scalar(sa.select(CampaignResult.id)), session.scalar(sa.select(Campaign.id))) == (None, None)


def test_sums_and_their_report(session: Session, english: None, file: Path) -> None:
    take_in(session, RESULTS, file)

    by_month = results.summed(session, "month")
    assert by_month == {3: Sum(2, 2, 522, 2), 5: Sum(1, 0, 0, 12), None: Sum(1, 0, 0, 0)}
    assert results.summed(session, "attempts") == {1: Sum(2, 2, 522, 2), 10: Sum(1, 0, 0, 12), None: Sum(1, 0, 0, 0)}
    rows = {row[0]: row[1:4] for row in reports.result_rows(session, {"by": "month"}, KEEPER, by_month)}
    assert {name: (count, yes, str(rate)) for name, (count, yes, rate) in rows.items()} == {
        "March": (2, 2, "100.00"), "May": (1, 0, "0.00"), "not said": (1, 0, "0.00")}


def test_a_line_that_says_no_outcome_is_refused(session: Session, english: None, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"{HEADINGS}\nstudent;cellular;mar;mon;-5;1;x;yes\nstudent;cellular;smarch;mon;5;1;x;yes\nstudent;cellular;mar;mon;5;1;x;perhaps\n",
                    encoding="utf-8")

    assert take_in(session, RESULTS, path).counts == {"refused": 3}


def test_others_are_told_calls_and_their_length(session: Session, staff: Staff, log: Callable[..., Call]) -> None:
    log(staff.agent, duration="2:00")
    log(staff.agent, duration="4:00", direction="out")
    log(staff.agent, duration="0:30", direction="out", result="no_answer")
    log(staff.agent, duration="1:00", at=MONDAY - timedelta(days=40))
    log(staff.agent, duration="", at=MONDAY - timedelta(days=40))
    periods = [(MONDAY - timedelta(days=1), MONDAY + timedelta(days=1)), (MONDAY - timedelta(days=60), MONDAY + timedelta(days=1))]

    told = figures.ask(session, figures.CALLS, periods, actor=actor_with("callcenter.panel"), now=MONDAY)

    assert told == [{"outgoing": 2, "incoming": 1, "answered": 2, "talk_seconds": 360, "untimed": 0},
                    {"outgoing": 2, "incoming": 3, "answered": 4, "talk_seconds": 420, "untimed": 1}]
    assert figures.ask(session, figures.CALLS, periods, actor=actor_with("callcenter.read"), now=MONDAY) is None


def test_a_call_without_a_length_counts_as_answered_and_in_no_average(session: Session, staff: Staff, log: Callable[..., Call]) -> None:
    log(staff.agent, duration="2:00")
    log(staff.agent, duration="")
    log(staff.agent, duration="0")
    log(staff.agent, duration="", result="no_answer")

    found, = panel.handling(session, MONDAY - timedelta(days=1), MONDAY + timedelta(days=1), "agent").values()

    assert (found.answered, found.unanswered, found.untimed, found.average) == (3, 1, 1, 60)
    assert [file[3:5] for file in exports.rows(session, sa.select(Call))] == [("00:02:00", 120), ("", None), ("00:00:00", 0), ("00:00:00", 0)]
