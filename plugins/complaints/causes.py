"""The catalogue of causes: why people complain, as this association tells causes apart (CMPL-06)."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.auth.actor import Actor, authorize
from core.errors import InvalidInput, InvalidInputs
from core.i18n import lazy_gettext as _l
from core.text import clean, fold
from plugins.complaints.models import Cause

MANAGE = "complaints.manage"
LONGEST_NAME = 200


def save(session: Session, cause: Cause | None = None, *, name_ar: str, name_en: str = "", active: bool = True, actor: Actor, now: datetime) -> Cause:
    """Add a cause, rename it or take it out of use. Entries that name it keep it; its code, by which reports find it, stays."""
    authorize(session, actor, MANAGE, rule="CMPL-06")
    names = _checked(session, cause, name_ar, name_en or "")
    if cause is None:
        cause = add(session, names["name_ar"], names["name_en"])
    cause.name_ar, cause.name_en, cause.active = names["name_ar"], names["name_en"], bool(active)
    session.flush()
    return cause


def add(session: Session, name_ar: str, name_en: str = "") -> Cause:
    """A new row with a code of its own; the caller has authorised it and found no other of this name."""
    number = (session.scalar(sa.select(sa.func.max(Cause.id))) or 0) + 1
    cause = Cause(code=f"cause_{number}", name_ar=name_ar, name_en=name_en, active=True)
    session.add(cause)
    session.flush()
    return cause


def _checked(session: Session, cause: Cause | None, name_ar: str, name_en: str) -> dict[str, str]:
    names = {field: clean(text, field, longest=LONGEST_NAME) for field, text in (("name_ar", name_ar), ("name_en", name_en))}
    faults = [InvalidInput(_l("Write the name in Arabic."), field="name_ar", rule="CMPL-06")] if not names["name_ar"] else []
    taken = by_name(session)
    for field, name in names.items():
        other = taken.get(fold(name)) if name else None
        if other is not None and (cause is None or other.id != cause.id):
            faults.append(InvalidInput(_l("There is a cause “%(name)s” already.", name=name), field=field, value=name, rule="CMPL-06"))
    if faults:
        raise InvalidInputs(faults)
    return names


def by_name(session: Session) -> dict[str, Cause]:
    """Each cause, in use or not, by its folded names and its code."""
    return {fold(text): one for one in session.scalars(sa.select(Cause).order_by(Cause.id)) for text in (one.name_ar, one.name_en, one.code) if text}
