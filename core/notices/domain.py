"""A mail as it leaves, and what its failure means: plain values."""

from __future__ import annotations

import re
import smtplib
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from core.errors import InvalidInput
from core.i18n import lazy_gettext as _l

MOST_ATTEMPTS = 5
STATE_NAMES = {"queued": _l("waiting"), "sending": _l("on its way"), "sent": _l("sent"), "failed": _l("failed"), "copied": _l("passed on by hand")}
_BREAKS = re.compile(r"[\x00-\x1f\x7f]+")
_ADDRESS = re.compile(r"[^\s@<>,;:\"()]{1,64}@[A-Za-z0-9.-]{1,189}")


@dataclass(frozen=True)
class Server:
    """Where mail goes out. ``security``: ``starttls``, ``tls`` or ``none``."""

    host: str
    port: int
    security: str
    user: str
    sender: str
    name: str = ""
    password: str = field(default="", repr=False)


def check_address(text: str, *, name: str = "to") -> str:
    """One e-mail address, trimmed. Raises InvalidInput."""
    address = text.strip()
    if not _ADDRESS.fullmatch(address):
        raise InvalidInput(_l("“%(value)s” is no e-mail address.", value=address), field=name, value=address)
    return address


def message(server: Server, *, to: str, subject: str, body: str, language: str, message_id: str, at: datetime) -> EmailMessage:
    """The mail, with a message id that stays the same at every attempt: a receiver drops a second copy by it."""
    mail = EmailMessage()
    mail["From"] = Address(_BREAKS.sub(" ", server.name), addr_spec=server.sender)
    mail["To"] = to
    mail["Subject"] = _BREAKS.sub(" ", subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body)
    mail["Content-Language"] = language  # after the content, which clears headers of that family
    return mail


def is_final(error: Exception) -> bool:
    """Whether trying again is useless: the server has said no to this mail, for good (5xx)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _text in error.recipients.values())
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return False
    return isinstance(error, smtplib.SMTPResponseException) and 500 <= error.smtp_code < 600


def reason(error: Exception) -> str:
    """What to show staff of a failure: the kind and the server's own words, without addresses."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = ", ".join(str(code) for code, _text in error.recipients.values())
        return f"recipient refused ({codes})"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_words(error.smtp_error)}"[:200]
    return f"{type(error).__name__}: {error}"[:200]


def _words(raw: Any) -> str:
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    return re.sub(r"<[^>]*@[^>]*>|\S+@\S+", "…", _BREAKS.sub(" ", text))
