"""Selects used twice: whose leads one reads, their donors, contacts and pledges, which programmes match which interests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor
from core.calendar import add_months, day_bounds, local_day
from core.customers import queries as customers
from core.customers.models import Customer
from core.finance.models import Contribution
from core.imports.models import Import
from core.keys import has_key
from core.money import Money
from core.organisation.models import Programme
from core.text import fold, normalise_digits
from plugins.leads import domain
from plugins.leads.models import (
    Contact,
    Discussion,
    DonorInterest,
    Former,
    Instalment,
    Interest,
    Item,
    Lead,
    LeadDonor,
    Portfolio,
    PotentialDonor,
    Progress,
    Study,
    WrittenPledge,
)
from plugins.leads.settings import INTERVAL

READ, PERSONAL = "leads.read", "leads.personal"


def scope(query: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
    """Whoever may read leads reads all of them; whose they are stands on them for who may see donors (``leads.personal``)."""
    return query if actor.may(READ) else query.where(sa.false())


# --- leads -----------------------------------------------------------------------------------------------------------


def by_id(session: Session, lead_id: int, actor: Actor) -> Lead | None:
    return session.scalar(scope(sa.select(Lead).where(Lead.id == lead_id), actor))


def is_open() -> sa.ColumnElement[bool]:
    """A condition on Lead: it has no outcome yet."""
    return Lead.ended_at.is_(None)


def quiet(now: datetime, zone: ZoneInfo) -> sa.ColumnElement[bool]:
    """A condition on Lead: open, and nothing was written in it for more than 7 days (LEAD-15)."""
    first = local_day(now, zone) - timedelta(days=domain.QUIET_AFTER_DAYS)
    return sa.and_(is_open(), Lead.updated_at < day_bounds(first, zone)[0])


def open_leads(session: Session) -> Sequence[Lead]:
    return session.scalars(sa.select(Lead).where(is_open()).order_by(Lead.id)).all()


def of_donor(customer_id: int) -> sa.ColumnElement[bool]:
    """A condition on Lead: this customer is one of its donors."""
    return Lead.id.in_(sa.select(LeadDonor.lead_id).where(LeadDonor.customer_id == customer_id))


def of_interest(interest_id: int) -> sa.ColumnElement[bool]:
    """A condition on Lead: its programme is of this kind, as the newest portfolio that has it says."""
    return Lead.programme_id.in_(sa.select(Item.programme_id).where(Item.id.in_(newest_items()), Item.interest_id == interest_id))


def matching(query: sa.Select[Any], session: Session, text: str, actor: Actor, *, newest: bool = False) -> sa.Select[Any]:
    """``query`` over Lead, narrowed to a number, a programme by name, or a donor for who may see donors."""
    text = normalise_digits(text).strip()
    ways: list[sa.ColumnElement[bool]] = [Lead.number.startswith(text.upper(), autoescape=True)]
    words = fold(text).split()
    if words:
        named = [one.id for one in session.scalars(sa.select(Programme)) if all(word in fold(f"{one.name_ar} {one.name_en}") for word in words)]
        ways.append(Lead.programme_id.in_(named))
    if actor.may(PERSONAL) and text:
        ways.append(Lead.id.in_(sa.select(LeadDonor.lead_id).where(customers.whose(session, LeadDonor.customer_id, text, actor, newest=newest))))
    return query.where(sa.or_(*ways))


def donors_of(session: Session, lead_ids: Iterable[int]) -> dict[int, list[Customer]]:
    """The donors of each lead, in the order in which they were added."""
    found: dict[int, list[Customer]] = {}
    query = sa.select(LeadDonor).where(LeadDonor.lead_id.in_(list(lead_ids))).order_by(LeadDonor.id)
    for one in session.scalars(query):
        found.setdefault(one.lead_id, []).append(one.customer)
    return found


def living_donors(session: Session, lead: Lead) -> list[Customer]:
    """The donors of a lead but for those whose data was erased."""
    return [one for one in donors_of(session, [lead.id]).get(lead.id, []) if has_key(session, one.subject_id)]


def last_contacts(session: Session, lead_ids: Iterable[int]) -> dict[int, Contact]:
    """The last contact of each lead that has one."""
    last = sa.select(sa.func.max(Contact.id)).where(Contact.lead_id.in_(list(lead_ids))).group_by(Contact.lead_id)
    return {one.lead_id: one for one in session.scalars(sa.select(Contact).where(Contact.id.in_(last)))}


def contacts_of(session: Session, lead: Lead) -> Sequence[Contact]:
    return session.scalars(sa.select(Contact).where(Contact.lead_id == lead.id).order_by(Contact.contacted_at.desc(), Contact.id.desc())).all()


def progress_of(session: Session, lead: Lead) -> Sequence[Progress]:
    return session.scalars(sa.select(Progress).where(Progress.lead_id == lead.id).order_by(Progress.made_at, Progress.id)).all()


def studies_waiting(session: Session) -> Sequence[Study]:
    """Opportunities that were studied and are not documented as a lead yet."""
    return session.scalars(sa.select(Study).where(Study.id.not_in(sa.select(Lead.study_id))).order_by(Study.id)).all()


def lead_of_study(session: Session, study: Study) -> Lead | None:
    return session.scalar(sa.select(Lead).where(Lead.study_id == study.id))


# --- pledges ---------------------------------------------------------------------------------------------------------


def live_pledge(session: Session, lead: Lead) -> WrittenPledge | None:
    """The written pledge that holds now."""
    return session.scalar(sa.select(WrittenPledge).where(WrittenPledge.lead_id == lead.id, WrittenPledge.withdrawn_at.is_(None)))


def pledges_of(session: Session, lead: Lead) -> Sequence[WrittenPledge]:
    return session.scalars(sa.select(WrittenPledge).where(WrittenPledge.lead_id == lead.id).order_by(WrittenPledge.id)).all()


def instalments_of(session: Session, pledge: WrittenPledge) -> Sequence[Instalment]:
    return session.scalars(sa.select(Instalment).where(Instalment.written_pledge_id == pledge.id).order_by(Instalment.id)).all()


def contributions_of(session: Session, pledge: WrittenPledge) -> Sequence[Contribution]:
    """What was received on a written pledge, refunds among them, the oldest first."""
    own = sa.select(Instalment.core_pledge_id).where(Instalment.written_pledge_id == pledge.id)
    return session.scalars(sa.select(Contribution).where(Contribution.pledge_id.in_(own)).order_by(Contribution.received_on, Contribution.id)).all()


def received_on(session: Session, pledge: WrittenPledge) -> Money:
    """What was received on a written pledge, less what was given back."""
    own = sa.select(Instalment.core_pledge_id).where(Instalment.written_pledge_id == pledge.id)
    minor = session.scalar(sa.select(sa.func.coalesce(sa.func.sum(Contribution.amount_minor), 0)).where(Contribution.pledge_id.in_(own)))
    return Money.of_minor(int(minor or 0), pledge.currency)


def funded() -> sa.ColumnElement[bool]:
    """A condition on Lead: it is closing and what was pledged for it has been received (LEAD-11)."""
    received = (sa.select(sa.func.coalesce(sa.func.sum(Contribution.amount_minor), 0)).join(Instalment, Instalment.core_pledge_id == Contribution.pledge_id)
                .where(Instalment.written_pledge_id == WrittenPledge.id).correlate(WrittenPledge).scalar_subquery())
    covered = sa.select(WrittenPledge.lead_id).where(WrittenPledge.withdrawn_at.is_(None), received >= WrittenPledge.amount_minor)
    return sa.and_(Lead.state == domain.CLOSING, Lead.id.in_(covered))


def pledge_of_contribution(session: Session, contribution_id: int) -> WrittenPledge | None:
    """The written pledge that a contribution was given for."""
    paid = sa.select(Contribution.pledge_id).where(Contribution.id == contribution_id)
    return session.scalar(sa.select(WrittenPledge).join(Instalment).where(Instalment.core_pledge_id == paid.scalar_subquery()))


# --- interests and portfolio -----------------------------------------------------------------------------------------


def interests(session: Session, *, active: bool = True) -> Sequence[Interest]:
    query = sa.select(Interest).order_by(Interest.name_ar, Interest.id)
    return session.scalars(query.where(Interest.active) if active else query).all()


def interests_of(session: Session, customer_id: int) -> Sequence[DonorInterest]:
    """What a donor wants to fund now."""
    query = sa.select(DonorInterest).where(DonorInterest.customer_id == customer_id, DonorInterest.ended_at.is_(None))
    return session.scalars(query.order_by(DonorInterest.id)).all()


def discussions_of(session: Session, interest_ids: Iterable[int]) -> dict[int, Discussion]:
    """The last discussion of each kind of programmes that was discussed."""
    last = sa.select(sa.func.max(Discussion.id)).where(Discussion.interest_id.in_(list(interest_ids))).group_by(Discussion.interest_id)
    return {one.interest_id: one for one in session.scalars(sa.select(Discussion).where(Discussion.id.in_(last)))}


def newest_items() -> sa.Select[Any]:
    """Of each programme in use the line of the portfolio that came last."""
    return (sa.select(sa.func.max(Item.id)).join(Programme, Programme.id == Item.programme_id).where(Programme.active).group_by(Item.programme_id))


def without_programme(session: Session) -> list[tuple[Interest, int]]:
    """Kinds that donors want to fund, that no programme is of and that were not discussed yet, with how many donors want each (LEAD-04)."""
    offered = sa.select(Item.interest_id).where(Item.id.in_(newest_items()))
    count = sa.func.count(sa.distinct(DonorInterest.customer_id))
    query = (sa.select(Interest, count).join(DonorInterest, DonorInterest.interest_id == Interest.id)
             .where(DonorInterest.ended_at.is_(None), Interest.id.not_in(offered), Interest.id.not_in(sa.select(Discussion.interest_id)))
             .group_by(Interest.id).order_by(count.desc(), Interest.id))
    return [(interest, int(wanted)) for interest, wanted in session.execute(query)]


def donors_wanting(session: Session, interest_id: int, actor: Actor) -> Sequence[Customer]:
    """Donors that this person may read, whose interest is in this kind of programmes (LEAD-16)."""
    wanting = sa.select(DonorInterest.customer_id).where(DonorInterest.interest_id == interest_id, DonorInterest.ended_at.is_(None))
    return session.scalars(customers.scope(sa.select(Customer).where(Customer.id.in_(wanting)), actor).order_by(Customer.id)).all()


def newest_item(session: Session, programme_id: int) -> Item | None:
    return session.scalar(sa.select(Item).where(Item.programme_id == programme_id).order_by(Item.id.desc()).limit(1))


def proposed_for(session: Session, programme_id: int, actor: Actor) -> list[Customer]:
    """Whom the system proposes for a programme: those the manager listed, then those whose interest is of its kind (LEAD-16)."""
    item = newest_item(session, programme_id)
    if item is None:
        return []
    listed = sa.select(PotentialDonor.customer_id).where(PotentialDonor.item_id == item.id)
    first = session.scalars(customers.scope(sa.select(Customer).where(Customer.id.in_(listed)), actor).order_by(Customer.id)).all()
    return list(dict.fromkeys([*first, *donors_wanting(session, item.interest_id, actor)]))


def items_of(session: Session, portfolio: Portfolio) -> Sequence[Item]:
    return session.scalars(sa.select(Item).where(Item.portfolio_id == portfolio.id).order_by(Item.id)).all()


def potential_of(session: Session, item_ids: Iterable[int]) -> dict[int, list[PotentialDonor]]:
    found: dict[int, list[PotentialDonor]] = {}
    for one in session.scalars(sa.select(PotentialDonor).where(PotentialDonor.item_id.in_(list(item_ids))).order_by(PotentialDonor.id)):
        found.setdefault(one.item_id, []).append(one)
    return found


def former_files(session: Session) -> list[tuple[int, str]]:
    """The files from which leads of former registers came, the newest first."""
    query = sa.select(Import.id, Import.file_name).where(Import.id.in_(sa.select(Former.import_id))).order_by(Import.id.desc())
    return [(int(key), str(name)) for key, name in session.execute(query)]


def portfolio_awaited(session: Session) -> Portfolio | None:
    """The portfolio that is to come, where its day has come."""
    return session.scalar(sa.select(Portfolio).where(Portfolio.received_on.is_(None)).order_by(Portfolio.id).limit(1))


def next_portfolio_on(session: Session) -> date | None:
    """The day on which the last portfolio is as old as the association allows; None where none was ever received (LEAD-02)."""
    last = session.scalar(sa.select(sa.func.max(Portfolio.received_on)))
    return None if last is None else add_months(last, int(settings.get(session, INTERVAL)))


def weighted_by_programme(session: Session, programme_ids: Iterable[int] | None = None) -> dict[int, list[Money]]:
    """Expected amount × probability of the open leads, summed for each programme and currency (LEAD-26)."""
    query = sa.select(Lead.programme_id, Lead.currency, Lead.expected_minor, Lead.probability).where(is_open(), Lead.expected_minor.is_not(None))
    if programme_ids is not None:
        query = query.where(Lead.programme_id.in_(list(programme_ids)))
    sums: dict[tuple[int, str], int] = {}
    for programme_id, currency, minor, probability in session.execute(query):
        sums[programme_id, currency] = sums.get((programme_id, currency), 0) + domain.weighted_minor(minor, probability)
    found: dict[int, list[Money]] = {}
    for (programme_id, currency), minor in sorted(sums.items()):
        found.setdefault(programme_id, []).append(Money.of_minor(minor, currency))
    return found
