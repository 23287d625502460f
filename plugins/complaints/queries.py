"""Selects used twice: whose entries one reads, the log, duplicates, what is open without an update."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor
from core.auth.models import User
from core.auth.queries import powers_of
from core.customers import queries as customers
from core.customers.models import Customer
from core.errors import DiwanError, InvalidInput
from core.organisation.models import Department
from core.phones import parse_phone
from core.procedures.models import StepRun
from core.reports.offers import Reach
from core.text import fold, normalise_digits
from plugins.complaints import domain
from plugins.complaints.models import Assignment, Cause, Entry, FollowUp, Update

API = "api"
"""Source of entries, and of actors: another system. Its name begins their reference."""
READ, READ_ALL, PERSONAL = "complaints.read", "complaints.read_all", "complaints.personal"


def scope(query: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
    """Entries of the actor's own department, those he wrote down himself, and those his department is asked to follow up
    (CUST-37); bound to centres, of these only. Quality and managers above departments read all (CMPL-11)."""
    if actor.may(READ_ALL):
        return query
    asked = sa.select(FollowUp.entry_id).where(FollowUp.department_id == actor.department_id)
    return query.where(sa.or_(_own(actor), _written_by(actor), Entry.id.in_(asked)))


def _written_by(actor: Actor) -> sa.ColumnElement[bool]:
    """What a person, or another system, wrote down; whoever has neither id nor name wrote nothing."""
    if actor.source == API:
        return sa.and_(Entry.source == API, Entry.source_reference.startswith(f"{actor.logged_as}/", autoescape=True))
    return Entry.registered_by_id == actor.user_id if actor.user_id is not None else sa.false()


def _own(actor: Actor) -> sa.ColumnElement[bool]:
    within = [Entry.department_id == actor.department_id]
    if actor.centre_ids:
        within.append(sa.or_(Entry.centre_id.is_(None), Entry.centre_id.in_(actor.centre_ids)))
    return sa.and_(*within)


def people_of(session: Session, department_id: int) -> set[int | None]:
    """Whoever works in a department and reads the log."""
    people = session.scalars(sa.select(User.id).where(User.department_id == department_id, User.active)).all()
    return {one for one, powers in powers_of(session, people).items() if READ in powers.permissions}


def counted(query: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
    """Entries that figures count for this actor: the whole log, or those of the own department and centres, as far as ``reach`` says."""
    return query if actor.may(READ_ALL) else query.where(_own(actor))


def reach(actor: Actor) -> Reach:
    """How far the figures reach that this actor makes of the log; who belongs to no department makes none."""
    return Reach() if actor.may(READ_ALL) else Reach(actor.department_id or 0, actor.centre_ids)


def by_id(session: Session, entry_id: int, actor: Actor) -> Entry | None:
    return session.scalar(scope(sa.select(Entry).where(Entry.id == entry_id), actor))


def by_number(session: Session, number: str, actor: Actor) -> Entry | None:
    return session.scalar(scope(sa.select(Entry).where(Entry.number == number.strip().upper()), actor))


def route(session: Session, customer_class: str) -> tuple[domain.Route, Department]:
    """Where an entry of this class goes, with the department's row (CMPL-02…04)."""
    chosen = {one: settings.get(session, f"complaints.route_{one}") for one in ("government", "council_member", "other")}
    found = domain.route_for(customer_class, chosen)
    department = session.scalar(sa.select(Department).where(Department.slug == found.department))
    if department is None:
        raise DiwanError(f"There is no department '{found.department}'. Add it on the page of departments, or choose another in the settings.")
    return found, department


def place(session: Session, customer_class: str, centre_id: int | None, customer: Customer | None) -> tuple[domain.Route, Department, int | None]:
    """Route, department and centre of an entry: its own centre, or where the route names one, the customer's (CMPL-02)."""
    found, department = route(session, customer_class)
    of_customer = customer.centre_id if customer is not None and found.with_centre else None
    return found, department, centre_id or of_customer


def open_of(session: Session, actor: Actor, *, customer_id: int | None = None, phone: str | None = None, limit: int = 5) -> Sequence[Entry]:
    """Open entries of the same caller, the newest first: what is being typed may repeat one of them."""
    if customer_id is None and not phone:
        return []
    same = [Entry.customer_id == customer_id] if customer_id is not None else []
    same += [Entry.phone == phone] if phone else []
    query = sa.select(Entry).where(Entry.state != domain.CLOSED, sa.or_(*same)).order_by(Entry.received_at.desc(), Entry.id.desc())
    return session.scalars(scope(query, actor).limit(limit)).all()


def matching(query: sa.Select[Any], session: Session, text: str, actor: Actor, *, newest: bool = False) -> sa.Select[Any]:
    """``query`` over Entry, narrowed to a number, or to whose entries: by phone and name only for who may see both."""
    text = normalise_digits(text).strip()
    ways = [Entry.number.startswith(text.upper(), autoescape=True)]
    if actor.may(PERSONAL) and text:
        ways += [customers.whose(session, Entry.customer_id, text, actor, newest=newest),
                 *_by_name(text), *_by_phone(session, text)]
    return query.where(sa.or_(*ways))


def _by_name(text: str) -> list[sa.ColumnElement[bool]]:
    """Somebody unknown by all words of the name, in any writing, as customers are found."""
    words = fold(text).split()
    return [sa.and_(*(Entry.name_key.contains(word, autoescape=True) for word in words))] if words else []


def _by_phone(session: Session, text: str) -> list[sa.ColumnElement[bool]]:
    try:
        return [Entry.phone == parse_phone(text, settings.get(session, "core.country"))]
    except InvalidInput:
        return []


def overdue(now: datetime) -> sa.ColumnElement[bool]:
    """A condition on Entry: a step of it should be done by now."""
    late = sa.select(StepRun.record_id).where(StepRun.record_type == Entry.__tablename__, StepRun.ended_at.is_(None), StepRun.due_at < now)
    return Entry.id.in_(late)


def callback_by(moment: datetime) -> sa.ColumnElement[bool]:
    """A condition on Entry: the customer is to be told before ``moment`` (CMPL-19)."""
    due = sa.select(StepRun.record_id).where(StepRun.record_type == Entry.__tablename__, StepRun.ended_at.is_(None), StepRun.due_at < moment,
                                             StepRun.procedure_code == domain.HANDLING, StepRun.step_number == domain.CONTACT)
    return Entry.id.in_(due)


def quiet(start: datetime, end: datetime) -> sa.ColumnElement[bool]:
    """A condition on Entry: open, received before ``end``, and nothing written in it from ``start`` on (CMPL-18)."""
    return sa.and_(Entry.state != domain.CLOSED, Entry.imported.is_(False), Entry.received_at < end, Entry.updated_at < start)


def next_steps(session: Session, ids: Iterable[int]) -> dict[int, StepRun]:
    """The open step that is due first, by the entry's id."""
    query = sa.select(StepRun).where(StepRun.record_type == Entry.__tablename__, StepRun.record_id.in_(list(ids)), StepRun.ended_at.is_(None))
    found: dict[int, StepRun] = {}
    for run in session.scalars(query.order_by(StepRun.due_at.is_(None), StepRun.due_at, StepRun.id)):
        found.setdefault(run.record_id, run)
    return found


def updates_of(session: Session, entry: Entry) -> Sequence[Update]:
    return session.scalars(sa.select(Update).where(Update.entry_id == entry.id).order_by(Update.made_at.desc(), Update.id.desc())).all()


def assignments_of(session: Session, entry: Entry) -> Sequence[Assignment]:
    return session.scalars(sa.select(Assignment).where(Assignment.entry_id == entry.id).order_by(Assignment.assigned_at, Assignment.id)).all()


def follow_ups_of(session: Session, entry: Entry) -> Sequence[FollowUp]:
    return session.scalars(sa.select(FollowUp).where(FollowUp.entry_id == entry.id).order_by(FollowUp.asked_at, FollowUp.id)).all()


def causes(session: Session, *, active: bool = True) -> Sequence[Cause]:
    query = sa.select(Cause).order_by(Cause.id)
    return session.scalars(query.where(Cause.active) if active else query).all()
