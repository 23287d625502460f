"""What the register gives to the global search and to My day."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from core.admin.offers import SearchProvider
from core.customers import finding
from core.i18n import use_language
from core.state import Offer
from core.testing import sign_in
from tests.core.customers.conftest import NOW, person


@pytest.mark.parametrize(("role", "told"), [("quality_employee", True), ("crm_employee", False)])
def test_who_may_not_see_phones_is_told_that_they_are_not_searched(client, session, people, customer, role, told):
    customer(mobile="0550000001")
    browser = sign_in(client, person(session, "reader", role).user)
    page = browser.get("/search/?q=0550000001&lang=en").get_data(as_text=True)

    assert ("Phones are not searched for your role" in page) is told
    assert ("شركة النور" in page) is not told
    assert "Try fewer letters" not in page
    by_name = browser.get("/search/?q=النور&lang=en").get_data(as_text=True)
    assert "Phones are not searched" not in by_name
    assert "شركة النور" in re.sub("<[^>]*>", "", by_name)


def test_a_part_that_cannot_be_searched_is_named_and_the_others_are_searched(app, client, session, people, customer, monkeypatch):
    broken = SearchProvider("broken", "Broken", "customers.read", lambda session, *_given: session.execute(sa.text("SELECT 1 FROM nowhere")), order=0)
    offers = app.extensions["diwan"].offers
    monkeypatch.setitem(offers, "register_search", [Offer("core", broken), *offers["register_search"]])
    customer()
    page = sign_in(client, person(session, "reader", "crm_employee").user).get("/search/?q=النور&lang=en&part=1").get_data(as_text=True)

    assert "This part could not be searched." in page
    assert "شركة النور" in re.sub("<[^>]*>", "", page)


def test_the_card_says_that_imported_customers_are_left_out(app, session, people, customer):
    customer()
    with app.test_request_context(), use_language("en"):
        figure = finding.new_customers(session, people.manager.actor, NOW)

        assert figure is not None
        assert str(figure.comparison) == "0 in the month before; imported ones are not counted"
