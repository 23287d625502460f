"""The worker: a loop over all associations of the home that claims what is due and does it.

An idle look is one statement on a kept engine; no app is built where nothing is due. Each job runs through the
association's app as a request would, with the language and settings of the association. On SIGTERM the running job is
finished or, when it works in blocks or takes too long, given back; after kill -9 its lease runs out and another takes it.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core import settings, work
from core.auth.actor import system_actor
from core.database import db, make_engine, writing
from core.errors import DiwanError
from core.hosting import Hosting
from core.i18n import use_language
from core.jobs import services
from core.jobs.clock import SteadyClock, ticks
from core.jobs.models import JobRow
from core.jobs.offers import Job
from core.jobs.services import Claim, GivenBack, LeaseLost
from core.plugins.selection import StaleSelection, stamp_subquery
from core.settings import Association, Deployment, all_associations

log = logging.getLogger("diwan.worker")
PAUSE_SECONDS = 1.0
BEAT_SECONDS = 120
AWAY_SECONDS = 30
GRACE_SECONDS = 20


@dataclass
class Known:
    """What the worker remembers of one association between two looks."""

    engine: Engine
    stamp: int | None = None
    names: frozenset[str] = frozenset()
    beat_at: datetime | None = None
    away_until: datetime | None = None


@dataclass
class Worker:
    """One worker process. ``once`` runs everything that is due; ``run`` goes on until stopped."""

    deployment: Deployment
    lease_seconds: int = services.LEASE_SECONDS
    pause_seconds: float = PAUSE_SECONDS
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"
        self.started_at = work.now()
        self.hosting = Hosting(self.deployment)
        self.known: OrderedDict[str, Known] = OrderedDict()
        self.clock = SteadyClock()
        self.believed = True

    def run(self) -> None:
        """Until ``stop`` is set: sweep, and pause only when nothing was done."""
        log.info("worker %s looks after %s", self.name, self.deployment.associations)
        while not self.stop.is_set():
            if not self.sweep():
                self.stop.wait(self.pause_seconds)

    def once(self) -> int:
        """Sweep until nothing is due any more; returns how many jobs were run."""
        total = 0
        while done := self.sweep():
            total += done
        return total

    def sweep(self) -> int:
        """One job of each association that has one due, so that a long queue in one keeps nobody waiting for its end."""
        done = 0
        self._look_at_clock()
        associations = all_associations(self.deployment)
        for gone in set(self.known) - {one.slug for one in associations}:
            self.known.pop(gone).engine.dispose()
        for association in associations:
            if self.stop.is_set():
                break
            done += self._attend(association)
        return done

    def _look_at_clock(self) -> None:
        """While the clock is doubted, periodic work waits; afterwards it is scheduled anew."""
        believed = self.clock.steady(work.now(), ticks())
        if believed != self.believed:
            log.warning("the clock is believed again" if believed else "the clock jumped: periodic jobs wait until it has stood for ten minutes")
            for known in self.known.values():
                known.stamp = None
        self.believed = believed

    def close(self) -> None:
        self.hosting.close()
        for known in self.known.values():
            known.engine.dispose()
        self.known.clear()

    def _attend(self, association: Association) -> int:
        known = self._known(association)
        if known.away_until is not None and work.now() < known.away_until:
            return 0
        known.away_until = None
        try:
            return self._work_on(association, known) if self._wanted(known) else 0
        except Exception as error:  # one association's trouble, whatever it is, must not stop the others' work
            known.away_until = work.now() + timedelta(seconds=AWAY_SECONDS)
            known.stamp = None
            log.error("association %s cannot be served for now: %s", association.slug, error if isinstance(error, DiwanError) else type(error).__name__)
            log.debug("the cause", exc_info=error)
            return 0

    def _known(self, association: Association) -> Known:
        if association.slug not in self.known:
            self.known[association.slug] = Known(make_engine(association.database_url, pool_size=1))
        self.known.move_to_end(association.slug)
        # An engine keeps files open; beyond the number of apps kept, the one longest unseen lets go of its own.
        if len(self.known) > self.deployment.apps_kept:
            next(iter(self.known.values())).engine.dispose()
        return self.known[association.slug]

    def _wanted(self, known: Known) -> bool:
        """Whether an app is needed: something is due, the choice of plugins changed, or a sign of life is."""
        now = work.now()
        if known.beat_at is None or now - known.beat_at > timedelta(seconds=BEAT_SECONDS):
            return True
        with known.engine.connect() as connection:
            row = connection.execute(_look(known, now)).one()
        return bool(row.due) or row.stamp != known.stamp

    def _work_on(self, association: Association, known: Known) -> int:
        if known.stamp is None or self._stamp(known) != known.stamp:
            return self._prepare(association, known)
        self._beat(known)
        return self._run_next(association, known) if self._is_due(known) else 0

    def _is_due(self, known: Known) -> bool:
        with known.engine.connect() as connection:
            return bool(connection.execute(_look(known, work.now())).one().due)

    def _stamp(self, known: Known) -> int | None:
        with known.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.coalesce(stamp_subquery(), 0)))

    def _beat(self, known: Known) -> None:
        now = work.now()
        if known.beat_at is None or now - known.beat_at > timedelta(seconds=BEAT_SECONDS):
            with _raw_session(known.engine) as session:
                services.beat(session, self.name, self.started_at, now)
            known.beat_at = now

    def _prepare(self, association: Association, known: Known) -> int:
        """Build the app for the present choice of plugins and enqueue the periodic jobs it offers."""
        with self._app(association) as app:
            jobs = offered_jobs(app, periodic=self.believed)
            session = work.real(db.session)
            with work.unit_of_work(session):
                added = services.schedule(session, jobs.values(), work.now(), settings.time_zone(session))
            known.stamp, known.names = app.extensions["diwan"].selection.stamp, frozenset(jobs)
        self._beat(known)
        return 1 if added or self._is_due(known) else 0

    def _run_next(self, association: Association, known: Known) -> int:
        with self._app(association) as app:
            return int(run_next(app, lease_seconds=self.lease_seconds, stopping=self.stop.is_set, periodic=self.believed))

    @contextmanager
    def _app(self, association: Association) -> Iterator[Flask]:
        app = self.hosting.app(association.slug)
        if self._stamp(self.known[association.slug]) != app.extensions["diwan"].selection.stamp:
            self.hosting.retire(association.slug, app)
            app = self.hosting.app(association.slug)
        with app.app_context():
            try:
                yield app
            finally:
                db.session.remove()


def _look(known: Known, now: datetime) -> Any:
    due = sa.exists().where(services.ready(now))
    if known.stamp is not None:
        due = due.where(JobRow.name.in_(known.names))
    return sa.select(due.label("due"), sa.func.coalesce(stamp_subquery(), 0).label("stamp"))


@contextmanager
def _raw_session(engine: Engine) -> Iterator[Session]:
    """A session for the worker's own two tables, without an app."""
    with Session(writing(engine), info={"write": True}) as session, session.begin():
        yield session


def offered_jobs(app: Flask, *, periodic: bool = True) -> dict[str, Job]:
    """Jobs of core and of the plugins that are on, by name; without ``periodic`` only those that somebody asks for."""
    jobs: dict[str, Job] = app.extensions["diwan"].named("register_jobs")
    return jobs if periodic else {name: job for name, job in jobs.items() if job.every is None}


def run_next(
    app: Flask, *, lease_seconds: int = services.LEASE_SECONDS, stopping: Any = None, now: datetime | None = None, periodic: bool = True, only: str = "",
) -> bool:
    """Claim and run one job of this app's association, inside its app context; whether there was one.

    Without ``periodic`` one that somebody wanted; with ``only`` one of this name.
    """
    jobs = {name: job for name, job in offered_jobs(app, periodic=periodic).items() if only in ("", name)}
    session = work.real(db.session)
    with work.unit_of_work(session):
        held = services.claim(session, now or work.now(), lease_seconds, names=jobs)
    if held is None:
        return False
    with use_language(settings.get(session, "core.language")), _kept(app, held):
        _run(session, jobs[held.name], held, stopping)
    _schedule_following(session, jobs[held.name])
    return True


def _run(session: Session, job: Job, held: Claim, stopping: Any) -> None:
    session.rollback()
    session.info.update(actor=system_actor("job", f"job {job.name}"), job=held, job_stopping=stopping)
    try:
        _do(session, job, held)
    except LeaseLost as error:
        work.rollback(session)
        log.warning("%s", error)
    except (GivenBack, Interrupted):
        work.rollback(session)
        _end(session, held, services.give_back)
        log.info("job %s (%s) given back", held.id, held.name)
    except Exception as error:
        work.rollback(session)
        _record_failure(session, held, error)
    finally:
        for key in ("job", "job_stopping", "actor"):
            session.info.pop(key, None)


def _do(session: Session, job: Job, held: Claim) -> None:
    if job.commits:
        job.run(session, held.args, work.now())
        _end(session, held, services.finish)
        return
    with work.unit_of_work(session):
        job.run(session, held.args, work.now())
        session.flush()
        services.finish(session, held, work.now())


def _end(session: Session, held: Claim, how: Any) -> None:
    try:
        with work.unit_of_work(session):
            how(session, held, work.now())
    except LeaseLost as error:
        log.warning("%s", error)


def _record_failure(session: Session, held: Claim, error: Exception) -> None:
    if isinstance(error, StaleSelection):
        _end(session, held, services.give_back)
        return
    reference = secrets.token_hex(4).upper()
    log.exception("job %s (%s) failed [%s]", held.id, held.name, reference)
    _end(session, held, lambda own, claim, now: services.fail(own, claim, error, now, reference=reference))


def _schedule_following(session: Session, job: Job) -> None:
    if job.every is not None:
        with work.unit_of_work(session):
            services.schedule(session, [job], work.now(), settings.time_zone(session))


@contextmanager
def _kept(app: Flask, held: Claim) -> Iterator[None]:
    """Extend the lease from a thread while the job is alive.

    On SQLite the extension waits while the job itself holds the write lock; so does everybody who could take the job.
    """
    ended = threading.Event()
    engine = db.engine

    def keep() -> None:
        while not ended.wait(held.lease_seconds / 3):
            with suppress(LeaseLost, DiwanError, SQLAlchemyError), _raw_session(engine) as session:
                services.extend_lease(session, held, work.now())

    keeper = threading.Thread(target=keep, daemon=True, name="diwan-lease")
    fixed = "diwan_connection" in app.extensions
    if not fixed:
        keeper.start()
    try:
        yield
    finally:
        ended.set()


class Interrupted(BaseException):
    """The grace period after SIGTERM is over."""


def serve(deployment: Deployment, *, lease_seconds: int = services.LEASE_SECONDS, once: bool = False) -> None:
    """Run a worker in this process until SIGTERM or SIGINT; with ``once`` until nothing is due."""
    worker = Worker(deployment, lease_seconds)
    _listen(worker)
    try:
        if once:
            worker.once()
        else:
            worker.run()
    except Interrupted:
        log.info("worker %s stopped after the grace period", worker.name)
    finally:
        signal.alarm(0)
        worker.close()


def _listen(worker: Worker) -> None:
    def stop(*_args: Any) -> None:
        worker.stop.set()
        signal.alarm(GRACE_SECONDS)

    def interrupt(*_args: Any) -> None:
        raise Interrupted

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGALRM, interrupt)
