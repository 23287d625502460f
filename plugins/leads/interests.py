"""What donors want to fund: kinds of programmes, whose interest they are, and what strategic planning says where no programme is (LEAD-03, 04)."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import kinds, settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.calendar import local_day
from core.customers import queries as customers
from core.errors import Conflict, InvalidInput, InvalidInputs, NotFound
from core.i18n import lazy_gettext as _l
from core.sending import made_before
from core.text import clean, fold
from plugins.leads import domain
from plugins.leads.models import Discussion, DonorInterest, Interest

MANAGE, RECORD, DISCUSS = "leads.manage", "leads.interests", "leads.discuss"
LONGEST_NOTE = 500


# --- the kinds -------------------------------------------------------------------------------------------------------


def save(session: Session, interest: Interest | None = None, *, name_ar: str, name_en: str = "", active: bool = True, actor: Actor, now: datetime) -> Interest:
    """Add a kind of programmes, rename it or take it out of use. Donors and programmes that name it keep it."""
    authorize(session, actor, MANAGE, rule="LEAD-03")
    return kinds.save(session, Interest, interest, name_ar=name_ar, name_en=name_en, active=active, rule="LEAD-03")


def kind_for(session: Session, interest_id: int) -> Interest:
    found = session.get(Interest, interest_id)
    if found is None:
        raise NotFound(_l("There is no such kind of programmes."))
    return found


# --- of a donor ------------------------------------------------------------------------------------------------------


def record(
    session: Session, *, customer_number: str, interest_id: int | None = None, other: str = "", note: str = "", actor: Actor, now: datetime,
) -> DonorInterest:
    """Write down what a donor wants to fund: a kind of the list, or one in his own words that joins the list.

    The same interest again is the one that is there. Raises InvalidInput.
    """
    authorize(session, actor, RECORD, rule="LEAD-03")
    customer = customers.readable(session, customer_number, actor, field="customer_number")
    interest = _chosen(session, interest_id, clean(other, "other", longest=kinds.LONGEST_NAME))
    known = session.scalar(sa.select(DonorInterest).where(DonorInterest.customer_id == customer.id, DonorInterest.interest_id == interest.id,
                                                         DonorInterest.ended_at.is_(None)))
    if known is not None:
        return known
    made = DonorInterest(subject_id=customer.subject_id, customer_id=customer.id, interest_id=interest.id, note=clean(note, "note", longest=LONGEST_NOTE),
                         recorded_at=now, recorded_by_id=actor.user_id)
    session.add(made)
    session.flush()
    return made


def _chosen(session: Session, interest_id: int | None, other: str) -> Interest:
    found = session.get(Interest, interest_id) if interest_id is not None else None
    if found is None and other:
        return kinds.by_name(session, Interest).get(fold(other)) or kinds.add(session, Interest, other)
    if found is None or not found.active:
        raise InvalidInput(_l("Choose what the donor wants to fund, or write it in his words."), field="interest_id", value=interest_id, rule="LEAD-03")
    return found


def end(session: Session, one: DonorInterest, *, actor: Actor, now: datetime) -> DonorInterest:
    """The donor does not want it any more; that he once did stays written."""
    authorize(session, actor, RECORD, rule="LEAD-03")
    if one.ended_at is not None:
        raise Conflict(_l("This interest was ended before."), rule="LEAD-03")
    one.ended_at = now
    audit.name_action(session, one, "end")
    session.flush()
    return one


def settle_merged(session: Session, kept_id: int, lost_id: int, *, now: datetime) -> None:
    """Of an interest that both customers have the survivor's goes on and the other is ended, so that its note stays written (CUST-20)."""
    kept = sa.select(DonorInterest.interest_id).where(DonorInterest.customer_id == kept_id, DonorInterest.ended_at.is_(None))
    twice = sa.select(DonorInterest).where(DonorInterest.customer_id == lost_id, DonorInterest.ended_at.is_(None), DonorInterest.interest_id.in_(kept))
    for one in session.scalars(twice):
        one.ended_at = now
        audit.name_action(session, one, "end")
    session.flush()


# --- discussed with strategic planning ---------------------------------------------------------------------------------


def discuss(
    session: Session, interest: Interest, *, feasible: bool | None, discussed_on: date | None, remark: str, operation_key: str | None = None, actor: Actor,
    now: datetime,
) -> Discussion:
    """What came of the discussion with strategic planning: feasible or not, on which day, with which remark. Raises InvalidInputs."""
    authorize(session, actor, DISCUSS, rule="LEAD-04")
    known = made_before(session, Discussion, operation_key, interest_id=interest.id)
    if known is not None:
        return known
    remark = clean(remark, "remark", multiline=True, longest=domain.LONGEST_TEXT)
    today = local_day(now, settings.time_zone(session))
    faults = [InvalidInput(message, field=field, rule="LEAD-04") for field, wrong, message in (
        ("feasible", feasible is None, _l("Say whether a programme of this kind is feasible.")),
        ("discussed_on", discussed_on is None, _l("Give the day of the discussion.")),
        ("discussed_on", discussed_on is not None and discussed_on > today, _l("The day of the discussion lies in the future.")),
    ) if wrong]
    if faults:
        raise InvalidInputs(faults)
    made = Discussion(interest_id=interest.id, feasible=feasible, discussed_on=discussed_on, remark=remark, recorded_at=now, recorded_by_id=actor.user_id,
                      operation_key=operation_key or None)
    session.add(made)
    session.flush()
    return made
