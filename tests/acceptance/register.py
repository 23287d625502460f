"""E, M, P and D of the stories about the register, with the roles that the manual gives them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core import work
from core.auth import services as auth
from core.auth.actor import Actor
from core.auth.models import User
from core.customers import officers, services
from core.customers.models import Customer, CustomerForm
from core.testing import actor_with

ADMINISTRATOR = actor_with("auth.manage_users", "auth.manage_roles", label="administrator")
NOOR = {"name": "شركة النور", "customer_class": "donor", "mobile": "0550000001", "registration_origin": "visit"}


@dataclass
class People:
    """Actors as the sign-in makes them, and their users."""

    employee: Actor
    manager: Actor
    officer: Actor
    deputy: Actor
    users: dict[str, User]


def register_people(session: Session, now: datetime) -> People:
    """An employee, a manager, the primary data officer and the deputy, the latter two appointed by the manager."""
    roles = {"employee": "crm_employee", "manager": "crm_manager", "officer": "customer_data_officer", "deputy": "customer_data_deputy"}
    users = {name: add_person(session, name, role, now) for name, role in roles.items()}
    actors = {name: auth.actor_for(session, user, source="web", now=now) for name, user in users.items()}
    people = People(**actors, users=users)
    officers.appoint(session, users["officer"].id, "primary", actor=people.manager, now=now)
    officers.appoint(session, users["deputy"].id, "deputy", actor=people.manager, now=now)
    return people


def add_person(session: Session, name: str, role: str, now: datetime) -> User:
    work.begin_write(session)
    user = auth.add_user(session, username=name, name_ar=f"شخص {name}", actor=ADMINISTRATOR, now=now)
    auth.grant_role(session, user, role, actor=ADMINISTRATOR)
    return user


def fill_noor(session: Session, actor: Actor, now: datetime, customer: Customer | None = None, **values: Any) -> CustomerForm:
    """The form of the stories, for شركة النور, or a change of ``customer``."""
    given = {**({} if customer is not None else NOOR), **values}
    return services.fill_form(session, given, actor=actor, now=now, customer=customer)


def approved_form(session: Session, people: People, now: datetime, customer: Customer | None = None, **values: Any) -> CustomerForm:
    form = fill_noor(session, people.employee, now, customer, **values)
    services.review(session, form, actor=people.manager, now=now)
    return services.approve(session, form, actor=people.manager, now=now)
