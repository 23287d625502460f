"""The portfolio of programmes: expected, received and reviewed, with the potential donors of each programme (LEAD-01, 02, 16)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth import queries as staff
from core.auth.actor import Actor, authorize
from core.calendar import day_words, local_day
from core.customers import queries as customers
from core.errors import Conflict, InvalidInput, InvalidInputs, NotFound
from core.i18n import lazy_gettext as _l
from core.money import Money
from core.notices.services import notify
from core.numbering import next_value
from core.organisation.models import Programme
from core.sending import made_before
from core.text import clean
from plugins.leads import domain, queries, steps
from plugins.leads.models import Interest, Item, Portfolio, PotentialDonor

KEEP = "leads.portfolio"
LONGEST_FROM = 200


def remind(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """The job of each day: when the last portfolio is 6 or 12 months old, or none was ever received, one is expected (LEAD-02)."""
    today = local_day(now, settings.time_zone(session))
    day = queries.next_portfolio_on(session) or today
    if day > today or queries.portfolio_awaited(session) is not None:
        return
    made = _new(session, day)
    steps.expected(session, made, now=now)
    holders = {one.id for role in staff.roles_granting(session, KEEP) for one in staff.holders_of(session, role.slug)}
    notify(session, sorted(holders), _l("A portfolio of programmes is expected from strategic planning since %(day)s.", day=day_words(day)),
           link=f"/leads/portfolio/{made.id}", now=now)


def receive(
    session: Session, *, received_on: date | None, received_from: str, review: str = "", operation_key: str | None = None, actor: Actor, now: datetime,
) -> Portfolio:
    """Step 1: the portfolio came from strategic planning and was reviewed; the one that was expected is this one. Raises InvalidInputs."""
    authorize(session, actor, KEEP, rule="LEAD-02")
    known = made_before(session, Portfolio, operation_key, recorded_by_id=actor.user_id)
    if known is not None:
        return known
    received_from = clean(received_from, "received_from", longest=LONGEST_FROM)
    review = clean(review, "review", multiline=True, longest=domain.LONGEST_TEXT)
    today = local_day(now, settings.time_zone(session))
    faults = [InvalidInput(message, field=field, rule="LEAD-02") for field, wrong, message in (
        ("received_on", received_on is None, _l("Give the day on which the portfolio was received.")),
        ("received_on", received_on is not None and received_on > today, _l("The day of receipt lies in the future.")),
        ("received_from", not received_from, _l("Write who supplied the portfolio.")),
        ("review", not review, _l("Write what the review of the portfolio found.")),
    ) if wrong]
    if faults:
        raise InvalidInputs(faults)
    assert received_on is not None
    made = queries.portfolio_awaited(session) or _new(session, received_on)
    made.received_on, made.received_from, made.review = received_on, received_from, review
    made.recorded_at, made.recorded_by_id, made.operation_key = now, actor.user_id, operation_key or None
    session.flush()
    next_on = queries.next_portfolio_on(session)
    assert next_on is not None
    steps.received(session, made, next_on, actor=actor, now=now)
    return made


def _new(session: Session, expected_on: date) -> Portfolio:
    made = Portfolio(number=f"PF-{next_value(session, 'leads_portfolio'):04d}", expected_on=expected_on, review="")
    session.add(made)
    session.flush()
    return made


def add_item(
    session: Session, portfolio: Portfolio, *, programme_id: int | None, interest_id: int | None, needed: Money | None, starts_on: date | None = None,
    ends_on: date | None = None, description: str = "", actor: Actor, now: datetime,
) -> Item:
    """Put a programme or activity into a portfolio: its kind, what it needs and when it runs; once in each portfolio. Raises InvalidInputs."""
    authorize(session, actor, KEEP, rule="LEAD-01")
    if portfolio.received_on is None:
        raise Conflict(_l("This portfolio was not received yet. Record its receipt first."), rule="LEAD-01")
    programme = session.get(Programme, programme_id) if programme_id is not None else None
    interest = session.get(Interest, interest_id) if interest_id is not None else None
    faults = [InvalidInput(message, field=field, rule="LEAD-01") for field, wrong, message in (
        ("programme_id", programme is None or not programme.active, _l("Choose the programme or activity.")),
        ("interest_id", interest is None, _l("Choose the kind of the programme.")),
        ("amount", needed is None or needed.amount <= 0, _l("Write the amount that the programme needs.")),
        ("ends_on", bool(starts_on and ends_on and ends_on < starts_on), _l("The programme ends before it begins.")),
    ) if wrong]
    if faults:
        raise InvalidInputs(faults)
    assert programme is not None
    assert interest is not None
    assert needed is not None
    if session.scalar(sa.select(Item.id).where(Item.portfolio_id == portfolio.id, Item.programme_id == programme.id)) is not None:
        raise InvalidInput(_l("“%(name)s” is in this portfolio already.", name=programme.name), field="programme_id", value=programme.id, rule="LEAD-01")
    made = Item(portfolio_id=portfolio.id, programme_id=programme.id, interest_id=interest.id, needed_minor=needed.minor, currency=needed.currency,
                starts_on=starts_on, ends_on=ends_on, description=clean(description, "description", multiline=True, longest=domain.LONGEST_TEXT))
    session.add(made)
    session.flush()
    return made


# --- potential donors (step 2) -----------------------------------------------------------------------------------------


def list_donor(session: Session, item: Item, customer_number: str, *, actor: Actor, now: datetime) -> PotentialDonor:
    """A donor may fund this programme; listed twice he is listed once (LEAD-16)."""
    authorize(session, actor, KEEP, rule="LEAD-16")
    customer = customers.readable(session, customer_number, actor, field="customer_number")
    known = session.scalar(sa.select(PotentialDonor).where(PotentialDonor.item_id == item.id, PotentialDonor.customer_id == customer.id))
    if known is not None:
        return known
    made = PotentialDonor(item_id=item.id, customer_id=customer.id, listed_at=now, listed_by_id=actor.user_id)
    session.add(made)
    session.flush()
    return made


def drop_donor(session: Session, one: PotentialDonor, *, actor: Actor, now: datetime) -> None:
    """Take a donor off the list of a programme."""
    authorize(session, actor, KEEP, rule="LEAD-16")
    audit.name_action(session, one, "remove")
    session.delete(one)
    session.flush()


def close_list(session: Session, portfolio: Portfolio, *, actor: Actor, now: datetime) -> Portfolio:
    """Step 2 is done: the potential donors of the portfolio's programmes are listed. Raises Conflict while nobody is."""
    authorize(session, actor, KEEP, rule="LEAD-16")
    session.refresh(portfolio, with_for_update=True)
    if portfolio.listed_at is not None:
        raise Conflict(_l("The list of potential donors was closed before."), rule="LEAD-16")
    items = queries.items_of(session, portfolio)
    if not items:
        raise Conflict(_l("The portfolio has no programme yet. Add its programmes, then their potential donors."), rule="LEAD-16")
    if not queries.potential_of(session, (one.id for one in items)):
        raise Conflict(_l("No programme of the portfolio has a potential donor yet. List those who may fund one of them."), rule="LEAD-16")
    portfolio.listed_at, portfolio.listed_by_id = now, actor.user_id
    audit.name_action(session, portfolio, "close")
    session.flush()
    steps.listed(session, portfolio, actor=actor, now=now)
    return portfolio


# --- looking up --------------------------------------------------------------------------------------------------------


def portfolio_for(session: Session, portfolio_id: int) -> Portfolio:
    found = session.get(Portfolio, portfolio_id)
    if found is None:
        raise NotFound(_l("There is no such portfolio."))
    return found


def item_for(session: Session, portfolio: Portfolio, item_id: int) -> Item:
    found = session.get(Item, item_id)
    if found is None or found.portfolio_id != portfolio.id:
        raise NotFound(_l("There is no such programme in this portfolio."))
    return found
