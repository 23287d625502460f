"""The association's logo: a PNG or JPEG kept among the files, named by the setting ``core.logo_file``.

What is stored was recognised by its bytes, is small, states a modest size, and was drawn once by the very program that
prints forms: a picture that cannot be drawn would otherwise spoil every form afterwards.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import typst
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor, authorize
from core.errors import InvalidInput, NotFound
from core.files import services as files
from core.files.domain import jpeg_size, kind_of, png_size
from core.files.models import StoredFile
from core.files.services import Stored
from core.i18n import lazy_gettext as _l

KEY = "core.logo_file"
PERMISSION = "core.settings"
MOST_BYTES = 400 * 1024
MOST_PIXELS = 4_000_000
FORMATS = {"image/png": "png", "image/jpeg": "jpg"}
_TRIAL = "#set page(width: auto, height: auto)\n#image(bytes(json(bytes(sys.inputs.data))), width: 20mm)"


def store(folder: Path, name: str, content: bytes) -> Stored:
    """Check and keep the picture's bytes, before the writing transaction; raises InvalidInput saying what would do."""
    if len(content) > MOST_BYTES:
        raise InvalidInput(_l("The logo has %(size)s KiB; at most %(most)s KiB are taken. Save it smaller.", size=len(content) // 1024,
                              most=MOST_BYTES // 1024), field=KEY, value=name)
    kind = kind_of(name, content)
    if kind.media_type not in FORMATS:
        raise InvalidInput(_l("A logo is a PNG or JPEG picture. Save it as one of these."), field=KEY, value=name)
    _check_size(name, content, png_size(content) if kind.media_type == "image/png" else jpeg_size(content))
    _draw_once(content, name)
    return files.store(folder, name, content)


def _check_size(name: str, content: bytes, stated: tuple[int, int] | None) -> None:
    """By the size its header states, before anything decodes it."""
    if stated is None or 0 in stated or stated[0] * stated[1] > MOST_PIXELS:
        raise InvalidInput(_l("The logo “%(name)s” states no size, or more than %(most)s million dots. Save it smaller.", name=name,
                              most=MOST_PIXELS // 1_000_000), field=KEY, value=name)


def _draw_once(content: bytes, name: str) -> None:
    try:
        typst.Compiler(_TRIAL.encode()).compile(format="pdf", sys_inputs={"data": str(list(content))})
    except typst.TypstError:
        raise InvalidInput(_l("“%(name)s” cannot be drawn; it may be damaged. Save the picture anew.", name=name), field=KEY, value=name) from None


def choose(session: Session, stored: Stored, *, actor: Actor, now: datetime) -> StoredFile:
    """Make a stored picture the logo; an earlier one stays among the files, as the log knows it."""
    authorize(session, actor, PERMISSION)
    settings.put(session, KEY, None)  # so that there is a row for the picture to hang on
    row = session.scalars(select(settings.StoredSetting).where(settings.StoredSetting.key == KEY)).one()
    picture = files.attach(session, stored, row, permission=PERMISSION, actor=actor, now=now)
    settings.put(session, KEY, picture.id)
    return picture


def remove(session: Session, *, actor: Actor) -> None:
    """Go back to no logo."""
    authorize(session, actor, PERMISSION)
    if settings.get(session, KEY) is None:
        raise NotFound(_l("There is no logo to remove."))
    settings.put(session, KEY, None)


def file_of(session: Session) -> StoredFile | None:
    """The logo's row, if one is chosen."""
    chosen = settings.get(session, KEY)
    return session.get(StoredFile, chosen) if isinstance(chosen, int) else None


def picture_of(session: Session, folder: Path) -> tuple[StoredFile, bytes] | None:
    """Row and bytes of the logo; None without one, and where its bytes are not as they were stored: work goes on without."""
    row = file_of(session)
    path = files.path_of(folder, row.token) if row is not None else None
    content = path.read_bytes() if path is not None and path.is_file() else b""
    return (row, content) if row is not None and hashlib.sha256(content).hexdigest() == row.sha256 else None
