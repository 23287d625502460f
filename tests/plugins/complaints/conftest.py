"""An association with complaints on, its people, and a donor and a beneficiary in its register."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from core import settings, work
from core.auth import services as auth
from core.auth.models import User
from core.customers.models import Customer
from core.database import db
from core.organisation import services as organisation
from core.organisation.models import Centre, Department
from core.testing import actor_with, rolled_back, sign_in
from plugins.complaints import services
from plugins.complaints.models import Entry
from tests.core.customers.conftest import ADMIN, People, Person, approved, customer, fill, people, person  # noqa: F401 - fixtures
from tests.plugins.complaints.house import CRM, MANAGER, QUALITY, House, stranger

MONDAY = datetime(2026, 2, 2, 7, 15, tzinfo=UTC)
"""10:15 in Makkah."""


@pytest.fixture(scope="session")
def shared_app(app_with: Callable[[str], Flask]) -> Flask:
    """The app with complaints on; its staff is at work before the first test."""
    app = app_with("complaints")
    with app.app_context(), work.unit_of_work(work.real(db.session)) as session:
        if session.scalar(sa.select(User.id).where(User.username == "c_crm")) is None:
            hire(session)
    return app


def department(session: Session, slug: str) -> Department:
    return session.scalars(sa.select(Department).where(Department.slug == slug)).one()


@dataclass
class Staff:
    """People of both departments, of quality, and the secretary, each in the own department."""

    crm: Person
    centres: Person
    crm_manager: Person
    centres_manager: Person
    quality: Person
    secretary: Person


STAFF = {"crm": ("crm_employee", "crm"), "centres": ("centres_employee", "centres_affairs"), "crm_manager": ("crm_manager", "crm"),
         "centres_manager": ("centres_manager", "centres_affairs"), "quality": ("quality_employee", "quality"),
         "secretary": ("subcouncil_secretary", "sub_council")}


def hire(session: Session) -> None:
    session.info["actor"] = actor_with()
    for name, (role, home) in STAFF.items():
        person(session, f"c_{name}", role).user.department_id = department(session, home).id


@pytest.fixture
def staff(session: Session) -> Staff:
    users = {one.username: one for one in session.scalars(sa.select(User).where(User.username.in_([f"c_{name}" for name in STAFF])))}
    return Staff(**{name: Person(users[f"c_{name}"], auth.actor_for(session, users[f"c_{name}"], source="web", now=MONDAY)) for name in STAFF})


@pytest.fixture
def centre(session: Session) -> Centre:
    """The centre الصفا in Jeddah."""
    boss = actor_with("organisation.manage")
    city = organisation.save_city(session, name_ar="جدة الشرقية", actor=boss)
    return organisation.save_centre(session, city_id=city.id, name_ar="الصفا", actor=boss)


@pytest.fixture
def beneficiary(customer: Callable[..., Customer], centre: Centre) -> Customer:  # noqa: F811
    return customer(name="سعاد محمد", customer_class="beneficiary", mobile="0551234567", centre_id=str(centre.id))


@pytest.fixture
def donor(customer: Callable[..., Customer]) -> Customer:  # noqa: F811
    return customer(name="مؤسسة الخير", mobile="0557654321")


@pytest.fixture
def receive(session: Session) -> Callable[..., Entry]:
    """Write an entry into the log as ``by``; keywords change its values."""

    def make(by: Person, at: datetime = MONDAY, **values: Any) -> Entry:
        given = {"kind": "complaint", "channel": "phone", "text": "تأخر موعد الزيارة", **values}
        if "customer_number" not in given:
            given = {"name": "متصل", "phone": "0559990000", **given}
        return services.receive(session, given, actor=by.actor, now=at).entry

    return make


def users_by_id(session: Session) -> dict[int, User]:
    return {one.id: one for one in session.scalars(sa.select(User))}


@pytest.fixture(scope="module")
def house(shared_app: Flask) -> Iterator[House]:
    """People at their browsers on Monday; the limits of an hour are out of the way of so many sendings."""
    with rolled_back(shared_app) as session, work.time_at(MONDAY):
        work.begin_write(session)
        session.info["actor"] = actor_with()
        for key in ("complaints.public_each", "complaints.public_all"):
            settings.put(session, key, 1_000_000)
        people = {(name, language): person(session, f"bad_{name}_{language}", role).user
                  for name, role in ((CRM, "crm_employee"), (QUALITY, "quality_employee"), (MANAGER, "crm_manager")) for language in ("en", "ar")}
        for (name, language), user in people.items():
            user.department_id, user.language = department(session, QUALITY if name == QUALITY else CRM).id, language
        city = organisation.save_city(session, name_ar="جدة", actor=actor_with("organisation.manage"))
        organisation.save_centre(session, city_id=city.id, name_ar="الصفا", actor=actor_with("organisation.manage"))
        session.flush()
        browsers = {key: sign_in(stranger(shared_app, key[1]), user) for key, user in people.items()}
        yield House(session, shared_app, browsers)
