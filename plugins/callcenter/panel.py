"""The panel of the call centre: calls and complaints by month and year, and how long calls are handled (CALL-02, 03, 05).

A period with a total (before calls were recorded here) is that total; any other is counted. Calls between own extensions are
left out. Complaints are told by whoever keeps a log; what counts as closed are complaints, not calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import figures, settings
from core.auth.actor import Actor
from core.calendar import local_day
from plugins.callcenter import domain, queries, totals
from plugins.callcenter.importers import FIRST_YEAR, period_bounds
from plugins.callcenter.models import Call, Total

MONTHS = range(1, 13)


@dataclass(frozen=True)
class Line:
    """One month (1…12) or year (month 0) of the panel. Complaints are None where nobody tells them."""

    year: int
    month: int
    outgoing: int
    incoming: int
    received: int | None = None
    closed: int | None = None
    former: bool = False
    """Whether it is a total of the time before, not counted call by call."""

    @property
    def calls(self) -> int:
        return self.outgoing + self.incoming

    @property
    def rate(self) -> Decimal | None:
        return None if self.received is None or self.closed is None else domain.closing_rate(self.closed, self.received)


def of_year(session: Session, year: int, actor: Actor, now: datetime) -> list[Line]:
    """The twelve months of a year, as far as they have begun; a year of which only the whole is known has none."""
    before = totals.of_years(session)
    if (year, 0) in before:
        return []
    today = local_day(now, settings.time_zone(session))
    months = [month for month in MONTHS if (year, month) <= (today.year, today.month)]
    counted = _counted(session, [(year, month) for month in months])
    told = _told(session, [(year, month) for month in months], actor, now)
    return [_line(year, month, before.get((year, month)), counted, told) for month in months]


def of_years(session: Session, actor: Actor, now: datetime) -> list[Line]:
    """Every year from the first that is known to this one."""
    before = totals.of_years(session)
    first = session.scalar(sa.select(sa.func.min(Call.started_at)).where(queries.outside()))
    zone = settings.time_zone(session)
    this = local_day(now, zone).year
    years = range(min([this, *(year for year, _month in before), *([local_day(first, zone).year] if first else [])]), this + 1)
    return [_year(session, year, before, actor, now) for year in years]


def _year(session: Session, year: int, before: Mapping[tuple[int, int], Total], actor: Actor, now: datetime) -> Line:
    whole = before.get((year, 0))
    if whole is not None:
        return _former(whole)
    return summed(of_year(session, year, actor, now), year)


def summed(months: Sequence[Line], year: int) -> Line:
    """The year of these months; complaints are those of the months of which they are told."""
    told = [one for one in months if one.received is not None]
    return Line(year, 0, sum(one.outgoing for one in months), sum(one.incoming for one in months), sum(one.received or 0 for one in told) if told else None,
                sum(one.closed or 0 for one in told) if told else None, any(one.former for one in months))


def _former(one: Total) -> Line:
    return Line(one.year, one.month, one.outgoing, one.incoming, one.complaints_received, one.complaints_closed, True)


def _line(year: int, month: int, before: Total | None, counted: Mapping[Any, Mapping[str, int]], told: Mapping[Any, Mapping[str, int]]) -> Line:
    if before is not None:
        return _former(before)
    ways, complaints = counted.get((year, month), {}), told.get((year, month), {})
    return Line(year, month, ways.get(domain.OUT, 0), ways.get(domain.IN, 0), complaints.get("received"), complaints.get("closed"))


def _counted(session: Session, periods: Sequence[tuple[int, int]]) -> dict[tuple[int, int], dict[str, int]]:
    """Calls by direction in each period, with one statement."""
    if not periods:
        return {}
    bounds = [period_bounds(session, *one) for one in periods]
    which = sa.case(*((queries.within(*one), place) for place, one in enumerate(bounds)), else_=-1).label("place")
    query = (sa.select(which, Call.direction, sa.func.count()).where(queries.outside(), queries.within(bounds[0][0], bounds[-1][1]))
             .group_by(which, Call.direction))
    found: dict[tuple[int, int], dict[str, int]] = {}
    for place, way, count in session.execute(query):
        found.setdefault(periods[place], {})[way] = count
    return found


def _told(session: Session, periods: Sequence[tuple[int, int]], actor: Actor, now: datetime) -> dict[tuple[int, int], Mapping[str, int]]:
    told = figures.ask(session, figures.COMPLAINTS, [period_bounds(session, *one) for one in periods], actor=actor, now=now)
    return dict(zip(periods, told, strict=True)) if told is not None else {}


# --- handling time (CALL-05) -------------------------------------------------------------------------------------------


@dataclass
class Handling:
    """Answered calls of a group, and their seconds."""

    answered: int = 0
    unanswered: int = 0
    seconds: int = 0

    def add(self, answered: bool, seconds: int) -> None:
        self.answered += answered
        self.unanswered += not answered
        self.seconds += seconds if answered else 0

    @property
    def average(self) -> int | None:
        return domain.average_seconds(self.seconds, self.answered)


def handling(session: Session, since: datetime, until: datetime, by: str) -> dict[Any, Handling]:
    """Handling of calls with somebody outside from ``since`` up to ``until``, by agent, day or subject; the groups in order."""
    zone = settings.time_zone(session)
    query = (sa.select(Call.started_at, Call.agent_id, Call.extension, Call.subject, Call.answered, Call.talk_seconds)
             .where(queries.outside(), queries.within(since, until)).order_by(Call.started_at, Call.id))
    groups: dict[Any, Handling] = {}
    for at, agent_id, extension, subject, answered, seconds in session.execute(query):
        key = {"agent": (agent_id, None if agent_id else extension), "day": local_day(at, zone), "subject": subject}[by]
        groups.setdefault(key, Handling()).add(answered, seconds)
    return groups


def year_of(given: Any, session: Session, now: datetime) -> int:
    """The year that was asked for; this one where none was, or none that can be meant."""
    this = local_day(now, settings.time_zone(session)).year
    return given if isinstance(given, int) and FIRST_YEAR <= given <= this else this
