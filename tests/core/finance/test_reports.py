"""The statement per donor of very many donors: a page read without reading all says what the whole report says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.customers import queries as customers
from core.customers.models import Customer
from core.finance import services
from core.finance.reports import reports
from core.money import Money
from core.organisation import services as organisation
from core.reports import services as running
from core.reports.results import Result
from core.testing import actor_with
from tests.core.finance.conftest import FINANCE, NOW, sar
from tests.support.people import signed_in
from tests.support.statements import counting

DONORS = 7


@pytest.fixture
def reader(session: Session, client: FlaskClient) -> FlaskClient:
    signed_in(client, session, "finance_manager", language="en")
    return client


@pytest.fixture
def programme(session: Session, customer: Callable[..., Customer], monkeypatch: pytest.MonkeyPatch) -> int:
    """Seven donors with money in up to two currencies, one with a pledge alone, one with a cancelled one alone; a list counts three."""
    monkeypatch.setattr(customers, "COUNTED", 3)
    programme = organisation.save_programme(session, name_ar="سقيا الماء", actor=actor_with("organisation.manage")).id
    for place in range(DONORS):
        one = customer(name=f"متبرع {place}")
        given: dict[str, Any] = {"customer_id": one.id, "received_on": date(2026, 1, 1 + place), "method": "bank", "actor": FINANCE, "now": NOW}
        services.record_contribution(session, amount=sar(f"{place + 1}00.00"), programme_id=programme if place % 2 else None, **given)
        if place % 3 == 0:
            services.record_contribution(session, amount=Money(Decimal("7.000"), "KWD"), **given)
    pledge(session, customer(name="متعهد"), "900.00", programme)
    services.cancel_pledge(session, pledge(session, customer(name="منسحب"), "800.00", programme), reason="توفي", actor=FINANCE, now=NOW)
    work.commit(session)
    return programme


def pledge(session: Session, of: Customer, text: str, programme: int) -> Any:
    return services.record_pledge(session, customer_id=of.id, amount=sar(text), promised_on=date(2026, 1, 1), due_on=date(2026, 1, 20),
                                  programme_id=programme, actor=FINANCE, now=NOW)


def statement(session: Session, given: dict[str, str], **more: Any) -> Result:
    return running.run(session, reports()[0], given, actor=FINANCE, now=NOW, **more)


@pytest.mark.parametrize("of_programme", [False, True])
@pytest.mark.parametrize("start", [0, 1])
def test_a_part_has_the_rows_and_sums_of_the_whole(session: Session, programme: int, start: int, of_programme: bool) -> None:
    given = {"programme": str(programme)} if of_programme else {}
    whole, part = statement(session, given, limit=None), statement(session, given, start=start, limit=2, bounded=True)

    assert (whole.bounded, part.bounded, part.count) == (False, True, 3)
    assert part.rows == whole.rows[start:start + 2]
    assert part.totals == whole.totals
    assert part.more >= 1


def test_what_can_be_counted_is_counted(session: Session, programme: int) -> None:
    for given in ({"customer": "متبرع"}, {}):
        found = statement(session, given, limit=100, bounded=True)

        assert (found.bounded, found.count) == (False, len(found.rows))


def test_rows_of_many_donors_are_not_read_for_a_page(session: Session, programme: int) -> None:
    with counting(session) as asked:
        statement(session, {}, limit=2, bounded=True)

    read = [one for one in asked if "FROM core_contribution " in one]
    assert read and all("LIMIT" in one or "customer_id <=" in one for one in read)


def test_the_page_says_that_there_are_more_and_counts_on_request(
    reader: FlaskClient, programme: int, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "SHOWN_ROWS", 2)
    monkeypatch.setitem(running.run.__kwdefaults__, "limit", 2)

    first = reader.get("/reports/finance.donors/").get_data(as_text=True)
    all_of_them = reader.get("/reports/finance.donors/?count=all").get_data(as_text=True)

    assert "More than" in first and "count them all" in first and "of more than" in first and "&lt;bdi" not in first
    assert "More than" not in all_of_them and "11 rows" in all_of_them
