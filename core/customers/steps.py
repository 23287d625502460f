"""The form's way through the procedure MAN-CUST: which step opens and closes with which act.

What follows a step, and when it is due, is data of the procedure (PLUG-10).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.customers import queries as customers
from core.customers.domain import PROCEDURE, STEP_DECIDE, STEP_ENTER, STEP_FILE, STEP_FILL, STEP_REVIEW
from core.customers.models import CustomerForm
from core.procedures import queries
from core.procedures import services as procedures
from core.procedures.models import StepRun, StepVersion


def begin(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> None:
    """The form is filled: step 1 is done and the review is due."""
    line = form.line if form.single else None
    procedures.open_step(session, PROCEDURE, STEP_FILL, record=form, now=now, customer_id=line.customer_id if line is not None else None,
                         department_id=line.department_id if line is not None else None, centre_id=line.centre_id if line is not None else None)
    _close(session, form, STEP_FILL, actor, now)


def reviewed(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> None:
    _close(session, form, STEP_REVIEW, actor, now)


def approved(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> None:
    _close(session, form, STEP_DECIDE, actor, now, "approved")


def rejected(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> None:
    """The decision is closed; an entry that was waiting is no longer needed."""
    _close(session, form, STEP_DECIDE, actor, now, "rejected")
    procedures.cancel_steps(session, record=form, actor=actor, now=now, code=PROCEDURE, numbers=[STEP_ENTER])


def withdrawn(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> None:
    procedures.cancel_steps(session, record=form, actor=actor, now=now, code=PROCEDURE)


def entered(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> None:
    """The entry is closed; a new customer's steps now belong to its page."""
    run = procedures.open_run(session, PROCEDURE, STEP_ENTER, record=form)
    if run is None:
        return
    if form.single:
        run.customer_id = form.line.customer_id
    procedures.close_run(session, run, record=form, actor=actor, now=now)


def filed(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> None:
    _close(session, form, STEP_FILE, actor, now)


def _close(session: Session, form: CustomerForm, no: int, actor: Actor, now: datetime, outcome: str | None = None) -> None:
    procedures.close_step(session, PROCEDURE, no, record=form, actor=actor, now=now, outcome=outcome)


def runs(session: Session, form: CustomerForm) -> dict[int, StepRun]:
    """The runs of a form's steps by number."""
    return {run.step_number: run for run in queries.steps_of(session, record_type=form.__tablename__, record_id=form.id)}


def concerned(session: Session, runs: Sequence[StepRun], actor: Actor) -> dict[int, str]:
    """Whom each of these runs concerns, by the run's id: the customer, or who stands on the form. Only what the actor may read."""
    if not actor.may("customers.read"):
        return {}
    names = customers.names_of(session, {run.customer_id for run in runs if run.customer_id is not None}, actor)
    forms = {run.id: run.record_id for run in runs if run.record_type == CustomerForm.__tablename__}
    on_forms = customers.names_on_forms(session, forms.values(), actor)
    found = {run.id: names.get(run.customer_id or 0) or on_forms.get(forms.get(run.id, 0)) for run in runs}
    return {run_id: name for run_id, name in found.items() if name}


def table(session: Session, now: datetime) -> list[StepVersion]:
    """The manual's five steps as they hold now."""
    return [procedures.step_at(session, PROCEDURE, number, now) for number in (STEP_FILL, STEP_REVIEW, STEP_DECIDE, STEP_ENTER, STEP_FILE)]
