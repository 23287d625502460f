"""The panel of the call centre: calls and complaints by month and year, and how long calls are handled (CALL-02, 03, 05).

A period with a total (before calls were recorded here) is that total; any other is counted. Calls between own extensions are
left out. Complaints are told by whoever keeps a log; what counts as closed are complaints, not calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import figures, settings
from core.auth.actor import Actor
from core.calendar import day_bounds, local_day
from core.rollups import totals as sums
from plugins.callcenter import domain, queries, totals
from plugins.callcenter.importers import FIRST_YEAR, period_bounds
from plugins.callcenter.models import BY_AGENT, BY_DAY, BY_SUBJECT, Call, Total

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
    return _months(session, [year], totals.of_years(session), actor, now)[year]


def of_years(session: Session, actor: Actor, now: datetime) -> list[Line]:
    """Every year from the first that is known to this one."""
    before = totals.of_years(session)
    first = session.scalar(sa.select(sa.func.min(Call.started_at)).where(queries.outside()))
    zone = settings.time_zone(session)
    this = local_day(now, zone).year
    years = range(min([this, *(year for year, _month in before), *([local_day(first, zone).year] if first else [])]), this + 1)
    months = _months(session, years, before, actor, now)
    return [_former(before[year, 0]) if (year, 0) in before else summed(months[year], year) for year in years]


def _months(session: Session, years: Iterable[int], before: Mapping[tuple[int, int], Total], actor: Actor, now: datetime) -> dict[int, list[Line]]:
    """The months of each year, counted and told together; ``before`` are the totals of periods before the system."""
    today = local_day(now, settings.time_zone(session))
    months = {year: [(year, month) for month in MONTHS if (year, month) <= (today.year, today.month) and (year, 0) not in before] for year in years}
    every = [one for of_year in months.values() for one in of_year]
    bounds = [period_bounds(session, *one) for one in every]
    counted, told = _counted(session, every, bounds), _told(session, every, bounds, actor, now)
    return {year: [_line(*one, before.get(one), counted, told) for one in found] for year, found in months.items()}


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


def _counted(session: Session, periods: Sequence[tuple[int, int]], bounds: Sequence[figures.Period]) -> dict[tuple[int, int], dict[str, int]]:
    """Calls by direction in each period."""
    found: dict[tuple[int, int], dict[str, int]] = {}
    for place, way, count, *_lengths in session.execute(sums(BY_DAY, periods=bounds, by=("direction",), where=queries.outside)):
        found.setdefault(periods[place], {})[way] = count
    return found


def _told(
    session: Session, periods: Sequence[tuple[int, int]], bounds: Sequence[figures.Period], actor: Actor, now: datetime,
) -> dict[tuple[int, int], Mapping[str, int]]:
    told = figures.ask(session, figures.COMPLAINTS, bounds, actor=actor, now=now)
    return dict(zip(periods, told, strict=True)) if told is not None else {}


# --- handling time (CALL-05) -------------------------------------------------------------------------------------------


@dataclass
class Handling:
    """Answered calls of a group, their seconds, and how many of them say no length: these count in no average."""

    answered: int = 0
    unanswered: int = 0
    seconds: int = 0
    untimed: int = 0

    def add(self, answered: bool, count: int, seconds: int, untimed: int) -> None:
        if answered:
            self.answered += count
            self.seconds += seconds
            self.untimed += untimed
        else:
            self.unanswered += count

    @property
    def calls(self) -> int:
        return self.answered + self.unanswered

    @property
    def average(self) -> int | None:
        return domain.average_seconds(self.seconds, self.answered - self.untimed)


def handling(session: Session, since: datetime, until: datetime, by: str) -> dict[Any, Handling]:
    """Handling of calls with somebody outside from ``since`` up to ``until``: agents and subjects with most calls first, days in their order."""
    groups: dict[Any, Handling] = {}
    for key, *found in {"agent": _by_agent, "day": _by_day, "subject": _by_subject}[by](session, since, until):
        groups.setdefault(key, Handling()).add(*found)
    order = (lambda key: key) if by == "day" else (lambda key: (-groups[key].calls, str(key)))
    return {key: groups[key] for key in sorted(groups, key=order)}


def _by_agent(session: Session, since: datetime, until: datetime) -> Iterator[tuple[Any, ...]]:
    for _place, agent_id, extension, *found in session.execute(
            sums(BY_AGENT, periods=[(since, until)], by=("agent_id", "extension", "answered"), where=queries.outside)):
        yield (agent_id, None if agent_id else extension), *found


def _by_subject(session: Session, since: datetime, until: datetime) -> Iterator[tuple[Any, ...]]:
    for _place, subject, *found in session.execute(
            sums(BY_SUBJECT, periods=[(since, until)], by=("subject", "answered"), where=queries.outside)):
        yield subject, *found


def _by_day(session: Session, since: datetime, until: datetime) -> Iterator[tuple[Any, ...]]:
    """Each day of the association's between the first call and the last one."""
    zone = settings.time_zone(session)
    first, last = session.execute(sa.select(sa.func.min(Call.started_at), sa.func.max(Call.started_at)).where(queries.within(since, until))).one()
    if first is None:
        return
    days = [local_day(first, zone) + timedelta(days=number) for number in range((local_day(last, zone) - local_day(first, zone)).days + 1)]
    bounds = [(max(since, begin), min(until, end)) for begin, end in (day_bounds(day, zone) for day in days)]
    for place, *found in session.execute(sums(BY_DAY, periods=bounds, by=("answered",), where=queries.outside)):
        yield days[place], *found


def year_of(given: Any, session: Session, now: datetime) -> int:
    """The year that was asked for; this one where none was, or none that can be meant."""
    this = local_day(now, settings.time_zone(session)).year
    return given if isinstance(given, int) and FIRST_YEAR <= given <= this else this
