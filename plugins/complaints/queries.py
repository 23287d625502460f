"""Selects used twice: whose entries one reads, the log, duplicates, what is open without an update."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor
from core.errors import DiwanError
from core.organisation.models import Department
from plugins.complaints import domain
from plugins.complaints.models import Assignment, Cause, Entry, FollowUp, Update

READ_ALL = "complaints.read_all"


def scope(query: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
    """Entries of the actor's own department, those he wrote down himself, and those his department is asked to follow up
    (CUST-37); bound to centres, of these only. Quality and managers above departments read all (CMPL-11)."""
    if actor.may(READ_ALL):
        return query
    asked = sa.select(FollowUp.entry_id).where(FollowUp.department_id == actor.department_id)
    within = [Entry.department_id == actor.department_id]
    if actor.centre_ids:
        within.append(sa.or_(Entry.centre_id.is_(None), Entry.centre_id.in_(actor.centre_ids)))
    return query.where(sa.or_(sa.and_(*within), Entry.registered_by_id == actor.user_id, Entry.id.in_(asked)))


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


def open_of(session: Session, actor: Actor, *, customer_id: int | None = None, phone: str | None = None, limit: int = 5) -> Sequence[Entry]:
    """Open entries of the same caller, the newest first: what is being typed may repeat one of them."""
    if customer_id is None and not phone:
        return []
    same = [Entry.customer_id == customer_id] if customer_id is not None else []
    same += [Entry.phone == phone] if phone else []
    query = sa.select(Entry).where(Entry.state != domain.CLOSED, sa.or_(*same)).order_by(Entry.received_at.desc(), Entry.id.desc())
    return session.scalars(scope(query, actor).limit(limit)).all()


def without_update(session: Session, start: datetime, end: datetime, actor: Actor) -> Sequence[Entry]:
    """Open entries received before ``end`` in which nothing was written from ``start`` on: the list at a day's end (CMPL-18)."""
    query = sa.select(Entry).where(Entry.state != domain.CLOSED, Entry.imported.is_(False), Entry.received_at < end, Entry.updated_at < start)
    return session.scalars(scope(query.order_by(Entry.updated_at, Entry.id), actor)).all()


def updates_of(session: Session, entry: Entry) -> Sequence[Update]:
    return session.scalars(sa.select(Update).where(Update.entry_id == entry.id).order_by(Update.made_at.desc(), Update.id.desc())).all()


def assignments_of(session: Session, entry: Entry) -> Sequence[Assignment]:
    return session.scalars(sa.select(Assignment).where(Assignment.entry_id == entry.id).order_by(Assignment.assigned_at, Assignment.id)).all()


def follow_ups_of(session: Session, entry: Entry) -> Sequence[FollowUp]:
    return session.scalars(sa.select(FollowUp).where(FollowUp.entry_id == entry.id).order_by(FollowUp.asked_at, FollowUp.id)).all()


def causes(session: Session, *, active: bool = True) -> Sequence[Cause]:
    query = sa.select(Cause).order_by(Cause.id)
    return session.scalars(query.where(Cause.active) if active else query).all()
