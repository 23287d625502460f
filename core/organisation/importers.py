"""Cities and centres from a file, as registers and spreadsheets write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.i18n import lazy_gettext as _l
from core.imports.offers import Context, Importer, ImportField, Line, Reason, Verdict
from core.imports.repeats import earlier_lines
from core.organisation import queries, services
from core.organisation.models import Centre, City
from core.text import fold

CITY_FIELDS = (
    ImportField("code", _l("Code"), help=_l("Tells two cities of one name apart."), longest=60),
    ImportField("name_ar", _l("Arabic name"), required=True, longest=200),
    ImportField("name_en", _l("English name"), longest=200),
    ImportField("region_ar", _l("Region in Arabic"), longest=200),
    ImportField("region_en", _l("Region in English"), longest=200),
)
CENTRE_FIELDS = (
    ImportField("code", _l("Code"), longest=60),
    ImportField("name_ar", _l("Arabic name"), required=True, longest=200),
    ImportField("name_en", _l("English name"), longest=200),
    ImportField("city", _l("City"), required=True, longest=200, help=_l("Its name or its code.")),
    ImportField("region", _l("Region"), longest=200, help=_l("Needed where two cities share the name.")),
)


def importers() -> list[Importer]:
    return [
        Importer("organisation.cities", _l("Cities"), services.MANAGE, CITY_FIELDS, check_cities, apply_cities, undo_cities, record_type="core_city"),
        Importer("organisation.centres", _l("Centres"), services.MANAGE, CENTRE_FIELDS, check_centres, apply_centres, undo_centres, record_type="core_centre"),
    ]


# --- cities ------------------------------------------------------------------------------------------------------------


def check_cities(session: Session, lines: Sequence[Line], context: Context) -> list[Verdict]:
    """A known code or a known name and region is the same city: nothing happens to it, or its other name is completed."""
    by_code = {city.external_code: city for city in session.scalars(select(City).where(City.external_code.in_([line.values.get("code") for line in lines])))}
    repeated = earlier_lines(session, lines, context, _city_key)
    return [_again(repeated[line.line_no]) if line.line_no in repeated else _judge_city(session, line, by_code) for line in lines]


def _city_key(values: Mapping[str, Any]) -> tuple[str, ...]:
    """A code names one city; without one, name and region do."""
    code = values.get("code")
    return ("code", str(code)) if code else ("name", fold(str(values.get("name_ar") or "")), fold(str(values.get("region_ar") or "")))


def _again(line_no: int) -> Verdict:
    return Verdict("duplicate", [Reason(None, _l("The same as in line %(line)s.", line=line_no))])


def _judge_city(session: Session, line: Line, by_code: dict[str | None, City]) -> Verdict:
    code = line.values.get("code")
    known = by_code.get(str(code)) if code else None
    if known is None:
        same = queries.city_named(session, line.values["name_ar"], line.values.get("region_ar", ""))
        told_apart = [city for city in same if not (code and city.external_code and city.external_code != str(code))]
        if len(told_apart) > 1:
            message = _l("There are several cities “%(name)s” in this region. Give the code.", name=line.values["name_ar"])
            return Verdict("refused", [Reason("name_ar", message)])
        known = told_apart[0] if told_apart else None
    if known is None:
        return Verdict("create")
    changes = any(line.values.get(key) and line.values[key] != getattr(known, key) for key in ("name_ar", "name_en", "region_ar", "region_en"))
    changes = changes or bool(code and not known.external_code)
    return Verdict("update" if changes else "duplicate", target_id=known.id)


def apply_cities(session: Session, lines: Sequence[Line], context: Context, *, actor: Actor, now: datetime) -> list[int | None]:
    """Save each city through the service."""
    return [_save_city(session, line, actor) for line in lines]


def _save_city(session: Session, line: Line, actor: Actor) -> int:
    city = session.get(City, line.target_id) if line.target_id else None
    values: dict[str, Any] = {
        key: str(line.values[key]) if line.values.get(key) else (getattr(city, key) if city else "")
        for key in ("name_ar", "name_en", "region_ar", "region_en")
    }
    code = str(line.values["code"]) if line.values.get("code") else (city.external_code if city else None)
    return services.save_city(session, city, **values, external_code=code, actor=actor).id


def undo_cities(session: Session, ids: Sequence[int], context: Context, *, actor: Actor, now: datetime) -> None:
    """Take cities out again while nothing names them."""
    for city_id in ids:
        city = session.get(City, city_id)
        if city is not None:
            services.refuse_used(session, city)
            session.delete(city)
    session.flush()


# --- centres -----------------------------------------------------------------------------------------------------------


def check_centres(session: Session, lines: Sequence[Line], context: Context) -> list[Verdict]:
    repeated = earlier_lines(session, lines, context, _centre_key)
    return [_again(repeated[line.line_no]) if line.line_no in repeated else _judge_centre(session, line) for line in lines]


def _centre_key(values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(fold(str(values.get(key) or "")) for key in ("name_ar", "city", "region"))


def _judge_centre(session: Session, line: Line) -> Verdict:
    cities = _cities_of(session, line)
    if len(cities) != 1:
        message = (_l("There is no city “%(name)s”. Take the cities in first.", name=line.values["city"]) if not cities
                   else _l("There are several cities “%(name)s”. Give the region or the code.", name=line.values["city"]))
        return Verdict("refused", [Reason("city", message)])
    for centre in session.scalars(select(Centre).where(Centre.city_id == cities[0].id)):
        if fold(centre.name_ar) == fold(str(line.values["name_ar"])):
            return Verdict("duplicate", target_id=centre.id)
    return Verdict("create")


def _cities_of(session: Session, line: Line) -> list[City]:
    city = str(line.values["city"])
    coded = session.scalar(select(City).where(City.external_code == city))
    return [coded] if coded is not None else list(queries.city_named(session, city, str(line.values.get("region") or "")))


def apply_centres(session: Session, lines: Sequence[Line], context: Context, *, actor: Actor, now: datetime) -> list[int | None]:
    return [services.save_centre(session, city_id=_cities_of(session, line)[0].id, name_ar=str(line.values["name_ar"]),
                                 name_en=str(line.values.get("name_en") or ""),
                                 external_code=str(line.values["code"]) if line.values.get("code") else None, actor=actor).id for line in lines]


def undo_centres(session: Session, ids: Sequence[int], context: Context, *, actor: Actor, now: datetime) -> None:
    for centre_id in ids:
        centre = session.get(Centre, centre_id)
        if centre is not None:
            services.refuse_used(session, centre)
            session.delete(centre)
    session.flush()


