"""The statistical report: filters, groupings, and only whom one may read (CUST-21)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.customers import entry
from core.customers.models import Customer, CustomerForm
from core.customers.reports import reports
from core.errors import InvalidInputs
from core.i18n import use_language
from core.organisation.models import Centre, City, Department
from core.reports import services
from core.testing import actor_with
from tests.core.customers.conftest import NOW, People

REPORT = reports()[0]
ALL = actor_with("customers.read", scopes={"customers": "all"})


@pytest.fixture
def register(session: Session, people: People, customer: Callable[..., Customer]) -> dict[str, Any]:
    """Two donors and a beneficiary in two cities, one of them in a centre."""
    jeddah, makkah = (session.query(City).filter_by(name_ar=name).first() or _city(session, name) for name in ("جدة", "مكة"))
    centre = Centre(name_ar="مركز الاختبار", city_id=jeddah.id)
    session.add(centre)
    session.flush()
    customer(name="عميل أول", mobile="0550000011", city_id=str(jeddah.id), centre_id=str(centre.id))
    customer(name="عميل ثان", mobile="0550000012", city_id=str(jeddah.id))
    customer(name="عميل ثالث", mobile="0550000013", customer_class="beneficiary", city_id=str(makkah.id))
    return {"jeddah": jeddah, "makkah": makkah, "centre": centre}


def _city(session: Session, name: str) -> City:
    city = City(name_ar=name, name_en={"جدة": "Jeddah", "مكة": "Makkah"}[name])
    session.add(city)
    session.flush()
    return city


def counted(session: Session, actor: Actor = ALL, now: datetime = NOW, **given: str) -> dict[str, int]:
    with use_language("en"):
        result = services.run(session, REPORT, given, actor=actor, now=now)
        return {str(name): count for name, count in result.rows}


def test_each_grouping(session: Session, register: Mapping[str, Any]) -> None:
    with use_language("en"):
        jeddah, makkah, centre = (str(register[name].name) for name in ("jeddah", "makkah", "centre"))

    assert list(counted(session).values()) == [2, 1]
    assert counted(session, by="city") == {jeddah: 2, makkah: 1}
    assert counted(session, by="centre") == {"Without a centre": 2, centre: 1}
    assert sum(counted(session, by="department").values()) == 3
    assert counted(session, by="month") == {"February 2026": 3}


def test_each_filter(session: Session, register: Mapping[str, Any]) -> None:
    def total(**given: str) -> int:
        return sum(counted(session, **given).values())

    assert total(**{"class": "donor"}) == 2
    assert total(city=str(register["makkah"].id)) == 1
    assert total(centre_id=str(register["centre"].id)) == 1
    assert (total(imported="yes"), total(imported="no")) == (0, 3)
    assert (total(from_on="2026-02-01", to_on="2026-02-01"), total(from_on="2026-02-02"), total(to_on="2026-01-31")) == (3, 0, 0)


def test_months_are_those_of_the_associations_clock_and_lack_none(session: Session, people: People, approved: Callable[..., CustomerForm]) -> None:
    for month, mobile in ((1, "0550000021"), (3, "0550000022")):
        late = datetime(2026, month, 31, 22, tzinfo=UTC)  # 01:00 of the following day in Makkah
        entry.enter(session, approved(name=f"عميل {month}", mobile=mobile), actor=people.officer.actor, now=late)

    assert counted(session, by="month") == {"February 2026": 1, "March 2026": 0, "April 2026": 1}


@pytest.mark.parametrize("given", [{"by": ""}, {"by": "colour"}, {"class": "ghost"}, {"city": "abc"}, {"city": "999999"}, {"from_on": "soon"},
                                   {"from_on": "2026-02-02", "to_on": "2026-02-01"}, {"imported": "maybe"}, {"centre_id": "0"}])
def test_wrong_parameters_are_refused(session: Session, given: dict[str, str]) -> None:
    with pytest.raises(InvalidInputs):
        services.run(session, REPORT, given, actor=ALL, now=NOW)


def test_somebody_of_a_department_counts_only_what_he_may_read(session: Session, register: Mapping[str, Any], customer: Callable[..., Customer]) -> None:
    other, own = (session.query(Department).filter_by(slug=slug).one() for slug in ("finance", "crm"))
    customer(name="عميل المالية", mobile="0550000031", department_id=str(other.id))
    bound = actor_with("customers.read", department_id=own.id)

    assert sum(counted(session).values()) == 4
    assert sum(counted(session, bound).values()) == 3


def test_figures_and_chart_tell_the_same(session: Session, register: Mapping[str, Any]) -> None:
    with use_language("en"):
        result = services.run(session, REPORT, {"by": "city", "class": "donor"}, actor=ALL, now=NOW)
        chart = result.charts[0]

        assert next((str(one.label), str(one.value), str(one.comparison)) for one in result.figures) == ("Customers", "2", "of 3 whom you may read")
        assert (chart.kind, [str(one) for one in chart.labels], list(chart.series[0].values)) == ("bars", [str(register["jeddah"].name)], [2])


def test_nothing_found_has_no_chart(session: Session) -> None:
    result = services.run(session, REPORT, {"from_on": "2020-01-01", "to_on": "2020-01-02"}, actor=ALL, now=NOW)

    assert (result.rows, result.charts, [one.value for one in result.figures]) == ([], (), [0])
