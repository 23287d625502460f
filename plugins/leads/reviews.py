"""The weekly review of the leads: the manager looks at each, brings it up to date, and closes the week (LEAD-19)."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor, authorize
from core.calendar import local_day
from core.errors import Conflict, NotFound
from core.i18n import lazy_gettext as _l
from core.procedures import services as procedures
from core.procedures.models import StepPeriod
from core.text import clean
from plugins.leads import domain, queries
from plugins.leads.domain import CREATION
from plugins.leads.models import Lead, Review

REVIEW = "leads.review"


def period_for(session: Session, period_id: int) -> StepPeriod:
    found = session.get(StepPeriod, period_id)
    if found is None or found.procedure_code != CREATION:
        raise NotFound(_l("There is no such review."))
    return found


def review_of(session: Session, period: StepPeriod) -> Review | None:
    return session.scalar(sa.select(Review).where(Review.period_id == period.id))


def stamp(session: Session, lead: Lead, *, actor: Actor, now: datetime) -> Lead:
    """The manager looked at this lead today; whether anything changed says its history."""
    authorize(session, actor, REVIEW, rule="LEAD-19")
    session.refresh(lead, with_for_update={"of": Lead})
    if lead.ended_at is not None:
        raise Conflict(_l("The lead %(number)s has ended; it is reviewed no more.", number=lead.number), rule="LEAD-19")
    lead.reviewed_on = local_day(now, settings.time_zone(session))
    session.flush()
    return lead


def finish(session: Session, period: StepPeriod, note: str, *, actor: Actor, now: datetime) -> Review:
    """Close the week's review: every open lead carries its day from now on (LEAD-19)."""
    authorize(session, actor, REVIEW, rule="LEAD-19")
    if review_of(session, period) is not None:
        raise Conflict(_l("This review was closed before."), rule="LEAD-19")
    made = Review(period_id=period.id, note=clean(note, "note", multiline=True, longest=domain.LONGEST_TEXT), reviewed_at=now, reviewed_by_id=actor.user_id)
    session.add(made)
    for lead in queries.open_leads(session):
        stamp(session, lead, actor=actor, now=now)
    session.flush()
    if procedures.close_step(session, CREATION, domain.REVIEW, record=period, actor=actor, now=now, output=made.note or None) is None:
        raise Conflict(_l("This review was closed before."), rule="LEAD-19")
    return made
