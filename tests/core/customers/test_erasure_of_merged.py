"""Two records that became one are erased as one: what the lost one held, what the merge kept of it, and what would undo it (ACC-09)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.customers import entry, erasure, merges, merging, queries, services
from core.customers.models import Customer, CustomerFormer, CustomerMerge
from core.database import metadata
from core.errors import Conflict
from core.keys import has_key
from tests.core.customers.conftest import People
from tests.core.customers.test_merging import LATER, merge, pair  # noqa: F401 - fixtures

TRACES = ("شركة النور", "شركه النور", "550000001", "550000002", "112345678", "noor@example.com", "يفضل الاتصال", "سجلان لشركة")


@pytest.fixture
def erased(session: Session, people: People, pair: tuple[Customer, Customer], merge: Callable[..., CustomerMerge]) -> tuple[Customer, CustomerMerge]:  # noqa: F811
    kept, lost = pair
    found = merge(kept, lost)
    for value in ("+966550000002", "+966112345678"):
        assert session.scalar(sa.select(CustomerFormer.customer_id).where(CustomerFormer.value == value)) in (kept.id, None)
    form = erasure.fill_erasure(session, kept, asked_by="customer", reason="طلب محو بياناته", actor=people.employee.actor, now=LATER)
    services.review(session, form, actor=people.manager.actor, now=LATER)
    services.approve(session, form, actor=people.manager.actor, now=LATER)
    entry.enter(session, form, actor=people.officer.actor, now=LATER)
    session.flush()
    return kept, found


def test_no_row_of_any_table_holds_either_of_them(session: Session, erased: tuple[Customer, CustomerMerge]) -> None:
    rows = [f"{table.name}: {dict(row)}" for table in metadata.tables.values() for row in present(session, table)]

    assert [(trace, row) for row in rows for trace in TRACES if trace in row] == []
    assert len(rows) > 100


def present(session: Session, table: sa.Table) -> Any:
    """The rows of a table; plugins that are only imported have none here."""
    there = sa.inspect(session.connection()).has_table(table.name)
    return session.execute(sa.select(table)).mappings().all() if there else ()


def test_what_would_undo_the_merge_opens_no_more_and_undoing_says_so(session: Session, people: People, erased: tuple[Customer, CustomerMerge]) -> None:
    kept, found = erased
    session.refresh(found)

    assert not has_key(session, found.subject_id) and not has_key(session, kept.subject_id)
    with pytest.raises(Conflict):
        merging.unsealed(session, found.subject_id, found.lost_row)
    with pytest.raises(Conflict):
        merges.fill_unmerge(session, found, reason="شركتان مختلفتان", actor=people.employee.actor, now=LATER)


def test_both_numbers_still_find_what_is_left(session: Session, erased: tuple[Customer, CustomerMerge]) -> None:
    kept, found = erased

    assert queries.by_number(session, found.lost_number) is kept
    assert queries.by_number(session, kept.number) is kept
