"""A donor with a mobile and an e-mail address, and somebody who may record what he says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.consent import services
from core.consent.models import Consent
from core.customers.models import Customer
from tests.core.customers.conftest import NOW, People, approved, customer, fill, people  # noqa: F401 - fixtures


@pytest.fixture
def employee(people: People) -> Actor:  # noqa: F811
    return people.employee.actor


@pytest.fixture
def donor(customer: Callable[..., Customer]) -> Customer:  # noqa: F811
    return customer(email="noor@example.org")


@pytest.fixture
def give(session: Session, donor: Customer, employee: Actor) -> Callable[..., list[Consent]]:
    """The donor consents, on a signed form; keywords change it."""

    def make(channel: str = "email", purpose: str = "marketing", **values: Any) -> list[Consent]:
        return services.give(session, donor, channel, purpose, **{"source": "form", "actor": employee, "now": NOW, **values})

    return make


@pytest.fixture
def withdraw(session: Session, donor: Customer, employee: Actor) -> Callable[..., Consent | None]:
    """The donor withdraws, by a call."""

    def make(channel: str = "email", purpose: str = "marketing", **values: Any) -> Consent | None:
        return services.withdraw(session, donor, channel, purpose, **{"source": "call", "actor": employee, "now": NOW, **values})

    return make
