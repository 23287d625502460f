"""An association with leads on, its people, two donors in its register and a programme that one of them may fund."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.auth import services as auth
from core.auth.models import User
from core.customers.models import Customer
from core.database import db
from core.files import services as files
from core.files.services import Stored
from core.finance import services as finance
from core.finance.models import Contribution
from core.money import Money
from core.organisation import services as organisation
from core.organisation.models import Department, Programme
from core.state import state
from core.testing import actor_with, sign_in
from plugins.leads import domain, persons, portfolio, queries, services
from plugins.leads.models import (
    ContactPerson,
    ContactRequest,
    Interest,
    Item,
    Lead,
    Portfolio,
    Study,
    WrittenPledge,
)
from tests.core.customers.conftest import Person, approved, customer, fill, people, person  # noqa: F401 - fixtures

SUNDAY = datetime(2026, 1, 11, 7, 0, tzinfo=UTC)
"""10:00 in Makkah."""
MARCH = datetime(2026, 3, 10, 7, 0, tzinfo=UTC)
PDF = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\n"


def sar(amount: str) -> Money:
    return Money(Decimal(amount), "SAR")


def department(session: Session, slug: str) -> Department:
    return session.scalars(sa.select(Department).where(Department.slug == slug)).one()


@dataclass
class Staff:
    """People of customer relations, of resource development, of finance, of quality and of strategic planning, and the secretary."""

    employee: Person
    manager: Person
    raiser: Person
    finance: Person
    quality: Person
    planner: Person
    colleague: Person
    head: Person
    secretary: Person


STAFF = {"employee": ("crm_employee", "crm"), "manager": ("crm_manager", "crm"), "raiser": ("resource_development_employee", "resource_development"),
         "finance": ("finance_officer", "finance"), "quality": ("quality_employee", "quality"),
         "planner": ("strategic_planning_manager", "strategic_planning"), "colleague": ("crm_employee", "crm"),
         "head": ("resource_development_manager", "resource_development"), "secretary": ("subcouncil_secretary", "")}


def hire(session: Session) -> None:
    session.info["actor"] = actor_with()
    for name, (role, home) in STAFF.items():
        person(session, f"l_{name}", role).user.department_id = department(session, home).id if home else None


@pytest.fixture(scope="session")
def shared_app(app_with: Callable[[str], Flask]) -> Flask:
    """The app with leads on; its staff is at work before the first test."""
    app = app_with("leads")
    with app.app_context(), work.unit_of_work(work.real(db.session)) as session:
        if session.scalar(sa.select(User.id).where(User.username == "l_employee")) is None:
            hire(session)
    return app


@pytest.fixture
def staff(session: Session) -> Staff:
    users = {one.username: one for one in session.scalars(sa.select(User).where(User.username.in_([f"l_{name}" for name in STAFF])))}
    return Staff(**{name: Person(users[f"l_{name}"], auth.actor_for(session, users[f"l_{name}"], source="web", now=SUNDAY)) for name in STAFF})


@pytest.fixture
def donor(customer: Callable[..., Customer]) -> Customer:  # noqa: F811
    return customer(name="مؤسسة الخير", mobile="0557654321")


@pytest.fixture
def other(customer: Callable[..., Customer]) -> Customer:  # noqa: F811
    return customer(name="وقف باعشن", mobile="0551230000")


@pytest.fixture
def programme(session: Session) -> Programme:
    return organisation.save_programme(session, name_ar="تأهيل الشباب", name_en="Youth training", actor=actor_with("organisation.manage"))


def kind(session: Session, code: str) -> Interest:
    return session.scalars(sa.select(Interest).where(Interest.code == code)).one()


@pytest.fixture
def received(session: Session, staff: Staff) -> Portfolio:
    """A portfolio that strategic planning supplied on 5 January."""
    return portfolio.receive(session, received_on=date(2026, 1, 5), received_from="التخطيط الاستراتيجي", review="برامج واضحة", actor=staff.manager.actor,
                             now=SUNDAY)


@pytest.fixture
def item(session: Session, staff: Staff, received: Portfolio, programme: Programme) -> Item:
    return portfolio.add_item(session, received, programme_id=programme.id, interest_id=kind(session, "education").id, needed=sar("100000"),
                              actor=staff.manager.actor, now=SUNDAY)


@pytest.fixture
def study(session: Session, staff: Staff) -> Callable[..., Study]:
    def make(at: datetime = SUNDAY, **values: Any) -> Study:
        given = {"title": "تأهيل الشباب", "text": "دراسة كاملة للجوانب", **values}
        return services.identify(session, **given, actor=staff.manager.actor, now=at)

    return make


@pytest.fixture
def lead(session: Session, staff: Staff, study: Callable[..., Study], programme: Programme, donor: Customer) -> Callable[..., Lead]:
    """A lead documented by the employee; keywords change its values."""

    def make(at: datetime = SUNDAY, **values: Any) -> Lead:
        given = {"programme_id": programme.id, "donors": [donor.number], "probability": 30, "factors": "اهتمام سابق", **values}
        return services.document(session, study(at), **given, actor=staff.employee.actor, now=at)

    return make


@pytest.fixture
def followed(session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer) -> Callable[..., Lead]:
    """A lead in follow-up: its donor was called."""

    def make(at: datetime = SUNDAY, **values: Any) -> Lead:
        made = lead(at, **values)
        services.contact(session, made, customer_id=donor.id, channel="phone", summary="أبدى قبولا", actor=staff.employee.actor, now=at)
        return made

    return make


@pytest.fixture
def spoken_for(session: Session, staff: Staff, donor: Customer) -> ContactPerson:
    """The donor's contact person is the employee, approved by the secretary."""
    made = persons.propose(session, customer_number=donor.number, user_id=staff.employee.user.id, reason="يعرفه", actor=staff.manager.actor, now=SUNDAY)
    return persons.approve(session, made, actor=staff.secretary.actor, now=SUNDAY)


@pytest.fixture
def permitted(session: Session, staff: Staff, donor: Customer, spoken_for: ContactPerson) -> Callable[..., ContactRequest]:
    """The colleague asked to contact the donor once; so many of the three say yes."""

    def make(count: int = 3, purpose: str = "fundraising", at: datetime = MARCH) -> ContactRequest:
        asked = persons.ask(session, customer_number=donor.number, purpose=purpose, reason="زميلي في إجازة", actor=staff.colleague.actor, now=at)
        for part, who in list(zip(domain.PARTS, (staff.manager, staff.head, staff.secretary), strict=True))[:count]:
            persons.permit(session, asked, part, actor=who.actor, now=at)
        return asked

    return make


@pytest.fixture
def browser(session: Session, client: FlaskClient) -> Callable[[Person], FlaskClient]:
    """Sign somebody in, with what the test has made so far committed."""

    def at(who: Person) -> FlaskClient:
        work.commit(session)
        return sign_in(client, who.user)

    return at


def scan(name: str = "تعهد.pdf") -> Stored:
    return files.store(state().association.files_folder, name, PDF)


@pytest.fixture
def pledged(session: Session, staff: Staff, followed: Callable[..., Lead], donor: Customer) -> Callable[..., Lead]:
    """A lead that is closing: 50000 SAR are pledged in writing."""

    def make(at: datetime = MARCH, amount: str = "50000", schedule: str = "", **values: Any) -> Lead:
        made = followed(**values)
        services.pledge(session, made, scan(), customer_id=donor.id, signed_on=date(2026, 3, 10), signatory="أحمد", amount=sar(amount), schedule=schedule,
                        actor=staff.employee.actor, now=at)
        return made

    return make


@pytest.fixture
def pay(session: Session, staff: Staff, donor: Customer) -> Callable[..., Contribution]:
    """Finance records money on the pledge of a lead."""

    def make(lead: Lead, amount: str, part: int = 0, at: datetime = MARCH) -> Contribution:
        live: WrittenPledge | None = queries.live_pledge(session, lead)
        assert live is not None
        promised = queries.instalments_of(session, live)[part].pledge
        return finance.record_contribution(session, customer_id=live.customer_id, amount=sar(amount), received_on=at.date(), method="bank",
                                           programme_id=lead.programme_id, pledge_id=promised.id, actor=staff.finance.actor, now=at)

    return make


def files_folder() -> Path:
    return state().association.files_folder
