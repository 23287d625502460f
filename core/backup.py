"""`diwan backup` and `diwan keys backup`: one association in one file, and its keys in another.

A backup is a zip of the database as it was at one moment, the attached files, and ``manifest.json`` with revisions, row
counts, counters, the end of the audit chain, and the SHA-256 of every part. It holds no keys and no password: who finds it
can read no personal value of the log, and what was erased stays erased. It is made while people work, written under
another name and renamed when it is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url

from core import work
from core.errors import DiwanError
from core.keys import NAMES, load_keys
from core.plugins.manifest import CORE_VERSION
from core.settings import Association

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. ``parts`` maps each other name in the archive to its SHA-256 (hex)."""

    slug: str
    name: dict[str, str]
    engine: str
    made_at: str
    hosts: list[str] = field(default_factory=list)
    demo: bool = False
    program: str = CORE_VERSION
    format: int = FORMAT
    reason: str = ""
    key: str = ""
    """Fingerprint of the audit key that the log was written with."""
    revisions: dict[str, str] = field(default_factory=dict)
    plugins: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    audit: dict[str, Any] | None = None
    """The end of the audit chain (``seq``, ``entries``, ``code``), or None where nothing was logged yet."""
    parts: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> str:
        return DATABASE[self.engine]


# --- making one -------------------------------------------------------------------------------------------------------


def make_backup(association: Association, *, now: datetime, folder: Path | None = None, reason: str = "") -> Path:
    """Back up one association into ``folder`` (its own ``backups`` by default); returns the file, whole and read back.

    Raises DiwanError naming what is missing (disk space, pg_dump, the database); nothing half is left behind.
    """
    folder = folder or association.backups_folder
    if folder.exists() and not folder.is_dir():
        raise DiwanError(f"{folder} is a file. Name a folder for the backup; nothing was written.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_space(association, folder)
    name = f"{association.slug}-{now:%Y%m%dT%H%M%SZ}{f'-{reason}' if reason else ''}.zip"
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder) as making:
        made = Path(making) / name
        try:
            _write_archive(association, made, Path(making), now, reason)
            read_archive(made)
        except OSError as exc:
            raise DiwanError(f"The backup could not be written to {folder}: {exc.strerror or exc}. Nothing was changed.") from exc
        made.replace(folder / name)
    return folder / name


def backup_before_upgrade(association: Association) -> Path | None:
    """The backup that every upgrade takes first; None where there is no database yet."""
    url = make_url(association.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return None
    return make_backup(association, now=work.now(), reason="before-upgrade")


def newest(association: Association) -> Path | None:
    """The last backup of an association, by the time it was written."""
    folder = association.backups_folder
    files = folder.glob("*.zip") if folder.is_dir() else ()
    return max(files, key=lambda file: file.stat().st_mtime, default=None)


def prune(folder: Path, slug: str, keep: int) -> list[Path]:
    """Remove all but the newest ``keep`` backups of an association (0: none); those taken for a reason stay. Returns what went."""
    named = re.compile(rf"{re.escape(slug)}-\d{{8}}T\d{{6}}Z\.zip")
    nightly = sorted(file for file in folder.glob("*.zip") if named.fullmatch(file.name))
    old = nightly[:-keep] if keep > 0 else []
    for file in old:
        file.unlink()
    return old


def check_space(association: Association, folder: Path) -> None:
    """Refuse before writing when the copy would not fit beside the data."""
    url = make_url(association.database_url)
    source = Path(url.database or "")
    database = source.stat().st_size if url.get_backend_name() == "sqlite" and source.is_file() else 0
    files = sum(path.stat().st_size for path in association.files_folder.rglob("*") if path.is_file())
    needed, free = 2 * database + files, shutil.disk_usage(folder).free
    if free < needed + CHUNK:
        raise DiwanError(f"A backup needs up to {needed / 1024**2:.0f} MiB, {folder} has {free / 1024**2:.0f} MiB."
                         " Free some space or name another folder with --to.")


def _write_archive(association: Association, made: Path, making: Path, now: datetime, reason: str) -> None:
    parts: dict[str, str] = {}
    with snapshot(association, making) as (database, connection):
        facts = describe(connection)
    with _create(made) as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        engine = make_url(association.database_url).get_backend_name()
        parts[DATABASE[engine]] = _add(archive, DATABASE[engine], database)
        for path in sorted(association.files_folder.rglob("*")):
            if path.is_file() and not path.name.endswith(".part"):
                part = f"files/{path.relative_to(association.files_folder).as_posix()}"
                parts[part] = _add(archive, part, path)
        key = fingerprint(load_keys(association.keys_folder).audit)
        manifest = Manifest(association.slug, asdict(association.name), engine, now.isoformat(), list(association.hosts), association.demo,
                            reason=reason, key=key, parts=parts, **facts)
        archive.writestr(MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=1, sort_keys=True))


@contextmanager
def _create(file: Path) -> Iterator[IO[bytes]]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w+b") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


def _add(archive: zipfile.ZipFile, name: str, source: Path) -> str:
    """Copy a file in by pieces; returns its SHA-256."""
    digest = hashlib.sha256()
    with source.open("rb") as data, archive.open(name, "w", force_zip64=True) as out:
        while piece := data.read(CHUNK):
            digest.update(piece)
            out.write(piece)
    return digest.hexdigest()


# --- the database at one moment ---------------------------------------------------------------------------------------


@contextmanager
def snapshot(association: Association, folder: Path) -> Iterator[tuple[Path, Connection]]:
    """A copy of the database in ``folder``, and a connection that sees exactly what the copy holds."""
    url = make_url(association.database_url)
    making = _sqlite_snapshot if url.get_backend_name() == "sqlite" else _postgres_snapshot
    with making(url, folder) as found:
        yield found


@contextmanager
def _sqlite_snapshot(url: URL, folder: Path) -> Iterator[tuple[Path, Connection]]:
    source, copy = Path(url.database or ""), folder / DATABASE["sqlite"]
    if not source.is_file():
        raise DiwanError(f"There is no database at {source}.")
    live = sqlite3.connect(source, timeout=30, isolation_level=None)
    try:
        live.execute("VACUUM INTO ?", (str(copy),))
    except sqlite3.DatabaseError as exc:
        raise DiwanError(f"{source} cannot be copied: {exc}. `diwan doctor` says what is wrong with it.") from exc
    finally:
        live.close()
    engine = open_copy(copy)
    try:
        with engine.connect() as connection:
            yield copy, connection
    finally:
        engine.dispose()


def open_copy(file: Path) -> Engine:
    """An engine on a SQLite file that nobody else uses, as it lies there and read-only."""
    return sa.create_engine(f"sqlite:///file:{file}?immutable=1&uri=true", poolclass=sa.pool.NullPool)


@contextmanager
def _postgres_snapshot(url: URL, folder: Path) -> Iterator[tuple[Path, Connection]]:
    copy = folder / DATABASE["postgresql"]
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="REPEATABLE READ", poolclass=sa.pool.NullPool)
    try:
        with engine.connect() as connection:
            moment = connection.scalar(sa.text("SELECT pg_export_snapshot()"))
            run_tool("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={moment}", f"--file={copy}")
            yield copy, connection
    finally:
        engine.dispose()


def run_tool(tool: str, url: URL, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs on the database of ``url``; the password goes by the environment."""
    program = shutil.which(tool)
    if program is None:
        raise DiwanError(f"{tool} is not installed on this machine. Install PostgreSQL's client programs (apt install postgresql-client).")
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    done = subprocess.run([program, f"--dbname={address}", "--no-password", *arguments], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise DiwanError(f"{tool} failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")


def describe(connection: Connection) -> dict[str, Any]:
    """The facts of the manifest that come from the database. Asks by table name: an older schema is described as well."""
    tables = sorted(name for name in sa.inspect(connection).get_table_names() if not _is_search_table(name))
    return {
        "revisions": {name.removeprefix("alembic_version_"): _one(connection, f"SELECT version_num FROM {name}") or ""  # noqa: S608
                      for name in tables if name.startswith("alembic_version_")},
        "plugins": selected_plugins(connection) if "core_plugin_selection" in tables else [],
        "counts": {name: _one(connection, f'SELECT count(*) FROM "{name}"') for name in tables},  # noqa: S608
        "counters": counters(connection) if "core_counter" in tables else {},
        "audit": audit_head(connection) if "core_audit_block" in tables else None,
    }


def _is_search_table(name: str) -> bool:
    return name.startswith("sqlite_") or "_fts" in name or "_search" in name


def _one(connection: Connection, statement: str) -> Any:
    return connection.exec_driver_sql(statement).scalar()


def selected_plugins(connection: Connection) -> list[str]:
    names = _one(connection, "SELECT names FROM core_plugin_selection")
    return sorted((json.loads(names) if isinstance(names, str) else names or {}).get("on", ()))


def counters(connection: Connection) -> dict[str, int]:
    """The last number that each counter gave."""
    from core.numbering import Counter

    table = Counter.__table__
    return {name: value for name, value in connection.execute(sa.select(table.c.name, table.c.value))}


def audit_head(connection: Connection) -> dict[str, Any] | None:
    row = connection.exec_driver_sql("SELECT seq, entries, code FROM core_audit_block ORDER BY seq DESC LIMIT 1").mappings().first()
    return dict(row) if row else None


# --- reading one ------------------------------------------------------------------------------------------------------


def read_manifest(file: Path) -> Manifest:
    """The manifest of a backup. Raises DiwanError when the file is no backup of ours, cut short, or too new."""
    try:
        with zipfile.ZipFile(file) as archive:
            data = json.loads(archive.read(MANIFEST))
        if data.get("format") != FORMAT:
            raise DiwanError(f"{file} was made by a newer Diwan (format {data.get('format')}). Upgrade Diwan, then restore it.")
        if data.get("kind"):
            raise DiwanError(f"{file} holds {data['kind']}, not a whole backup. To restore, name the backup, and give this file as --keys.")
        return Manifest(**data)
    except FileNotFoundError:
        raise DiwanError(f"There is no file {file}.") from None
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, EOFError) as exc:
        raise DiwanError(f"{file} is no whole backup: {exc}. Take another one; nothing was changed.") from exc


def read_archive(file: Path, into: Path | None = None) -> Manifest:
    """Read every part of a backup and compare its SHA-256, unpacking into ``into`` where given. Raises DiwanError."""
    manifest = read_manifest(file)
    with zipfile.ZipFile(file) as archive:
        if (names := set(archive.namelist()) - {MANIFEST}) != set(manifest.parts):
            raise DiwanError(f"{file} does not hold what its manifest lists: {', '.join(sorted(names ^ set(manifest.parts))[:3])}. Take another backup.")
        for name, expected in manifest.parts.items():
            if _read_part(file, archive, name, into) != expected:
                raise DiwanError(f"{file} is damaged: '{name}' is not as it was written. Take another backup; nothing was changed.")
    return manifest


def _read_part(file: Path, archive: zipfile.ZipFile, name: str, into: Path | None) -> str:
    if name.startswith("/") or ".." in name.split("/"):
        raise DiwanError(f"{file} names a part outside itself: '{name}'. It was not made by Diwan.")
    digest = hashlib.sha256()
    target = Path(os.devnull) if into is None else into / name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with archive.open(name) as data, target.open("wb") as out:
            while piece := data.read(CHUNK):
                digest.update(piece)
                out.write(piece)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as exc:
        raise DiwanError(f"{file} is damaged at '{name}': {exc}. Take another backup; nothing was changed.") from exc
    return digest.hexdigest()


# --- keys -------------------------------------------------------------------------------------------------------------


def backup_keys(association: Association, file: Path) -> Path:
    """Copy the keys into ``file`` (0600), to be kept apart from the backups. Refuses a place inside the association."""
    if association.folder.resolve() in file.resolve().parents:
        raise DiwanError(f"{file} lies beside the data. Keep keys apart from it: on another medium, in a safe.")
    load_keys(association.keys_folder)
    try:
        with _create(file) as out, zipfile.ZipFile(out, "w") as archive:
            archive.writestr(MANIFEST, json.dumps({"format": FORMAT, "kind": "keys", "slug": association.slug}))
            for name in NAMES:
                archive.write(association.keys_folder / f"{name}.key", f"{name}.key")
    except FileExistsError:
        raise DiwanError(f"{file} exists already; name another file.") from None
    return file


def unpack_keys(file: Path, folder: Path) -> None:
    """Write the keys of a keys' backup into ``folder``. Raises DiwanError when it is none."""
    try:
        with zipfile.ZipFile(file) as archive:
            keys = {name: archive.read(f"{name}.key") for name in NAMES}
    except (zipfile.BadZipFile, KeyError, OSError) as exc:
        raise DiwanError(f"{file} is no backup of keys: {exc}. `diwan keys backup` makes one.") from exc
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, key in keys.items():
        with _create(folder / f"{name}.key") as out:
            out.write(key)


def fingerprint(key: bytes) -> str:
    """Tells one key from another without telling the key."""
    return hashlib.sha256(b"diwan key " + key).hexdigest()[:16]
