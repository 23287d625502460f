"""ACC-82: of 100 customers 60 consented to e-mail; after 5 unsubscribe the next list has 55; two share their data (PERM-01, PERM-02, PERM-11).

The mailing itself is of campaigns, and PERM-10 with it; here is what it asks: whom to write to, and where.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from core import work
from core.audit.models import AuditEvent
from core.auth.actor import system_actor
from core.consent import queries, services
from core.customers import entry, importing
from core.customers import services as forms
from core.customers.models import Customer
from core.errors import NotAllowed
from core.testing import sign_in
from tests.acceptance.register import register_people

MONDAY = datetime(2026, 2, 2, 7, 0, tzinfo=UTC)
"""10:00 in Makkah."""
FREELY = {"source": "form", "now": MONDAY}


@pytest.fixture
def people(session):
    return register_people(session, MONDAY)


@pytest.fixture
def hundred(session, people):
    """100 customers with an e-mail address, of whom the first 60 consented to news by e-mail and two to sharing."""
    rows = [{"name": f"متبرع رقم {n:03d}", "customer_class": "donor", "mobile": f"+9665500{n:05d}", "email": f"donor{n}@example.org"} for n in range(100)]
    form = importing.fill_import(session, rows, source="register.csv", operation_key="hundred", actor=people.employee, now=MONDAY)
    forms.review(session, form, actor=people.manager, now=MONDAY)
    forms.approve(session, form, actor=people.manager, now=MONDAY)
    entry.enter_import(session, form, actor=people.officer, now=MONDAY)
    found = list(session.scalars(sa.select(Customer).where(Customer.form_id == form.id).order_by(Customer.id)))
    for one in found[:60]:
        services.give(session, one, "email", "marketing", actor=people.employee, **FREELY)
    for one in found[70:72]:
        services.give(session, one, "all", "sharing", actor=people.employee, **FREELY)
    return found


def _messages(session, people, now) -> Iterator[tuple[str, str]]:
    """What a mailing does: the list, then for each its one address and the link of its last line."""
    found = session.scalars(queries.contactable(session, sa.select(Customer).order_by(Customer.id), "email", "marketing",
                                                  actor=people.manager)).all()
    links = services.links(session, [one.id for one in found], now=now)
    for one in found:
        yield services.reach(session, one, "email", "marketing", actor=people.manager, now=now), links[one.id]


def test_sixty_of_a_hundred_are_written_to_and_after_five_unsubscribe_fifty_five(session, people, hundred, client):
    first = list(_messages(session, people, MONDAY))
    assert [address for address, _link in first] == [f"donor{n}@example.org" for n in range(60)]
    assert len({link for _address, link in first}) == 60
    work.commit(session)

    with work.time_at(MONDAY + timedelta(hours=2)):
        assert [client.post(link, data={"choice": "news"}).status_code for _address, link in first[10:15]] == [200] * 5

    work.begin_write(session)
    second = [address for address, _link in _messages(session, people, MONDAY + timedelta(hours=3))]
    assert second == [f"donor{n}@example.org" for n in range(60) if n not in range(10, 15)]
    with pytest.raises(NotAllowed) as refused:
        services.check_contact(session, hundred[10].id, "email", "marketing", actor=people.manager, now=MONDAY + timedelta(hours=3))
    assert refused.value.rule == "PERM-02"
    gone = queries.events_of(session, hundred[10].id)[0]
    assert (gone.given, gone.said_at, gone.source) == (False, MONDAY + timedelta(hours=2), "link")


def test_one_who_withdrew_wholly_is_on_no_list_and_in_no_file(session, people, hundred):
    services.withdraw_all(session, hundred[0], actor=people.employee, source="call", now=MONDAY + timedelta(hours=1))
    services.withdraw_all(session, hundred[70], actor=people.employee, source="call", now=MONDAY + timedelta(hours=1))

    for channel in ("phone", "sms", "email", "whatsapp"):
        for purpose in ("service", "survey", "marketing", "fundraising", "sharing"):
            found = set(session.scalars(queries.contactable(session, sa.select(Customer.id), channel, purpose, actor=people.manager)))
            assert not found & {hundred[0].id, hundred[70].id}, (channel, purpose)


def test_the_file_for_a_third_party_has_the_two_who_consented(session, people, hundred, client):
    work.commit(session)
    with work.time_at(MONDAY):
        sign_in(client, people.users["manager"])
        sent = client.post("/customers/export", data={"outside": "1", "matching": "1"})

    rows = list(csv.DictReader(io.StringIO(sent.get_data().decode("utf-8-sig"))))
    numbers = {one.number for one in hundred[70:72]}
    assert {number for row in rows for number in row.values() if number in numbers} == numbers
    logged = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "export")).one()
    assert (logged.facts["rows"], logged.facts["filter"]["outside"]) == (2, "True")
    assert sum("example.org" in str(row) for row in rows) == 2


def test_a_visitor_with_a_link_can_do_nothing_but_withdraw(session, hundred):
    token = services.links(session, [hundred[0].id], now=MONDAY)[hundred[0].id].rpartition("/")[2]
    with pytest.raises(NotAllowed):
        services.give(session, hundred[0], "email", "survey", actor=system_actor("public"), **FREELY)
    assert len(services.withdraw_by_link(session, token, "all", actor=system_actor("public"), now=MONDAY)) == 1
