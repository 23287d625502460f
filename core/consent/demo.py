"""Demo consents: most donors agreed to e-mail and SMS, some withdrew later, a few share their data."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.auth import services as auth
from core.auth.queries import holders_of
from core.consent import services
from core.consent.domain import ALL, EMAIL, FUNDRAISING, MARKETING, PHONE, SHARING, SMS
from core.customers import queries as customers
from core.customers.models import Customer

PEOPLE = 120


def make(session: Session, now: datetime) -> None:
    """Through the services, by an employee of the customers' department; nothing where the demo has none."""
    staff = holders_of(session, "crm_employee")
    if not staff:
        return
    actor, chance = auth.actor_for(session, staff[0], source="demo", now=now), random.Random(7)
    donors = customers.scope(sa.select(Customer).where(Customer.customer_class == "donor").order_by(Customer.id).limit(PEOPLE), actor)
    for number, donor in enumerate(session.scalars(donors).all()):
        _course(session, donor, number, chance, actor, now)


def _course(session: Session, donor: Customer, number: int, chance: random.Random, actor: Any, now: datetime) -> None:
    at = now - timedelta(days=chance.randint(20, 300))
    by = {"source": chance.choice(("form", "call", "web")), "actor": actor, "now": at}
    if number % 4:
        services.give(session, donor, EMAIL, MARKETING, **by)
        services.give(session, donor, SMS, FUNDRAISING, **by)
    if number % 9 == 1:
        services.give(session, donor, ALL, SHARING, **by)
    later = {"source": "call", "actor": actor, "now": at + timedelta(days=15)}
    if number % 11 == 2:
        services.withdraw(session, donor, EMAIL, MARKETING, **later)
    if number % 17 == 4:
        services.withdraw(session, donor, PHONE, ALL, note="يفضل الرسائل", **later)
    if number % 29 == 5:
        services.withdraw_all(session, donor, **later)
