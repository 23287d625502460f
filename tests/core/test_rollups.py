"""Roll-ups say at every moment what their rows say, whoever writes; a sum by hand beside them (performance goal: reports over all time)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from sqlalchemy.engine import Connection, Engine, NestedTransaction
from sqlalchemy.orm import Session

from core import doctor, rollups, schema
from core.customers.models import Customer
from core.database import existing_objects, make_engine, metadata, section, writing
from core.errors import DiwanError
from core.finance.models import RECEIVED, RECEIVED_OF_PLEDGES, Contribution, Pledge
from core.organisation.models import Programme
from core.plugins.discovery import installed_plugins
from core.reports import services as reports
from core.rollups import COUNT, Rollup, compact, mend, rollup, totals, unequal
from core.settings import Association, Deployment
from core.testing import new_association
from tests.core.customers.conftest import approved, customer, fill, people  # noqa: F401

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)
TABLE = Contribution.__table__
EDGES = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 15), date(2026, 1, 16), date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28)]
DAYS = st.sampled_from(EDGES)
ROWS = st.fixed_dictionaries({"received_on": DAYS, "programme": st.sampled_from([None, 0, 1]), "pledge": st.sampled_from([None, None, 0, 1]),
                              "currency": st.sampled_from(["SAR", "KWD"]), "amount_minor": st.integers(-3, 10**13).filter(bool)})
ACTS = st.one_of(st.tuples(st.just("add"), st.lists(ROWS, min_size=1, max_size=4)), st.tuples(st.just("change"), st.integers(0, 5), ROWS),
                 st.tuples(st.just("all"), st.sampled_from(["received_on", "amount_minor", "memo"]), ROWS), st.tuples(st.just("take"), st.integers(0, 5)),
                 st.tuples(st.just("replace"), st.integers(0, 5), ROWS), st.tuples(st.just("back"),), st.tuples(st.just("keep"),),
                 st.tuples(st.just("compact"),), st.tuples(st.just("clear"),))


@pytest.fixture
def links(session: Session, customer: Callable[..., Customer]) -> dict[str, Any]:  # noqa: F811
    """A donor, two programmes and two pledges, by their keys."""
    donor = customer()
    programmes = [Programme(name_ar=f"برنامج {place}", name_en=f"Programme {place}") for place in range(2)]
    session.add_all(programmes)
    pledges = [Pledge(customer_id=donor.id, subject_id=donor.subject_id, amount_minor=100, currency="SAR", reference=f"rolled-{place}",
                      promised_on=date(2026, 1, 1), recorded_at=NOW) for place in range(2)]
    session.add_all(pledges)
    session.flush()
    return {"donor": donor.id, "programmes": [one.id for one in programmes], "pledges": [one.id for one in pledges]}


class Writer:
    """Writes contributions by SQL, and keeps the same rows in a dictionary: by key (month, programme, currency, pledge, amount)."""

    def __init__(self, session: Session, links: dict[str, Any]) -> None:
        self.connection, self.links, self.rows = session.connection(), links, dict[int, dict[str, Any]]()
        self.sqlite = self.connection.dialect.name == "sqlite"
        self.numbers = iter(range(10**6, 10**7))

    def full(self, row: dict[str, Any], key: int) -> dict[str, Any]:
        place = {name: None if row[name] is None else self.links[f"{name}s"][row[name]] for name in ("programme", "pledge")}
        return {"id": key, "customer_id": self.links["donor"], "subject_id": "x", "reference": f"rolled {key}", "method": "cash", "source": "manual",
                "imported": False, "recorded_at": NOW, "received_on": row["received_on"], "currency": row["currency"],
                "amount_minor": row["amount_minor"], "programme_id": place["programme"], "pledge_id": place["pledge"]}

    def add(self, rows: list[dict[str, Any]]) -> None:
        made = [self.full(row, next(self.numbers)) for row in rows]
        self.connection.execute(sa.insert(TABLE), made)
        self.rows |= {one["id"]: one for one in made}

    def change(self, place: int, row: dict[str, Any]) -> None:
        if (key := self._at(place)) is not None:
            self.rows[key] = self.full(row, key)
            self.connection.execute(sa.update(TABLE).where(TABLE.c.id == key).values(self.rows[key]))

    def all(self, name: str, row: dict[str, Any]) -> None:
        value = "x" if name == "memo" else row[name]
        self.connection.execute(sa.update(TABLE).where(TABLE.c.id.in_(self.rows)).values({name: value}))
        self.rows = {key: {**one, name: value} for key, one in self.rows.items()}

    def take(self, place: int) -> None:
        if (key := self._at(place)) is not None:
            del self.rows[key]
            self.connection.execute(sa.delete(TABLE).where(TABLE.c.id == key))

    def replace(self, place: int, row: dict[str, Any]) -> None:
        """SQLite's way to put a row in another's place, by the same key or by the same reference."""
        if self.sqlite and (key := self._at(place)) is not None:
            new = {**self.full(row, next(self.numbers)), "reference": self.rows.pop(key)["reference"]}
            self.connection.execute(sa.insert(TABLE).prefix_with("OR REPLACE"), new)
            self.rows[new["id"]] = new

    def clear(self) -> None:
        self.connection.execute(sa.delete(TABLE).where(TABLE.c.id.in_(self.rows)))
        self.rows = {}

    def compact(self) -> None:
        compact(self.connection)

    def _at(self, place: int) -> int | None:
        return sorted(self.rows)[place % len(self.rows)] if self.rows else None

    def summed(self, *names: str, needs: str = "id") -> dict[tuple[Any, ...], tuple[int, int]]:
        found: dict[tuple[Any, ...], tuple[int, int]] = {}
        for one in self.rows.values():
            if one[needs] is not None:
                key = tuple(one[name] for name in names)
                count, amount = found.get(key, (0, 0))
                found[key] = (count + 1, amount + one["amount_minor"])
        return found


@contextmanager
def taken_back(session: Session) -> Iterator[list[NestedTransaction]]:
    """A block that leaves nothing behind, whatever came of it; the savepoints that are open in it, the newest last."""
    savepoints = [session.connection().begin_nested()]
    try:
        with section("test"):
            yield savepoints
    finally:
        for one in reversed(savepoints):
            one.rollback()


def read(session: Session, one: Rollup, *names: str, **more: Any) -> dict[tuple[Any, ...], tuple[int, int]]:
    return {tuple(row[:-2]): (row[-2], row[-1]) for row in session.execute(totals(one, by=names, **more))}


@given(acts=st.lists(ACTS, max_size=14))
@hypothesis(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sums_are_those_of_the_rows_after_anything(session: Session, links: dict[str, Any], acts: list[tuple[Any, ...]]) -> None:
    with taken_back(session) as savepoints:
        writer = Writer(session, links)
        kept = [dict(writer.rows)]
        for name, *arguments in acts:
            if name in ("keep", "back"):
                if name == "back":
                    savepoints.pop().rollback()
                    writer.rows = kept.pop()
                kept.append(dict(writer.rows))
                savepoints.append(session.connection().begin_nested())
            else:
                getattr(writer, name)(*arguments)

        assert read(session, RECEIVED, "programme_id", "currency") == writer.summed("programme_id", "currency")
        assert read(session, RECEIVED_OF_PLEDGES, "pledge_id") == writer.summed("pledge_id", needs="pledge_id")
        assert [unequal(session.connection(), one) for one in rollups.rollups(session.connection())] == [0] * len(rollups.rollups(session.connection()))


@given(rows=st.lists(ROWS, max_size=8), since=st.none() | DAYS, until=st.none() | DAYS)
@hypothesis(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_period_is_that_of_its_rows(session: Session, links: dict[str, Any], rows: list[dict[str, Any]], since: date | None, until: date | None) -> None:
    with taken_back(session):
        writer = Writer(session, links)
        if rows:
            writer.add(rows)

        found = read(session, RECEIVED, "currency", periods=[(since, until), (None, None)])

        inside = [one for one in writer.rows.values() if (since is None or one["received_on"] >= since) and (until is None or one["received_on"] < until)]
        assert found == {(place, currency): (count, sum(one["amount_minor"] for one in of if one["currency"] == currency))
                         for place, of in enumerate((inside, list(writer.rows.values()))) for currency, count in Counter(one["currency"] for one in of).items()}
        assert found == read(session, RECEIVED, "currency", periods=[(since, until), (None, None)], raw=True)


def test_whole_months_are_read_from_the_rollup_and_the_rest_from_rows(session: Session, links: dict[str, Any]) -> None:
    with section("test"):
        Writer(session, links).add([{"received_on": day, "programme": 0, "pledge": None, "currency": "SAR", "amount_minor": 1} for day in EDGES])
        session.execute(sa.update(RECEIVED.table).values(amount_minor=RECEIVED.table.c.amount_minor + 1000))

    def sums(since: date, until: date) -> int:
        return sum(amount for _count, amount in read(session, RECEIVED, periods=[(since, until)]).values())

    assert sums(date(2026, 1, 1), date(2026, 2, 1)) == 4 + 1000 * len(_rows_of(session, date(2026, 1, 1)))
    assert sums(date(2026, 1, 16), date(2026, 1, 31)) == 1


def _rows_of(session: Session, month: date) -> list[Any]:
    return list(session.execute(sa.select(RECEIVED.table.c.id).where(RECEIVED.table.c.month == month)))


def test_compacting_leaves_one_row_a_group_and_none_of_an_empty_one(session: Session, links: dict[str, Any]) -> None:
    writer = Writer(session, links)
    row = {"received_on": EDGES[0], "programme": None, "pledge": 1, "currency": "SAR", "amount_minor": 7}
    with section("test"):
        for place in range(5):
            writer.add([row, {**row, "currency": "KWD"}])
            writer.take(2 * place + 1)
        writer.change(0, {**row, "received_on": EDGES[1]})
    before = read(session, RECEIVED, "currency")

    reports.compact_rollups(session, {}, NOW)

    assert read(session, RECEIVED, "currency") == before == writer.summed("currency")
    kept = session.execute(sa.select(RECEIVED.table.c.month, RECEIVED.table.c.programme_id, RECEIVED.table.c.currency, RECEIVED.table.c[COUNT])).all()
    assert len(kept) == len({one[:3] for one in kept}) and all(one[3] for one in kept)
    assert len(session.execute(sa.select(RECEIVED_OF_PLEDGES.table)).all()) == 1
    assert compact(session.connection()) == 0


def test_what_somebody_did_to_a_rollup_is_seen_and_mended(session: Session, links: dict[str, Any]) -> None:
    writer = Writer(session, links)
    connection = session.connection()
    with section("test"):
        writer.add([{"received_on": day, "programme": 0, "pledge": 0, "currency": "SAR", "amount_minor": 5} for day in EDGES])
        session.execute(sa.delete(RECEIVED.table).where(RECEIVED.table.c.month == date(2026, 1, 1)))
        session.execute(sa.update(RECEIVED.table).where(RECEIVED.table.c.month == date(2026, 2, 1)).values(amount_minor=1))
        session.execute(sa.insert(RECEIVED.table).values(month=date(2020, 1, 1), currency="USD", row_count=3, amount_minor=9))

    assert unequal(connection, RECEIVED) == 3 and unequal(connection, RECEIVED_OF_PLEDGES) == 0
    assert mend(connection, RECEIVED) == 3
    assert mend(connection, RECEIVED) == 0 == unequal(connection, RECEIVED)
    assert read(session, RECEIVED, "programme_id", "currency") == writer.summed("programme_id", "currency")


def test_a_rollup_sums_whole_numbers_under_its_owners_name() -> None:
    with pytest.raises(DiwanError, match="core_contribution, which are no whole numbers"):
        rollup("core_wrong", Contribution, by=("currency",), sums=("reference",))
    with pytest.raises(DiwanError, match="name it after its owner, 'core_…'"):
        rollup("other_month", Contribution, by=("currency",))
    assert not {"core_wrong", "other_month"} & set(metadata.tables)


# --- an association of its own ------------------------------------------------------------------------------------------


@pytest.fixture
def own(engine_name: str, deployment: Deployment, request: pytest.FixtureRequest) -> Iterator[tuple[Association, Engine]]:
    """An association to migrate back and forth."""
    server = request.getfixturevalue("postgres") if engine_name == "postgresql" else None
    association = new_association(deployment, f"rolled-{engine_name}-{request.node.name[:12].replace('_', '-')}", postgres=server)
    engine = make_engine(association.database_url, pool_size=1)
    yield association, engine
    engine.dispose()


CALL = sa.text("INSERT INTO callcenter_call (direction, started_at, duration_seconds, talk_seconds, answered, source, legs, recorded_at)"
               " VALUES ('in', :at, 60, :seconds, :answered, 'staff', 0, :at)")


def write_calls(connection: Connection) -> None:
    with section("test"):
        connection.execute(CALL, [{"at": f"2026-01-{day:02} 20:59:59.000000", "seconds": day, "answered": day > 1} for day in (1, 1, 2, 3)])


def test_an_upgrade_fills_them_from_rows_that_are_there(own: tuple[Association, Engine], deployment: Deployment) -> None:
    _association, engine = own
    catalogue = installed_plugins(deployment.plugin_path)
    owner = next(one for one in schema.owners(catalogue) if one.name == "callcenter")
    schema.downgrade(engine, owner, "0002_callcenter_campaigns")
    with writing(engine).begin() as connection:
        assert "callcenter_call_day" not in existing_objects(connection)
        write_calls(connection)

    schema.upgrade(engine, catalogue)

    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT day, answered, sum(row_count), sum(talk_seconds) FROM callcenter_call_day GROUP BY 1, 2 ORDER BY 1").all()
        assert [(str(day), bool(answered), int(count), int(seconds)) for day, answered, count, seconds in kept] == [
            ("2026-01-01", False, 2, 2), ("2026-01-02", True, 1, 2), ("2026-01-03", True, 1, 3)]
        assert [unequal(connection, one) for one in rollups.rollups(connection)] == [0] * len(rollups.rollups(connection))
    with writing(engine).begin() as connection:
        write_calls(connection)
        assert not [one.name for one in rollups.rollups(connection) if unequal(connection, one)]


def test_doctor_names_the_rollup_that_differs_and_an_upgrade_mends_it(own: tuple[Association, Engine], deployment: Deployment) -> None:
    association, engine = own
    patient = doctor.Patient(association, deployment, NOW)
    with writing(engine).begin() as connection:
        write_calls(connection)
        assert doctor.check_rollups(doctor.replace(patient, connection=connection))[0].state == "ok"
        with section("test"):
            connection.exec_driver_sql("DELETE FROM callcenter_call_day WHERE talk_seconds = 3")

    with engine.connect() as connection:
        (found,) = doctor.check_rollups(doctor.replace(patient, connection=connection))
    assert found.grave and "'callcenter_call_day' differs from 'callcenter_call' in 1 groups" in found.text
    assert f"diwan db upgrade --association {association.slug}" in found.remedy

    schema.upgrade(engine, installed_plugins(deployment.plugin_path))
    with engine.connect() as connection:
        assert doctor.check_rollups(doctor.replace(patient, connection=connection))[0].state == "ok"


def test_a_sum_that_an_upgrade_adds_is_filled_too(own: tuple[Association, Engine], deployment: Deployment) -> None:
    _association, engine = own
    catalogue = installed_plugins(deployment.plugin_path)
    owner = next(one for one in schema.owners(catalogue) if one.name == "callcenter")
    schema.downgrade(engine, owner, "0004_callcenter_found")
    with writing(engine).begin() as connection, section("test"):
        connection.execute(CALL, [{"at": f"2026-01-0{day} 09:00:00.000000", "seconds": seconds, "answered": answered}
                                  for day, seconds, answered in ((1, 0, True), (1, 7, True), (2, 0, False))])

    schema.upgrade(engine, catalogue)

    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT sum(row_count), sum(talk_seconds), sum(untimed) FROM callcenter_call_day").one()
        assert [int(one) for one in kept] == [3, 7, 1]
        assert [unequal(connection, one) for one in rollups.rollups(connection)] == [0] * len(rollups.rollups(connection))
