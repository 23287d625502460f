"""ACC-09, merging: nothing is lost, nothing is left behind, nobody's number is given again, and undone it is as it was (CUST-06, 07, 20)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from dummy_plugin import services as dummy
from dummy_plugin.models import Remark
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.customers import entry, merges, queries, services
from core.customers.models import Customer, CustomerForm, CustomerMerge
from core.customers.pointers import pointers
from core.database import metadata, section
from core.errors import Conflict
from core.finance import batches
from core.finance import queries as finance
from core.finance.models import FinanceBatchRow
from plugins.callcenter import queries as calls
from plugins.leads import interests
from plugins.leads.models import DonorInterest, LeadDonor, PotentialDonor
from tests.acceptance.merging.conftest import MARCH, Belongings
from tests.core.customers.conftest import People
from tests.core.customers.test_merging import assert_same, everything, unmerge
from tests.core.finance.conftest import FINANCE

LATER = datetime(2026, 3, 12, 7, 0, tzinfo=UTC)
TWICE = {"leads_lead_donor", "leads_potential_donor"}
"""Where one customer stands once: the same donor of the same lead."""


def pointing(session: Session, *customer_ids: int) -> dict[str, int]:
    """How many rows of each table point to these customers."""
    return {one.name: session.scalar(select(sa.func.count()).select_from(one.table).where(one.at(*customer_ids))) or 0 for one in pointers(session)}


@pytest.fixture
def approved_merge(session: Session, people: People, donor: Customer, other: Customer) -> Callable[..., CustomerForm]:
    """The form by which the second record becomes a part of the first, ready for the data officer."""

    def make(**choices: str) -> CustomerForm:
        form = merges.fill_merge(session, donor, other, choices, reason="سجلان لمؤسسة واحدة", actor=people.employee.actor, now=LATER)
        return _approved(session, people, form)

    return make


@pytest.fixture
def merge(session: Session, people: People, approved_merge: Callable[..., CustomerForm]) -> Callable[..., CustomerMerge]:
    def make(**choices: str) -> CustomerMerge:
        found = queries.merge_of_form(session, entry.enter(session, approved_merge(**choices), actor=people.officer.actor, now=LATER))
        assert found is not None
        return found

    return make


def _approved(session: Session, people: People, form: CustomerForm) -> CustomerForm:
    services.review(session, form, actor=people.manager.actor, now=LATER)
    return services.approve(session, form, actor=people.manager.actor, now=LATER)


def nothing_changed(session: Session, people: People, form: CustomerForm) -> Conflict:
    """Entering is refused, and every row of every table is as it was before; returns the refusal."""
    before = everything(session)
    with pytest.raises(Conflict) as refused, session.begin_nested():
        entry.enter(session, form, actor=people.officer.actor, now=LATER)
    assert_same(before, everything(session), lost_number="")
    session.refresh(form)
    assert form.state == "approved"
    return refused.value


def test_counts_before_are_counts_after(session: Session, belongings: Belongings, donor: Customer, other: Customer, merge: Any) -> None:
    lost_id, before = other.id, pointing(session, donor.id, other.id)
    of_lost = {name for name, count in pointing(session, other.id).items() if count}
    assert {"complaints_entry.customer_id", "complaints_contact.customer_id", "leads_lead_donor.customer_id", "leads_contact.customer_id",
            "leads_donor_interest.customer_id", "callcenter_call.customer_id", "callcenter_callback.customer_id", "core_pledge.customer_id",
            "core_contribution.customer_id", "core_consent.customer_id", "core_file.record_id", "core_step_run.customer_id",
            "core_customer_form_line.customer_id", "core_customer_influence.customer_id"} <= of_lost

    merge(email="lost")

    after = pointing(session, donor.id)
    assert pointing(session, lost_id) == dict.fromkeys(after, 0)
    gone = {name: (count, after[name]) for name, count in before.items() if after[name] < count}
    assert gone == {f"{name}.customer_id": (2, 1) for name in TWICE}, "of the same donor of the same lead one row goes aside"
    ended = session.scalars(select(DonorInterest).where(DonorInterest.ended_at.is_not(None))).one()
    assert (ended.note, ended.customer_id) == ("ملاحظة 2", donor.id), "its note stays"


def test_undone_every_row_of_every_table_is_as_it_was(session: Session, people: People, belongings: Belongings, merge: Any) -> None:
    before = everything(session)
    found = merge(email="lost", name="lost", mobile="lost")
    assert len(list(session.scalars(select(LeadDonor)))) == len(list(session.scalars(select(PotentialDonor)))) == 1
    unmerge(session, people, found)
    assert_same(before, everything(session), lost_number=found.lost_number)


def test_old_number_and_mobile_find_the_survivor_everywhere(session: Session, people: People, belongings: Belongings, donor: Customer, other: Customer,
                                                            merge: Any) -> None:
    number, mobile, subject = other.number, other.mobile, donor.subject_id
    merge()
    assert calls.by_phone(session, [mobile or ""]) == {mobile: [(donor.id, subject)]}, "as a file of the exchange asks"
    assert queries.readable(session, number, people.manager.actor) is donor, "as every form of every plugin asks"
    assert [one.id for one in queries.search(session, number, people.manager.actor).customers] == [donor.id]
    following = services.fill_form(session, {"name": "مؤسسة أخرى", "customer_class": "donor", "registration_origin": "call"},
                                   actor=people.employee.actor, now=LATER)
    line = entry.enter(session, _approved(session, people, following), actor=people.officer.actor, now=LATER).line
    assert line.customer is not None
    assert int(line.customer.number[:-1]) == int(number[:-1]) + 1


def test_issued_batch_stays_as_it_was(session: Session, people: People, belongings: Belongings, merge: Any) -> None:
    """Its rows name the lost number, its file is the same bytes, and the page still finds whose name that is now."""
    january = batches.Choice(date(2026, 1, 1), date(2026, 1, 31))
    batch = batches.issue_batch(session, january, actor=FINANCE, now=MARCH)
    content, rows = batches.file_of(session, batch).content, frozen(session)
    found = merge()
    assert found.lost_number in {row["number"] for row in rows}
    assert (frozen(session), batches.file_of(session, batch).content) == (rows, content)
    assert finance.names_of(session, [found.lost_number]) == {found.lost_number: "مؤسسة الخير"}
    unmerge(session, people, found)
    assert finance.names_of(session, [found.lost_number]) == {found.lost_number: "مؤسسه الخير"}


def frozen(session: Session) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(select(FinanceBatchRow.__table__).order_by(FinanceBatchRow.id)).mappings()]


@pytest.mark.parametrize("how", ["objects", "fails"])
def test_plugin_that_objects_or_fails_leaves_everything_as_it_was(
    session: Session, people: People, belongings: Belongings, approved_merge: Any, how: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_args: Any) -> None:
        raise RuntimeError("settling failed")

    form = approved_merge()
    if how == "objects":
        session.add(Remark(text="veto", made_at=MARCH))
    else:
        monkeypatch.setattr(dummy, "refuse_by_veto", broken)
    refusal = nothing_changed(session, people, form)
    assert how == "objects" or "dummy_plugin" in str(refusal)


def test_database_that_refuses_one_plugins_rows_leaves_everything_as_it_was(
    session: Session, people: People, belongings: Belongings, approved_merge: Any,
) -> None:
    """As a trigger of a plugin would: the refusal names plugin and table."""
    form = approved_merge()
    with section("a test's trigger"):
        if session.get_bind().dialect.name == "sqlite":
            session.execute(sa.text("CREATE TRIGGER stuck BEFORE UPDATE OF customer_id ON complaints_entry BEGIN SELECT RAISE(ABORT, 'stuck'); END"))
        else:
            session.execute(sa.text("CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stuck'; END $$"))
            session.execute(sa.text("CREATE TRIGGER stuck BEFORE UPDATE OF customer_id ON complaints_entry FOR EACH ROW EXECUTE FUNCTION stuck()"))
    refusal = nothing_changed(session, people, form)
    assert refusal.value == "complaints_entry"
    assert "complaints" in str(refusal)


def test_unsettled_rows_of_a_plugin_refuse_the_merge(
    session: Session, people: People, belongings: Belongings, approved_merge: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As with leads off, nobody ends the second of two equal interests: table and both rows are named."""
    monkeypatch.setattr(interests, "settle_merged", lambda *_args, **_more: None)
    message = str(nothing_changed(session, people, approved_merge()))
    assert "leads_donor_interest" in message
    assert all(f"#{row}" in message for row in session.scalars(select(DonorInterest.id)))


def test_tables_of_a_plugin_that_is_not_installed_are_not_left_behind(
    session: Session, people: People, belongings: Belongings, other: Customer, approved_merge: Any,
) -> None:
    form = approved_merge()
    with section("a test's table"):
        session.execute(sa.text("CREATE TABLE alembic_version_gone (version_num VARCHAR(32) NOT NULL)"))
        session.execute(sa.text("CREATE TABLE gone_row (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES core_customer(id))"))
        session.execute(sa.text("INSERT INTO gone_row VALUES (1, :id)"), {"id": other.id})
    assert "gone_row" not in metadata.tables
    assert "gone_row" in str(nothing_changed(session, people, form))
