"""What the person who began an import is told: that it ended while he was not looking, or that somebody else ended it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.auth.actor import Actor, system_actor
from core.i18n import lazy_gettext as _l
from core.i18n import lazy_ngettext
from core.imports.models import Import
from core.notices.services import notify
from core.text import isolate


def checked(session: Session, row: Import, *, actor: Actor, now: datetime) -> None:
    _tell(session, row, _l("Your file %(file)s is checked. Look at its lines and apply the good ones.", file=_file(row)), actor, now)


def applied(session: Session, row: Import, *, actor: Actor, now: datetime) -> None:
    lines = row.counts.get("create", 0) + row.counts.get("update", 0)
    text = lazy_ngettext("Your import of %(file)s has ended: %(num)s line is applied.", "Your import of %(file)s has ended: %(num)s lines are applied.", lines,
                         file=_file(row))
    _tell(session, row, text, actor, now)


def undone(session: Session, row: Import, *, actor: Actor, now: datetime) -> None:
    _tell(session, row, _l("Your import of %(file)s is taken back by %(name)s.", file=_file(row), name=actor.label), actor, now)


def failed(session: Session, row: Import, *, now: datetime) -> None:
    """Only what runs in the background fails by itself."""
    text = _l("Your import of %(file)s has stopped; the reason stands on its page.", file=_file(row))
    _tell(session, row, text, system_actor("job"), now)


def _file(row: Import) -> str:
    return isolate(row.file_name, "auto")


def _tell(session: Session, row: Import, text: Any, actor: Actor, now: datetime) -> None:
    """The maker, unless he sits before the page: what runs in the background ends unseen, also when it runs in his name."""
    if actor.user_id != row.made_by_id or actor.source == "job":
        notify(session, [row.made_by_id], text, link=f"/imports/{row.id}", now=now)
