"""ACC-09 without merging: a number is given once, also when two enter at the same time (CUST-06, CUST-07)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from core import work
from core.auth import services as auth
from core.customers import entry
from core.customers.models import Customer, CustomerForm
from core.database import db, section
from core.testing import close_app, make_app, new_association
from tests.acceptance.register import approved_form, register_people

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)


def test_a_customer_cannot_be_deleted_and_its_number_never_changes(session):
    people = register_people(session, NOW)
    customer = entry.enter(session, approved_form(session, people, NOW), actor=people.officer, now=NOW).line.customer
    for statement in ("DELETE FROM core_customer", "UPDATE core_customer SET number = '18'"):
        with pytest.raises(sa.exc.DatabaseError, match="CUST-"), session.begin_nested(), section("test"):
            session.execute(sa.text(statement))

    following = entry.enter(session, approved_form(session, people, NOW, name="التالي", mobile="0550000002"), actor=people.officer, now=NOW).line.customer
    assert int(following.number[:-1]) == int(customer.number[:-1]) + 1


def test_two_forms_entered_at_the_same_time_get_two_numbers(engine_name, deployment, request):
    server = request.getfixturevalue("postgres") if engine_name == "postgresql" else None
    association = new_association(deployment, f"parallel-{engine_name}", postgres=server)
    app = make_app(association, deployment)
    with app.app_context():
        session = work.real(db.session)
        with work.unit_of_work(session):
            people = register_people(session, NOW)
            forms = [approved_form(session, people, NOW, name=f"عميل {n}", mobile=f"055000001{n}").id for n in range(4)]
            officer = people.users["officer"].id
    ready, failures = threading.Barrier(len(forms)), []

    def enter(form_id: int) -> None:
        try:
            with app.app_context():
                own = work.real(db.session)
                ready.wait(10)
                with work.unit_of_work(own):
                    user = own.get_one(type(people.users["officer"]), officer)
                    entry.enter(own, own.get_one(CustomerForm, form_id), actor=auth.actor_for(own, user, source="web", now=NOW), now=NOW)
        except Exception as exc:
            failures.append(exc)

    threads = [threading.Thread(target=enter, args=(form_id,)) for form_id in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    with app.app_context():
        bodies = sorted(int(number[:-1]) for number in db.session.scalars(select(Customer.number)))
    close_app(app)
    assert failures == []
    assert bodies == list(range(bodies[0], bodies[0] + len(forms)))
