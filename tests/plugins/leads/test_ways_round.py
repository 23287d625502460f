"""No permission is given, and no outcome kept, by way of somebody else: lenders, and imports that are taken back (ORG-09, LEAD-11, LEAD-22)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.auth import services as auth
from core.auth.actor import Actor
from core.customers.models import Customer
from core.errors import Conflict, NotAllowed
from core.finance import services as finance
from core.finance.models import Contribution
from core.procedures.models import StepRun
from plugins.leads import domain, persons, queries, services
from plugins.leads.models import ContactPerson, Lead
from tests.core.customers.conftest import Person
from tests.plugins.leads.conftest import MARCH, Staff, sar


def lend(session: Session, lender: Person, to: Person, at: datetime) -> Actor:
    """``to``, for some days also in the place of ``lender``."""
    auth.delegate(session, lender.user, to.user, at.date(), at.date() + timedelta(days=9), actor=lender.actor, now=at)
    return auth.actor_for(session, to.user, source="web", now=at)


def test_who_asks_gives_no_permission_by_a_deputy(session: Session, staff: Staff, donor: Customer, spoken_for: ContactPerson) -> None:
    asked = persons.ask(session, customer_number=donor.number, purpose="fundraising", reason="r", actor=staff.manager.actor, now=MARCH)
    deputy = lend(session, staff.manager, staff.head, MARCH)

    assert domain.PARTS[0] not in persons.parts_for(session, asked, deputy)
    with pytest.raises(NotAllowed):
        persons.permit(session, asked, domain.PARTS[0], actor=deputy, now=MARCH)


def test_who_proposes_approves_by_no_deputy(session: Session, staff: Staff, donor: Customer) -> None:
    proposed = persons.propose(session, customer_number=donor.number, user_id=staff.employee.user.id, reason="r", actor=staff.manager.actor, now=MARCH)
    session.refresh(staff.secretary.user)
    auth.grant_role(session, staff.manager.user, "subcouncil_secretary", actor=_operator())
    auth.set_permission(session, "resource_development_manager", persons.APPROVE, True, actor=_operator())
    deputy = lend(session, staff.manager, staff.head, MARCH)
    assert deputy.holds("subcouncil_secretary") and persons.APPROVE in deputy.permissions

    with pytest.raises(NotAllowed) as refused:
        persons.approve(session, proposed, actor=deputy, now=MARCH)

    assert refused.value.rule == "ORG-09"


def _operator() -> Actor:
    from core.commands import operator

    return operator()


def _imported(session: Session, staff: Staff, lead: Lead, donor: Customer) -> int:
    pledge = queries.live_pledge(session, lead)
    assert pledge is not None
    part = queries.instalments_of(session, pledge)[0].pledge
    gift = finance.Gift(donor.id, sar("500"), MARCH.date(), "bank", lead.programme_id, pledge_id=part.id)
    [made] = finance.record_contributions(session, [gift], source="import", source_name="gifts.csv", imported=True, actor=staff.finance.actor, now=MARCH)
    return made


def test_the_money_of_a_successful_lead_is_not_taken_back_with_its_import(
    session: Session, staff: Staff, pledged: Callable[..., Lead], donor: Customer,
) -> None:
    lead = pledged(amount="500")
    made = _imported(session, staff, lead, donor)
    services.succeed(session, lead, actor=staff.manager.actor, now=MARCH)

    with pytest.raises(Conflict):
        finance.remove_imported(session, [made], actor=staff.finance.actor, now=MARCH)


def test_a_lead_that_is_not_closed_yet_waits_for_its_money_again(session: Session, staff: Staff, pledged: Callable[..., Lead], donor: Customer) -> None:
    lead = pledged(amount="500")
    made = _imported(session, staff, lead, donor)
    asked = (sa.select(sa.func.count(StepRun.id))
             .where(StepRun.record_type == "leads_lead", StepRun.record_id == lead.id, StepRun.step_number == domain.DECIDE, StepRun.ended_at.is_(None)))
    assert session.scalar(asked) == 1

    finance.remove_imported(session, [made], actor=staff.finance.actor, now=MARCH)

    assert (session.scalar(asked), session.scalar(sa.select(sa.func.count(Contribution.id)))) == (0, 0)


def test_what_was_paid_of_a_withdrawn_pledge_stays_pledged(session: Session, staff: Staff, pledged: Callable[..., Lead], donor: Customer) -> None:
    lead = pledged(amount="900", schedule="2026-03-20 400\n2026-04-20 500")
    pledge = queries.live_pledge(session, lead)
    assert pledge is not None
    first, second = (one.pledge for one in queries.instalments_of(session, pledge))
    finance.record_contribution(session, customer_id=donor.id, amount=sar("400"), received_on=MARCH.date(), method="bank", pledge_id=first.id,
                                actor=staff.finance.actor, now=MARCH)

    services.withdraw(session, lead, "changed his mind", actor=staff.manager.actor, now=MARCH)

    assert first.cancelled_at is None and second.cancelled_at is not None
