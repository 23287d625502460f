"""The panel and the handling times read roll-ups; here they are held against the calls themselves, in zones that share no midnight."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from core import rollups, settings
from core.calendar import day_bounds
from core.database import make_engine, section, writing
from core.settings import Deployment
from core.testing import new_association
from plugins.callcenter import figures, panel, queries
from plugins.callcenter.importers import period_bounds
from plugins.callcenter.models import BY_AGENT, BY_DAY, BY_SUBJECT, Call
from tests.plugins.callcenter.conftest import Staff

TABLE = Call.__table__
LATER = datetime(2026, 11, 22, 9, tzinfo=UTC)
NEAR = [datetime(year, month, day, hour, minute, tzinfo=UTC) for year, month, day in ((2025, 12, 31), (2026, 1, 1), (2026, 1, 31), (2026, 3, 27), (2026, 3, 31))
        for hour, minute in ((0, 0), (9, 30), (18, 30), (20, 59), (21, 0), (21, 30), (23, 59))]
MOMENTS = st.sampled_from(NEAR) | st.datetimes(datetime(2025, 12, 1), datetime(2026, 4, 30)).map(lambda at: at.replace(tzinfo=UTC))
CALLS = st.fixed_dictionaries({"started_at": MOMENTS, "direction": st.sampled_from(["in", "out", "internal"]), "answered": st.booleans(),
                               "talk_seconds": st.integers(0, 600), "untimed": st.integers(0, 1),
                               "subject": st.sampled_from([None, "", "donation", "complaint"]),
                               "extension": st.sampled_from([None, "", "201", "202"])})
ZONES = st.sampled_from(["Asia/Riyadh", "Africa/Cairo", "Asia/Kolkata", "America/New_York", "UTC"])


def write(connection: Any, calls: list[dict[str, Any]]) -> None:
    if calls:
        with section("test"):
            connection.execute(sa.insert(TABLE), [{"duration_seconds": 0, "source": "staff", "legs": 0, "recorded_at": LATER, **one} for one in calls])


@given(calls=st.lists(CALLS, max_size=12), zone=ZONES, since=st.sampled_from(NEAR), days=st.integers(0, 90))
@hypothesis(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_panel_and_handling_times_are_those_of_the_calls(
    session: Session, staff: Staff, calls: list[dict[str, Any]], zone: str, since: datetime, days: int,
) -> None:
    whole, clock = session.begin_nested(), ZoneInfo(zone)
    settings.put(session, "core.time_zone", zone)
    agents = [None, staff.agent.user.id, staff.donors.user.id]
    calls = [{**one, "agent_id": agents[place % 3]} for place, one in enumerate(calls)]
    write(session.connection(), calls)
    outside = [one for one in calls if one["direction"] != "internal"]

    months = {(one.year, one.month): (one.outgoing, one.incoming) for year in (2025, 2026) for one in panel.of_year(session, year, staff.manager.actor, LATER)}
    counted = Counter((*_month(one, clock), one["direction"]) for one in outside)
    assert months == {key: (counted[(*key, "out")], counted[(*key, "in")]) for key in months}
    assert {one.year: (one.outgoing, one.incoming) for one in panel.of_years(session, staff.manager.actor, LATER) if one.calls} == {
        year: found for year in (2025, 2026) if sum(found := tuple(sum(months[key][way] for key in months if key[0] == year) for way in (0, 1)))}

    until = since + timedelta(days=days, hours=5)
    within = [one for one in outside if since <= one["started_at"] < until]
    ways = {"agent": lambda one: (one["agent_id"], None if one["agent_id"] else one["extension"]),
            "day": lambda one: one["started_at"].astimezone(clock).date(), "subject": lambda one: one["subject"]}
    for by, key in ways.items():
        assert panel.handling(session, since, until, by) == _handled(within, key), by
    assert figures.of_periods(session, [(since, until), (until, until), (NEAR[0], LATER)]) == [_told(within), _told([]), _told(outside, NEAR[0])]
    whole.rollback()


def _month(one: dict[str, Any], clock: ZoneInfo) -> tuple[int, int]:
    local = one["started_at"].astimezone(clock)
    return local.year, local.month


def _handled(calls: list[dict[str, Any]], key: Any) -> dict[Any, panel.Handling]:
    found: dict[Any, panel.Handling] = {}
    for one in calls:
        found.setdefault(key(one), panel.Handling()).add(one["answered"], 1, one["talk_seconds"], one["untimed"])
    return found


def _told(calls: list[dict[str, Any]], since: datetime | None = None) -> dict[str, int]:
    calls = [one for one in calls if since is None or one["started_at"] >= since]
    answered = [one for one in calls if one["answered"]]
    return {"outgoing": sum(one["direction"] == "out" for one in calls), "incoming": sum(one["direction"] == "in" for one in calls),
            "answered": len(answered), **{key: sum(one[key] for one in answered) for key in ("talk_seconds", "untimed")}}


def test_groups_stand_with_most_calls_first_and_days_in_their_order(session: Session, staff: Staff) -> None:
    write(session.connection(), [{"started_at": datetime(2026, 1, day, 9, tzinfo=UTC), "direction": "in", "answered": day != 5, "talk_seconds": 1,
                                  "subject": "donation" if day > 3 else "complaint", "extension": "201"} for day in (7, 1, 5, 6)])

    january = period_bounds(session, 2026, 1)
    assert list(panel.handling(session, *january, "subject")) == ["donation", "complaint"]
    assert list(panel.handling(session, *january, "day")) == [date(2026, 1, day) for day in (1, 5, 6, 7)]


def test_whole_days_are_not_counted_call_by_call(session: Session, staff: Staff) -> None:
    """The roll-ups are really read: what is put into one shows in the figures of whole days of this zone."""
    with section("test"):
        session.execute(sa.insert(BY_DAY.table).values(day=date(2026, 1, 5), direction="out", answered=True, row_count=1000, talk_seconds=5, untimed=0))
        session.execute(sa.insert(BY_AGENT.table).values(month=date(2026, 1, 1), direction="out", answered=True, row_count=2000, talk_seconds=5, untimed=0))
        session.execute(sa.insert(BY_SUBJECT.table).values(month=date(2026, 1, 1), direction="out", answered=True, row_count=3000, talk_seconds=5, untimed=0))
    write(session.connection(), [{**_call(datetime(2026, 1, 5, 9, tzinfo=UTC), "201"), "direction": "out"}])
    january = period_bounds(session, 2026, 1)

    assert panel.of_year(session, 2026, staff.manager.actor, LATER)[0].outgoing == 1001
    assert [next(iter(panel.handling(session, *january, by).values())).answered for by in ("day", "agent", "subject")] == [1001, 2000, 3001]


# --- writers at the same time -------------------------------------------------------------------------------------------


@pytest.fixture
def engine(engine_name: str, deployment: Deployment, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """The database of an association of its own, with several connections."""
    server = request.getfixturevalue("postgres") if engine_name == "postgresql" else None
    engine = make_engine(new_association(deployment, f"crossing-{engine_name}", postgres=server).database_url)
    yield engine
    engine.dispose()


def _call(at: datetime, extension: str) -> dict[str, Any]:
    return {"started_at": at, "direction": "in", "answered": True, "talk_seconds": 7, "extension": extension}


@pytest.mark.slow
def test_two_that_cross_the_same_days_wait_for_nobody_and_lose_nothing(engine: Engine) -> None:
    """Each has written to one's own first day before it writes to the other's; a third adds up meanwhile."""
    days = [datetime(2026, 1, day, 12, tzinfo=UTC) for day in (5, 6)]
    postgresql = engine.dialect.name == "postgresql"
    meeting, failed = threading.Barrier(2), list[Exception]()

    def write_across(first: datetime, second: datetime) -> None:
        try:
            for _turn in range(15):
                with writing(engine).begin() as connection:
                    if postgresql:
                        connection.exec_driver_sql("SET LOCAL lock_timeout = '3s'")
                    write(connection, [_call(first, str(first.day))] * 2)
                    if postgresql:
                        meeting.wait(20)
                    write(connection, [_call(second, str(first.day))] * 2)
                    with section("test"):
                        connection.execute(sa.update(TABLE).where(TABLE.c.started_at == second, TABLE.c.extension == str(first.day))
                                           .values(talk_seconds=TABLE.c.talk_seconds + 1))
        except Exception as exc:
            failed.append(exc)
            meeting.abort()

    def add_up() -> None:
        for _turn in range(20):
            with writing(engine).begin() as connection:
                rollups.compact(connection)

    threads = [threading.Thread(target=write_across, args=days), threading.Thread(target=write_across, args=days[::-1]), threading.Thread(target=add_up)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert failed == []
    with writing(engine).begin() as connection:
        whole = rollups.totals(BY_DAY, by=("direction",), where=queries.outside)
        assert [tuple(one) for one in connection.execute(whole)] == [tuple(one) for one in connection.execute(
            rollups.totals(BY_DAY, by=("direction",), where=queries.outside, raw=True))]
        assert connection.execute(whole).one()[1] == 2 * 15 * 4
        assert [rollups.unequal(connection, one) for one in (BY_DAY, BY_AGENT, BY_SUBJECT)] == [0, 0, 0]
        rollups.compact(connection)
        assert len(connection.execute(sa.select(BY_DAY.table)).all()) == 2


@pytest.mark.parametrize("zone", ["Asia/Riyadh", "Asia/Kolkata"])
def test_days_of_the_zone_are_cut_at_its_own_midnight(session: Session, staff: Staff, zone: str) -> None:
    settings.put(session, "core.time_zone", zone)
    midnight = day_bounds(date(2026, 1, 10), settings.time_zone(session))[0]
    write(session.connection(), [{"started_at": midnight + timedelta(seconds=seconds), "direction": "in", "answered": True, "talk_seconds": 1}
                                 for seconds in (-1, 0, 1)])

    found = panel.handling(session, midnight - timedelta(days=3), midnight + timedelta(days=3), "day")

    assert {day: one.answered for day, one in found.items()} == {date(2026, 1, 9): 1, date(2026, 1, 10): 2}
