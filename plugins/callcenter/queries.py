"""Selects used twice: calls as lists and panels take them, the queue of call-backs, search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor
from core.customers import queries as customers
from core.customers.models import Customer
from core.procedures.models import StepRun
from core.text import fold, normalise_digits
from plugins.callcenter import domain
from plugins.callcenter.models import Call, Callback, Leg, Recording

READ, PERSONAL = "callcenter.read", "callcenter.personal"


def scope(query: sa.Select[Any], model: type[Call] | type[Callback], actor: Actor) -> sa.Select[Any]:
    """Calls, or call-backs, with customers that this actor may read, and with people who are none (CUST-37)."""
    if customers.scope_of(actor) == "all":
        return query
    readable = customers.scope(sa.select(Customer.id), actor)
    return query.where(sa.or_(model.customer_id.is_(None), model.customer_id.in_(readable)))


def outside(columns: Any = Call) -> sa.ColumnElement[bool]:
    """A condition on Call, or on a roll-up of calls: with somebody outside; calls between own extensions are left out of figures and matching."""
    condition: sa.ColumnElement[bool] = columns.direction != domain.INTERNAL
    return condition


def within(since: datetime, until: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(Call.started_at >= since, Call.started_at < until)


def matching(query: sa.Select[Any], session: Session, text: str, actor: Actor, *, newest: bool = False) -> sa.Select[Any]:
    """``query`` over Call, narrowed to whose calls: by phone and name only for who may see both; else by the customer's number.

    Each way is a search of its own with an index of its own, unless it fits so many calls that the list is better walked.
    """
    text = normalise_digits(text).strip()
    if not actor.may(PERSONAL):
        number = customers.by_number(session, text) if text else None
        return query.where(Call.customer_id == number.id if number is not None else sa.false())
    ways = [customers.whose(session, Call.customer_id, text, actor, newest=newest)]
    if text:
        ways += [Call.party == text, *_by_name(text), *([Call.phone == phone] if (phone := customers.read_phone(session, text)) else [])]
    if not newest and customers.is_frequent(session, text, actor):
        return query.where(sa.or_(*ways))
    return query.where(Call.id.in_(sa.union_all(*(sa.select(Call.id).where(way) for way in ways))))


def _by_name(text: str) -> list[sa.ColumnElement[bool]]:
    """Only calls with a name of their own are read: most are with customers, or with a number alone."""
    words = fold(text).split()
    return [sa.and_(Call.name_key.is_not(None), *(Call.name_key.contains(word, autoescape=True) for word in words))] if words else []


def of_customer(customer_id: int) -> sa.Select[Any]:
    return sa.select(Call).where(Call.customer_id == customer_id)


def waiting() -> sa.Select[Any]:
    """Call-backs that are promised and not done, by their hour (CALL-04)."""
    return sa.select(Callback).where(Callback.state == domain.OPEN).order_by(Callback.due_at, Callback.id)


def waiting_for(
    session: Session, actor: Actor, *, customer_id: int | None = None, phone: str | None = None, call_id: int | None = None,
) -> Sequence[Callback]:
    """What was promised to this customer, at this number or in this call, and is not done yet."""
    same = [Callback.customer_id == customer_id] if customer_id is not None else []
    same += [Callback.call_id == call_id] if call_id is not None else []
    same += [Callback.phone == phone] if phone else []
    return session.scalars(scope(waiting().where(sa.or_(*same)), Callback, actor).limit(5)).all() if same else []


def steps_of(session: Session, ids: Iterable[int]) -> dict[int, StepRun]:
    """The open step of each of these call-backs."""
    wanted = list(ids)
    query = sa.select(StepRun).where(StepRun.record_type == Callback.__tablename__, StepRun.record_id.in_(wanted), StepRun.ended_at.is_(None))
    return {run.record_id: run for run in session.scalars(query)} if wanted else {}


def customers_of(session: Session, ids: Iterable[int | None]) -> dict[int, Customer]:
    return {one.id: one for one in session.scalars(sa.select(Customer).where(Customer.id.in_({one for one in ids if one is not None})))}


def legs_of(session: Session, call: Call) -> Sequence[Leg]:
    return session.scalars(sa.select(Leg).where(Leg.call_id == call.id).order_by(Leg.started_at, Leg.id)).all()


def recordings_of(session: Session, call: Call) -> Sequence[Recording]:
    return session.scalars(sa.select(Recording).where(Recording.call_id == call.id).order_by(Recording.id)).all()


def tried(session: Session, callback: Callback) -> Sequence[Call]:
    """What was called since the promise, with the same person: also the tries that nobody answered."""
    same = [Call.customer_id == callback.customer_id] if callback.customer_id is not None else []
    query = sa.select(Call).where(Call.direction == domain.OUT, Call.started_at >= callback.promised_at, sa.or_(Call.phone == callback.phone, *same))
    until = [Call.started_at <= callback.settled_at] if callback.settled_at is not None else []
    return session.scalars(query.where(*until).order_by(Call.started_at.desc(), Call.id.desc()).limit(20)).all()


def house(session: Session) -> domain.House:
    """What is the association's own, as its settings say."""
    own = ",".join(str(settings.get(session, f"callcenter.{name}") or "") for name in ("own_numbers", "service_number"))
    return domain.House(int(settings.get(session, "callcenter.extension_digits") or 0), domain.whole_numbers(own))


def by_phone(session: Session, phones: Iterable[str]) -> dict[str, list[tuple[int, str]]]:
    """Customers by number: (id, subject) of each that has it as mobile or telephone, or had it before a merge."""
    wanted = list(phones)
    found: dict[str, list[tuple[int, str]]] = {}
    for start in range(0, len(wanted), 400):
        part = wanted[start:start + 400]
        for phone, customer_id, subject_id in customers.having_phones(session, part):
            if (customer_id, subject_id) not in found.setdefault(phone, []):
                found[phone].append((customer_id, subject_id))
    return found
