"""Selects over the organisation that several pages and services use; they never write."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from core.i18n import Bilingual
from core.organisation.models import Branch, Centre, City, Department, Programme, with_region
from core.text import fold

MOST_CHOICES = 300
Row = TypeVar("Row")


def city_named(session: Session, name: str, region: str = "") -> list[City]:
    """Cities whose Arabic or English name is ``name`` after folding; a region narrows it. More than one: ask which."""
    query = select(City).where(City.name_key.contains(f"|{fold(name)}|", autoescape=True)).order_by(City.id)
    if fold(region):
        query = query.where(City.region_key.contains(f"|{fold(region)}|", autoescape=True))
    return list(session.scalars(query))


def find_cities(session: Session, text: str, *, limit: int = 20) -> list[City]:
    """Active cities whose name or region contains ``text`` after folding, for a choice while typing."""
    query = select(City).where(City.active).order_by(City.name_ar, City.id).limit(limit)
    if fold(text):
        query = query.where(or_(City.name_key.contains(fold(text), autoescape=True), City.region_key.contains(fold(text), autoescape=True)))
    return list(session.scalars(query))


def active_cities(session: Session, *, keep: int | None = None) -> list[City]:
    """Cities offered as choices, at most ``MOST_CHOICES``; ``keep`` is offered too although it is no longer active."""
    found = list(session.scalars(select(City).where(City.active).order_by(City.name_ar, City.id).limit(MOST_CHOICES)))
    return _with_kept(session, found, City, keep)


def active_centres(session: Session, *, keep: int | None = None) -> list[Centre]:
    found = list(session.scalars(select(Centre).where(Centre.active).order_by(Centre.name_ar, Centre.id).limit(MOST_CHOICES)))
    return _with_kept(session, found, Centre, keep)


def active_departments(session: Session, *, keep: int | None = None) -> list[Department]:
    found = list(session.scalars(select(Department).where(Department.active).order_by(Department.id)))
    return _with_kept(session, found, Department, keep)


def active_programmes(session: Session, *, keep: int | None = None) -> list[Programme]:
    found = list(session.scalars(select(Programme).where(Programme.active).order_by(Programme.name_ar, Programme.id)))
    return _with_kept(session, found, Programme, keep)


def choices(session: Session, model: type[City | Centre | Department | Programme]) -> list[tuple[str, Bilingual]]:
    """``(id, name)`` of what is in use, for the choices of a filter; a city with its region."""
    found = [(str(row[0]), Bilingual.of({"ar": row[1], "en": row[2]}), row[3:]) for row in session.execute(_choices(model))]
    return [(key, with_region(name, Bilingual.of({"ar": region[0], "en": region[1]})) if region else name) for key, name, region in found]


@cache
def _choices(model: type[Any]) -> Select[Any]:
    region = (City.region_ar, City.region_en) if model is City else ()
    order = (model.id,) if model is Department else (model.name_ar, model.id)
    return select(model.id, model.name_ar, model.name_en, *region).where(model.active).order_by(*order).limit(MOST_CHOICES)


def _with_kept(session: Session, found: list[Row], model: type[Row], keep: int | None) -> list[Row]:
    kept = session.get(model, keep) if keep else None
    return found if kept is None or kept in found else [kept, *found]


def department_by_slug(session: Session, slug: str) -> Department | None:
    return session.scalar(select(Department).where(Department.slug == slug))


def names_of(session: Session, model: type[City | Centre | Department | Branch], ids: Iterable[int | None]) -> dict[int, str]:
    """Names in the reader's language by id."""
    wanted = {one for one in ids if one is not None}
    if not wanted:
        return {}
    rows: list[Any] = list(session.scalars(select(model).where(model.id.in_(wanted))))
    return {row.id: str(row.name) for row in rows}
