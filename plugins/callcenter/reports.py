"""The reports of the call centre: its panel by month and year, and how long calls are handled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.auth import queries as staff
from core.auth.actor import Actor
from core.calendar import MONTHS, WEEKDAYS, day_bounds, local_day
from core.exporter.columns import Column
from core.i18n import language
from core.i18n import lazy_gettext as _l
from core.reports.offers import MOST_LABELS, PERIOD, Chart, Parameter, Report, ReportFigure, Series, moments_of
from plugins.callcenter import domain, panel, results, tasks
from plugins.callcenter.models import Campaign
from plugins.callcenter.panel import Handling, Line

PERMISSION = "callcenter.panel"
MONTH, YEAR = "month", "year"
GROUPS = {"agent": _l("Agent"), "day": _l("Day"), "subject": _l("Subject")}
RESULT_GROUPS = {MONTH: _l("Month"), "weekday": _l("Day of the week"), "channel": _l("Channel"), "attempts": _l("Attempts"),
                 "earlier": _l("Campaign before"), "occupation": _l("Occupation")}
REACHED = _l("Reached % = customers reached ÷ customers of the campaign. Reached is who was spoken to, or was informed otherwise.")
HONEST = _l("As the files say it: one result is one person whom the file does not name, called several times perhaps. The files write a month and a weekday "
            "and no year, so months of several years stand together; no day was made of them.")
RATE = _l("Closing percentage = complaints closed ÷ complaints received, with one decimal; some panels print the first as “closed calls”. Calls between own "
          "extensions are left out. Periods before calls were recorded here are their imported totals.")
AVERAGE = _l("Average handling time = seconds of the answered calls ÷ their number. Calls that nobody answered count in neither, nor do those of which nobody "
             "wrote down the length.")


def reports() -> list[Report]:
    """New objects at each call."""
    by = Parameter("by", _l("Grouped by"), "choice", default=MONTH, choices=((MONTH, _l("Month")), (YEAR, _l("Year"))))
    group = Parameter("by", _l("Grouped by"), "choice", default="agent", choices=tuple(GROUPS.items()))
    results_by = Parameter("by", _l("Grouped by"), "choice", default=MONTH, choices=tuple(RESULT_GROUPS.items()))
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
        Report("callcenter.campaigns", _l("Call campaigns"), PERMISSION, rows=campaign_rows, parameters=PERIOD, about=REACHED,
               totals=("reached", "unreached", "left"),
               columns=(Column("title", _l("Campaign")), Column("begun", _l("Begun"), "date"), Column("state", _l("State")),
                        Column("reached", _l("Reached"), "integer"), Column("unreached", _l("Not reached"), "integer"), Column("left", _l("Left"), "integer"),
                        Column("rate", _l("Reached %"), "number"))),
        Report("callcenter.results", _l("Results of call campaigns of other systems"), PERMISSION, load=results_of, rows=result_rows, figures=result_figures,
               chart=result_chart, about=HONEST, totals=("results", "successes", "attempts", "seconds"),
               parameters=(Parameter("campaign", _l("Campaign"), "choice", choices=_campaigns), results_by),
               columns=(Column("group", _l("Group")), Column("results", _l("Results"), "integer"), Column("successes", _l("Successes"), "integer"),
                        Column("rate", _l("Successes %"), "number"), Column("attempts", _l("Attempts"), "integer"),
                        Column("seconds", _l("Seconds in all"), "integer"))),
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
        shown += [ReportFigure(_l("Complaints received"), whole.received, _l("by every channel, not by telephone only")),
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
    return panel.handling(session, *moments_of(session, parameters, work.now()), parameters.get("by") or "agent")


def handling_rows(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Mapping[Any, Handling]) -> Iterator[tuple[Any, ...]]:
    names = staff.names_of(session, [key[0] for key in loaded if isinstance(key, tuple)])
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
    whole = Handling(*(sum(getattr(one, each.name) for one in loaded.values()) for each in fields(Handling)))
    return [ReportFigure(_l("Average handling time"), domain.clock_of(whole.average) or "–", _l("hours : minutes : seconds")),
            ReportFigure(_l("Answered calls"), whole.answered, _others(whole))]


def _others(whole: Handling) -> Any:
    if whole.untimed:
        return _l("%(n)s not answered, %(untimed)s without a length", n=whole.unanswered, untimed=whole.untimed)
    return _l("%(n)s not answered", n=whole.unanswered)


# --- campaigns -----------------------------------------------------------------------------------------------------------


def campaign_rows(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    """Campaigns that were begun in the period, with how far they are (CALL-07)."""
    zone = settings.time_zone(session)
    query = sa.select(Campaign).where(Campaign.kind != domain.RESULTS).order_by(Campaign.made_at, Campaign.id)
    if parameters.get("from_on"):
        query = query.where(Campaign.made_at >= day_bounds(parameters["from_on"], zone)[0])
    if parameters.get("to_on"):
        query = query.where(Campaign.made_at < day_bounds(parameters["to_on"], zone)[1])
    found = session.scalars(query).all()
    counts = tasks.counts(session, [one.id for one in found])
    for one in found:
        reached, unreached, left = (counts[one.id][state] for state in (domain.REACHED, domain.UNREACHED, domain.OPEN))
        yield (one.title, local_day(one.made_at, zone), str(domain.CAMPAIGN_STATES[one.state]), reached, unreached, left,
               domain.rate(reached, reached + unreached + left))


def _campaigns(session: Session) -> list[tuple[str, Any]]:
    return [(str(one.id), one.title) for one in results.campaigns(session)]


def results_of(session: Session, parameters: Mapping[str, Any], actor: Actor) -> dict[Any, results.Sum]:
    chosen = parameters.get("campaign")
    return results.summed(session, parameters.get("by") or MONTH, int(chosen) if chosen else None)


def result_rows(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Mapping[Any, results.Sum]) -> Iterator[tuple[Any, ...]]:
    for key, one in loaded.items():
        yield result_group(parameters.get("by") or MONTH, key), one.results, one.successes, domain.rate(one.successes, one.results), one.attempts, one.seconds


def result_group(by: str, key: Any) -> str:
    """What a group is called; a channel, an occupation and an earlier outcome stand as the file writes them."""
    if key is None:
        return str(_l("not said"))
    if by == MONTH:
        return str(MONTHS[language()][key - 1])
    if by == "weekday":
        return str(WEEKDAYS[language()][key])
    if by == "attempts" and key > results.MOST_ATTEMPTS_APART:
        return f"{results.MOST_ATTEMPTS_APART + 1}+"
    return str(key)


def result_figures(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Mapping[Any, results.Sum]) -> list[ReportFigure]:
    whole, yes, attempts = (sum(getattr(one, name) for one in loaded.values()) for name in ("results", "successes", "attempts"))
    rate = domain.rate(yes, whole)
    return [ReportFigure(_l("Results"), whole, _l("%(n)s attempts in all", n=attempts)),
            ReportFigure(_l("Successes"), yes, _l("%(rate)s%% of the results", rate=rate) if rate is not None else "")]


def result_chart(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Mapping[Any, results.Sum]) -> Chart | None:
    if not loaded or len(loaded) > MOST_LABELS:
        return None
    by = parameters.get("by") or MONTH
    return Chart(_l("Successes in per cent of the results"), [result_group(by, key) for key in loaded],
                 [Series(_l("Successes %"), [domain.rate(one.successes, one.results) for one in loaded.values()])],
                 kind="columns" if by in (MONTH, "weekday") else "bars", unit="%")
