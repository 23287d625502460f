"""Demo money: a year of contributions, some pledges, a refund, and the batch of the month before."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor
from core.calendar import local_day
from core.customers.models import Customer
from core.finance import accounts, batches, services
from core.finance.models import Contribution
from core.finance.services import Gift
from core.money import Money, minor_units
from core.organisation.models import Programme

GIFTS, PLEDGES = 900, 24
METHODS = ("bank", "bank", "card", "cash", "online", "sms")


def make(session: Session, actor: Actor, now: datetime) -> None:
    """Record it all through the services, with the accounts of a charity's ledger."""
    chance = random.Random(settings.currency(session))
    today = local_day(now, settings.time_zone(session))
    donors = list(session.scalars(select(Customer.id).where(Customer.customer_class == "donor").order_by(Customer.id).limit(400)))
    programmes = list(session.scalars(select(Programme.id).order_by(Programme.id)))
    _accounts(session, actor)
    _pledge(session, chance, donors, programmes, today, actor, now)
    gifts = sorted((_gift(session, chance, donors, programmes, today) for _n in range(GIFTS)), key=lambda gift: gift.received_on)
    services.record_contributions(session, gifts, actor=actor, now=now)
    _refund(session, today, actor, now)
    last = today.replace(day=1) - timedelta(days=1)
    batches.issue_batch(session, batches.Choice(last.replace(day=1), last), actor=actor, now=now)


def _accounts(session: Session, actor: Actor) -> None:
    by_method = {"bank": "1110", "cash": "1120", "card": "1130", "online": "1130", "sms": "1140", "cheque": "1110"}
    by_fund = {"zakat": "4110", "sadaqah": "4120", "sadaqah_jariyah": "4130", "waqf": "4140", "general": "4100"}
    for code in ("generic", "odoo_account_move"):
        options = {option.key: str(option.default or "DON") for option in accounts.layout_of(code).options}
        accounts.save_layout(session, code, method_accounts=by_method, fund_accounts=by_fund, options=options, actor=actor)


def _amount(session: Session, chance: random.Random, least: int, most: int) -> Money:
    currency = settings.currency(session)
    whole = Decimal(chance.randint(least, most) * 5)
    return Money(whole.quantize(Decimal(1).scaleb(-minor_units(currency))), currency)


def _gift(session: Session, chance: random.Random, donors: list[int], programmes: list[int], today: date) -> Gift:
    return Gift(chance.choice(donors), _amount(session, chance, 4, 240), today - timedelta(days=chance.randint(0, 364)), chance.choice(METHODS),
                chance.choice(programmes), chance.choice(("zakat", "sadaqah", "sadaqah_jariyah", "general")))


def _pledge(session: Session, chance: random.Random, donors: list[int], programmes: list[int], today: date, actor: Actor, now: datetime) -> None:
    for _n in range(PLEDGES):
        promised = today - timedelta(days=chance.randint(20, 300))
        services.record_pledge(session, customer_id=chance.choice(donors), amount=_amount(session, chance, 400, 4000), promised_on=promised,
                               due_on=promised + timedelta(days=chance.choice((30, 90, 180))), programme_id=chance.choice(programmes), fund="sadaqah",
                               actor=actor, now=now)


def _refund(session: Session, today: date, actor: Actor, now: datetime) -> None:
    given = session.scalars(select(Contribution).order_by(Contribution.received_on.desc(), Contribution.id.desc())).first()
    if given is not None:
        services.record_refund(session, given, refunded_on=today, memo="double payment", actor=actor, now=now)
