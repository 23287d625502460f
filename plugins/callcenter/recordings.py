"""Recordings of calls: named by the exchange, kept in a folder of the association, listened to by permission, each time on record."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path, PurePosixPath

from sqlalchemy.orm import Session

from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.errors import Conflict, NotFound
from core.i18n import lazy_gettext as _l
from plugins.callcenter.models import Call, Recording

LISTEN = "callcenter.listen"
FOLDER = "recordings"
MEDIA_TYPES = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".gsm": "audio/x-gsm"}


def listen(session: Session, call: Call, recording_id: int, folder: Path, *, actor: Actor, now: datetime) -> tuple[str, bytes, str]:
    """Name, bytes and media type of a recording; who listened stands in the audit log.

    ``folder`` is the association's. The hash is kept when it is first heard. Raises NotFound, NotAllowed; Conflict where the file was changed since.
    """
    authorize(session, actor, LISTEN, rule="CUST-34")
    recording = session.get(Recording, recording_id)
    if recording is None or recording.call_id != call.id:
        raise NotFound(_l("There is no such recording of this call."))
    path = path_of(folder, recording.reference)
    if path is None:
        raise NotFound(_l("The recording “%(name)s” is not in the folder of recordings. Ask who keeps the exchange to lay it there.", name=recording.reference))
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if recording.sha256 not in (None, found):
        raise Conflict(_l("The recording “%(name)s” is not as it was when it was first heard. Tell the administrator.", name=recording.reference))
    recording.sha256 = found
    audit.record(session, "listen", record=recording, data={"call": call.id, "sha256": found})
    session.flush()
    return path.name, content, MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")


def path_of(folder: Path, reference: str) -> Path | None:
    """Where a recording lies: by its own path below the folder, else by its name alone; never outside, never through a link."""
    home = (folder / FOLDER).resolve()
    parts = [part for part in PurePosixPath(reference.replace("\\", "/")).parts if part not in ("/", "..")]
    for path in (home.joinpath(*parts), home / parts[-1]) if parts else ():
        if path.is_file() and path.resolve().is_relative_to(home):
            return path
    return None
