"""Two customers become one, and two again: the form's way, what moves, what refuses, and what the database guards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.auth.actor import Actor
from core.customers import entry, importers, merges, queries, services
from core.customers.models import (
    Customer,
    CustomerAlias,
    CustomerForm,
    CustomerFormer,
    CustomerFormLine,
    CustomerInfluence,
    CustomerMerge,
    CustomerSearch,
)
from core.customers.pointers import pointers
from core.database import existing_objects, metadata, section
from core.errors import AppError, Conflict, InvalidInput, NotAllowed, NotFound
from core.imports.offers import Context, Line
from core.keys import SubjectKey
from core.testing import actor_with
from tests.core.customers.conftest import NOW, People

ANYBODY = actor_with("customers.fill", "customers.read", scopes={"*": "all"})
LATER = NOW + timedelta(hours=1)
BESIDE = frozenset({"core_audit_event", "core_audit_block", "core_customer_form", "core_customer_merge", "core_step_run", "core_notice", "core_counter",
                    "core_session", "core_customer_open_fts", "core_customer_personal_fts"})
"""What a form leaves behind however it ends, and the log."""


def everything(session: Session) -> dict[str, dict[Any, dict[str, Any]]]:
    """Every row of every table but those that a form itself adds to, by table and key."""
    session.flush()
    found: dict[str, dict[Any, dict[str, Any]]] = {}
    present = existing_objects(session.connection())
    for table in metadata.tables.values():
        if table.name not in BESIDE and table.name in present:
            keys = [column.name for column in table.primary_key.columns]
            rows = session.execute(select(table)).mappings()
            found[table.name] = {tuple(row[key] for key in keys): dict(row) for row in rows}
    return found


@pytest.fixture
def pair(customer: Callable[..., Customer]) -> tuple[Customer, Customer]:
    kept = customer(name="شركة النور", mobile="0550000001", email="noor@example.com")
    lost = customer(name="شركة النور التجارية", mobile="0550000002", phone="0112345678", remarks="يفضل الاتصال مساء")
    return kept, lost


@pytest.fixture
def merge(session: Session, people: People) -> Callable[..., CustomerMerge]:
    """A merge that went the whole way."""

    def make(kept: Customer, lost: Customer, choices: Mapping[str, str] | None = None) -> CustomerMerge:
        form = merges.fill_merge(session, kept, lost, choices or {}, reason="سجلان لشركة واحدة", actor=people.employee.actor, now=LATER)
        return through(session, people, form)

    return make


def through(session: Session, people: People, form: Any) -> CustomerMerge:
    services.review(session, form, actor=people.manager.actor, now=LATER)
    services.approve(session, form, actor=people.manager.actor, now=LATER)
    entry.enter(session, form, actor=people.officer.actor, now=LATER)
    found = queries.merge_of_form(session, form)
    assert found is not None
    return found


def unmerge(session: Session, people: People, merge: CustomerMerge) -> CustomerMerge:
    form = merges.fill_unmerge(session, merge, reason="شركتان مختلفتان", actor=people.employee.actor, now=LATER)
    return through(session, people, form)


# --- filling ---------------------------------------------------------------------------------------------------------


def test_form_names_pair_and_goes_the_way_of_every_form(session: Session, people: People, pair: tuple[Customer, Customer]) -> None:
    kept, lost = pair
    form = merges.fill_merge(session, kept, lost, {"phone": "lost"}, reason="سجلان لشركة واحدة", actor=people.employee.actor, now=LATER)
    named = queries.merge_of_form(session, form)
    assert named is not None
    assert (form.kind, form.state, form.line.customer_id, form.line.phone) == ("merge", "filled", kept.id, "+966112345678")
    assert (named.kept_id, named.lost_id, named.lost_number, named.entered_at) == (kept.id, lost.id, lost.number, None)
    assert queries.open_form_of(session, lost.id) is form, "nobody else may change the lost customer meanwhile"
    assert {one.id for one in session.scalars(select(Customer))} >= {kept.id, lost.id}


def test_maker_does_not_approve_a_merge(session: Session, people: People, pair: tuple[Customer, Customer]) -> None:
    form = merges.fill_merge(session, *pair, {}, reason="سجلان لشركة واحدة", actor=people.manager.actor, now=LATER)
    services.review(session, form, actor=people.manager.actor, now=LATER)
    with pytest.raises(NotAllowed):
        services.approve(session, form, actor=people.manager.actor, now=LATER)


def test_merge_is_not_entered_before_its_approval(session: Session, people: People, pair: tuple[Customer, Customer]) -> None:
    form = merges.fill_merge(session, *pair, {}, reason="سجلان لشركة واحدة", actor=people.employee.actor, now=LATER)
    with pytest.raises(Conflict):
        entry.enter(session, form, actor=people.officer.actor, now=LATER)


@pytest.mark.parametrize(("reason", "field"), [("", "reason"), ("  ", "reason"), ("x" * 2001, "reason")])
def test_merge_needs_a_reason(session: Session, people: People, pair: tuple[Customer, Customer], reason: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        merges.fill_merge(session, *pair, {}, reason=reason, actor=people.employee.actor, now=LATER)
    assert refused.value.field == field


def test_customer_is_not_merged_with_itself(session: Session, people: People, pair: tuple[Customer, Customer]) -> None:
    with pytest.raises(InvalidInput) as refused:
        merges.fill_merge(session, pair[0], pair[0], {}, reason="سجل واحد", actor=people.employee.actor, now=LATER)
    assert refused.value.field == "lost"


@pytest.mark.parametrize("choices", [{"nothing": "lost"}, {"phone": "both"}])
def test_unknown_choice_is_refused(session: Session, people: People, pair: tuple[Customer, Customer], choices: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        merges.fill_merge(session, *pair, choices, reason="سجلان لشركة واحدة", actor=people.employee.actor, now=LATER)


def test_merge_waits_for_other_forms(session: Session, people: People, pair: tuple[Customer, Customer], fill: Callable[..., Any]) -> None:
    kept, lost = pair
    other = fill(lost, name="اسم آخر")
    with pytest.raises(Conflict, match=other.number):
        merges.fill_merge(session, kept, lost, {}, reason="سجلان لشركة واحدة", actor=people.employee.actor, now=LATER)


def test_merge_needs_sight_of_contact_data_and_of_both(session: Session, people: People, pair: tuple[Customer, Customer]) -> None:
    blind = Actor(**{**people.employee.actor.__dict__, "permissions": people.employee.actor.permissions - {"customers.personal"}})
    with pytest.raises(NotAllowed) as refused:
        merges.fill_merge(session, *pair, {}, reason="سجلان لشركة واحدة", actor=blind, now=LATER)
    assert refused.value.rule == "CUST-34"
    elsewhere = Actor(**{**people.employee.actor.__dict__, "user_id": people.deputy.user.id, "scopes": {"customers": "own"}})
    with pytest.raises(NotFound):
        merges.fill_merge(session, *pair, {}, reason="سجلان لشركة واحدة", actor=elsewhere, now=LATER)


def test_suggestion_fills_gaps_only() -> None:
    empty = {name: None for name in services.FIELDS}
    kept, lost = {**empty, "name": "أ", "extra": None}, {**empty, "name": "ب", "phone": "+966112345678", "extra": {"birth": "1980-04-30"}}
    found = merges.suggested(kept, lost)
    assert (found["name"], found["phone"], found["email"], found["extra_birth"]) == ("kept", "lost", "kept", "lost")


# --- entering --------------------------------------------------------------------------------------------------------


def test_survivor_takes_in_the_other(session: Session, people: People, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge]) -> None:
    kept, lost = pair
    lost_id, number, subject = lost.id, lost.number, lost.subject_id
    found = merge(kept, lost, {"phone": "lost", "remarks": "lost"})
    assert session.get(Customer, lost_id) is None
    assert (kept.name, kept.phone, kept.remarks) == ("شركة النور", "+966112345678", "يفضل الاتصال مساء")
    assert queries.aliases_of(session, kept.id) == [number]
    assert queries.by_number(session, number) is kept
    assert {line.customer_id for line in session.scalars(select(CustomerFormLine))} == {kept.id}, "its forms follow, archived ones too"
    assert session.get_one(SubjectKey, subject).adopted_by == kept.subject_id
    assert found.lost_row is not None and "النور" not in found.lost_row, "what is kept to undo it is sealed"
    assert session.scalar(select(CustomerSearch).where(CustomerSearch.customer_id == lost_id)) is None


def test_old_number_and_old_mobile_find_the_survivor(
    session: Session, people: People, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge],
) -> None:
    kept, lost = pair
    number = lost.number
    merge(kept, lost)
    for text in (number, "0550000002", "+966 55 000 0002", "112345678"):
        assert [one.id for one in queries.search(session, text, people.manager.actor).customers] == [kept.id], text
    assert {who[1] for who in queries.having_phones(session, ["+966550000002"])} == {kept.id}
    assert [one.customer_id for one in queries.duplicates(session, {"mobile": "+966550000002"}, actor=people.manager.actor)] == [kept.id]


def test_import_by_the_old_number_is_of_the_survivor(session: Session, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge]) -> None:
    kept, lost = pair
    number = lost.number
    merge(kept, lost)
    line = Line(2, {"number": number, "name": "شركة النور القابضة", "customer_class": "donor"})
    [verdict] = importers.check(session, [line], Context(1, ANYBODY, source="file.csv"))
    assert verdict.outcome == "update"
    importers.apply(session, [line], Context(1, ANYBODY, source="file.csv"), actor=ANYBODY, now=LATER)
    form = session.scalars(select(CustomerForm).where(CustomerForm.kind == "import")).one()
    assert [(one.customer_id, one.action) for one in form.lines] == [(kept.id, "update")]


def test_every_moved_row_has_its_entry_in_the_log(session: Session, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge]) -> None:
    kept, lost = pair
    line = session.scalars(select(CustomerFormLine).where(CustomerFormLine.customer_id == lost.id)).one()
    lost_id = lost.id
    merge(kept, lost)
    work.commit(session)
    events = session.scalars(select(AuditEvent).where(AuditEvent.action == "merge")).all()
    about = {(one.record_type, one.record_id) for one in events}
    assert {("core_customer_form_line", str(line.id)), ("core_customer", str(lost_id))} <= about
    moved = next(one for one in events if one.record_type == "core_customer_form_line")
    assert json.loads(moved.changes or "") == {"customer_id": [lost_id, kept.id]}


def test_influence_between_the_two_goes_aside(
    session: Session, people: People, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge],
) -> None:
    kept, lost = pair
    services.add_influence(session, kept, kind="شريك", influencer=lost, actor=people.officer.actor, now=NOW)
    services.add_influence(session, lost, kind="قريب", name="سالم", actor=people.officer.actor, now=NOW)
    before = everything(session)
    found = merge(kept, lost)
    assert [(one.customer_id, one.influencer_name) for one in session.scalars(select(CustomerInfluence))] == [(kept.id, "سالم")]
    unmerge(session, people, found)
    assert_same(before, everything(session), lost_number=found.lost_number)


def test_change_since_filling_refuses_entry(session: Session, people: People, pair: tuple[Customer, Customer], approved: Callable[..., Any]) -> None:
    kept, lost = pair
    form = merges.fill_merge(session, kept, lost, {}, reason="سجلان لشركة واحدة", actor=people.employee.actor, now=NOW - timedelta(minutes=5))
    services.review(session, form, actor=people.manager.actor, now=LATER)
    services.approve(session, form, actor=people.manager.actor, now=LATER)
    with pytest.raises(Conflict) as refused:
        entry.enter(session, form, actor=people.officer.actor, now=LATER)
    assert refused.value.rule == "CUST-13"


def test_merged_draft_is_not_sent(session: Session, people: People, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge],
                                  fill: Callable[..., Any]) -> None:
    kept, lost = pair
    draft = fill(lost, draft=True, name="اسم لم يرسل")
    merge(kept, lost)
    with pytest.raises(Conflict, match="draft|مسودة"):
        services.fill_form(session, {"name": "اسم لم يرسل"}, actor=people.employee.actor, now=LATER, form=draft)
    services.delete_draft(session, draft, actor=people.employee.actor)


def test_next_number_is_another(
    session: Session, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge], customer: Callable[..., Customer],
) -> None:
    kept, lost = pair
    numbers = {kept.number, lost.number}
    merge(kept, lost)
    assert customer(name="عميل ثالث", mobile="0550000003").number not in numbers


# --- undoing ---------------------------------------------------------------------------------------------------------


def assert_same(before: dict[str, Any], after: dict[str, Any], *, lost_number: str) -> None:
    """Every row as it was; the lines of the two forms and the alias that the number stays are all that is new."""
    for table, rows in before.items():
        found = after[table]
        if table == "core_customer_alias":
            found = {key: row for key, row in found.items() if row["number"] != lost_number or key in rows}
        if table == "core_customer_form_line":
            found = {key: row for key, row in found.items() if key in rows}
        if table == "core_subject_key":
            found = {key: row for key, row in found.items() if key in rows}
        assert found == rows, table


def test_undoing_restores_every_row_of_every_table(
    session: Session, people: People, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge],
) -> None:
    kept, lost = pair
    lost_id, number = lost.id, lost.number
    before = everything(session)
    found = merge(kept, lost, {"name": "lost", "phone": "lost", "mobile": "lost", "remarks": "lost"})
    assert everything(session)["core_customer"] != before["core_customer"]
    unmerge(session, people, found)
    assert_same(before, everything(session), lost_number=number)
    assert session.scalar(select(CustomerAlias.customer_id).where(CustomerAlias.number == number)) == lost_id, "the number leads to whose it is again"
    assert queries.aliases_of(session, lost_id) == queries.aliases_of(session, kept.id) == []
    assert session.scalar(select(CustomerFormer.id)) is None
    assert (found.undone_at, found.lost_row, found.moved) == (LATER, None, None)


def test_merge_undone_can_be_merged_and_undone_again(
    session: Session, people: People, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge],
) -> None:
    kept, lost = pair
    lost_id, number = lost.id, lost.number
    unmerge(session, people, merge(kept, lost))
    before = everything(session)
    again = merge(kept, session.get_one(Customer, lost_id))
    assert queries.by_number(session, number) is kept
    unmerge(session, people, again)
    assert_same(before, everything(session), lost_number=number)


def test_what_came_since_stays_with_the_survivor(
    session: Session, people: People, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge],
) -> None:
    kept, lost = pair
    found = merge(kept, lost)
    services.add_influence(session, kept, kind="قريب", name="سالم", actor=people.officer.actor, now=LATER)
    unmerge(session, people, found)
    assert [one.customer_id for one in session.scalars(select(CustomerInfluence))] == [kept.id]


def test_change_of_the_survivor_refuses_undoing(
    session: Session, people: People, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge], approved: Callable[..., Any],
) -> None:
    kept, lost = pair
    found = merge(kept, lost)
    changed = entry.enter(session, approved(kept, name="اسم جديد"), actor=people.officer.actor, now=LATER)
    with pytest.raises(Conflict, match=changed.number):
        unmerge(session, people, found)


def test_gone_row_refuses_undoing(session: Session, people: People, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge]) -> None:
    kept, lost = pair
    row = services.add_influence(session, lost, kind="قريب", name="سالم", actor=people.officer.actor, now=NOW)
    found = merge(kept, lost)
    services.remove_influence(session, row, actor=people.officer.actor, now=LATER)
    before = everything(session)
    with pytest.raises(Conflict, match="core"), session.begin_nested():
        unmerge(session, people, found)
    assert_same(before, everything(session), lost_number="")


def test_second_merge_is_undone_first(
    session: Session, people: People, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge], customer: Callable[..., Customer],
) -> None:
    kept, lost = pair
    third = customer(name="شركة ثالثة", mobile="0550000003")
    numbers = [lost.number, kept.number]
    before = everything(session)
    first = merge(kept, lost)
    second = merge(third, kept)
    assert sorted(queries.aliases_of(session, third.id)) == sorted(numbers)
    with pytest.raises(Conflict):
        merges.fill_unmerge(session, first, reason="شركتان مختلفتان", actor=people.employee.actor, now=LATER)
    unmerge(session, people, second)
    unmerge(session, people, first)
    after = everything(session)
    after["core_customer_alias"] = {key: row for key, row in after["core_customer_alias"].items() if row["number"] not in numbers}
    assert_same(before, after, lost_number="")


# --- what the database guards -----------------------------------------------------------------------------------------


def refused(session: Session, statement: Any) -> bool:
    try:
        with session.begin_nested(), section("a test goes round the services"):
            session.execute(statement)
    except DBAPIError:
        return True
    return False


def test_database_lets_no_row_go_without_its_form(session: Session, people: People, pair: tuple[Customer, Customer]) -> None:
    kept, lost = pair
    table: Any = Customer.__table__
    assert refused(session, sa.delete(table).where(table.c.id == lost.id))
    form = merges.fill_merge(session, kept, lost, {}, reason="سجلان لشركة واحدة", actor=people.employee.actor, now=LATER)
    services.review(session, form, actor=people.manager.actor, now=LATER)
    services.approve(session, form, actor=people.manager.actor, now=LATER)
    assert refused(session, sa.delete(table).where(table.c.id == lost.id))
    form.state = "entering"
    session.flush()
    assert refused(session, sa.delete(table).where(table.c.id == lost.id)), "not without its number as an alias of the survivor"
    assert refused(session, sa.delete(table).where(table.c.id == kept.id)), "the form names the other"


def test_database_moves_archived_lines_to_the_named_survivor_only(
    session: Session, people: People, pair: tuple[Customer, Customer], customer: Callable[..., Customer],
) -> None:
    kept, lost = pair
    third = customer(name="شركة ثالثة", mobile="0550000003")
    lines: Any = CustomerFormLine.__table__
    form = merges.fill_merge(session, kept, lost, {}, reason="سجلان لشركة واحدة", actor=people.employee.actor, now=LATER)
    services.review(session, form, actor=people.manager.actor, now=LATER)
    services.approve(session, form, actor=people.manager.actor, now=LATER)
    of_lost = lines.c.id.in_(list(session.scalars(select(lines.c.id).where(lines.c.customer_id == lost.id))))
    assert refused(session, sa.update(lines).where(of_lost).values(customer_id=kept.id)), "not before entry"
    form.state = "entering"
    session.flush()
    assert refused(session, sa.update(lines).where(of_lost).values(customer_id=third.id))
    assert refused(session, sa.update(lines).where(of_lost).values(customer_id=kept.id, name="اسم آخر"))
    assert refused(session, sa.update(lines).where(of_lost).values(customer_id=kept.id, extra={"birth": "1980-04-30"}))
    assert not refused(session, sa.update(lines).where(of_lost).values(customer_id=kept.id))


def test_database_keeps_a_merge_as_it_was_named(session: Session, people: People, pair: tuple[Customer, Customer], customer: Callable[..., Customer],
                                                approved: Callable[..., Any]) -> None:
    kept, lost = pair
    third = customer(name="شركة ثالثة", mobile="0550000003")
    form = merges.fill_merge(session, kept, lost, {}, reason="سجلان لشركة واحدة", actor=people.employee.actor, now=LATER)
    table: Any = CustomerMerge.__table__
    assert refused(session, sa.update(table).values(lost_id=third.id))
    assert refused(session, sa.delete(table))
    services.review(session, form, actor=people.manager.actor, now=LATER)
    values = {"kept_id": kept.id, "kept_number": kept.number, "lost_id": third.id, "lost_number": third.number, "subject_id": third.subject_id, "reason": "سبب"}
    assert refused(session, sa.insert(table).values(form_id=approved(name="رابع", mobile="0550000004").id, **values)), "no form of this kind"


def test_every_table_that_points_to_customers_is_known(session: Session) -> None:
    found = {one.name for one in pointers(session)}
    assert {"core_customer_form_line.customer_id", "core_customer_alias.customer_id", "core_customer_influence.influencer_id", "core_consent.customer_id",
            "core_contribution.customer_id", "core_pledge.customer_id", "core_step_run.customer_id", "core_file.record_id",
            "complaints_entry.customer_id", "leads_contact.customer_id", "callcenter_call.customer_id"} <= found, "of plugins that are off, too"


@pytest.fixture
def one_to_one(session: Session) -> Iterator[sa.Table]:
    """A plugin's table without a model whose key is the customer."""
    table = sa.Table("dummy_plugin_card", metadata, sa.Column("customer_id", sa.ForeignKey("core_customer.id"), primary_key=True), sa.Column("note", sa.Text))
    with section("a test's table"):
        table.create(session.connection())
    yield table
    metadata.remove(table)


def test_row_whose_key_is_the_customer_goes_along_and_back(
    session: Session, people: People, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge], one_to_one: sa.Table,
) -> None:
    kept, lost = pair
    with section("a test's row"):
        session.execute(sa.insert(one_to_one).values(customer_id=lost.id, note="بطاقة"))
    before = everything(session)
    found = merge(kept, lost)
    assert session.execute(select(one_to_one)).all() == [(kept.id, "بطاقة")]
    unmerge(session, people, found)
    assert_same(before, everything(session), lost_number=found.lost_number)


def test_two_rows_whose_keys_are_the_customers_refuse_the_merge(
    session: Session, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge], one_to_one: sa.Table,
) -> None:
    kept, lost = pair
    with section("a test's row"):
        session.execute(sa.insert(one_to_one), [{"customer_id": one.id, "note": "بطاقة"} for one in pair])
    with pytest.raises(Conflict, match="dummy_plugin_card"), session.begin_nested():
        merge(kept, lost)


# --- plugins ---------------------------------------------------------------------------------------------------------


def test_refusal_names_what_went_wrong(session: Session, people: People, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge],
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that fails while being told: nothing is changed."""
    class Failing:
        def tell(self, hook: str, **arguments: Any) -> None:
            if hook == "on_customer_merged":
                raise Conflict("the plugin “failing” failed")

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

    real = session.info.get("hooks")
    kept, lost = pair
    before = everything(session)
    monkeypatch.setitem(session.info, "hooks", Failing())
    with pytest.raises(AppError, match="failing"), session.begin_nested():
        merge(kept, lost)
    assert_same(before, everything(session), lost_number="")
