"""A PostgreSQL server with ordinary durable settings, whose data is kept below the benchmark's home from run to run.

``DIWAN_TEST_POSTGRES`` names another server instead. The tests' own server is no stand-in: it does not wait for the disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import postgres

SETTINGS = ("listen_addresses=", "max_connections=100", "shared_buffers=256MB", "work_mem=16MB", "maintenance_work_mem=128MB", "max_wal_size=4GB")
LONGEST_FOLDER = 85
"""The socket lies in the folder, and a socket's path has at most 107 characters."""


@contextmanager
def server(home: Path) -> Iterator[str | None]:
    """The address of a server for this block; None where PostgreSQL is not installed."""
    if given := os.environ.get(postgres.GIVEN):
        yield given
        return
    if postgres.binaries() is None:
        yield None
        return
    folder = home / "postgresql"
    if len(str(folder)) > LONGEST_FOLDER:
        raise SystemExit(f"--home {home} has {len(str(home))} characters; PostgreSQL's socket in it needs at most {LONGEST_FOLDER - 11}.")
    _made(folder)
    if not _running(folder):
        _start(folder)
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        postgres.command([_pg_ctl(), "-D", f"{folder}/c", "-m", "fast", "-s", "-w", "stop"], folder)


def _made(folder: Path) -> None:
    """The cluster's files, once; PostgreSQL refuses root, so they may belong to another account, which has to get there."""
    if (folder / "c" / "PG_VERSION").is_file():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    account = postgres.server_account()
    if account is not None:
        os.chown(folder, *account)
        closed = next((one for one in folder.parents if not one.stat().st_mode & 0o001), None)
        if closed is not None:
            raise SystemExit(f"PostgreSQL runs as another account here and cannot enter {closed}; choose another --home, or chmod o+x it.")
    postgres.command([str(postgres.program("initdb")), "-D", f"{folder}/c", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"], folder)


def _running(folder: Path) -> bool:
    try:
        postgres.command([_pg_ctl(), "-D", f"{folder}/c", "status"], folder)
    except RuntimeError:
        return False
    return True


def _start(folder: Path) -> None:
    options = " ".join(f"-c {setting}" for setting in SETTINGS)
    postgres.command([_pg_ctl(), "-D", f"{folder}/c", "-w", "-s", "-l", f"{folder}/log", "-o", f"{options} -k {folder}", "start"], folder)


def _pg_ctl() -> str:
    return str(postgres.program("pg_ctl"))
