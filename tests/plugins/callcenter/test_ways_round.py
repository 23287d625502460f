"""Whoever may not be called is not, by whatever way the call is written down (CALL-10, LEAD-22, CUST-37)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.auth import services as auth
from core.consent import services as consent
from core.customers.models import Customer
from core.errors import Conflict, InvalidInputs, NotAllowed
from core.finance import services as finance
from core.organisation.models import Department
from core.outreach import Outreach
from core.testing import actor_with
from plugins.callcenter import campaigns, queries, services
from plugins.callcenter.models import Call, Callback, Task
from tests.core.customers.conftest import person
from tests.core.finance.conftest import FINANCE, sar
from tests.plugins.callcenter.conftest import MONDAY, Staff
from tests.plugins.callcenter.test_campaigns import SECTOR

OUTGOING = {"direction": "out", "subject": "donation", "result": "solved", "duration": "2:00"}


@pytest.fixture
def withdrawn(session: Session, staff: Staff, donor: Customer) -> Customer:
    consent.withdraw_all(session, donor, source="call", actor=staff.donors.actor, now=MONDAY)
    return donor


def test_a_campaigns_call_is_judged_by_its_purpose(session: Session, staff: Staff, donor: Customer) -> None:
    campaigns.take(session, Outreach("links", "7", "Fundraising", [donor.id], purpose="fundraising"), actor=SECTOR, now=MONDAY)
    consent.withdraw(session, donor, "phone", "fundraising", source="call", actor=staff.donors.actor, now=MONDAY)
    task = session.scalars(sa.select(Task)).one()

    with pytest.raises(NotAllowed), session.begin_nested():
        campaigns.record(session, task, {"result": "informed", "duration": "1:00"}, actor=staff.agent.actor, now=MONDAY)

    services.log_call(session, {**OUTGOING, "customer_number": donor.number}, actor=staff.agent.actor, now=MONDAY)


def test_a_number_alone_is_somebodys_number(session: Session, staff: Staff, withdrawn: Customer) -> None:
    with pytest.raises(NotAllowed), session.begin_nested():
        services.log_call(session, {**OUTGOING, "phone": withdrawn.mobile}, actor=staff.agent.actor, now=MONDAY)

    stranger = services.log_call(session, {**OUTGOING, "phone": "0559990001"}, actor=staff.agent.actor, now=MONDAY)
    with pytest.raises(NotAllowed), session.begin_nested():
        services.attach(session, stranger, withdrawn.number, actor=staff.agent.actor, now=MONDAY)

    counted = session.get_one(Call, stranger.id)
    counted.source = "exchange"
    session.flush()
    services.attach(session, counted, withdrawn.number, actor=staff.agent.actor, now=MONDAY)
    assert counted.customer_id == withdrawn.id


def test_a_call_back_to_a_number_alone_is_asked_for_too(session: Session, staff: Staff, withdrawn: Customer) -> None:
    given = {"direction": "in", "subject": "donation", "result": "callback", "phone": withdrawn.mobile, "due_at": MONDAY + timedelta(hours=1)}
    services.log_call(session, given, actor=staff.agent.actor, now=MONDAY)
    promise = session.scalars(sa.select(Callback)).one()

    with pytest.raises(NotAllowed), session.begin_nested():
        services.complete_callback(session, promise, {"result": "solved", "duration": "1:00"}, actor=staff.agent.actor, now=MONDAY + timedelta(hours=1))


def test_a_call_stays_with_its_customer(session: Session, staff: Staff, donor: Customer, customer: Any, log: Callable[..., Call]) -> None:
    other, call = customer(name="غيره", mobile="0551112222"), log(staff.agent, customer_number=donor.number)

    with pytest.raises(Conflict):
        services.attach(session, call, other.number, actor=staff.agent.actor, now=MONDAY)


def test_nobody_is_put_on_a_list_who_may_not_be_called(session: Session, staff: Staff, withdrawn: Customer, customer: Any) -> None:
    other = customer(name="غيره", mobile="0551112222")

    with pytest.raises(InvalidInputs) as refused:
        campaigns.begin(session, {"numbers": f"{other.number} {withdrawn.number}", "title": "x"}, actor=staff.manager.actor, now=MONDAY)

    assert [(one.field, one.value) for one in refused.value.faults] == [("numbers", withdrawn.number)]


def test_a_standing_list_grows_by_whom_its_beginner_may_read(session: Session, staff: Staff, customer: Any) -> None:
    places = {one.slug: one.id for one in session.scalars(sa.select(Department))}
    hidden, seen = (customer(name=name, mobile=mobile, department_id=places[slug])
                    for name, mobile, slug in (("مخفي", "0551239999", "quality"), ("ظاهر", "0551238888", "crm")))
    for one in (hidden, seen):
        finance.record_contribution(session, customer_id=one.id, amount=sar("10"), received_on=MONDAY.date() - timedelta(days=700), method="bank",
                                    actor=FINANCE, now=MONDAY)
    beginner = person(session, "cc_dsa", "donor_service_agent")
    beginner.user.department_id = places["crm"]
    session.flush()
    campaigns.begin(session, {"rule": "no_gift", "standing": True}, actor=auth.actor_for(session, beginner.user, source="web", now=MONDAY), now=MONDAY)

    campaigns.find_again(session, {}, MONDAY + timedelta(days=1))

    assert session.scalars(sa.select(Task.customer_id)).all() == [seen.id]


def test_without_the_permission_a_name_finds_no_call(session: Session, staff: Staff, donor: Customer, log: Callable[..., Call]) -> None:
    log(staff.agent, customer_number=donor.number)
    reader = actor_with("callcenter.read", "customers.read", "customers.personal", scopes={"*": "all"})

    found = {text: len(session.scalars(queries.matching(sa.select(Call), session, text, reader)).all()) for text in (donor.name, donor.number, "0557654321")}

    assert found == {donor.name: 0, donor.number: 1, "0557654321": 0}
