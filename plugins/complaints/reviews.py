"""The recurring reviews of the log: the week's and the month's, and the report of repeated complaints (CMPL-20…22).

The record of each is the period that the engine opened; what came of it stands in ``Review``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor, authorize
from core.calendar import day_bounds
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.i18n import lazy_gettext as _l
from core.i18n import lazy_ngettext
from core.procedures import services as procedures
from core.procedures.models import StepPeriod
from core.recommendations import queries as recommendations
from core.reports import services as report_services
from core.reports.offers import Report
from core.text import clean, isolate
from plugins.complaints import domain, figures, queries
from plugins.complaints.domain import DECIDE, HANDLING, PERFORMANCE, REPEATED, WEEKLY
from plugins.complaints.models import Entry, RepeatedLine, Review

REVIEW, REPORT_REPEATED, DECIDES = "complaints.review", "complaints.repeated", "complaints.decide"
PERMISSIONS = {WEEKLY: (REVIEW, "CMPL-21"), REPEATED: (REPORT_REPEATED, "CMPL-20"), DECIDE: (DECIDES, "CMPL-22")}
PLANNING = ("strategic_planning_manager",)


def period_for(session: Session, period_id: int, actor: Actor) -> StepPeriod:
    """The period, for whoever reads its department's log; otherwise NotFound, whether it exists or not."""
    found = session.get(StepPeriod, period_id)
    if found is None or found.procedure_code not in (HANDLING, PERFORMANCE) or not may_read(found, actor):
        raise NotFound(_l("There is no such review, or it is not among those you may read."), rule="CUST-37")
    return found


def may_read(period: StepPeriod, actor: Actor) -> bool:
    return actor.may(queries.READ_ALL) or (actor.may(queries.READ) and period.department_id in (None, actor.department_id))


def review_of(session: Session, period: StepPeriod) -> Review | None:
    return session.scalar(sa.select(Review).where(Review.period_id == period.id))


def entries_of(session: Session, period: StepPeriod, actor: Actor, now: datetime) -> list[figures.Case]:
    """What was received in the period by the department the review is of (by all where it is of none), as it stood at its end or stands now."""
    since, until = bounds(session, period)
    found = figures.cases(session, since, until, now, actor)
    return [one for one in found if period.department_id in (None, one.department_id)]


def left_open(session: Session, period: StepPeriod, actor: Actor) -> Sequence[Entry]:
    """What was received before the period and is open still, the oldest first: a review that shows its own week only would lose it (CMPL-21)."""
    query = sa.select(Entry).where(Entry.received_at < bounds(session, period)[0], Entry.state != domain.CLOSED)
    if period.department_id is not None:
        query = query.where(Entry.department_id == period.department_id)
    return session.scalars(queries.counted(query, actor).order_by(Entry.received_at, Entry.id)).all()


def bounds(session: Session, period: StepPeriod) -> tuple[datetime, datetime]:
    zone = settings.time_zone(session)
    return day_bounds(period.starts_on, zone)[0], day_bounds(period.ends_on, zone)[1]


def finish(session: Session, period: StepPeriod, note: str, *, actor: Actor, now: datetime) -> Review:
    """Close a week's review (the manager, of the own department) or the month's (the secretary, when nothing waits for a decision)."""
    permission, rule = PERMISSIONS.get(period.step_number, (REVIEW, "CMPL-21"))
    authorize(session, actor, permission, rule=rule)
    _require_own(period, actor, rule)
    if period.step_number == DECIDE:
        _refuse_undecided(session, period)
    found = _review(session, period)
    found.note = clean(note, "note", multiline=True)
    _close(session, period, period.step_number, found, actor, now, found.note)
    return found


def _require_own(period: StepPeriod, actor: Actor, rule: str) -> None:
    if period.department_id is not None and period.department_id != actor.department_id:
        raise NotAllowed(_l("This is the review of another department; its own manager closes it."), rule=rule)


def _refuse_undecided(session: Session, period: StepPeriod) -> None:
    waiting = recommendations.waiting_for_decision(session, plugin="complaints", last=period.ends_on)
    if waiting:
        raise Conflict(lazy_ngettext("%(num)s recommendation of this month or before waits for a decision: %(numbers)s.",
                                     "%(num)s recommendations of this month or before wait for a decision: %(numbers)s.", len(waiting),
                                     numbers=isolate(" · ".join(one.number for one in waiting[:5]))), rule="CMPL-22")


def _review(session: Session, period: StepPeriod) -> Review:
    found = review_of(session, period)
    if found is None:
        found = Review(period_id=period.id)
        session.add(found)
    elif found.reviewed_at is not None:
        raise Conflict(_l("This review was closed before."))
    return found


def _close(session: Session, period: StepPeriod, number: int, review: Review, actor: Actor, now: datetime, note: str) -> None:
    review.reviewed_at, review.reviewed_by_id = now, actor.user_id
    session.flush()
    if procedures.close_step(session, HANDLING, number, record=period, actor=actor, now=now, output=note or None) is None:
        raise Conflict(_l("This review was closed before."))


# --- the report of repeated complaints (step 7) ----------------------------------------------------------------------


def prepare_repeated(session: Session, period: StepPeriod, *, actor: Actor, now: datetime) -> Sequence[RepeatedLine]:
    """Write the month's lines: one for each cause that came again at one place; what was written to a line before stays (CMPL-12)."""
    authorize(session, actor, REPORT_REPEATED, rule="CMPL-20")
    since, until = bounds(session, period)
    found = figures.cases(session, since, until, now, actor, kinds=(domain.COMPLAINT,))
    known = {(one.cause_id, one.department_id, one.centre_id): one for one in lines_of(session, period)}
    for group in figures.repeated(found, settings.get(session, "complaints.repeated_from")):
        key = (group.cause_id, group.department_id, group.centre_id)
        line = known.get(key) or RepeatedLine(period_id=period.id, cause_id=key[0], department_id=key[1], centre_id=key[2])
        line.count = group.count
        session.add(line)
    session.flush()
    return lines_of(session, period)


def lines_of(session: Session, period: StepPeriod) -> Sequence[RepeatedLine]:
    query = sa.select(RepeatedLine).where(RepeatedLine.period_id == period.id).order_by(RepeatedLine.count.desc(), RepeatedLine.id)
    return session.scalars(query).all()


def propose_solution(session: Session, line: RepeatedLine, *, solution: str, implementation: str, monitoring: str, actor: Actor, now: datetime) -> RepeatedLine:
    """How a repeated complaint is solved, how that is done and how it is watched."""
    authorize(session, actor, REPORT_REPEATED, rule="CMPL-20")
    review = session.scalar(sa.select(Review).where(Review.period_id == line.period_id))
    if review is not None and review.reviewed_at is not None:
        raise Conflict(_l("The report was sent; it does not change any more."), rule="CMPL-20")
    texts = {key: clean(value, key, multiline=True) for key, value in (
        ("solution", solution), ("implementation", implementation), ("monitoring", monitoring))}
    for key, text in texts.items():
        setattr(line, key, text)
    session.flush()
    return line


def send_repeated(session: Session, period: StepPeriod, report: Report, *, actor: Actor, now: datetime) -> Review:
    """Keep the month's report and send it to the strategic-planning manager; closes step 7. Each line needs its three texts."""
    authorize(session, actor, REPORT_REPEATED, rule="CMPL-20")
    if any(not line.complete for line in prepare_repeated(session, period, actor=actor, now=now)):
        raise InvalidInput(_l("Each repeated complaint needs a solution, how it is carried out and how that is watched."), rule="CMPL-20")
    review = _review(session, period)
    kept = report_services.keep(session, report, {"from_on": period.starts_on, "to_on": period.ends_on}, actor=actor, now=now)
    report_services.send(session, kept, to_roles=PLANNING, actor=actor, now=now)
    review.run_id = kept.id
    _close(session, period, REPEATED, review, actor, now, "")
    return review
