"""An association with complaints, leads and the call centre on, and the tests' own plugin, which can object; two records of one donor with all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from core import work
from core.consent import services as consent
from core.customers import services as register
from core.customers.models import Customer
from core.database import db
from core.files import services as files
from core.finance import services as finance
from core.money import Money
from core.organisation.models import Programme
from core.settings import Deployment
from core.testing import close_app, make_app, new_association
from plugins.callcenter import services as calls
from plugins.complaints import contacts
from plugins.complaints import services as complaints
from plugins.leads import interests, portfolio
from plugins.leads import services as leads
from plugins.leads.models import Item, Lead
from tests.core.customers.conftest import NOW, People, Person, approved, customer, fill, people, person  # noqa: F401 - fixtures
from tests.plugins.leads.conftest import (  # noqa: F401 - fixtures
    MARCH,
    SUNDAY,
    hire,
    item,
    kind,
    lead,
    programme,
    received,
    scan,
    staff,
    study,
)

PLUGINS = frozenset({"complaints", "leads", "callcenter", "dummy_plugin"})


@pytest.fixture(scope="session")
def shared_app(engine_name: str, deployment: Deployment, request: pytest.FixtureRequest) -> Iterator[Flask]:
    server = request.getfixturevalue("postgres") if engine_name == "postgresql" else None
    app = make_app(new_association(deployment, f"merging-{engine_name}", postgres=server, plugins=PLUGINS), deployment)
    with app.app_context(), work.unit_of_work(work.real(db.session)) as session:
        hire(session)
    yield app
    close_app(app)


@pytest.fixture
def donor(customer: Any) -> Customer:  # noqa: F811
    return customer(name="مؤسسة الخير", mobile="0557654321")  # type: ignore[no-any-return]


@pytest.fixture
def other(customer: Any) -> Customer:  # noqa: F811
    """The same donor, registered twice."""
    return customer(name="مؤسسه الخير", mobile="0551230000", email="khair@example.org")  # type: ignore[no-any-return]


@dataclass
class Belongings:
    lead: Lead
    item: Item


@pytest.fixture
def belongings(
    session: Session, people: People, staff: Any, item: Item, lead: Any, programme: Programme, donor: Customer, other: Customer,  # noqa: F811
) -> Belongings:
    """Everything of every plugin and of core, with each of the two; and what one customer cannot have twice."""
    agent = person(session, "m_agent", "crm_employee", "call_agent")
    documented = lead(donors=[donor.number, other.number])
    for number, who in enumerate((donor, other), 1):
        leads.contact(session, documented, customer_id=who.id, channel="visit", summary="أبدى قبولا", actor=staff.employee.actor, now=SUNDAY)
        portfolio.list_donor(session, item, who.number, actor=staff.manager.actor, now=SUNDAY)
        interests.record(session, customer_number=who.number, interest_id=kind(session, "education").id, note=f"ملاحظة {number}",
                         actor=staff.employee.actor, now=SUNDAY)
        money = Money.of_minor(10_000 * number, "SAR")
        promised = finance.record_pledge(session, customer_id=who.id, amount=money, promised_on=date(2026, 1, 5), programme_id=programme.id,
                                         actor=staff.finance.actor, now=MARCH)
        finance.record_contribution(session, customer_id=who.id, amount=money, received_on=date(2026, 1, 6), method="bank", programme_id=programme.id,
                                    pledge_id=promised.id, actor=staff.finance.actor, now=MARCH)
        consent.give(session, who, "phone", "marketing", source="form", actor=people.employee.actor, now=MARCH)
        calls.log_call(session, {"direction": "in", "subject": "donation", "result": "callback", "duration": "2:00", "customer_number": who.number,
                                 "due_at": MARCH + timedelta(days=1), "callback_to": who.mobile}, actor=agent.actor, now=MARCH)
        complaints.receive(session, {"kind": "complaint", "channel": "phone", "text": "تأخر الرد", "customer_number": who.number,
                                     "answer_now": complaints.SOLVED, "answer": "تم الحل"}, actor=agent.actor, now=MARCH)
        contacts.plan(session, customer_number=who.number, event="حفل", event_on=date(2026, 2, 1), months=[3], actor=agent.actor, now=MARCH)
        register.add_influence(session, who, kind="قريب", name=f"شخص {number}", actor=people.officer.actor, now=NOW)
        files.attach(session, scan(f"وكالة {number}.pdf"), who, permission="customers.personal", actor=agent.actor, now=NOW, subject_id=who.subject_id)
    return Belongings(documented, item)

