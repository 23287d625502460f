"""The pages without sign-in: a link withdraws by its button and by nothing else, and shows nothing of whose it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.consent import queries, services
from core.consent.models import Consent
from core.customers.models import Customer
from tests.core.customers.conftest import NOW, People


@pytest.fixture
def link(session: Session, donor: Customer, give: Callable[..., list[Consent]]) -> str:
    """The donor's withdrawal link; he consented to marketing by every channel and to sharing."""
    give("all", "marketing")
    give("all", "sharing")
    found = services.links(session, [donor.id], now=NOW)[donor.id]
    work.commit(session)
    return found


def standing(session: Session, donor: Customer) -> dict[tuple[str, str], str]:
    return {cell: one.state for cell, one in queries.standings(queries.events_of(session, donor.id)).items()}


def events(session: Session) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(Consent)) or 0


def test_looking_changes_nothing_and_tells_nothing_of_the_customer(client: FlaskClient, session: Session, donor: Customer, link: str) -> None:
    before = events(session), session.scalar(sa.select(sa.func.count()).select_from(AuditEvent))

    shown = [client.open(f"{link}?lang={language}", method=method) for language in ("ar", "en") for method in ("GET", "HEAD")]

    assert [one.status_code for one in shown] == [200] * 4
    assert (events(session), session.scalar(sa.select(sa.func.count()).select_from(AuditEvent))) == before
    text = "".join(one.get_data(as_text=True) for one in shown)
    assert "What should we stop?" in text
    assert "ماذا نوقف؟" in text
    for secret in (donor.name, donor.number, "noor@example.org", "550000001", "0550000001"):
        assert secret not in text
    assert shown[0].headers["X-Robots-Tag"] == "noindex"


def test_the_button_withdraws_at_once_and_again_writes_nothing(client: FlaskClient, session: Session, donor: Customer, link: str) -> None:
    count = events(session)

    answers = [client.post(f"{link}?lang=en", data={"choice": "news"}) for _n in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 200]
    assert "This holds from now on" in answers[0].get_data(as_text=True)
    assert events(session) == count + 3
    assert standing(session, donor)["email", "marketing"] == "withdrawn"
    assert standing(session, donor)["email", "service"] == "never"
    assert standing(session, donor)["all", "sharing"] == "given"
    entry = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "consent_withdrawn").order_by(AuditEvent.id).limit(1)).one()
    assert (entry.actor_id, entry.source, entry.subject_id) == (None, "public", donor.subject_id)


@pytest.mark.parametrize(("choice", "gone", "stands"), [
    ("email", ("email", "marketing"), ("sms", "marketing")), ("sharing", ("all", "sharing"), ("email", "marketing")), ("all", ("all", "sharing"), None),
])
def test_each_line_withdraws_what_it_says(
    client: FlaskClient, session: Session, donor: Customer, link: str, choice: str, gone: tuple[str, str], stands: tuple[str, str] | None,
) -> None:
    assert client.post(link, data={"choice": choice}).status_code == 200

    found = standing(session, donor)
    assert found[gone] == "withdrawn"
    assert {found[stands]} == {"given"} if stands else set(found.values()) == {"withdrawn"}


def test_a_wrong_link_or_choice_changes_nothing(client: FlaskClient, session: Session, link: str) -> None:
    count = events(session)

    assert [client.post(f"{link}{more}", data={"choice": "all"}).status_code for more in ("x", "/x", "%20")] == [404, 404, 404]
    assert client.get("/p/consent/nothing").status_code == 404
    refused = client.post(f"{link}?lang=en", data={"choice": "everything"})
    empty = client.post(f"{link}?lang=en", data={})

    assert (refused.status_code, "Choose one of the lines" in refused.get_data(as_text=True), empty.status_code) == (422, True, 422)
    assert events(session) == count


def test_no_more_is_read_than_the_form_needs(client: FlaskClient, session: Session, link: str) -> None:
    count = events(session)

    assert client.post(link, data={"choice": "all", "more": "x" * 20_000}).status_code == 413

    assert events(session) == count


def test_a_page_of_another_site_cannot_press_the_button(app: Flask, session: Session, link: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        assert app.test_client().post(link, data={"choice": "all"}).status_code == 400
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_the_privacy_text_is_open_to_everybody(client: FlaskClient, session: Session, people: People) -> None:
    services.publish(session, "privacy", text_ar="نص للجميع", text_en="A text for everybody", actor=people.manager.actor, now=NOW)
    work.commit(session)

    assert "نص للجميع" in client.get("/p/consent/?lang=ar").get_data(as_text=True)
    assert "A text for everybody" in client.get("/p/consent/?lang=en").get_data(as_text=True)
