"""Contacts some months after an event (an answer, a service, a visit): planned for a customer, due on their day, settled (CMPL-27)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.calendar import add_months, day_words, local_day
from core.consent import services as consent
from core.consent.domain import SERVICE
from core.customers import queries as customers
from core.errors import Conflict, InvalidInput, InvalidInputs
from core.i18n import lazy_gettext as _l
from core.sending import check_key
from core.text import clean
from plugins.complaints import domain
from plugins.complaints.models import Contact
from plugins.complaints.queries import READ_ALL

HANDLE = "complaints.handle"
MONTHS = (3, 6, 12)
OPEN, DONE, DROPPED = "open", "done", "dropped"
STATES = {OPEN: _l("to be done"), DONE: _l("done"), DROPPED: _l("not needed")}
LONGEST_EVENT = 200
PURPOSE = SERVICE


def scope(query: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
    """Contacts that the actor's own department planned; all for who reads the whole log."""
    return query if actor.may(READ_ALL) else query.where(Contact.department_id == actor.department_id)


def open_of(session: Session, customer_id: int, actor: Actor) -> Sequence[Contact]:
    mine = sa.select(Contact).where(Contact.customer_id == customer_id, Contact.state == OPEN)
    return session.scalars(scope(mine, actor).order_by(Contact.due_on, Contact.id)).all()


def due(day: date) -> sa.ColumnElement[bool]:
    """A condition on Contact: to be done by the end of this day."""
    return sa.and_(Contact.state == OPEN, Contact.due_on <= day)


def plan(
    session: Session, *, customer_number: str, event: str, event_on: date | None, months: Collection[int], operation_key: str | None = None,
    actor: Actor, now: datetime,
) -> list[Contact]:
    """Plan a contact for each of ``months`` (of 3, 6 and 12) after the event. Raises InvalidInputs.

    Sent twice with the same ``operation_key``, they are the same contacts.
    """
    authorize(session, actor, HANDLE, rule="CMPL-27")
    known = _planned_before(session, operation_key)
    if known:
        return known
    customer = customers.readable(session, customer_number, actor, field="customer_number")
    event = clean(event, "event", longest=LONGEST_EVENT)
    days = {one: add_months(event_on, one) for one in sorted(set(months) & set(MONTHS))} if event_on is not None else {}
    _refuse(event, event_on, months, days, local_day(now, settings.time_zone(session)))
    assert event_on is not None
    made = [Contact(subject_id=customer.subject_id, customer_id=customer.id, event=event, event_on=event_on, months=one, due_on=day, state=OPEN,
                    department_id=actor.department_id, planned_at=now, planned_by_id=actor.user_id,
                    operation_key=f"{operation_key}:{one}" if operation_key else None) for one, day in days.items()]
    session.add_all(made)
    session.flush()
    return made


def _planned_before(session: Session, operation_key: str | None) -> list[Contact]:
    if not check_key(operation_key, Contact.operation_key.type.length - len(f":{max(MONTHS)}")):
        return []
    keys = [f"{operation_key}:{one}" for one in MONTHS]
    return list(session.scalars(sa.select(Contact).where(Contact.operation_key.in_(keys)).order_by(Contact.due_on)))


def _refuse(event: str, event_on: date | None, months: Collection[int], days: dict[int, date], today: date) -> None:
    faults = [InvalidInput(message, field=field, rule="CMPL-27") for field, wrong, message in (
        ("event", not event, _l("Say in a few words after what the customer is contacted.")),
        ("event_on", event_on is None, _l("Give the day of the event.")),
        ("months", not set(months) & set(MONTHS), _l("Choose after how many months the customer is contacted: 3, 6 or 12.")),
    ) if wrong]
    past = next(((one, day) for one, day in days.items() if day < today), None)
    if past is not None:
        faults.append(InvalidInput(_l("%(months)s months after this day is %(day)s, which is past. Leave it out, or correct the day.", months=past[0],
                                      day=day_words(past[1])), field="months", value=past[0], rule="CMPL-27"))
    if faults:
        raise InvalidInputs(faults)


def settle(session: Session, contact: Contact, *, state: str, channel: str = "", outcome: str, actor: Actor, now: datetime) -> Contact:
    """The customer was contacted, by this channel and with this outcome; or it is not needed any more, for this reason.

    Whoever may not be contacted by the channel is not: NotAllowed, by consent and by what plugins object. The hours of calls are not judged:
    this is written down after the call. Raises Conflict for one that is settled, InvalidInputs.
    """
    authorize(session, actor, HANDLE, rule="CMPL-27")
    session.scalar(sa.select(Contact.id).where(Contact.id == contact.id).with_for_update())
    session.refresh(contact)
    if contact.state != OPEN:
        raise Conflict(_l("This contact is settled already: %(state)s.", state=STATES[contact.state]), rule="CMPL-27")
    outcome = clean(outcome, "outcome", multiline=True, longest=domain.LONGEST_TEXT)
    faults = [InvalidInput(message, field=field, rule="CMPL-27") for field, wrong, message in (
        ("state", state not in (DONE, DROPPED), _l("Say whether the customer was contacted.")),
        ("channel", state == DONE and channel not in domain.channels(), _l("Say by which channel the customer was contacted.")),
        ("outcome", not outcome, _l("Write what the customer said, or why no contact is needed.")),
    ) if wrong]
    if faults:
        raise InvalidInputs(faults)
    if state == DONE:
        consent.check_contact(session, contact.customer_id, channel, PURPOSE, actor=actor, now=now, made=True)
    contact.state, contact.channel, contact.outcome = state, channel if state == DONE else None, outcome
    contact.settled_at, contact.settled_by_id = now, actor.user_id
    audit.name_action(session, contact, state)
    session.flush()
    return contact
