"""Files of the exchange, and totals of the years before calls were recorded here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.auth.actor import Actor
from core.calendar import day_bounds, period_of
from core.errors import InvalidInput
from core.i18n import lazy_gettext as _l
from core.imports import readers
from core.imports.models import Import
from core.imports.offers import Context, Importer, ImportField, Line, Proposal, Reason, Result, Verdict
from core.imports.repeats import earlier_lines
from core.text import fold
from plugins.callcenter import domain, exchange, results, totals
from plugins.callcenter.models import Call, Total

LOOKED_AT = 500
"""Lines by which a file without headings is known."""
FIRST_YEAR = 1990
LONGEST = 30 * domain.LONGEST_CALL_SECONDS


def importers() -> list[Importer]:
    records = (
        _field("started", _l("Start"), "moment", required=True),
        _field("source", _l("Caller’s number"), longest=80),
        _field("destination", _l("Called number"), longest=80),
        _field("duration", _l("Length in seconds"), "integer", required=True),
        _field("talk", _l("Of these talked"), "integer", required=True, help=_l("Seconds from the answer to the end.")),
        _field("disposition", _l("Answered or not"), longest=40, help=_l("The exchange’s word (ANSWERED, NO ANSWER), or its cause of hanging up.")),
        _field("linked", _l("What links the legs"), longest=120, help=_l("Lines with the same one are legs of one call; without it each line is a call.")),
        _field("unique", _l("Number of the leg"), longest=120),
        _field("sequence", _l("Sequence"), longest=20),
        _field("did", _l("Number that was dialled in"), longest=80),
        _field("context", _l("Context"), longest=80),
        _field("channel", _l("Channel"), longest=120),
        _field("channel_to", _l("Channel called"), longest=120),
        _field("application", _l("Application"), longest=40),
        _field("recording", _l("Recording"), longest=300),
        _field("direction", _l("Direction"), longest=20),
        _field("exchange", _l("Exchange"), longest=40, help=_l("Where there are several, so that their numbers are not taken for one another.")),
    )
    years = (
        _field("year", _l("Year"), "integer", required=True),
        _field("month", _l("Month"), "integer", help=_l("1 to 12. Empty: the whole year.")),
        _field("outgoing", _l("Outgoing calls"), "integer", required=True),
        _field("incoming", _l("Incoming calls"), "integer", required=True),
        _field("complaints_received", _l("Complaints received"), "integer"),
        _field("complaints_closed", _l("Complaints closed"), "integer",
                    help=_l("What some panels print as “closed calls”: the complaints among those received that were closed.")),
    )
    outcomes = (
        _field("success", _l("Whether it succeeded"), "choice", required=True, choices=_written("successes"), labels={"1": _l("yes"), "0": _l("no")},
               help=_l("What the campaign asked for: yes or no.")),
        _field("result_month", _l("Month, as written"), "choice", choices=_written("months")),
        _field("weekday", _l("Day of the week, as written"), "choice", choices=_written("weekdays")),
        _field("result_channel", _l("Channel, as written"), longest=40),
        _field("result_seconds", _l("Length in seconds"), "integer"),
        _field("attempts", _l("Attempts in this campaign"), "integer"),
        _field("earlier", _l("What came of the campaign before, as written"), longest=40),
        _field("occupation", _l("Occupation, as written"), longest=40),
        _field("campaign_name", _l("Name of the campaign"), longest=80, help=_l("Without it all lines are of one campaign, named as the file.")),
    )
    return [
        Importer("callcenter.records", _l("Calls of the exchange"), exchange.IMPORT, records, check, apply, undo, result=result, propose=propose,
                 record_type="callcenter_call",
                 help=_l("Lines of Asterisk, FreePBX and others: legs are put together into calls, callers are found by their numbers.")),
        Importer("callcenter.totals", _l("Totals of the call centre for former years"), exchange.IMPORT, years, check_totals, apply_totals, undo_totals,
                 result=result_totals, record_type="callcenter_total",
                 help=_l("For years, or months, of which no single calls are recorded here.")),
        Importer("callcenter.results", _l("Results of a call campaign of another system"), exchange.IMPORT, outcomes, check_results, apply_results,
                 undo_results, result=result_results, record_type="callcenter_result",
                 help=_l("One line is what came of calling one person, without his name: it becomes no call and no customer. Month and weekday stay as "
                         "they are written; no day is made of them.")),
    ]


def _written(name: str) -> dict[str, str]:
    """What a file may write for a code of the catalogue, folded."""
    return {fold(text): code for code, texts in domain.CATALOGUE[name].items() for text in texts}


def _field(key: str, label: Any, kind: str = "text", **more: Any) -> ImportField:
    return ImportField(key, label, kind, headings=domain.CATALOGUE["headings"].get(key, ()), **more)


# --- the exchange ----------------------------------------------------------------------------------------------------


def propose(path: Path) -> Proposal | None:
    """How a file without headings is written, known by its first lines: Asterisk, FreePBX, cdr-stats."""
    try:
        rows = readers.sample(readers.read(path, readers.Declaration(header_row=0)), LOOKED_AT)
    except InvalidInput:
        return None
    layout = domain.layout_of([[str(cell if cell is not None else "") for cell in row] for row in rows]) if rows else None
    if layout is None:
        return None
    return Proposal({key: f"({place})" for key, place in layout["columns"].items()}, {"header_row": 0})


def leg_of(values: Mapping[str, Any]) -> domain.Leg:
    """The leg of a line. It is known by what the exchange calls it, else by its time, and by all else that it says."""
    text = {key: " ".join(str(values.get(key) or "").split()) for key in (
        "source", "destination", "disposition", "linked", "unique", "sequence", "did", "context", "channel", "channel_to", "application", "recording",
        "direction", "exchange")}
    started: datetime = values["started"]
    named = [text["unique"]] if text["unique"] else ["", started.isoformat()]
    said = [text["exchange"], *named, text["sequence"], text["source"], text["destination"], text["channel"], text["channel_to"], text["application"],
            text["disposition"], str(values["duration"]), str(values["talk"])]
    key = hashlib.sha256("\x1f".join(said).encode()).hexdigest()
    group = f"{text['exchange']}:{text['linked']}" if text["linked"] else f"leg:{key}"
    return domain.Leg(key, group, started, int(values["duration"]), int(values["talk"]), text["disposition"], text["source"], text["destination"], text["did"],
                      text["context"], text["channel"], text["channel_to"], text["application"], text["recording"], text["direction"])


def check(session: Session, lines: Sequence[Line], context: Context) -> list[Verdict]:
    """Judge a block: which lines are new legs, which are there already or stand twice in the file."""
    now = work.now()
    wrong = {line.line_no: reasons for line in lines if (reasons := list(_faults(line.values, now)))}
    legs = {line.line_no: leg_of(line.values) for line in lines if line.line_no not in wrong}
    there = exchange.known(session, (leg.key for leg in legs.values()))
    twice = earlier_lines(session, lines, context, lambda values: None if any(_faults(from_staged(values), now)) else leg_of(from_staged(values)).key)
    return [_verdict(line, wrong.get(line.line_no), legs.get(line.line_no), there, twice) for line in lines]


def from_staged(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of a line, also of one that was staged: its moment stands there as text."""
    started = values["started"]
    return {**values, "started": datetime.fromisoformat(started["moment"])} if isinstance(started, dict) else values


def _faults(values: Mapping[str, Any], now: datetime) -> Any:
    if values["started"] > now:
        yield Reason("started", _l("The call lies in the future. Say the right time zone and order of day and month."))
    elif values["started"].year < FIRST_YEAR:
        yield Reason("started", _l("The call lies in the year %(year)s. Say the right calendar and order of day and month.", year=values["started"].year))
    for key, least in (("duration", 0), ("talk", -LONGEST)):
        if not least <= values[key] <= LONGEST:
            yield Reason(key, _l("%(n)s seconds are no length of a call.", n=values[key]))
    if values["talk"] > values["duration"] >= 0:
        yield Reason("talk", _l("%(talk)s seconds were talked, which is longer than the call of %(whole)s. Look which column is which.",
                                talk=values["talk"], whole=values["duration"]))


def _verdict(line: Line, wrong: list[Reason] | None, leg: domain.Leg | None, there: Mapping[str, int], twice: Mapping[int, int]) -> Verdict:
    if wrong or leg is None:
        return Verdict("refused", wrong or ())
    if leg.key in there:
        return Verdict("duplicate", [Reason(None, _l("This line was taken in before."))], target_id=there[leg.key])
    if line.line_no in twice:
        return Verdict("duplicate", [Reason(None, _l("It says the same as line %(line)s.", line=twice[line.line_no]))])
    return Verdict("create", [Reason("talk", _l("The exchange wrote %(n)s seconds; the line is kept as it is and counts as none.", n=leg.talk))]
                   if leg.talk < 0 else ())


def apply(session: Session, lines: Sequence[Line], context: Context, *, actor: Actor, now: datetime) -> list[int | None]:
    return list(exchange.take_in(session, [leg_of(line.values) for line in lines], import_id=context.import_id, actor=actor, now=now))


def undo(session: Session, ids: Sequence[int], context: Context, *, actor: Actor, now: datetime) -> None:
    exchange.take_back(session, ids, import_id=context.import_id, actor=actor, now=now)


def result(session: Session, context: Context) -> Result:
    return Result(_l("The calls stand in the list; those of one customer's number have their customer."), "/callcenter/?f.source=exchange")


# --- totals ----------------------------------------------------------------------------------------------------------


def check_totals(session: Session, lines: Sequence[Line], context: Context) -> list[Verdict]:
    """Judge totals: a period is given once, as a year or by months, and holds no calls that are recorded here."""
    twice = earlier_lines(session, lines, context, lambda values: (values.get("year"), values.get("month") or 0))
    there = {(one.year, one.month): one.id for one in session.scalars(sa.select(Total))}
    return [_judge_total(session, line, there, twice) for line in lines]


def _judge_total(session: Session, line: Line, there: Mapping[tuple[int, int], int], twice: Mapping[int, int]) -> Verdict:
    values = line.values
    period = values["year"], values.get("month") or 0
    if period in there:
        return Verdict("duplicate", [Reason("year", _l("The totals of this period are there already."))], target_id=there[period])
    reasons = list(_total_faults(session, values, period, there, twice.get(line.line_no)))
    return Verdict("refused", reasons) if reasons else Verdict("create")


def _total_faults(session: Session, values: Mapping[str, Any], period: tuple[int, int], there: Any, earlier: int | None) -> Any:
    year, month = period
    if not FIRST_YEAR <= year <= work.now().year:
        yield Reason("year", _l("%(year)s is no year of the Gregorian calendar from 1990 to this one.", year=year))
        return
    if not 0 <= month <= 12:
        yield Reason("month", _l("%(month)s is no month. Write 1 to 12, or leave it empty for the whole year.", month=month))
        return
    for key in ("outgoing", "incoming", "complaints_received", "complaints_closed"):
        if (values.get(key) or 0) < 0:
            yield Reason(key, _l("%(n)s is less than nothing.", n=values[key]))
    if (values.get("complaints_closed") or 0) > (values.get("complaints_received") or 0):
        yield Reason("complaints_closed", _l("%(closed)s complaints closed are more than the %(received)s received.", closed=values["complaints_closed"],
                                             received=values.get("complaints_received") or 0))
    if earlier is not None:
        yield Reason("year", _l("Line %(line)s gives the totals of the same period.", line=earlier))
    if any(other == year and (one == 0) != (month == 0) for other, one in there):
        yield Reason("month", _l("The totals of %(year)s are there by the year or by months; give the others the same way.", year=year))
    if _has_calls(session, year, month):
        yield Reason("year", _l("Calls of this period are recorded here one by one; totals are for periods before."))


def _has_calls(session: Session, year: int, month: int) -> bool:
    since, until = period_bounds(session, year, month)
    return session.scalar(sa.select(Call.id).where(Call.started_at >= since, Call.started_at < until).limit(1)) is not None


def period_bounds(session: Session, year: int, month: int) -> tuple[datetime, datetime]:
    first, last = period_of("month" if month else "year", datetime(year, month or 1, 1).date())
    zone = settings.time_zone(session)
    return day_bounds(first, zone)[0], day_bounds(last, zone)[1]


def apply_totals(session: Session, lines: Sequence[Line], context: Context, *, actor: Actor, now: datetime) -> list[int | None]:
    return [totals.record(session, line.values, import_id=context.import_id, actor=actor, now=now).id for line in lines]


def undo_totals(session: Session, ids: Sequence[int], context: Context, *, actor: Actor, now: datetime) -> None:
    totals.take_back(session, ids, actor=actor)


def result_totals(session: Session, context: Context) -> Result:
    return Result(_l("The totals stand in the panel of the call centre."), "/reports/callcenter.panel/?by=year")


# --- results of campaigns ----------------------------------------------------------------------------------------------


def check_results(session: Session, lines: Sequence[Line], context: Context) -> list[Verdict]:
    """Judge results: nothing in such a file tells two people apart, so a line is known by its file and place, and only the same file repeats it."""
    keys = {line.line_no: key for line, key in zip(lines, _keys(session, lines, context), strict=True)}
    there = results.known(session, list(keys.values()))
    return [_judge_result(line, there.get(keys[line.line_no])) for line in lines]


def _keys(session: Session, lines: Sequence[Line], context: Context) -> list[str]:
    file = session.scalar(sa.select(Import.sha256).where(Import.id == context.import_id)) or str(context.import_id)
    return [hashlib.sha256(f"{file}:{line.line_no}".encode()).hexdigest() for line in lines]


def _judge_result(line: Line, there: int | None) -> Verdict:
    wrong = [Reason(key, _l("%(n)s is less than nothing.", n=line.values[key])) for key in ("result_seconds", "attempts") if (line.values.get(key) or 0) < 0]
    if wrong:
        return Verdict("refused", wrong)
    return Verdict("create") if there is None else Verdict("duplicate", [Reason(None, _l("This line was taken in before."))], target_id=there)


def result_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """A line as it is kept: choices as numbers, all else as written."""
    numbers = {"month": "result_month", "weekday": "weekday"}
    return {"success": values["success"] == "1", **{name: int(values[key]) if values.get(key) else None for name, key in numbers.items()},
            "channel": values.get("result_channel"), "seconds": values.get("result_seconds"),
            **{key: values.get(key) for key in ("attempts", "earlier", "occupation")}}


def apply_results(session: Session, lines: Sequence[Line], context: Context, *, actor: Actor, now: datetime) -> list[int | None]:
    named = [str(line.values.get("campaign_name") or Path(context.source).stem or context.import_id) for line in lines]
    keys, made = _keys(session, lines, context), {}
    for name in dict.fromkeys(named):
        campaign = results.campaign_of(session, name, actor=actor, now=now)
        own = [place for place, other in enumerate(named) if other == name]
        rows = [(keys[place], result_of(lines[place].values)) for place in own]
        ids = results.take_in(session, campaign, rows, import_id=context.import_id, actor=actor, now=now)
        made |= dict(zip(own, ids, strict=True))
    return [made[place] for place in range(len(lines))]


def undo_results(session: Session, ids: Sequence[int], context: Context, *, actor: Actor, now: datetime) -> None:
    results.take_back(session, ids, import_id=context.import_id, actor=actor)


def result_results(session: Session, context: Context) -> Result:
    return Result(_l("The results stand in their report; they are no calls of this call centre."), "/reports/callcenter.results/")
