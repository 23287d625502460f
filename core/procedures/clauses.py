"""A clause as a file: the rows of its page, written by the one exporter and logged (AUD-05)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.calendar import day_bounds
from core.exporter.columns import Column
from core.exporter.stream import Outcome, read_all
from core.exporter.text import Options, write_csv
from core.i18n import lazy_gettext as _l
from core.procedures.domain import month_end
from core.procedures.queries import Clause, clause

READ = "procedures.read"
COLUMNS = (
    Column("steps", _l("Step")), Column("action", _l("What is done")), Column("role", _l("Role")), Column("limit", _l("Time limit")),
    Column("frequency", _l("How often")), Column("version", _l("Version"), "integer"), Column("holds_from", _l("Holds from"), "moment"),
    Column("opened", _l("Opened"), "integer"), Column("in_time", _l("In time"), "integer"), Column("closed_late", _l("Closed late"), "integer"),
    Column("open_late", _l("Open and late"), "integer"), Column("open_now", _l("Open now"), "integer"), Column("cancelled", _l("Cancelled"), "integer"),
    Column("longest_delay_minutes", _l("Longest delay, minutes"), "integer"), Column("longest_delay_record", _l("Its record")),
    Column("held", _l("Versions in the period")),
)


@dataclass(frozen=True)
class ClauseFile:
    """A finished file, to be given out after ``log_export`` only."""

    code: str
    month: date
    content: bytes
    outcome: Outcome


def of_month(session: Session, code: str, month: date, now: datetime) -> Clause | None:
    """The clause beside what happened in the month that begins on ``month``, by the association's days."""
    zone = settings.time_zone(session)
    return clause(session, code, day_bounds(month, zone)[0], day_bounds(month_end(month), zone)[0], now)


def export(session: Session, found: Clause, month: date, *, actor: Actor) -> ClauseFile:
    """The rows of the page as CSV, limits in ISO 8601. Raises NotAllowed."""
    authorize(session, actor, READ)
    stream = write_csv(COLUMNS, _rows(found), Options(zone=settings.time_zone(session)))
    content = read_all(stream)
    assert stream.outcome is not None  # it was read to its end
    return ClauseFile(found.procedure.code, month, content, stream.outcome)


def _rows(found: Clause) -> Iterator[tuple[Any, ...]]:
    for row in found.rows:
        step, mine, longest = row.step, row.figures, row.longest
        yield ("+".join(str(number) for number in row.numbers), step.action.localized(), step.role.localized(), step.duration, step.frequency,
               step.version, step.valid_from, mine.opened, mine.in_time, mine.closed_late, mine.open_late, mine.open, mine.cancelled,
               longest.seconds // 60 if longest else None, longest.run.record_label if longest else None,
               " · ".join(f"{one.version}: {one.duration or ''} {one.valid_from.isoformat(timespec='minutes')}" for one in row.held))


def log_export(session: Session, made: ClauseFile, *, actor: Actor) -> None:
    """Log who takes out which clause of which month, with number of rows and checksum; commit before the first byte leaves."""
    authorize(session, actor, READ)
    audit.record(session, "export", summary=f"{made.code} {made.month:%Y-%m}", data={
        "procedure": made.code, "format": "csv", "filter": {"month": f"{made.month:%Y-%m}"}, "rows": made.outcome.rows, "sha256": made.outcome.sha256,
    })
