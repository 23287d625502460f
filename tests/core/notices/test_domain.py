"""A mail as it leaves, and what a refusal means."""

from __future__ import annotations

import smtplib
from email import message_from_bytes, policy

import pytest

from core.errors import InvalidInput
from core.notices.domain import Server, check_address, is_final, message, reason
from core.testing import NOON

SERVER = Server("mail.example.org", 587, "starttls", "user", "diwan@example.org", name="جمعية", password="secret")


def test_message_carries_arabic_unharmed() -> None:
    mail = message(SERVER, to="a@example.org", subject="خطوة واحدة متأخرة", body="السلام عليكم\n" * 60, language="ar", message_id="<1@diwan>", at=NOON)

    read = message_from_bytes(mail.as_bytes(), policy=policy.default)

    assert read["Subject"] == "خطوة واحدة متأخرة"
    assert read["From"].addresses[0].display_name == "جمعية"
    assert (read["Message-ID"], read["Content-Language"], read["Auto-Submitted"]) == ("<1@diwan>", "ar", "auto-generated")
    assert read.get_content() == "السلام عليكم\n" * 60


def test_subject_cannot_smuggle_a_header() -> None:
    mail = message(SERVER, to="a@example.org", subject="Hello\r\nBcc: all@example.org", body="x", language="en", message_id="<1@diwan>", at=NOON)

    assert mail["Bcc"] is None
    assert mail["Subject"] == "Hello Bcc: all@example.org"


@pytest.mark.parametrize("text", ["", "nobody", "a@b@c", "a b@example.org", "a@example.org,b@example.org", "<a@example.org>", "a@example.org\r\nBcc: x@y.z"])
def test_check_address_refuses_what_is_none(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_address(text)


def test_server_never_shows_its_password() -> None:
    assert "secret" not in repr(SERVER)


@pytest.mark.parametrize(("error", "final"), [
    (smtplib.SMTPRecipientsRefused({"a@example.org": (550, b"no such user")}), True),
    (smtplib.SMTPRecipientsRefused({"a@example.org": (451, b"later")}), False),
    (smtplib.SMTPDataError(554, b"spam"), True),
    (smtplib.SMTPAuthenticationError(535, b"wrong password"), False),
    (smtplib.SMTPServerDisconnected("gone"), False),
    (TimeoutError("timed out"), False),
])
def test_only_a_no_for_good_is_final(error: Exception, final: bool) -> None:
    assert is_final(error) is final


def test_reason_names_no_address() -> None:
    assert reason(smtplib.SMTPDataError(554, b"user <a@example.org> unknown")) == "554 user … unknown"
    assert "example" not in reason(smtplib.SMTPRecipientsRefused({"a@example.org": (550, b"no")}))
