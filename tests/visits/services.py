"""What happens to a visit, and who may do it; the rows of its report."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from visits.models import Visit

from core.auth.actor import Actor, authorize
from core.customers import queries as customers
from core.errors import Conflict
from core.i18n import lazy_gettext as _l
from core.procedures import services as procedures


def record(session: Session, *, number: str, visited_on: date, remarks: str, actor: Actor, now: datetime) -> Visit:
    """Step 1: write down a visit to the customer with this number. Raises InvalidInput where there is none."""
    authorize(session, actor, "visits.record")
    customer = customers.readable(session, number, actor)
    visit = Visit(customer_id=customer.id, subject_id=customer.subject_id, visited_on=visited_on, remarks=remarks)
    session.add(visit)
    session.flush()
    procedures.take_step(session, "VISITS", 1, record=visit, actor=actor, now=now)
    return visit


def confirm(session: Session, visit: Visit, *, actor: Actor, now: datetime) -> None:
    """Step 2. Raises Conflict when somebody has confirmed it before."""
    authorize(session, actor, "visits.confirm")
    if procedures.close_step(session, "VISITS", 2, record=visit, actor=actor, now=now) is None:
        raise Conflict(_l("This visit is confirmed already; nothing is left to do."))
    visit.confirmed_at = now


def by_day(session: Session, parameters: Mapping[str, date | None], actor: Actor) -> Iterator[sa.Row[date, int]]:
    """How many visits there were on each day of the period."""
    days = sa.select(Visit.visited_on, sa.func.count()).group_by(Visit.visited_on).order_by(Visit.visited_on)
    yield from session.execute(days.where(Visit.visited_on.between(parameters["from_on"] or date.min, parameters["to_on"] or date.max)))
