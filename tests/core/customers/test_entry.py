from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import func, select

from core.audit.models import AuditEvent
from core.auth.actor import Delegator
from core.customers import entry, importing, officers, queries, services, steps
from core.customers.models import Customer, CustomerAlias, CustomerFormLine, CustomerState
from core.database import section
from core.errors import Conflict, NotAllowed
from core.numbering import is_valid
from core.testing import actor_with
from tests.core.customers.conftest import NOW, person


def test_entry_gives_number_state_search_text_and_the_filing_step(session, people, approved):
    form = entry.enter(session, approved(), actor=people.officer.actor, now=NOW + timedelta(hours=1))

    found = form.line.customer
    assert found.number.isdigit() and is_valid(found.number)
    assert (form.state, form.entered_by, form.entered_at) == ("entered", people.officer.user.id, NOW + timedelta(hours=1))
    assert (found.created_at, found.changed_at, found.form_id, found.line_id) == (NOW + timedelta(hours=1), NOW + timedelta(hours=1), form.id, form.line.id)
    assert found.subject_id == form.subject_id
    assert session.get(CustomerState, found.id).confirmed_at == form.filled_at
    assert steps.runs(session, form)[5].due_at == NOW + timedelta(hours=1, days=1)
    assert steps.runs(session, form)[5].customer_id == found.id


def test_numbers_grow_and_none_is_used_by_a_rejected_form(session, people, customer, fill):
    first = customer()
    rejected = services.review(session, fill(name="مرفوض"), actor=people.manager.actor, now=NOW)
    services.reject(session, rejected, "مكرر", actor=people.manager.actor, now=NOW)
    second = customer(name="الثاني", mobile="0550000002")

    assert int(second.number[:-1]) == int(first.number[:-1]) + 1


def test_a_change_writes_only_what_the_form_changes(session, people, customer, approved):
    found = customer(address="شارع الأمير ماجد")

    entry.enter(session, approved(found, mobile="0550000384"), actor=people.officer.actor, now=NOW + timedelta(days=1))

    assert (found.mobile, found.address, found.changed_at) == ("+966550000384", "شارع الأمير ماجد", NOW + timedelta(days=1))
    assert queries.search(session, "0384", people.manager.actor).customers == [found]
    assert queries.search(session, "0550000001", people.manager.actor).customers == []


def test_a_form_that_the_register_has_overtaken_is_refused_and_can_be_rejected(session, people, customer, approved):
    found = customer()
    late = approved(found, mobile="0550000002")
    late.line.base = {**late.line.base, "mobile": "+966550000077"}
    session.flush()

    with pytest.raises(Conflict) as refused, session.begin_nested():
        entry.enter(session, late, actor=people.officer.actor, now=NOW)
    assert refused.value.rule == "CUST-13"

    session.refresh(late)
    assert services.reject(session, late, "تغيّر السجل", actor=people.manager.actor, now=NOW).state == "rejected"


def test_who_is_neither_officer_nor_deputy_enters_nothing_whatever_his_permissions(session, people, approved):
    form = approved()
    for actor in (people.employee.actor, people.manager.actor, actor_with("customers.enter", "customers.approve", user_id=people.manager.user.id)):
        with pytest.raises(NotAllowed) as refused:
            entry.enter(session, form, actor=actor, now=NOW)
        assert refused.value.rule == "CUST-10"
    assert form.state == "approved"


def test_the_power_to_enter_is_not_lent_by_delegation(session, people, approved):
    lent = Delegator(people.officer.user.id, "P", frozenset({"customers.enter"}), frozenset())
    with pytest.raises(NotAllowed):
        entry.enter(session, approved(), actor=actor_with(user_id=people.employee.user.id, delegators=(lent,)), now=NOW)


def test_the_deputys_days_are_the_associations_days(session, people, approved):
    officers.record_absence(session, date(2026, 3, 1), date(2026, 3, 5), actor=people.officer.actor, now=NOW)
    last_minute = NOW.replace(month=3, day=5, hour=20, minute=59)

    assert officers.may_enter(session, people.deputy.actor, now=last_minute)
    assert not officers.may_enter(session, people.deputy.actor, now=last_minute + timedelta(minutes=1))


def test_an_officer_who_is_back_ends_the_deputys_days(session, people):
    absence = officers.record_absence(session, date(2026, 2, 1), date(2026, 2, 5), actor=people.officer.actor, now=NOW)
    officers.come_back(session, absence, actor=people.officer.actor, now=NOW + timedelta(days=2))

    assert absence.until_on == date(2026, 2, 2)
    assert not officers.may_enter(session, people.deputy.actor, now=NOW + timedelta(days=2))


def test_there_is_one_officer_of_each_kind_in_the_database_too(session, people):
    with pytest.raises(Conflict) as refused:
        officers.appoint(session, people.employee.user.id, "primary", actor=people.manager.actor, now=NOW)
    assert refused.value.rule == "CUST-08"
    with pytest.raises(sa.exc.IntegrityError), session.begin_nested(), section("test"):
        session.execute(sa.text("INSERT INTO core_data_officer (user_id, kind, started_at) VALUES (:id, 'primary', '2026-01-01')"),
                        {"id": people.employee.user.id})


# --- the database's own guards -----------------------------------------------------------------------------------------

FORBIDDEN = (
    "UPDATE core_customer SET name = 'x'",
    "UPDATE core_customer SET name = 'x', line_id = line_id + 1",
    "UPDATE core_customer SET number = '1'",
    "DELETE FROM core_customer",
    "UPDATE core_customer_form SET state = 'approved' WHERE state = 'entered'",
    "UPDATE core_customer_form SET state = 'entering' WHERE state = 'entered'",
    "UPDATE core_customer_form_line SET mobile = NULL",
    "DELETE FROM core_customer_form_line",
    "DELETE FROM core_customer_form",
    "INSERT INTO core_customer_form (kind, state, number, line_count, subject_id, imported, not_duplicates, made_at, decided_by) "
    "SELECT kind, 'entering', 'F-1-1', 1, subject_id, imported, not_duplicates, made_at, decided_by FROM core_customer_form",
    "UPDATE core_customer_form SET decided_by = made_by",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_database_refuses_what_goes_round_the_form(session, customer, statement):
    customer()
    with pytest.raises(sa.exc.DatabaseError, match="CUST-|not_own_approval"), session.begin_nested(), section("test"):
        session.execute(sa.text(statement))


def test_a_second_customer_by_the_same_line_is_refused_by_the_database(session, people, approved):
    form = approved()
    form.state = "entering"
    session.flush()
    row = {"subject_id": "s", "form_id": form.id, "line_id": form.line.id, "imported": False, 
           "created_at": NOW, "changed_at": NOW, "name": "ا", "customer_class": "donor"}
    with section("test"):
        session.execute(sa.insert(Customer.__table__), {**row, "number": "18"})
        with pytest.raises(sa.exc.DatabaseError), session.begin_nested():
            session.execute(sa.insert(Customer.__table__), {**row, "number": "26"})


def test_a_filed_form_is_read_only_in_the_database(session, people, approved):
    form = entry.enter(session, approved(), actor=people.officer.actor, now=NOW)
    services.file_form(session, form, actor=people.employee.actor, now=NOW)

    with pytest.raises(sa.exc.DatabaseError, match="CUST-18"), session.begin_nested():
        form.source = "x"
        session.flush()


# --- imports -------------------------------------------------------------------------------------------------------------


def rows(count: int) -> list[dict]:
    return [{"name": f"أحمد سالم {n}", "customer_class": "donor", "mobile": f"+9665{50000000 + n}", "reference": f"R-{n}"} for n in range(count)]


def approved_import(session, people, count):
    form = importing.fill_import(session, rows(count), source="register.csv", operation_key="import-1", actor=people.employee.actor, now=NOW)
    services.review(session, form, actor=people.manager.actor, now=NOW)
    return services.approve(session, form, actor=people.manager.actor, now=NOW)


def test_an_import_is_one_form_whose_lines_become_customers_in_order(session, people):
    form = approved_import(session, people, 7)

    entry.enter(session, form, actor=people.officer.actor, now=NOW)

    found = list(session.scalars(select(Customer).order_by(Customer.id)))
    assert (form.state, form.line_count, len(found)) == ("entered", 7, 7)
    assert [one.name for one in found] == [f"أحمد سالم {n}" for n in range(7)]
    assert [one.number for one in found] == sorted({one.number for one in found}, key=int)
    assert all(one.imported for one in found)
    assert len({one.subject_id for one in found}) == 7
    assert session.scalars(select(CustomerState.confirmed_at)).all() == [None] * 7
    assert queries.search(session, "احمد", people.manager.actor, limit=10).customers[0].name == "أحمد سالم 6"
    assert queries.by_number(session, "R-3").name == "أحمد سالم 3"


def test_an_import_that_was_cut_short_goes_on_with_the_lines_left(session, people):
    form = approved_import(session, people, 5)
    entry.begin_import(session, form, actor=people.officer.actor, now=NOW)
    assert entry.enter_block(session, form, actor=people.officer.actor, now=NOW, size=2) == 3

    entry.enter_import(session, form, actor=people.officer.actor, now=NOW)

    numbers = [int(number[:-1]) for number in session.scalars(select(Customer.number).order_by(Customer.id))]
    assert numbers == list(range(numbers[0], numbers[0] + 5))


def test_the_same_import_again_is_the_same_form(session, people):
    first = importing.fill_import(session, rows(2), source="a.csv", operation_key="import-9", actor=people.employee.actor, now=NOW)
    again = importing.fill_import(session, rows(2), source="a.csv", operation_key="import-9", actor=people.employee.actor, now=NOW)

    assert again is first
    assert session.scalar(select(func.count()).select_from(CustomerFormLine)) == 2


def test_who_imports_does_not_approve(session, people):
    both = person(session, "both", "crm_employee", "crm_manager")
    form = importing.fill_import(session, rows(1), source="a.csv", operation_key="import-9", actor=both.actor, now=NOW)
    services.review(session, form, actor=people.manager.actor, now=NOW)
    with pytest.raises(NotAllowed) as refused:
        services.approve(session, form, actor=both.actor, now=NOW)
    assert refused.value.rule == "ORG-09"


def test_an_import_is_logged_like_single_entries(session, people):
    form = approved_import(session, people, 3)
    entry.enter(session, form, actor=people.officer.actor, now=NOW)

    found = session.execute(select(AuditEvent.record_label, AuditEvent.form_number).where(AuditEvent.record_type == "core_customer")).all()
    assert len(found) == 3
    assert {row.form_number for row in found} == {form.number}


def test_a_reference_that_is_taken_stays_where_it_is(session, people):
    entry.enter(session, approved_import(session, people, 1), actor=people.officer.actor, now=NOW)
    second = importing.fill_import(session, rows(1), source="b.csv", operation_key="import-2", actor=people.employee.actor, now=NOW)
    services.review(session, second, actor=people.manager.actor, now=NOW)
    services.approve(session, second, actor=people.manager.actor, now=NOW)
    entry.enter(session, second, actor=people.officer.actor, now=NOW)

    assert session.scalar(select(func.count()).select_from(CustomerAlias)) == 1
