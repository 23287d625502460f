"""What the importer of customers decides of a line: places by name, former numbers, doubles (DESIGN 4)."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.customers import importers
from core.imports.offers import Context, Line, Verdict
from core.organisation import services as organisation
from core.organisation.models import Centre
from core.testing import actor_with

ANYBODY, BOSS = actor_with("customers.read"), actor_with(organisation.MANAGE)


def check(session: Session, *rows: dict[str, Any], **options: str) -> list[Verdict]:
    lines = [Line(number, {"customer_class": "donor", **row}) for number, row in enumerate(rows, 2)]
    return list(importers.check(session, lines, Context(1, ANYBODY, options, "file.csv")))


@pytest.fixture
def places(session: Session) -> Session:
    """One name of a city in two regions, and one name of a centre in two cities."""
    for region in ("حائل", "القصيم"):
        organisation.save_city(session, name_ar="الروضة", region_ar=region, actor=BOSS)
    for name in ("جدة", "مكة"):
        city = organisation.save_city(session, name_ar=name, actor=BOSS)
        organisation.save_centre(session, city_id=city.id, name_ar="مركز حي النسيم", actor=BOSS)
    return session


@pytest.mark.parametrize(("row", "refused"), [
    ({"city": "جده", "centre": "مركز حي النسيم"}, None),
    ({"city": "الروضه"}, "city"),
    ({"city": "لا مدينة"}, "city"),
    ({"centre": "مركز حي النسيم"}, "centre"),
])
def test_a_place_is_taken_where_its_name_says_one_only(places: Session, row: dict[str, Any], refused: str | None) -> None:
    verdict = check(places, {"name": "أحمد", **row})[0]

    assert verdict.outcome == ("refused" if refused else "create")
    assert [one.field for one in verdict.reasons] == ([refused] if refused else [])


def test_places_of_a_block_are_looked_up_once(places: Session) -> None:
    counted: list[str] = []
    sa.event.listen(places.connection(), "before_cursor_execute", lambda _c, _k, text, *_rest: counted.append(text))

    check(places, *({"name": f"شخص {number}", "city": "جدة", "centre": "مركز حي النسيم"} for number in range(20)))

    assert sum("FROM core_city" in one for one in counted) == 1
    assert sum(f"FROM {Centre.__tablename__}" in one for one in counted) == 1


def test_a_former_number_that_stands_twice_is_one_person(session: Session) -> None:
    first, other, again = check(session, {"name": "مؤسسة", "reference": "R1"}, {"name": "مؤسسة", "reference": "R2"}, {"name": "المؤسسة", "reference": "R1"})

    assert (first.outcome, other.outcome, again.outcome) == ("create", "create", "duplicate")
    assert again.reasons[0].field == "reference"


def test_the_same_phone_is_the_same_person_and_the_same_name_only_unless_said(session: Session) -> None:
    mobile = "+966550000001"
    rows: list[dict[str, Any]] = [{"name": "أحمد", "mobile": mobile}, {"name": "احمد علي", "mobile": mobile}, {"name": "سعد"}, {"name": "سعد"}]

    assert [one.outcome for one in check(session, *rows)] == ["create", "duplicate", "create", "duplicate"]
    session.info.pop("imports.earlier")
    assert [one.outcome for one in check(session, *rows, same_name="create")] == ["create", "duplicate", "create", "create"]
