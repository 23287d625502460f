"""What the log says in figures: of the entries received in a period how many are closed, open and late, and how fast they were answered.

One definition for every report, card and page: an entry counts in the period in which it was received; closed, open and late
are as they stood at the period's end, or stand now in a period that has not ended. Response times run from receipt to the
return to the customer; entries whose source lacks either stay out of averages (CMPL-09, 10, 25; RPT-01, 02).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor
from core.calendar import local_day
from core.procedures.models import StepRun
from plugins.complaints import domain, queries
from plugins.complaints.domain import ANSWER, CONTACT, STUDY
from plugins.complaints.models import Entry


@dataclass(frozen=True)
class Case:
    """Of one entry what figures need; ``minutes`` is None while it is open or where the source does not say."""

    id: int
    kind: str
    channel: str
    department_id: int
    centre_id: int | None
    cause_id: int | None
    received_on: date
    closed: bool
    minutes: int | None
    late: bool = False
    decision: str | None = None


@dataclass
class Count:
    """Several cases in figures."""

    received: int = 0
    closed: int = 0
    late: int = 0
    minutes: list[int] = field(default_factory=list)

    @property
    def open(self) -> int:
        return self.received - self.closed

    @property
    def rate(self) -> Decimal | None:
        return domain.closing_rate(self.closed, self.received)

    @property
    def span(self) -> domain.Span:
        return domain.span_of(self.minutes)

    def add(self, case: Case) -> None:
        self.received += 1
        self.closed += case.closed
        self.late += case.late and not case.closed
        if case.minutes is not None:
            self.minutes.append(case.minutes)


def cases(session: Session, since: datetime, until: datetime, now: datetime, actor: Actor, *, kinds: Sequence[str] = ()) -> list[Case]:
    """The entries received from ``since`` up to, not with, ``until`` of which this actor's figures are made, as they stood then."""
    at = min(now, until)
    query = sa.select(Entry).where(Entry.received_at >= since, Entry.received_at < until).order_by(Entry.received_at, Entry.id)
    found = session.scalars(queries.counted(query.where(Entry.kind.in_(kinds)) if kinds else query, actor)).all()
    late = _late(session, [one.id for one in found], at)
    zone = settings.time_zone(session)
    return [_case(one, at, local_day(one.received_at, zone), one.id in late) for one in found]


def _case(entry: Entry, at: datetime, received_on: date, late: bool) -> Case:
    closed = entry.state == domain.CLOSED and (entry.closed_at is None or entry.closed_at < at)
    measured = closed and "returned_at" not in (entry.lacks or {}) and "received_at" not in (entry.lacks or {})
    minutes = domain.response_minutes(entry.received_at, entry.returned_at) if measured else None
    return Case(entry.id, entry.kind, entry.channel, entry.department_id, entry.centre_id, entry.cause_id, received_on, closed, minutes, late,
                entry.decision)


def _late(session: Session, ids: Sequence[int], at: datetime) -> set[int]:
    """Entries of which an answer, a study or a contact was overdue at a moment."""
    found: set[int] = set()
    for start in range(0, len(ids), 500):
        query = sa.select(StepRun.record_id).where(
            StepRun.record_type == Entry.__tablename__, StepRun.record_id.in_(ids[start:start + 500]), StepRun.step_number.in_((ANSWER, STUDY, CONTACT)),
            StepRun.procedure_code == domain.HANDLING, StepRun.due_at < at, sa.or_(StepRun.ended_at.is_(None), StepRun.ended_at >= at))
        found.update(session.scalars(query))
    return found


def of_periods(session: Session, periods: Sequence[tuple[datetime, datetime]], now: datetime) -> list[dict[str, int]]:
    """Complaints received in each period, and how many of them were closed by its end: of the whole log, with one statement."""
    first, last = min(since for since, _until in periods), max(until for _since, until in periods)
    query = sa.select(Entry.received_at, Entry.state, Entry.closed_at).where(Entry.kind == domain.COMPLAINT, Entry.received_at >= first,
                                                                             Entry.received_at < last)
    found = session.execute(query).all()
    told = []
    for since, until in periods:
        own = [one for one in found if since <= one.received_at < until]
        at = min(now, until)
        told.append({"received": len(own), "closed": sum(one.state == domain.CLOSED and (one.closed_at is None or one.closed_at < at) for one in own)})
    return told


def counted(found: Iterable[Case]) -> Count:
    total = Count()
    for case in found:
        total.add(case)
    return total


def grouped(found: Iterable[Case], key: Callable[[Case], Any]) -> dict[Any, Count]:
    """Figures by a key, in the order in which the keys first occur."""
    groups: dict[Any, Count] = {}
    for case in found:
        groups.setdefault(key(case), Count()).add(case)
    return groups


@dataclass(frozen=True)
class Repeated:
    """Entries of a period with the same cause in the same place (CMPL-12)."""

    cause_id: int
    department_id: int
    centre_id: int | None
    count: int
    ids: tuple[int, ...]


def repeated(found: Iterable[Case], least: int) -> list[Repeated]:
    """Groups of at least ``least`` complaints with one cause at one centre (of its department where there is no centre), the largest first."""
    groups: dict[tuple[int, int, int | None], list[int]] = {}
    for case in found:
        if case.cause_id is not None and case.kind == domain.COMPLAINT:
            groups.setdefault((case.cause_id, case.department_id, case.centre_id), []).append(case.id)
    lines = [Repeated(*key, len(ids), tuple(ids)) for key, ids in groups.items() if len(ids) >= least]
    return sorted(lines, key=lambda one: (-one.count, one.cause_id, one.centre_id or 0))


def hours(minutes: int | None) -> Decimal | None:
    """Minutes as hours with one decimal, as reports print them."""
    return None if minutes is None else (Decimal(minutes) / 60).quantize(Decimal("0.1"))


def difference(now: Any, before: Any) -> Any:
    return None if now is None or before is None else now - before
