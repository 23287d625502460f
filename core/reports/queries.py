"""Selects over kept runs, and the calendar of due reports (RPT-10). They never write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, defer

from core import settings
from core.audit.models import AuditEvent
from core.auth.actor import Actor
from core.calendar import local_day
from core.errors import NotFound
from core.i18n import lazy_gettext as _l
from core.reports.domain import OVERDUE, periods_due, state_of
from core.reports.models import ReportRun, ReportSending
from core.reports.offers import Reach, Report
from core.state import Offer, state

MOST_RUNS = 200


# --- kept runs ---------------------------------------------------------------------------------------------------------


def run_numbered(session: Session, number: str) -> ReportRun | None:
    return session.scalar(sa.select(ReportRun).where(ReportRun.number == number[:20]))


def report_of(run: ReportRun) -> Report:
    """The report that a run is of. Raises NotFound while it is not offered: its plugin is off."""
    found: Report | None = state().named("register_reports").get(run.report)
    if found is None:
        raise NotFound(_l("There is no report “%(name)s” here.", name=run.report))
    return found


def runs_of(session: Session, report: Report, actor: Actor, *, limit: int = MOST_RUNS) -> list[ReportRun]:
    """The kept runs of a report that this actor may read, the newest first."""
    newest = sa.select(ReportRun).where(ReportRun.report == report.name).order_by(ReportRun.id.desc()).limit(limit)
    return [one for one in session.scalars(newest) if may_read_run(session, one, report, actor)]


def may_read_run(session: Session, run: ReportRun, report: Report, actor: Actor) -> bool:
    """Its maker; whom it was sent to; and holders of the report's permission whose records reach as far as the run's do (CUST-37)."""
    if actor.user_id is not None and run.made_by == actor.user_id:
        return True
    if actor.may(report.permission) and reach_of(report, actor).covers(reach_of_run(run)):
        return True
    return any(actor.holds(slug) for sending in run.sendings for slug in sending.role_slugs)


def reach_of(report: Report, actor: Actor) -> Reach:
    return report.reach(actor) if report.reach is not None else Reach(centre_ids=actor.centre_ids)


def reach_of_run(run: ReportRun) -> Reach:
    """How far a run's rows reach: as its maker's records did, narrowed to the centre that was chosen."""
    kept = Reach.of(run.reach)
    return kept if run.centre_id is None else replace(kept, centre_ids=frozenset({run.centre_id}))


def run_of_period(session: Session, report: str, starts_on: date, ends_on: date) -> ReportRun | None:
    """The first run that was kept of a report for this period, narrowed by nothing else."""
    return session.scalar(sa.select(ReportRun).where(
        ReportRun.report == report, ReportRun.whole, ReportRun.starts_on == starts_on, ReportRun.ends_on == ends_on).order_by(ReportRun.id).limit(1))


def sendings_of(session: Session, run: ReportRun) -> Sequence[ReportSending]:
    """To whom a run was sent, the newest first."""
    return session.scalars(sa.select(ReportSending).where(ReportSending.run_id == run.id).order_by(ReportSending.id.desc())).all()


# --- due reports -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DueReport:
    """One period of a report that is due by periods: ``state`` is produced, due or overdue; ``run`` the kept run, if any."""

    report: Report
    starts_on: date
    ends_on: date
    state: str
    run: ReportRun | None = None


def due(session: Session, now: datetime, *, reports: Iterable[Report] | None = None) -> list[DueReport]:
    """Every period of every report that is due by periods (of core and of the plugins that are on), the newest first for each.

    What ended before its plugin was first switched on, or before the association began, was nobody's duty.
    """
    names = None if reports is None else {one.name for one in reports}
    offers = [one for one in state().offers.get("register_reports", ()) if one.item.every and (names is None or one.item.name in names)]
    today = local_day(now, settings.time_zone(session))
    since = _since(session, offers)
    wanted = [(one.item, period) for one in offers for period in periods_due(one.item.every, today, since[one.owner])]
    kept = _first_runs(session, wanted)
    return [DueReport(report, *period, state_of(period[1], today, produced=(report.name, *period) in kept), kept.get((report.name, *period)))
            for report, period in wanted]


def _since(session: Session, offers: Sequence[Offer]) -> dict[str, date]:
    """By owner the day on which its reports became due."""
    zone = settings.time_zone(session)
    began = session.scalar(sa.select(AuditEvent.at).order_by(AuditEvent.id).limit(1))
    first = local_day(began, zone) if began is not None else date.min
    switched: dict[str, date] = {}
    if offers:
        events = sa.select(AuditEvent.reason, AuditEvent.at).where(AuditEvent.action == "plugin_on").order_by(AuditEvent.id.desc())
        switched = {str(name): local_day(at, zone) for name, at in session.execute(events)}
    return {one.owner: switched.get(one.owner, first) for one in offers}


def _first_runs(session: Session, wanted: Sequence[tuple[Report, tuple[date, date]]]) -> dict[tuple[str, date, date], ReportRun]:
    """By report and period the run that was kept first."""
    if not wanted:
        return {}
    earliest = min(period[0] for _report, period in wanted)
    query = sa.select(ReportRun).where(ReportRun.report.in_({one.name for one, _period in wanted}), ReportRun.whole, ReportRun.starts_on >= earliest)
    return {(one.report, one.starts_on, one.ends_on): one for one in session.scalars(query.order_by(ReportRun.id.desc()).options(defer(ReportRun.content)))
            if one.starts_on is not None and one.ends_on is not None}


def overdue_for(session: Session, actor: Actor, now: datetime) -> list[DueReport]:
    """Overdue periods of the reports that this actor must produce."""
    mine = [one for one in state().offered("register_reports") if one.every and one.role and actor.holds(one.role)]
    return [one for one in due(session, now, reports=mine) if one.state == OVERDUE] if mine else []
