"""The reports of leads: the week with every open lead, and how many succeed and how long each state lasts (LEAD-14, 15, 25)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.auth.actor import Actor
from core.calendar import last_day, local_day
from core.customers import queries as customers
from core.customers.models import Customer
from core.exporter.columns import Column
from core.i18n import lazy_gettext as _l
from core.organisation.models import Programme
from core.reports.offers import PERIOD, Report, ReportFigure, moments_of
from plugins.leads import domain, page, queries
from plugins.leads.models import Contact, Former, Lead, Progress, WrittenPledge

DAY = 24 * 60 * 60
Outcomes = Sequence[tuple[Any, Mapping[str, Decimal]]]
"""What ended, a lead or one of a former register (programme and state), with its days in each state where they are known."""


def reports() -> list[Report]:
    """New objects at each call."""
    days = tuple(Column(f"days_{state}", _l("Days in “%(state)s”", state=domain.states()[state]), "number") for state in domain.OPEN_STATES)
    return [
        Report("leads.weekly", _l("Weekly report of leads"), queries.READ, load=week, rows=weekly, figures=weekly_figures, every="week", role="crm_employee",
               sent_to=("crm_manager", "crm_rd_manager", "resource_development_manager", "subcouncil_secretary"), parameters=PERIOD,
               about=_l("Every lead that was open in the period: its state and probability before and at the end, and what is next. An open lead without"
                        " an update for more than 7 days is flagged."),
               columns=(Column("number", _l("Lead")), Column("programme", _l("Programme")), Column("state", _l("State")),
                        Column("state_before", _l("Changed from")), Column("probability_before", _l("Probability before %"), "integer"),
                        Column("probability", _l("Probability %"), "integer"), Column("flag", _l("Flag")),
                        Column("last_contact_on", _l("Last contact"), "date"), Column("next_action", _l("Next action")),
                        Column("next_action_on", _l("Next action on"), "date"))),
        Report("leads.success", _l("Success rate of leads"), queries.READ, load=outcomes, rows=success, figures=success_figures, parameters=PERIOD, kept=True,
               totals=("successful", "cancelled"),
               about=_l("Success rate = successful ÷ (successful + cancelled) of the leads that ended in the period, with one decimal. Days are averages"
                        " over these leads. Leads of former registers count in the rate; their days in a state are not known."),
               columns=(Column("programme", _l("Programme")), Column("successful", _l("Successful"), "integer"),
                        Column("cancelled", _l("Cancelled"), "integer"), Column("rate", _l("Success rate %"), "number"), *days)),
        Report("leads.money", _l("Pledged and received on leads"), "finance.read", rows=money, parameters=PERIOD, totals=("pledged", "received", "outstanding"),
               about=_l("Written pledges signed in the period. An amount stands as pledged while its lead is closing, as received once it came; a withdrawn"
                        " pledge is not here. Two currencies are never added."),
               columns=(Column("number", _l("Lead")), Column("programme", _l("Programme")), Column("state", _l("State")),
                        Column("signed_on", _l("Signed on"), "date"), Column("currency", _l("Currency")), Column("pledged", _l("Pledged"), "money", "currency"),
                        Column("received", _l("Received"), "money", "currency"), Column("outstanding", _l("Still to come"), "money", "currency"))),
    ]


# --- the week ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A lead in a period: how it stood before and at the end, and for how many days nothing was written in it."""

    lead: Lead
    before: Progress
    last: Progress
    contacted_on: date | None
    quiet_days: int

    @property
    def moved(self) -> bool:
        return self.before.state != self.last.state

    @property
    def flagged(self) -> bool:
        return self.last.state in domain.OPEN_STATES and domain.is_quiet(self.quiet_days)


def week(session: Session, parameters: Mapping[str, Any], actor: Actor) -> list[Line]:
    """Every lead that was open at some time of the period, as it stood then (LEAD-14)."""
    now = work.now()
    since, until = moments_of(session, parameters, now)
    zone = settings.time_zone(session)
    there = sa.select(Lead).where(Lead.documented_at < until, sa.or_(Lead.ended_at.is_(None), Lead.ended_at >= since)).order_by(Lead.id)
    leads = session.scalars(queries.scope(there, actor)).all()
    ids = [one.id for one in leads]
    history = _by_lead(session.scalars(sa.select(Progress).where(Progress.lead_id.in_(ids), Progress.made_at < until)
                                       .order_by(Progress.made_at, Progress.id)).all())
    contacts = _by_lead(session.scalars(sa.select(Contact).where(Contact.lead_id.in_(ids), Contact.made_at < until)
                                        .order_by(Contact.contacted_at, Contact.id)).all())
    today = min(local_day(now, zone), last_day(until, zone))
    found = []
    for lead in leads:
        lines, talked = history[lead.id], contacts.get(lead.id, [])
        before = next((one for one in reversed(lines) if one.made_at < since), lines[0])
        written = max([lines[-1].made_at, *(one.made_at for one in talked)])
        found.append(Line(lead, before, lines[-1], local_day(talked[-1].contacted_at, zone) if talked else None, (today - local_day(written, zone)).days))
    return found


def _by_lead(rows: Sequence[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for one in rows:
        found.setdefault(one.lead_id, []).append(one)
    return found


def weekly(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Sequence[Line]) -> Iterator[tuple[Any, ...]]:
    states = domain.states()
    for one in loaded:
        lead = one.lead
        yield (lead.number, lead.programme.name, states[one.last.state], states[one.before.state] if one.moved else None, one.before.probability,
               one.last.probability, page.quiet_words(one.quiet_days) if one.flagged else None, one.contacted_on, lead.next_action or None,
               lead.next_action_on)


def weekly_figures(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Sequence[Line]) -> list[ReportFigure]:
    flagged = sum(one.flagged for one in loaded)
    return [ReportFigure(_l("Leads"), len(loaded)), ReportFigure(_l("Changed their state"), sum(one.moved for one in loaded)),
            ReportFigure(_l("Without an update"), flagged, tone="bad" if flagged else "")]


# --- outcomes ------------------------------------------------------------------------------------------------------------


def outcomes(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Outcomes:
    """The leads that ended in the period, each with the days that it was in each open state."""
    since, until = moments_of(session, parameters, work.now())
    ended = sa.select(Lead).where(Lead.ended_at >= since, Lead.ended_at < until).order_by(Lead.programme_id, Lead.id)
    leads = session.scalars(queries.scope(ended, actor)).all()
    history = _by_lead(session.scalars(sa.select(Progress).where(Progress.lead_id.in_([one.id for one in leads]))
                                       .order_by(Progress.made_at, Progress.id)).all())
    zone = settings.time_zone(session)
    former = sa.select(Former.programme_id, Former.state).where(Former.ended_on >= local_day(since, zone), Former.ended_on <= last_day(until, zone))
    return [*((one, days_in_states(history[one.id])) for one in leads),
            *((row, {}) for row in session.execute(former.order_by(Former.programme_id.is_(None), Former.programme_id)))]


def days_in_states(lines: Sequence[Progress]) -> dict[str, Decimal]:
    """How many days a lead was in each state that it left, all its stays together."""
    found: dict[str, Decimal] = {}
    for one, following in pairwise(lines):
        seconds = Decimal(int((following.made_at - one.made_at).total_seconds()))
        found[one.state] = found.get(one.state, Decimal(0)) + seconds / DAY
    return found


def success(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Outcomes) -> Iterator[tuple[Any, ...]]:
    """One line a programme."""
    for programme_id in dict.fromkeys(lead.programme_id for lead, _days in loaded):
        own = [(lead, days) for lead, days in loaded if lead.programme_id == programme_id]
        won, lost = _count(own)
        name = session.get_one(Programme, programme_id).name if programme_id is not None else _l("Former registers, without a programme")
        yield (name, won, lost, domain.success_rate(won, lost), *(_average(own, state) for state in domain.OPEN_STATES))


def success_figures(session: Session, parameters: Mapping[str, Any], actor: Actor, loaded: Outcomes) -> list[ReportFigure]:
    rate = domain.success_rate(*_count(loaded))
    spans = [(state, _average(loaded, state)) for state in domain.OPEN_STATES]
    return [ReportFigure(_l("Success rate"), f"{rate}%" if rate is not None else "–"),
            *(ReportFigure(_l("Days in “%(state)s”", state=domain.states()[state]), days if days is not None else "–") for state, days in spans)]


def _count(found: Outcomes) -> tuple[int, int]:
    won = sum(lead.state == domain.SUCCESSFUL for lead, _days in found)
    return won, len(found) - won


def _average(found: Outcomes, state: str) -> Decimal | None:
    spans = [days[state] for _lead, days in found if state in days]
    return (sum(spans, Decimal(0)) / len(spans)).quantize(Decimal("0.1"), ROUND_HALF_UP) if spans else None


# --- money (FIN-06) ------------------------------------------------------------------------------------------------------


def money(session: Session, parameters: Mapping[str, Any], actor: Actor) -> Iterator[tuple[Any, ...]]:
    """One line a written pledge that holds: pledged while its lead is closing, and what was received on it."""
    query = sa.select(WrittenPledge, Lead).join(Lead, Lead.id == WrittenPledge.lead_id).where(WrittenPledge.withdrawn_at.is_(None))
    for given, condition in ((parameters.get("from_on"), WrittenPledge.signed_on.__ge__), (parameters.get("to_on"), WrittenPledge.signed_on.__le__)):
        query = query.where(condition(given)) if given is not None else query
    readable = customers.scope(sa.select(Customer.id), actor)
    query = query.where(WrittenPledge.customer_id.in_(readable)).order_by(Lead.id)
    for pledge, lead in session.execute(query).unique():
        received = queries.received_on(session, pledge).minor
        closing = lead.state == domain.CLOSING
        yield (lead.number, lead.programme.name, domain.states()[lead.state], pledge.signed_on, pledge.currency, pledge.amount_minor if closing else None,
               received, max(pledge.amount_minor - received, 0) if closing else None)
