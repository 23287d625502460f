"""Common addresses are taken as they stand exactly where the whole judgement says the same."""

from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from core.emails import normal_email

PART = st.from_regex(r"[a-z0-9._+-]{1,20}", fullmatch=True)
DOMAIN = st.sampled_from(("example.org", "mail.example.com.sa", "example", "localhost", "example.local", "a..b.org", "-a.org", "xn--mgberp4a5d4ar",
                          "EXAMPLE.org", "example.test", "example.c", "xn--ls8h.la", "1.2.3.4", "a_b.org")) | PART


def judged(text: str) -> str | None:
    try:
        return validate_email(text, check_deliverability=False, allow_smtputf8=True).normalized
    except EmailNotValidError:
        return None


@settings(deadline=None)
@given(PART, DOMAIN)
def test_address_is_judged_as_by_the_library(local: str, domain: str) -> None:
    text = f"{local}@{domain}"
    if judged(text) is None:
        with pytest.raises(EmailNotValidError):
            normal_email(text)
    else:
        assert normal_email(text) == judged(text)


@pytest.mark.parametrize(("text", "kept"), [("sara@example.org", "sara@example.org"), ("Sara@Example.ORG", "Sara@example.org"),
                                            ("سارة@example.org", "سارة@example.org"), ("POSTMASTER@example.org", "postmaster@example.org")])
def test_address_is_kept_in_one_writing(text: str, kept: str) -> None:
    assert normal_email(text) == kept
