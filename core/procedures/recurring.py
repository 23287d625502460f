"""Steps that begin by themselves: each period once, however long the worker was away (PLUG-10).

A step whose data say ``begins`` is opened at the start of each day, week, month or year, or on its last day. Its record is
the period, for all holders of its roles or one for each role. A step that is done every day for the same record is opened
by the record's owner with ``open_for_day``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor
from core.auth.models import Role
from core.calendar import day_bounds, local_day
from core.organisation.models import Department
from core.procedures import services, timing
from core.procedures.domain import Begins, begins_of, next_opening_day, opening_day, period_label, periods_begun
from core.procedures.models import StepPeriod, StepRun, StepVersion
from core.procedures.queries import owners, procedures_with_steps

GENERIC_PAGE = "/procedures/periods/{id}"


def open_periods(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """The job: open every occurrence that began by ``now`` and is not there yet, of core and of the plugins that are on."""
    today = local_day(now, settings.time_zone(session))
    for code, step, begins in _recurring(session, now):
        for first, last in periods_begun(begins, _last_opened(session, code, step.number), today):
            for role in step.role_slugs if begins.each == "role" else ("",):
                _open(session, code, step.number, begins, (first, last), role, now)


def _recurring(session: Session, now: datetime) -> Iterator[tuple[str, StepVersion, Begins]]:
    """The steps that the engine opens by itself, in the version that holds now."""
    for procedure, steps in procedures_with_steps(session, now):
        for step in steps if procedure.plugin in owners() else ():
            begins = begins_of(step.opens)
            if begins is not None and begins.each != "record":
                yield procedure.code, step, begins


def _last_opened(session: Session, code: str, number: int) -> date | None:
    return session.scalar(sa.select(sa.func.max(StepPeriod.starts_on)).where(StepPeriod.procedure_code == code, StepPeriod.step_number == number))


def _open(session: Session, code: str, number: int, begins: Begins, days: tuple[date, date], role: str, now: datetime) -> StepRun:
    """Open the step for one period, at the moment it began, under the version that held then."""
    zone = settings.time_zone(session)
    period = StepPeriod(procedure_code=code, step_number=number, role=role, department_id=_department_of(session, role),
                        starts_on=days[0], ends_on=days[1], number=period_label(*days))
    session.add(period)
    session.flush()
    begun = day_bounds(opening_day(begins, *days), zone)[0]
    step = services.step_at(session, code, number, begun)
    due = timing.due_at(session, begun, step.duration) or day_bounds(next_opening_day(begins, *days), zone)[0]
    link = (services.page_of(step) or GENERIC_PAGE).replace("{id}", str(period.id))
    return services.open_step(session, code, number, record=period, now=begun, due_at=due, link=link, roles=[role] if role else None)


def _department_of(session: Session, role: str) -> int | None:
    """The department of a role, whose records its occurrence is about."""
    return session.scalar(sa.select(Department.id).join(Role, Role.department == Department.slug).where(Role.slug == role)) if role else None


def open_for_day(session: Session, code: str, number: int, *, record: Any, day: date, now: datetime) -> StepRun:
    """Open a daily step of a record for ``day``, due at the day's end; the run that is there already is returned as it is."""
    known = run_of_day(session, code, number, record=record, day=day)
    if known is not None:
        return known
    begun, ended = day_bounds(day, settings.time_zone(session))
    return services.open_step(session, code, number, record=record, now=max(begun, min(now, ended)), due_at=ended, period=day)


def close_for_day(session: Session, code: str, number: int, *, record: Any, actor: Actor, now: datetime) -> StepRun:
    """The record was updated: its daily step is done, today's and those that were missed before."""
    today = local_day(now, settings.time_zone(session))
    run = open_for_day(session, code, number, record=record, day=today, now=now)
    waiting = sa.select(StepRun).where(StepRun.record_type == record.__tablename__, StepRun.record_id == record.id, StepRun.procedure_code == code,
                                       StepRun.step_number == number, StepRun.ended_at.is_(None))
    for one in session.scalars(waiting).all():
        services.close_run(session, one, record=record, actor=actor, now=now)
    return run


def run_of_day(session: Session, code: str, number: int, *, record: Any, day: date) -> StepRun | None:
    return session.scalar(sa.select(StepRun).where(StepRun.record_type == record.__tablename__, StepRun.record_id == record.id,
                                                   StepRun.procedure_code == code, StepRun.step_number == number, StepRun.period == day))
