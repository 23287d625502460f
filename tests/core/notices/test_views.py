"""A person's notices and the page of outgoing mail."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import settings, work
from core.i18n import lazy_gettext as _l
from core.notices import queries, services
from core.notices.models import Mail
from core.testing import NOON
from tests.support.people import signed_in


@pytest.fixture
def mail(session: Session) -> Mail:
    return services.queue_mail(session, to="a@example.org", subject="Your invitation", body="https://example.org/once", now=NOON, secret=True)


def test_notices_are_ones_own(session: Session, client: FlaskClient) -> None:
    user = signed_in(client, session, "crm_employee")
    services.notify(session, [user.id], _l("“%(value)s” is no e-mail address.", value="mine"), link="/customers/", now=NOON)
    services.notify(session, [user.id + 1], "of somebody else", now=NOON)
    work.commit(session)

    html = client.get("/notices/").get_data(as_text=True)

    assert "“mine” is no e-mail address." in html
    assert 'href="/customers/"' in html
    assert "of somebody else" not in html
    assert client.post("/notices/read").status_code == 302
    assert queries.unread(session, user.id) == 0


def test_bell_tells_how_many_are_unread(session: Session, client: FlaskClient) -> None:
    user = signed_in(client, session, "crm_employee")
    services.notify(session, [user.id], "told", now=NOON)
    services.notify(session, [user.id], "told again", now=NOON)
    work.commit(session)

    assert 'href="/notices/"' in client.get("/").get_data(as_text=True)


@pytest.mark.parametrize("address", ["/settings/outbox/", "/settings/outbox/1/"])
def test_outbox_is_shut_to_others(session: Session, client: FlaskClient, address: str) -> None:
    signed_in(client, session, "crm_manager")

    assert client.get(address).status_code == 403


def test_text_can_be_copied_where_no_server_is_set(session: Session, client: FlaskClient, mail: Mail) -> None:
    signed_in(client, session, "admin")
    work.commit(session)

    listing = client.get("/settings/outbox/").get_data(as_text=True)
    text = client.get(f"/settings/outbox/{mail.id}/").get_data(as_text=True)

    assert "No mail server is set." in listing
    assert "Your invitation" in listing
    assert "https://example.org/once" in text
    assert "Send now" not in text
    assert client.post(f"/settings/outbox/{mail.id}/copied").status_code == 302
    session.expire_all()
    assert (session.get_one(Mail, mail.id).state, session.get_one(Mail, mail.id).body) == ("copied", "")
    assert "emptied" in client.get(f"/settings/outbox/{mail.id}/").get_data(as_text=True)


def test_sending_without_a_server_is_refused_with_the_remedy(session: Session, client: FlaskClient, mail: Mail) -> None:
    signed_in(client, session, "admin")
    work.commit(session)

    answer = client.post(f"/settings/outbox/{mail.id}/send")

    assert answer.status_code == 409
    assert "copy the text" in answer.get_data(as_text=True)


def test_test_mail_goes_to_the_outbox(session: Session, client: FlaskClient) -> None:
    settings.put(session, "notices.smtp_host", "mail.example.org")
    settings.put(session, "notices.smtp_from", "diwan@example.org")
    signed_in(client, session, "admin")
    work.commit(session)

    assert client.post("/settings/outbox/test", data={"to": "me@example.org"}).status_code == 302
    assert queries.outbox(session)[0].to_address == "me@example.org"
    wrong = client.post("/settings/outbox/test", data={"to": "me"})
    assert wrong.status_code == 422
    assert "is no e-mail address" in wrong.get_data(as_text=True)


def test_password_is_stored_and_never_shown(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "admin")
    work.commit(session)

    assert client.post("/settings/outbox/password", data={"password": "correct horse"}).status_code == 302

    work.forget(session)
    assert settings.get(session, "notices.smtp_password")
    assert "correct horse" not in client.get("/settings/outbox/").get_data(as_text=True)


@pytest.mark.parametrize(("address", "status"), [
    ("/settings/outbox/?state=queued", 200), ("/settings/outbox/?state=nonsense", 422), ("/settings/outbox/999999/", 404),
    ("/settings/outbox/99999999999999999999/", 404),
])
def test_odd_addresses_are_answered_plainly(session: Session, client: FlaskClient, address: str, status: int) -> None:
    signed_in(client, session, "admin")

    assert client.get(address).status_code == status
