"""`diwan restore`: a backup unpacked aside, verified, and only then put in the place of what is there.

Verified means: every part as it was written, the database whole, no row pointing at nothing, as many rows as the
manifest says, the audit chain whole up to the manifest's anchor, no counter below a number already given, and every
attached file as it was stored. Whatever fails leaves everything as it was. What is replaced is moved aside, not deleted.

Numbers given after the backup was made are not given again: counters jump over them and the range is recorded as void. Customers
erased after it are erased again, by the list that lies beside the database (``core.erasures``) and by the keys that the present
database has destroyed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.orm import Session

from core import erasures, work
from core.audit import services as audit
from core.audit.anchor import FILE_NAME, anchors_file, read_anchors, write_anchor
from core.audit.verify import verify
from core.auth.actor import Actor
from core.auth.models import OneTimeLink, UserSession
from core.backup import (
    Manifest,
    audit_head,
    counters,
    describe,
    fingerprint,
    open_copy,
    read_archive,
    read_manifest,
    run_tool,
    unpack_keys,
)
from core.customers import erasure
from core.customers.models import Customer, CustomerMerge
from core.database import section
from core.errors import DiwanError
from core.files.models import StoredFile
from core.files.services import path_of
from core.i18n import Bilingual
from core.keys import NAMES, SubjectKey, load_keys
from core.numbering import raise_counter
from core.opening import opened, upgrade_association
from core.scrubbing import scrub
from core.settings import SLUG, Association, Deployment, sqlite_url

NUMBERED: dict[str, tuple[Any, ...]] = {"customer": (Customer.number, CustomerMerge.lost_number)}
BESIDE_SQLITE = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Restored:
    """What a restore did. ``voided`` maps a counter to the first and last number that will never be given again.

    ``erased``: numbers of customers that the backup still held and that were erased again; None where no list of erasures was known.
    """

    association: Association
    manifest: Manifest
    voided: dict[str, tuple[int, int]]
    lost_entries: int
    aside: Path | None
    checks: tuple[str, ...]
    erased: tuple[str, ...] | None = ()


@dataclass(frozen=True)
class Live:
    """What the association that is to be replaced knows: its counters, the end of its audit chain, and whose keys it has destroyed
    (None where it cannot be asked)."""

    counters: dict[str, int]
    entries: int
    destroyed: frozenset[str] | None = None


def restore(
    file: Path, deployment: Deployment, *, actor: Actor, now: datetime, slug: str | None = None, keys_file: Path | None = None,
    database_url: str | None = None, anchor: Path | None = None, erased_list: Path | None = None,
) -> Restored:
    """Restore ``file`` as the association it is of, or as ``slug``; over an existing one or into an empty place.

    Keys come from the association that is there, else from ``keys_file``. On PostgreSQL a new place needs
    ``database_url``. ``anchor`` and ``erased_list`` are copies of the anchors and of the list of erasures kept elsewhere. Raises DiwanError
    saying what failed; nothing was replaced then.
    """
    manifest = read_manifest(file)
    slug = slug or manifest.slug
    if not SLUG.fullmatch(slug):
        raise DiwanError(f"'{slug}' cannot be an association's name.")
    folder = deployment.associations / slug
    present = Association.load(folder) if (folder / "association.toml").is_file() else None
    with ExitStack() as cleaning:
        staged = _stage(file, manifest, deployment, slug, present, keys_file, database_url, anchor, now, cleaning)
        checks = check(staged, manifest, deployment)
        cleaning.enter_context(_alone_with(present, folder))
        live = look_at(present) if present else Live({}, 0)
        voided = record_restore(staged, deployment, manifest, live, actor=actor, now=now)
        known = known_erasures(folder, erased_list)
        erased = erase_again(staged, deployment, known, live, actor=actor, now=now)
        aside = put_in_place(staged, present, folder, now, database_url)
        erasures.keep(folder, known)
    lost = max(0, live.entries - (manifest.audit or {}).get("entries", 0))
    nothing_known = present is None and not erasures.list_file(folder).is_file()
    return Restored(Association.load(folder), manifest, voided, lost, aside, checks, None if nothing_known else erased)


def describe_restored(done: Restored) -> str:
    """What `diwan restore` prints: what was verified, what is missing since, where the old data is."""
    lines = [f"Verified: {text}." for text in done.checks]
    lines.append(f"'{done.association.slug}' is as it was at {done.manifest.made_at}.")
    lines += [f"Numbers {first} to {last} of '{name}' were given after that and are void." for name, (first, last) in done.voided.items()]
    if done.erased:
        lines.append(f"Erased again, as after the backup was made: {', '.join(done.erased)}.")
    elif done.erased is None:
        lines.append("No list of erasures is known here. If customers were erased after the backup was made, restore again with --erasures FILE"
                     " (erasures.txt of the former place), or they are back.")
    if done.lost_entries:
        lines.append(f"{done.lost_entries} entries of the audit log were written after the backup; what they tell of is not in it.")
    if done.aside:
        lines.append(f"What was there before is in {done.aside}.")
    return "\n".join([*lines, "Now start the server and the worker."])


# --- aside ------------------------------------------------------------------------------------------------------------


def _stage(
    file: Path, manifest: Manifest, deployment: Deployment, slug: str, present: Association | None, keys_file: Path | None,
    database_url: str | None, anchor: Path | None, now: datetime, cleaning: ExitStack,
) -> Association:
    """Unpack into a folder (and on PostgreSQL a database) of its own; both are removed again if anything fails."""
    staging = deployment.home / "restoring" / f"{slug}-{now:%Y%m%dT%H%M%S%f}"
    staging.mkdir(mode=0o700, parents=True)
    cleaning.callback(shutil.rmtree, staging, ignore_errors=True)
    read_archive(file, staging)
    _stage_keys(staging / "keys", manifest, deployment.associations / slug / "keys", keys_file)
    _stage_anchors(staging, manifest, [anchor, anchors_file(present.folder) if present else None])
    shown = present or Association(slug, staging, Bilingual.of(manifest.name), "", tuple(manifest.hosts), manifest.demo)
    if manifest.engine == "sqlite":
        os.replace(staging / manifest.database, staging / "diwan.sqlite3")
        return replace(shown, folder=staging, database_url=sqlite_url(staging))
    url = present.database_url if present else database_url
    if not url or not url.startswith("postgresql"):
        raise DiwanError("This backup is of a PostgreSQL database. Name the one to be made: --database postgresql://…")
    scratch = _scratch_database(make_url(url), now, cleaning)
    run_tool("pg_restore", scratch, "--no-owner", "--no-privileges", "--exit-on-error", str(staging / manifest.database))
    return replace(shown, folder=staging, database_url=scratch.render_as_string(hide_password=False))


def _stage_keys(folder: Path, manifest: Manifest, present: Path, keys_file: Path | None) -> None:
    """The keys that the restored association will have, which must be those of the backup."""
    if keys_file is not None:
        unpack_keys(keys_file, folder)
    elif present.is_dir():
        folder.mkdir(mode=0o700)
        for name in NAMES:
            shutil.copy2(present / f"{name}.key", folder / f"{name}.key")
    else:
        raise DiwanError("A new place needs the keys too: --keys FILE, made by `diwan keys backup`.")
    if fingerprint(load_keys(folder).audit) != manifest.key:
        raise DiwanError("These are not the keys that this backup was made with. Name the right ones: --keys FILE.")


def _stage_anchors(staging: Path, manifest: Manifest, files: list[Path | None]) -> None:
    """The anchors that the backup must fit: those up to its end. Later ones bear witness to the log that goes aside."""
    end = (manifest.audit or {}).get("seq", 0)
    known = {str(one): one for file in files if file and file.is_file() for one in read_anchors(file)}
    for one in sorted(known.values(), key=lambda one: one.seq):
        if one.seq <= end:
            write_anchor(anchors_file(staging), one)


def _scratch_database(target: URL, now: datetime, cleaning: ExitStack) -> URL:
    scratch = target.set(database=f"{target.database}_restoring_{now:%Y%m%d%H%M%S%f}")
    with _maintenance(target) as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{scratch.database}" TEMPLATE template0 ENCODING \'UTF8\'')

    def drop() -> None:
        with _maintenance(target) as connection:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{scratch.database}"')

    cleaning.callback(drop)
    return scratch


@contextmanager
def _maintenance(target: URL) -> Iterator[Connection]:
    """A connection to the server that may make and rename databases."""
    engine = sa.create_engine(target.set(drivername="postgresql+psycopg", database="postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    except sa.exc.DBAPIError as exc:
        raise DiwanError(f"The PostgreSQL server refused: {str(exc.orig).strip().splitlines()[0]}. The account needs the right to make databases"
                         " (ALTER ROLE … CREATEDB), and nobody may be connected: stop the server and the worker first.") from exc
    finally:
        engine.dispose()


# --- verified ---------------------------------------------------------------------------------------------------------


def check(staged: Association, manifest: Manifest, deployment: Deployment) -> tuple[str, ...]:
    """Every check on the unpacked copy; returns what was verified, raises DiwanError at the first that fails."""
    with _reading(staged) as connection:
        done = [check_integrity(connection), check_counts(connection, manifest)]
    upgrade_association(staged, deployment)
    with opened(staged, deployment) as (_app, session):
        connection = session.connection()
        done += [check_chain(staged, connection, manifest), check_counters(connection), check_files(staged, connection)]
    return tuple(done)


@contextmanager
def _reading(staged: Association) -> Iterator[Connection]:
    url = make_url(staged.database_url)
    engine = open_copy(Path(url.database or "")) if url.get_backend_name() == "sqlite" else sa.create_engine(
        url.set(drivername="postgresql+psycopg"), poolclass=sa.pool.NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def check_integrity(connection: Connection) -> str:
    """SQLite's pages and foreign keys; pg_restore has checked PostgreSQL's keys while loading."""
    if connection.dialect.name == "sqlite":
        damage = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
        if damage != "ok":
            raise DiwanError(f"The database in this backup is damaged: {damage}. Nothing was replaced.")
        orphan = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if orphan is not None:
            raise DiwanError(f"In this backup a row of '{orphan[0]}' points at nothing. Nothing was replaced.")
    return "the database is whole and no row points at nothing"


def check_counts(connection: Connection, manifest: Manifest) -> str:
    counts = describe(connection)["counts"]
    wrong = sorted(name for name in set(counts) | set(manifest.counts) if counts.get(name) != manifest.counts.get(name))
    if wrong:
        raise DiwanError(f"'{wrong[0]}' has {counts.get(wrong[0])} rows, the manifest says {manifest.counts.get(wrong[0])}. Nothing was replaced.")
    return f"{sum(counts.values())} rows in {len(counts)} tables, as the manifest says"


def check_chain(staged: Association, connection: Connection, manifest: Manifest) -> str:
    """The audit log's chain ends where the manifest says, and is whole up to there by key and anchors."""
    head = audit_head(connection)
    if head != manifest.audit:
        raise DiwanError("The audit log does not end where the manifest says. Nothing was replaced.")
    file = anchors_file(staged.folder)
    anchors = read_anchors(file) if file.is_file() else []
    verdict = verify(connection, load_keys(staged.keys_folder).audit, anchors)
    if not verdict.sound:
        raise DiwanError(f"The audit log in this backup was tampered with ({verdict.damage_count} places). Nothing was replaced."
                         " `diwan audit verify` on the present one says whether it is sound.")
    return f"{verdict.entries} entries of the audit log, {len(anchors)} anchors"


def check_counters(connection: Connection) -> str:
    """No counter stands below a number that was given."""
    for name, value in counters(connection).items():
        if value < (highest := highest_given(connection, name)):
            raise DiwanError(f"The counter '{name}' stands at {value}, but number {highest} was given. Nothing was replaced.")
    return "no counter stands below a number already given"


def highest_given(connection: Connection, counter: str) -> int:
    """The highest value of a counter that a row bears, without its check digit; 0 for counters whose rows say more than that."""
    if counter not in NUMBERED:
        return 0
    highest = (connection.scalar(sa.select(column).order_by(sa.func.length(column).desc(), column.desc()).limit(1)) for column in NUMBERED[counter])
    return max(int(number[:-1]) if number else 0 for number in highest)


def check_files(staged: Association, connection: Connection) -> str:
    """Every attached file is there with the SHA-256 that its row has."""
    rows = connection.execute(sa.select(StoredFile.token, StoredFile.sha256).where(StoredFile.size_bytes > 0)).all()
    for token, sha256 in rows:
        path = path_of(staged.files_folder, token)
        if not path.is_file() or sha256_of(path) != sha256:
            raise DiwanError(f"The attached file {token} is absent or not as it was stored. Nothing was replaced.")
    return f"{len(rows)} attached files as they were stored"


def sha256_of(path: Path) -> str:
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


# --- recorded ---------------------------------------------------------------------------------------------------------


def look_at(present: Association) -> Live:
    """What the present database still tells; nothing where it is too damaged to be asked.

    On SQLite the caller is alone with the file: what a killed process left in its write-ahead log is in the file by then.
    """
    try:
        with _reading(present) as connection:
            keys: Any = SubjectKey.__table__
            destroyed = frozenset(connection.scalars(sa.select(keys.c.subject_id).where(keys.c.destroyed_at.is_not(None))))
            return Live(counters(connection), (audit_head(connection) or {}).get("entries", 0), destroyed)
    except sa.exc.SQLAlchemyError:
        return Live({}, 0)


def record_restore(
    staged: Association, deployment: Deployment, manifest: Manifest, live: Live, *, actor: Actor, now: datetime,
) -> dict[str, tuple[int, int]]:
    """Let counters jump over numbers given since, and log the restore with those ranges; returns them."""
    voided = {}
    with opened(staged, deployment, actor=actor) as (_app, session), work.unit_of_work(session):
        for name, value in sorted(live.counters.items()):
            skipped = raise_counter(session, name, value, reason=f"restore of {manifest.made_at}", now=now)
            if skipped is not None:
                voided[name] = (skipped.first, skipped.last)
        close_doors(session, now)
        audit.record(session, "restore", data={"made_at": manifest.made_at, "voided": {name: list(span) for name, span in voided.items()}})
    return voided


def known_erasures(folder: Path, copy: Path | None) -> list[erasures.Erasure]:
    """What the list beside the database says, and a copy of one that was kept elsewhere."""
    if copy is not None and not copy.is_file():
        raise DiwanError(f"There is no file {copy}.")
    known = {one.id: one for file in (copy, erasures.list_file(folder)) if file is not None for one in erasures.read(file)}
    return list(known.values())


def erase_again(
    staged: Association, deployment: Deployment, known: list[erasures.Erasure], live: Live, *, actor: Actor, now: datetime,
) -> tuple[str, ...]:
    """Erase in the restored copy whoever was erased since; returns their numbers.

    An erasure that was begun and whose end nobody wrote happened if the present database has destroyed the key. Where that
    database cannot be asked it counts as done: two people had approved it, and a right is rather kept than lost.
    """
    subjects = set(live.destroyed or ())
    for one in known:
        if one.outcome == "done" or (one.outcome is None and (live.destroyed is None or one.subjects[0] in live.destroyed)):
            subjects.update(one.subjects)
    with opened(staged, deployment, actor=actor) as (_app, session), work.unit_of_work(session):
        done = erasure.erase_again(session, subjects, now=now)
    for what in done.values():
        erasure.remove_files(staged, what.tokens, what.paths)
    if done:
        scrub(staged.database_url, {table for what in done.values() for table in what.rows}, vacuum=True)
    return tuple(done)


def close_doors(session: Session, now: datetime) -> None:
    """End every session and one-time link: those ended or used since the backup would live again."""
    with section("restore"):
        session.execute(sa.update(UserSession).where(UserSession.ended_at.is_(None)).values(ended_at=now))
        session.execute(sa.update(OneTimeLink).where(OneTimeLink.used_at.is_(None)).values(used_at=now))


# --- in place ---------------------------------------------------------------------------------------------------------


def put_in_place(staged: Association, present: Association | None, folder: Path, now: datetime, database_url: str | None) -> Path | None:
    """Move the verified copy to where it belongs and what was there aside; returns the folder that holds the latter."""
    aside = folder / "replaced" / f"{now:%Y%m%dT%H%M%SZ}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if make_url(staged.database_url).get_backend_name() == "sqlite":
        url = present.database_url if present else sqlite_url(folder)
        move_all(_sqlite_moves(staged, Path(make_url(url).database or ""), folder, aside))
    else:
        url = present.database_url if present else database_url or ""
        _rename_database(make_url(url), make_url(staged.database_url), now)
        move_all(_folder_moves(staged, folder, aside))
    replace(staged, folder=folder, database_url=url).save()
    return aside if aside.is_dir() else None


def _sqlite_moves(staged: Association, database: Path, folder: Path, aside: Path) -> list[tuple[Path, Path]]:
    """The old file with what SQLite keeps beside it goes aside, or a stale log would be read into the new one."""
    source = Path(make_url(staged.database_url).database or "")
    old = [(database.with_name(database.name + end), aside / (database.name + end)) for end in BESIDE_SQLITE]
    new = [(source.with_name(source.name + end), database.with_name(database.name + end)) for end in BESIDE_SQLITE]
    return [*old, *new, *_folder_moves(staged, folder, aside)]


def _folder_moves(staged: Association, folder: Path, aside: Path) -> list[tuple[Path, Path]]:
    names = ("files", "keys", FILE_NAME)
    return [*((folder / name, aside / name) for name in names), *((staged.folder / name, folder / name) for name in names)]


def move_all(moves: list[tuple[Path, Path]]) -> None:
    """Rename each that exists, all on one disk; when one fails, those before go back and DiwanError says so."""
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            if source.exists():
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.rename(source, target)
                done.append((source, target))
    except OSError as exc:
        for source, target in reversed(done):
            os.rename(target, source)
        raise DiwanError(f"The copy could not be put in place: {exc}. What was there is back; mend this and restore again.") from exc


@contextmanager
def _alone_with(present: Association | None, folder: Path) -> Iterator[None]:
    """Hold the place from the look at what it tells until the restored one is in it, so that no number is given in between."""
    url = make_url(present.database_url if present else sqlite_url(folder))
    with alone(Path(url.database or "")) if url.get_backend_name() == "sqlite" else contextlib.nullcontext():
        yield


@contextmanager
def alone(database: Path) -> Iterator[None]:
    """Hold the file so that nobody works on it meanwhile. Raises DiwanError while a server or worker has it open.

    Leaving write-ahead mode works only for whoever is alone with the file; a damaged one nobody can have in use.
    """
    if not database.is_file():
        yield
        return
    connection = sqlite3.connect(database, timeout=1, isolation_level=None)
    with contextlib.closing(connection):
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as exc:
            raise DiwanError("The association is in use. Stop `diwan serve` and `diwan worker`, then restore again; nothing was replaced.") from exc
        except sqlite3.DatabaseError:
            pass
        yield


def _rename_database(target: URL, scratch: URL, now: datetime) -> None:
    """Give the scratch database the name of the target, whose present one is kept under another name."""
    old = f"{target.database}_replaced_{now:%Y%m%d%H%M%S}"
    with _maintenance(target) as connection:
        exists = connection.scalar(sa.text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": target.database})
        if exists:
            connection.exec_driver_sql(f'ALTER DATABASE "{target.database}" RENAME TO "{old}"')
        try:
            connection.exec_driver_sql(f'ALTER DATABASE "{scratch.database}" RENAME TO "{target.database}"')
        except sa.exc.DBAPIError:
            if exists:
                connection.exec_driver_sql(f'ALTER DATABASE "{old}" RENAME TO "{target.database}"')
            raise
