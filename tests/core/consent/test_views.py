"""The pages of consent: one customer's, the wordings, the panel of the customer's page, the settings, and the two exports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import settings, work
from core.audit.models import AuditEvent
from core.auth.actor import Actor
from core.consent import queries, services
from core.consent.models import Consent
from core.customers.models import Customer
from core.testing import sign_in
from tests.core.customers.conftest import NOW, People
from tests.support.people import signed_in


@pytest.fixture
def employee_client(client: FlaskClient, people: People, donor: Customer) -> FlaskClient:
    with work.time_at(NOW):
        return sign_in(client, people.employee.user)


@pytest.fixture
def page(employee_client: FlaskClient) -> Callable[..., str]:
    def text(address: str, language: str = "en") -> str:
        with work.time_at(NOW):
            answer = employee_client.get(f"{address}?lang={language}")
        assert answer.status_code == 200, answer.status_code
        return str(answer.get_data(as_text=True))

    return text


def post(client: FlaskClient, address: str, **data: Any) -> Any:
    with work.time_at(NOW):
        return client.post(f"{address}?lang=en", data=data)


def events(session: Session) -> list[tuple[str, str, bool, str]]:
    return [(one.channel, one.purpose, one.given, one.source) for one in session.scalars(sa.select(Consent).order_by(Consent.id))]


def test_a_consent_is_recorded_and_stands_on_both_pages(employee_client: FlaskClient, page: Any, session: Session, donor: Customer) -> None:
    address, person = f"/consent/{donor.number}", f"/customers/{donor.number}"
    assert "Never asked; no contact without consent" in page(person)

    given = {"act": "give", "purpose": "marketing", "channel": "email", "source": "call", "said_on": "2026-01-20", "note": "F-77", "operation_key": "one"}
    answers = [post(employee_client, address, **given) for _n in range(2)]

    assert [one.status_code for one in answers] == [302, 302]
    assert events(session) == [("email", "marketing", True, "call")]
    shown = page(address)
    assert "Call · wording 1" in shown.replace("\n", " ")
    assert "F-77" in shown
    summary = page(person)
    assert "Consented: E-mail" in summary
    assert address in summary
    assert "وافق: البريد الإلكتروني" in page(person, "ar")


def test_a_withdrawal_is_recorded_and_again_changes_nothing(employee_client: FlaskClient, page: Any, session: Session, donor: Customer) -> None:
    address = f"/consent/{donor.number}"
    given = {"act": "withdraw", "purpose": "all", "channel": "all", "source": "letter"}

    assert [post(employee_client, address, **given).status_code for _n in range(2)] == [302, 302]

    assert events(session) == [("all", "all", False, "letter")]
    assert "That was withdrawn already" in page(address)
    assert "Consent withdrawn: All channels" in page(f"/customers/{donor.number}")


def test_faults_stand_beside_their_fields_and_what_was_typed_stays(employee_client: FlaskClient, session: Session, donor: Customer) -> None:
    refused = post(employee_client, f"/consent/{donor.number}", act="give", purpose="all", channel="email", source="call", note="kept words")

    shown = refused.get_data(as_text=True)
    assert (refused.status_code, "one purpose at a time" in shown, "kept words" in shown, events(session)) == (422, True, True, [])
    late = post(employee_client, f"/consent/{donor.number}", act="give", purpose="survey", channel="email", source="call", said_on="2026-02-09")
    assert (late.status_code, "later moment than now" in late.get_data(as_text=True)) == (422, True)
    assert post(employee_client, f"/consent/{donor.number}", purpose="survey", channel="email", source="call").status_code == 422


def test_a_consent_of_the_day_of_the_withdrawal_does_not_undo_it(
    employee_client: FlaskClient, session: Session, donor: Customer, employee: Actor,
) -> None:
    work.begin_write(session)
    services.withdraw_all(session, donor, source="call", actor=employee, now=NOW - timedelta(days=2))
    work.commit(session)

    refused = post(employee_client, f"/consent/{donor.number}", act="give", purpose="survey", channel="email", source="form", said_on="2026-01-30")

    assert (refused.status_code, "the withdrawal holds" in refused.get_data(as_text=True)) == (422, True)


def test_the_link_is_made_by_a_button_and_shown(employee_client: FlaskClient, page: Any, session: Session, donor: Customer) -> None:
    assert "/p/consent/" not in page(f"/consent/{donor.number}")

    assert post(employee_client, f"/consent/{donor.number}/link").status_code == 302

    token = queries.link_of(session, donor.id)
    assert token is not None
    assert f"http://localhost/p/consent/{token}" in page(f"/consent/{donor.number}")


def test_who_may_only_read_records_nothing(client: FlaskClient, session: Session, donor: Customer) -> None:
    with work.time_at(NOW):
        signed_in(client, session, "auditor")
        shown = client.get(f"/consent/{donor.number}").get_data(as_text=True)
    assert "<form method=\"post\" class=\"dw-sheet\"" not in shown

    answers = [post(client, f"/consent/{donor.number}{path}").status_code for path in ("", "/link")]

    assert answers == [403, 403]
    assert [one.rule for one in session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "denied").order_by(AuditEvent.id))] == ["PERM-01", "PERM-02"]
    with work.time_at(NOW):
        assert client.get("/consent/999").status_code == 404
        assert client.post("/consent/wording/consent", data={"consent-text_ar": "نص", "consent-text_en": "Text"}).status_code == 403


def test_who_may_only_read_has_neither_the_withdrawal_link_nor_the_notes(
    client: FlaskClient, session: Session, people: People, donor: Customer,
) -> None:
    services.give(session, donor, "email", "marketing", source="form", note="his wife has 0559991234", actor=people.employee.actor, now=NOW)
    link = services.links(session, [donor.id], now=NOW)[donor.id]
    with work.time_at(NOW):
        signed_in(client, session, "auditor")
        page = client.get(f"/consent/{donor.number}?lang=en").get_data(as_text=True)

    assert "Withdrawal link" in page and link not in page and "0559991234" not in page


def test_the_wording_page_publishes_and_shows_the_checklist(client: FlaskClient, session: Session, people: People) -> None:
    with work.time_at(NOW):
        sign_in(client, people.manager.user)
        listed = client.get("/consent/wording/?lang=en").get_data(as_text=True)
    assert all(f"<strong>{one}</strong>" in listed for one in ("Timely", "Short", "Relevant", "Consistent", "Trustworthy"))

    refused = post(client, "/consent/wording/privacy", **{"privacy-text_ar": "نص جديد", "privacy-text_en": ""})
    done = post(client, "/consent/wording/privacy", **{"privacy-text_ar": "نص جديد", "privacy-text_en": "A new text"})

    assert (refused.status_code, "in both languages" in refused.get_data(as_text=True), done.status_code) == (422, True, 302)
    current = queries.wording_now(session, "privacy")
    assert current is not None
    assert (current.version, current.text_en) == (2, "A new text")


def test_the_registration_form_shows_the_privacy_text_of_now(employee_client: FlaskClient, page: Any, session: Session, people: People) -> None:
    assert "The association keeps your data only to serve you" in page("/customers/forms/new")
    work.begin_write(session)
    services.publish(session, "privacy", text_ar="نص جديد", text_en="Another text", actor=people.manager.actor, now=NOW)
    work.commit(session)

    assert "Another text" in page("/customers/forms/new")
    assert "نص جديد" in page("/customers/forms/new", "ar")


def test_the_timeline_has_consents_and_withdrawals(page: Any, session: Session, donor: Customer, give: Any, withdraw: Any) -> None:
    work.begin_write(session)
    give()
    withdraw("phone", "all", now=NOW + timedelta(minutes=5))
    work.commit(session)

    shown = page(f"/customers/{donor.number}")

    assert "News and offers · E-mail · Signed form" in shown
    assert shown.index("All purposes · Mobile or phone · Call") < shown.index("News and offers · E-mail · Signed form")


def test_the_contact_hours_are_settings(client: FlaskClient, session: Session, donor: Customer) -> None:
    signed_in(client, session, "admin")
    values = {"consent.call_days": ["0", "1"], "consent.call_days.shown": "1", "consent.call_from": "10:00", "consent.call_until": "12:00",
              "consent.needed": ["survey"], "consent.needed.shown": "1"}

    saved = client.post("/settings/", data=values)
    refused = client.post("/settings/", data={"consent.call_from": "10:17"})

    assert (saved.status_code, refused.status_code) == (302, 422)
    work.forget(session)
    hours = queries.contact_hours(session)
    assert (hours.days, f"{hours.start:%H:%M}", f"{hours.until:%H:%M}") == ({0, 1}, "10:00", "12:00")
    assert settings.get(session, "consent.needed") == ["survey"]
    assert "Consent and contact hours" in client.get("/settings/?lang=en").get_data(as_text=True)


def test_a_file_for_an_outside_party_has_who_consented_and_no_remarks(
    client: FlaskClient, session: Session, people: People, customer: Callable[..., Customer], employee: Actor, donor: Customer,
) -> None:
    other = customer(name="شركة الضحى", mobile="0550000777", remarks="internal words")
    services.give(session, other, "all", "sharing", source="form", actor=employee, now=NOW)
    with work.time_at(NOW):
        sign_in(client, people.manager.user)

    whole = post(client, "/customers/export", matching="1").get_data(as_text=True)
    outside = post(client, "/customers/export", outside="1", matching="1").get_data(as_text=True)
    chosen = post(client, "/customers/export", outside="1", id=[str(donor.id)]).get_data(as_text=True)

    assert (donor.number in whole, other.number in whole, "internal words" in whole) == (True, True, True)
    assert (donor.number in outside, other.number in outside, "internal words" in outside, "remarks" in outside) == (False, True, False, False)
    assert (donor.number in chosen, other.number in chosen) == (False, False)
    entries = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "export").order_by(AuditEvent.id)).all()
    assert [(one.facts["filter"].get("outside"), one.facts["rows"]) for one in entries] == [(None, 2), ("True", 1), ("True", 0)]
