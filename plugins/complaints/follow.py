"""The code with which a complainant follows an entry without signing in: told once, kept as a hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.text import normalise_digits
from plugins.complaints.models import Entry

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Letters and digits that are not taken for one another when read aloud or written down."""
LENGTH = 10


def give_code(session: Session, entry: Entry) -> str:
    """A new code for this entry; an older one is void from now on."""
    code = "".join(secrets.choice(LETTERS) for _n in range(LENGTH))
    entry.follow_code = hashed(entry.number, code)
    return f"{code[:5]}-{code[5:]}"


def hashed(number: str, code: str) -> str:
    return hashlib.sha256(f"{number}:{code}".encode()).hexdigest()


def find(session: Session, number: str, code: str) -> Entry | None:
    """The entry with this number whose code this is; None for a wrong number and for a wrong code alike."""
    clean = "".join(ch for ch in normalise_digits(code).upper() if ch in LETTERS)
    wanted = hashed(normalise_digits(number).strip().upper(), clean)
    entry = session.scalar(sa.select(Entry).where(Entry.follow_code == wanted))
    return entry if entry is not None and hmac.compare_digest(str(entry.follow_code), wanted) else None
