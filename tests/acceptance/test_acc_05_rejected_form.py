"""ACC-05: a rejection needs a reason and leaves the register as it was (CUST-16)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from core.customers import entry, services
from core.customers.models import Customer
from core.errors import InvalidInput
from tests.acceptance.register import approved_form, fill_noor, register_people

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)


def test_a_rejected_form_creates_nobody_and_uses_no_number(session):
    people = register_people(session, NOW)
    first = entry.enter(session, approved_form(session, people, NOW, name="الأول", mobile="0550000011"), actor=people.officer, now=NOW)
    form = services.review(session, fill_noor(session, people.employee, NOW), actor=people.manager, now=NOW)

    with pytest.raises(InvalidInput):
        services.reject(session, form, "", actor=people.manager, now=NOW)
    services.reject(session, form, "بيانات ناقصة", actor=people.manager, now=NOW)

    assert (form.state, form.reason) == ("rejected", "بيانات ناقصة")
    assert session.scalar(select(func.count()).select_from(Customer)) == 1
    second = entry.enter(session, approved_form(session, people, NOW, name="الثاني", mobile="0550000012"), actor=people.officer, now=NOW)
    assert int(second.line.customer.number[:-1]) == int(first.line.customer.number[:-1]) + 1
