"""Rules of the organisation: names are complete, nothing used is deleted, presets only choose."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor, authorize
from core.catalogue_file import Catalogue
from core.database import OwnedBase, metadata
from core.errors import Conflict, InvalidInput, NotFound
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.organisation import queries
from core.organisation.models import Branch, Centre, City, Department, Programme
from core.text import check_plain, fold

CATALOGUE = Catalogue(__file__)
MANAGE = "organisation.manage"
MANUAL = "neighbourhood_centres"


# --- seeds and presets -----------------------------------------------------------------------------------------------


def presets() -> list[dict[str, Any]]:
    return list(CATALOGUE["presets"])


def preset(slug: str) -> dict[str, Any]:
    """One preset; NotFound names those there are."""
    for one in presets():
        if one["slug"] == slug:
            return one
    raise NotFound(_l("There is no preset “%(name)s”. There are: %(all)s.", name=slug, all=_(", ").join(one["slug"] for one in presets())))


def preset_plugins(slug: str) -> list[str]:
    """The plugins a preset chooses; those not installed are for the caller to skip and name."""
    return list(preset(slug)["plugins"])


def seed(session: Session) -> None:
    """The departments that the manual names (ORG-03); a second time adds nothing."""
    _add_departments(session, MANUAL)


def apply_preset(session: Session, slug: str) -> None:
    """What a preset chooses: country, currency and time zone, departments and cities. Nothing is hard-wired to it."""
    chosen = preset(slug)
    _add_departments(session, slug)
    for key, value in chosen["settings"].items():
        settings.put(session, key, value)
    for item in chosen["cities"]:
        if not queries.city_named(session, item["ar"], item["region_ar"]):
            session.add(_keyed(City(name_ar=item["ar"], name_en=item["en"], region_ar=item["region_ar"], region_en=item["region_en"], active=True)))
    session.flush()


def _add_departments(session: Session, slug: str) -> None:
    present = set(session.scalars(select(Department.slug)))
    for item in CATALOGUE["departments"]:
        if item["preset"] == slug and item["slug"] not in present:
            session.add(Department(slug=item["slug"], name_ar=item["ar"], name_en=item["en"], active=True))
    session.flush()


# --- changing --------------------------------------------------------------------------------------------------------


def save_city(
    session: Session, city: City | None = None, *, name_ar: str, name_en: str = "", region_ar: str = "", region_en: str = "",
    external_code: str | None = None, active: bool = True, actor: Actor,
) -> City:
    """Add a city, or change ``city``. One name may occur in several regions; name and region together are one city,
    unless two external codes say that they are two. Customers of a renamed city are found by its new name."""
    authorize(session, actor, MANAGE)
    values: dict[str, Any] = {
        "name_ar": _required(name_ar, "name_ar"), "name_en": _text(name_en, "name_en"), "region_ar": _text(region_ar, "region_ar"),
        "region_en": _text(region_en, "region_en"), "external_code": _text(external_code or "", "external_code") or None, "active": active,
    }
    _refuse_second_city(session, city, values)
    _refuse_taken(session, City, "external_code", values["external_code"], city)
    renamed = city is not None and (city.name_ar, city.name_en) != (values["name_ar"], values["name_en"])
    city = _keyed(_assign(session, City, city, values))
    session.flush()
    if renamed:
        _reindex(session, city_id=city.id)
    return city


def _keyed(city: City) -> City:
    city.name_key = f"|{fold(city.name_ar)}|{fold(city.name_en)}|"
    city.region_key = f"|{fold(city.region_ar)}|{fold(city.region_en)}|"
    return city


def _refuse_second_city(session: Session, city: City | None, values: dict[str, Any]) -> None:
    for other in queries.city_named(session, values["name_ar"], values["region_ar"]):
        told_apart = other.external_code and values["external_code"] and other.external_code != values["external_code"]
        if other is not city and not told_apart and fold(other.region_ar) == fold(values["region_ar"]):
            raise Conflict(_l("The city “%(name)s” is already there for this region. Change that one, or give each its own code.", name=other.name_ar),
                           field="name_ar", value=other.name_ar, rule="ORG-04")


def save_centre(
    session: Session, centre: Centre | None = None, *, city_id: int | None, name_ar: str, name_en: str = "", external_code: str | None = None,
    active: bool = True, actor: Actor,
) -> Centre:
    """Add or change a neighbourhood centre; it always lies in a city (ORG-04)."""
    authorize(session, actor, MANAGE)
    if city_id is None or session.get(City, city_id) is None:
        raise InvalidInput(_l("Choose the city of the centre."), field="city_id", value=city_id, rule="ORG-04")
    values: dict[str, Any] = {"city_id": city_id, "name_ar": _required(name_ar, "name_ar"), "name_en": _text(name_en, "name_en"),
              "external_code": _text(external_code or "", "external_code") or None, "active": active}
    for other in session.scalars(select(Centre).where(Centre.city_id == city_id)):
        if other is not centre and fold(other.name_ar) == fold(values["name_ar"]):
            raise Conflict(_l("This city already has a centre “%(name)s”.", name=other.name_ar), field="name_ar", value=name_ar, rule="ORG-04")
    _refuse_taken(session, Centre, "external_code", values["external_code"], centre)
    renamed = centre is not None and (centre.name_ar, centre.name_en) != (values["name_ar"], values["name_en"])
    centre = _assign(session, Centre, centre, values)
    session.flush()
    if renamed:
        _reindex(session, centre_id=centre.id)
    return centre


def save_branch(
    session: Session, branch: Branch | None = None, *, name_ar: str, name_en: str = "", city_id: int | None = None, active: bool = True, actor: Actor,
) -> Branch:
    authorize(session, actor, MANAGE)
    values = {"name_ar": _required(name_ar, "name_ar"), "name_en": _text(name_en, "name_en"), "city_id": city_id, "active": active}
    _refuse_taken(session, Branch, "name_ar", values["name_ar"], branch)
    branch = _assign(session, Branch, branch, values)
    session.flush()
    return branch


def save_department(
    session: Session, department: Department | None = None, *, slug: str, name_ar: str, name_en: str = "", active: bool = True, actor: Actor,
) -> Department:
    """Add or change a department (ORG-03). The slug is what roles and procedures refer to; it stays as it is."""
    authorize(session, actor, MANAGE)
    slug = department.slug if department else _slug(slug)
    values = {"slug": slug, "name_ar": _required(name_ar, "name_ar"), "name_en": _text(name_en, "name_en"), "active": active}
    _refuse_taken(session, Department, "slug", slug, department)
    department = _assign(session, Department, department, values)
    session.flush()
    return department


def save_programme(
    session: Session, programme: Programme | None = None, *, name_ar: str, name_en: str = "", code: str | None = None, centre_id: int | None = None,
    fund: str | None = None, active: bool = True, actor: Actor,
) -> Programme:
    """Add or change a programme or activity; without a centre it is of the whole association (ORG-04)."""
    authorize(session, actor, MANAGE)
    values = {"name_ar": _required(name_ar, "name_ar"), "name_en": _text(name_en, "name_en"), "code": _text(code or "", "code") or None,
              "centre_id": centre_id, "fund": _text(fund or "", "fund") or None, "active": active}
    _refuse_taken(session, Programme, "code", values["code"], programme)
    programme = _assign(session, Programme, programme, values)
    session.flush()
    return programme


def _assign(session: Session, model: type[Any], row: Any, values: dict[str, Any]) -> Any:
    if row is None:
        row = model(**values)
        session.add(row)
        return row
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
    return row


def _refuse_taken(session: Session, model: type[OwnedBase], column: str, value: Any, row: Any) -> None:
    if value is None:
        return
    other = session.scalar(select(model).where(getattr(model, column) == value))
    if other is not None and other is not row:
        raise Conflict(_l("“%(value)s” is already taken by another entry of this list.", value=value), field=column, value=value)


def _required(value: str, field: str) -> str:
    text = _text(value, field)
    if not text:
        raise InvalidInput(_l("The Arabic name is needed."), field=field, value=value)
    return text


def _text(value: str, field: str) -> str:
    text = check_plain(value or "", field=field).strip()
    if len(text) > 200:
        raise InvalidInput(_l("At most %(n)s characters.", n=200), field=field, value=value)
    return text


def _slug(value: str) -> str:
    slug = (value or "").strip().lower()
    if not slug.replace("_", "").isalnum() or not slug.isascii() or len(slug) > 60:
        raise InvalidInput(_l("The short name has small Latin letters, digits and underscores only, such as crm or quality."), field="slug", value=value)
    return slug


def _reindex(session: Session, *, city_id: int | None = None, centre_id: int | None = None) -> None:
    from core.customers import indexing  # organisation is below customers; only a rename looks up

    indexing.reindex(session, city_id=city_id, centre_id=centre_id)


# --- taking back an import --------------------------------------------------------------------------------------------


def refuse_used(session: Session, record: Any) -> None:
    """Raise Conflict when any row of any owner points at ``record``: what is used is not taken back."""
    own = record.__table__
    for table in metadata.tables.values():
        for column in table.columns:
            if any(key.column.table is own for key in column.foreign_keys) and session.scalar(select(column).where(column == record.id).limit(1)) is not None:
                raise Conflict(_l("“%(name)s” is in use meanwhile and cannot be taken back.", name=record.name), value=record.id)
