"""Leads and their gates: contacts, history, pledges in finance, withdrawal, outcome, and what the database refuses by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.customers.models import Customer
from core.database import section
from core.errors import Conflict, InvalidInput, InvalidInputs, NotAllowed
from core.files import services as files
from core.finance import queries as finance_queries
from core.finance import services as finance
from core.finance.models import Contribution, Pledge
from core.organisation.models import Programme
from core.procedures import queries as runs
from core.testing import actor_with
from plugins.leads import domain, page, portfolio, queries, services
from plugins.leads.models import Item, Lead, Portfolio, Study
from tests.plugins.leads.conftest import MARCH, PDF, SUNDAY, Staff, files_folder, sar, scan

LATER = MARCH + timedelta(days=3)


def open_steps(session: Session, record: object) -> list[int]:
    found = runs.steps_of(session, record_type=record.__tablename__, record_id=record.id)  # type: ignore[attr-defined]
    return [one.step_number for one in found if one.is_open()]


# --- documenting -----------------------------------------------------------------------------------------------------


def test_the_study_waits_for_the_employee_until_the_lead_is_documented(
    session: Session, staff: Staff, study: Callable[..., Study], programme: Programme, donor: Customer,
) -> None:
    one = study()
    assert open_steps(session, one) == [domain.DOCUMENT]
    assert queries.studies_waiting(session) == [one]

    lead = services.document(session, one, programme_id=programme.id, donors=[donor.number], probability=30, factors="اهتمام", actor=staff.employee.actor,
                             now=SUNDAY)
    assert lead.number == "L-0001"
    assert open_steps(session, one) == []
    assert queries.studies_waiting(session) == []
    with pytest.raises(InvalidInputs) as twice:
        services.document(session, one, programme_id=programme.id, donors=[donor.number], probability=30, factors="اهتمام", actor=staff.employee.actor,
                          now=SUNDAY)
    assert twice.value.field == "study_id"


def test_every_fault_of_a_lead_is_told_at_once(session: Session, staff: Staff) -> None:
    with pytest.raises(InvalidInputs) as refused:
        services.document(session, None, programme_id=None, donors=["9999999"], probability=101, factors=" ", expected=sar("-1"), actor=staff.employee.actor,
                          now=SUNDAY)

    assert [fault.field for fault in refused.value.faults] == ["study_id", "programme_id", "donors", "probability", "factors", "amount"]


def test_a_form_sent_twice_makes_one_lead(session: Session, staff: Staff, study: Callable[..., Study], programme: Programme, donor: Customer) -> None:
    given = {"programme_id": programme.id, "donors": [donor.number], "probability": 30, "factors": "اهتمام", "operation_key": "k1"}
    first = services.document(session, study(), **given, actor=staff.employee.actor, now=SUNDAY)  # type: ignore[arg-type]

    assert services.document(session, None, **given, actor=staff.employee.actor, now=SUNDAY) is first  # type: ignore[arg-type]


@pytest.mark.parametrize("who", ["quality", "raiser", "finance"])
def test_who_may_not_document_does_not(session: Session, staff: Staff, who: str) -> None:
    with pytest.raises(NotAllowed):
        services.document(session, None, programme_id=None, donors=[], probability=1, factors="", actor=getattr(staff, who).actor, now=SUNDAY)


# --- contacts ----------------------------------------------------------------------------------------------------------


def test_resource_development_contacts_donors_too_and_quality_never(session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer) -> None:
    """LEAD-05: whatever the matrix of permissions says."""
    one = lead()
    given = {"customer_id": donor.id, "channel": "phone", "summary": "سؤال"}
    with pytest.raises(NotAllowed):
        services.contact(session, one, **given, actor=staff.quality.actor, now=SUNDAY)
    granted = replace(staff.quality.actor, permissions=staff.quality.actor.permissions | {"leads.contact"})
    with pytest.raises(NotAllowed) as refused:
        services.contact(session, one, **given, actor=granted, now=SUNDAY)
    assert refused.value.rule == "LEAD-05"
    assert one.state == domain.IDENTIFIED

    services.contact(session, one, **given, actor=staff.raiser.actor, now=SUNDAY)
    assert one.state == domain.FOLLOW_UP


def test_what_the_donor_was_given_is_logged_with_its_file(session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer) -> None:
    """LEAD-06: document, date, by whom."""
    made = services.contact(session, lead(), customer_id=donor.id, channel="email", summary="أُرسل الملف", document="ملف البرنامج", stored=scan("ملف.pdf"),
                            actor=staff.employee.actor, now=MARCH)

    assert (made.document, made.contacted_at, made.made_by_id) == ("ملف البرنامج", MARCH, staff.employee.user.id)
    (kept,) = files.attached_to(session, made)
    assert files.read_of(session, made, files_folder(), kept.id)[1] == PDF


def test_who_may_not_be_contacted_is_not(
    session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer, monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = lead()
    asked: list[tuple[str, str]] = []

    def objections(name: str, **given: object) -> list[str]:
        asked.append((name, str(given["channel"])))
        return ["Asked not to be called."] if given["channel"] == "phone" else []

    monkeypatch.setattr(session.info["hooks"], "objections", objections)
    with pytest.raises(NotAllowed) as refused:
        services.contact(session, one, customer_id=donor.id, channel="phone", summary="سؤال", actor=staff.employee.actor, now=SUNDAY)
    assert refused.value.field == "channel"
    assert one.state == domain.IDENTIFIED
    services.contact(session, one, customer_id=donor.id, channel="email", summary="سؤال", actor=staff.employee.actor, now=SUNDAY)
    assert asked == [("contact_objections", "phone"), ("contact_objections", "email")]


def test_a_contact_names_a_donor_of_the_lead_and_what_was_said(session: Session, staff: Staff, lead: Callable[..., Lead], other: Customer) -> None:
    with pytest.raises(InvalidInputs) as refused:
        services.contact(session, lead(), customer_id=other.id, channel="pigeon", summary="", contacted_at=LATER, actor=staff.employee.actor, now=SUNDAY)

    assert [fault.field for fault in refused.value.faults] == ["customer_id", "channel", "summary", "contacted_at"]


# --- history -------------------------------------------------------------------------------------------------------------


def test_probability_and_factors_keep_what_they_were(session: Session, staff: Staff, followed: Callable[..., Lead]) -> None:
    """LEAD-09."""
    one = followed()
    services.estimate(session, one, probability=50, factors="زيارة ناجحة", expected=sar("100000"), next_action="زيارة", next_action_on=date(2026, 3, 20),
                      actor=staff.employee.actor, now=MARCH)

    assert (one.probability, one.factors, one.expected, one.updated_at) == (50, "زيارة ناجحة", sar("100000"), MARCH)
    lines = queries.progress_of(session, one)
    assert [(line.state, line.probability_before, line.probability, line.factors) for line in lines] == [
        ("identified", None, 30, "اهتمام سابق"), ("follow_up", 30, 30, "اهتمام سابق"), ("follow_up", 30, 50, "زيارة ناجحة")]


@pytest.mark.parametrize("probability", [None, -1, 101])
def test_a_probability_lies_between_0_and_100(session: Session, staff: Staff, lead: Callable[..., Lead], probability: int | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        services.estimate(session, lead(), probability=probability, factors="عوامل", actor=staff.employee.actor, now=SUNDAY)

    assert (refused.value.field, refused.value.rule) == ("probability", "LEAD-08")


def test_weighted_values_are_summed_for_each_programme(session: Session, staff: Staff, lead: Callable[..., Lead], programme: Programme) -> None:
    """LEAD-26, as ACC-41 counts: 100000 at 40 % and 50000 at 80 %."""
    first = lead(probability=40, expected=sar("100000"))
    lead(probability=80, expected=sar("50000"))
    gone = lead(probability=90, expected=sar("70000"))
    services.cancel(session, gone, "خارج الميزانية", actor=staff.manager.actor, now=SUNDAY)

    assert page.weighted(first) == sar("40000")
    assert queries.weighted_by_programme(session) == {programme.id: [sar("80000")]}


# --- the pledge ------------------------------------------------------------------------------------------------------------


def test_each_instalment_is_a_pledge_that_finance_sees(
    session: Session, pledged: Callable[..., Lead], donor: Customer, programme: Programme,
) -> None:
    one = pledged(schedule="2026-06-01 20000\n2026-12-01 30000")

    found = session.scalars(sa.select(Pledge).where(Pledge.customer_id == donor.id).order_by(Pledge.id)).all()
    assert [(str(each.amount), each.due_on, each.programme_id, each.source_name) for each in found] == [
        ("20000.00 SAR", date(2026, 6, 1), programme.id, one.number), ("30000.00 SAR", date(2026, 12, 1), programme.id, one.number)]
    (balance,) = finance_queries.customer_balances(session, donor.id, date(2026, 7, 1))
    assert (balance.pledged, balance.overdue) == (sar("50000"), sar("20000"))


def test_a_pledge_lacks_nothing(session: Session, staff: Staff, followed: Callable[..., Lead], other: Customer) -> None:
    one = followed()
    with pytest.raises(InvalidInputs) as refused:
        services.pledge(session, one, None, customer_id=other.id, signed_on=LATER.date(), signatory="", amount=None, actor=staff.employee.actor, now=MARCH)

    assert [(fault.field, fault.rule) for fault in refused.value.faults] == [
        (field, "LEAD-10") for field in ("file", "customer_id", "signed_on", "signatory", "amount")]


def test_a_lead_without_contact_is_not_closing(session: Session, staff: Staff, lead: Callable[..., Lead], donor: Customer) -> None:
    with pytest.raises(Conflict) as refused:
        services.pledge(session, lead(), scan(), customer_id=donor.id, signed_on=date(2026, 3, 10), signatory="أحمد", amount=sar("5"),
                        actor=staff.employee.actor, now=MARCH)

    assert (refused.value.rule, refused.value.value) == ("LEAD-13", domain.CLOSING)


def test_a_withdrawn_pledge_counts_no_longer_and_follow_up_begins_again(
    session: Session, staff: Staff, pledged: Callable[..., Lead], donor: Customer,
) -> None:
    one = pledged()
    with pytest.raises(InvalidInput):
        services.withdraw(session, one, " ", actor=staff.employee.actor, now=LATER)

    services.withdraw(session, one, "تغيرت الإدارة", actor=staff.employee.actor, now=LATER)
    assert one.state == domain.FOLLOW_UP
    assert queries.live_pledge(session, one) is None
    (promised,) = session.scalars(sa.select(Pledge).where(Pledge.customer_id == donor.id)).all()
    assert (promised.cancelled_at, promised.cancel_reason) == (LATER, "تغيرت الإدارة")
    assert queries.progress_of(session, one)[-1].reason == "تغيرت الإدارة"

    services.pledge(session, one, scan(), customer_id=donor.id, signed_on=date(2026, 3, 12), signatory="أحمد", amount=sar("40000"), actor=staff.employee.actor,
                    now=LATER)
    assert one.state == domain.CLOSING, "a new pledge closes it again"


# --- the outcome -----------------------------------------------------------------------------------------------------------


def test_when_the_last_instalment_is_there_the_manager_is_asked(
    session: Session, staff: Staff, pledged: Callable[..., Lead], pay: Callable[..., Contribution],
) -> None:
    """LEAD-11, 20: a part is not enough, a refund takes the question back, and nobody but the manager answers it."""
    one = pledged(schedule="2026-06-01 20000\n2026-12-01 30000")
    pay(one, "20000", part=0)
    assert open_steps(session, one) == []
    assert services.acts(session, one, staff.manager.actor)[0] == "contact"

    last = pay(one, "30000", part=1)
    assert open_steps(session, one) == [domain.DECIDE]
    assert services.acts(session, one, staff.manager.actor)[0] == "succeed"
    finance.record_refund(session, last, refunded_on=MARCH.date(), actor=staff.finance.actor, now=MARCH)
    assert open_steps(session, one) == []
    with pytest.raises(Conflict) as short:
        services.succeed(session, one, actor=staff.manager.actor, now=MARCH)
    assert "20000.00 SAR" in str(short.value)

    pay(one, "30000", part=1)
    for person in (staff.employee, staff.raiser):
        with pytest.raises(NotAllowed) as refused:
            services.succeed(session, one, actor=person.actor, now=MARCH)
        assert refused.value.rule == "LEAD-20"
    services.succeed(session, one, actor=staff.manager.actor, now=MARCH)
    assert open_steps(session, one) == []


@pytest.mark.parametrize("stage", ["lead", "followed", "pledged"])
def test_the_manager_cancels_from_each_open_state_with_a_reason(
    request: pytest.FixtureRequest, session: Session, staff: Staff, donor: Customer, stage: str,
) -> None:
    """LEAD-12: final, and its probability is 0."""
    one = request.getfixturevalue(stage)()
    with pytest.raises(NotAllowed):
        services.cancel(session, one, "خارج الميزانية", actor=staff.employee.actor, now=LATER)
    with pytest.raises(InvalidInput):
        services.cancel(session, one, "", actor=staff.manager.actor, now=LATER)

    services.cancel(session, one, "خارج الميزانية", actor=staff.manager.actor, now=LATER)
    assert (one.state, one.probability, one.cancel_reason, one.ended_at) == (domain.CANCELLED, 0, "خارج الميزانية", LATER)
    assert session.scalars(sa.select(Pledge).where(Pledge.customer_id == donor.id, Pledge.cancelled_at.is_(None))).all() == []
    assert services.acts(session, one, staff.manager.actor) == []


# --- the database --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stage", "values"), [
    ("lead", {"state": "follow_up"}),
    ("lead", {"state": "closing"}),
    ("lead", {"state": "successful", "ended_at": SUNDAY}),
    ("followed", {"state": "identified"}),
    ("followed", {"state": "closing"}),
    ("followed", {"state": "successful", "ended_at": SUNDAY}),
    ("followed", {"state": "cancelled", "ended_at": SUNDAY}),
    ("followed", {"probability": 101}),
    ("followed", {"state": "won"}),
    ("pledged", {"state": "successful", "ended_at": SUNDAY}),
    ("pledged", {"ended_at": SUNDAY}),
])
def test_the_database_refuses_what_goes_round_the_gates(
    request: pytest.FixtureRequest, session: Session, stage: str, values: dict[str, object],
) -> None:
    one = request.getfixturevalue(stage)()

    with pytest.raises(DBAPIError), session.begin_nested(), section("test"):
        session.execute(sa.update(Lead).where(Lead.id == one.id).values(**values))


def test_the_database_keeps_leads_contacts_and_their_history(session: Session, followed: Callable[..., Lead]) -> None:
    one = followed()
    (line, *_rest), (contact,) = queries.progress_of(session, one), queries.contacts_of(session, one)

    for table, row in (("leads_contact", contact), ("leads_progress", line), ("leads_lead", one)):
        with pytest.raises(DBAPIError), session.begin_nested(), section("test"):
            session.execute(sa.text(f"DELETE FROM {table} WHERE id = :id"), {"id": row.id})
    with pytest.raises(DBAPIError), session.begin_nested(), section("test"):
        session.execute(sa.text("UPDATE leads_progress SET probability = 99 WHERE id = :id"), {"id": line.id})


# --- the portfolio -------------------------------------------------------------------------------------------------------


def test_the_expected_portfolio_is_the_one_that_is_received(session: Session, staff: Staff, received: Portfolio) -> None:
    july = SUNDAY.replace(month=7, day=6)
    portfolio.remind(session, {}, july)
    awaited = queries.portfolio_awaited(session)
    assert awaited is not None
    assert open_steps(session, awaited) == [domain.RECEIVE]

    made = portfolio.receive(session, received_on=date(2026, 7, 6), received_from="التخطيط", review="جيدة", actor=staff.manager.actor, now=july)
    assert made is awaited
    assert open_steps(session, made) == [domain.POTENTIAL]
    assert queries.next_portfolio_on(session) == date(2027, 1, 6)


def test_the_list_of_potential_donors_is_closed_when_somebody_is_on_it(
    session: Session, staff: Staff, item: Item, received: Portfolio, donor: Customer,
) -> None:
    """LEAD-16, step 2."""
    manager = staff.manager.actor
    with pytest.raises(Conflict):
        portfolio.close_list(session, received, actor=manager, now=SUNDAY)

    first = portfolio.list_donor(session, item, donor.number, actor=manager, now=SUNDAY)
    assert portfolio.list_donor(session, item, donor.number, actor=manager, now=SUNDAY) is first
    portfolio.close_list(session, received, actor=manager, now=SUNDAY)
    assert open_steps(session, received) == []
    assert queries.proposed_for(session, item.programme_id, manager) == [donor]


def test_a_programme_is_in_a_portfolio_once_and_needs_its_facts(session: Session, staff: Staff, item: Item, received: Portfolio) -> None:
    with pytest.raises(InvalidInputs) as refused:
        portfolio.add_item(session, received, programme_id=None, interest_id=None, needed=None, starts_on=date(2026, 5, 1), ends_on=date(2026, 4, 1),
                           actor=staff.manager.actor, now=SUNDAY)
    assert [fault.field for fault in refused.value.faults] == ["programme_id", "interest_id", "amount", "ends_on"]

    with pytest.raises(InvalidInput) as twice:
        portfolio.add_item(session, received, programme_id=item.programme_id, interest_id=item.interest_id, needed=sar("5"), actor=staff.manager.actor,
                           now=SUNDAY)
    assert twice.value.field == "programme_id"


def test_a_portfolio_is_the_managers(session: Session, staff: Staff) -> None:
    for actor in (staff.employee.actor, staff.planner.actor, actor_with("leads.read")):
        with pytest.raises(NotAllowed) as refused:
            portfolio.receive(session, received_on=date(2026, 1, 5), received_from="التخطيط", review="جيدة", actor=actor, now=SUNDAY)
        assert refused.value.rule == "LEAD-02"
