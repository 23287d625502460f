"""The people of the register: an employee, a manager, the data officer and the deputy, and a form filled by the employee."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core import work
from core.auth import services as auth
from core.auth.actor import Actor
from core.auth.models import User
from core.customers import entry, officers, services
from core.customers.models import Customer, CustomerForm
from core.testing import actor_with

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)
"""09:00 in Makkah."""
ADMIN = actor_with("auth.manage_users", "auth.manage_roles", label="administrator")
NOOR = {"name": "شركة النور", "customer_class": "donor", "mobile": "0550000001", "registration_origin": "call"}


@dataclass
class Person:
    user: User
    actor: Actor


@dataclass
class People:
    employee: Person
    manager: Person
    officer: Person
    deputy: Person


def person(session: Session, username: str, *roles: str) -> Person:
    """Somebody with these roles, as the sign-in would make the actor."""
    work.begin_write(session)
    user = auth.add_user(session, username=username, name_ar=f"شخص {username}", actor=ADMIN, now=NOW)
    for role in roles:
        auth.grant_role(session, user, role, actor=ADMIN)
    return Person(user, auth.actor_for(session, user, source="web", now=NOW))


@pytest.fixture
def people(session: Session) -> People:
    """E, M, P and D of the acceptance stories; P and D are appointed."""
    found = People(person(session, "employee", "crm_employee"), person(session, "manager", "crm_manager"),
                   person(session, "officer", "customer_data_officer"), person(session, "deputy", "customer_data_deputy"))
    officers.appoint(session, found.officer.user.id, "primary", actor=found.manager.actor, now=NOW)
    officers.appoint(session, found.deputy.user.id, "deputy", actor=found.manager.actor, now=NOW)
    return found


@pytest.fixture
def fill(session: Session, people: People) -> Callable[..., CustomerForm]:
    """Fill a form for شركة النور as the employee; keywords change its values."""

    def make(customer: Customer | None = None, draft: bool = False, **values: Any) -> CustomerForm:
        work.begin_write(session)  # signing somebody in has committed
        given = {**({} if customer is not None else NOOR), **values}
        return services.fill_form(session, given, actor=people.employee.actor, now=NOW, customer=customer, draft=draft)

    return make


@pytest.fixture
def approved(session: Session, people: People, fill: Callable[..., CustomerForm]) -> Callable[..., CustomerForm]:
    """A form that is reviewed and approved by the manager."""

    def make(customer: Customer | None = None, **values: Any) -> CustomerForm:
        form = fill(customer, **values)
        services.review(session, form, actor=people.manager.actor, now=NOW)
        return services.approve(session, form, actor=people.manager.actor, now=NOW)

    return make


@pytest.fixture
def customer(session: Session, people: People, approved: Callable[..., CustomerForm]) -> Callable[..., Customer]:
    """A customer that went the whole way."""

    def make(**values: Any) -> Customer:
        form = entry.enter(session, approved(**values), actor=people.officer.actor, now=NOW)
        found = form.line.customer
        assert found is not None
        return found

    return make
