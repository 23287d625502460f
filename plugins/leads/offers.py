"""What leads offer elsewhere: a panel and the timeline of a customer, figures of "My day", hits of the search."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.admin.offers import Figure, Reading, SearchHit
from core.auth.actor import Actor
from core.calendar import day_words, local_day
from core.customers.models import Customer
from core.customers.offers import SummaryLine, TimelineEntry
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.procedures.models import StepRun
from core.text import isolate
from plugins.leads import domain, page, persons, problems, queries
from plugins.leads.models import Contact, Lead

LIST, INTERESTS, DISCUSSION, PORTFOLIO = "/leads/", "/leads/interests/", "/leads/discussion/", "/leads/portfolio/"
PROBLEMS = "/leads/problems/"


def panel(session: Session, customer: Customer, actor: Actor) -> list[SummaryLine]:
    """What the donor wants to fund, with what strategic planning said where no programme is, and the leads he is a donor of."""
    wanted = queries.interests_of(session, customer.id)
    discussed = queries.discussions_of(session, {one.interest_id for one in wanted})
    lines = [SummaryLine(_l("Wants to fund"), page.interest_words(one.interest, discussed.get(one.interest_id)), link=f"{INTERESTS}?q={customer.number}")
             for one in wanted]
    mine = queries.scope(sa.select(Lead).where(queries.of_donor(customer.id)), actor).order_by(Lead.id.desc()).limit(5)
    return lines + [SummaryLine(one.number, f"{one.programme.name} · {domain.states()[one.state]}", link=page.address(one)) for one in session.scalars(mine)]


def entries(session: Session, customer_id: int, actor: Actor, before: datetime | None, limit: int) -> list[TimelineEntry]:
    """The contacts with the donor on leads; what was said stays on the lead's own page."""
    query = sa.select(Contact, Lead).join(Lead, Lead.id == Contact.lead_id).where(Contact.customer_id == customer_id)
    if before is not None:
        query = query.where(Contact.contacted_at < before)
    found = session.execute(queries.scope(query, actor).order_by(Contact.contacted_at.desc(), Contact.id.desc()).limit(limit))
    return [TimelineEntry(contact.contacted_at, _l("Contact on lead %(number)s", number=lead.number),
                          f"{lead.programme.name} · {domain.channels().get(contact.channel, contact.channel)}", "target", page.address(lead),
                          touch_point="fundraising")
            for contact, lead in found.unique()]


def person_panel(session: Session, customer: Customer, actor: Actor) -> list[SummaryLine]:
    """Who speaks with the donor, and the problems that are to be resolved."""
    now_it = persons.person_of(session, customer.id)
    link = persons.page_of(customer)
    lines = [SummaryLine(_l("Contact person"), persons.named(now_it.user), link=link) if now_it is not None
             else SummaryLine(_l("Contact person"), _l("none is approved"), link=link)]
    if actor.may(problems.RESOLVE) or actor.may(queries.PERSONAL):
        lines += [SummaryLine(_l("Problem"), _l("%(number)s, to be resolved", number=isolate(one.number)), link=f"{PROBLEMS}{one.id}")
                  for one in problems.of_donor(session, customer.id)]
    if actor.may(problems.RECORD):
        lines.append(SummaryLine(_l("Problem with the donor"), _l("Record a problem"), link=f"{PROBLEMS}new/?customer={customer.number}"))
    return lines


# --- "My day" --------------------------------------------------------------------------------------------------------


def open_leads(session: Session, actor: Actor, now: datetime) -> Figure:
    """Open leads, and how many of them have a next action that is due."""
    today = local_day(now, settings.time_zone(session))
    count = sa.func.count(Lead.id)
    late = sa.func.count(Lead.id).filter(Lead.next_action_on <= today)
    found, due = session.execute(queries.scope(sa.select(count, late).where(queries.is_open()), actor)).one()
    words = _("%(n)s with an action that is due", n=due) if due else _("no action is due")
    return Figure(found, words, f"{LIST}?f.due=1" if due else f"{LIST}?f.state=open", "warn" if due else "")


def harm(session: Session, actor: Actor, now: datetime) -> Figure | None:
    """Problems that may harm a relation, before everything else, until they are resolved (LEAD-23)."""
    found = problems.waiting(session)
    return Figure(found, _l("top priority: to be resolved at once"), f"{PROBLEMS}?f.state=open", "bad") if found else None


def quiet(session: Session, actor: Actor, now: datetime) -> Figure:
    """Open leads without an update for more than 7 days (LEAD-15)."""
    waiting = queries.scope(sa.select(sa.func.count(Lead.id)).where(queries.quiet(now, settings.time_zone(session))), actor)
    found = session.scalar(waiting) or 0
    return Figure(found, _l("for more than 7 days"), f"{LIST}?f.quiet=1", "bad" if found else "")


def funded(session: Session, actor: Actor, now: datetime) -> Figure | None:
    """Leads that wait for the manager's word: the pledged money was received (LEAD-20)."""
    waiting = sa.select(sa.func.count(StepRun.id)).where(StepRun.procedure_code == domain.CREATION, StepRun.step_number == domain.DECIDE,
                                                         StepRun.record_type == Lead.__tablename__, StepRun.ended_at.is_(None))
    found = session.scalar(waiting) or 0
    return Figure(found, _l("to be set to successful"), f"{LIST}?f.funded=1", "warn") if found else None


def portfolio_due(session: Session, actor: Actor, now: datetime) -> Figure | None:
    """The reminder that a portfolio is expected (LEAD-02)."""
    waiting = queries.portfolio_awaited(session)
    if waiting is None:
        return None
    late = local_day(now, settings.time_zone(session)) > waiting.expected_on
    words = _("expected since %(day)s", day=day_words(waiting.expected_on))
    return Figure(waiting.number, words, f"{PORTFOLIO}{waiting.id}", "bad" if late else "warn")


def undiscussed(session: Session, actor: Actor, now: datetime) -> Figure | None:
    found = len(queries.without_programme(session))
    return Figure(found, _l("to be discussed with strategic planning"), DISCUSSION, "warn") if found else None


# --- the search ------------------------------------------------------------------------------------------------------


def find(session: Session, reading: Reading, actor: Actor, limit: int) -> list[SearchHit]:
    """Leads by number or programme; by their donors for who may see them."""
    text = reading.value if reading.kind == "phone" else reading.text
    query = queries.scope(queries.matching(sa.select(Lead), session, text, actor, newest=True), actor)
    found = session.scalars(query.order_by(Lead.id.desc()).limit(limit)).all()
    page.describe(session, found, actor)
    return [_hit(one) for one in found]


def _hit(one: Lead) -> SearchHit:
    shown = one.shown  # type: ignore[attr-defined]
    words = " · ".join(str(word) for word in (domain.states()[one.state], shown.donors) if word)
    return SearchHit(str(one.programme.name), page.address(one), words, one.number, "target")
