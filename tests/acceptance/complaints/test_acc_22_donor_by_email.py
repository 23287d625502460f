"""ACC-22: a donor's e-mail goes to customer relations; centres affairs does not see it, quality does (CMPL-03)."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from core.customers.models import Customer
from plugins.complaints import queries
from plugins.complaints.models import Entry
from tests.plugins.complaints.conftest import Staff, department


def test_it_is_with_customer_relations(session: Session, staff: Staff, receive: Callable[..., Entry], donor: Customer) -> None:
    entry = receive(staff.crm, customer_number=donor.number, channel="email")

    assert entry.department_id == department(session, "crm").id


def test_the_other_department_does_not_find_it_quality_does(session: Session, staff: Staff, receive: Callable[..., Entry], donor: Customer) -> None:
    entry = receive(staff.crm, customer_number=donor.number, channel="email")

    assert queries.by_number(session, entry.number, staff.centres.actor) is None
    assert queries.by_number(session, entry.number, staff.quality.actor) is entry
