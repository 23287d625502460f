"""The unit of work: begin writing, commit, roll back, and say no. Every edge uses it and nothing else commits.

An edge is a view, a command, a job or a public page. It reads first; ``begin_write`` ends that and opens the writing
transaction, in which services reload what they judge; ``commit`` ends it. Nothing is acknowledged before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session, scoped_session

from core.errors import AppError, DiwanError

_clock: ContextVar[Callable[[], datetime] | None] = ContextVar("diwan_clock", default=None)

AnySession = Session | scoped_session[Any]


def now() -> datetime:
    """The present moment in UTC; services get it as an argument, edges ask here."""
    clock = _clock.get()
    return clock() if clock is not None else datetime.now(UTC)


def time_is_set() -> bool:
    """Whether this runs inside ``time_at``."""
    return _clock.get() is not None


@contextmanager
def time_at(moment: datetime | Callable[[], datetime]) -> Iterator[None]:
    """Let it be ``moment`` inside the block: demo data made through the services, and tests."""
    token = _clock.set(moment if callable(moment) else lambda: moment)
    try:
        yield
    finally:
        _clock.reset(token)


def real(session: AnySession) -> Session:
    """The session behind a scoped one."""
    return session() if isinstance(session, scoped_session) else session


def begin_write(session: AnySession) -> None:
    """End the read phase and open the writing transaction; within one it does nothing.

    What was loaded before is expired, so services judge what the database holds now and not what the page showed.
    """
    session = real(session)
    if session.info.get("write"):
        return
    if session.new or session.deleted or session.dirty:
        raise DiwanError("Objects were changed before begin_write(); they would be lost.")
    session.rollback()
    forget(session)
    session.info["write"] = True


def commit(session: AnySession) -> None:
    """Commit the writing transaction; the session reads again afterwards. Rolls back on any failure."""
    session = real(session)
    session.info["committing"] = True
    try:
        session.commit()
    except BaseException:
        session.info["committing"] = False
        rollback(session)
        raise
    _finish(session)


def rollback(session: AnySession) -> None:
    session = real(session)
    session.rollback()
    _finish(session)


def _finish(session: Session) -> None:
    session.info["write"] = False
    session.info["committing"] = False
    for key in ("on_behalf_of", "on_behalf_of_username"):
        session.info.pop(key, None)
    forget(session)


def read_once(session: AnySession, name: str, load: Callable[[], Any]) -> Any:
    """What ``load`` reads, at most once in a transaction: settings, the choices that lists offer. Who changes such a thing says ``forget``."""
    kept = session.info.setdefault("read_once", {})
    if name not in kept:
        kept[name] = load()
    return kept[name]


def forget(session: AnySession) -> None:
    """Read anew what ``read_once`` kept."""
    session.info.pop("read_once", None)


@contextmanager
def unit_of_work(session: AnySession) -> Iterator[Session]:
    """Begin writing, commit at the end, roll back on any error: for commands and jobs."""
    session = real(session)
    begin_write(session)
    try:
        yield session
    except BaseException:
        rollback(session)
        raise
    commit(session)


def denied(session: AnySession, error: AppError, *, record: Any = None) -> None:
    """Log a refusal (AUD-04) in a transaction of its own, after the refused one has ended.

    The refused transaction would take the entry with it, and a second session would wait for its own lock: so the
    order is roll back, begin on the same session, commit.
    """
    from core.audit import services as audit

    rollback(session)
    with unit_of_work(session) as own:
        audit.record_denied(own, error, record=record)
