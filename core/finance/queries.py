"""Selects over money: whose one may read, statements, what is open, what is in which batch. They never write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from core.auth.actor import Actor
from core.customers import queries as customers
from core.customers.models import Customer, CustomerAlias
from core.finance.domain import Balance
from core.finance.models import (
    RECEIVED,
    RECEIVED_OF_PLEDGES,
    Contribution,
    FinanceBatch,
    FinanceBatchRow,
    FinanceMovement,
    FinanceReExport,
    Fund,
    Pledge,
)
from core.money import Money
from core.organisation.models import Programme
from core.rollups import Where, totals

MoneyModel = type[Contribution] | type[Pledge]
SHOWN = 50
"""Newest movements on a statement; the lists have all."""


# --- whose money one may read (CUST-37) -------------------------------------------------------------------------------


def scope(statement: sa.Select[Any], model: MoneyModel, actor: Actor) -> sa.Select[Any]:
    """Only the money of customers whom this person may read."""
    if customers.scope_of(actor) == "all":
        return statement
    return statement.where(model.customer_id.in_(customers.scope(sa.select(Customer.id), actor)))


def readable(session: Session, model: Any, reference: str, actor: Actor) -> Any:
    """The contribution or pledge with this reference, if this person may read it."""
    return session.scalar(scope(sa.select(model).where(model.reference == reference), model, actor))


# --- statements (FIN-04) ----------------------------------------------------------------------------------------------


def customer_balances(session: Session, customer_id: int, today: date) -> list[Balance]:
    """Pledged, received and outstanding of a donor, by currency."""
    return _balances(session, lambda c: c.customer_id == customer_id, Pledge.customer_id == customer_id, today, raw=True)


def programme_balances(session: Session, programme_id: int, today: date, actor: Actor) -> list[Balance]:
    """The same of a programme, over the customers whom this person may read (CUST-37)."""
    if customers.scope_of(actor) == "all":
        return _balances(session, lambda c: c.programme_id == programme_id, Pledge.programme_id == programme_id, today)
    readable = customers.scope(sa.select(Customer.id), actor)
    return _balances(session, lambda c: sa.and_(c.programme_id == programme_id, c.customer_id.in_(readable)),
                     (Pledge.programme_id == programme_id) & Pledge.customer_id.in_(readable), today, raw=True)


def _balances(session: Session, given: Where, promised: sa.ColumnElement[bool], today: date, *, raw: bool = False) -> list[Balance]:
    found: dict[str, Balance] = {}
    for currency, count, minor in session.execute(totals(RECEIVED, by=("currency",), where=given, raw=raw)):
        one = found.setdefault(currency, Balance(currency))
        one.received_minor, one.count = int(minor), int(count)
    for currency, pledged, outstanding, overdue in session.execute(_open_sums(promised, today)):
        one = found.setdefault(currency, Balance(currency))
        one.pledged_minor, one.outstanding_minor, one.overdue_minor = int(pledged), int(outstanding or 0), int(overdue or 0)
    return [found[currency] for currency in sorted(found)]


def _open_sums(promised: sa.ColumnElement[bool], today: date) -> sa.Select[*tuple[Any, ...]]:
    """Per currency: pledged, what of each pledge is still to come, and the part of it whose day has passed."""
    open_minor = _open_minor()
    return (
        sa.select(Pledge.currency, sa.func.sum(Pledge.amount_minor), sa.func.sum(open_minor),
                  sa.func.sum(sa.case((Pledge.due_on < today, open_minor), else_=0)))
        .where(promised, Pledge.cancelled_at.is_(None)).group_by(Pledge.currency)
    )


def _open_minor() -> sa.ColumnElement[int]:
    """What is still to come of a pledge, asked for each by itself."""
    c = RECEIVED_OF_PLEDGES.table.c
    return _left_of(sa.select(sa.func.coalesce(sa.func.sum(c.amount_minor), 0)).where(c.pledge_id == Pledge.id).correlate(Pledge).scalar_subquery())


def _left_of(received: Any) -> sa.ColumnElement[int]:
    """More than was promised does not make another pledge smaller."""
    return sa.case((Pledge.amount_minor > received, Pledge.amount_minor - received), else_=0)


def balances_by_customer(
    session: Session, actor: Actor, today: date, programme_id: int | None = None, only: sa.Select[Any] | None = None, up_to: int | None = None,
) -> list[tuple[str, str, Balance]]:
    """(customer number, name, balance) of every donor with money, in order of numbers; for the statement report.

    ``only`` selects the ids of the customers wanted; ``up_to`` is the last id of them.
    """
    chosen = [] if only is None else [lambda c: c.customer_id.in_(only)]
    chosen += [lambda c: c.programme_id == programme_id] if programme_id is not None else []
    chosen += [lambda c: c.customer_id <= up_to] if up_to is not None else []
    given, promised = _grouped(actor, today, "customer_id", *chosen)
    found = _merged(session, given, promised)
    names = session.execute(sa.select(Customer.id, Customer.number, Customer.name).order_by(Customer.id)
                            .where(Customer.id.in_(sa.union(_ids(given), _ids(promised)))))
    return [(row.number, row.name, one) for row in names for one in found.get(row.id, ())]


def first_donors(session: Session, count: int, programme_id: int | None = None) -> Sequence[int]:
    """The ids of the first donors with money, at most ``count``, in the order of the statement; whoever may read them."""
    conditions: dict[MoneyModel, list[Any]] = {Contribution: [], Pledge: [Pledge.cancelled_at.is_(None)]}
    firsts = []
    for model, own in conditions.items():
        own += [model.programme_id == programme_id] if programme_id is not None else []
        found = sa.select(model.customer_id).where(*own).distinct().order_by(model.customer_id).limit(count).subquery()
        firsts.append(sa.select(found.c.customer_id))
    both = sa.union(*firsts).subquery()
    return session.scalars(sa.select(both.c.customer_id).order_by(both.c.customer_id).limit(count)).all()


def balances_by_programme(session: Session, actor: Actor, today: date) -> list[tuple[Programme | None, Balance]]:
    """(programme, balance); None stands for money without a programme."""
    given, promised = _grouped(actor, today, "programme_id")
    found = _merged(session, given, promised)
    programmes = {one.id: one for one in session.scalars(sa.select(Programme))}
    return [(programmes.get(key), one) for key in sorted(found, key=lambda key: key or 0) for one in found[key]]


def _grouped(actor: Actor, today: date, by: str, *chosen: Where) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """By ``by`` and currency: what was given, and what was promised. The roll-up knows no donors, so their rows, and those of one's own, are read."""
    everybody = customers.scope_of(actor) == "all"
    conditions = [*chosen] if everybody else [*chosen, lambda c: c.customer_id.in_(customers.scope(sa.select(Customer.id), actor))]
    given = totals(RECEIVED, by=(by, "currency"), where=lambda c: sa.and_(sa.true(), *(one(c) for one in conditions)),
                   raw=by not in RECEIVED.by or not everybody)
    received = totals(RECEIVED_OF_PLEDGES, by=("pledge_id",)).subquery("received")
    key, open_minor = Pledge.__table__.c[by], _left_of(sa.func.coalesce(received.c.amount_minor, 0))
    promised = (sa.select(key, Pledge.currency, sa.func.sum(Pledge.amount_minor), sa.func.sum(open_minor),
                          sa.func.sum(sa.case((Pledge.due_on < today, open_minor), else_=0)))
                .outerjoin(received, received.c.pledge_id == Pledge.id)
                .where(Pledge.cancelled_at.is_(None), *(one(Pledge.__table__.c) for one in conditions)).group_by(key, Pledge.currency))
    return given, promised


def _ids(grouped: sa.Select[Any]) -> sa.Select[Any]:
    return sa.select(grouped.subquery().c[0])


def _merged(session: Session, given: sa.Select[Any], promised: sa.Select[Any]) -> dict[Any, list[Balance]]:
    found: dict[tuple[Any, str], Balance] = {}
    for key, currency, count, minor in session.execute(given):
        one = found.setdefault((key, currency), Balance(currency))
        one.received_minor, one.count = int(minor), int(count)
    for key, currency, pledged, outstanding, overdue in session.execute(promised):
        one = found.setdefault((key, currency), Balance(currency))
        one.pledged_minor, one.outstanding_minor, one.overdue_minor = int(pledged), int(outstanding or 0), int(overdue or 0)
    grouped: dict[Any, list[Balance]] = {}
    for key, currency in sorted(found, key=lambda pair: (pair[0] or 0, pair[1])):
        grouped.setdefault(key, []).append(found[key, currency])
    return grouped


def movements_of_customer(session: Session, customer_id: int, limit: int = SHOWN) -> tuple[list[Pledge], list[Contribution]]:
    """The pledges and contributions of a donor, newest first."""
    return _newest(session, Pledge, Pledge.customer_id == customer_id, limit), _newest(session, Contribution, Contribution.customer_id == customer_id, limit)


def movements_of_programme(session: Session, programme_id: int, limit: int = SHOWN) -> tuple[list[Pledge], list[Contribution]]:
    """The same of a programme."""
    return (_newest(session, Pledge, Pledge.programme_id == programme_id, limit),
            _newest(session, Contribution, Contribution.programme_id == programme_id, limit))


def _newest(session: Session, model: Any, condition: sa.ColumnElement[bool], limit: int) -> list[Any]:
    day = model.promised_on if model is Pledge else model.received_on
    statement = sa.select(model).where(condition).options(joinedload(model.programme), joinedload(model.fund))
    return list(session.scalars(statement.order_by(day.desc(), model.id.desc()).limit(limit)))


def overdue_pledges(session: Session, actor: Actor, today: date, programme_id: int | None = None) -> list[tuple[Pledge, int]]:
    """Pledges past their promised day without all of the money, with what is still to come in minor units; the longest overdue first (FIN-07)."""
    left = _open_minor()
    query: Any = sa.select(Pledge, left).where(Pledge.cancelled_at.is_(None), Pledge.due_on < today, left > 0)
    query = scope(query, Pledge, actor)
    if programme_id is not None:
        query = query.where(Pledge.programme_id == programme_id)
    query = query.options(joinedload(Pledge.customer), joinedload(Pledge.programme)).order_by(Pledge.due_on, Pledge.id)
    return [(pledge, int(minor)) for pledge, minor in session.execute(query)]


def open_of_pledges(session: Session, pledges: Sequence[Pledge]) -> dict[int, Money]:
    """What is still to come of each pledge; nothing of a cancelled one."""
    rows = session.execute(sa.select(Pledge.id, Pledge.currency, _open_minor()).where(Pledge.id.in_([one.id for one in pledges])))
    cancelled = {one.id for one in pledges if one.cancelled_at is not None}
    return {key: Money.of_minor(0 if key in cancelled else int(minor), currency) for key, currency, minor in rows}


def open_pledges(session: Session, customer_ids: Iterable[int]) -> dict[tuple[int, int | None, str], list[int]]:
    """Ids of open pledges by donor, programme and currency, the oldest first."""
    statement = (
        sa.select(Pledge.id, Pledge.customer_id, Pledge.programme_id, Pledge.currency)
        .where(Pledge.customer_id.in_(list(customer_ids)), Pledge.cancelled_at.is_(None), _open_minor() > 0)
        .order_by(Pledge.promised_on, Pledge.id)
    )
    found: dict[tuple[int, int | None, str], list[int]] = {}
    for pledge_id, customer_id, programme_id, currency in session.execute(statement):
        found.setdefault((customer_id, programme_id, currency), []).append(pledge_id)
    return found


# --- single facts -----------------------------------------------------------------------------------------------------


def refunds_of(session: Session, contribution: Contribution) -> list[Contribution]:
    return list(session.scalars(sa.select(Contribution).where(Contribution.refund_of_id == contribution.id).order_by(Contribution.id)))


def left_to_refund(session: Session, contribution: Contribution) -> Money:
    """What of a contribution was not given back yet."""
    back = session.scalar(sa.select(sa.func.coalesce(sa.func.sum(Contribution.amount_minor), 0)).where(Contribution.refund_of_id == contribution.id))
    return Money.of_minor(contribution.amount_minor + int(back or 0), contribution.currency)


def live_batch_of(session: Session, contribution: Contribution) -> FinanceBatch | None:
    """The batch that holds this contribution, if one that is not void does."""
    statement = sa.select(FinanceBatch).join(FinanceBatchRow, FinanceBatchRow.batch_id == FinanceBatch.id)
    return session.scalar(statement.where(FinanceBatchRow.contribution_id == contribution.id, FinanceBatchRow.live))


def is_touched(session: Session, contribution: Contribution) -> bool:
    """Whether anything rests on a contribution: a batch (a void one too), a refund, a movement of the finance system."""
    asked = (
        sa.select(FinanceBatchRow.id).where(FinanceBatchRow.contribution_id == contribution.id),
        sa.select(Contribution.id).where(Contribution.refund_of_id == contribution.id),
        sa.select(FinanceMovement.id).where(FinanceMovement.contribution_id == contribution.id),
    )
    return any(session.scalar(one.limit(1)) is not None for one in asked)


def taken_references(session: Session, model: MoneyModel, references: Sequence[str]) -> set[str]:
    return set(session.scalars(sa.select(model.reference).where(model.reference.in_(references)))) if references else set()


def fund_by_code(session: Session, code: str) -> Fund | None:
    return session.scalar(sa.select(Fund).where(Fund.code == code))


def funds(session: Session, *, keep: int | None = None) -> list[Fund]:
    """Funds in use, and the one that a record already has."""
    return list(session.scalars(sa.select(Fund).where(sa.or_(Fund.active, Fund.id == keep)).order_by(Fund.id)))


def all_funds(session: Session) -> list[Fund]:
    return list(session.scalars(sa.select(Fund).order_by(Fund.id)))


def is_reference(session: Session, text: str) -> tuple[bool, bool, bool]:
    """Whether a contribution, a pledge, a batch is called so: one statement for what is mostly neither."""
    given, promised = (sa.exists().where(model.reference == text) for model in (Contribution, Pledge))
    batched = sa.exists().where(FinanceBatch.number == text.upper())
    found = session.execute(sa.select(given, promised, batched)).one()
    return bool(found[0]), bool(found[1]), bool(found[2])


def batch_by_number(session: Session, number: str) -> FinanceBatch | None:
    return session.scalar(sa.select(FinanceBatch).where(FinanceBatch.number == number))


def batches(session: Session, limit: int = 100) -> list[FinanceBatch]:
    return list(session.scalars(sa.select(FinanceBatch).order_by(FinanceBatch.id.desc()).limit(limit)))


def rows_of(session: Session, batch: FinanceBatch, *, after: int = 0, limit: int | None = None) -> list[FinanceBatchRow]:
    """The frozen rows of a batch in the order of its file, from position ``after`` + 1."""
    statement = sa.select(FinanceBatchRow).where(FinanceBatchRow.batch_id == batch.id, FinanceBatchRow.position > after)
    return list(session.scalars(statement.order_by(FinanceBatchRow.position).limit(limit)))


def re_exports_of(session: Session, batch: FinanceBatch) -> list[FinanceReExport]:
    return list(session.scalars(sa.select(FinanceReExport).where(FinanceReExport.batch_id == batch.id).order_by(FinanceReExport.id)))


def names_of(session: Session, numbers: Iterable[str]) -> dict[str, str]:
    """Names by customer number, for a page that shows a batch; files never hold them. A merged number has the survivor's."""
    wanted = list(numbers)
    merged = sa.select(CustomerAlias.number, Customer.name).join(Customer, Customer.id == CustomerAlias.customer_id).where(CustomerAlias.number.in_(wanted))
    own = sa.select(Customer.number, Customer.name).where(Customer.number.in_(wanted))
    return {row.number: row.name for query in (merged, own) for row in session.execute(query)}


def movements(session: Session, states: Sequence[str], limit: int = 200) -> list[FinanceMovement]:
    statement = sa.select(FinanceMovement).where(FinanceMovement.state.in_(states)).order_by(FinanceMovement.id.desc()).limit(limit)
    return list(session.scalars(statement))


def movement_counts(session: Session) -> dict[str, int]:
    return {state: int(count) for state, count in session.execute(sa.select(FinanceMovement.state, sa.func.count()).group_by(FinanceMovement.state))}
