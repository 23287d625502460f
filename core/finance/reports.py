"""Statements as reports: pledged, received and outstanding per donor and per programme (FIN-04)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from core.reports.offers import Parameter, Report

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
    """The two statements; new objects at each call."""
    return [
        Report("finance.donors", _l("Statement per donor"), permission="finance.read", totals=TOTALS, about=ABOUT, rows=by_donor,
               columns=(Column("customer_number", _l("Customer number")), Column("name", _l("Name")), *MONEY),
               parameters=(Parameter("programme", _l("Programme"), "choice", choices=_programmes), Parameter("customer", _l("Customer number or name")))),
        Report("finance.programmes", _l("Statement per programme"), permission="finance.read", totals=TOTALS, about=ABOUT, rows=by_programme,
               columns=(Column("programme", _l("Programme")), *MONEY), parameters=()),
    ]


def _programmes(session: Session) -> list[tuple[str, Any]]:
    return [(str(one.id), one.name) for one in session.scalars(select(Programme).order_by(Programme.name_ar, Programme.id))]


def by_donor(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    today = local_day(work.now(), settings.time_zone(session))
    programme = parameters.get("programme")
    searched = customers.read_input(session, parameters.get("customer") or "", actor)
    only = customers.matching(select(Customer.id), searched, customers.dialect_of(session)) if parameters.get("customer") else None
    for number, name, one in queries.balances_by_customer(session, actor, today, int(programme) if programme else None, only):
        yield (number, name, *_money(one))


def by_programme(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    today = local_day(work.now(), settings.time_zone(session))
    for programme, one in queries.balances_by_programme(session, actor, today):
        yield (programme.name if programme else _l("Without a programme"), *_money(one))


def _money(one: Balance) -> tuple[Any, ...]:
    return (one.currency, one.pledged_minor, one.received_minor, one.outstanding_minor, one.overdue_minor)
