"""A lead's way through the manual's table of leads: which step opens and closes with which act.

What a step is and whose it is, is data of the procedure. Steps 1 and 2 come when the last portfolio is 6 or 12 months old, as
the association chose, which no calendar of fixed half-years would say; step 5 opens each week by the engine.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor
from core.calendar import day_bounds
from core.procedures import services as procedures
from plugins.leads.domain import APPOINTING, ASKING, CREATION, DECIDE, DOCUMENT, HARM, IDENTIFY, POTENTIAL, RECEIVE
from plugins.leads.models import ContactPerson, ContactRequest, Lead, Portfolio, Problem, Study


def expected(session: Session, portfolio: Portfolio, *, now: datetime) -> None:
    """A portfolio is to be received, by the end of the day on which the last one is old enough."""
    procedures.open_step(session, CREATION, RECEIVE, record=portfolio, now=now, due_at=_end_of(session, portfolio.expected_on))


def received(session: Session, portfolio: Portfolio, next_on: date, *, actor: Actor, now: datetime) -> None:
    """Step 1 is done; the potential donors are to be listed before the next portfolio comes."""
    procedures.open_step(session, CREATION, RECEIVE, record=portfolio, now=now, due_at=_end_of(session, portfolio.expected_on))
    procedures.open_step(session, CREATION, POTENTIAL, record=portfolio, now=now, due_at=_end_of(session, next_on))
    procedures.close_step(session, CREATION, RECEIVE, record=portfolio, actor=actor, now=now)


def listed(session: Session, portfolio: Portfolio, *, actor: Actor, now: datetime) -> None:
    procedures.close_step(session, CREATION, POTENTIAL, record=portfolio, actor=actor, now=now)


def identified(session: Session, study: Study, *, actor: Actor, now: datetime) -> None:
    """Step 3 is done, the employee is to document the lead."""
    procedures.take_step(session, CREATION, IDENTIFY, record=study, actor=actor, now=now)


def documented(session: Session, study: Study, *, actor: Actor, now: datetime) -> None:
    procedures.close_step(session, CREATION, DOCUMENT, record=study, actor=actor, now=now)


def funded(session: Session, lead: Lead, *, now: datetime) -> None:
    """The pledged money is there: the manager is to say that the lead is successful."""
    procedures.open_step(session, CREATION, DECIDE, record=lead, now=now)


def unfunded(session: Session, lead: Lead, *, actor: Actor, now: datetime) -> None:
    procedures.cancel_steps(session, record=lead, actor=actor, now=now, code=CREATION, numbers=(DECIDE,))


def ended(session: Session, lead: Lead, *, actor: Actor, now: datetime) -> None:
    """Step 6 is done in the moment in which the manager sets the outcome."""
    procedures.take_step(session, CREATION, DECIDE, record=lead, actor=actor, now=now, output=lead.state)


# --- the contact person, and a contact by somebody else ----------------------------------------------------------------


def proposed(session: Session, one: ContactPerson, *, actor: Actor, now: datetime) -> None:
    """The secretary of the sub-council is to approve; its label is the donor's number."""
    procedures.open_step(session, APPOINTING, 1, record=one, now=now, label=one.customer.number)
    procedures.close_step(session, APPOINTING, 1, record=one, actor=actor, now=now)


def appointed(session: Session, one: ContactPerson, *, actor: Actor, now: datetime) -> None:
    procedures.close_step(session, APPOINTING, 2, record=one, actor=actor, now=now, outcome=one.state)


def asked(session: Session, request: ContactRequest, *, actor: Actor, now: datetime) -> None:
    """Three permissions wait in three inboxes."""
    procedures.take_step(session, ASKING, 1, record=request, actor=actor, now=now)


def permitted(session: Session, request: ContactRequest, part: int, *, actor: Actor, now: datetime) -> None:
    procedures.close_step(session, ASKING, part, record=request, actor=actor, now=now, outcome="permitted")


def declined(session: Session, request: ContactRequest, *, actor: Actor, now: datetime) -> None:
    """Nobody needs to say more."""
    procedures.cancel_steps(session, record=request, actor=actor, now=now)


# --- a problem with a donor --------------------------------------------------------------------------------------------


def harmed(session: Session, problem: Problem, *, actor: Actor, now: datetime) -> None:
    procedures.take_step(session, HARM, 1, record=problem, actor=actor, now=now)


def mended(session: Session, problem: Problem, *, actor: Actor, now: datetime) -> None:
    procedures.close_step(session, HARM, 2, record=problem, actor=actor, now=now)


def _end_of(session: Session, day: date) -> datetime:
    return day_bounds(day, settings.time_zone(session))[1]
