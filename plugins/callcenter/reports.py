"""The reports of the call centre: its panel by month and year, and how long calls are handled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from core import settings, work
from core.auth.actor import Actor
from core.calendar import day_bounds, local_day
from core.exporter.columns import Column
from core.i18n import lazy_gettext as _l
from core.reports.offers import PERIOD, Chart, Parameter, Report, ReportFigure, Series
from plugins.callcenter import domain, panel, queries
from plugins.callcenter.panel import Handling, Line

PERMISSION = "callcenter.panel"
MONTH, YEAR = "month", "year"
GROUPS = {"agent": _l("Agent"), "day": _l("Day"), "subject": _l("Subject")}
RATE = _l("Closing percentage = complaints closed ÷ complaints received, with one decimal; some panels print the first as “closed calls”. Calls between own "
          "extensions are left out. Periods before calls were recorded here are their imported totals.")
AVERAGE = _l("Average handling time = seconds of the answered calls ÷ their number. Calls that nobody answered count in neither.")


def reports() -> list[Report]:
    """New objects at each call."""
    by = Parameter("by", _l("Grouped by"), "choice", default=MONTH, choices=((MONTH, _l("Month")), (YEAR, _l("Year"))))
    group = Parameter("by", _l("Grouped by"), "choice", default="agent", choices=tuple(GROUPS.items()))
    return [
        Report("callcenter.panel", _l("Panel of the call centre"), PERMISSION, load=lines, rows=panel_rows, figures=panel_figures, chart=panel_chart,
               about=RATE, parameters=(by, Parameter("year", _l("Year"), "integer")), totals=("outgoing", "incoming", "received", "closed"),
               columns=(Column("period", _l("Period")), Column("outgoing", _l("Outgoing calls"), "integer"),
                        Column("incoming", _l("Incoming calls"), "integer"), Column("received", _l("Complaints received"), "integer"),
                        Column("closed", _l("Complaints closed"), "integer"),
                        Column("rate", _l("Closing of complaints %"), "number"))),
        Report("callcenter.handling", _l("Handling time of calls"), PERMISSION, load=handled, rows=handling_rows, figures=handling_figures, about=AVERAGE,
               every="month", role="crm_manager", parameters=(*PERIOD, group), totals=("answered", "unanswered", "seconds"),
               columns=(Column("group", _l("Group")), Column("answered", _l("Answered calls"), "integer"), Column("unanswered", _l("Not answered"), "integer"),
                        Column("seconds", _l("Seconds in all"), "integer"), Column("average", _l("Average handling time")))),
    ]


# --- the panel -------------------------------------------------------------------------------------------------------


def lines(session: Session, parameters: Mapping[str, Any], actor: Actor) -> list[Line]:
    """The months of the chosen year, or all years; of a year of which only the whole is known, that whole."""
    now = work.now()
    if parameters.get("by") == YEAR:
        found = panel.of_years(session, actor, now)
        chosen = parameters.get("year")
        return [one for one in found if chosen in (None, one.year)]
    year = panel.year_of(parameters.get("year"), session, now)
    return panel.of_year(session, year, actor, now) or [one for one in panel.of_years(session, actor, now) if one.year == year]


def name_of(line: Line) -> str:
    return f"{line.year}-{line.month:02}" if line.month else str(line.year)


def panel_rows(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Sequence[Line]) -> Iterator[tuple[Any, ...]]:
    for one in loaded:
        yield name_of(one), one.outgoing, one.incoming, one.received, one.closed, one.rate


def panel_figures(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Sequence[Line]) -> list[ReportFigure]:
    """The five figures that the panel of a year has always had (CALL-02)."""
    whole = panel.summed(loaded, 0)
    shown = [ReportFigure(_l("Outgoing calls"), whole.outgoing, _of_all(whole.outgoing, whole)),
             ReportFigure(_l("Incoming calls"), whole.incoming, _of_all(whole.incoming, whole))]
    if whole.received is not None:
        shown += [ReportFigure(_l("Complaints received"), whole.received, _l("of %(n)s calls", n=whole.calls)),
                  ReportFigure(_l("Complaints closed"), whole.closed, _l("complaints, not calls")),
                  ReportFigure(_l("Closing of complaints"), f"{whole.rate}%" if whole.rate is not None else "–", _l("closed ÷ received"))]
    return shown


def _of_all(count: int, whole: Line) -> Any:
    return _l("%(rate)s%% of %(n)s calls", rate=domain.closing_rate(count, whole.calls) or 0, n=whole.calls)


def panel_chart(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Sequence[Line]) -> Chart | None:
    if not any(one.calls for one in loaded):
        return None
    return Chart(_l("Calls by month") if loaded[0].month else _l("Calls by year"), [name_of(one) for one in loaded],
                 [Series(_l("Outgoing calls"), [one.outgoing for one in loaded]), Series(_l("Incoming calls"), [one.incoming for one in loaded])])


# --- handling time -----------------------------------------------------------------------------------------------------


def handled(session: Session, parameters: Mapping[str, Any], actor: Actor) -> dict[Any, Handling]:
    zone = settings.time_zone(session)
    today = local_day(work.now(), zone)
    first, last = parameters.get("from_on") or today.replace(day=1), parameters.get("to_on") or today
    return panel.handling(session, day_bounds(first, zone)[0], day_bounds(last, zone)[1], parameters.get("by") or "agent")


def handling_rows(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Mapping[Any, Handling]) -> Iterator[tuple[Any, ...]]:
    names = queries.names_of(session, [key[0] for key in loaded if isinstance(key, tuple)])
    for key, found in loaded.items():
        yield group_name(key, names), found.answered, found.unanswered, found.seconds, domain.clock_of(found.average)


def group_name(key: Any, names: Mapping[int, str]) -> str:
    """What a group is called: the agent, or the extension where nobody said who it was; the day; the subject."""
    if isinstance(key, tuple):
        agent_id, extension = key
        return names.get(agent_id, "") or (str(_l("Extension %(number)s", number=extension)) if extension else str(_l("nobody known")))
    if isinstance(key, date | datetime):
        return key.isoformat()
    return str(domain.subjects().get(key) or _l("no subject yet"))


def handling_figures(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Mapping[Any, Handling]) -> list[ReportFigure]:
    whole = Handling(sum(one.answered for one in loaded.values()), sum(one.unanswered for one in loaded.values()), sum(one.seconds for one in loaded.values()))
    return [ReportFigure(_l("Average handling time"), domain.clock_of(whole.average) or "–", _l("hours : minutes : seconds")),
            ReportFigure(_l("Answered calls"), whole.answered, _l("%(n)s not answered", n=whole.unanswered))]
