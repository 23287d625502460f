"""Lists that an association keeps itself, by which a plugin tells its records apart (causes, kinds of programmes).

A kind has a name in both languages and a code that stays; it is renamed or taken out of use, never deleted, so that records keep it.
``core.admin.kinds`` has the pages.
"""

from __future__ import annotations

from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.errors import InvalidInput, InvalidInputs
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l
from core.text import clean, fold

LONGEST_NAME = 200


class Kind:
    """The columns of such a list: ``class Cause(Kind, Base)``."""

    __tablename__: Any

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name_ar: Mapped[str] = mapped_column(sa.String(LONGEST_NAME))
    name_en: Mapped[str] = mapped_column(sa.String(LONGEST_NAME), default="")
    active: Mapped[bool] = mapped_column(default=True)

    @property
    def name(self) -> Bilingual:
        return Bilingual.of({"ar": self.name_ar, "en": self.name_en})


OfKind = TypeVar("OfKind", bound=Kind)


def save(session: Session, model: type[OfKind], row: OfKind | None, *, name_ar: str, name_en: str = "", active: bool = True, rule: str) -> OfKind:
    """Add a kind, rename it or take it out of use; the caller has authorised it. Raises InvalidInputs for a missing name or one that is taken."""
    names = _checked(session, model, row, name_ar, name_en or "", rule)
    if row is None:
        row = add(session, model, names["name_ar"], names["name_en"])
    row.name_ar, row.name_en, row.active = names["name_ar"], names["name_en"], bool(active)
    session.flush()
    return row


def add(session: Session, model: type[OfKind], name_ar: str, name_en: str = "") -> OfKind:
    """A new row with a code of its own; the caller has found no other of this name."""
    number = (session.scalar(sa.select(sa.func.max(model.id))) or 0) + 1
    row = model(code=f"{model.__tablename__.split('_', 1)[1]}_{number}", name_ar=name_ar, name_en=name_en, active=True)  # type: ignore[call-arg]
    session.add(row)
    session.flush()
    return row


def _checked(session: Session, model: type[OfKind], row: OfKind | None, name_ar: str, name_en: str, rule: str) -> dict[str, str]:
    names = {field: clean(text, field, longest=LONGEST_NAME) for field, text in (("name_ar", name_ar), ("name_en", name_en))}
    faults = [InvalidInput(_l("Write the name in Arabic."), field="name_ar", rule=rule)] if not names["name_ar"] else []
    taken = by_name(session, model)
    for field, name in names.items():
        other = taken.get(fold(name)) if name else None
        if other is not None and (row is None or other.id != row.id):
            faults.append(InvalidInput(_l("“%(name)s” is in the list already. Change that one, or write another name.", name=name), field=field, value=name,
                                       rule=rule))
    if faults:
        raise InvalidInputs(faults)
    return names


def by_name(session: Session, model: type[OfKind]) -> dict[str, OfKind]:
    """Each kind, in use or not, by its folded names and its code."""
    return {fold(text): one for one in session.scalars(sa.select(model).order_by(model.id)) for text in (one.name_ar, one.name_en, one.code) if text}
