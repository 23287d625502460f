"""Files that a complainant sent with an entry: read through the entry's page only, by who may read the entry and its complainant.

The general download address knows nothing of departments (CUST-37), so it asks for a permission that no role has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from core.auth.actor import Actor, authorize
from core.errors import NotFound
from core.files import services as files
from core.files.models import StoredFile
from core.i18n import lazy_gettext as _l
from plugins.complaints.models import Entry
from plugins.complaints.queries import PERSONAL

BY_ENTRY_ONLY = "complaints.files"


def attach(session: Session, entry: Entry, stored: files.Stored, *, actor: Actor, now: datetime) -> StoredFile:
    """Attach checked bytes to an entry that was just made of what a stranger sent."""
    return files.attach(session, stored, entry, permission=BY_ENTRY_ONLY, actor=actor, now=now, subject_id=entry.subject_id)


def of_entry(session: Session, entry: Entry) -> Sequence[StoredFile]:
    return files.attached_to(session, entry)


def read(session: Session, entry: Entry, folder: Path, file_id: int, *, actor: Actor) -> tuple[StoredFile, bytes]:
    """One file of this entry, which the caller has found for this person, and its bytes: they hold what the complainant sent."""
    authorize(session, actor, PERSONAL, rule="CUST-34")
    if file_id not in {one.id for one in of_entry(session, entry)}:
        raise NotFound(_l("There is no such file in this entry."))
    return files.read(session, folder, file_id, actor=replace(actor, permissions=actor.permissions | {BY_ENTRY_ONLY}))
