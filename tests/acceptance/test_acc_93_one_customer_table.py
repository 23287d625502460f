"""ACC-93: one customer table; a renamed customer is renamed everywhere at once (PLUG-06, CUST-01, CUST-22).

No plugin that holds complaints, leads or surveys is installed here; the story is told with what core itself keeps of a
customer, and with the rule that no table of another owner has a column for a customer's name or phone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from core.customers import entry, queries
from core.database import metadata, owner_of
from core.plugins.discovery import installed_plugins
from tests.acceptance.register import approved_form, register_people

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)


def test_renaming_by_form_changes_the_one_name_there_is(session):
    people = register_people(session, NOW)
    customer = entry.enter(session, approved_form(session, people, NOW), actor=people.officer, now=NOW).line.customer
    later = NOW + timedelta(days=30)

    entry.enter(session, approved_form(session, people, later, customer, name="شركة النور القابضة"), actor=people.officer, now=later)

    assert (customer.name, customer.created_at, customer.changed_at) == ("شركة النور القابضة", NOW, later)
    assert queries.search(session, "القابضه", people.manager).customers == [customer]
    assert queries.by_number(session, customer.number) is customer


def test_no_other_owner_keeps_names_or_phones_of_customers(session):
    people_words = {"customer_name", "donor_name", "customer_phone", "customer_mobile", "mobile"}
    plugins = {one.name for one in installed_plugins().installed}
    found = {(table.name, column.name) for table in metadata.tables.values() if owner_of(table.name) in plugins
             for column in table.columns if column.name in people_words}
    assert found == set()
    linked = {table.name for table in metadata.tables.values() for key in table.foreign_keys if key.column.table.name == "core_customer"}
    assert "core_customer_form_line" in linked
    assert isinstance(metadata.tables["core_customer"].c.name.type, sa.String)
