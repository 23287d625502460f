"""What the states of a recommendation are called, and a recommendation's source as a plain value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from core.errors import InvalidInput
from core.i18n import lazy_gettext as _l
from core.recommendations.models import ADOPTED, CARRIED_OUT, DECLINED, NOT_CARRIED_OUT, PROPOSED
from core.text import clean

DEFAULT_DECISION = "recommendations.decide"
STATE_NAMES = {
    PROPOSED: _l("waiting for decision"), ADOPTED: _l("adopted"), DECLINED: _l("not adopted"), CARRIED_OUT: _l("carried out"),
    NOT_CARRIED_OUT: _l("not carried out"),
}
TONES = {PROPOSED: "act", CARRIED_OUT: "good", NOT_CARRIED_OUT: "bad"}
LONGEST = 2_000


@dataclass(frozen=True)
class Source:
    """Where a recommendation comes from. ``record_type`` and ``record_id`` are empty where no record stands behind it.

    ``link`` is the record's page inside the association; ``period`` the local days that it looked at, both included.
    """

    label: str = ""
    link: str = ""
    record_type: str | None = None
    record_id: int | None = None
    plugin: str = "core"
    decision: str = DEFAULT_DECISION
    department_id: int | None = None
    period: tuple[date, date] | None = None


def checked(text: str, *, field: str, missing: Any = None) -> str:
    """A text as it is stored; ``missing`` refuses an empty one. Raises InvalidInput."""
    text = clean(text, field, multiline=True, missing=missing)
    if len(text) > LONGEST:
        raise InvalidInput(_l("At most %(n)s characters; this has %(found)s.", n=LONGEST, found=len(text)), field=field)
    return text


def checked_link(link: str) -> str:
    """An address inside the association, ``/notes/…``. Raises InvalidInput."""
    if link and (not link.startswith("/") or link.startswith("//") or "\\" in link or len(link) > 300):
        raise InvalidInput(_l("“%(value)s” is no address inside the association.", value=link[:60]), field="link", value=link[:60])
    return link
