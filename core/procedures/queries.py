"""Selects over step runs: a person's inbox, what is overdue in his team, what became of each clause."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.auth.actor import Actor, Delegator
from core.auth.models import User
from core.calendar import last_day
from core.procedures import timing
from core.procedures.domain import GROUPS, OVERDUE, begins_of, group_of, next_opening, openings_between, used_up
from core.procedures.models import Procedure, StepRun, StepTask, StepVersion
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
    times: int = 1
    """How many open runs this line stands for: of a step that is done daily, one for each day and record."""


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

    def lines(self, group: str) -> list[InboxStep]:
        """A group as it is shown: the open runs of one daily step, for the same person, are one line that leads to the first."""
        shown: dict[Any, InboxStep] = {}
        for one in self.groups.get(group, ()):
            run = one.run
            key = (run.procedure_code, run.step_number, one.behalf and one.behalf.user_id) if run.period is not None else run.id
            shown[key] = replace(shown[key], times=shown[key].times + 1) if key in shown else one
        return list(shown.values())

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
    """How many steps and parts of steps wait, for the menu; one statement."""
    return session.scalar(_count_of(*_reach(actor), tuple(sorted(owners())))) or 0


@lru_cache(maxsize=500)
def _count_of(people: tuple[int, ...], roles: tuple[str, ...], centres: tuple[int, ...], owners: tuple[str, ...]) -> sa.Select[int]:
    """Made once for each person: every page asks it, and making it takes longer than running it."""
    steps = _of(people, roles, centres, owners).with_only_columns(StepRun.id).order_by(None).limit(MOST_STEPS)
    parts = _parts_of_people(people, owners).with_only_columns(StepTask.id).limit(MOST_STEPS)
    counts = (sa.select(sa.func.count()).select_from(one.subquery()).scalar_subquery() for one in (steps, parts))
    return sa.select(sum(counts, sa.literal(0)))


def next_in_inbox(session: Session, actor: Actor, *, record_type: str, record_id: int) -> StepRun | None:
    """The step to go on with from this record: the inbox's next behind its own step, from the last one back to the first."""
    runs = [run for run in session.scalars(_mine(actor)) if run.link]
    own = [place for place, run in enumerate(runs) if (run.record_type, run.record_id) == (record_type, record_id)]
    others = runs[own[-1] + 1:] + runs[:own[0]] if own else runs
    return others[0] if others else None


def overdue_of_team(session: Session, actor: Actor, now: datetime, reports: Iterable[str]) -> Inbox:
    """Overdue steps of the roles that report to the actor (``reports``: their slugs), whoever they are assigned to (PLUG-10)."""
    roles = [slug for slug in reports if not actor.holds(slug)]
    runs = session.scalars(_open(owners()).where(_held_by(roles), StepRun.due_at < now, _in_centres(actor.centre_ids))).all() if roles else []
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


def has_step(run: StepRun, actor: Actor) -> bool:
    """Whether a run is (or was, while open) in the actor's inbox, in person or by delegation."""
    if run.assigned_user_id is not None:
        return run.assigned_user_id == actor.user_id or any(one.user_id == run.assigned_user_id for one in actor.delegators)
    near = not actor.centre_ids or run.centre_id is None or run.centre_id in actor.centre_ids
    return near and any(actor.holds(role) for role in run.role_slugs)


def owners() -> set[str]:
    """Whose procedures are running: those of core and of the plugins that are on."""
    return {"core", *(one.name for one in state().active)}


def _open(owners: Iterable[str]) -> sa.Select[StepRun]:
    """Steps that somebody can do now; those of a plugin that is off wait, untouched, until it is on again (PLUG-03)."""
    resting = sa.select(Procedure.code).where(Procedure.plugin.not_in(sorted(owners)))
    doable = sa.select(StepRun).where(StepRun.ended_at.is_(None), StepRun.procedure_code.not_in(resting))
    return doable.order_by(StepRun.due_at.is_(None), StepRun.due_at, StepRun.id).limit(MOST_STEPS)


def _mine(actor: Actor) -> sa.Select[StepRun]:
    return _of(*_reach(actor), owners())


def _reach(actor: Actor) -> tuple[tuple[int, ...], tuple[str, ...], tuple[int, ...]]:
    """Whose steps, of which roles and in which centres an actor does, with those he stands in for."""
    people = tuple(one for one in (actor.user_id, *(each.user_id for each in actor.delegators)) if one is not None)
    roles = set(actor.roles).union(*(each.roles for each in actor.delegators))
    return people, tuple(sorted(roles)), tuple(sorted(actor.centre_ids))


def _of(people: Sequence[int], roles: Sequence[str], centres: Collection[int], owners: Iterable[str]) -> sa.Select[StepRun]:
    shared = sa.and_(StepRun.assigned_user_id.is_(None), _held_by(roles), _in_centres(centres))
    return _open(owners).where(sa.or_(StepRun.assigned_user_id.in_(people), shared))


def _held_by(roles: Sequence[str]) -> Any:
    return sa.or_(sa.false(), *(StepRun.roles.contains(f"|{slug}|", autoescape=True) for slug in roles))


def _in_centres(centres: Collection[int]) -> Any:
    if not centres:
        return sa.true()
    return sa.or_(StepRun.centre_id.is_(None), StepRun.centre_id.in_(list(centres)))


def _grouped(session: Session, runs: Sequence[tuple[StepRun, Delegator | None]], now: datetime) -> Inbox:
    today, office = timing.local_day(session, now), timing.office(session)
    groups: dict[str, list[InboxStep]] = {name: [] for name in GROUPS}
    for run, behalf in runs:
        due_on = last_day(run.due_at, office.zone) if run.due_at else None
        group = group_of(run.due_at, due_on, now, today)
        late = timing.late_words(run, now, office)
        groups[group].append(InboxStep(run, group, used_up(run.opened_at, run.due_at, now), late, behalf))
    return Inbox({name: steps for name, steps in groups.items() if steps})


# --- parts of a step -----------------------------------------------------------------------------------------------------


def parts_of(session: Session, run_ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Of each of these runs that is split: how many of its parts are done, of how many."""
    count = sa.func.count(StepTask.id)
    query = sa.select(StepTask.run_id, count.filter(StepTask.done_at.is_not(None)), count).where(StepTask.run_id.in_(list(run_ids))).group_by(StepTask.run_id)
    return {run_id: (done, whole) for run_id, done, whole in session.execute(query)}


def tasks_of_run(session: Session, run: StepRun) -> Sequence[tuple[StepTask, User]]:
    """The parts of a run with who is responsible, in the order they were made."""
    query = sa.select(StepTask, User).join(User, User.id == StepTask.user_id).where(StepTask.run_id == run.id).order_by(StepTask.id)
    return [(task, user) for task, user in session.execute(query)]


def tasks_of(session: Session, actor: Actor) -> Sequence[tuple[StepTask, StepRun]]:
    """The open parts of steps for which the actor (or whom he stands in for) is responsible, by the step's due moment (ORG-19)."""
    query = _parts_of_people(_reach(actor)[0], owners())
    return [(task, run) for task, run in session.execute(query.order_by(StepRun.due_at.is_(None), StepRun.due_at, StepTask.id).limit(MOST_STEPS))]


def _parts_of_people(people: Sequence[int], owners: Iterable[str]) -> sa.Select[StepTask, StepRun]:
    """Open parts of open steps, of the procedures that are running, with their steps."""
    mine = sa.select(StepTask, StepRun).join(StepRun, StepRun.id == StepTask.run_id).where(StepTask.user_id.in_(people), StepTask.done_at.is_(None))
    resting = sa.select(Procedure.code).where(Procedure.plugin.not_in(sorted(owners)))
    return mine.where(StepRun.ended_at.is_(None), StepRun.procedure_code.not_in(resting))


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
    return session.scalars(_open(owners()).where(StepRun.customer_id == customer_id)).all()


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


# --- a clause beside what happened -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClauseFigures:
    """What became of the runs of a step that opened in a period. ``open_late`` are among ``open``; the rest of it is in time so far."""

    opened: int = 0
    in_time: int = 0
    closed_late: int = 0
    open: int = 0
    open_late: int = 0
    cancelled: int = 0

    @property
    def late(self) -> int:
        return self.closed_late + self.open_late

    def __add__(self, other: ClauseFigures) -> ClauseFigures:
        return ClauseFigures(*(getattr(self, name) + getattr(other, name) for name in ClauseFigures.__dataclass_fields__))


@dataclass(frozen=True)
class Recurrence:
    """A step that begins by the calendar: how many occurrences of the period are done, of how many there are and will be until its end.

    ``next_run`` is the open one that is due first; ``next_on`` the day on which the next begins, where the period is the present one.
    """

    done: int
    planned: int
    next_run: StepRun | None
    next_on: date | None


@dataclass(frozen=True)
class Longest:
    """The run with the longest delay, in the unit of its limit, and by how many seconds it was or is late."""

    run: StepRun
    words: str
    seconds: int


@dataclass(frozen=True)
class ClauseRow:
    """A step as it holds at the period's end (now, in the present one), with the steps that are the same work.

    ``held``: every version that held at some time of the period, the oldest first.
    """

    numbers: tuple[int, ...]
    step: StepVersion
    held: tuple[StepVersion, ...]
    figures: ClauseFigures
    longest: Longest | None
    recurs: Recurrence | None


@dataclass(frozen=True)
class Clause:
    """A procedure beside what happened. ``edition`` counts its changes, from 1 for the manual's own; it holds since ``edition_from``,
    None where the procedure was taken in only after the period."""

    procedure: Procedure
    rows: list[ClauseRow]
    edition: int
    edition_from: datetime | None
    begun_at: datetime | None
    """When its first step ever was opened."""


def clause(session: Session, code: str, since: datetime, until: datetime, now: datetime) -> Clause | None:
    """Each step of a procedure with what became of its runs opened from ``since`` until before ``until``; None for an unknown code (PLUG-10)."""
    procedure = session.scalar(sa.select(Procedure).where(Procedure.code == code))
    if procedure is None:
        return None
    held = _held_between(session, procedure, since, until)
    figures, longest = _figures(session, code, since, until, now), _longest(session, code, since, until, now)
    rows = []
    for first, numbers in _same_work(held):
        mine = sum((figures.get(number, ClauseFigures()) for number in numbers), ClauseFigures())
        late = max((longest[number] for number in numbers if number in longest), key=lambda one: one.seconds, default=None)
        versions = held[first]
        step = next((one for one in reversed(versions) if one.valid_from <= now), versions[0])
        rows.append(ClauseRow(numbers, step, tuple(versions), mine, late, _recurrence(session, step, mine, since, until, now)))
    edition = 1 + sum(versions[-1].version - 1 for versions in held.values())
    newest = max((versions[-1].valid_from for versions in held.values()), default=until)
    begun = session.scalar(sa.select(sa.func.min(StepRun.opened_at)).where(StepRun.procedure_code == code))
    return Clause(procedure, rows, edition, newest if newest < until else None, begun)


def _held_between(session: Session, procedure: Procedure, since: datetime, until: datetime) -> dict[int, list[StepVersion]]:
    """By step number the versions that held at some time between the two moments; the first held from the beginning."""
    found: dict[int, list[StepVersion]] = {}
    query = sa.select(StepVersion).where(StepVersion.procedure_id == procedure.id).order_by(StepVersion.number, StepVersion.version)
    for version in session.scalars(query):
        own = found.setdefault(version.number, [])
        if own and version.valid_from >= until:
            continue
        if own and version.valid_from <= since:
            own.clear()
        own.append(version)
    return found


def _same_work(held: dict[int, list[StepVersion]]) -> list[tuple[int, tuple[int, ...]]]:
    """The step numbers by the step whose row they share: one that is the same as another stands with it (``same_as``)."""
    rows: dict[int, list[int]] = {}
    for number, versions in held.items():
        rows.setdefault(versions[-1].opens.get("same_as") or number, []).append(number)
    return [(first, tuple(numbers)) for first, numbers in sorted(rows.items())]


def _opened_between(code: str, since: datetime, until: datetime) -> Any:
    return sa.and_(StepRun.procedure_code == code, StepRun.opened_at >= since, StepRun.opened_at < until)


def _figures(session: Session, code: str, since: datetime, until: datetime, now: datetime) -> dict[int, ClauseFigures]:
    closed, running = StepRun.ended_as == "closed", StepRun.ended_at.is_(None)
    in_time = sa.or_(StepRun.due_at.is_(None), StepRun.ended_at <= StepRun.due_at)
    count = sa.func.count(StepRun.id)
    query = sa.select(
        StepRun.step_number, count, count.filter(sa.and_(closed, in_time)), count.filter(sa.and_(closed, sa.not_(in_time))), count.filter(running),
        count.filter(sa.and_(running, StepRun.due_at < now)), count.filter(StepRun.ended_as == "cancelled"),
    ).where(_opened_between(code, since, until)).group_by(StepRun.step_number)
    return {row[0]: ClauseFigures(*row[1:]) for row in session.execute(query)}


def _longest(session: Session, code: str, since: datetime, until: datetime, now: datetime) -> dict[int, Longest]:
    """By step number the run that was or is late by most; a cancelled one was not late."""
    late = sa.or_(sa.and_(StepRun.ended_at.is_(None), StepRun.due_at < now), sa.and_(StepRun.ended_as == "closed", StepRun.ended_at > StepRun.due_at))
    query = sa.select(StepRun.id, StepRun.step_number, StepRun.due_at, StepRun.ended_at).where(_opened_between(code, since, until), late)
    worst: dict[int, tuple[float, int]] = {}
    for ident, number, due, ended in session.execute(query.order_by(StepRun.id)):
        seconds = ((ended or now) - (due or now)).total_seconds()
        if number not in worst or seconds > worst[number][0]:
            worst[number] = (seconds, ident)
    runs = {run.id: run for run in session.scalars(sa.select(StepRun).where(StepRun.id.in_([ident for _s, ident in worst.values()])))}
    office = timing.office(session)
    return {number: Longest(runs[ident], timing.late_words(runs[ident], now, office), int(seconds)) for number, (seconds, ident) in worst.items()}


def _recurrence(session: Session, step: StepVersion, figures: ClauseFigures, since: datetime, until: datetime, now: datetime) -> Recurrence | None:
    begins = begins_of(step.opens)
    if begins is None or begins.each == "record":
        return None
    present = since <= now < until
    today, last = timing.local_day(session, now), timing.local_day(session, until - timedelta(seconds=1))
    coming = len(openings_between(begins, today, last)) if present else 0
    waiting = _open(owners()).where(StepRun.procedure_code == step.procedure.code, StepRun.step_number == step.number)
    if not present:
        waiting = waiting.where(_opened_between(step.procedure.code, since, until))
    planned = figures.opened - figures.cancelled + coming * (len(step.role_slugs) if begins.each == "role" else 1)
    return Recurrence(figures.in_time + figures.closed_late, planned, session.scalars(waiting.limit(1)).first(),
                      next_opening(begins, today) if present else None)
