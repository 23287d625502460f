"""The contact person of a donor, and the three permissions for one contact by somebody else (LEAD-21, 22)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from core.audit.models import AuditEvent
from core.auth import services as auth
from core.consent import queries as consent_queries
from core.consent import services as consent
from core.customers.models import Customer
from core.database import section
from core.errors import Conflict, InvalidInputs, NotAllowed
from core.i18n import use_language
from core.notices.models import Notice
from core.procedures import queries as procedures
from plugins.callcenter import services as calls
from plugins.leads import domain, persons, services
from plugins.leads.models import Contact, ContactGrant, ContactPerson, ContactRequest, Lead
from tests.core.customers.conftest import ADMIN, Person
from tests.plugins.leads.conftest import MARCH, SUNDAY, Staff
from tests.support.contacting import differences

LATER = MARCH + timedelta(days=1)
Browser = Callable[[Person], FlaskClient]
Permitted = Callable[..., ContactRequest]


def waiting(session: Session, who: Any, code: str) -> list[int]:
    """The steps of this procedure in somebody's inbox."""
    groups = procedures.inbox(session, who.actor, MARCH).groups.values()
    return sorted(step.run.step_number for group in groups for step in group if step.run.procedure_code == code)


# --- appointing --------------------------------------------------------------------------------------------------------


def test_the_secretary_approves_whom_another_proposed(session: Session, staff: Staff, donor: Customer) -> None:
    proposed = persons.propose(session, customer_number=donor.number, user_id=staff.employee.user.id, actor=staff.manager.actor, now=SUNDAY)
    assert persons.person_of(session, donor.id) is None
    assert waiting(session, staff.secretary, domain.APPOINTING) == [2]
    for who in (staff.manager, staff.head, staff.employee):
        with pytest.raises(NotAllowed):
            persons.approve(session, proposed, actor=who.actor, now=SUNDAY)

    persons.approve(session, proposed, actor=staff.secretary.actor, now=SUNDAY)
    found = persons.person_of(session, donor.id)
    assert found is proposed
    assert (found.user_id, found.decided_by_id) == (staff.employee.user.id, staff.secretary.user.id)
    assert waiting(session, staff.secretary, domain.APPOINTING) == []
    with pytest.raises(Conflict):
        persons.approve(session, proposed, actor=staff.secretary.actor, now=SUNDAY)


def test_whoever_proposed_or_is_proposed_does_not_approve(session: Session, staff: Staff, donor: Customer) -> None:
    both = replace(staff.manager.actor, permissions=staff.manager.actor.permissions | {persons.APPROVE}, roles=frozenset({"subcouncil_secretary"}))
    own = persons.propose(session, customer_number=donor.number, user_id=staff.employee.user.id, actor=both, now=SUNDAY)
    with pytest.raises(NotAllowed) as refused:
        persons.approve(session, own, actor=both, now=SUNDAY)
    assert refused.value.rule == "LEAD-21"
    himself = replace(both, user_id=staff.employee.user.id)
    with pytest.raises(NotAllowed):
        persons.approve(session, own, actor=himself, now=SUNDAY)


def test_only_people_of_customer_relations_and_resource_development_are_proposed(session: Session, staff: Staff, donor: Customer) -> None:
    assert {staff.employee.user.id, staff.raiser.user.id} <= {one.id for one in persons.candidates(session)}
    assert not {staff.quality.user.id, staff.finance.user.id} & {one.id for one in persons.candidates(session)}
    with pytest.raises(InvalidInputs) as refused:
        persons.propose(session, customer_number=donor.number, user_id=staff.quality.user.id, actor=staff.manager.actor, now=SUNDAY)
    assert (refused.value.field, refused.value.rule) == ("user_id", "LEAD-21")
    with pytest.raises(NotAllowed):
        persons.propose(session, customer_number=donor.number, user_id=staff.employee.user.id, actor=staff.employee.actor, now=SUNDAY)


def test_a_new_person_takes_the_place_of_the_former_when_approved(session: Session, staff: Staff, donor: Customer, spoken_for: ContactPerson) -> None:
    new = persons.propose(session, customer_number=donor.number, user_id=staff.raiser.user.id, actor=staff.manager.actor, now=MARCH)
    assert persons.person_of(session, donor.id) is spoken_for
    with pytest.raises(Conflict):
        persons.propose(session, customer_number=donor.number, user_id=staff.colleague.user.id, actor=staff.head.actor, now=MARCH)

    persons.approve(session, new, actor=staff.secretary.actor, now=LATER)
    assert persons.person_of(session, donor.id) is new
    assert [(one.user_id, one.state) for one in persons.history_of(session, donor.id)] == [
        (staff.raiser.user.id, "approved"), (staff.employee.user.id, "ended")]
    assert spoken_for.ended_at == LATER


def test_a_rejected_proposal_and_an_ended_appointment_leave_everybody_free(session: Session, staff: Staff, donor: Customer) -> None:
    first = persons.propose(session, customer_number=donor.number, user_id=staff.employee.user.id, actor=staff.manager.actor, now=SUNDAY)
    persons.reject(session, first, "المانح يفضل غيره", actor=staff.secretary.actor, now=SUNDAY)
    assert first.state == "rejected"
    second = persons.propose(session, customer_number=donor.number, user_id=staff.raiser.user.id, actor=staff.manager.actor, now=SUNDAY)
    persons.approve(session, second, actor=staff.secretary.actor, now=SUNDAY)
    assert persons.objections(session, donor.id, "fundraising", staff.employee.actor)

    persons.end(session, second, "انتقل إلى إدارة أخرى", actor=staff.head.actor, now=MARCH)
    assert persons.objections(session, donor.id, "fundraising", staff.employee.actor) == []
    assert [one.remark for one in persons.history_of(session, donor.id)] == ["انتقل إلى إدارة أخرى", "المانح يفضل غيره"]


def test_the_database_keeps_one_approved_person_and_the_history(session: Session, staff: Staff, donor: Customer, spoken_for: ContactPerson) -> None:
    other = persons.propose(session, customer_number=donor.number, user_id=staff.raiser.user.id, actor=staff.manager.actor, now=MARCH)
    said = "state = 'approved', decided_at = :at, decided_by_id = :by"
    for statement in (f"UPDATE leads_contact_person SET {said} WHERE id = {other.id}",
                      f"UPDATE leads_contact_person SET state = 'proposed', decided_at = NULL WHERE id = {spoken_for.id}",
                      f"UPDATE leads_contact_person SET user_id = {staff.raiser.user.id} WHERE id = {spoken_for.id}",
                      f"DELETE FROM leads_contact_person WHERE id = {spoken_for.id}"):
        with pytest.raises((DBAPIError, IntegrityError)), section("test"), session.begin_nested():
            session.execute(sa.text(statement), {"at": MARCH, "by": staff.secretary.user.id} if ":at" in statement else {})


# --- nobody else -------------------------------------------------------------------------------------------------------


def test_nobody_else_contacts_lists_or_exports_the_donor(
    session: Session, staff: Staff, donor: Customer, other: Customer, spoken_for: ContactPerson,
) -> None:
    for purpose in ("fundraising", "service"):
        for channel in ("phone", "email", "visit"):
            with pytest.raises(NotAllowed) as refused:
                consent.check_contact(session, donor.id, channel, purpose, actor=staff.colleague.actor, now=MARCH)
            assert refused.value.rule == "LEAD-22"
            consent.check_contact(session, donor.id, channel, purpose, actor=staff.employee.actor, now=MARCH)
    with use_language("en"), pytest.raises(NotAllowed, match="l_employee"):
        consent.reach(session, donor, "phone", "service", actor=staff.colleague.actor, now=MARCH)

    for one in (donor, other):
        consent.give(session, one, "all", "sharing", source="form", actor=staff.employee.actor, now=SUNDAY)

    def listed(who: Any, channel: str, purpose: str) -> set[int]:
        return set(session.scalars(consent_queries.contactable(session, sa.select(Customer.id), channel, purpose, actor=who.actor)))

    for asked in (("phone", "service"), ("sms", "fundraising"), ("all", "sharing")):
        assert listed(staff.employee, *asked) == {donor.id, other.id}
        assert listed(staff.colleague, *asked) == {other.id}
    assert all(one.objections for one in consent.channels_for(session, donor, "service", actor=staff.colleague.actor, now=MARCH))


def test_a_list_and_a_single_contact_say_the_same(
    session: Session, staff: Staff, donor: Customer, other: Customer, spoken_for: ContactPerson, permitted: Permitted,
) -> None:
    people = (staff.employee, staff.colleague, staff.manager, staff.quality)
    assert [differences(session, one.actor, MARCH) for one in people] == [[]] * 4
    permitted()
    assert [differences(session, one.actor, MARCH) for one in people] == [[]] * 4


def test_a_call_back_of_the_call_centre_is_refused_too(session: Session, staff: Staff, donor: Customer, spoken_for: ContactPerson) -> None:
    """Every sender asks at core.consent, whatever plugin it is."""
    assert calls.PURPOSE in ("service", "survey")
    with pytest.raises(NotAllowed) as refused:
        consent.check_contact(session, donor.id, "phone", calls.PURPOSE, actor=staff.colleague.actor, now=MARCH, made=True)
    assert refused.value.rule == "LEAD-22"


# --- three permissions, once -------------------------------------------------------------------------------------------


def test_a_request_stands_in_three_inboxes_and_needs_all_three(session: Session, staff: Staff, donor: Customer, permitted: Permitted) -> None:
    asked = permitted(0)
    assert [waiting(session, who, domain.ASKING) for who in (staff.manager, staff.head, staff.secretary, staff.colleague)] == [[2], [3], [4], []]

    persons.permit(session, asked, 2, actor=staff.manager.actor, now=MARCH)
    persons.permit(session, asked, 4, actor=staff.secretary.actor, now=MARCH)
    assert asked.permitted_at is None
    with use_language("en"):
        (text,) = [str(one.text) for one in persons.objections(session, donor.id, "fundraising", staff.colleague.actor)]
    assert "Resource-development manager" in text
    assert "secretary" not in text

    persons.permit(session, asked, 3, actor=staff.head.actor, now=LATER)
    assert asked.permitted_at == LATER
    assert persons.objections(session, donor.id, "fundraising", staff.colleague.actor) == []
    assert persons.objections(session, donor.id, "service", staff.colleague.actor) != []
    assert persons.objections(session, donor.id, "fundraising", staff.raiser.actor) != []
    assert session.scalar(sa.select(sa.func.count(Notice.id)).where(Notice.user_id == staff.colleague.user.id)) == 1


def test_each_permission_is_of_its_role_and_of_another_person(session: Session, staff: Staff, permitted: Permitted) -> None:
    asked = permitted(0)
    for who, part in ((staff.manager, 3), (staff.head, 2), (staff.secretary, 2), (staff.employee, 2), (staff.quality, 4)):
        with pytest.raises(NotAllowed):
            persons.permit(session, asked, part, actor=who.actor, now=MARCH)
    persons.permit(session, asked, 2, actor=staff.manager.actor, now=MARCH)
    twice = replace(staff.manager.actor, roles=frozenset({"crm_manager", "resource_development_manager"}))
    with pytest.raises(NotAllowed):
        persons.permit(session, asked, 3, actor=twice, now=MARCH)
    himself = replace(staff.head.actor, user_id=staff.colleague.user.id)
    with pytest.raises(NotAllowed):
        persons.permit(session, asked, 3, actor=himself, now=MARCH)


def test_one_contact_uses_the_permission_up(session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer, permitted: Permitted) -> None:
    one, asked = lead(), permitted()
    given = {"customer_id": donor.id, "channel": "phone", "summary": "وافق مبدئيا", "actor": staff.colleague.actor}
    services.contact(session, one, **given, now=LATER)
    assert (asked.used_at, asked.used_channel) == (LATER, "phone")

    with pytest.raises(NotAllowed) as refused:
        services.contact(session, one, **given, now=LATER + timedelta(minutes=1))
    assert refused.value.rule == "LEAD-22"
    services.contact(session, one, **{**given, "actor": staff.employee.actor}, now=LATER + timedelta(minutes=2))
    assert session.scalar(sa.select(sa.func.count(Contact.id))) == 2


def test_a_contact_that_fails_leaves_the_permission(session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer, permitted: Permitted) -> None:
    one, asked = lead(), permitted()
    with pytest.raises(InvalidInputs):
        services.contact(session, one, customer_id=donor.id, channel="phone", summary="", actor=staff.colleague.actor, now=LATER)
    assert asked.used_at is None


def test_a_refused_request_is_ended_everywhere(session: Session, staff: Staff, donor: Customer, permitted: Permitted) -> None:
    asked = permitted(1)
    persons.refuse(session, asked, "المانح لا يريد غيره", actor=staff.secretary.actor, now=MARCH)

    assert asked.refused_by_id == staff.secretary.user.id
    assert [waiting(session, who, domain.ASKING) for who in (staff.head, staff.secretary)] == [[], []]
    assert persons.objections(session, donor.id, "fundraising", staff.colleague.actor) != []
    with pytest.raises(Conflict):
        persons.permit(session, asked, 3, actor=staff.head.actor, now=MARCH)
    assert permitted(0).id != asked.id


def test_nobody_asks_without_need_or_reason(session: Session, staff: Staff, donor: Customer, other: Customer, spoken_for: ContactPerson) -> None:
    given = {"purpose": "fundraising", "reason": "سؤال", "now": MARCH}
    with pytest.raises(Conflict):
        persons.ask(session, customer_number=donor.number, **given, actor=staff.employee.actor)  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        persons.ask(session, customer_number=other.number, **given, actor=staff.colleague.actor)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputs) as refused:
        persons.ask(session, customer_number=donor.number, purpose="tea", reason=" ", actor=staff.colleague.actor, now=MARCH)
    assert [fault.field for fault in refused.value.faults] == ["purpose", "reason"]
    with pytest.raises(NotAllowed):
        persons.ask(session, customer_number=donor.number, **given, actor=staff.quality.actor)  # type: ignore[arg-type]


def test_the_database_refuses_what_goes_round_the_permissions(
    session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer, permitted: Permitted,
) -> None:
    one, asked = lead(), permitted(2)
    stranger = (f"INSERT INTO leads_contact (lead_id, customer_id, subject_id, channel, summary, document, contacted_at, made_at, made_by_id) VALUES ({one.id},"
                f" {donor.id}, '{donor.subject_id}', 'phone', 'x', '', :at, :at, {staff.colleague.user.id})")
    given = {"at": LATER}

    def refused(statement: str) -> None:
        with pytest.raises(DBAPIError), section("test"), session.begin_nested():
            session.execute(sa.text(statement), given if ":at" in statement else {})

    refused(stranger)
    refused(f"UPDATE leads_contact_request SET permitted_at = :at WHERE id = {asked.id}")
    refused(f"UPDATE leads_contact_request SET used_at = :at WHERE id = {asked.id}")
    refused("UPDATE leads_contact_grant SET part = 4 WHERE part = 3")
    refused("DELETE FROM leads_contact_grant")
    refused(f"DELETE FROM leads_contact_request WHERE id = {asked.id}")
    persons.permit(session, asked, 4, actor=staff.secretary.actor, now=MARCH)
    services.contact(session, one, customer_id=donor.id, channel="phone", summary="وافق", actor=staff.colleague.actor, now=MARCH)
    refused(f"UPDATE leads_contact_request SET used_at = :at WHERE id = {asked.id}")
    refused(f"UPDATE leads_contact_request SET used_at = NULL WHERE id = {asked.id}")
    refused(stranger)
    assert session.scalar(sa.select(sa.func.count(ContactGrant.id))) == 3


# --- pages -------------------------------------------------------------------------------------------------------------


def test_a_refused_contact_is_explained_and_offers_to_ask(
    session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer, spoken_for: ContactPerson, browser: Browser,
) -> None:
    one = lead()
    client = browser(staff.colleague)
    refused = client.post(f"/leads/{one.id}/contact", data={"contact-customer_id": donor.id, "contact-channel": "phone", "contact-summary": "سؤال"})

    text = refused.get_data(as_text=True)
    assert refused.status_code == 403
    assert "l_employee" in text
    assert f"/leads/persons/{donor.number}?purpose=fundraising#ask" in text
    denied = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "denied").order_by(AuditEvent.id.desc()).limit(1)).one()
    assert denied.rule == "LEAD-22"

    asked = client.post(f"/leads/persons/{donor.number}/ask", data={"ask-purpose": "fundraising", "ask-reason": "زميلي في إجازة"})
    assert asked.status_code == 302
    request = session.scalars(sa.select(ContactRequest)).one()
    for part, who in zip(domain.PARTS, (staff.manager, staff.head, staff.secretary), strict=True):
        client = browser(who)
        page = client.get(f"/leads/persons/requests/{request.id}", follow_redirects=True).get_data(as_text=True)
        assert f"/leads/persons/requests/{request.id}/permit" in page
        assert client.post(f"/leads/persons/requests/{request.id}/permit", data={"part": part}).status_code == 302
    client = browser(staff.colleague)
    done = client.post(f"/leads/{one.id}/contact", data={"contact-customer_id": donor.id, "contact-channel": "phone", "contact-summary": "سؤال"})
    assert done.status_code == 302
    assert session.scalars(sa.select(ContactRequest.used_at)).one() is not None


def test_a_person_is_proposed_approved_replaced_and_ended_on_the_donors_page(
    session: Session, staff: Staff, donor: Customer, browser: Browser,
) -> None:
    page = f"/leads/persons/{donor.number}"
    client = browser(staff.manager)
    assert client.post(f"{page}/propose", data={"person-user_id": staff.employee.user.id}).status_code == 302
    proposed = session.scalars(sa.select(ContactPerson)).one()
    assert f"/leads/persons/appointments/{proposed.id}/approve" not in client.get(page).get_data(as_text=True)
    assert client.post(f"/leads/persons/appointments/{proposed.id}/approve").status_code == 403
    assert client.post(f"{page}/propose", data={"person-user_id": staff.raiser.user.id}).status_code == 409

    client = browser(staff.secretary)
    assert f"/leads/persons/appointments/{proposed.id}/approve" in client.get(page).get_data(as_text=True)
    assert client.post(f"/leads/persons/appointments/{proposed.id}/approve").status_code == 302
    session.expire_all()
    assert proposed.state == "approved"
    assert donor.number in client.get("/leads/persons/").get_data(as_text=True)

    client = browser(staff.manager)
    assert "l_employee" in client.get(f"/customers/{donor.number}").get_data(as_text=True)
    assert client.post(f"/leads/persons/appointments/{proposed.id}/end", data={"reason": "تقاعد"}).status_code == 302
    session.expire_all()
    assert proposed.state == "ended"
    assert client.get("/leads/persons/find", query_string={"number": donor.number}).headers["Location"].endswith(page)
    assert client.get("/leads/persons/0000000").status_code == 404


def test_the_file_for_an_outside_party_leaves_the_donor_out_but_once(
    session: Session, staff: Staff, donor: Customer, other: Customer, permitted: Permitted, browser: Browser,
) -> None:
    for one in (donor, other):
        consent.give(session, one, "all", "sharing", source="form", actor=staff.employee.actor, now=SUNDAY)
    asked = permitted(3, "sharing")
    auth.grant_role(session, staff.colleague.user, "crm_rd_manager", actor=ADMIN)

    def exported() -> set[str]:
        client = browser(staff.colleague)
        rows = client.post("/customers/export", data={"outside": "1", "matching": "1"}).get_data(as_text=True).splitlines()[1:]
        return {number for number in (donor.number, other.number) if any(number in row for row in rows)}

    assert exported() == {donor.number, other.number}
    session.expire_all()
    assert (asked.used_at is not None, asked.used_channel) == (True, "all")
    assert exported() == {other.number}
