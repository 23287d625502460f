"""Transactions of both kinds, the guard against unseen changes, the fair queue, derived objects."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, mapped_column

from core import database
from core.database import UtcDateTime, forget_owner, make_engine, metadata, owner_base, retire, section, writing
from core.errors import DiwanError, InvalidInput, Unavailable
from core.testing import new_database


@pytest.fixture
def engine(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    url = new_database(request.getfixturevalue("postgres")) if engine_name == "postgresql" else f"sqlite:///{tmp_path / 'x.sqlite3'}"
    engine = make_engine(url)
    with section("test"), writing(engine).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE note (id INTEGER PRIMARY KEY, n INTEGER)")
        connection.exec_driver_sql("INSERT INTO note VALUES (1, 0)")
    yield engine
    engine.dispose()


def test_read_transaction_cannot_change_data(engine: Engine) -> None:
    with section("test"), engine.connect() as connection, pytest.raises(DBAPIError):
        connection.exec_driver_sql("UPDATE note SET n = 1")


def test_connection_writes_again_after_it_read(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")

    with section("test"), writing(engine).begin() as connection:
        connection.exec_driver_sql("UPDATE note SET n = 5")

    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT n FROM note").scalar() == 5


def test_connection_in_use_when_its_engine_is_retired_closes_when_given_back(engine: Engine) -> None:
    closed = []
    event.listen(engine, "close", lambda dbapi, record: closed.append(dbapi))
    with engine.connect() as connection:
        used = connection.connection.dbapi_connection
        retire(engine)
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    assert closed[-1:] == [used]


@pytest.mark.parametrize("statement", [
    "UPDATE note SET n = 1", "  insert into note values (2, 2)", "DELETE FROM note", "WITH x AS (SELECT 1) UPDATE note SET n = 2",
])
def test_statement_outside_a_section_is_refused(engine: Engine, statement: str) -> None:
    with writing(engine).connect() as connection, pytest.raises(DiwanError, match="round the audit log"):
        connection.exec_driver_sql(statement)


def test_waiting_writers_are_served_one_after_the_other(engine: Engine) -> None:
    def add_one() -> None:
        with section("test"), writing(engine).begin() as connection:
            n = connection.exec_driver_sql("SELECT n FROM note" + (" FOR UPDATE" if engine.dialect.name == "postgresql" else "")).scalar()
            time.sleep(0.002)
            connection.exec_driver_sql(f"UPDATE note SET n = {n + 1}")

    threads = [threading.Thread(target=lambda: [add_one() for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT n FROM note").scalar() == 40


def test_hanging_writer_is_waited_for_only_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_TIMEOUT_SECONDS", 0.3)
    engine = make_engine(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    holder = writing(engine).connect()
    holder.exec_driver_sql("SELECT 1")

    with pytest.raises(Unavailable), writing(engine).connect() as second:
        second.exec_driver_sql("SELECT 1")

    holder.rollback()
    holder.close()
    with writing(engine).connect() as third:
        assert third.exec_driver_sql("SELECT 1").scalar() == 1
    engine.dispose()


def test_moment_without_time_zone_is_refused() -> None:
    dialect = sa.create_engine("sqlite://").dialect

    with pytest.raises(ValueError, match="naive"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), dialect)

    assert UtcDateTime().process_result_value(datetime(2026, 1, 1), dialect) == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("wrong", ["0550000001", "+0123456", "+96655000000123456", "+9665500abc", "+٩٦٦"])
def test_phone_column_takes_only_international_form(wrong: str) -> None:
    with pytest.raises(InvalidInput):
        database.Phone().process_bind_param(wrong, sa.create_engine("sqlite://").dialect)


def test_table_outside_its_owners_prefix_is_refused() -> None:
    base = owner_base("prefixtest")

    with pytest.raises(DiwanError, match="prefixtest_"):
        type("Wrong", (base,), {"__tablename__": "core_stolen", "__annotations__": {"id": Mapped[int]}, "id": mapped_column(primary_key=True)})

    forget_owner("prefixtest")


def test_forgotten_owner_leaves_no_table_behind() -> None:
    base = owner_base("gone")
    type("Thing", (base,), {"__tablename__": "gone_thing", "__annotations__": {"id": Mapped[int]}, "id": mapped_column(primary_key=True)})
    assert "gone_thing" in metadata.tables

    forget_owner("gone")

    assert "gone_thing" not in metadata.tables
