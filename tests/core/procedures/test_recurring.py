"""Steps that begin by the calendar: each period once, with its due moment, for whom it is (PLUG-10)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.errors import DiwanError
from core.i18n import use_language
from core.procedures import recurring, services
from core.procedures.domain import Begins, period_label, periods_begun
from core.procedures.models import StepPeriod, StepRun

SUNDAY = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)
ACTOR = Actor(7, "manager", frozenset(), frozenset({"crm_manager"}))
ROLE = {"ar": "مدير", "en": "Managers", "slug": "crm_manager", "slugs": ["centres_manager", "crm_manager"], "mode": "by_department"}


def step(no: int, **more: Any) -> dict[str, Any]:
    return {"no": no, "role": ROLE, "action": {"ar": "مراجعة", "en": f"Step {no}"}, "duration": None, "frequency": None, **more}


STEPS = (
    step(1, frequency="P1W", begins={"every": "P1W", "each": "role"}),
    step(2, frequency="P1M", begins={"every": "P1M", "on": "end"}, opens=[{"number": 3}]),
    step(3, duration="P2D", page="/weekly/{id}"),
    step(4, frequency="P1D", begins={"every": "P1D", "each": "record"}),
    step(5, frequency="P1M", duration="P3D", begins={"every": "P1M"}),
)


@pytest.fixture(autouse=True)
def english(session: Session) -> Iterator[None]:
    with use_language("en"):
        yield


@pytest.fixture
def weekly(session: Session, tmp_path: Path) -> Session:
    """A procedure of core with recurring steps, loaded before the Sunday."""
    file = tmp_path / "procedures.json"
    file.write_text(json.dumps({"procedures": [{"code": "WEEKLY", "plugin": "core", "name": {"ar": "دوري", "en": "Weekly"}, "steps": STEPS}]}))
    services.load(session, [("core", file)])
    return session


def runs(session: Session, number: int) -> list[StepRun]:
    query = sa.select(StepRun).where(StepRun.procedure_code == "WEEKLY", StepRun.step_number == number).order_by(StepRun.opened_at, StepRun.id)
    return list(session.scalars(query))


def opened(session: Session, now: datetime) -> None:
    recurring.open_periods(session, {}, now)


@pytest.mark.parametrize(("every", "first", "last", "label"), [
    ("P1D", date(2026, 2, 4), date(2026, 2, 4), "2026-02-04"),
    ("P1W", date(2026, 2, 1), date(2026, 2, 7), "2026-02-01 – 2026-02-07"),
    ("P1M", date(2026, 2, 1), date(2026, 2, 28), "2026-02"),
    ("P1Y", date(2026, 1, 1), date(2026, 12, 31), "2026"),
])
def test_periods_hold_their_day(every: str, first: date, last: date, label: str) -> None:
    assert Begins(every).period(date(2026, 2, 4)) == (first, last)
    assert period_label(first, last) == label


def test_a_period_that_begins_on_its_last_day_is_the_one_before_until_then() -> None:
    month_end = Begins("P1M", "end")

    assert periods_begun(month_end, None, date(2026, 1, 30)) == [(date(2025, 12, 1), date(2025, 12, 31))]
    assert periods_begun(month_end, None, date(2026, 1, 31)) == [(date(2026, 1, 1), date(2026, 1, 31))]


def test_a_week_opens_once_for_each_manager_and_is_due_when_the_next_begins(weekly: Session) -> None:
    opened(weekly, SUNDAY)
    opened(weekly, SUNDAY + timedelta(days=3))

    assert [(run.role_slugs, run.record_label) for run in runs(weekly, 1)] == [
        (["centres_manager"], "2026-02-01 – 2026-02-07"), (["crm_manager"], "2026-02-01 – 2026-02-07")]
    assert {run.due_at for run in runs(weekly, 1)} == {datetime(2026, 2, 7, 21, 0, tzinfo=UTC)}
    assert len({run.department_id for run in runs(weekly, 1)}) == 2


def test_a_worker_that_was_away_opens_each_missed_period_once(weekly: Session) -> None:
    opened(weekly, SUNDAY)
    opened(weekly, SUNDAY + timedelta(weeks=3, days=2))
    opened(weekly, SUNDAY + timedelta(weeks=3, days=2))

    starts = [period.starts_on for period in weekly.scalars(sa.select(StepPeriod).where(StepPeriod.step_number == 1, StepPeriod.role == "crm_manager"))]
    assert starts == [date(2026, 2, 1), date(2026, 2, 8), date(2026, 2, 15), date(2026, 2, 22)]
    assert runs(weekly, 1)[2].opened_at == datetime(2026, 2, 7, 21, 0, tzinfo=UTC)


def test_a_month_end_opens_on_the_last_day(weekly: Session) -> None:
    opened(weekly, datetime(2026, 1, 30, 9, 0, tzinfo=UTC))
    assert [run.record_label for run in runs(weekly, 2)] == ["2025-12"]

    opened(weekly, datetime(2026, 1, 30, 21, 0, tzinfo=UTC))  # midnight in Makkah

    last = runs(weekly, 2)[-1]
    assert (last.record_label, last.due_at) == ("2026-01", datetime(2026, 2, 27, 21, 0, tzinfo=UTC))


def test_a_limit_of_its_own_goes_before_the_next_beginning(weekly: Session) -> None:
    opened(weekly, SUNDAY)

    assert runs(weekly, 5)[0].due_at == datetime(2026, 2, 3, 21, 0, tzinfo=UTC)


def test_what_follows_belongs_to_the_same_period_and_has_its_own_page(weekly: Session) -> None:
    opened(weekly, SUNDAY)
    period = weekly.scalars(sa.select(StepPeriod).where(StepPeriod.step_number == 2)).one()

    services.close_step(weekly, "WEEKLY", 2, record=period, actor=ACTOR, now=SUNDAY)

    follower = runs(weekly, 3)[0]
    assert (follower.record_id, follower.link, follower.due_at) == (period.id, f"/weekly/{period.id}", SUNDAY + timedelta(days=2))


def record(ident: int = 5) -> Any:
    return SimpleNamespace(__tablename__="core_customer_form", id=ident, number="F-1", subject_id=None, customer_id=None)


def test_a_daily_step_of_a_record_is_due_at_the_days_end_and_opened_once(weekly: Session) -> None:
    first = recurring.open_for_day(weekly, "WEEKLY", 4, record=record(), day=date(2026, 2, 1), now=SUNDAY)

    assert first.due_at == datetime(2026, 2, 1, 21, 0, tzinfo=UTC)
    assert recurring.open_for_day(weekly, "WEEKLY", 4, record=record(), day=date(2026, 2, 1), now=SUNDAY) is first


def test_an_update_closes_todays_step_and_those_missed_before(weekly: Session) -> None:
    missed = recurring.open_for_day(weekly, "WEEKLY", 4, record=record(), day=date(2026, 1, 31), now=SUNDAY)
    other = recurring.open_for_day(weekly, "WEEKLY", 4, record=record(6), day=date(2026, 2, 1), now=SUNDAY)

    today = recurring.close_for_day(weekly, "WEEKLY", 4, record=record(), actor=ACTOR, now=SUNDAY)

    assert (missed.is_overdue(SUNDAY), missed.ended_at) == (True, SUNDAY)
    assert (today.ended_at, today.is_overdue(SUNDAY)) == (SUNDAY, False)
    assert other.is_open()


def test_a_second_update_of_the_day_changes_nothing(weekly: Session) -> None:
    first = recurring.close_for_day(weekly, "WEEKLY", 4, record=record(), actor=ACTOR, now=SUNDAY)
    again = recurring.close_for_day(weekly, "WEEKLY", 4, record=record(), actor=ACTOR, now=SUNDAY + timedelta(hours=2))

    assert again is first
    assert first.ended_at == SUNDAY


@pytest.mark.parametrize("begins", [{"every": "P3D"}, {"every": "P1W", "on": "middle"}, {"every": "P1W", "each": "person"}])
def test_an_unknown_beginning_is_named(session: Session, tmp_path: Path, begins: dict[str, str]) -> None:
    file = tmp_path / "procedures.json"
    file.write_text(json.dumps({"procedures": [{"code": "BAD", "plugin": "core", "name": {"ar": "دوري"}, "steps": [step(1, begins=begins)]}]}))

    with pytest.raises(DiwanError, match=r"BAD step 1: begins\.\w+ '(P3D|middle|person)'"):
        services.load(session, [("core", file)])
