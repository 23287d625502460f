"""Selects over step runs: a person's inbox, what is overdue in his team, what became of each clause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.auth.actor import Actor, Delegator
from core.procedures import timing
from core.procedures.domain import GROUPS, OVERDUE, group_of, used_up
from core.procedures.models import Procedure, StepRun, StepVersion
from core.state import state

MOST_STEPS = 300


@dataclass(frozen=True)
class InboxStep:
    """One open step as its reader finds it. ``behalf``: the person in whose place he would do it, or None.

    ``used``: per cent of the allowed time that is gone. ``late``: words for how late, in the unit of the limit; "" in time.
    """

    run: StepRun
    group: str
    used: int
    late: str
    behalf: Delegator | None = None


@dataclass(frozen=True)
class Inbox:
    """Open steps by group (overdue, today, week, later, when_needed), the most urgent first."""

    groups: dict[str, list[InboxStep]]

    @property
    def count(self) -> int:
        return sum(len(steps) for steps in self.groups.values())

    @property
    def overdue(self) -> list[InboxStep]:
        return self.groups.get(OVERDUE, [])

    @property
    def behalves(self) -> dict[str, int]:
        """How many of them on behalf of whom."""
        counted: dict[str, int] = {}
        for steps in self.groups.values():
            for step in steps:
                if step.behalf is not None:
                    counted[step.behalf.label] = counted.get(step.behalf.label, 0) + 1
        return counted


def inbox(session: Session, actor: Actor, now: datetime) -> Inbox:
    """Open steps of the actor's roles and of those he stands in for, assigned to him or to nobody, within his centres."""
    runs = session.scalars(_mine(actor)).all()
    return _grouped(session, [(run, behalf_for(run, actor)) for run in runs], now)


def inbox_count(session: Session, actor: Actor) -> int:
    """How many steps wait, for the menu; one statement."""
    mine = _mine(actor).with_only_columns(StepRun.id).order_by(None).limit(MOST_STEPS)
    return session.scalar(sa.select(sa.func.count()).select_from(mine.subquery())) or 0


def next_in_inbox(session: Session, actor: Actor, *, record_type: str, record_id: int) -> StepRun | None:
    """The step to go on with from this record: the inbox's next behind its own step, from the last one back to the first."""
    runs = [run for run in session.scalars(_mine(actor)) if run.link]
    own = [place for place, run in enumerate(runs) if (run.record_type, run.record_id) == (record_type, record_id)]
    others = runs[own[-1] + 1:] + runs[:own[0]] if own else runs
    return others[0] if others else None


def overdue_of_team(session: Session, actor: Actor, now: datetime, reports: Iterable[str]) -> Inbox:
    """Overdue steps of the roles that report to the actor (``reports``: their slugs), whoever they are assigned to (PLUG-10)."""
    roles = [slug for slug in reports if not actor.holds(slug)]
    runs = session.scalars(_open().where(_held_by(roles), StepRun.due_at < now, _in_centres(actor))).all() if roles else []
    return _grouped(session, [(run, None) for run in runs], now)


def behalf_for(run: StepRun, actor: Actor) -> Delegator | None:
    """In whose place the actor would do this step; None when it is his own."""
    if run.assigned_user_id is not None:
        if run.assigned_user_id == actor.user_id:
            return None
        return next((one for one in actor.delegators if one.user_id == run.assigned_user_id), None)
    if any(role in actor.roles for role in run.role_slugs):
        return None
    return next((one for role in run.role_slugs if (one := actor.delegator_for_role(role)) is not None), None)


def owners() -> set[str]:
    """Whose procedures are running: those of core and of the plugins that are on."""
    return {"core", *(one.name for one in state().active)}


def _open() -> sa.Select[StepRun]:
    """Steps that somebody can do now; those of a plugin that is off wait, untouched, until it is on again (PLUG-03)."""
    resting = sa.select(Procedure.code).where(Procedure.plugin.not_in(sorted(owners())))
    doable = sa.select(StepRun).where(StepRun.ended_at.is_(None), StepRun.procedure_code.not_in(resting))
    return doable.order_by(StepRun.due_at.is_(None), StepRun.due_at, StepRun.id).limit(MOST_STEPS)


def _mine(actor: Actor) -> sa.Select[StepRun]:
    people = [one for one in (actor.user_id, *(each.user_id for each in actor.delegators)) if one is not None]
    roles = set(actor.roles).union(*(each.roles for each in actor.delegators))
    shared = sa.and_(StepRun.assigned_user_id.is_(None), _held_by(sorted(roles)), _in_centres(actor))
    return _open().where(sa.or_(StepRun.assigned_user_id.in_(people), shared))


def _held_by(roles: Sequence[str]) -> Any:
    return sa.or_(sa.false(), *(StepRun.roles.contains(f"|{slug}|", autoescape=True) for slug in roles))


def _in_centres(actor: Actor) -> Any:
    if not actor.centre_ids:
        return sa.true()
    return sa.or_(StepRun.centre_id.is_(None), StepRun.centre_id.in_(actor.centre_ids))


def _grouped(session: Session, runs: Sequence[tuple[StepRun, Delegator | None]], now: datetime) -> Inbox:
    today, office = timing.local_day(session, now), timing.office(session)
    groups: dict[str, list[InboxStep]] = {name: [] for name in GROUPS}
    for run, behalf in runs:
        due_on = timing.local_day(session, run.due_at) if run.due_at else None
        group = group_of(run.due_at, due_on, now, today)
        late = timing.late_words(run, now, office)
        groups[group].append(InboxStep(run, group, used_up(run.opened_at, run.due_at, now), late, behalf))
    return Inbox({name: steps for name, steps in groups.items() if steps})


# --- a record's steps and a clause's record ------------------------------------------------------------------------------


def steps_of(session: Session, *, record_type: str, record_id: int) -> Sequence[StepRun]:
    """All runs of a record, the oldest first, for its procedure track."""
    query = sa.select(StepRun).where(StepRun.record_type == record_type, StepRun.record_id == record_id)
    return session.scalars(query.order_by(StepRun.opened_at, StepRun.step_number, StepRun.id)).all()


def begun_by(session: Session, runs: Sequence[StepRun]) -> dict[tuple[str, int], tuple[int, str]]:
    """Who closed the first step of the procedure of each of these runs, by (record type, record id): the person's id and name as
    logged. It is whoever prepared the record."""
    wanted = {(run.procedure_code, run.record_type, run.record_id) for run in runs}
    if not wanted:
        return {}
    types, ids = {key[1] for key in wanted}, {key[2] for key in wanted}
    query = sa.select(StepRun).where(StepRun.record_type.in_(types), StepRun.record_id.in_(ids), StepRun.ended_as == "closed")
    found: dict[tuple[str, int], tuple[int, str]] = {}
    for one in session.scalars(query.order_by(StepRun.opened_at, StepRun.step_number, StepRun.id)):
        if (one.procedure_code, one.record_type, one.record_id) in wanted and one.ended_by_id is not None:
            found.setdefault((one.record_type, one.record_id), (one.ended_by_id, one.ended_by_label or ""))
    return found


def open_steps_of_customer(session: Session, customer_id: int) -> Sequence[StepRun]:
    return session.scalars(_open().where(StepRun.customer_id == customer_id)).all()


@dataclass(frozen=True)
class Kept:
    """What happened under one step: closed in all, in time, late, and open now, of them overdue."""

    closed: int = 0
    in_time: int = 0
    open: int = 0
    overdue: int = 0

    @property
    def late(self) -> int:
        return self.closed - self.in_time

    @property
    def share(self) -> float | None:
        """Closed in time, in per cent with one decimal; None where nothing closed."""
        return round(self.in_time * 100 / self.closed, 1) if self.closed else None


def kept(session: Session, now: datetime, *, since: datetime | None = None, until: datetime | None = None) -> dict[tuple[str, int], Kept]:
    """By procedure code and step number: how the limits were kept by steps closed between two moments, and what is open now."""
    closed = StepRun.ended_as == "closed"
    if since is not None:
        closed = sa.and_(closed, StepRun.ended_at >= since)
    if until is not None:
        closed = sa.and_(closed, StepRun.ended_at < until)
    in_time = sa.and_(closed, sa.or_(StepRun.due_at.is_(None), StepRun.ended_at <= StepRun.due_at))
    running = StepRun.ended_at.is_(None)
    count = sa.func.count(StepRun.id)
    query = sa.select(
        StepRun.procedure_code, StepRun.step_number, count.filter(closed), count.filter(in_time), count.filter(running),
        count.filter(sa.and_(running, StepRun.due_at < now)),
    ).group_by(StepRun.procedure_code, StepRun.step_number)
    return {(row[0], row[1]): Kept(*row[2:]) for row in session.execute(query)}


def kept_in_all(parts: Iterable[Kept]) -> Kept:
    """Several steps together."""
    everything = list(parts)
    return Kept(*(sum(getattr(one, name) for one in everything) for name in ("closed", "in_time", "open", "overdue")))


def procedures_with_steps(session: Session, moment: datetime) -> list[tuple[Procedure, list[StepVersion]]]:
    """Every procedure with the version of each step that governs at ``moment``."""
    current: dict[int, dict[int, StepVersion]] = {}
    for step in session.scalars(sa.select(StepVersion).order_by(StepVersion.version)).all():
        own = current.setdefault(step.procedure_id, {})
        if step.valid_from <= moment or step.number not in own:
            own[step.number] = step
    procedures = session.scalars(sa.select(Procedure).order_by(Procedure.plugin != "core", Procedure.plugin, Procedure.id)).all()
    return [(one, [own[number] for number in sorted(own)]) for one in procedures if (own := current.get(one.id, {}))]


def versions_of(session: Session, code: str, number: int) -> Sequence[StepVersion]:
    """All versions of a step, the newest first."""
    query = sa.select(StepVersion).join(Procedure).where(Procedure.code == code, StepVersion.number == number)
    return session.scalars(query.order_by(StepVersion.version.desc())).all()
