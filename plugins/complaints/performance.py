"""The monthly performance report of a department, step by step: prepared, reviewed, followed up, investigated, discussed, archived
(RPT-03…09)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.errors import Conflict, InvalidInput, NotAllowed
from core.i18n import lazy_gettext as _l
from core.procedures import services as procedures
from core.procedures.models import StepPeriod
from core.recommendations import queries as recommendations
from core.recommendations.models import NOT_CARRIED_OUT, Recommendation
from core.reports import services as report_services
from core.reports.offers import Report
from core.text import clean
from plugins.complaints.domain import ARCHIVE, DISCUSS, FOLLOW_UP, INVESTIGATE, PERFORMANCE, PREPARE, REVIEW
from plugins.complaints.models import Performance

PREPARES, REVIEWS, DISCUSSES = "complaints.prepare", "complaints.review", "complaints.decide"


def of_period(session: Session, period: StepPeriod) -> Performance | None:
    return session.scalar(sa.select(Performance).where(Performance.period_id == period.id))


def prepare(session: Session, period: StepPeriod, report: Report, remarks: str, *, actor: Actor, now: datetime) -> Performance:
    """Step 1: keep the month's figures of the own department, with remarks (RPT-01, 02, 04)."""
    _own(session, period, PREPARES, "RPT-04", actor)
    if of_period(session, period) is not None:
        raise Conflict(_l("The report of this month is prepared already."), rule="RPT-04")
    kept = report_services.keep(session, report, {"from_on": period.starts_on, "to_on": period.ends_on}, actor=actor, now=now)
    made = Performance(period_id=period.id, run_id=kept.id, remarks=clean(remarks, "remarks", multiline=True), prepared_at=now, prepared_by_id=actor.user_id)
    session.add(made)
    session.flush()
    _close(session, period, PREPARE, actor, now)
    return made


def review(session: Session, period: StepPeriod, weak_points: str, *, actor: Actor, now: datetime) -> Performance:
    """Step 2: the manager marks the weak points (RPT-05)."""
    _own(session, period, REVIEWS, "RPT-05", actor)
    found = _prepared(session, period)
    found.weak_points = clean(weak_points, "weak_points", multiline=True, missing=_l("Mark the weak points, or write that there are none."))
    audit.name_action(session, found, "review")
    session.flush()
    _close(session, period, REVIEW, actor, now)
    return found


def follow_up(session: Session, period: StepPeriod, *, actor: Actor, now: datetime) -> bool:
    """Step 3: look after the recommendations of the periods before; whether one is not carried out, so that step 4 opens (RPT-06)."""
    _own(session, period, REVIEWS, "RPT-06", actor)
    left = bool(left_over(session, period))
    _close(session, period, FOLLOW_UP, actor, now, "not_carried_out" if left else "carried_out")
    if not left:
        _submit(session, period, now)
    return left


def left_over(session: Session, period: StepPeriod) -> Sequence[Recommendation]:
    """Adopted recommendations of earlier periods that nobody has carried out."""
    return recommendations.followed(session, plugin="complaints", department_id=period.department_id, before=period.starts_on)


def investigate(session: Session, period: StepPeriod, *, actor: Actor, now: datetime) -> Performance:
    """Step 4: each of them has its cause on record; then they are to be carried out (RPT-07)."""
    _own(session, period, REVIEWS, "RPT-07", actor)
    missing = [one.number for one in left_over(session, period) if one.state != NOT_CARRIED_OUT]
    if missing:
        raise InvalidInput(_l("Write down why these were not carried out: %(numbers)s.", numbers=" · ".join(missing)), rule="RPT-07")
    _close(session, period, INVESTIGATE, actor, now)
    return _submit(session, period, now)


def _submit(session: Session, period: StepPeriod, now: datetime) -> Performance:
    found = _prepared(session, period)
    found.submitted_at = now
    session.flush()
    return found


def discuss(session: Session, period: StepPeriod, discussion: str, *, actor: Actor, now: datetime) -> Performance:
    """Step 5: the secretary reviews the report and discusses its weak points with those responsible (RPT-03, 08)."""
    authorize(session, actor, DISCUSSES, rule="RPT-08")
    found = _prepared(session, period)
    found.discussion = clean(discussion, "discussion", multiline=True, missing=_l("Write what was discussed, and with whom."))
    audit.name_action(session, found, "discuss")
    session.flush()
    _close(session, period, DISCUSS, actor, now)
    return found


def archive(session: Session, period: StepPeriod, *, actor: Actor, now: datetime) -> Performance:
    """Step 6: the report is frozen with its figures (RPT-09)."""
    _own(session, period, PREPARES, "RPT-09", actor)
    found = _prepared(session, period)
    _close(session, period, ARCHIVE, actor, now)
    found.archived_at = now
    audit.name_action(session, found, "archive")
    session.flush()
    return found


def _own(session: Session, period: StepPeriod, permission: str, rule: str, actor: Actor) -> None:
    authorize(session, actor, permission, rule=rule)
    if period.department_id not in (None, actor.department_id):
        raise NotAllowed(_l("This is the report of another department."), rule=rule)


def _prepared(session: Session, period: StepPeriod) -> Performance:
    found = of_period(session, period)
    if found is None:
        raise Conflict(_l("The report of this month is not prepared yet."), rule="RPT-04")
    return found


def _close(session: Session, period: StepPeriod, number: int, actor: Actor, now: datetime, outcome: str | None = None) -> None:
    if procedures.close_step(session, PERFORMANCE, number, record=period, actor=actor, now=now, outcome=outcome) is None:
        raise Conflict(_l("This step of the report is not open: it was done before, or its turn has not come."))
