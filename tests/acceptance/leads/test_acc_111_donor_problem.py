"""ACC-111: a problem with a donor is the CRM manager's first thing until it is resolved; who recorded it still contacts nobody (LEAD-05, 23)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.customers.models import Customer
from core.errors import Conflict, InvalidInput, NotAllowed
from core.notices.models import Notice
from core.procedures import queries as procedures
from plugins.leads import domain, problems, services
from plugins.leads.models import Lead, Problem
from tests.plugins.leads.conftest import MARCH, Person, Staff

WORDS = "المانح مستاء من اتصال مزدوج"


def test_quality_records_it_and_the_manager_has_it_at_once(session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer) -> None:
    one = problems.record(session, customer_number=donor.number, text=WORDS, actor=staff.quality.actor, now=MARCH)

    inbox = procedures.inbox(session, staff.manager.actor, MARCH)
    (step,) = [step for group in inbox.groups.values() for step in group if step.run.procedure_code == domain.HARM]
    assert (step.run.record_id, step.run.customer_id) == (one.id, donor.id)
    assert session.scalar(sa.select(sa.func.count(Notice.id)).where(Notice.user_id == staff.manager.user.id)) == 1
    with pytest.raises(NotAllowed) as refused:
        services.contact(session, lead(), customer_id=donor.id, channel="phone", summary="اعتذار", actor=staff.quality.actor, now=MARCH)
    assert refused.value.rule == "LEAD-05"
    with pytest.raises(NotAllowed):
        problems.resolve(session, one, "اعتذرنا", actor=staff.quality.actor, now=MARCH)
    with pytest.raises(InvalidInput):
        problems.resolve(session, one, " ", actor=staff.manager.actor, now=MARCH)

    problems.resolve(session, one, "اتصل المدير واعتذر", actor=staff.manager.actor, now=MARCH)
    left = [step for group in procedures.inbox(session, staff.manager.actor, MARCH).groups.values() for step in group]
    assert [step for step in left if step.run.procedure_code == domain.HARM] == []
    with pytest.raises(Conflict):
        problems.resolve(session, one, "مرة أخرى", actor=staff.manager.actor, now=MARCH)


def test_it_stays_on_the_managers_day_until_resolved(
    session: Session, staff: Staff, donor: Customer, other: Customer, browser: Callable[[Person], FlaskClient],
) -> None:
    problems.record(session, customer_number=other.number, text="شأن آخر", actor=staff.employee.actor, now=MARCH)
    client = browser(staff.quality)
    assert client.post("/leads/problems/new/", data={"customer_number": donor.number, "text": WORDS}).status_code == 302
    problem = session.scalars(sa.select(Problem).where(Problem.customer_id == donor.id)).one()
    assert WORDS in client.get(f"/leads/problems/{problem.id}").get_data(as_text=True)
    assert client.post(f"/leads/problems/{problem.id}", data={"resolution": "x"}).status_code == 403
    assert "شأن آخر" not in client.get("/leads/problems/").get_data(as_text=True), "who only records sees what he recorded"
    client = browser(staff.manager)
    day = client.get("/").get_data(as_text=True)
    assert "/leads/problems/?f.state=open" in day
    assert WORDS in client.get("/leads/problems/?f.state=open").get_data(as_text=True)
    for one in session.scalars(sa.select(Problem.id)).all():
        assert client.post(f"/leads/problems/{one}", data={"resolution": "اتصل المدير واعتذر"}).status_code == 302
    assert "/leads/problems/?f.state=open" not in client.get("/").get_data(as_text=True)
