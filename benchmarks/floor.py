"""The floor: the least that reading a row, saving a row and answering a request cost here, without Diwan."""

from __future__ import annotations

import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.engine import make_url

from benchmarks.timing import sample

ROWS = 10_000


@dataclass(frozen=True)
class Floor:
    """Medians in milliseconds: one row by its key, one row committed durably, a bare Flask page, the copying of a row."""

    read_ms: float
    commit_ms: float
    page_ms: float
    copy_row_ms: float

    def line(self) -> str:
        return (f"floor: one row read {self.read_ms:.3f} ms · one row committed {self.commit_ms:.3f} ms · "
                f"bare page {self.page_ms:.3f} ms · one row copied out {self.copy_row_ms * 1000:.2f} µs")


def measure(database_url: str) -> Floor:
    """Take the floor of one engine on this machine, now."""
    read, commit, copy = _sqlite() if make_url(database_url).get_backend_name() == "sqlite" else _postgres(database_url)
    return Floor(read, commit, _page(), copy)


def _median(times: list[float]) -> float:
    return sorted(times)[len(times) // 2]


def _sqlite() -> tuple[float, float, float]:
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "floor.sqlite3", isolation_level=None)
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)", "BEGIN"):
            connection.execute(statement)
        connection.executemany("INSERT INTO t (name) VALUES (?)", [(f"name {number}",) for number in range(ROWS)])
        connection.execute("COMMIT")
        read = sample(lambda: connection.execute("SELECT * FROM t WHERE id = 5000").fetchone())
        commit = sample(lambda: connection.execute("INSERT INTO t (name) VALUES ('one more')"))
        copy = sample(lambda: connection.execute("SELECT * FROM t LIMIT 10000").fetchall())
        connection.close()
    return _median(read), _median(commit), _median(copy) / ROWS


def _postgres(url: str) -> tuple[float, float, float]:
    engine = sa.create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as pooled:
        raw = pooled.connection.driver_connection
        assert raw is not None
        raw.execute("CREATE TEMPORARY TABLE t (id serial PRIMARY KEY, name text)")
        raw.execute("CREATE TABLE IF NOT EXISTS bench_floor (id serial PRIMARY KEY, name text)")
        raw.execute(f"INSERT INTO t (name) SELECT 'name ' || g FROM generate_series(1, {ROWS}) g")
        read = sample(lambda: raw.execute("SELECT * FROM t WHERE id = 5000").fetchone())
        commit = sample(lambda: raw.execute("INSERT INTO bench_floor (name) VALUES ('one more')"))
        copy = sample(lambda: raw.execute("SELECT * FROM t").fetchall())
        raw.execute("DROP TABLE bench_floor")
    engine.dispose()
    return _median(read), _median(commit), _median(copy) / ROWS


def _page() -> float:
    app = Flask("floor")
    app.add_url_rule("/", "page", lambda: "<p>one row</p>")
    client = app.test_client()
    return _median(sample(lambda: client.get("/")))
