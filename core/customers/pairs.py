"""Pairs of the register that look alike: the list of them, and the word of somebody that two are two (CUST-20)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from core import work
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.customers import queries, similar
from core.customers.models import Customer, CustomerDistinct, CustomerDuplicate
from core.customers.queries import PERSONAL
from core.customers.services import FILL
from core.database import section
from core.errors import InvalidInput, NotFound
from core.i18n import lazy_gettext as _l
from core.jobs.services import progress
from core.text import check_plain

FIND = "customers.duplicates"
OPEN_TO_ALL = tuple(dict.fromkeys(rule.code for rule in similar.RULES if not rule.personal))


# --- the list --------------------------------------------------------------------------------------------------------


def alike(session: Session, actor: Actor, *, reason: str | None = None, crowds: bool = False, after: int = 0, limit: int = 50) -> list[CustomerDuplicate]:
    """Pairs (or crowds) that this person may read, the likeliest first, behind the row ``after``.

    Who may not see contact data is shown only what rests on names: a pair would tell whose telephone it is.
    """
    query = select(CustomerDuplicate).options(joinedload(CustomerDuplicate.one), joinedload(CustomerDuplicate.other)).where(
        CustomerDuplicate.size.is_not(None) if crowds else CustomerDuplicate.size.is_(None), CustomerDuplicate.id > after)
    if not actor.may(PERSONAL):
        query = query.where(or_(*(CustomerDuplicate.reasons.like(f"%|{code}|%") for code in OPEN_TO_ALL)))
    if reason is not None:
        query = query.where(CustomerDuplicate.reasons.like(f"%|{reason}|%"))
    return list(session.scalars(_readable(query, CustomerDuplicate, actor).order_by(CustomerDuplicate.id).limit(limit)))


def told_apart(session: Session, actor: Actor, *, before: int | None = None, limit: int = 50) -> list[CustomerDistinct]:
    """The decisions that two customers are two, newest first."""
    query = select(CustomerDistinct).order_by(CustomerDistinct.id.desc()).limit(limit)
    if before is not None:
        query = query.where(CustomerDistinct.id < before)
    return list(session.scalars(_readable(query, CustomerDistinct, actor)))


def _readable(query: sa.Select[Any], model: type[CustomerDuplicate | CustomerDistinct], actor: Actor) -> sa.Select[Any]:
    if queries.scope_of(actor) == "all":
        return query
    for column in (model.one_id, model.other_id):
        within = queries.scope(select(Customer.id).where(Customer.id == column), actor).correlate(model).exists()
        query = query.where(or_(column.is_(None), within))
    return query


def reasons_for(actor: Actor, one: CustomerDuplicate) -> list[str]:
    """Why two look alike, as far as this person may know."""
    return [code for code in similar.reasons_of(one.reasons) if actor.may(PERSONAL) or code in OPEN_TO_ALL]


def found_at(session: Session) -> tuple[datetime | None, bool]:
    """When the register was searched last with a result, and whether the search stopped before its end."""
    row = session.execute(select(func.max(CustomerDuplicate.found_at), func.count(CustomerDuplicate.other_id))).one()
    return row[0], row[1] >= similar.MOST_PAIRS


# --- two that are two ------------------------------------------------------------------------------------------------


def tell_apart(session: Session, one: Customer, other: Customer, *, reason: str, actor: Actor, now: datetime) -> CustomerDistinct:
    """Say that two who look alike are two: they are not shown as a pair again. Said twice it is said once."""
    authorize(session, actor, FILL, rule="CUST-20")
    first, second = _ordered(session, one, other, actor)
    known = session.scalar(select(CustomerDistinct).where(CustomerDistinct.one_id == first.id, CustomerDistinct.other_id == second.id))
    if known is not None:
        return known
    reason = check_plain(reason or "", field="reason").strip()
    if not 3 <= len(reason) <= 500:
        raise InvalidInput(_l("Write in 3 to 500 characters how you know that they are two."), field="reason", value=reason, rule="CUST-20")
    made = CustomerDistinct(one_id=first.id, other_id=second.id, subject_id=first.subject_id, reason=reason, decided_by=actor.user_id, decided_at=now)
    session.add(made)
    audit.name_action(session, made, "tell_apart")
    session.flush()
    table: Any = CustomerDuplicate.__table__
    with section("customer duplicates"):
        session.execute(sa.delete(table).where(table.c.one_id == first.id, table.c.other_id == second.id))
    return made


def doubt_again(session: Session, decision: CustomerDistinct, *, actor: Actor) -> None:
    """Take the word back: the next search may show the two again."""
    authorize(session, actor, FILL, rule="CUST-20")
    _ordered(session, session.get_one(Customer, decision.one_id), session.get_one(Customer, decision.other_id), actor)
    session.delete(decision)
    session.flush()


def _ordered(session: Session, one: Customer, other: Customer, actor: Actor) -> Sequence[Customer]:
    if one.id == other.id:
        raise InvalidInput(_l("Both numbers are of one customer. Choose two different ones."), field="other", value=other.number, rule="CUST-20")
    for customer in (one, other):
        if not queries.may_read(session, customer.id, actor):
            raise NotFound(_l("There is no such customer, or it is not among the records you may read."), rule="CUST-37")
    return sorted((one, other), key=lambda customer: customer.id)


# --- every night -----------------------------------------------------------------------------------------------------


def search_register(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """Look through the whole register in a read transaction, then write what was found in a short one."""
    looked = similar.look(session)
    with work.unit_of_work(session) as own:
        similar.write(own, looked, now)
        progress(own, len(looked.pairs), len(looked.pairs))
