"""The calendar of due reports: produced, due, overdue, and for whom (RPT-10)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from core import settings, work
from core.audit import services as audit
from core.audit.models import AuditEvent
from core.calendar import day_bounds, local_day, period_of
from core.i18n import use_language
from core.reports import queries, services
from core.reports.cards import overdue
from core.reports.offers import Reach
from core.testing import actor_with
from tests.core.reports.samples import WEEKLY

EMPLOYEE = actor_with("reports.open", roles=frozenset({"crm_employee"}))
MANAGER = actor_with("reports.open", roles=frozenset({"crm_manager"}))


@pytest.fixture
def week(weekly: Flask, session: Session) -> tuple[date, date]:
    """A whole week after the association began."""
    began = session.scalar(sa.select(AuditEvent.at).order_by(AuditEvent.id).limit(1)) or work.now()
    return period_of("week", local_day(began, settings.time_zone(session)) + timedelta(days=14))


def moment_after(session: Session, week: tuple[date, date], **later: int) -> datetime:
    return day_bounds(week[1], settings.time_zone(session))[1] + timedelta(**later)


def states(session: Session, now: datetime) -> dict[tuple[date, date], str]:
    return {(one.starts_on, one.ends_on): one.state for one in queries.due(session, now, reports=[WEEKLY])}


def test_due_until_the_weeks_last_moment_and_overdue_from_the_next(session: Session, week: tuple[date, date]) -> None:
    assert states(session, moment_after(session, week, seconds=-1))[week] == "due"
    assert states(session, moment_after(session, week))[week] == "overdue"


def test_produced_once_a_run_of_just_that_week_is_kept(session: Session, week: tuple[date, date]) -> None:
    now = moment_after(session, week, hours=9)
    period = {"from_on": week[0], "to_on": week[1]}
    services.keep(session, WEEKLY, {**period, "kind": "a"}, actor=EMPLOYEE, now=now)
    services.keep(session, WEEKLY, {"from_on": week[0], "to_on": week[0]}, actor=EMPLOYEE, now=now)
    assert states(session, now)[week] == "overdue"

    kept = services.keep(session, WEEKLY, period, actor=EMPLOYEE, now=now)

    found = next(one for one in queries.due(session, now, reports=[WEEKLY]) if one.starts_on == week[0])
    assert (found.state, found.run) == ("produced", kept)


ALL, THREE, NORTH, BOTH = Reach(), Reach(3), Reach(3, frozenset({1})), Reach(3, frozenset({1, 2}))


@pytest.mark.parametrize(("reader", "made", "covered"), [
    (ALL, ALL, True), (ALL, THREE, True), (ALL, NORTH, True), (THREE, ALL, False), (THREE, THREE, True), (THREE, BOTH, True), (THREE, Reach(4), False),
    (NORTH, THREE, False), (NORTH, NORTH, True), (NORTH, BOTH, False), (BOTH, NORTH, True),
    (Reach(centre_ids=frozenset({1})), ALL, False), (Reach(0), ALL, False),
])
def test_a_run_is_covered_by_who_reaches_as_far(reader: Reach, made: Reach, covered: bool) -> None:
    assert reader.covers(made) is covered
    assert Reach.of(str(made)) == made and Reach.of("") == ALL


def test_nothing_is_due_from_before_the_association_began(session: Session, week: tuple[date, date]) -> None:
    began = week[0] - timedelta(days=14)

    found = states(session, moment_after(session, week))
    assert min(last for _first, last in found) >= began
    assert len(found) == 4


def test_a_plugin_that_came_later_owes_nothing_from_before(session: Session, week: tuple[date, date]) -> None:
    for at in (moment_after(session, week, hours=-3), moment_after(session, week, days=9)):
        with work.time_at(at):
            audit.record(session, "plugin_on", reason="notes")
            work.commit(session)
            work.begin_write(session)

    assert list(states(session, moment_after(session, week, days=9))) == [
        period_of("week", week[0] + timedelta(days=14)), period_of("week", week[0] + timedelta(days=7)), week]


def test_my_day_names_the_overdue_one_to_whom_it_belongs(session: Session, week: tuple[date, date]) -> None:
    now = moment_after(session, week, hours=1)
    with use_language("en"):
        card = overdue(session, EMPLOYEE, now)

    assert card is not None
    assert (card.value, card.link, card.tone) == (3, "/reports/calendar", "bad")
    assert str(card.comparison).startswith("Weekly report, ")
    assert overdue(session, MANAGER, now) is None


def test_without_anything_overdue_there_is_no_card(session: Session, weekly: Flask) -> None:
    assert overdue(session, EMPLOYEE, datetime.now(UTC) - timedelta(days=400)) is None
