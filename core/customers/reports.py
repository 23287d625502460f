"""The statistical report of customers: filters and a grouping, chosen on the page without programming (CUST-21)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.admin.printing import isolate, percent
from core.auth.actor import Actor
from core.calendar import MONTHS, add_months, day_bounds, local_day
from core.customers import domain, queries
from core.customers.models import Customer
from core.exporter.columns import Column
from core.i18n import language
from core.i18n import lazy_gettext as _l
from core.organisation.models import Centre, City, Department
from core.reports.offers import CENTRE, Chart, Parameter, Report, ReportFigure, Series

SHOWN_BARS = 12
COUNTED = "customers.statistics"
GROUPINGS = {"class": _l("Class"), "city": _l("City"), "centre": _l("Centre"), "department": _l("Department"), "month": _l("Month of entry")}
PLACES: Mapping[str, tuple[Any, Any, Any]] = {
    "city": (Customer.city_id, City, _l("Without a city")), "centre": (Customer.centre_id, Centre, _l("Without a centre")),
    "department": (Customer.department_id, Department, _l("Without a department")),
}
Group = tuple[Any, int]


def reports() -> list[Report]:
    """The one report; a new object at each call."""
    return [Report(
        "customers.statistics", _l("Customers in figures"), permission="customers.read", rows=by_group, figures=figures, chart=chart,
        totals=("customers",), total_row=True, parameters=(
            Parameter("by", _l("Grouped by"), "choice", default="class", choices=tuple(GROUPINGS.items()), required=True),
            Parameter("class", _l("Class"), "choice", choices=tuple(domain.classes().items())), Parameter("city", _l("City"), "choice", choices=_cities),
            CENTRE, Parameter("from_on", _l("Entered from"), "date"), Parameter("to_on", _l("Entered until"), "date"),
            Parameter("imported", _l("Imported"), "choice", choices=(("yes", _l("yes")), ("no", _l("no"))))),
        columns=(Column("group", _l("Group")), Column("customers", _l("Customers"), "integer")),
        about=_l("Counts the customers in the register whom you may read, by the day of their entry. Source: the register of customers."),
    )]


def _cities(session: Session) -> list[tuple[str, Any]]:
    """The cities in which there are customers."""
    lived_in = sa.select(Customer.city_id).where(Customer.city_id == City.id).exists()
    return [(str(one.id), one.title) for one in session.scalars(sa.select(City).where(lived_in).order_by(City.name_ar, City.id))]


def by_group(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Iterator[Group]:
    """Name and count of each group, the largest first; months in their order."""
    yield from _groups(session, parameters, actor)


def figures(session: Session, parameters: Mapping[str, Any], actor: Actor) -> list[ReportFigure]:
    """All that match, beside all whom the actor may read; and the largest group."""
    groups = _groups(session, parameters, actor)
    found = sum(count for _name, count in groups)
    narrowed = any(value is not None for key, value in parameters.items() if key != "by")
    readable = _counted(session, _readable(actor)) if narrowed else found
    cards = [ReportFigure(_l("Customers"), found, _l("of %(all)s whom you may read", all=f"{readable:,}"))]
    if found:
        name, count = max(groups, key=lambda one: one[1])
        share = isolate(percent(100 * count / found))
        cards.append(ReportFigure(_l("Largest group"), name, _l("%(count)s, that is %(share)s", count=f"{count:,}", share=share)))
    return cards


def chart(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Chart | None:
    """Bars of the largest groups, the rest in one; months as columns, the last ones where there are many."""
    groups = _groups(session, parameters, actor)
    if not groups:
        return None
    by_month = parameters["by"] == "month"
    shown = groups[-SHOWN_BARS:] if by_month else groups[:SHOWN_BARS]
    rest = 0 if by_month else sum(count for _name, count in groups[SHOWN_BARS:])
    shown = [*shown, (_l("all others"), rest)] if rest else shown
    title = _l("Customers by month of entry") if by_month else _l("Customers by group")
    return Chart(title, [name for name, _count in shown], [Series(_l("Customers"), [count for _name, count in shown])], "columns" if by_month else "bars")


# --- counting ----------------------------------------------------------------------------------------------------------


def _readable(actor: Actor) -> sa.Select[Any]:
    return queries.scope(sa.select(Customer.id), actor)


def _counted(session: Session, chosen: sa.Select[Any]) -> int:
    return session.scalar(chosen.with_only_columns(sa.func.count(Customer.id), maintain_column_froms=True)) or 0


def _chosen(session: Session, parameters: Mapping[str, Any], actor: Actor) -> sa.Select[Any]:
    """The customers whom this actor may read, narrowed by the filters."""
    zone, chosen = settings.time_zone(session), _readable(actor)
    filters = {"class": Customer.customer_class, "centre_id": Customer.centre_id}
    chosen = chosen.where(*(column == parameters[key] for key, column in filters.items() if parameters.get(key) is not None))
    if parameters.get("city"):
        chosen = chosen.where(Customer.city_id == int(parameters["city"]))
    if parameters.get("imported"):
        chosen = chosen.where(Customer.imported.is_(parameters["imported"] == "yes"))
    if parameters.get("from_on"):
        chosen = chosen.where(Customer.created_at >= day_bounds(parameters["from_on"], zone)[0])
    if parameters.get("to_on"):
        chosen = chosen.where(Customer.created_at < day_bounds(parameters["to_on"], zone)[1])
    return chosen


def _groups(session: Session, parameters: Mapping[str, Any], actor: Actor) -> list[Group]:
    """Counted once for rows, figures and chart of one run, which get the same ``parameters``: a million customers take seconds."""
    counted: tuple[Any, list[Group]] | None = session.info.get(COUNTED)
    if counted is None or counted[0] is not parameters:
        counted = session.info[COUNTED] = parameters, _count(session, parameters, actor)
    return counted[1]


def _count(session: Session, parameters: Mapping[str, Any], actor: Actor) -> list[Group]:
    chosen = _chosen(session, parameters, actor)
    if parameters["by"] == "month":
        return _by_month(session, chosen)
    if parameters["by"] == "class":
        return _ordered((domain.classes().get(code, code), count) for code, count in _by(session, chosen, Customer.customer_class))
    column, model, none = PLACES[parameters["by"]]
    names = {one.id: one.name for one in session.scalars(sa.select(model))}
    return _ordered((names.get(code, none), count) for code, count in _by(session, chosen, column))


def _by(session: Session, chosen: sa.Select[Any], column: Any) -> Iterable[tuple[Any, int]]:
    query = chosen.with_only_columns(column, sa.func.count(Customer.id), maintain_column_froms=True).group_by(column)
    return [(code, count) for code, count in session.execute(query)]


def _ordered(groups: Iterable[Group]) -> list[Group]:
    return sorted(groups, key=lambda one: (-one[1], str(one[0])))


def _by_month(session: Session, chosen: sa.Select[Any]) -> list[Group]:
    """One group a month between the first and the last entry, those without an entry too, by the association's clock."""
    zone = settings.time_zone(session)
    ends: Any = chosen.with_only_columns(sa.func.min(Customer.created_at), sa.func.max(Customer.created_at), maintain_column_froms=True)
    first, last = session.execute(ends).one()
    if first is None:
        return []
    months = _months(local_day(first, zone), local_day(last, zone))
    begun = [(Customer.created_at >= day_bounds(month, zone)[0], number) for number, month in reversed(list(enumerate(months)))]
    counts = dict(_by(session, chosen, sa.case(*begun, else_=0)))
    return [(f"{MONTHS[language()][month.month - 1]} {month.year}", counts.get(number, 0)) for number, month in enumerate(months)]


def _months(first: date, last: date) -> list[date]:
    found = [first.replace(day=1)]
    while add_months(found[-1], 1) <= last:
        found.append(add_months(found[-1], 1))
    return found
