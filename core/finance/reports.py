"""Statements as reports: pledged, received and outstanding per donor and per programme, and what is overdue (FIN-04, 07)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import settings, work
from core.auth.actor import Actor
from core.calendar import local_day
from core.customers import queries as customers
from core.customers.models import Customer
from core.exporter.columns import Column
from core.finance import queries
from core.finance.domain import Balance
from core.i18n import lazy_gettext as _l
from core.organisation.models import Programme
from core.reports.offers import Parameter, Part, Report, ReportFigure

MONEY = (
    Column("currency", _l("Currency")),
    Column("pledged", _l("Pledged"), "money", "currency"),
    Column("received", _l("Received"), "money", "currency"),
    Column("outstanding", _l("Outstanding"), "money", "currency"),
    Column("overdue", _l("Of it late"), "money", "currency"),
)
TOTALS = ("pledged", "received", "outstanding", "overdue")
ABOUT = _l("Outstanding is what of each pledge is still to come; two currencies are never added.")


def reports() -> list[Report]:
    """The two statements and the overdue pledges; new objects at each call."""
    return [
        Report("finance.donors", _l("Statement per donor"), permission="finance.read", totals=TOTALS, about=ABOUT, rows=by_donor,
               columns=(Column("customer_number", _l("Customer number")), Column("name", _l("Name")), *MONEY), part=some_donors,
               parameters=(Parameter("programme", _l("Programme"), "choice", choices=_programmes), Parameter("customer", _l("Customer number or name")))),
        Report("finance.programmes", _l("Statement per programme"), permission="finance.read", totals=TOTALS, about=ABOUT, rows=by_programme,
               columns=(Column("programme", _l("Programme")), *MONEY), parameters=()),
        Report("finance.overdue", _l("Overdue pledges"), permission="finance.read", totals=("pledged", "outstanding"), rows=overdue, figures=overdue_figures,
               about=_l("Pledges whose promised day has passed without all of the money, the longest overdue first; two currencies are never added."),
               columns=(Column("customer_number", _l("Customer number")), Column("name", _l("Name")), Column("programme", _l("Programme")),
                        Column("reference", _l("Reference")), Column("promised_on", _l("Promised on"), "date"), Column("due_on", _l("Due"), "date"),
                        Column("days_overdue", _l("Days overdue"), "integer"), Column("currency", _l("Currency")),
                        Column("pledged", _l("Pledged"), "money", "currency"), Column("outstanding", _l("Outstanding"), "money", "currency")),
               parameters=(Parameter("programme", _l("Programme"), "choice", choices=_programmes),)),
    ]


def _programmes(session: Session) -> list[tuple[str, Any]]:
    return [(str(one.id), one.name) for one in session.scalars(select(Programme).order_by(Programme.name_ar, Programme.id))]


def by_donor(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    today = _today(session)
    searched = customers.read_input(session, parameters.get("customer") or "", actor)
    only = customers.matching(select(Customer.id), searched, customers.dialect_of(session)) if parameters.get("customer") else None
    for number, name, one in queries.balances_by_customer(session, actor, today, _programme(parameters), only):
        yield (number, name, *_money(one))


def some_donors(session: Session, parameters: Mapping[str, Any], actor: Actor, start: int, limit: int) -> Part | None:
    """Rows of the first statement where more donors than a list counts have given; its sums come from the roll-up."""
    if parameters.get("customer") or customers.scope_of(actor) != "all":
        return None
    today = _today(session)
    programme = _programme(parameters)
    wanted = max(customers.COUNTED, start + limit)
    first = queries.first_donors(session, wanted + 1, programme)
    if len(first) <= wanted:
        return None
    found = queries.balances_by_customer(session, actor, today, programme, up_to=first[start + limit - 1])
    sums = queries.programme_balances(session, programme, today, actor) if programme else [
        one for _programme, one in queries.balances_by_programme(session, actor, today)]
    return Part([(number, name, *_money(one)) for number, name, one in found[start:start + limit]], wanted, [(None, None, *_money(one)) for one in sums])


def by_programme(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    today = _today(session)
    for programme, one in queries.balances_by_programme(session, actor, today):
        yield (programme.name if programme else _l("Without a programme"), *_money(one))


def overdue(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    """One line a pledge, with the days since its promised day (FIN-07)."""
    today = _today(session)
    for pledge, minor in _overdue(session, parameters, actor):
        yield (pledge.customer.number, pledge.customer.name, pledge.programme.name if pledge.programme is not None else _l("Without a programme"),
               pledge.reference, pledge.promised_on, pledge.due_on, (today - pledge.due_on).days, pledge.currency, pledge.amount_minor, minor)


def overdue_figures(session: Session, parameters: Mapping[str, Any], actor: Actor) -> list[ReportFigure]:
    found = _overdue(session, parameters, actor)
    today = _today(session)
    longest = max(((today - pledge.due_on).days for pledge, _minor in found), default=0)
    return [ReportFigure(_l("Overdue pledges"), len(found), tone="bad" if found else ""), ReportFigure(_l("Longest overdue, in days"), longest)]


def _overdue(session: Session, parameters: Mapping[str, Any], actor: Actor) -> list[tuple[Any, int]]:
    return queries.overdue_pledges(session, actor, _today(session), _programme(parameters))


def _today(session: Session) -> date:
    return local_day(work.now(), settings.time_zone(session))


def _programme(parameters: Mapping[str, Any]) -> int | None:
    return int(parameters["programme"]) if parameters.get("programme") else None


def _money(one: Balance) -> tuple[Any, ...]:
    return (one.currency, one.pledged_minor, one.received_minor, one.outstanding_minor, one.overdue_minor)
