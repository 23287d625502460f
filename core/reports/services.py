"""Running reports and exporting them: who may, with which parameters, and logged with user, filter, count and checksum."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.calendar import local_day
from core.errors import DiwanError
from core.exporter.columns import Column
from core.exporter.stream import Outcome, Stream
from core.exporter.text import Options, write_csv
from core.organisation.models import Centre
from core.reports.domain import Totals, plain_filter, read_parameters
from core.reports.offers import Report

SHOWN_ROWS = 100
IN_MEMORY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Result:
    """A report as the page shows it: some rows (amounts as Money) from ``start`` on, how many there are in all, and sums over all of them."""

    report: Report
    values: Mapping[str, Any]
    columns: Sequence[Column]
    rows: list[Sequence[Any]]
    count: int
    totals: dict[str, list[Any]] = field(default_factory=dict)
    start: int = 0

    @property
    def more(self) -> int:
        """Rows after the shown ones."""
        return max(0, self.count - self.start - len(self.rows))


@dataclass(frozen=True)
class Export:
    """A finished file, standing at its beginning. ``filter`` is what the log keeps of the parameters."""

    report: Report
    filter: dict[str, Any]
    file: IO[bytes]
    outcome: Outcome


def choices_of(session: Session, report: Report, actor: Actor) -> dict[str, list[tuple[str, Any]]]:
    """The codes and labels of each choice and centre parameter; an actor bound to centres has only his own."""
    found: dict[str, list[tuple[str, Any]]] = {}
    for parameter in report.parameters:
        if parameter.kind == "centre":
            found[parameter.key] = _centres(session, actor)
        elif parameter.kind == "choice":
            found[parameter.key] = list(parameter.choices(session) if callable(parameter.choices) else parameter.choices)
    return found


def _centres(session: Session, actor: Actor) -> list[tuple[str, Any]]:
    query = sa.select(Centre).order_by(Centre.name_ar, Centre.id)
    if actor.centre_ids:
        query = query.where(Centre.id.in_(actor.centre_ids))
    return [(str(one.id), one.name) for one in session.scalars(query)]


def values_of(session: Session, report: Report, given: Mapping[str, str], *, actor: Actor, now: datetime) -> dict[str, Any]:
    """The parameters of a report, read and checked; who is bound to one centre gets that one. Raises InvalidInputs."""
    today: date = local_day(now, settings.time_zone(session))
    values = read_parameters(report, given, choices_of(session, report, actor), today)
    for parameter in report.parameters:
        if parameter.kind == "centre" and values[parameter.key] is None and len(actor.centre_ids) == 1:
            values[parameter.key] = next(iter(actor.centre_ids))
    return values


def run(
    session: Session, report: Report, given: Mapping[str, str], *, actor: Actor, now: datetime, limit: int | None = SHOWN_ROWS, start: int = 0,
) -> Result:
    """The report for these parameters: up to ``limit`` rows (None: all) from ``start`` on, the number of all, totals over all.

    Raises NotAllowed, InvalidInputs.
    """
    authorize(session, actor, report.permission, rule="PLUG-05")
    values = values_of(session, report, given, actor=actor, now=now)
    totals = Totals(report.columns, report.totals)
    end = None if limit is None else start + limit
    shown: list[Sequence[Any]] = []
    count = 0
    for count, row in enumerate(_rows(session, report, values, actor), 1):
        totals.add(row)
        if count > start and (end is None or count <= end):
            shown.append(totals.with_money(row))
    return Result(report, values, report.columns, shown, count, totals.cells() if report.totals else {}, start)


def _rows(session: Session, report: Report, values: Mapping[str, Any], actor: Actor) -> Iterable[Sequence[Any]]:
    if report.rows is None:
        raise DiwanError(f"Report '{report.name}' has no rows.")
    return report.rows(session, values, actor)


def export(session: Session, report: Report, given: Mapping[str, str], *, actor: Actor, now: datetime, bom: bool = True) -> Export:
    """The report as a CSV file, whole, read without holding the register's write lock; give it out after ``log_export`` only.

    Raises NotAllowed, InvalidInputs.
    """
    authorize(session, actor, report.permission, rule="PLUG-05")
    values = values_of(session, report, given, actor=actor, now=now)
    stream = write_csv(report.columns, _rows(session, report, values, actor), Options(bom=bom, zone=settings.time_zone(session)))
    return Export(report, plain_filter(values, report), *_written(report, stream))


def _written(report: Report, stream: Stream) -> tuple[IO[bytes], Outcome]:
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - it is closed by whoever sends it
    try:
        for data in stream:
            file.write(data)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    if stream.outcome is None or not stream.outcome.whole:
        raise DiwanError(f"The export of '{report.name}' did not end as a whole file.")
    return file, stream.outcome


def log_export(session: Session, made: Export, *, actor: Actor) -> None:
    """Log who takes out which report, with filter, number of rows and checksum (AUD-05); commit before the first byte leaves."""
    authorize(session, actor, made.report.permission, rule="PLUG-05")
    audit.record(session, "export", summary=made.report.name, plugin=made.report.name.split(".")[0], data={
        "report": made.report.name, "format": "csv", "filter": made.filter, "rows": made.outcome.rows, "sha256": made.outcome.sha256,
    })
