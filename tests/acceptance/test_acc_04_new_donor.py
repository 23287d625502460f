"""ACC-04: a new donor through the form, from filling to the archive (CUST-06, CUST-11…18)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import func, select

from core.customers import entry, queries, services, steps
from core.customers.models import Customer
from tests.acceptance.register import fill_noor, register_people

FILLED = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)
"""2026-02-01 09:00 in Makkah."""


def test_a_donor_becomes_a_customer_by_the_form(session):
    people = register_people(session, FILLED)
    earlier = entry.enter(session, _approved(session, people, "مؤسسة سابقة", FILLED - timedelta(days=9)), actor=people.officer, now=FILLED - timedelta(days=8))

    form = fill_noor(session, people.employee, FILLED)
    assert (form.state, form.line.customer) == ("filled", None)
    assert session.scalar(select(func.count()).select_from(Customer).where(Customer.name == "شركة النور")) == 0
    assert steps.runs(session, form)[2].due_at == datetime(2026, 2, 2, 6, 0, tzinfo=UTC)

    services.review(session, form, actor=people.manager, now=FILLED + timedelta(hours=3))
    services.approve(session, form, actor=people.manager, now=FILLED + timedelta(hours=3, minutes=5))
    assert steps.runs(session, form)[4].due_at == datetime(2026, 2, 2, 9, 5, tzinfo=UTC)

    entered_at = FILLED + timedelta(hours=5)
    entry.enter(session, form, actor=people.officer, now=entered_at)
    customer = form.line.customer
    assert (customer.name, customer.mobile) == ("شركة النور", "+966550000001")
    assert customer.number.isascii() and customer.number.isdigit()
    assert int(customer.number) > int(earlier.line.customer.number)
    assert (form.state, form.entered_by, form.entered_at) == ("entered", people.officer.user_id, entered_at)
    assert steps.runs(session, form)[5].due_at == entered_at + timedelta(days=1)

    services.file_form(session, form, actor=people.employee, now=entered_at + timedelta(hours=1))
    assert form in queries.forms_of(session, customer.id)
    with pytest.raises(sa.exc.DatabaseError, match="CUST-18"), session.begin_nested():
        form.not_duplicates = True
        session.flush()


def _approved(session, people, name, now):
    form = fill_noor(session, people.employee, now, name=name, mobile="0550000099")
    services.review(session, form, actor=people.manager, now=now)
    return services.approve(session, form, actor=people.manager, now=now)
