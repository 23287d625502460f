"""What a database keeps of rows that are gone, and how much of it can be cleared.

SQLite overwrites what it deletes (``secure_delete``), but its full-text index keeps old trigrams until it is optimised, a page that
was rebalanced keeps stale copies until the file is vacuumed, and the write-ahead log keeps former pages until it is truncated.
PostgreSQL's VACUUM frees the space of dead rows for others; their bytes may stand until it is used again, in the log (WAL) and in
base backups for as long as those are kept. That is the administrator's to set, and `diwan erase` says so.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from core.errors import DiwanError

VACUUMED_AT_ONCE = 512 * 1024 * 1024
"""A SQLite file up to this size is vacuumed after each erasure (a second or two); a larger one by `diwan erase --vacuum`."""
PATIENCE_SECONDS = 15


def scrub(database_url: str, tables: Iterable[str], *, vacuum: bool | None = None) -> None:
    """Clear what erased rows left in the database. Outside of any transaction; raises DiwanError where others hold it too long."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        _scrub_sqlite(Path(url.database or ""), vacuum)
    else:
        _scrub_postgres(url, tables)


def _scrub_sqlite(file: Path, vacuum: bool | None) -> None:
    with contextlib.closing(sqlite3.connect(file, timeout=PATIENCE_SECONDS, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        try:
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%USING fts5%'").fetchall():
                connection.execute(f"INSERT INTO {name}({name}) VALUES ('optimize')")  # noqa: S608 - a name of our own
            if vacuum if vacuum is not None else file.stat().st_size <= VACUUMED_AT_ONCE:
                connection.execute("VACUUM")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.OperationalError as exc:
            raise DiwanError(f"What was erased could not be cleared from {file.name} yet: {exc}. It is tried again.") from exc
    if busy:
        raise DiwanError(f"Somebody reads from {file.name} for longer than {PATIENCE_SECONDS} seconds, so its log could not be cut off. It is tried again.")


def _scrub_postgres(url: URL, tables: Iterable[str]) -> None:
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    try:
        with engine.connect() as connection:
            for name in sorted({name for name in tables if re.fullmatch(r"[a-z_]+", name)}):
                connection.exec_driver_sql(f'VACUUM "{name}"')
    finally:
        engine.dispose()
