"""Attaching and reading files. Bytes are stored before the writing transaction begins; the row joins it."""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.database import ERASED
from core.errors import Conflict, NotFound
from core.files import domain
from core.files.models import StoredFile
from core.i18n import lazy_gettext as _l

OF_RECORD = "files.of_record"
"""A permission that no role has: what asks for it is read through its record's page only, which knows whose record it is (CUST-37)."""


@dataclass(frozen=True)
class Stored:
    """Bytes that are checked and on disk, not yet attached to anything."""

    token: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str


def store(folder: Path, name: str, content: bytes) -> Stored:
    """Check and write the bytes under a random name; call it between the read and the write phase.

    Raises InvalidInput for what may not be attached. What is never attached afterwards is removed by ``sweep``.
    """
    name = domain.clean_name(name)
    domain.refuse_too_large(name, content)
    kind = domain.kind_of(name, content)
    domain.check_pixels(name, kind, content)
    content = domain.without_exif(kind, content)
    token = secrets.token_hex(16)
    path = path_of(folder, token)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_durably(path, content)
    return Stored(token, name, kind.media_type, len(content), hashlib.sha256(content).hexdigest())


def _write_durably(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(path)


def path_of(folder: Path, token: str) -> Path:
    return folder / token[:2] / token


def attach(
    session: Session, stored: Stored, record: Any, *, permission: str = OF_RECORD, actor: Actor, now: datetime, title: str = "", subject_id: str | None = None,
) -> StoredFile:
    """Attach stored bytes to a flushed record; the upload is audited with its hash (AUD-01).

    With a ``permission`` of its own, ``/files/<id>`` serves it to everybody who has that; without, only ``read_of`` does.
    """
    row = StoredFile(
        token=stored.token, record_type=record.__tablename__, record_id=record.id, subject_id=subject_id, name=stored.name, title=title,
        media_type=stored.media_type, size_bytes=stored.size_bytes, sha256=stored.sha256, permission=permission,
        uploaded_by_id=actor.user_id, uploaded_at=now,
    )
    session.add(row)
    audit.name_action(session, row, "upload")
    session.flush()
    return row


def attached_to(session: Session, record: Any) -> list[StoredFile]:
    """A record's files, oldest first; without those that were erased."""
    return list(session.scalars(select(StoredFile).where(StoredFile.record_type == record.__tablename__, StoredFile.record_id == record.id,
                                                         StoredFile.size_bytes > 0).order_by(StoredFile.id)))


def read(session: Session, folder: Path, file_id: int, *, actor: Actor) -> tuple[StoredFile, bytes]:
    """A file and its bytes, for whoever has its permission. Raises NotFound, NotAllowed; Conflict when the bytes were changed on disk."""
    row = session.get(StoredFile, file_id)
    if row is None:
        raise NotFound(_l("There is no such file."))
    authorize(session, actor, row.permission)
    return row, content_of(folder, row)


def read_of(session: Session, record: Any, folder: Path, file_id: int) -> tuple[StoredFile, bytes]:
    """A file of this record and its bytes; the caller found the record for this person and asked for what its content needs.

    Raises NotFound, Conflict as ``read``.
    """
    row = session.scalar(select(StoredFile).where(StoredFile.id == file_id, StoredFile.record_type == record.__tablename__,
                                                  StoredFile.record_id == record.id))
    if row is None:
        raise NotFound(_l("There is no such file."))
    return row, content_of(folder, row)


def content_of(folder: Path, row: StoredFile) -> bytes:
    """The stored bytes. Raises NotFound where they were erased, Conflict where they are not as they were stored."""
    if row.erased:
        raise NotFound(_l("This file was erased with the data of the person it was about."))
    path = path_of(folder, row.token)
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != row.sha256:
        raise Conflict(_l("The file “%(name)s” is not as it was stored. Tell the administrator; a backup may hold the right one.", name=row.name))
    return content


def erase(row: StoredFile) -> str:
    """Take name, size and hash from a file's row and cut it loose from its bytes; returns the token under which they lie.

    The caller removes the bytes once the transaction is committed (``remove``); the nightly sweep takes what is left of them.
    """
    token = row.token
    row.token, row.name, row.title, row.size_bytes, row.sha256 = f"erased-{row.id}", ERASED, "", 0, ""
    return token


def remove(folder: Path, token: str) -> None:
    """Remove bytes that no row names any more; a second time does nothing."""
    path_of(folder, token).unlink(missing_ok=True)


def sweep(session: Session, folder: Path, now: datetime) -> int:
    """Remove bytes older than a day that no row names; returns how many."""
    known = set(session.scalars(select(StoredFile.token)))
    removed = 0
    for path in folder.glob("??/*"):
        old = datetime.fromtimestamp(path.stat().st_mtime, tz=now.tzinfo) < now - timedelta(days=1)
        if old and path.stem not in known:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
