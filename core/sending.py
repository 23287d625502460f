"""A form that is sent twice makes one thing: the page gives out a key, the row keeps it, the database holds it unique.

A service that creates something takes ``operation_key`` and asks ``made_before`` first, with what it locks locked.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.errors import Conflict, InvalidInput
from core.i18n import lazy_gettext as _l


class Keyed(Protocol):
    """A mapped class with a unique column for the key."""

    operation_key: Any


Row = TypeVar("Row", bound=Keyed)


def check_key(key: str | None, longest: int) -> str | None:
    """An operation key; None for none. One that no page gives out is refused: cut, it would be somebody else's."""
    if key and len(key) > longest:
        raise InvalidInput(_l("The key of this sending has %(found)s characters; at most %(n)s are given out. Open the page anew and fill it again.",
                              found=len(key), n=longest), value=key[:40])
    return key or None


def made_before(session: Session, model: type[Row], operation_key: str | None, **belongs: Any) -> Row | None:
    """The row that this sending made already, or None.

    ``belongs`` are attributes that it must have, ``made_by=actor.user_id`` or ``entry_id=entry.id``: a key of somebody
    else's sending raises Conflict, one that no page gives out InvalidInput.
    """
    column: InstrumentedAttribute[str] = model.operation_key
    key = check_key(operation_key, column.type.length)
    found: Row | None = session.scalar(sa.select(model).where(column == key)) if key else None
    if found is not None and any(getattr(found, name) != value for name, value in belongs.items()):
        raise Conflict(_l("This sending belongs to something else. Open the page anew and fill it again."))
    return found
