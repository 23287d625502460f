"""The reports of the log: what came in, what was closed and how fast, what repeats, and the week's summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.auth.actor import Actor
from core.calendar import add_months, day_bounds, period_of
from core.exporter.columns import Column
from core.i18n import lazy_gettext as _l
from core.organisation.models import Centre, Department
from core.reports.offers import PERIOD, Chart, Parameter, Report, ReportFigure, Series, days_of, moments_of
from plugins.complaints import domain, figures, queries
from plugins.complaints.figures import Case, Count

Months = tuple[list[Case], list[Case]]
ALL = "all"
PERMISSION = "complaints.read"
FIGURES = (
    Column("received", _l("Came in"), "integer"), Column("closed", _l("Closed"), "integer"), Column("open", _l("Still open"), "integer"),
    Column("late", _l("Late"), "integer"), Column("average_hours", _l("Average closing time (hours)"), "number"),
    Column("median_hours", _l("Median (hours)"), "number"), Column("closing_rate", _l("Closing rate %"), "number"),
)
MOST_WEEKS = 12
"""In one chart, the last ones."""
SUMMED = ("received", "closed", "open", "late")
MONTH = (Column("group", _l("Group")), *FIGURES, Column("rate_before", _l("Against the month before"), "number"))
RATE = _l("Closing rate = closed ÷ received in the period, with one decimal. Closed, open and late are as at the end of the period. Source: the log.")


def reports() -> list[Report]:
    """New objects at each call."""
    kind = Parameter("kind", _l("Kind"), "choice", default=domain.COMPLAINT, choices=((ALL, _l("All kinds")), *domain.kinds().items()))
    by = Parameter("by", _l("Grouped by"), "choice", default="place", choices=tuple((key, title) for key, (title, _of) in GROUPINGS.items()))
    department = Parameter("department", _l("Department"), "choice", choices=departments)
    others = (Column("inquiries", _l("Inquiries"), "integer"), Column("suggestions", _l("Suggestions"), "integer"))
    return [
        Report("complaints.monthly", _l("Monthly report of complaints"), PERMISSION, load=months, rows=monthly, about=RATE, kept=True, reach=queries.reach,
               figures=monthly_figures, chart=monthly_chart, sent_to=("subcouncil_secretary",), columns=(*MONTH, *others),
               parameters=(*PERIOD, kind, by, department), totals=(*SUMMED, "inquiries", "suggestions")),
        Report("complaints.performance", _l("Monthly performance report"), PERMISSION, load=months, rows=performance, about=RATE, every="month",
               role="crm_employee", reach=queries.reach, figures=of_all_kinds(monthly_figures), chart=of_all_kinds(monthly_chart),
               sent_to=("subcouncil_secretary",),
               columns=(*MONTH, *others), parameters=PERIOD, totals=(*SUMMED, "inquiries", "suggestions")),
        Report("complaints.weekly", _l("Weekly summary of the log"), queries.READ_ALL, rows=weekly, about=RATE, every="week", role="crm_manager",
               reach=queries.reach, sent_to=("centres_manager", "crm_manager", "quality_employee"),
               columns=(Column("department", _l("Department")), Column("kind", _l("Kind")), *FIGURES), parameters=PERIOD,
               totals=SUMMED),
        Report("complaints.repeated", _l("Repeated complaints"), PERMISSION, rows=repeated, every="month", role="quality_employee", parameters=PERIOD,
               reach=queries.reach, sent_to=("strategic_planning_manager",), totals=("count",),
               columns=(Column("cause", _l("Cause")), Column("place", _l("Department or centre")), Column("count", _l("Complaints"), "integer"),
                        Column("share", _l("Share of all %"), "number"), Column("before", _l("In the period before"), "integer")),
               about=_l("Complaints with the same cause at the same centre within the period; how many make a line is a setting.")),
        Report("complaints.suggestions", _l("Suggestions and problems handled"), PERMISSION, rows=handled, parameters=PERIOD, totals=("received", "handled"),
               columns=(Column("kind", _l("Kind")), Column("received", _l("Came in"), "integer"), Column("handled", _l("Handled"), "integer"),
                        Column("accepted", _l("Accepted"), "integer"), Column("declined", _l("Declined"), "integer")),
               about=_l("Handled: closed, or a suggestion that was accepted or declined.")),
    ]


# --- rows ------------------------------------------------------------------------------------------------------------


def month_before(session: Session, parameters: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """The same span a month earlier: of a whole month the whole month before (RPT-02)."""
    zone = settings.time_zone(session)
    first, last = days_of(session, parameters, now)
    whole = first.day == 1 and (last + timedelta(days=1)).day == 1
    end = first - timedelta(days=1) if whole else add_months(last, -1)
    return day_bounds(add_months(first, -1), zone)[0], day_bounds(end, zone)[1]


def months(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Months:
    """The cases of the period and of the month before it, of every kind, and of the chosen department only where one is chosen."""
    now, department = work.now(), parameters.get("department")

    def found(since: datetime, until: datetime) -> list[Case]:
        return [one for one in figures.cases(session, since, until, now, actor) if department in (None, "", str(one.department_id))]

    return found(*moments_of(session, parameters, now)), found(*month_before(session, parameters, now))


def monthly(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Months) -> Iterator[tuple[Any, ...]]:
    """One line a group: the chosen kind in figures, and the inquiries and suggestions in columns of their own (ACC-33)."""
    everything, month_ago = loaded
    key = GROUPINGS[parameters.get("by") or "place"][1]
    before = figures.grouped(_of_kind(month_ago, parameters), key)
    chosen, inquiries, suggestions = (figures.grouped(some, key) for some in (
        _of_kind(everything, parameters), (one for one in everything if one.kind == domain.INQUIRY),
        (one for one in everything if one.kind == domain.SUGGESTION)))
    name = names(session, parameters.get("by") or "place")
    for group in figures.grouped(everything, key):
        count = chosen.get(group, Count())
        earlier = before[group].rate if group in before else None
        yield (name(group), *_cells(count), figures.difference(count.rate, earlier), inquiries.get(group, Count()).received,
               suggestions.get(group, Count()).received)


def monthly_figures(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Months) -> list[ReportFigure]:
    """Received, closed, closing rate and speed beside the month before (RPT-02)."""
    found, earlier = (figures.counted(_of_kind(part, parameters)) for part in loaded)
    return [
        ReportFigure(_l("Came in"), found.received, _before(earlier.received)),
        ReportFigure(_l("Closed"), found.closed, _before(earlier.closed)),
        ReportFigure(_l("Closing rate"), f"{found.rate}%" if found.rate is not None else "–", _before(f"{earlier.rate}%" if earlier.rate is not None else "–")),
        ReportFigure(_l("Median closing time"), _hours(found.span.middle), _before(_hours(earlier.span.middle))),
    ]


def _before(value: Any) -> Any:
    return _l("in the month before %(value)s", value=value)


def _hours(minutes: int | None) -> Any:
    return "–" if minutes is None else _l("%(n)s hours", n=figures.hours(minutes))


def monthly_chart(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Months) -> Chart | None:
    """Received and closed week by week; a week is named by its first day within the period."""
    found = figures.grouped(_of_kind(loaded[0], parameters), lambda one: period_of("week", one.received_on)[0])
    if not found:
        return None
    first, last = parameters.get("from_on"), max(found)
    begun = period_of("week", first)[0] if first else min(found)
    days = [begun + timedelta(weeks=n) for n in range((last - begun).days // 7 + 1)][-MOST_WEEKS:]
    weeks = [found.get(day, figures.Count()) for day in days]
    return Chart(_l("Came in and closed, week by week"), [f"{max(day, first) if first else day:%d/%m}" for day in days],
                 (Series(_l("Closed"), [one.closed for one in weeks]), Series(_l("Came in"), [one.received for one in weeks])))


def departments(session: Session) -> list[tuple[str, Any]]:
    """The departments that entries are routed to."""
    routed = {line["department"] for line in domain.CATALOGUE["routing"]}
    return [(str(one.id), one.name) for one in session.scalars(sa.select(Department).order_by(Department.id)) if one.slug in routed]


def of_all_kinds(answer: Callable[..., Any]) -> Callable[..., Any]:
    """The same over complaints, inquiries and suggestions together."""
    return lambda session, parameters, actor, loaded: answer(session, {**parameters, "kind": ALL}, actor, loaded)


def performance(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Months) -> Iterator[tuple[Any, ...]]:
    """The month of all kinds by department and centre, of the records that this actor reads: an employee's own department (RPT-01)."""
    return monthly(session, {**parameters, "kind": ALL, "by": "place"}, actor, loaded)


def _of_kind(found: Sequence[Case], parameters: Mapping[str, Any]) -> list[Case]:
    kind = parameters.get("kind") or domain.COMPLAINT
    return [one for one in found if kind in (ALL, one.kind)]


def _cells(count: Count) -> tuple[Any, ...]:
    span = count.span
    return (count.received, count.closed, count.open, count.late, figures.hours(span.average), figures.hours(span.middle), count.rate)


def weekly(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    """The summary of the whole log by department and kind, made by who reads it all, for those who read a part too (CMPL-08)."""
    now = work.now()
    found = figures.cases(session, *moments_of(session, parameters, now), now, actor)
    department = names(session, "department")
    for (department_id, kind), count in figures.grouped(found, lambda one: (one.department_id, one.kind)).items():
        yield (department(department_id), domain.kinds()[kind], *_cells(count))


def repeated(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    """Causes that came again at one place, with their number in the period before (CMPL-12)."""
    now = work.now()
    found = figures.cases(session, *moments_of(session, parameters, now), now, actor, kinds=(domain.COMPLAINT,))
    before = figures.repeated(figures.cases(session, *month_before(session, parameters, now), now, actor, kinds=(domain.COMPLAINT,)), 1)
    earlier = {(one.cause_id, one.department_id, one.centre_id): one.count for one in before}
    cause, place = names(session, "cause"), names(session, "place")
    for one in figures.repeated(found, settings.get(session, "complaints.repeated_from")):
        yield (cause(one.cause_id), place((one.department_id, one.centre_id)), one.count, domain.closing_rate(one.count, len(found)),
               earlier.get((one.cause_id, one.department_id, one.centre_id), 0))


def handled(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    """How many suggestions and problems were dealt with (CMPL-26)."""
    now = work.now()
    found = figures.cases(session, *moments_of(session, parameters, now), now, actor)
    for kind, title in domain.kinds().items():
        own = [one for one in found if one.kind == kind]
        decided = [one.decision for one in own]
        yield (title, len(own), sum(one.closed or one.decision is not None for one in own), decided.count(domain.ACCEPTED), decided.count(domain.DECLINED))


# --- groups ----------------------------------------------------------------------------------------------------------

GROUPINGS: Mapping[str, tuple[Any, Callable[[Case], Any]]] = {
    "place": (_l("Department or centre"), lambda one: (one.department_id, one.centre_id)),
    "department": (_l("Department"), lambda one: one.department_id),
    "centre": (_l("Centre"), lambda one: one.centre_id),
    "channel": (_l("Channel"), lambda one: one.channel),
    "kind": (_l("Kind"), lambda one: one.kind),
    "cause": (_l("Cause"), lambda one: one.cause_id),
    "month": (_l("Month"), lambda one: one.received_on.replace(day=1)),
}


def names(session: Session, by: str) -> Callable[[Any], Any]:
    """What calls the groups of a grouping by their names."""
    departments = {one.id: one.name for one in session.scalars(sa.select(Department))}
    centres = {one.id: one.name for one in session.scalars(sa.select(Centre))}
    causes = {one.id: one.name for one in queries.causes(session, active=False)}
    known: Mapping[str, Callable[[Any], Any]] = {
        "place": lambda key: centres[key[1]] if key[1] is not None else departments[key[0]],
        "department": lambda key: departments[key],
        "centre": lambda key: centres.get(key, _l("Without a centre")),
        "channel": lambda key: domain.channels().get(key, key),
        "kind": lambda key: domain.kinds()[key],
        "cause": lambda key: causes.get(key, _l("Without a cause")),
        "month": lambda key: f"{key:%Y-%m}",
    }
    return known[by]


