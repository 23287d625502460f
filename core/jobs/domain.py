"""Periods and waiting times of jobs: plain values in, plain values out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo

from core.calendar import period_of
from core.jobs.offers import Job

MOST_ATTEMPTS = 5
RETRY_AFTER_SECONDS = (30, 120, 600, 3600)
LONGEST_CATCH_UP = 400


def retry_after(attempts: int) -> timedelta:
    """How long to wait after the ``attempts``-th failure."""
    return timedelta(seconds=RETRY_AFTER_SECONDS[min(attempts, len(RETRY_AFTER_SECONDS)) - 1])


def newest_start(job: Job, now: datetime, zone: tzinfo) -> datetime:
    """The local start of the newest period whose run is due at ``now``: a naive local moment, its clock at ``job.at``."""
    local = now.astimezone(zone).replace(tzinfo=None)
    at = _clock(job.at)
    if job.every == "hour":
        start = local.replace(minute=at.minute, second=0, microsecond=0)
        return start if start <= local else start - timedelta(hours=1)
    start = datetime.combine(period_of(str(job.every), local.date())[0], at)
    return start if start <= local else step(job, start, -1)


def step(job: Job, start: datetime, count: int = 1) -> datetime:
    """The start ``count`` (1 or -1) periods later."""
    if job.every == "month":
        shifted = (start.replace(day=1) + timedelta(days=32 if count > 0 else -1)).replace(day=1)
        return datetime.combine(shifted, start.time())
    return start + count * {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}[str(job.every)]


def missed(job: Job, last: datetime, newest: datetime) -> Iterator[datetime]:
    """Period starts after ``last`` up to and with ``newest``, the oldest first, at most ``LONGEST_CATCH_UP``."""
    starts: list[datetime] = []
    start = newest
    while start > last and len(starts) < LONGEST_CATCH_UP:
        starts.append(start)
        start = step(job, start, -1)
    yield from reversed(starts)


def moment_of(start: datetime, zone: tzinfo) -> datetime:
    """The UTC moment of a local period start."""
    return start.replace(tzinfo=zone).astimezone(UTC)


def _clock(text: str) -> time:
    hours, minutes = text.split(":")
    return time(int(hours), int(minutes))
