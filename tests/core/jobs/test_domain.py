"""Periods of periodic jobs, and waiting after a failure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.jobs.domain import missed, moment_of, newest_start, retry_after, step
from core.jobs.offers import Job

RIYADH = ZoneInfo("Asia/Riyadh")
MONDAY = datetime(2026, 2, 2, 4, 30, tzinfo=UTC)  # 07:30 in Riyadh


def job(every: Any, at: str = "00:00") -> Job:
    return Job("notes.digest", lambda *_: None, every=every, at=at)


@pytest.mark.parametrize(("every", "at", "start"), [
    ("day", "07:00", datetime(2026, 2, 2, 7, 0)),
    ("day", "08:00", datetime(2026, 2, 1, 8, 0)),
    ("week", "06:00", datetime(2026, 2, 1, 6, 0)),
    ("month", "00:00", datetime(2026, 2, 1, 0, 0)),
    ("hour", "00:15", datetime(2026, 2, 2, 7, 15)),
    ("hour", "00:45", datetime(2026, 2, 2, 6, 45)),
])
def test_newest_start_is_of_the_period_that_has_begun(every: str, at: str, start: datetime) -> None:
    assert newest_start(job(every, at), MONDAY, RIYADH) == start


def test_month_before_its_hour_is_the_month_before() -> None:
    first = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)  # 05:00 in Riyadh

    assert newest_start(job("month", "06:00"), first, RIYADH) == datetime(2026, 2, 1, 6, 0)


@pytest.mark.parametrize(("every", "following"), [
    ("day", datetime(2026, 2, 2)), ("week", datetime(2026, 2, 8)), ("month", datetime(2026, 3, 1)), ("hour", datetime(2026, 2, 1, 1)),
])
def test_step_goes_there_and_back(every: str, following: datetime) -> None:
    start = datetime(2026, 2, 1)

    assert step(job(every), start) == following
    assert step(job(every), following, -1) == start


def test_missed_names_each_period_of_a_pause_once() -> None:
    days = list(missed(job("day"), datetime(2026, 1, 29), datetime(2026, 2, 1)))

    assert days == [datetime(2026, 1, 30), datetime(2026, 1, 31), datetime(2026, 2, 1)]


def test_moment_of_a_local_start_is_in_utc() -> None:
    assert moment_of(datetime(2026, 2, 2, 7, 0), RIYADH) == datetime(2026, 2, 2, 4, 0, tzinfo=UTC)


def test_retry_waits_longer_each_time() -> None:
    waits = [retry_after(attempt) for attempt in range(1, 7)]

    assert waits[0] == timedelta(seconds=30)
    assert waits == sorted(waits)
