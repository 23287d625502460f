"""Enqueuing, claiming and ending jobs. Rows are written with Core statements: they are untracked and must be cheap.

The promise (reliability 2.19): a job wanted by a transaction that was rolled back never runs; one whose worker died is
taken again when its lease has run out; its effect on the database and the mark "done" are one commit.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core import work
from core.auth.actor import Actor, authorize
from core.database import section
from core.errors import AppError, Conflict, DiwanError, NotFound
from core.i18n import lazy_gettext as _l
from core.jobs.domain import MOST_ATTEMPTS, missed, moment_of, newest_start, retry_after, step
from core.jobs.models import DEAD, DONE, RUNNING, SKIPPED, WAITING, JobRow, WorkerBeat
from core.jobs.offers import Job

LEASE_SECONDS = 60
KEPT_DAYS = 30
# No lease and no pause before a retry reaches further: what lies beyond was written by a clock that ran ahead and was set back.
FURTHEST = timedelta(hours=2)
_jobs: Any = JobRow.__table__
_beats: Any = WorkerBeat.__table__


class LeaseLost(DiwanError):
    """Another worker has taken the job meanwhile; what this one did since its last commit is rolled back."""


class GivenBack(DiwanError):
    """The worker was told to stop: the job is put back and goes on where it stopped."""


@dataclass(frozen=True)
class Claim:
    """A job that this worker holds."""

    id: int
    name: str
    args: dict[str, Any]
    token: str
    attempts: int
    requested_by: int | None
    lease_seconds: int = LEASE_SECONDS


# --- wanting work ------------------------------------------------------------------------------------------------------


def enqueue(
    session: Session, name: str, args: Mapping[str, Any] | None = None, *, due_at: datetime | None = None, unique_key: str | None = None,
    requested_by: int | None = None, total: int | None = None,
) -> int:
    """Want the job ``name`` done at ``due_at`` (now by default); written with the transaction that wants it. Returns its id.

    ``args`` are JSON, keys and no personal values. With a ``unique_key`` that is already there nothing is added and the
    existing job's id returned, whatever became of it.
    """
    if not session.info.get("write"):
        raise DiwanError(f"The job '{name}' was wanted in a read transaction: call core.work.begin_write(session) first.")
    added = _add(session, name, args, due_at, unique_key, requested_by, total)
    if added is None:
        added = session.scalar(sa.select(_jobs.c.id).where(_jobs.c.unique_key == unique_key))
    return int(added)  # type: ignore[arg-type]


def _add(
    session: Session, name: str, args: Mapping[str, Any] | None, due_at: datetime | None, unique_key: str | None,
    requested_by: int | None = None, total: int | None = None,
) -> int | None:
    moment = work.now()
    values = {"name": name, "args": dict(args or {}), "due_at": due_at or moment, "state": WAITING, "attempts": 0, "unique_key": unique_key,
              "progress_done": 0, "progress_total": total, "requested_by": requested_by, "enqueued_at": moment}
    with section("jobs"):
        added: int | None = session.scalar(_insert(session, _jobs).values(values).on_conflict_do_nothing(index_elements=["unique_key"]).returning(_jobs.c.id))
    return added


def _insert(session: Session, table: Any) -> Any:
    dialect = session.get_bind().dialect.name
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)


# --- the worker's side -------------------------------------------------------------------------------------------------


def ready(now: datetime) -> Any:
    """The condition of a job that may be taken: due and waiting, or held by a worker whose lease has run out (F24, F25)."""
    return sa.or_(sa.and_(_jobs.c.state == WAITING, _jobs.c.due_at <= now), _abandoned(now), _stranded(now))


def _abandoned(now: datetime) -> Any:
    """Held by a worker that died; a lease further off than any is given holds nothing."""
    return sa.and_(_jobs.c.state == RUNNING, sa.or_(_jobs.c.lease_until < now, _jobs.c.lease_until > now + FURTHEST))


def _stranded(now: datetime) -> Any:
    """Wanted at once, or put back to be tried again, by a clock that ran ahead; periods keep the moment that they are for."""
    at_once = sa.and_(_jobs.c.enqueued_at > now + FURTHEST, _jobs.c.due_at <= _jobs.c.enqueued_at)
    again = sa.and_(_jobs.c.attempts > 0, _jobs.c.due_at > now + FURTHEST)
    periodic = sa.func.coalesce(_jobs.c.unique_key, "").startswith("every:")
    return sa.and_(_jobs.c.state == WAITING, _jobs.c.due_at > now + FURTHEST, sa.or_(again, sa.and_(at_once, sa.not_(periodic))))


def claim(session: Session, now: datetime, lease_seconds: int = LEASE_SECONDS, *, names: Iterable[str] | None = None) -> Claim | None:
    """Take the job that has been due longest, for ``lease_seconds``; None when nothing is ready.

    One conditional UPDATE: two workers never take the same. ``names``: only these (the jobs of plugins that are on).
    Jobs that five workers died over are dead letters and stay for somebody to look at.
    """
    bury(session, now)
    wanted = ready(now) if names is None else sa.and_(ready(now), _jobs.c.name.in_(list(names)))
    first = sa.select(_jobs.c.id).where(wanted).order_by(_jobs.c.due_at, _jobs.c.id).limit(1).with_for_update(skip_locked=True)
    token = secrets.token_hex(16)
    change = sa.update(_jobs).where(_jobs.c.id == first.scalar_subquery(), wanted).values(
        state=RUNNING, lease_token=token, lease_until=now + timedelta(seconds=lease_seconds), attempts=_jobs.c.attempts + 1,
    ).returning(_jobs.c.id, _jobs.c.name, _jobs.c.args, _jobs.c.attempts, _jobs.c.requested_by)
    with section("jobs"):
        row = session.execute(change).first()
    return None if row is None else Claim(row.id, row.name, dict(row.args), token, row.attempts, row.requested_by, lease_seconds)


def bury(session: Session, now: datetime) -> int:
    """Make dead letters of jobs whose worker died at the last attempt; returns how many."""
    lost = sa.and_(_abandoned(now), _jobs.c.attempts >= MOST_ATTEMPTS)
    return _change(session, lost, state=DEAD, finished_at=now, lease_token=None, lease_until=None,
                   last_error="The worker ended in the middle of it, every time.")


def extend_lease(session: Session, held: Claim, now: datetime) -> None:
    """Keep a job that is still being worked on. Raises LeaseLost."""
    _change_held(session, held, lease_until=now + timedelta(seconds=held.lease_seconds))


def finish(session: Session, held: Claim, now: datetime) -> None:
    """Mark it done, in the transaction of its effect. Raises LeaseLost, which takes the effect back."""
    _change_held(session, held, state=DONE, finished_at=now, lease_token=None, lease_until=None, last_error=None)


def fail(session: Session, held: Claim, error: BaseException, now: datetime, *, reference: str = "") -> bool:
    """Put a failed job back for later, or among the dead letters after the fifth attempt; returns whether it is dead."""
    dead = held.attempts >= MOST_ATTEMPTS
    values: dict[str, Any] = {"last_error": _reason(error, reference), "lease_token": None, "lease_until": None}
    values |= {"state": DEAD, "finished_at": now} if dead else {"state": WAITING, "due_at": now + retry_after(held.attempts)}
    _change_held(session, held, **values)
    return dead


def give_back(session: Session, held: Claim, now: datetime) -> None:
    """Put an unfinished job back, due as it was; being told to stop does not count as an attempt."""
    _change_held(session, held, state=WAITING, attempts=held.attempts - 1, lease_token=None, lease_until=None)


def progress(session: Session, done: int, total: int | None = None) -> None:
    """Say how far the running job is, in the transaction of its block. Raises LeaseLost or GivenBack, which takes it back.

    Outside a job it does nothing, so that services may call it wherever they run.
    """
    held: Claim | None = session.info.get("job")
    if held is None:
        return
    values = {"progress_done": done, **({} if total is None else {"progress_total": total})}
    _change_held(session, held, lease_until=work.now() + timedelta(seconds=held.lease_seconds), **values)


def check_stop(session: Session) -> None:
    """Between two blocks of a job that commits itself: raise GivenBack when the worker was told to stop."""
    stopping = session.info.get("job_stopping")
    if stopping is not None and stopping():
        raise GivenBack("The worker is stopping.")


def _reason(error: BaseException, reference: str) -> str:
    # Messages of surprises may quote data (an SQL error shows its parameters): those stand in the protected log only.
    text = str(error) if isinstance(error, AppError | DiwanError) else f"{type(error).__name__}; the log has the details"
    return f"{text}{f' [{reference}]' if reference else ''}"[:500]


def _change_held(session: Session, held: Claim, **values: Any) -> None:
    if not _change(session, sa.and_(_jobs.c.id == held.id, _jobs.c.lease_token == held.token), **values):
        raise LeaseLost(f"Job {held.id} ({held.name}) was taken by another worker.")


def _change(session: Session, condition: Any, **values: Any) -> int:
    with section("jobs"):
        return session.execute(sa.update(_jobs).where(condition).values(**values)).rowcount  # type: ignore[attr-defined,no-any-return]


# --- periodic jobs -----------------------------------------------------------------------------------------------------


def schedule(session: Session, offered: Iterable[Job], now: datetime, zone: Any) -> int:
    """Enqueue the present and the next period of each periodic job; returns how many rows were added.

    The next one stands there with its due moment, so that an idle look needs no app. Each period has one row for ever
    (its unique key), however many workers schedule it. Periods missed in a pause are skipped, unless the job catches up.
    """
    return sum(_schedule(session, job, now, zone) for job in offered if job.every is not None)


def _schedule(session: Session, job: Job, now: datetime, zone: Any) -> int:
    newest = newest_start(job, now, zone)
    last = _last_period(session, job, newest)
    starts = [newest] if last is None else list(missed(job, last, newest))
    if not job.catch_up:
        starts = starts[-1:]
        _skip_stale(session, job, moment_of(newest, zone))
    return sum(_add_period(session, job, start, zone) for start in [*starts, step(job, newest)])


def _add_period(session: Session, job: Job, start: datetime, zone: Any) -> bool:
    period = period_name(job, start)
    return _add(session, job.name, {"period": period}, moment_of(start, zone), f"every:{job.name}:{period}") is not None


def period_name(job: Job, start: datetime) -> str:
    return start.strftime("%Y-%m-%dT%H" if job.every == "hour" else "%Y-%m-%d")


def _last_period(session: Session, job: Job, newest: datetime) -> datetime | None:
    prefix = f"every:{job.name}:"
    known = session.scalar(sa.select(sa.func.max(_jobs.c.unique_key)).where(
        _jobs.c.name == job.name, _jobs.c.unique_key.startswith(prefix, autoescape=True), _jobs.c.unique_key <= f"{prefix}{period_name(job, newest)}"))
    if known is None:
        return None
    start = datetime.fromisoformat(known.removeprefix(prefix) + (":00" if job.every == "hour" else ""))
    return start.replace(hour=start.hour if job.every == "hour" else newest.hour, minute=newest.minute)


def _skip_stale(session: Session, job: Job, before: datetime) -> None:
    stale = sa.and_(_jobs.c.name == job.name, _jobs.c.state == WAITING, _jobs.c.attempts == 0, _jobs.c.due_at < before,
                    _jobs.c.unique_key.startswith(f"every:{job.name}:", autoescape=True))
    _change(session, stale, state=SKIPPED, finished_at=before)


# --- staff's side ------------------------------------------------------------------------------------------------------


def retry(session: Session, job_id: int, *, actor: Actor, now: datetime) -> None:
    """Let a dead letter be tried again, from the first attempt on."""
    authorize(session, actor, "jobs.manage")
    row = session.get(JobRow, job_id)
    if row is None:
        raise NotFound(_l("There is no job “%(id)s”.", id=job_id))
    if row.state != DEAD:
        raise Conflict(_l("The job “%(name)s” is not among the failed ones, so there is nothing to try again.", name=row.name))
    _change(session, _jobs.c.id == job_id, state=WAITING, due_at=now, attempts=0, finished_at=None)
    session.expire(row)


def beat(session: Session, worker: str, started_at: datetime, now: datetime) -> None:
    """Note that this worker looks after this association; beats of workers gone for a week are dropped."""
    statement = _insert(session, _beats).values(worker=worker, started_at=started_at, seen_at=now)
    with section("jobs"):
        session.execute(statement.on_conflict_do_update(index_elements=["worker"], set_={"started_at": started_at, "seen_at": now}))
        session.execute(sa.delete(_beats).where(_beats.c.seen_at < now - timedelta(days=7)))


def tidy(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """Forget jobs that ended a month ago, but each periodic job's last one; dead letters stay until somebody decides."""
    newest = sa.select(sa.func.max(_jobs.c.id)).where(_jobs.c.unique_key.startswith("every:")).group_by(_jobs.c.name)
    old = sa.and_(_jobs.c.state.in_((DONE, SKIPPED)), _jobs.c.finished_at < now - timedelta(days=KEPT_DAYS), _jobs.c.id.not_in(newest))
    with section("jobs"):
        session.execute(sa.delete(_jobs).where(old))
