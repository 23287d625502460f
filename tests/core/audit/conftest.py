"""Two engines with tables made from the models, without an app: what the log does is the session's own doing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from core import work
from core.auth.actor import Actor
from core.database import Session, db, derived, make_engine, metadata, section, writing
from core.keys import Keys
from tests.core.audit import models

KEYS = Keys.fresh()
CLERK = Actor(user_id=None, label="khalid", source="web", address="192.0.2.7")
TABLES = ("core_audit_event", "core_audit_block", "core_subject_key", "core_setting", *models.TABLES)


@dataclass(frozen=True)
class Log:
    """A database with an audit log; ``begin`` gives a session that may write."""

    engine: Engine

    def begin(self, actor: Actor | None = CLERK) -> Session:
        session = Session(db, bind=writing(self.engine))
        session.info.update(keys=KEYS, actor=actor, write=True, request="REF1")
        return session

    def add(self, *objects: Any) -> None:
        with self.begin() as session:
            session.add_all(objects)
            work.commit(session)

    def entries(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM core_audit_event ORDER BY id")

    def blocks(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM core_audit_block ORDER BY seq")

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.text(query)).mappings()]

    def tamper(self, *statements: str) -> None:
        """What somebody with the database in his hands does: guards off, change, guards on."""
        with section("tampering"), writing(self.engine).begin() as connection:
            for table in ("core_audit_event", "core_audit_block"):
                if connection.dialect.name == "sqlite":
                    for name in ("no_update", "no_delete", "no_replace"):
                        connection.exec_driver_sql(f"DROP TRIGGER {table}_{name}")
                else:
                    connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            for statement in statements:
                connection.execute(sa.text(statement))
            if connection.dialect.name == "postgresql":
                for table in ("core_audit_event", "core_audit_block"):
                    connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
            _ensure_own(connection)


@pytest.fixture(scope="session")
def log_engine(engine_name: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Engine]:
    if engine_name == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('audit') / 'log.sqlite3'}"
    else:
        url = _new_database(request.getfixturevalue("postgres"))
    engine = make_engine(url)
    with section("test set-up"), writing(engine).begin() as connection:
        metadata.create_all(connection, tables=[metadata.tables[name] for name in TABLES])
        _ensure_own(connection)
    yield engine
    engine.dispose()


def _new_database(server: str) -> str:
    name = f"diwan_log_{os.getpid()}"
    engine = sa.create_engine(sa.make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


def _ensure_own(connection: Any) -> None:
    dialect = connection.dialect.name
    for item in derived(dialect):
        if item.table in TABLES:
            on = "" if dialect == "sqlite" else f" ON {item.table}"
            if item.kind == "index":
                connection.exec_driver_sql(f"DROP INDEX IF EXISTS {item.name}")
            elif item.kind == "trigger":
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {item.name}{on}")
            for statement in item.statements(dialect):
                connection.exec_driver_sql(statement)


@pytest.fixture
def log(log_engine: Engine) -> Iterator[Log]:
    log = Log(log_engine)
    yield log
    _empty(log_engine)


def _empty(engine: Engine) -> None:
    with section("test tear-down"), writing(engine).begin() as connection:
        dialect = connection.dialect.name
        for table in ("core_audit_event", "core_audit_block"):
            if dialect == "sqlite":
                for name in ("no_update", "no_delete", "no_replace"):
                    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_{name}")
            else:
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        for name in reversed(TABLES):
            connection.exec_driver_sql(f"DELETE FROM {name}")
        if dialect == "postgresql":
            for table in ("core_audit_event", "core_audit_block"):
                connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
        _ensure_own(connection)

