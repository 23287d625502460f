"""The mail server's password at rest: encrypted with the association's key, never shown again."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from cryptography.exceptions import InvalidTag

from core.errors import DiwanError
from core.keys import NONCE_BYTES, Keys, seal_text

PURPOSE = "notices.smtp_password"


def seal(keys: Keys, text: str) -> str:
    """The text as a token that only this association's keys open."""
    return seal_text(keys.wrapping, PURPOSE, text)


def open_token(keys: Keys, token: Any) -> str:
    """The text of a token. Raises DiwanError when it was written with other keys."""
    try:
        raw = b64decode(str(token), validate=True)
        return keys.wrapping.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], PURPOSE.encode()).decode()
    except (InvalidTag, ValueError) as exc:
        raise DiwanError("The mail server's password does not open with this association's keys. Enter it anew on the page of outgoing mail.") from exc
