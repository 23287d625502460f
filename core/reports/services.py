"""Running reports, exporting and keeping them, and sending kept runs: who may, with which parameters, and logged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import rollups, settings, work
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.auth.models import Role
from core.auth.queries import holders_of
from core.calendar import local_day
from core.errors import DiwanError, InvalidInput, NotAllowed
from core.exporter.stream import Outcome
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l
from core.notices.services import notify
from core.numbering import next_value
from core.organisation.models import Centre
from core.reports import files, pdf
from core.reports.domain import Totals, as_texts, is_whole, plain_filter, read_parameters
from core.reports.keeping import canonical, checksum
from core.reports.models import ReportRun, ReportSending
from core.reports.offers import Chart, Parameter, Part, Report
from core.reports.queries import may_read_run, report_of
from core.reports.results import Result, document_of, result_of
from core.reports.words import sentence
from core.text import isolate

SHOWN_ROWS = 100
MOST_KEPT_ROWS = 10_000
KEEP = "reports.keep"


@dataclass(frozen=True)
class Export:
    """A finished file, standing at its beginning. ``filter`` is what the log keeps of the parameters; ``run`` the kept run, if it is of one."""

    report: Report
    filter: dict[str, Any]
    file: IO[bytes]
    outcome: Outcome
    format: str = "csv"
    run: ReportRun | None = None


def choices_of(session: Session, report: Report, actor: Actor) -> dict[str, list[tuple[str, Any]]]:
    """The codes and labels of each choice and centre parameter; an actor bound to centres has only his own."""
    found: dict[str, list[tuple[str, Any]]] = {}
    for parameter in report.parameters:
        if parameter.kind == "centre":
            found[parameter.key] = _centres(session, actor)
        elif parameter.kind == "choice":
            found[parameter.key] = _offered(session, report, parameter)
    return found


def _offered(session: Session, report: Report, parameter: Parameter) -> list[tuple[str, Any]]:
    offered = parameter.choices
    return list(work.read_once(session, f"choices of {report.name} {parameter.key}", lambda: offered(session)) if callable(offered) else offered)


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
    bounded: bool = False,
) -> Result:
    """The report for these parameters: up to ``limit`` rows (None: all) from ``start`` on, the number of all, totals over all,
    figures and charts. ``bounded``: where the report can show a part without reading all, very many rows are not counted.

    Raises NotAllowed, InvalidInputs.
    """
    authorize(session, actor, report.permission, rule="PLUG-05")
    values = values_of(session, report, given, actor=actor, now=now)
    arguments = _arguments(session, report, values, actor)
    part = report.part(session, values, actor, start, limit) if bounded and limit is not None and report.part is not None else None
    totals, shown, count = _counted(report, arguments, start, limit) if part is None else _told(report, part)
    return Result(
        report, values, report.columns, shown, count, totals.cells() if report.totals else {}, start,
        tuple(report.figures(*arguments)) if report.figures is not None else (), _charts(report, arguments),
        sentence(report, values, choices_of(session, report, actor)), bounded=part is not None,
    )


def _counted(report: Report, arguments: tuple[Any, ...], start: int, limit: int | None) -> tuple[Totals, list[Sequence[Any]], int]:
    """Every row read: sums over all, the rows that are shown, how many there are."""
    totals = Totals(report.columns, report.totals)
    end = None if limit is None else start + limit
    shown: list[Sequence[Any]] = []
    count = 0
    for count, row in enumerate(_rows(report, arguments), 1):
        totals.add(row)
        if count > start and (end is None or count <= end):
            shown.append(totals.with_money(row))
    return totals, shown, count


def _told(report: Report, part: Part) -> tuple[Totals, list[Sequence[Any]], int]:
    """The same as the report itself says it."""
    totals = Totals(report.columns, report.totals)
    for row in part.summed:
        totals.add(row)
    return totals, [totals.with_money(row) for row in part.rows], part.counted


def _arguments(session: Session, report: Report, values: Mapping[str, Any], actor: Actor) -> tuple[Any, ...]:
    """What a report's rows, figures and chart take, with what it loads for all of them."""
    return (session, values, actor) if report.load is None else (session, values, actor, report.load(session, values, actor))


def _charts(report: Report, arguments: tuple[Any, ...]) -> tuple[Chart, ...]:
    found = report.chart(*arguments) if report.chart is not None else None
    return () if found is None else (found,) if isinstance(found, Chart) else tuple(found)


def _rows(report: Report, arguments: tuple[Any, ...]) -> Iterable[Sequence[Any]]:
    if report.rows is None:
        raise DiwanError(f"Report '{report.name}' has no rows.")
    return report.rows(*arguments)


# --- files -------------------------------------------------------------------------------------------------------------


def export(
    session: Session, report: Report, given: Mapping[str, str], *, actor: Actor, now: datetime, bom: bool = True, format: str = "csv",
) -> Export:
    """The report as a file of ``format`` (csv, xlsx, pdf, json), whole, read without holding the register's write lock.

    Give it out after ``log_export`` only. Raises NotAllowed, InvalidInputs.
    """
    authorize(session, actor, report.permission, rule="PLUG-05")
    values = values_of(session, report, given, actor=actor, now=now)
    kept = plain_filter(values, report)
    if _checked(format) in ("csv", "xlsx"):
        rows = _rows(report, _arguments(session, report, values, actor))
        table = files.Table(report.name, str(report.title), report.columns, rows, _summed(report))
        return Export(report, kept, *files.table_file(table, format, zone=settings.time_zone(session), bom=bom), format)
    result = run(session, report, given, actor=actor, now=now, limit=None if format == "json" else pdf.MOST_ROWS)
    return Export(report, kept, *_document(session, result, format, now), format)


def export_run(session: Session, kept: ReportRun, report: Report, *, actor: Actor, now: datetime, format: str = "csv", bom: bool = True) -> Export:
    """A kept run as a file, with the figures it had. Raises NotAllowed, InvalidInput."""
    require_run(session, kept, report, actor)
    result = result_of(kept, report)
    chosen = plain_filter({key: value for key, value in kept.parameters.items() if value}, report)
    if _checked(format) in ("csv", "xlsx"):
        table = files.Table(report.name, str(result.title), result.columns, result.rows, _summed(report))
        return Export(report, chosen, *files.table_file(table, format, zone=settings.time_zone(session), bom=bom), format, kept)
    return Export(report, chosen, *_document(session, result, format, now), format, kept)


def _summed(report: Report) -> Sequence[str]:
    return report.totals if report.total_row else ()


def _document(session: Session, result: Result, format: str, now: datetime) -> tuple[IO[bytes], Outcome]:
    if format == "pdf":
        return files.whole_file(pdf.printed(session, result, now=now), result.count)
    return files.whole_file(files.json_of(result.report.name, result.columns, result.values, result.rows), result.count)


def _checked(format: str) -> str:
    if format not in files.FORMATS:
        raise InvalidInput(_l("“%(value)s” is no format of a report. There are CSV, XLSX, PDF and JSON.", value=format[:20]), field="format", value=format[:20])
    return format


def log_export(session: Session, made: Export, *, actor: Actor) -> None:
    """Log who takes out which report, with format, filter, number of rows and checksum (AUD-05); commit before the first byte leaves."""
    if made.run is None:
        authorize(session, actor, made.report.permission, rule="PLUG-05")
    else:
        require_run(session, made.run, made.report, actor)
    audit.record(session, "export", record=made.run, summary=made.report.name, plugin=made.report.name.split(".")[0], data={
        "report": made.report.name, "format": made.format, "filter": made.filter, "rows": made.outcome.rows, "sha256": made.outcome.sha256,
        **({"run": made.run.number} if made.run is not None else {}),
    })


# --- kept runs (RPT-09) and their sending (RPT-03) ---------------------------------------------------------------------


def may_keep(report: Report, actor: Actor) -> bool:
    """Who may keep and send runs of this report: whoever must produce it, and holders of ``reports.keep``."""
    return report.keeps and actor.may(report.permission) and (actor.may(KEEP) or bool(report.role and actor.holds(report.role)))


def keep(session: Session, report: Report, values: Mapping[str, Any], *, actor: Actor, now: datetime) -> ReportRun:
    """Run the report for these parameters and keep the run, which never changes again.

    ``values`` are texts as from a form, or days and numbers. Raises NotAllowed, InvalidInputs.
    """
    _require_keeper(session, report, actor)
    given = as_texts(values)
    result = run(session, report, given, actor=actor, now=now, limit=MOST_KEPT_ROWS)
    if result.count > MOST_KEPT_ROWS:
        raise InvalidInput(_l("A kept run holds 10,000 rows, and this one would have %(count)s. Narrow the report.", count=f"{result.count:,}"), rule="RPT-09")
    today = local_day(now, settings.time_zone(session))
    used = {key: text for key, text in as_texts(result.values).items() if report.parameter(key)}
    content = canonical(document_of(result, used))
    kept = ReportRun(
        number=f"RUN-{today.year}-{next_value(session, f'report_run_{today.year}'):04d}", report=report.name, starts_on=result.values.get("from_on"),
        ends_on=result.values.get("to_on"), whole=is_whole(report, result.values, today), centre_id=result.values.get("centre_id"),
        reach=str(report.reach(actor)) if report.reach is not None else "", row_count=result.count,
        content=content, sha256=checksum(content), made_at=now, made_by=actor.user_id, made_by_label=actor.label,
    )
    session.add(kept)
    audit.name_action(session, kept, "report_keep")
    session.flush()
    return kept


def _require_keeper(session: Session, report: Report, actor: Actor) -> None:
    authorize(session, actor, report.permission, rule="RPT-09")
    if not report.keeps:
        raise NotAllowed(_l("Runs of the report “%(title)s” are not kept.", title=report.title), rule="RPT-09")
    if not (report.role and actor.holds(report.role)):
        authorize(session, actor, KEEP, rule="RPT-09")


def require_run(session: Session, kept: ReportRun, report: Report, actor: Actor) -> None:
    """Raise NotAllowed for whom the kept run is not meant."""
    session.info["actor"] = actor
    if may_read_run(session, kept, report, actor):
        return
    if actor.may(report.permission):
        raise NotAllowed(_l("The run %(number)s was made over records that you may not read. Open the report itself, which shows yours, or have the run"
                            " sent to you.", number=isolate(kept.number)), rule="CUST-37", value=kept.number)
    raise NotAllowed(_l("This run of the report is not open to you."), rule="PLUG-05", value=kept.number)


def send(session: Session, kept: ReportRun, *, to_roles: Sequence[str], actor: Actor, now: datetime) -> ReportSending:
    """Send a kept run to the holders of these roles: each gets a notice with its link, and may read it from now on.

    Raises NotAllowed; NotFound where its report is off; InvalidInput for no role, an unknown one, or roles that nobody holds.
    """
    report = report_of(kept)
    _require_keeper(session, report, actor)
    require_run(session, kept, report, actor)
    slugs = sorted(set(to_roles))
    people = {user.id for slug in _known(session, slugs) for user in holders_of(session, slug)}
    if not people:
        raise InvalidInput(_l("Nobody holds this role at present, so nobody would get the report."), field="roles", rule="RPT-03")
    told = notify(session, people, _l("The report “%(title)s” (%(number)s) was sent to you by %(name)s.", title=Bilingual.of(kept.document["title"]),
                                      number=kept.number, name=actor.label), link=f"/reports/runs/{kept.number}/", now=now)
    sending = ReportSending(run=kept, roles=f"|{'|'.join(slugs)}|", told=told, sent_at=now, sent_by=actor.user_id, sent_by_label=actor.label)
    session.add(sending)
    audit.name_action(session, sending, "report_send")
    session.flush()
    return sending


def _known(session: Session, slugs: Sequence[str]) -> Sequence[str]:
    unknown = set(slugs) - set(session.scalars(sa.select(Role.slug).where(Role.slug.in_(slugs))))
    if unknown or not slugs:
        raise InvalidInput(_l("Choose to whom the report is sent."), field="roles", value=", ".join(sorted(unknown))[:80])
    return slugs


# --- what reports are made of -------------------------------------------------------------------------------------------


def compact_rollups(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """Add up the rows that PostgreSQL's statements left in the roll-ups since the last hour."""
    rollups.compact(session.connection())
