"""The code with which a complainant follows an entry without signing in: told once, kept as a hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.keys import keys_of
from core.text import normalise_digits
from plugins.complaints.models import Entry

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Letters and digits that are not taken for one another when read aloud or written down."""
LENGTH = 10


def give_code(session: Session, entry: Entry) -> str:
    """The code of an entry that was just made. It is made of the form's own key, so that the same form sent again, or its answer
    loaded again, tells the same code; without such a key it is drawn."""
    code = _derived(session, entry) if entry.operation_key else "".join(secrets.choice(LETTERS) for _n in range(LENGTH))
    entry.follow_code = hashed(entry.number, code)
    return _spaced(code)


def code_again(session: Session, entry: Entry) -> str:
    """For whoever sent the form of this entry again, what was told the first time; "" where the entry has another code by now."""
    code = _derived(session, entry)
    return _spaced(code) if hmac.compare_digest(hashed(entry.number, code), str(entry.follow_code)) else ""


def _derived(session: Session, entry: Entry) -> str:
    told = hmac.digest(keys_of(session).session, f"follow:{entry.number}:{entry.operation_key}".encode(), "sha256")
    left, letters = int.from_bytes(told), []
    for _n in range(LENGTH):
        left, place = divmod(left, len(LETTERS))
        letters.append(LETTERS[place])
    return "".join(letters)


def _spaced(code: str) -> str:
    return f"{code[:5]}-{code[5:]}"


def hashed(number: str, code: str) -> str:
    return hashlib.sha256(f"{number}:{code}".encode()).hexdigest()


def find(session: Session, number: str, code: str) -> Entry | None:
    """The entry with this number whose code this is; None for a wrong number and for a wrong code alike."""
    clean = "".join(ch for ch in normalise_digits(code).upper() if ch in LETTERS)
    wanted = hashed(normalise_digits(number).strip().upper(), clean)
    entry = session.scalar(sa.select(Entry).where(Entry.follow_code == wanted))
    return entry if entry is not None and hmac.compare_digest(str(entry.follow_code), wanted) else None
