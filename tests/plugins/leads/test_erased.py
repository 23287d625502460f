"""A donor whose data was erased: nothing told in a lead outlasts it, and nobody contacts him or takes his pledge any more."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.consent import queries as consents
from core.consent import services as consent
from core.customers import entry, erasure
from core.customers import services as customers
from core.customers.models import Customer
from core.database import ERASED
from core.errors import Conflict, NotAllowed
from plugins.leads import queries, services
from plugins.leads.models import Lead
from tests.core.customers.conftest import NOW, People, Person
from tests.plugins.leads.conftest import SUNDAY, Staff, sar, scan


@pytest.fixture
def erased(session: Session, people: People) -> Callable[[Customer], Customer]:
    """A form of an erasure on its whole way."""

    def make(customer: Customer) -> Customer:
        form = erasure.fill_erasure(session, customer, asked_by="customer", reason="طلب", actor=people.employee.actor, now=NOW)
        customers.review(session, form, actor=people.manager.actor, now=NOW)
        customers.approve(session, form, actor=people.manager.actor, now=NOW)
        entry.enter(session, form, actor=people.officer.actor, now=NOW)
        return customer

    return make


def test_no_word_of_a_lead_outlasts_its_donor(
    session: Session, staff: Staff, followed: Callable[..., Lead], donor: Customer, erased: Callable[[Customer], Customer],
) -> None:
    lead = followed(next_action="زيارة نورة في بيتها")
    services.contact(session, lead, customer_id=donor.id, channel="phone", summary="سألت عن المشروع", document="عرض لنورة",
                     actor=staff.employee.actor, now=SUNDAY)

    erased(donor)

    assert (lead.next_action, lead.factors) == ("", ERASED)
    assert {one.document for one in queries.contacts_of(session, lead)} == {"", ERASED}, "that something was given stays"


def test_an_erased_donor_is_neither_contacted_nor_pledges(
    session: Session, staff: Staff, followed: Callable[..., Lead], donor: Customer, erased: Callable[[Customer], Customer],
    browser: Callable[[Person], FlaskClient],
) -> None:
    lead, number = followed(), donor.number
    assert {"contact", "pledge"} <= set(services.acts(session, lead, staff.manager.actor))
    erased(donor)

    with pytest.raises(Conflict, match=r"CUST-06|مُحيت"):
        services.contact(session, lead, customer_id=donor.id, channel="phone", summary="نعم", actor=staff.employee.actor, now=SUNDAY)
    with pytest.raises(Conflict, match=r"CUST-06|مُحيت"):
        services.pledge(session, lead, scan(), customer_id=donor.id, signed_on=SUNDAY.date(), signatory="فلان", amount=sar("10"),
                        actor=staff.employee.actor, now=SUNDAY)
    with pytest.raises(NotAllowed, match="مُحيت"):
        consent.check_contact(session, donor.id, "phone", "service", actor=staff.employee.actor, now=SUNDAY)
    assert not {"contact", "pledge"} & set(services.acts(session, lead, staff.manager.actor))
    page = browser(staff.manager).get(f"/leads/{lead.id}").get_data(as_text=True)
    assert "مُحيت بيانات مانحيها" in page
    assert ERASED not in page
    assert number in page.replace("<span class=\"dw-check\">-", "")
    assert "contact-summary" not in page


def test_lists_leave_the_erased_out_whatever_they_are_for(session: Session, staff: Staff, donor: Customer, erased: Callable[[Customer], Customer]) -> None:
    listed = sa.select(Customer.id).where(Customer.id == donor.id, consents.may_contact(session, "phone", "service"))
    assert session.scalars(listed).all() == [donor.id]
    erased(donor)
    assert session.scalars(listed).all() == []
