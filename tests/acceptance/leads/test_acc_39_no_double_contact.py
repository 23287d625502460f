"""ACC-39: a donor with a contact person is contacted by nobody else, but once with three recorded permissions (LEAD-21, 22)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.customers.models import Customer
from core.errors import NotAllowed
from core.i18n import use_language
from plugins.leads import persons, services
from plugins.leads.models import Contact, ContactPerson, ContactRequest, Lead
from tests.plugins.leads.conftest import MARCH, Staff


def contact(session: Session, staff: Staff, lead: Lead, donor: Customer, who: str, minutes: int = 0) -> Contact:
    return services.contact(session, lead, customer_id=donor.id, channel="phone", summary="سؤال عن البرنامج", actor=getattr(staff, who).actor,
                            now=MARCH + timedelta(minutes=minutes))


def test_another_user_is_refused_and_the_attempt_is_logged(
    session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer, spoken_for: ContactPerson,
) -> None:
    one = lead()
    with use_language("en"), pytest.raises(NotAllowed) as refused:
        contact(session, staff, one, donor, "colleague")
    assert "l_employee" in str(refused.value)
    assert contact(session, staff, one, donor, "employee").customer_id == donor.id

    work.denied(session, refused.value)
    entry = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert (entry.action, entry.rule) == ("denied", "LEAD-22")


def test_two_permissions_are_refused_three_accepted_and_used_up(
    session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer, permitted: Callable[..., ContactRequest],
) -> None:
    one, asked = lead(), permitted(2)
    with pytest.raises(NotAllowed):
        contact(session, staff, one, donor, "colleague")

    persons.permit(session, asked, 4, actor=staff.secretary.actor, now=MARCH)
    contact(session, staff, one, donor, "colleague", 1)
    with pytest.raises(NotAllowed) as again:
        contact(session, staff, one, donor, "colleague", 2)
    assert again.value.rule == "LEAD-22"


def test_a_user_of_quality_is_refused_anyway(
    session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer, spoken_for: ContactPerson,
) -> None:
    one = lead()
    staff.quality.actor = replace(staff.quality.actor, permissions=staff.quality.actor.permissions | {"leads.contact"})
    with pytest.raises(NotAllowed) as refused:
        contact(session, staff, one, donor, "quality")
    assert refused.value.rule == "LEAD-05"
