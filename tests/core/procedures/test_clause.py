"""A clause beside what happened: figures against counting written apart, versions, recurring steps, the file (PLUG-10)."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.errors import DiwanError, InvalidInput, NotAllowed
from core.exporter.guard import unguard
from core.i18n import use_language
from core.procedures import clauses, queries, recurring, services
from core.procedures.domain import Begins, next_opening, openings_between, read_month
from core.procedures.models import StepRun
from core.procedures.views import bar_of
from tests.core.procedures.test_recurring import step

NOON = datetime(2026, 2, 15, 9, 0, tzinfo=UTC)
FEBRUARY = datetime(2026, 1, 31, 21, 0, tzinfo=UTC), datetime(2026, 2, 28, 21, 0, tzinfo=UTC)
ACTOR = Actor(7, "manager", frozenset({"procedures.change", "procedures.read"}), frozenset({"crm_manager", "centres_manager"}))
STEPS = (
    step(1, duration="P1D"),
    step(2, duration="PT3H"),
    step(4, frequency="P1D", begins={"every": "P1D", "each": "record"}),
    step(6, frequency="P1D", same_as=4),
    step(7, frequency="P1M", begins={"every": "P1M", "on": "end"}),
    step(8, frequency="P1W", begins={"every": "P1W", "each": "role"}),
    step(9),
)


def record(ident: int) -> Any:
    return SimpleNamespace(__tablename__="core_customer_form", id=ident, number=f"F-{ident}", subject_id=None, customer_id=None)


@pytest.fixture(autouse=True)
def english(session: Session) -> Iterator[None]:
    with use_language("en"):
        yield


def load(session: Session, folder: Path, *steps: dict[str, Any]) -> None:
    file = folder / "procedures.json"
    file.write_text(json.dumps({"procedures": [{"code": "CLAUSE", "plugin": "core", "clause": "5.2", "name": {"ar": "بند", "en": "Clause"}, "steps": steps}]}))
    services.load(session, [("core", file)])


@pytest.fixture
def loaded(session: Session, tmp_path: Path) -> Session:
    load(session, tmp_path, *STEPS)
    return session


def rows(session: Session, now: datetime = NOON, month: tuple[datetime, datetime] = FEBRUARY) -> dict[int, queries.ClauseRow]:
    found = queries.clause(session, "CLAUSE", *month, now)
    assert found is not None
    return {row.numbers[0]: row for row in found.rows}


def closed(session: Session, number: int, ident: int, opened: datetime, after: timedelta) -> StepRun:
    run = services.open_step(session, "CLAUSE", number, record=record(ident), now=opened)
    return services.close_run(session, run, actor=ACTOR, now=opened + after)


# --- figures -----------------------------------------------------------------------------------------------------------


def a_quarter(session: Session) -> None:
    """Some hundred cases from December to February, by chance but always the same: in time, late, open, cancelled."""
    chance = random.Random(20260215)
    for ident in range(1, 181):
        opened = datetime(2025, 12, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(76 * 24 * 60))
        run = services.open_step(session, "CLAUSE", chance.choice((1, 2, 9)), record=record(ident), now=opened)
        fate = chance.random()
        if fate < 0.75:
            services.close_run(session, run, actor=ACTOR, now=opened + timedelta(minutes=chance.randrange(1, 3 * 24 * 60)))
        elif fate < 0.85:
            services.cancel_steps(session, record=record(ident), actor=ACTOR, now=opened + timedelta(hours=1))
    for day in range(1, 14):
        for ident in range(1, 6):
            recurring.open_for_day(session, "CLAUSE", 4, record=record(ident), day=date(2026, 2, day), now=NOON)
            if chance.random() < 0.3:
                recurring.close_for_day(session, "CLAUSE", 4, record=record(ident), actor=ACTOR, now=datetime(2026, 2, day, 12, 0, tzinfo=UTC))


def counted_apart(session: Session, since: datetime, until: datetime, now: datetime) -> dict[int, dict[str, Any]]:
    """The same figures, row by row from the bare table."""
    table: dict[int, dict[str, Any]] = {}
    zone = ZoneInfo("Asia/Riyadh")
    for run in session.execute(sa.select(StepRun.__table__).where(StepRun.procedure_code == "CLAUSE")).mappings():
        if not (since.astimezone(zone) <= run["opened_at"].astimezone(zone) < until.astimezone(zone)):
            continue
        own = table.setdefault(run["step_number"], dict.fromkeys(("opened", "in_time", "closed_late", "open", "open_late", "cancelled"), 0) | {"worst": None})
        own["opened"] += 1
        ended, due = run["ended_at"], run["due_at"]
        if run["ended_as"] == "cancelled":
            own["cancelled"] += 1
            continue
        late = (ended or now) - due if due is not None and (ended or now) > due else None
        own["open" if ended is None else "closed_late" if late else "in_time"] += 1
        if ended is None and late:
            own["open_late"] += 1
        if late and (own["worst"] is None or late > own["worst"]):
            own["worst"] = late
    return table


@pytest.mark.parametrize("month", [
    FEBRUARY, (datetime(2025, 12, 31, 21, 0, tzinfo=UTC), FEBRUARY[0]), (datetime(2025, 11, 30, 21, 0, tzinfo=UTC), datetime(2025, 12, 31, 21, 0, tzinfo=UTC)),
])
def test_figures_equal_a_count_written_apart(loaded: Session, month: tuple[datetime, datetime]) -> None:
    a_quarter(loaded)

    shown, expected = rows(loaded, NOON, month), counted_apart(loaded, *month, NOON)

    assert set(expected) >= {1, 2, 9}
    for number, own in expected.items():
        worst = own.pop("worst")
        assert shown[number].figures == queries.ClauseFigures(**own), number
        assert (shown[number].longest.seconds if shown[number].longest else None) == (int(worst.total_seconds()) if worst else None), number
    assert sum(one["opened"] for one in expected.values()) == sum(row.figures.opened for row in shown.values())


def test_a_run_belongs_to_the_month_in_which_it_opened_by_the_associations_clock(loaded: Session) -> None:
    last = FEBRUARY[1] - timedelta(seconds=1)
    closed(loaded, 1, 1, FEBRUARY[0], timedelta(hours=1))
    closed(loaded, 1, 2, FEBRUARY[0] - timedelta(seconds=1), timedelta(hours=1))
    closed(loaded, 1, 3, last, timedelta(days=9))
    closed(loaded, 1, 4, FEBRUARY[1], timedelta(hours=1))

    own = rows(loaded, datetime(2026, 4, 1, tzinfo=UTC))[1]

    assert own.figures == queries.ClauseFigures(opened=2, in_time=1, closed_late=1)
    assert own.longest is not None and (own.longest.run.record_label, own.longest.words) == ("F-3", "8 days")


def test_the_longest_delay_may_still_be_open_and_is_told_in_the_unit_of_its_limit(loaded: Session) -> None:
    closed(loaded, 2, 1, NOON - timedelta(days=2), timedelta(hours=7))
    services.open_step(loaded, "CLAUSE", 2, record=record(2), now=NOON - timedelta(hours=12))

    longest = rows(loaded)[2].longest

    assert longest is not None and (longest.run.record_label, longest.words, longest.run.is_open()) == ("F-2", "9 hours", True)


def test_no_other_procedure_counts(loaded: Session) -> None:
    services.load(loaded, [("core", services.CORE_FILE)])
    services.open_step(loaded, "MAN-CUST", 1, record=record(1), now=NOON)

    assert rows(loaded)[1].figures.opened == 0
    assert queries.clause(loaded, "NOTHING", *FEBRUARY, NOON) is None


def test_steps_that_are_the_same_stand_in_one_row(loaded: Session) -> None:
    for ident in (1, 2, 3):
        recurring.open_for_day(loaded, "CLAUSE", 4, record=record(ident), day=date(2026, 2, 15), now=NOON)

    found = queries.clause(loaded, "CLAUSE", *FEBRUARY, NOON)

    assert found is not None
    assert [row.numbers for row in found.rows] == [(1,), (2,), (4, 6), (7,), (8,), (9,)]
    assert found.rows[2].figures.opened == 3


def test_the_same_as_a_step_that_is_not_there_is_refused(session: Session, tmp_path: Path) -> None:
    with pytest.raises(DiwanError, match="step 6 is the same as step 5"):
        load(session, tmp_path, step(4), step(6, same_as=5))


def test_bars_add_up_and_the_smallest_part_is_seen() -> None:
    parts = bar_of(queries.ClauseFigures(opened=1000, in_time=998, closed_late=1, open=1, open_late=1))

    assert [kind for kind, _start, _width in parts] == ["in", "late", "open"]
    assert all(width >= 1 and start + width <= 100 for _kind, start, width in parts)
    assert bar_of(queries.ClauseFigures()) == []


# --- versions ----------------------------------------------------------------------------------------------------------


def versions(session: Session, month: tuple[datetime, datetime], now: datetime) -> list[tuple[int, str | None]]:
    return [(one.version, one.duration) for one in rows(session, now, month)[1].held]


def test_a_month_shows_every_version_that_held_in_it(loaded: Session) -> None:
    now = datetime(2027, 3, 10, tzinfo=UTC)
    changed = datetime(2027, 2, 10, 9, 0, tzinfo=UTC)
    services.change_limit(loaded, "CLAUSE", 1, "P2D", actor=ACTOR, now=changed)
    january, february, march = (
        (datetime(2027, month, 1, tzinfo=UTC) - timedelta(hours=3), datetime(2027, month + 1, 1, tzinfo=UTC) - timedelta(hours=3)) for month in (1, 2, 3))

    assert versions(loaded, january, now) == [(1, "P1D")]
    assert versions(loaded, february, now) == [(1, "P1D"), (2, "P2D")]
    assert versions(loaded, march, now) == [(2, "P2D")]
    found = queries.clause(loaded, "CLAUSE", *february, now)
    assert found is not None and (found.edition, found.edition_from) == (2, changed)


def test_a_new_limit_moves_the_next_case_and_no_earlier_one(loaded: Session) -> None:
    before = services.open_step(loaded, "CLAUSE", 1, record=record(1), now=NOON)
    services.change_limit(loaded, "CLAUSE", 1, "P2D", actor=ACTOR, now=NOON + timedelta(hours=1))
    after = services.open_step(loaded, "CLAUSE", 1, record=record(2), now=NOON + timedelta(hours=2))

    assert (before.due_at, after.due_at) == (NOON + timedelta(days=1), NOON + timedelta(hours=2, days=2))
    assert rows(loaded, NOON + timedelta(days=1, hours=12))[1].figures == queries.ClauseFigures(opened=2, open=2, open_late=1)


# --- recurring steps ---------------------------------------------------------------------------------------------------


def test_a_recurring_step_says_how_many_are_done_and_what_is_due(loaded: Session) -> None:
    for day in (1, 8, 15):
        recurring.open_periods(loaded, {}, datetime(2026, 2, day, 6, 0, tzinfo=UTC))
    weekly = loaded.scalars(sa.select(StepRun).where(StepRun.step_number == 8).order_by(StepRun.id)).all()
    for run in weekly[:3]:
        services.close_run(loaded, run, actor=ACTOR, now=run.opened_at + timedelta(days=1))

    own = rows(loaded)[8].recurs

    assert own is not None and (own.done, own.planned) == (3, 8), "two managers, four Sundays of which one is to come"
    assert own.next_run is weekly[3]


def test_a_monthly_step_says_when_it_begins_next(loaded: Session) -> None:
    own = rows(loaded)[7].recurs

    assert own is not None and (own.done, own.planned, own.next_run, own.next_on) == (0, 1, None, date(2026, 2, 28))


def test_a_month_that_is_over_has_nothing_to_come(loaded: Session) -> None:
    recurring.open_periods(loaded, {}, datetime(2026, 2, 28, 9, 0, tzinfo=UTC))

    own = rows(loaded, datetime(2026, 3, 15, tzinfo=UTC))[7].recurs

    assert own is not None and (own.planned, own.next_on) == (1, None)
    assert own.next_run is not None and own.next_run.record_label == "2026-02"


def test_what_was_opened_last_month_is_what_is_due_in_this_one(loaded: Session) -> None:
    recurring.open_periods(loaded, {}, datetime(2026, 1, 31, 9, 0, tzinfo=UTC))

    own = rows(loaded)[7].recurs

    assert own is not None and own.next_run is not None and own.next_run.record_label == "2026-01"


@pytest.mark.parametrize(("begins", "after", "last", "days"), [
    (Begins("P1W"), date(2026, 2, 15), date(2026, 2, 28), [22]), (Begins("P1W"), date(2026, 2, 14), date(2026, 2, 28), [15, 22]),
    (Begins("P1M", "end"), date(2026, 2, 15), date(2026, 2, 28), [28]), (Begins("P1M", "end"), date(2026, 2, 28), date(2026, 2, 28), []),
    (Begins("P1M"), date(2026, 2, 1), date(2026, 2, 28), []), (Begins("P1D"), date(2026, 2, 25), date(2026, 2, 28), [26, 27, 28]),
])
def test_openings_between(begins: Begins, after: date, last: date, days: list[int]) -> None:
    assert [day.day for day in openings_between(begins, after, last)] == days
    assert next_opening(begins, after) > after


# --- the month and the file ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "first"), [("", date(2026, 2, 1)), ("2025-12", date(2025, 12, 1)), ("٢٠٢٦-٠١", date(2026, 1, 1))])
def test_a_month_is_read(text: str, first: date) -> None:
    assert read_month(text, date(2026, 2, 15)) == first


@pytest.mark.parametrize("text", [
    "2026-03", "2026-13", "2026-00", "0000-01", "1999-12", "2026", "2026-1", "x", "2026-02-01", "9999-99", "-2026-01", "2026-01' OR 1",
])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="2026-02"):
        read_month(text, date(2026, 2, 15))


def test_the_file_has_the_rows_of_the_page(loaded: Session) -> None:
    closed(loaded, 1, 1, NOON - timedelta(days=9), timedelta(days=3))
    found = clauses.of_month(loaded, "CLAUSE", date(2026, 2, 1), NOON)
    assert found is not None

    made = clauses.export(loaded, found, date(2026, 2, 1), actor=ACTOR)

    lines = [line.split(",") for line in made.content.decode("utf-8-sig").splitlines()]
    assert lines[0][0] == "steps" and [unguard(line[0]) for line in lines[1:]] == ["1", "2", "4+6", "7", "8", "9"]
    named = dict(zip(lines[0], lines[1], strict=True))
    assert [named[key] for key in ("opened", "in_time", "closed_late", "longest_delay_minutes", "longest_delay_record")] == ["1", "0", "1", "2880", "F-1"]
    assert made.outcome.rows == 6
    with pytest.raises(NotAllowed):
        clauses.export(loaded, found, date(2026, 2, 1), actor=Actor(1, "nobody"))
