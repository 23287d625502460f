"""Keys of an association and of the people in its records.

Three files lie in the association's ``keys`` folder, outside the database and outside its backups: ``session.key`` signs
cookies, ``audit.key`` closes the audit log's chain, ``subjects.key`` wraps the key of each subject. A *subject* is one
person or body whose personal values stand in the audit log: a customer, a form before it becomes one, a complainant, a
user. Destroying a subject's key makes all of that unreadable for ever, and the chain over the ciphertext stays whole
(DESIGN 10; reliability 2.18).
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import work
from core.bulk import insert_rows
from core.database import Base, UtcDateTime, section
from core.errors import DiwanError

KEY_BYTES = 32
NONCE_BYTES = 12
NAMES = ("session", "audit", "subjects")


# --- the association's keys -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Keys:
    """The three keys of one association, 32 bytes each; never shown by ``repr``."""

    session: bytes = field(repr=False)
    audit: bytes = field(repr=False)
    subjects: bytes = field(repr=False)

    @classmethod
    def fresh(cls) -> Keys:
        return cls(*(os.urandom(KEY_BYTES) for _name in NAMES))

    @cached_property
    def wrapping(self) -> AESGCM:
        return AESGCM(self.subjects)


def make_keys(folder: Path) -> Keys:
    """Make the keys of a new association (``diwan association add``, never at boot); refuses to replace any that exists."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = Keys.fresh()
    for name in NAMES:
        _write_key(folder / f"{name}.key", getattr(keys, name))
    return keys


def _write_key(file: Path, key: bytes) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise DiwanError(f"{file} exists already and is not replaced: what it protects would be lost. Move it away by hand if you mean it.") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(f"{key.hex()}\n")


def load_keys(folder: Path) -> Keys:
    """Read the keys of an association; raises DiwanError for a missing, short, default or readable-by-others file."""
    return Keys(*(_read_key(folder / f"{name}.key") for name in NAMES))


def _read_key(file: Path) -> bytes:
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise DiwanError(f"The key {file} is missing. Restore it from the copy that `diwan keys backup` made; it is never made anew at start.") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise DiwanError(f"The key {file} cannot be read: {exc}. Correct its owner, or restore it from the keys' backup.") from exc
    if mode & 0o077:
        raise DiwanError(f"The key {file} can be read by other users of this machine. Run: chmod 600 {file}")
    return _checked(file, text)


def _checked(file: Path, text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise DiwanError(f"The key {file} is not written in hexadecimal digits. Restore it from the keys' backup.") from None
    if len(key) < KEY_BYTES:
        raise DiwanError(f"The key {file} has {len(key)} bytes; {KEY_BYTES} are needed. Restore it from the keys' backup.")
    if len(set(key)) < 8:
        raise DiwanError(f"The key {file} is a default or a pattern, not a secret. Restore the real one from the keys' backup.")
    return key


def keys_of(session: Session) -> Keys:
    """The keys that came with the session."""
    keys = session.info.get("keys")
    if keys is None:
        raise DiwanError("This session has no keys: it was not opened through an association's app.")
    return keys  # type: ignore[no-any-return]


# --- keys of subjects -------------------------------------------------------------------------------------------------


class SubjectKey(Base):
    """One subject's key, wrapped under ``subjects.key``; ``wrapped`` is empty once the subject was erased.

    ``adopted_by`` names the subject of which this one became a part (a form of its customer, a merged customer of the
    kept one): it is erased with it.
    """

    __tablename__ = "core_subject_key"
    __audit__ = False

    subject_id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    wrapped: Mapped[bytes | None]
    adopted_by: Mapped[str | None] = mapped_column(sa.String(36), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    destroyed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


UNTRACKED = {"core_subject_key": "A key is no fact about anybody; who it belongs to and its erasure are logged with the record."}
_table: Any = SubjectKey.__table__


class Erased:
    """Stands where a value was whose key has been destroyed."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "ERASED"


ERASED = Erased()


def new_subject(session: Session) -> str:
    """Make a subject with its key in the current writing transaction; returns its id (UUID text)."""
    return new_subjects(session, 1)[0]


def new_subjects(session: Session, count: int) -> list[str]:
    """Make many subjects with one statement; returns their ids."""
    wrapping, cache, now = keys_of(session).wrapping, _cache(session), work.now()
    rows = []
    for _n in range(count):
        subject_id, key, nonce = _uuid(os.urandom(16)), os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
        rows.append({"subject_id": subject_id, "wrapped": nonce + wrapping.encrypt(nonce, key, subject_id.encode()), "created_at": now})
        cache[subject_id] = AESGCM(key)
    with section("subject keys"):
        insert_rows(session, _table, rows)
    return [str(row["subject_id"]) for row in rows]


def _uuid(chance: bytes) -> str:
    """Sixteen random bytes as the text of a UUID of version 4; ``uuid.UUID`` takes five times as long."""
    text = chance.hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[chance[8] & 3]}{text[17:20]}-{text[20:]}"


def adopt_subject(session: Session, subject_id: str, *, into: str) -> None:
    """Let ``subject_id`` be erased together with ``into`` from now on; what it encrypted stays readable under its own key."""
    if subject_id != into:
        _set(session, [subject_id], adopted_by=into)


def release_subject(session: Session, subject_id: str) -> None:
    """Let a subject stand by itself again (unmerge)."""
    _set(session, [subject_id], adopted_by=None)


def destroy_subject_key(session: Session, subject_id: str) -> int:
    """Make everything encrypted for this subject, and for those it adopted, unreadable for ever; returns how many keys went."""
    family = family_of(session, subject_id)
    for one in family:
        _cache(session)[one] = None
    return _set(session, family, wrapped=None, destroyed_at=work.now())


def family_of(session: Session, subject_id: str) -> list[str]:
    """The subject and all that it adopted, theirs too: what is erased with it."""
    found, latest = {subject_id}, {subject_id}
    while latest:
        adopted = session.scalars(sa.select(_table.c.subject_id).where(_table.c.adopted_by.in_(latest)))
        latest = set(adopted) - found
        found |= latest
    return sorted(found)


def _set(session: Session, subject_ids: Sequence[str], **values: Any) -> int:
    statement = sa.update(_table).where(_table.c.subject_id.in_(subject_ids)).values(**values)
    with section("subject keys"):
        return session.execute(statement).rowcount  # type: ignore[no-any-return,attr-defined]


def encrypt(session: Session, subject_id: str, text: str) -> str:
    """``text`` as a token that only the subject's key opens; raises DiwanError when that key is gone."""
    key = _subject_key(session, subject_id)
    if key is None:
        raise DiwanError(f"The key of subject {subject_id} was destroyed or never made; nothing can be recorded of it.")
    return seal_text(key, subject_id, text)


def seal_text(key: AESGCM, subject_id: str, text: str) -> str:
    nonce = os.urandom(NONCE_BYTES)
    return b64encode(nonce + key.encrypt(nonce, text.encode(), subject_id.encode())).decode("ascii")


def decrypt(session: Session, subject_id: str, token: str) -> str | Erased:
    """The text of a token, or ``ERASED``; raises DiwanError when token or keys were tampered with."""
    key = _subject_key(session, subject_id)
    if key is None:
        return ERASED
    try:
        raw = b64decode(token, validate=True)
        return key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], subject_id.encode()).decode()
    except (InvalidTag, ValueError) as exc:
        raise DiwanError("An encrypted value does not open with its key: it was changed, or subjects.key is not the one it was written with.") from exc


def load_subject_keys(session: Session, subject_ids: Iterable[str | None]) -> None:
    """Fetch the keys of many subjects with one statement, so that ``decrypt`` asks the database no more."""
    cache = _cache(session)
    wanted = sorted({one for one in subject_ids if one and one not in cache})
    for start in range(0, len(wanted), 500):
        part = wanted[start:start + 500]
        with session.no_autoflush:
            rows = session.execute(sa.select(_table.c.subject_id, _table.c.wrapped).where(_table.c.subject_id.in_(part)))
        cache.update(dict.fromkeys(part))
        cache.update({subject_id: _unwrap(session, subject_id, wrapped) for subject_id, wrapped in rows if wrapped})


def has_key(session: Session, subject_id: str) -> bool:
    """Whether the subject exists and was not erased."""
    return _subject_key(session, subject_id) is not None


def forget_subject_keys(session: Session) -> None:
    """Drop what the session remembers of keys; at the end of each transaction, and when one is rolled back."""
    session.info.pop("subject_keys", None)


def _subject_key(session: Session, subject_id: str) -> AESGCM | None:
    cache = _cache(session)
    if subject_id not in cache:
        load_subject_keys(session, [subject_id])
    return cache[subject_id]


def _unwrap(session: Session, subject_id: str, wrapped: bytes) -> AESGCM:
    try:
        return AESGCM(keys_of(session).wrapping.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], subject_id.encode()))
    except InvalidTag as exc:
        raise DiwanError("A subject's key does not open with subjects.key: it is not the one of this database. Restore it from the keys' backup.") from exc


def _cache(session: Session) -> dict[str, AESGCM | None]:
    return session.info.setdefault("subject_keys", {})  # type: ignore[no-any-return]
