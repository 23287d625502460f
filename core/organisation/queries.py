"""Selects over the organisation that several pages and services use; they never write."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Select, literal, or_, select, union_all
from sqlalchemy.orm import Session

from core import work
from core.i18n import Bilingual
from core.organisation.models import Branch, Centre, City, Department, Programme, with_region
from core.text import fold

MOST_CHOICES = 300
CHOSEN: tuple[type[Any], ...] = (City, Centre, Department, Programme)
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
    """``(id, name)`` of what is in use, for the choices of a filter; a city with its region. One statement for all of them."""
    rows = work.read_once(session, "choices", lambda: _choices(session))[model.__tablename__]
    named = [(str(row.id), Bilingual.of({"ar": row.name_ar, "en": row.name_en}), row) for row in rows]
    if model is not City:
        return [(key, name) for key, name, _row in named]
    return [(key, with_region(name, Bilingual.of({"ar": row.region_ar, "en": row.region_en}))) for key, name, row in named]


def _choices(session: Session) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {model.__tablename__: [] for model in CHOSEN}
    for row in session.execute(_all_choices()):
        found[row.kind].append(row)
    return found


@cache
def _all_choices() -> Select[Any]:
    """Departments in the order of their making, all others by their Arabic name."""
    parts = []
    for model in CHOSEN:
        place: Any = literal("") if model is Department else model.name_ar
        region: Any = (City.region_ar, City.region_en) if model is City else (literal(""), literal(""))
        columns = (literal(model.__tablename__).label("kind"), place.label("place"), model.id, model.name_ar, model.name_en,
                   region[0].label("region_ar"), region[1].label("region_en"))
        one = select(*columns).where(model.active).order_by(place, model.id).limit(MOST_CHOICES).subquery()
        parts.append(select(one))
    every = union_all(*parts).subquery()
    return select(every).order_by(every.c.place, every.c.id)


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
