"""The outbox: background work as rows of the association's own database, and the heartbeat of its workers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonDict, UtcDateTime

WAITING, RUNNING, DONE, DEAD, SKIPPED = "waiting", "running", "done", "dead", "skipped"
STATES = (WAITING, RUNNING, DONE, DEAD, SKIPPED)


class JobRow(Base):
    """One piece of work: to be done at ``due_at``, held by whoever has its ``lease_token`` until ``lease_until``.

    ``args`` hold keys, never personal values. ``unique_key`` is unique for ever: the same wish twice is one job.
    """

    __tablename__ = "core_job"
    __audit__ = False
    __table_args__ = (
        sa.Index("ix_core_job_state_due_at", "state", "due_at"),
        sa.CheckConstraint("state IN ('waiting', 'running', 'done', 'dead', 'skipped')", name="state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(120), index=True)
    args: Mapped[dict[str, Any]] = mapped_column(JsonDict)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(sa.String(10), default=WAITING)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_token: Mapped[str | None] = mapped_column(sa.String(40))
    attempts: Mapped[int] = mapped_column(default=0)
    unique_key: Mapped[str | None] = mapped_column(sa.String(200), unique=True)
    last_error: Mapped[str | None] = mapped_column(sa.Text)
    progress_done: Mapped[int] = mapped_column(default=0)
    progress_total: Mapped[int | None]
    requested_by: Mapped[int | None]
    enqueued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class WorkerBeat(Base):
    """When a worker last looked after this association."""

    __tablename__ = "core_worker_beat"
    __audit__ = False

    worker: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


UNTRACKED = {
    "core_job": "Work to be done is no fact about anybody; what a job does is logged where it does it.",
    "core_worker_beat": "When the worker last looked is kept for `diwan doctor` only.",
}
