"""Another system writes entries down and follows them: routed, logged and masked as on the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.customers.models import Customer
from core.testing import actor_with, sign_in
from plugins.complaints import follow, page
from plugins.complaints.models import Entry
from tests.core.rest.conftest import System, make_token
from tests.plugins.complaints.conftest import MONDAY, Staff

SAID = {"kind": "complaint", "channel": "phone", "text": "تأخر التوزيع", "name": "سعد", "phone": "0555120348"}
PERMISSIONS = ("complaints.record", "complaints.read", "complaints.personal", "customers.read")


@pytest.fixture
def site(session: Session, client: FlaskClient) -> Any:
    made = make_token(session, "Donation site", *PERMISSIONS, now=MONDAY)
    with work.time_at(MONDAY):
        yield System(client, made.token, made.secret)


def entries(session: Session, after: int = 0) -> list[tuple[Any, ...]]:
    """What was logged since, without who and when; reading ends, so that a request after it does not stand inside it."""
    found = session.scalars(sa.select(AuditEvent).where(AuditEvent.id > after).order_by(AuditEvent.id))
    said = [(one.action, one.record_type, sorted(one.fields), one.source) for one in found]
    work.rollback(session)
    return said


def newest(session: Session) -> int:
    found = session.scalar(sa.select(sa.func.max(AuditEvent.id))) or 0
    work.rollback(session)
    return found


def test_an_entry_is_routed_and_its_code_opens_the_follow_up_page(session: Session, site: System) -> None:
    answer = site.post("/complaints", SAID, key="order-1")

    assert answer.status_code == 201 and answer.json is not None
    entry = session.scalars(sa.select(Entry)).one()
    assert (entry.number, entry.source, entry.registered_by_id, entry.phone) == (answer.json["number"], "api", None, "+966555120348")
    assert follow.find(session, entry.number, answer.json["follow_code"]) is entry
    assert answer.json["department"] and answer.json["due_at"]


def test_the_same_key_makes_one_entry_and_tells_the_same_code(session: Session, site: System) -> None:
    answers = [site.post("/complaints", SAID, key="order-1").json for _n in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert session.scalar(sa.select(sa.func.count()).select_from(Entry)) == 1


def test_a_system_follows_what_it_wrote_down_and_nothing_of_others(session: Session, client: FlaskClient, site: System) -> None:
    number = site.post("/complaints", SAID, key="order-1").json["number"]  # type: ignore[index]
    work.begin_write(session)
    other = make_token(session, "Donation site 2", *PERMISSIONS, now=MONDAY)

    own = site.get(f"/complaints/{number}")

    assert own.status_code == 200 and own.json is not None
    assert (own.json["name"], own.json["text"], own.json["state"]) == ("سعد", "تأخر التوزيع", "received")
    assert System(client, other.token, other.secret).get(f"/complaints/{number}").status_code == 404
    assert site.get("/complaints/C-2026-9999").status_code == 404


def test_without_the_permission_no_name_phone_or_word_is_told(session: Session, client: FlaskClient, site: System) -> None:
    plain = make_token(session, "Plain", "complaints.record", "complaints.read", now=MONDAY)
    asking = System(client, plain.token, plain.secret)
    own = asking.post("/complaints", SAID, key="x").json["number"]  # type: ignore[index]

    shown = asking.get(f"/complaints/{own}").json

    assert shown is not None and not {"name", "phone", "text", "answer", "email"} & set(shown)
    assert "سعد" not in str(shown)


def test_of_a_customer_the_number_is_enough(session: Session, site: System, customer: Callable[..., Customer]) -> None:
    one = customer()
    work.commit(session)

    answer = site.post("/complaints", {"kind": "inquiry", "channel": "phone", "text": "متى؟", "customer_number": one.number}, key="k")

    assert answer.status_code == 201
    assert session.scalars(sa.select(Entry.customer_id)).one() == one.id


def test_a_number_that_the_register_has_not_is_kept_with_the_entry_of_a_customer(
    session: Session, site: System, customer: Callable[..., Customer],
) -> None:
    one = customer()
    own, other = str(one.mobile), "+966559990001"
    work.commit(session)
    said = {"kind": "inquiry", "channel": "phone", "text": "متى؟", "customer_number": one.number}

    site.post("/complaints", {**said, "phone": own}, key="a")
    site.post("/complaints", {**said, "phone": "0559990001", "email": "other@example.org"}, key="b")

    assert session.execute(sa.select(Entry.name, Entry.phone, Entry.email).order_by(Entry.id)).all() == [
        (None, None, None), (None, other, "other@example.org")]
    told = session.scalars(sa.select(Entry).order_by(Entry.id.desc())).first()
    assert told is not None and told.subject_id == one.subject_id
    page.describe(session, [told])
    reader = actor_with("complaints.personal", "customers.personal", "customers.read", scopes={"*": "all"})
    assert page.contacts(told, reader)[:2] == [("phone", other), ("email", "other@example.org")] and ("phone", own) in page.contacts(told, reader)


@pytest.mark.parametrize(("change", "field"), [
    ({"phone": "12"}, "phone"), ({"phone": None}, "phone"), ({"name": ""}, "name"), ({"kind": "praise"}, "kind"), ({"text": " "}, "text"),
    ({"customer_number": "404"}, "customer_number"), ({"received_at": "2030-01-01T00:00:00+03:00"}, "received_at"), 
    ({"received_at": "yesterday"}, "received_at"),
    ({"received_at": "2026-02-01T00:00:00"}, "received_at"), ({"centre_id": 2**40}, "centre_id"), ({"centre_id": 99999}, "centre_id"),
    ({"state": "closed"}, "state"),
])
def test_each_wrong_field_is_named_and_nothing_is_saved(session: Session, site: System, change: dict[str, Any], field: str) -> None:
    body = {key: value for key, value in {**SAID, **change}.items() if value is not None}

    answer = site.post("/complaints", body, key="k")

    assert answer.status_code == 422 and answer.json is not None
    assert field in [answer.json.get("field"), *(one.get("field") for one in answer.json.get("errors", ()))]
    assert session.scalars(sa.select(Entry.id)).all() == []


def test_it_leaves_the_entries_that_the_page_leaves(session: Session, client: FlaskClient, site: System, staff: Staff) -> None:
    sign_in(client, staff.crm.user)
    work.rollback(session)
    before = newest(session)
    page = client.post("/complaints/new", data={**SAID, "caller": "", "looked": ""})
    assert page.status_code == 200 and "C-2026-0001" in page.text
    by_page, before = entries(session, before), newest(session)

    assert site.post("/complaints", SAID, key="k").status_code == 201

    by_system = entries(session, before)
    assert [one[:2] for one in by_system] == [one[:2] for one in by_page]
    assert {one[3] for one in by_system} == {"api"} and {one[3] for one in by_page} == {"web"}
    who = {"registered_by_id", "assigned_by_id", "ended_by_id", "source_reference"}
    fields = [{name for one in several for name in one[2]} - who for several in (by_system, by_page)]
    assert fields[0] == fields[1]


def test_the_page_says_which_system_wrote_it_down(session: Session, client: FlaskClient, site: System, staff: Staff) -> None:
    work.rollback(session)
    site.post("/complaints", SAID, key="k")
    entry_id = session.scalars(sa.select(Entry.id)).one()
    work.rollback(session)
    sign_in(client, staff.quality.user)

    assert "Donation site" in client.get(f"/complaints/{entry_id}").text
