"""Running procedures: loading their tables, opening, closing and cancelling steps, changing a step for the next case.

A service of the record's own area decides whether somebody may act; here it is recorded that he did, when, for whom, and
what opens next. Overdue is never stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.audit import services as audit
from core.auth.actor import Actor, Delegator, act_for, authorize
from core.auth.models import Role, User
from core.calendar import parse_duration
from core.errors import Conflict, DiwanError, InvalidInput, NotAllowed, NotFound
from core.i18n import lazy_gettext as _l
from core.notices.services import notify
from core.organisation.models import Department
from core.procedures import queries, timing
from core.procedures.domain import ProcedureSpec, StepSpec, bars, followers, read_procedures
from core.procedures.models import Procedure, StepRun, StepTask, StepVersion
from core.sending import made_before
from core.text import check_plain, isolate

CORE_FILE = Path(__file__).parent / "procedures.json"
CLOSED, CANCELLED = "closed", "cancelled"
CHANGE = "procedures.change"
THE_MANUAL = "the manual"
DEPARTMENT_MODES = ("by_department", "by_customer_class")
LONGEST_TITLE = LONGEST_ROLES = 300


# --- loading -----------------------------------------------------------------------------------------------------------


def load(session: Session, files: Iterable[tuple[str, Path]]) -> int:
    """Load the procedures of each ``(owner, procedures.json)`` that is there; returns how many steps were added.

    What is already loaded stays as it is, with all its versions: a second time adds nothing (ACC-94). Raises DiwanError
    naming the file, procedure and step that cannot be understood.
    """
    added = 0
    for owner, file in files:
        if file.is_file():
            for spec in read_procedures(owner, _read(file), str(file)):
                added += _load_procedure(session, spec)
    session.flush()
    return added


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    except ValueError as exc:
        raise DiwanError(f"{file} is no JSON: {exc}. Mend it and repeat.") from exc


def _load_procedure(session: Session, spec: ProcedureSpec) -> int:
    procedure = session.scalar(sa.select(Procedure).where(Procedure.code == spec.code))
    if procedure is None:
        procedure = Procedure(code=spec.code, plugin=spec.plugin, name_ar=spec.name.ar, name_en=spec.name.en, clause=spec.clause,
                              source=spec.source, extra=dict(spec.extra))
        session.add(procedure)
        session.flush()
    elif procedure.plugin != spec.plugin:
        raise DiwanError(f"The procedure {spec.code} of '{spec.plugin}' is already there as one of '{procedure.plugin}'. Give it another code.")
    known = set(session.scalars(sa.select(StepVersion.number).where(StepVersion.procedure_id == procedure.id)))
    fresh = [step for step in spec.steps if step.number not in known]
    session.add_all(_first_version(procedure, step) for step in fresh)
    return len(fresh)


def _first_version(procedure: Procedure, step: StepSpec) -> StepVersion:
    return StepVersion(
        procedure_id=procedure.id, number=step.number, version=1, roles=bars(step.roles), mode=step.mode, role_ar=step.role.ar, role_en=step.role.en,
        action_ar=step.action.ar, action_en=step.action.en, act_ar=step.act.ar, act_en=step.act.en, output_ar=step.output.ar, output_en=step.output.en,
        duration=step.duration, frequency=step.frequency, opens=step.flow(), valid_from=work.now(),
        author_id=None, author_label=THE_MANUAL,
    )


# --- steps of a case ---------------------------------------------------------------------------------------------------


def step_at(session: Session, code: str, number: int, moment: datetime) -> StepVersion:
    """The version of a step that governs a case opening at ``moment``. Raises DiwanError for a step that was never loaded."""
    query = sa.select(StepVersion).join(Procedure).where(Procedure.code == code, StepVersion.number == number).order_by(StepVersion.version.desc())
    versions = session.scalars(query).all()
    if not versions:
        raise DiwanError(f"There is no step {number} of {code}. Its plugin's procedures.json is loaded by: diwan db upgrade")
    return next((one for one in versions if one.valid_from <= moment), versions[-1])


def open_step(
    session: Session, code: str, number: int, *, record: Any, now: datetime, label: str | None = None, link: str | None = None,
    customer_id: int | None = None, roles: Sequence[str] | None = None, assigned_user_id: int | None = None,
    department_id: int | None = None, centre_id: int | None = None, due_at: datetime | None = None, period: date | None = None,
) -> StepRun:
    """Open step ``number`` of procedure ``code`` for a record (a model instance, flushed); returns its run.

    The due moment follows from the step's limit (without one, from how often it is done) and the association's calendar, unless
    given (a promised hour). ``label``
    is the record's number by default and must not be personal; ``link`` its page, by default the procedure's ``page``.
    ``roles`` narrows the step to some of its roles; a step shared by departments is narrowed to the roles of the record's
    own department. Subject, customer, department and centre are read from the record's attributes of those names where not
    given. ``period`` is the day of a step done once a day. A step that is already open for this record is returned as it is.
    """
    running = open_run(session, code, number, record=record, period=period)
    if running is not None:
        return running
    step = step_at(session, code, number, now)
    department_id = department_id or getattr(record, "department_id", None)
    run = StepRun(
        procedure_code=code, step_number=number, step_version_id=step.id, step=step, record_type=record.__tablename__, record_id=record.id,
        record_label=(label or str(getattr(record, "number", None) or record.id))[:200],
        link=link if link is not None else page_of(step).replace("{id}", str(record.id)),
        customer_id=customer_id or getattr(record, "customer_id", None), subject_id=getattr(record, "subject_id", None),
        roles=bars(list(roles) if roles is not None else _roles_for(session, step, department_id)), assigned_user_id=assigned_user_id,
        department_id=department_id, centre_id=centre_id or getattr(record, "centre_id", None),
        opened_at=now, due_at=due_at or timing.due_at(session, now, step.duration or step.frequency), period=period,
    )
    session.add(run)
    session.flush()
    return run


def page_of(step: StepVersion) -> str:
    """The address of the records of a step, with ``{id}`` in the place of the record's id; "" where it has none."""
    return str(step.opens.get("page") or step.procedure.extra.get("page") or "")


def _roles_for(session: Session, step: StepVersion, department_id: int | None) -> list[str]:
    """The step's roles, narrowed to those of the record's department where the step is shared by departments (CMPL-02, 03)."""
    if step.mode not in DEPARTMENT_MODES or department_id is None:
        return step.role_slugs
    slug = sa.select(Department.slug).where(Department.id == department_id).scalar_subquery()
    own = set(session.scalars(sa.select(Role.slug).where(Role.slug.in_(step.role_slugs), Role.department == slug)))
    return [one for one in step.role_slugs if one in own] or step.role_slugs


def take_step(session: Session, code: str, number: int, *, record: Any, actor: Actor, now: datetime, output: str | None = None) -> StepRun | None:
    """A step that is done in the moment in which it is written down: opened and closed at once; what follows is open then."""
    open_step(session, code, number, record=record, now=now)
    return close_step(session, code, number, record=record, actor=actor, now=now, output=output)


def open_run(session: Session, code: str, number: int, *, record: Any, period: date | None = None) -> StepRun | None:
    """The open run of this step for this record (and this day), if there is one."""
    query = _runs_of(record).where(StepRun.procedure_code == code, StepRun.step_number == number, StepRun.ended_at.is_(None))
    if period is not None:
        query = query.where(StepRun.period == period)
    return session.scalar(query.order_by(StepRun.id).limit(1))


def close_step(
    session: Session, code: str, number: int, *, record: Any, actor: Actor, now: datetime, outcome: str | None = None, output: str | None = None,
) -> StepRun | None:
    """Close the open run of this step with its output, open what follows, and tell ``on_step_closed`` (raising refuses).

    ``outcome`` is a code such as ``approved``, which decides what follows (``opens`` of the step); ``output`` a remark,
    encrypted in the log. None when the step is not open for this record: somebody was first, or it was skipped.
    """
    run = open_run(session, code, number, record=record)
    if run is None:
        return None
    return close_run(session, run, record=record, actor=actor, now=now, outcome=outcome, output=output)


def close_run(
    session: Session, run: StepRun, *, record: Any = None, actor: Actor, now: datetime, outcome: str | None = None, output: str | None = None,
) -> StepRun:
    """The same for a run that is at hand; without its record what follows must be opened by the caller. Raises Conflict."""
    if not run.is_open():
        raise Conflict(_l("The step “%(step)s” of %(record)s was closed before by %(name)s.", step=run.step.action, record=run.record_label,
                          name=run.ended_by_label or "—"))
    _refuse_unfinished(session, run)
    _end(session, run, CLOSED, actor, now)
    run.outcome, run.output_note = outcome, output or None
    session.flush()
    for follower in followers(run.step.opens, outcome) if record is not None else ():
        open_step(session, run.procedure_code, follower, record=record, now=now, link=_link_of_follower(session, run, follower, now),
                  label=run.record_label, customer_id=run.customer_id, department_id=run.department_id, centre_id=run.centre_id)
    _tell(session, run, actor, now)
    return run


def _link_of_follower(session: Session, run: StepRun, number: int, now: datetime) -> str | None:
    """A follower's own page where its data names one, else where the step before was done."""
    return None if step_at(session, run.procedure_code, number, now).opens.get("page") else run.link


def _refuse_unfinished(session: Session, run: StepRun) -> None:
    """A step is done when all its parts are (ORG-19)."""
    left = session.scalars(sa.select(StepTask.title).where(StepTask.run_id == run.id, StepTask.done_at.is_(None)).order_by(StepTask.id)).all()
    if left:
        raise Conflict(_l("The step “%(step)s” has parts that are not done yet: %(tasks)s. It closes when all of them are done.", step=run.step.action,
                          tasks=" · ".join(left)), rule="ORG-19")


def _end(session: Session, run: StepRun, how: str, actor: Actor, now: datetime) -> None:
    run.ended_at, run.ended_as = now, how
    run.ended_by_id, run.ended_by_label = actor.user_id, actor.label
    run.on_behalf_of_id, run.on_behalf_of_label = _behalf(session, run, actor)


def _behalf(session: Session, run: StepRun, actor: Actor) -> tuple[int | None, str | None]:
    """For whom the actor closed it: as this transaction's authorisation found, else by whose role he holds the step (ORG-07)."""
    named: tuple[int, str] | None = session.info.get("on_behalf_of")
    if named is not None:
        return named
    if any(role in actor.roles for role in run.role_slugs):
        return None, None
    found = next((one for role in run.role_slugs if (one := actor.delegator_for_role(role)) is not None), None)
    return (found.user_id, found.label) if found else (None, None)


def _tell(session: Session, run: StepRun, actor: Actor, now: datetime) -> None:
    hooks = session.info.get("hooks")
    if hooks is not None:
        hooks.tell("on_step_closed", session=session, step_run_id=run.id, actor=actor, now=now)


def cancel_steps(session: Session, *, record: Any, actor: Actor, now: datetime, code: str | None = None, numbers: Sequence[int] | None = None) -> int:
    """End the open steps of a record that no longer need doing (withdrawn, rejected, merged); returns how many."""
    query = _runs_of(record).where(StepRun.ended_at.is_(None))
    if code is not None:
        query = query.where(StepRun.procedure_code == code)
    if numbers is not None:
        query = query.where(StepRun.step_number.in_(numbers))
    runs = session.scalars(query).all()
    for run in runs:
        _end(session, run, CANCELLED, actor, now)
    session.flush()
    return len(runs)


def hand_over(session: Session, *, record: Any, department_id: int, centre_id: int | None) -> int:
    """A record goes to another department: its open steps are in that one's inbox from now on, due when they were; returns how many."""
    runs = session.scalars(_runs_of(record).where(StepRun.ended_at.is_(None))).all()
    for run in runs:
        run.roles, run.assigned_user_id = bars(_roles_for(session, run.step, department_id)), None
        run.department_id, run.centre_id = department_id, centre_id
    session.flush()
    return len(runs)


def name_customer(session: Session, *, record: Any, customer_id: int) -> None:
    """Whom a record concerns became known: its steps belong to that customer's page."""
    for run in session.scalars(_runs_of(record)).all():
        run.customer_id = customer_id
    session.flush()


def assign(session: Session, run: StepRun, user_id: int | None) -> None:
    """Give an open step to one person, or back to all holders of its roles."""
    if not run.is_open():
        raise Conflict(_l("The step “%(step)s” of %(record)s is closed and cannot be given to anybody.", step=run.step.action, record=run.record_label))
    run.assigned_user_id = user_id
    session.flush()


def _runs_of(record: Any) -> sa.Select[StepRun]:
    return sa.select(StepRun).where(StepRun.record_type == record.__tablename__, StepRun.record_id == record.id)


# --- parts of a step (ORG-19) --------------------------------------------------------------------------------------------


def split(
    session: Session, run: StepRun, title: str, *, user_id: int | None, operation_key: str | None = None, actor: Actor, now: datetime,
) -> StepTask:
    """Give a part of an open step to one person; the step closes when all parts are done. By whoever has the step in the inbox.

    That person has a notice. Sent twice with the same ``operation_key``, it is one part. Raises NotAllowed, Conflict (the step has ended), InvalidInput
    (``title``, ``user_id``).
    """
    _hold(session, run, actor)
    session.scalar(sa.select(StepRun.id).where(StepRun.id == run.id).with_for_update())
    known = made_before(session, StepTask, operation_key, run_id=run.id)
    if known is not None:
        return known
    _refuse_ended(run)
    title = check_plain(title, field="title").strip()
    if not title or len(title) > LONGEST_TITLE:
        raise InvalidInput(_l("Say in a few words what is to be done, at most %(most)s characters.", most=LONGEST_TITLE), field="title", value=title[:80])
    person = session.get(User, user_id) if user_id is not None else None
    if person is None or not person.active:
        raise InvalidInput(_l("A part has one responsible person who can sign in. Choose one."), field="user_id", value=user_id)
    task = StepTask(run_id=run.id, title=title, user_id=person.id, made_at=now, operation_key=operation_key or None)
    session.add(task)
    session.flush()
    notify(session, {person.id} - {actor.user_id}, _l("%(name)s gave you a part of the step “%(step)s” (%(record)s): %(title)s", name=_name(session, actor),
                                                      step=run.step.action, record=isolate(run.record_label), title=isolate(title, "auto")),
           link=f"/procedures/runs/{run.id}", now=now)
    return task


def _name(session: Session, actor: Actor) -> Any:
    person = session.get(User, actor.user_id) if actor.user_id is not None else None
    return person.name if person is not None else actor.label


def finish_task(session: Session, task: StepTask, *, actor: Actor, now: datetime) -> StepTask:
    """A part is done, says its responsible person or whoever has the step. Done twice changes nothing. Raises NotAllowed, Conflict."""
    run = session.get_one(StepRun, task.run_id)
    deputy = next((one for one in actor.delegators if one.user_id == task.user_id), None)
    if task.user_id == actor.user_id:
        session.info["actor"] = actor
    elif deputy is not None:
        _act_for(session, actor, deputy)
    else:
        _hold(session, run, actor)
    if task.done_at is None:
        _refuse_ended(run)
        task.done_at = now
        audit.name_action(session, task, "close")
        session.flush()
    return task


def write_output(session: Session, run: StepRun, record: Any, output: str, *, actor: Actor, now: datetime) -> StepRun:
    """Close an occurrence of a recurring step with what came of it, by whoever has it in the inbox. Raises NotAllowed, InvalidInput, Conflict."""
    _hold(session, run, actor)
    output = check_plain(output, field="output", multiline=True).strip()
    if not output:
        raise InvalidInput(_l("Write what came of this step; it is kept as its output."), field="output")
    return close_run(session, run, record=record, actor=actor, now=now, output=output)


def _hold(session: Session, run: StepRun, actor: Actor) -> None:
    """Whoever has a step in the inbox may go on, in his own name or for whom he stands in; others are refused."""
    session.info["actor"] = actor
    if not queries.has_step(run, actor):
        raise NotAllowed(_l("The step “%(step)s” of %(record)s is not yours. Those who have it in their inbox split and close it.", step=run.step.action,
                            record=run.record_label), value=run.id, rule="ORG-19")
    behalf = queries.behalf_for(run, actor)
    if behalf is not None:
        _act_for(session, actor, behalf)


def _act_for(session: Session, actor: Actor, other: Delegator) -> None:
    session.info["actor"] = actor
    act_for(session, other.user_id, other.label, username=other.username)


def _refuse_ended(run: StepRun) -> None:
    if not run.is_open():
        raise Conflict(_l("The step “%(step)s” of %(record)s has ended; its parts stay as they are.", step=run.step.action, record=run.record_label),
                       rule="ORG-19")


# --- changing a step ---------------------------------------------------------------------------------------------------


def change_limit(session: Session, code: str, number: int, duration: str | None, *, actor: Actor, now: datetime, reason: str = "") -> StepVersion:
    """Give a step another time limit from now on; open cases keep theirs. ISO 8601, or None for no limit."""
    if duration is not None:
        parse_duration(duration)
    return _new_version(session, code, number, lambda step: setattr(step, "duration", duration), actor=actor, now=now, reason=reason)


def change_role(
    session: Session, code: str, number: int, roles: Sequence[str], *, titles: tuple[str, str] | None = None, actor: Actor, now: datetime,
    own_department: bool = False, reason: str = "",
) -> StepVersion:
    """Give a step to other roles from now on; open cases keep theirs. ``titles`` are what to call them, Arabic and English, by default the
    roles' own names; ``own_department`` narrows it to the role of the record's department. Raises InvalidInput (``roles``), NotAllowed, NotFound.
    """
    named = _titles_of(session, roles)

    def change(step: StepVersion) -> None:
        step.roles, step.mode = bars(list(roles)), _mode_for(step, own_department)
        step.role_ar, step.role_en = titles or named

    return _new_version(session, code, number, change, actor=actor, now=now, reason=reason)


def _mode_for(step: StepVersion, own_department: bool) -> str:
    """How several roles share the step: as before where that says the same, else any of them or the one of the department."""
    if own_department:
        return step.mode if step.mode in DEPARTMENT_MODES else "by_department"
    return "any" if step.mode in DEPARTMENT_MODES else step.mode


def _titles_of(session: Session, slugs: Sequence[str]) -> tuple[str, str]:
    """The names of these roles side by side, Arabic and English; refuses none, too many, and a slug that is no role in use."""
    if not slugs:
        raise InvalidInput(_l("A step needs at least one role; nobody would find it otherwise."), field="roles")
    if len(bars(slugs)) > LONGEST_ROLES:
        raise InvalidInput(_l("These are too many roles for one step. Choose those who do it."), field="roles")
    roles = {role.slug: role for role in session.scalars(sa.select(Role).where(Role.slug.in_(slugs), Role.active))}
    unknown = next((slug for slug in slugs if slug not in roles), None)
    if unknown is not None:
        raise InvalidInput(_l("There is no role “%(slug)s” in use.", slug=unknown[:60]), field="roles", value=unknown)
    arabic, english = (" / ".join(name for name in names if name)[:LONGEST_ROLES] for names in zip(
        *((roles[slug].name_ar, roles[slug].name_en or roles[slug].name_ar) for slug in slugs), strict=True))
    return arabic, english


COPIED = ("procedure_id", "number", "roles", "mode", "role_ar", "role_en", "action_ar", "action_en", "act_ar", "act_en", "output_ar", "output_en",
          "duration", "frequency", "opens")


def _new_version(
    session: Session, code: str, number: int, change: Callable[[StepVersion], None], *, actor: Actor, now: datetime, reason: str,
) -> StepVersion:
    authorize(session, actor, CHANGE)
    query = sa.select(StepVersion).join(Procedure).where(Procedure.code == code, StepVersion.number == number).order_by(StepVersion.version.desc()).limit(1)
    last = session.scalar(query)
    if last is None:
        raise NotFound(_l("There is no step %(number)s in %(code)s.", number=number, code=code))
    fresh = StepVersion(**{name: getattr(last, name) for name in COPIED}, version=last.version + 1, valid_from=now, author_id=actor.user_id,
                        author_label=actor.label, reason=reason)
    change(fresh)
    session.add(fresh)
    session.flush()
    return fresh
