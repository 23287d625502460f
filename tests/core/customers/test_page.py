"""The customer's page: one timeline of everybody, paged without loss, with where each entry came from (CUST-19, 31–33, 36)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import settings as chosen
from core import work
from core.customers import entry, page
from core.customers.models import CustomerState
from core.customers.offers import CustomerPanel, TimelineEntry
from core.finance import panel as money
from core.finance.services import record_contribution
from core.money import Money
from core.testing import actor_with, sign_in
from tests.core.customers.conftest import NOW, person


@pytest.fixture
def asked(app: Flask) -> Iterator[None]:
    """In the middle of a request: entries hold addresses."""
    with app.test_request_context("/"):
        yield


HOURS = st.lists(st.integers(0, 12), max_size=70)
"""Moments of one source, in hours: many at once."""


def source(name: str, hours: list[int]) -> CustomerPanel:
    entries = [TimelineEntry(NOW - timedelta(hours=hour), f"{name}{place}") for place, hour in enumerate(sorted(hours))]

    def give_out(session: Any, customer_id: int, actor: Any, before: datetime | None, limit: int) -> list[TimelineEntry]:
        return [one for one in entries if before is None or one.at < before][:limit]

    return CustomerPanel(name, name, "customers.read", entries=give_out)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HOURS, HOURS, HOURS)
def test_pages_of_the_timeline_lose_and_double_nothing(monkeypatch: pytest.MonkeyPatch, first: list[int], second: list[int], third: list[int]) -> None:
    sources = [source("a", first), source("b", second), source("c", third)]
    monkeypatch.setattr(page, "offered", lambda actor: sources)
    found: list[TimelineEntry] = []
    before = None
    while True:
        shown = page.timeline(None, SimpleNamespace(id=1), actor_with(), before=before)  # type: ignore[arg-type]
        found += [one.entry for one in shown.entries]
        before = shown.before
        if before is None:
            break
        assert shown.entries

    assert sorted(str(one.title) for one in found) == sorted(f"{name}{n}" for name, own in zip("abc", (first, second, third), strict=True)
                                                             for n in range(len(own)))
    assert [one.at for one in found] == sorted((one.at for one in found), reverse=True)


def test_money_of_a_day_stands_before_what_happened_later_that_day(session, customer, asked) -> None:
    found = customer()
    record_contribution(session, customer_id=found.id, amount=Money(Decimal(100), "SAR"), received_on=date(2026, 1, 20), method="bank", fund="zakat",
                        actor=actor_with("finance.record", "customers.read", scopes={"*": "all"}), now=NOW)

    def at(moment: datetime) -> int:
        return len(money.money_entries(session, found.id, actor_with("finance.read"), moment, 10))

    assert [at(datetime(2026, 1, 20, hour, tzinfo=UTC)) for hour in (8, 9, 10, 23)] == [0, 0, 1, 1]


def test_money_has_a_day_and_no_hour_on_the_customers_page(session, customer, client, people) -> None:
    found = customer()
    record_contribution(session, customer_id=found.id, amount=Money(Decimal(100), "SAR"), received_on=date(2026, 1, 20), method="bank", fund="zakat",
                        actor=actor_with("finance.record", "customers.read", scopes={"*": "all"}), now=NOW)
    reader = person(session, "money_reader", "finance_manager", "crm_manager")

    body = sign_in(client, reader.user).get(f"/customers/{found.number}?kind=finance.money&lang=en").get_data(as_text=True)

    entry = re.sub("<[^>]+>", " ", body[body.index('class="dw-timeline-when"'):body.index('class="dw-timeline-origin"')])
    assert "Contribution" in entry
    assert re.search(r"[0-9]:[0-9]", entry) is None


def test_forms_of_a_customer_are_paged_by_when_they_were_entered(session, people, customer, approved, asked) -> None:
    found = customer()
    for place in range(3):
        entry.enter(session, approved(found, address=f"شارع {place}"), actor=people.officer.actor, now=NOW + timedelta(days=place + 1))
    reader = actor_with("customers.read")

    newest = page.form_entries(session, found.id, reader, None, 2)
    older = page.form_entries(session, found.id, reader, newest[-1].at, 10)

    assert len(newest) == 2 and len(older) == 2
    assert newest[0].at > newest[1].at > older[0].at > older[1].at


def test_people_are_named_in_the_language_of_the_page_and_a_step_names_whose_it_is(client, session, people, customer, approved) -> None:
    """The manual's table gives the entry to a role; it is the appointed officer's alone (CUST-08)."""
    found = customer()
    people.officer.user.name_en, people.employee.user.name_en = "Mona Bawazir", "Sultan Aldosari"
    form = approved(found, address="شارع جديد")
    session.flush()
    browser = sign_in(client, people.employee.user)

    def texts(address: str) -> str:
        return re.sub("<[^>]+>", " ", browser.get(f"{address}?lang=en").get_data(as_text=True))

    steps = texts(f"/customers/{found.number}").partition("Open steps")[2].partition("Nothing has happened")[0]
    assert "Mona Bawazir" in steps
    page_of_form = texts(f"/customers/forms/{form.id}")
    assert "Sultan Aldosari" in page_of_form and "Mona Bawazir" in page_of_form
    assert people.employee.user.name_ar not in page_of_form.partition("Prepared by")[2]
    assert people.officer.user.name_ar in re.sub("<[^>]+>", " ", browser.get(f"/customers/{found.number}?lang=ar").get_data(as_text=True))


def test_an_entry_names_where_it_came_from_and_through_what_the_customer_was_met(client, session, people, customer) -> None:
    number = customer(registration_origin="call").number
    body = sign_in(client, people.employee.user).get(f"/customers/{number}?lang=en").get_data(as_text=True)

    assert '<span class="dw-timeline-origin">Forms · Customer service</span>' in body


@pytest.mark.parametrize(("months", "listed"), [(12, False), (2, True)])
def test_for_how_long_data_holds_is_a_setting(client, session, people, customer, months: int, listed: bool) -> None:
    found = customer()
    session.get_one(CustomerState, found.id).confirmed_at = work.now() - timedelta(days=91)
    chosen.put(session, "core.confirm_months", months)
    session.flush()

    body = sign_in(client, people.employee.user).get("/customers/?f.unconfirmed=1").get_data(as_text=True)

    assert (found.name in body) is listed


def test_suppliers_and_partners_are_others_with_their_relation(client, session, people, customer) -> None:
    found = customer(customer_class="other", other_detail="مورّد", name="مؤسسة الإمداد", mobile="0550000077")
    browser = sign_in(client, people.employee.user)

    assert '<option value="مورّد"></option>' in browser.get("/customers/forms/new?lang=ar").get_data(as_text=True)
    assert found.name in browser.get("/customers/?f.relation=supplier").get_data(as_text=True)
    assert found.name not in browser.get("/customers/?f.relation=partner").get_data(as_text=True)
    reader = person(session, "reader", "quality_employee")
    assert "f.relation" not in sign_in(client, reader.user).get("/customers/").get_data(as_text=True)
