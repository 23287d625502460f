"""Rows of the register that no story tells: its dates (CUST-01), who influences a customer (CUST-02),
the fields of the form (CUST-12), one procedure for all classes (CUST-22)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.customers import entry, queries, services
from core.customers.models import Customer, CustomerForm
from core.errors import InvalidInput
from core.procedures.models import StepRun
from core.testing import sign_in
from tests.acceptance.register import People, approved_form, fill_noor, register_people

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)


@pytest.fixture
def people(session: Session) -> Iterator[People]:
    with work.time_at(NOW):
        yield register_people(session, NOW)


def entered(session: Session, people: People, **values: str) -> Customer:
    return entry.enter(session, approved_form(session, people, NOW, **values), actor=people.officer, now=NOW).line.customer


def test_who_influences_a_decision_is_another_customer_or_a_name(session: Session, people: People) -> None:
    company = entered(session, people)
    owner = entered(session, people, name="سعد النور", mobile="0550000002")

    services.add_influence(session, company, kind="المالك", influencer=owner, actor=people.officer, now=NOW)
    services.add_influence(session, company, kind="المستشار", name="مكتب الراجح", actor=people.officer, now=NOW)
    with pytest.raises(InvalidInput):
        services.add_influence(session, company, kind="مجهول", actor=people.officer, now=NOW)

    found = [(one.kind, one.influencer_id, one.influencer_name) for one in queries.influences_of(session, company.id)]
    assert found == [("المالك", owner.id, None), ("المستشار", None, "مكتب الراجح")]


def way_of(session: Session, form: CustomerForm) -> list[tuple[int, timedelta | None]]:
    """The steps that were opened for a form, each with the time it gives."""
    runs = session.scalars(sa.select(StepRun).where(StepRun.record_type == "core_customer_form", StepRun.record_id == form.id).order_by(StepRun.id))
    return [(one.step_number, one.due_at - one.opened_at if one.due_at else None) for one in runs]


def test_a_beneficiary_goes_the_same_way_as_a_donor(session: Session, people: People) -> None:
    ways = []
    for number, kind in enumerate(("donor", "beneficiary"), 1):
        form = fill_noor(session, people.employee, NOW, name=f"عميل {number}", customer_class=kind, mobile=f"055000001{number}")
        services.review(session, form, actor=people.manager, now=NOW)
        services.approve(session, form, actor=people.manager, now=NOW)
        entry.enter(session, form, actor=people.officer, now=NOW)
        services.file_form(session, form, actor=people.officer, now=NOW)
        assert form.state == "filed" and form.line.customer.customer_class == kind
        ways.append(way_of(session, form))

    assert ways[0] == ways[1]
    assert ways[0] == [(1, None), *((step, timedelta(days=1)) for step in (2, 3, 4, 5))]


@pytest.fixture
def reader(session: Session, client: FlaskClient, people: People) -> FlaskClient:
    """The manager, reading English."""
    people.users["manager"].language = "en"
    session.flush()
    sign_in(client, people.users["manager"])
    work.begin_write(session)
    return client


def test_a_customers_page_shows_creation_last_change_and_last_confirmation(session: Session, people: People, reader: FlaskClient) -> None:
    customer = entered(session, people)
    number = customer.number
    later, last = datetime(2026, 3, 15, 6, 0, tzinfo=UTC), datetime(2027, 5, 20, 6, 0, tzinfo=UTC)
    entry.enter(session, approved_form(session, people, later, customer, address="شارع الأمير ماجد"), actor=people.officer, now=later)
    services.confirm(session, customer, actor=people.employee, now=last)
    work.commit(session)

    with work.time_at(last):
        sign_in(reader, people.users["manager"])
        page = reader.get(f"/customers/{number}").get_data(as_text=True)

    told = " ".join(unescape(re.sub(r"<[^>]+>", "", page[page.index("Created"):][:1500])).split())
    assert re.search(r"Created 1 February 2026.*Last change 15 March 2026.*Data confirmed 20 May 2027", told), told


def test_the_form_has_every_field_of_the_manual_and_names_maker_and_approver(session: Session, people: People, reader: FlaskClient) -> None:
    form = approved_form(session, people, NOW)
    number = form.id
    work.commit(session)
    sign_in(reader, people.users["employee"])
    empty = reader.get("/customers/forms/new").get_data(as_text=True)
    filled = reader.get(f"/customers/forms/{number}").get_data(as_text=True)

    fields = ("name", "address", "phone", "mobile", "email", "contact_channel", "customer_class", "other_detail", "remarks")
    assert [one for one in fields if f'name="{one}"' not in empty] == []
    assert people.employee.label in filled and people.manager.label in filled
