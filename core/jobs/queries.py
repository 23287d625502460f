"""What staff and ``diwan doctor`` see of background work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.jobs.models import DEAD, RUNNING, WAITING, JobRow, WorkerBeat

LATE_AFTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Health:
    """``beat_at``: when a worker last looked, None for never; ``late``: jobs due for a quarter of an hour and not taken."""

    beat_at: datetime | None
    late: int
    dead: int


def health(session: Session, now: datetime) -> Health:
    late = sa.func.count(JobRow.id).filter(JobRow.state == WAITING, JobRow.due_at < now - LATE_AFTER, JobRow.attempts == 0)
    row = session.execute(sa.select(late, sa.func.count(JobRow.id).filter(JobRow.state == DEAD))).one()
    return Health(session.scalar(sa.select(sa.func.max(WorkerBeat.seen_at))), row[0], row[1])


def recent(session: Session, *, state: str | None = None, limit: int = 200) -> Sequence[JobRow]:
    """The newest jobs first."""
    query = sa.select(JobRow).order_by(JobRow.id.desc()).limit(limit)
    return session.scalars(query if state is None else query.where(JobRow.state == state)).all()


def counts(session: Session) -> dict[str, int]:
    """How many jobs there are by state."""
    return {state: count for state, count in session.execute(sa.select(JobRow.state, sa.func.count()).group_by(JobRow.state))}


def find(session: Session, *, unique_key: str) -> JobRow | None:
    """The job of this key, for a page that shows how far it is."""
    return session.scalar(sa.select(JobRow).where(JobRow.unique_key == unique_key))


def unfinished(session: Session, name: str) -> Sequence[JobRow]:
    return session.scalars(sa.select(JobRow).where(JobRow.name == name, JobRow.state.in_((WAITING, RUNNING)))).all()


def summary(row: JobRow) -> Any:
    """Progress as ``(done, total)``, or None where nothing was counted."""
    return (row.progress_done, row.progress_total) if row.progress_total else None
