"""A donor, somebody of finance, and ways to record money."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.customers.models import Customer
from core.finance import services
from core.finance.models import Contribution
from core.money import Money
from core.testing import actor_with
from tests.core.customers.conftest import approved, customer, fill, people  # noqa: F401

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)
"""09:00 in Makkah."""
FINANCE = actor_with("finance.read", "finance.record", "finance.export", "finance.settings", "customers.read", label="finance", scopes={"*": "all"})


def sar(text: str) -> Money:
    return Money(Decimal(text), "SAR")


@pytest.fixture
def finance() -> Actor:
    return FINANCE


@pytest.fixture
def donor(customer: Callable[..., Customer]) -> Customer:  # noqa: F811
    return customer()


@pytest.fixture
def give(session: Session, donor: Customer) -> Callable[..., Contribution]:
    """Record a contribution of the donor; keywords change it."""

    def record(text: str = "100.00", **values: Any) -> Contribution:
        given = {"customer_id": donor.id, "amount": sar(text), "received_on": date(2026, 1, 10), "method": "bank", "fund": "zakat", **values}
        return services.record_contribution(session, **given, actor=FINANCE, now=NOW)

    return record
