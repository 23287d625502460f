from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core.auth.actor import Delegator
from core.customers import queries, services, steps
from core.customers.models import Customer, CustomerForm
from core.errors import Conflict, InvalidInput, InvalidInputs, NotAllowed
from core.testing import actor_with
from tests.core.customers.conftest import NOOR, NOW


def test_fill_numbers_the_form_and_opens_the_review(session, people, fill):
    form = fill()

    assert (form.number, form.state, form.kind) == ("F-2026-0001", "filled", "new")
    assert form.line.customer is None
    assert form.line.mobile == "+966550000001"
    assert steps.runs(session, form)[2].due_at == NOW + timedelta(days=1)


def test_form_numbers_follow_each_other_within_the_year_of_the_association(session, people, fill):
    first, second = fill(), fill(name="أخرى")
    late = services.fill_form(session, {**NOOR, "name": "ثالثة"}, actor=people.employee.actor, now=NOW.replace(year=2026, month=12, day=31, hour=22))

    assert [first.number, second.number, late.number] == ["F-2026-0001", "F-2026-0002", "F-2027-0001"]


def test_the_same_sending_twice_is_one_form(session, people):
    first = services.fill_form(session, NOOR, actor=people.employee.actor, now=NOW, operation_key="once")
    again = services.fill_form(session, NOOR, actor=people.employee.actor, now=NOW, operation_key="once")

    assert again is first


def test_all_faults_of_a_form_are_told_together(session, people):
    with pytest.raises(InvalidInputs) as refused:
        services.fill_form(session, {"name": "", "mobile": "055 512 034", "email": "nobody", "customer_class": "other"}, actor=people.employee.actor, now=NOW)

    assert {fault.field for fault in refused.value.faults} == {"name", "mobile", "email", "other_detail", "registration_origin"}


def test_a_new_record_says_how_it_was_asked_for(session, people):
    values = {name: value for name, value in NOOR.items() if name != "registration_origin"}
    with pytest.raises(InvalidInputs) as refused:
        services.fill_form(session, values, actor=people.employee.actor, now=NOW)

    assert [(fault.field, fault.rule) for fault in refused.value.faults] == [("registration_origin", "CUST-35")]


def test_only_who_may_fill_fills(session, people):
    with pytest.raises(NotAllowed) as refused:
        services.fill_form(session, NOOR, actor=actor_with("customers.read"), now=NOW)

    assert refused.value.rule == "CUST-14"


def test_a_draft_has_no_number_and_can_be_continued_and_deleted(session, people, fill):
    draft = services.fill_form(session, {"name": "مسودة"}, actor=people.employee.actor, now=NOW, draft=True)
    assert (draft.number, draft.state) == (None, "draft")

    sent = services.fill_form(session, NOOR, form=draft, actor=people.employee.actor, now=NOW)
    assert (sent is draft, sent.state, sent.line.name) == (True, "filled", "شركة النور")

    other = services.fill_form(session, {"name": "أخرى"}, actor=people.employee.actor, now=NOW, draft=True)
    services.delete_draft(session, other, actor=people.employee.actor)
    assert session.scalar(select(func.count()).select_from(CustomerForm)) == 1


def test_only_drafts_can_be_deleted(session, people, fill):
    with pytest.raises(Conflict):
        services.delete_draft(session, fill(), actor=people.employee.actor)


def test_a_draft_is_its_makers_own(session, people, fill):
    draft = fill(draft=True)
    with pytest.raises(NotAllowed):
        services.delete_draft(session, draft, actor=people.officer.actor)
    assert queries.form_by_id(session, draft.id, people.manager.actor) is None


def test_a_rejection_needs_a_reason_and_leaves_the_register_alone(session, people, fill):
    form = services.review(session, fill(), actor=people.manager.actor, now=NOW)

    with pytest.raises(InvalidInput) as refused:
        services.reject(session, form, "  ", actor=people.manager.actor, now=NOW)
    assert refused.value.rule == "CUST-16"

    services.reject(session, form, "بيانات ناقصة", actor=people.manager.actor, now=NOW)
    assert (form.state, form.reason, form.line.state) == ("rejected", "بيانات ناقصة", "dropped")
    assert session.scalar(select(func.count()).select_from(Customer)) == 0


def test_nobody_decides_on_a_form_that_somebody_prepared_for_him_by_delegation(session, people, fill):
    form = services.review(session, fill(), actor=people.manager.actor, now=NOW)
    maker = people.employee
    lent = Delegator(maker.user.id, maker.actor.label, frozenset({"customers.approve"}), frozenset({"crm_manager"}))
    delegate = actor_with("customers.read", user_id=people.deputy.user.id, label="D", delegators=(lent,))

    with pytest.raises(NotAllowed) as refused:
        services.approve(session, form, actor=delegate, now=NOW)
    assert refused.value.rule == "ORG-09"


def test_the_table_of_authorities_says_who_approves(session, people, fill):
    form = services.review(session, fill(), actor=people.manager.actor, now=NOW)
    stranger = actor_with("customers.approve", user_id=people.deputy.user.id, roles=frozenset({"quality_employee"}))

    with pytest.raises(NotAllowed) as refused:
        services.approve(session, form, actor=stranger, now=NOW)
    assert refused.value.rule == "ORG-08"


def test_a_form_is_decided_once(session, people, approved):
    form = approved()
    with pytest.raises(Conflict):
        services.approve(session, form, actor=people.manager.actor, now=NOW)


def test_a_form_is_withdrawn_by_its_maker_before_the_review_only(session, people, fill):
    form = fill()
    services.withdraw(session, form, actor=people.employee.actor, now=NOW)
    assert (form.state, form.line.state) == ("withdrawn", "dropped")
    assert all(run.ended_at is not None for run in steps.runs(session, form).values())

    second = services.review(session, fill(name="ثانية"), actor=people.manager.actor, now=NOW)
    with pytest.raises(Conflict):
        services.withdraw(session, second, actor=people.employee.actor, now=NOW)


def test_bulk_acts_name_what_was_refused_and_do_the_rest(session, people, fill):
    forms = [fill(name=f"عميل {n}") for n in range(3)]
    services.withdraw(session, forms[1], actor=people.employee.actor, now=NOW)

    outcome = services.bulk_review(session, forms, actor=people.manager.actor, now=NOW)

    assert outcome.done == [forms[0], forms[2]]
    assert [form for form, _error in outcome.refused] == [forms[1]]


def test_a_change_needs_something_changed_and_no_other_form_under_way(session, people, customer, fill):
    found = customer()
    with pytest.raises(InvalidInput):
        fill(found, name=found.name)
    fill(found, mobile="0550000002")
    with pytest.raises(Conflict) as refused:
        fill(found, mobile="0550000003")
    assert refused.value.rule == "CUST-13"


def test_confirming_changes_no_data(session, people, customer):
    found = customer()
    later = NOW + timedelta(days=400)

    state = services.confirm(session, found, actor=people.employee.actor, now=later)

    assert (state.confirmed_at, found.changed_at) == (later, NOW)


def test_influence_is_the_data_officers_act(session, people, customer):
    one, other = customer(), customer(name="مؤسسة نماء", mobile="0550000009")

    row = services.add_influence(session, one, kind="عضو مجلس النظارة", influencer=other, actor=people.officer.actor, now=NOW)
    assert queries.influences_of(session, one.id) == [row]
    with pytest.raises(NotAllowed) as refused:
        services.add_influence(session, one, kind="صديق", name="فلان", actor=people.manager.actor, now=NOW)
    assert refused.value.rule == "CUST-10"
