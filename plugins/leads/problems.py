"""Problems that may harm the relation with a donor: recorded at the donor, at the CRM manager's at once, until resolved (LEAD-23)."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit import services as audit
from core.auth import queries as staff
from core.auth.actor import Actor, authorize
from core.customers import queries as customers
from core.errors import Conflict
from core.i18n import lazy_gettext as _l
from core.notices.services import notify
from core.numbering import next_value
from core.sending import made_before
from core.text import clean, isolate
from plugins.leads import domain, queries, steps
from plugins.leads.models import Problem

RECORD, RESOLVE = "leads.problem", "leads.resolve"
MANAGER = "crm_manager"


def scope(query: sa.Select[tuple[Problem]], actor: Actor) -> sa.Select[tuple[Problem]]:
    """Whoever resolves problems, or may see donors of leads, reads all of them; anybody else what he recorded himself."""
    return query if actor.may(RESOLVE) or actor.may(queries.PERSONAL) else query.where(Problem.recorded_by_id == (actor.user_id or 0))


def record(session: Session, *, customer_number: str, text: str, operation_key: str | None = None, actor: Actor, now: datetime) -> Problem:
    """Write down what may harm the relation with a donor; the CRM manager has a notice and the step at once, with top priority. Raises InvalidInput."""
    authorize(session, actor, RECORD, rule="LEAD-23")
    known = made_before(session, Problem, operation_key, recorded_by_id=actor.user_id)
    if known is not None:
        return known
    customer = customers.readable(session, customer_number, actor, field="customer_number")
    text = clean(text, "text", multiline=True, longest=domain.LONGEST_TEXT, missing=_l("Write what happened and how the donor took it."), rule="LEAD-23")
    made = Problem(number=f"H-{next_value(session, 'leads_problem'):04d}", customer_id=customer.id, subject_id=customer.subject_id, text=text,
                   recorded_at=now, recorded_by_id=actor.user_id, operation_key=operation_key or None, customer=customer)
    session.add(made)
    session.flush()
    steps.harmed(session, made, actor=actor, now=now)
    notify(session, {one.id for one in staff.holders_of(session, MANAGER)},
           _l("Top priority: the problem %(number)s may harm the relation with the donor %(donor)s.", number=isolate(made.number),
              donor=isolate(customer.number)), link=f"/leads/problems/{made.id}", now=now)
    return made


def resolve(session: Session, problem: Problem, resolution: str, *, actor: Actor, now: datetime) -> Problem:
    """The problem is resolved, with what was done; who recorded it is told. Raises InvalidInput, Conflict."""
    authorize(session, actor, RESOLVE, rule="LEAD-23")
    session.refresh(problem, with_for_update={"of": Problem})
    if problem.resolved_at is not None:
        raise Conflict(_l("The problem %(number)s is resolved already.", number=isolate(problem.number)), rule="LEAD-23")
    problem.resolution = clean(resolution, "resolution", multiline=True, longest=domain.LONGEST_TEXT,
                               missing=_l("Write what was done, so that the donor is content again."), rule="LEAD-23")
    problem.resolved_at, problem.resolved_by_id = now, actor.user_id
    audit.name_action(session, problem, "resolve")
    session.flush()
    steps.mended(session, problem, actor=actor, now=now)
    notify(session, {problem.recorded_by_id} - {actor.user_id}, _l("The problem %(number)s is resolved.", number=isolate(problem.number)),
           link=f"/leads/problems/{problem.id}", now=now)
    return problem


def waiting(session: Session) -> int:
    return session.scalar(sa.select(sa.func.count(Problem.id)).where(Problem.resolved_at.is_(None))) or 0


def of_donor(session: Session, customer_id: int) -> list[Problem]:
    """The open problems of a donor, the oldest first."""
    return list(session.scalars(sa.select(Problem).where(Problem.customer_id == customer_id, Problem.resolved_at.is_(None)).order_by(Problem.id)))
