"""ACC-102: no field without purpose, no phone without permission, no export without trace (CUST-28, CUST-34, AUD-05)."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from core.audit.models import AuditEvent
from core.customers import entry, fields, importing, services
from core.customers.models import OptionalField
from core.errors import InvalidInput, InvalidInputs
from core.testing import sign_in
from tests.acceptance.register import NOOR, add_person, approved_form, register_people

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)


def test_occupation_stays_off_without_a_purpose(session):
    people = register_people(session, NOW)
    occupation = session.scalars(select(OptionalField).where(OptionalField.code == "occupation")).one()
    assert not occupation.enabled

    with pytest.raises(InvalidInput) as refused:
        fields.switch_on(session, occupation, "", actor=people.manager)
    assert refused.value.rule == "CUST-28"
    with pytest.raises(InvalidInputs):
        services.fill_form(session, {**NOOR, "extra": {"occupation": "مهندس"}}, actor=people.employee, now=NOW)

    fields.switch_on(session, occupation, "دعوة المهندسين إلى لجنة المباني", actor=people.manager)
    form = services.fill_form(session, {**NOOR, "extra": {"occupation": "مهندس"}}, actor=people.employee, now=NOW)
    assert form.line.extra == {"occupation": "مهندس"}


def test_without_the_permission_a_mobile_is_masked(session, client):
    people = register_people(session, NOW)
    number = entry.enter(session, approved_form(session, people, NOW), actor=people.officer, now=NOW).line.customer.number
    reader = add_person(session, "reader", "quality_employee", NOW)

    browser = sign_in(client, reader)
    for address in ("/customers/", f"/customers/{number}"):
        body = browser.get(address).get_data(as_text=True)
        assert "055•••••01" in body
        assert "550000001" not in body.replace(" ", "")
    assert "شركة النور" not in browser.get("/customers/?q=0550000001").get_data(as_text=True)


def test_an_export_of_200_donors_leaves_one_entry(session, client):
    people = register_people(session, NOW)
    rows = [{"name": f"مانح {n}", "customer_class": "donor", "mobile": f"+96655{1000000 + n}"} for n in range(200)]
    rows.append({"name": "جهة", "customer_class": "government"})
    form = importing.fill_import(session, rows, source="register.csv", operation_key="import-1", actor=people.employee, now=NOW)
    services.review(session, form, actor=people.manager, now=NOW)
    services.approve(session, form, actor=people.manager, now=NOW)
    entry.enter(session, form, actor=people.officer, now=NOW)

    answer = sign_in(client, people.users["manager"]).post("/customers/export", data={"f.class": "donor"})

    lines = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    event = session.scalars(select(AuditEvent).where(AuditEvent.action.like("export%"))).one()
    assert len(lines) - 2 == 200  # two heading rows: fixed keys, Arabic labels
    assert (event.actor_id, event.facts["filter"], event.facts["rows"]) == (people.manager.user_id, {"class": "donor"}, 200)
    assert event.facts["sha256"] == hashlib.sha256(answer.data).hexdigest()
