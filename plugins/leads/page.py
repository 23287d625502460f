"""What pages tell of leads: their donors, the way through the states, what happened, the board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.admin import printing, values
from core.admin.addresses import path_to
from core.auth import queries as staff
from core.auth import services as auth
from core.auth.actor import Actor
from core.calendar import day_words, days_words
from core.customers.models import Customer
from core.customers.offers import TimelineEntry, among_moments
from core.customers.shown import HIDDEN, TrackStep
from core.files import services as files
from core.files.models import StoredFile
from core.finance import queries as finance
from core.finance.models import Contribution
from core.i18n import LazyString
from core.i18n import lazy_gettext as _l
from core.money import Money
from core.procedures import queries as runs
from core.procedures import services as procedures
from core.text import isolate
from plugins.leads import developments, domain, persons, queries, services
from plugins.leads.models import (
    Contact,
    ContactPerson,
    Development,
    Discussion,
    Interest,
    Lead,
    Progress,
    WrittenPledge,
)
from plugins.leads.queries import PERSONAL

CARDS = 30
"""So many cards stand in a column of the board; the list has them all."""


# --- lines of a list -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """What stands behind a lead's keys, in the reader's language."""

    donors: str
    people: Sequence[Customer]
    weighted: Money | None
    last_contact: Contact | None
    due: bool
    """Whether its next action is due."""
    quiet_days: int
    """For how many days nothing was written in it, where that is too long; else 0 (LEAD-15)."""


def describe(session: Session, leads: Sequence[Lead], actor: Actor) -> None:
    """Put ``shown`` beside each lead: two statements for a whole page of them; donors only for who may see them."""
    ids = [one.id for one in leads]
    donors = queries.donors_of(session, ids) if ids else {}
    contacts = queries.last_contacts(session, ids) if ids else {}
    today = values.today()
    for one in leads:
        people = donors.get(one.id, [])
        names = " · ".join(who.name for who in people) if actor.may(PERSONAL) else HIDDEN
        quiet = (today - values.local_day(one.updated_at)).days
        due = one.ended_at is None and one.next_action_on is not None and one.next_action_on <= today
        one.shown = Shown(names, people, weighted(one), contacts.get(one.id), due,
                          quiet if one.ended_at is None and domain.is_quiet(quiet) else 0)  # type: ignore[attr-defined]


def weighted(lead: Lead) -> Money | None:
    """Expected amount × probability of a lead (LEAD-26)."""
    if lead.expected_minor is None or lead.currency is None:
        return None
    return Money.of_minor(domain.weighted_minor(lead.expected_minor, lead.probability), lead.currency)


def quiet_words(days: int) -> Any:
    """The flag of an open lead that nobody wrote in (LEAD-15); nothing where it is none."""
    return _l("no update for %(days)s", days=LazyString(days_words, days)) if days else ""


def sums(leads: Iterable[Lead], of: Any) -> list[Money]:
    """What ``of`` says of each lead, summed by currency."""
    found: dict[str, Money] = {}
    for one in leads:
        value = of(one)
        if value is not None:
            found[value.currency] = found[value.currency] + value if value.currency in found else value
    return [found[currency] for currency in sorted(found)]


def address(lead: Lead) -> str:
    return path_to("leads_lead.lead", id=lead.id)


# --- the board -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Move:
    """Where a lead may go from its column, what it needs for that, and by which act; ``open`` where this person can do it now."""

    to: str
    title: Any
    needs: Any
    act: str
    open: bool


@dataclass(frozen=True)
class BoardColumn:
    state: str
    title: Any
    gate: Any
    count: int
    total: Sequence[Money]
    leads: Sequence[Lead]


def board(session: Session, narrowed: sa.Select[Any], actor: Actor) -> list[BoardColumn]:
    """The leads of ``narrowed`` by state; each column has its newest cards, with its count and sum over all."""
    figures: dict[str, tuple[int, list[Money]]] = {}
    query = narrowed.with_only_columns(Lead.state, Lead.currency, sa.func.count(Lead.id), sa.func.sum(Lead.expected_minor), maintain_column_froms=True)
    for state, currency, count, minor in session.execute(query.order_by(None).group_by(Lead.state, Lead.currency).order_by(Lead.currency)):
        number, amounts = figures.get(state, (0, []))
        figures[state] = number + count, [*amounts, *([Money.of_minor(int(minor), currency)] if currency is not None else [])]
    columns = []
    for state, title in domain.states().items():
        count, total = figures.get(state, (0, []))
        own = narrowed.where(Lead.state == state).order_by(Lead.updated_at.desc(), Lead.id.desc()).limit(CARDS)
        cards = session.scalars(own).unique().all() if count else []
        columns.append(BoardColumn(state, title, domain.GATES[state], count, total, cards))
    shown = [one for column in columns for one in column.leads]
    describe(session, shown, actor)
    funded = set(session.scalars(sa.select(Lead.id).where(Lead.id.in_([one.id for one in shown]), queries.funded()))) if shown else set()
    for one in shown:
        one.moves = moves(one, actor, funded=one.id in funded)  # type: ignore[attr-defined]
    return columns


def moves(lead: Lead, actor: Actor, *, funded: bool) -> list[Move]:
    """The moves that the lead's state allows, each with its gate; success is open only when the money is there (LEAD-11, 13)."""
    found = []
    for to in domain.MOVES[lead.state]:
        act = domain.WAYS[lead.state, to]
        may = actor.may(services.NEEDS[act]) and (act != "succeed" or funded)
        found.append(Move(to, domain.states()[to], _l("The donor withdrew his pledge, and why") if act == "withdraw" else domain.GATES[to], act, may))
    return found


# --- one lead --------------------------------------------------------------------------------------------------------


def lead_page(session: Session, lead: Lead, actor: Actor) -> dict[str, Any]:
    """What the lead's page shows beside its forms; without the permission no donor and no word of theirs."""
    personal = actor.may(PERSONAL)
    progress, contacts, pledges = queries.progress_of(session, lead), queries.contacts_of(session, lead), queries.pledges_of(session, lead)
    names = staff.names_of(session, [*(one.made_by_id for one in progress), *(one.made_by_id for one in contacts), *(one.recorded_by_id for one in pledges),
                                 lead.study_id and lead.study.identified_by_id, lead.documented_by_id, lead.ended_by_id])
    live = next((one for one in pledges if one.withdrawn_at is None), None)
    return {
        "unreachable": lead.ended_at is None and not queries.living_donors(session, lead),
        "persons": persons.persons_of(session, [one.id for one in lead.shown.people]),  # type: ignore[attr-defined]
        "personal": personal, "hidden_words": HIDDEN, "track": track(lead, progress, names), "history": list(reversed(progress)), "people": names,
        "contacts": contacts, "handed": handed(session, contacts) if personal else {},
        "timeline": timeline(session, lead, progress, contacts, pledges, names, personal),
        "quiet_words": quiet_words(lead.shown.quiet_days),  # type: ignore[attr-defined]
        "pledge": told(session, live) if live is not None and personal else None, "money_in": queries.received_on(session, live) if live is not None else None,
        "files": files.attached_to(session, lead) if personal else [], "live": live,
        "next_step": runs.next_in_inbox(session, actor, record_type=lead.__tablename__, record_id=lead.id),
    }


@dataclass(frozen=True)
class ToldPledge:
    """A written pledge with what is open of each instalment."""

    pledge: WrittenPledge
    parts: Sequence[tuple[Any, Money]]
    received: Money


def told(session: Session, pledge: WrittenPledge) -> ToldPledge:
    parts = [one.pledge for one in queries.instalments_of(session, pledge)]
    left = finance.open_of_pledges(session, parts)
    return ToldPledge(pledge, [(one, left[one.id]) for one in parts], queries.received_on(session, pledge))


def handed(session: Session, contacts: Sequence[Contact]) -> dict[int, list[StoredFile]]:
    """The files that donors were given, by the contact's id."""
    ids = [one.id for one in contacts if one.document]
    query = sa.select(StoredFile).where(StoredFile.record_type == Contact.__tablename__, StoredFile.record_id.in_(ids)).order_by(StoredFile.id)
    found: dict[int, list[StoredFile]] = {}
    for one in session.scalars(query) if ids else ():
        found.setdefault(one.record_id, []).append(one)
    return found


def track(lead: Lead, progress: Sequence[Progress], names: Mapping[int, str]) -> list[TrackStep]:
    """The five states as a way: when the lead came to each and by whom, where it stands, what it did not need."""
    came = {one.state: one for one in progress if one.state != one.state_before}
    way = [domain.IDENTIFIED, domain.FOLLOW_UP, domain.CLOSING, domain.CANCELLED if lead.state == domain.CANCELLED else domain.SUCCESSFUL]
    place = way.index(lead.state)
    return [_cell(number, state, came.get(state), _stands(lead, state, number - 1, place, came), names) for number, state in enumerate(way, 1)]


def _stands(lead: Lead, state: str, at: int, place: int, came: Mapping[str, Progress]) -> str:
    if state == lead.state:
        return {domain.SUCCESSFUL: "done", domain.CANCELLED: "refused"}.get(state, "now")
    return "done" if at < place and state in came else "skipped" if at < place else "ahead"


def _cell(number: int, state: str, line: Progress | None, stands: str, names: Mapping[int, str]) -> TrackStep:
    shown = line if stands not in ("ahead", "skipped") else None
    return TrackStep(number, domain.states()[state], names.get(shown.made_by_id or 0, "") if shown else "", shown.made_at if shown else None, state=stands)


# --- what happened ---------------------------------------------------------------------------------------------------

ICONS = {domain.IDENTIFIED: "target", domain.FOLLOW_UP: "phone-call", domain.CLOSING: "writing-sign", domain.SUCCESSFUL: "check", domain.CANCELLED: "x"}


def timeline(
    session: Session, lead: Lead, progress: Sequence[Progress], contacts: Sequence[Contact], pledges: Sequence[WrittenPledge], names: Mapping[int, str],
    personal: bool,
) -> list[TimelineEntry]:
    """States, estimates, contacts and money of a lead, the newest first, beginning with its study."""
    lines = [TimelineEntry(lead.study.identified_at, _l("Studied"), lead.study.title, "search", who=names.get(lead.study.identified_by_id or 0, ""))]
    lines += [_of_progress(one, names, personal) for one in progress]
    lines += [_of_contact(one, names, personal) for one in contacts]
    for pledge in pledges:
        lines += [_of_money(one) for one in queries.contributions_of(session, pledge)]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _of_progress(one: Progress, names: Mapping[int, str], personal: bool) -> TimelineEntry:
    moved = one.state != one.state_before
    title = domain.states()[one.state] if moved else _l("Probability updated")
    chance = f"{one.probability}%" if one.probability_before in (None, one.probability) else f"{one.probability_before}% → {one.probability}%"
    words = one.reason if personal or not one.reason else HIDDEN
    return TimelineEntry(one.made_at, title, _l("%(chance)s %(words)s", chance=isolate(chance), words=isolate(words, "auto")) if words else isolate(chance),
                         ICONS[one.state] if moved else "chart-bar", who=names.get(one.made_by_id or 0, ""))


def _of_contact(one: Contact, names: Mapping[int, str], personal: bool) -> TimelineEntry:
    channel = domain.channels().get(one.channel, one.channel)
    words = f"{one.customer.name}: {one.summary}" if personal else HIDDEN
    title = _l("Contact: %(channel)s", channel=channel)
    return TimelineEntry(one.contacted_at, title, isolate(words, "auto"), "phone", who=names.get(one.made_by_id or 0, ""))


def _of_money(one: Contribution) -> TimelineEntry:
    title = _l("Money received") if one.amount_minor > 0 else _l("Money given back")
    amount = isolate(" ".join(printing.money_parts(one.amount)))
    return TimelineEntry(among_moments(one.received_on), title, _l("%(amount)s, %(reference)s", amount=amount, reference=isolate(one.reference)), "coins",
                         whole_day=True)


# --- interests -------------------------------------------------------------------------------------------------------


def interest_words(interest: Interest, discussion: Discussion | None) -> Any:
    """A kind of programmes, with what strategic planning said to it."""
    if discussion is None:
        return str(interest.name)
    if discussion.feasible:
        return _l("%(name)s: feasible, %(day)s", name=interest.name, day=day_words(discussion.discussed_on))
    return _l("%(name)s: not feasible, %(day)s", name=interest.name, day=day_words(discussion.discussed_on))


# --- contact persons and developments --------------------------------------------------------------------------------


def parts_of(session: Session) -> dict[int, Any]:
    """Who gives each of the three permissions, as the procedure says now (LEAD-22)."""
    return {part: procedures.step_at(session, domain.ASKING, part, work.now()).role for part in domain.PARTS}


def to_be_asked(session: Session, form: Any, actor: Actor) -> str:
    """The number of the donor of a refused contact for whom this person can ask for a permission; "" where he cannot (LEAD-22)."""
    donor = session.get(Customer, form.customer_id.data) if "customer_id" in form and form.customer_id.data else None
    if donor is None or not actor.may(persons.ASK) or not persons.objections(session, donor.id, services.PURPOSE, actor):
        return ""
    return "" if persons.open_request(session, donor.id, services.PURPOSE, actor) is not None else donor.number


def may_approve(session: Session, proposed: ContactPerson, actor: Actor) -> bool:
    """Whether the approve button is for this person: neither who proposed nor who is proposed (LEAD-21)."""
    own = (proposed.proposed_by_id, proposed.user_id)
    return actor.may(persons.APPROVE) and auth.approves(session, persons.DECISION, actor, made_by=own) and actor.user_id not in own


def describe_affected(session: Session, rows: Sequence[Development], actor: Actor) -> None:
    """Put ``shown`` beside each development: its programmes, and its donors for who may see them."""
    found = developments.affected(session, rows)
    for one in rows:
        names = [each.programme.name if each.programme is not None else each.customer.name if each.customer is not None and actor.may(PERSONAL) else HIDDEN
                 for each in found.get(one.id, ())]
        one.shown = " · ".join(str(name) for name in names)  # type: ignore[attr-defined]


def open_run(session: Session, record: Any, number: int) -> Any:
    """The open step of this number of a record, if there is one."""
    every = runs.steps_of(session, record_type=record.__tablename__, record_id=record.id)
    return next((one for one in every if one.step_number == number and one.is_open()), None)
