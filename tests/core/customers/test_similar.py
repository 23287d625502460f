"""The register held against itself: the same rules as of a form being filled, crowds named, decisions remembered."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations

import pytest
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import work
from core.customers import pairs, queries, similar
from core.customers.models import Customer, CustomerDuplicate
from core.organisation import services as organisation
from core.organisation.models import City
from core.state import state
from core.testing import actor_with
from tests.core.customers.conftest import NOW, People

NAMES = ("أحمد بن سالم", "احمد سالم", "سعاد محمد", "سُعاد محمد", "شركة النور", "عبد الله علي", "عبدالله علي")
PHONES = tuple(f"055000000{n}" for n in range(4))


@pytest.fixture
def cities(session: Session) -> list[City]:
    boss = actor_with("organisation.manage")
    return [organisation.save_city(session, name_ar=name, actor=boss) for name in ("جدة الشرقية", "جدة الغربية")]


def stored(session: Session) -> dict[tuple[int, int], set[str]]:
    rows = session.scalars(select(CustomerDuplicate).where(CustomerDuplicate.other_id.is_not(None)).execution_options(populate_existing=True))
    return {(row.one_id, row.other_id or 0): set(similar.reasons_of(row.reasons)) for row in rows}


def search(session: Session) -> None:
    pairs.search_register(session, {}, NOW)
    work.begin_write(session)


def values(one: Customer) -> dict[str, str | None]:
    return {name: getattr(one, name) for name in ("name", "mobile", "phone", "email")}


@pytest.mark.parametrize("seed", [1, 2])
def test_register_is_searched_by_the_rules_of_filling(session: Session, customer: Callable[..., Customer], cities: list[City], seed: int) -> None:
    """Every pair is what filling the newer one today would have warned of; of names alone only where the city is the same too."""
    chance = random.Random(seed)
    made = [customer(name=chance.choice(NAMES), mobile=chance.choice((*PHONES, "")), phone=chance.choice((*PHONES, "", "")),
                     email=chance.choice(("a@example.com", "A@example.com", "")), city_id=chance.choice((str(cities[0].id), str(cities[1].id), "")))
            for _n in range(9)]
    search(session)

    expected: dict[tuple[int, int], set[str]] = {}
    for one, other in combinations(made, 2):
        warned = {found.customer_id: set(found.reasons) for found in queries.find_duplicates(session, [values(other)], limit=50)[0]}.get(one.id, set())
        if "name" in warned and (one.city_id is None or one.city_id != other.city_id):
            warned = warned - {"name"}
        if warned:
            expected[one.id, other.id] = warned
    assert expected
    found = stored(session)
    assert set(found) == set(expected)
    assert {key: codes - {"mobile", "phone"} for key, codes in found.items()} == {key: codes - {"mobile", "phone"} for key, codes in expected.items()}
    assert all(bool(found[key] & {"mobile", "phone"}) == bool(expected[key] & {"mobile", "phone"}) for key in found)


def test_crowd_is_named_and_not_paired(session: Session, customer: Callable[..., Customer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similar, "LARGEST_GROUP", 2)
    made = [customer(name=f"موظف {n}", phone="0112345678", mobile=f"055000001{n}") for n in range(3)]
    search(session)
    assert stored(session) == {}
    [crowd] = session.scalars(select(CustomerDuplicate))
    assert (crowd.one_id, crowd.size, crowd.reasons) == (made[0].id, 3, "|phone|")


def test_word_that_two_are_two_is_remembered_and_can_be_taken_back(session: Session, people: People, customer: Callable[..., Customer]) -> None:
    one, other = customer(name="شركة النور", mobile="0550000001"), customer(name="شركة الضياء", mobile="0550000001")
    search(session)
    assert stored(session) == {(one.id, other.id): {"mobile"}}
    decision = pairs.tell_apart(session, other, one, reason="زوجان برقم واحد", actor=people.employee.actor, now=NOW)
    assert pairs.tell_apart(session, one, other, reason="مرة أخرى", actor=people.employee.actor, now=NOW) is decision
    assert stored(session) == {}
    search(session)
    assert stored(session) == {}
    pairs.doubt_again(session, session.merge(decision), actor=people.employee.actor)
    search(session)
    assert stored(session) == {(one.id, other.id): {"mobile"}}


def test_search_is_bounded(session: Session, customer: Callable[..., Customer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similar, "MOST_PAIRS", 1)
    for n in range(4):
        customer(name=f"عميل {n}", mobile=f"055000000{n // 2}")
    assert not similar.look(session).whole


def test_search_is_offered_every_night_and_groups_in_the_database(session: Session, customer: Callable[..., Customer]) -> None:
    jobs = state().named("register_jobs")
    assert jobs[pairs.FIND].every == "day"
    for n in range(3):
        customer(name=f"عميل {n}", mobile=f"055000000{n}")
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    engine = session.connection()
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        similar.look(session)
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    assert len(statements) == 1 + 3, "where nothing is shared, one statement a family of rules, whatever the register's size"
