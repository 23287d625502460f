"""Backups are whole, hold what was acknowledged before, and hold no keys; restores are verified before they replace."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import sqlite3
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from core import backup, restore, work
from core.audit import services as audit
from core.audit.anchor import anchors_file, chain_end, read_anchors, write_anchor
from core.audit.models import AuditEvent
from core.audit.verify import verify
from core.auth.actor import Actor
from core.auth.models import OneTimeLink, User, UserSession
from core.backup import Manifest, make_backup, read_archive, read_manifest
from core.database import make_engine, section, writing
from core.errors import DiwanError
from core.files.models import StoredFile
from core.files.services import path_of
from core.keys import load_keys, make_keys, new_subject
from core.numbering import VoidRange, next_value
from core.opening import opened
from core.settings import Association, Deployment
from core.testing import actor_with, new_association, new_database, test_deployment

_houses = itertools.count(1)
NOW = datetime(2026, 2, 1, 21, 0, tzinfo=UTC)
OPERATOR: Actor = actor_with(label="operator")
TOKEN = "ab" + "0" * 30


@dataclass
class House:
    """An association that a test may break, with a little in it."""

    deployment: Deployment
    association: Association
    server: str | None

    def act(self, do: Callable[[Any], Any]) -> Any:
        with opened(self.association, self.deployment, actor=OPERATOR) as (_app, session), work.unit_of_work(session):
            return do(session)

    def ask(self, query: Any) -> Any:
        with opened(self.association, self.deployment) as (_app, session):
            return session.execute(query).all()

    def take_number(self, count: int = 1) -> int:
        def take(session: Any) -> int:
            audit.record(session, "number")
            return next_value(session, "batch", count=count)

        return int(self.act(take))

    def attach(self, content: bytes = b"a letter") -> Path:
        path = path_of(self.association.files_folder, TOKEN)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.act(lambda session: session.add(StoredFile(
            token=TOKEN, record_type="core_setting", record_id=1, name="letter.pdf", media_type="application/pdf", size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(), permission="x", uploaded_at=NOW, subject_id=None)))
        return path

    def backup(self) -> Path:
        return make_backup(self.association, now=NOW)

    def restore(self, file: Path, **options: Any) -> restore.Restored:
        return restore.restore(file, self.deployment, actor=OPERATOR, now=NOW + timedelta(hours=1), **options)

    def elsewhere(self, folder: Path) -> House:
        """An empty place, as on another machine."""
        return House(replace(self.deployment, home=folder), self.association, self.server)

    def place(self) -> dict[str, Any]:
        """Where a PostgreSQL database is to be made in a new place."""
        if not self.server:
            return {}
        url = make_url(self.server).set(database=f"place_{os.getpid()}_{next(_houses)}")
        return {"database_url": url.render_as_string(hide_password=False)}


@pytest.fixture(scope="module")
def pattern(engine_name: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> House:
    """The association that each test's house is a copy of."""
    server = request.getfixturevalue("postgres") if engine_name == "postgresql" else None
    deployment = test_deployment(tmp_path_factory.mktemp("pattern"))
    pattern = House(deployment, new_association(deployment, "makkah", postgres=server), server)
    pattern.take_number()
    return pattern


@pytest.fixture
def house(pattern: House, tmp_path: Path) -> House:
    home = tmp_path / "home"
    shutil.copytree(pattern.deployment.home, home)
    folder = home / "associations" / "makkah"
    url = f"sqlite:///{folder}/diwan.sqlite3"
    if pattern.server:
        url = new_database(pattern.server, template=make_url(pattern.association.database_url).database)
    association = replace(pattern.association, folder=folder, database_url=url)
    association.save()
    return House(replace(pattern.deployment, home=home), association, pattern.server)


def rewritten(file: Path, change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> Path:
    """A copy of a backup with changed parts and the manifest made to fit, as a forger would."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if name != backup.MANIFEST}
        manifest = json.loads(archive.read(backup.MANIFEST))
    change(parts, manifest)
    manifest["parts"] = {name: hashlib.sha256(content).hexdigest() for name, content in parts.items()}
    target = file.with_name("forged.zip")
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        archive.writestr(backup.MANIFEST, json.dumps(manifest))
    return target


def edit_sqlite(content: bytes, folder: Path, *statements: str) -> bytes:
    file = folder / "edited.sqlite3"
    file.write_bytes(content)
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=DELETE")
    for statement in statements:
        connection.execute(statement)
    connection.close()
    return file.read_bytes()


# --- making -----------------------------------------------------------------------------------------------------------


def test_a_backup_holds_database_and_files_and_no_key(house: House) -> None:
    house.attach()

    file = house.backup()

    manifest = read_archive(file)
    with zipfile.ZipFile(file) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert set(manifest.parts) == {manifest.database, f"files/{TOKEN[:2]}/{TOKEN}"}
    assert manifest.counts["core_file"] == 1
    assert manifest.counters["batch"] == 1
    assert file.stat().st_mode & 0o777 == 0o600
    for key in house.association.keys_folder.iterdir():
        assert key.read_bytes().strip() not in everything
        assert bytes.fromhex(key.read_text()) not in everything


def test_everything_acknowledged_before_the_backup_is_in_it(house: House) -> None:
    acknowledged, stop = [0], threading.Event()

    def work_on() -> None:
        while not stop.is_set():
            acknowledged.append(house.take_number())

    writer = threading.Thread(target=work_on)
    writer.start()
    try:
        while len(acknowledged) < 5:
            stop.wait(0.05)
        before = acknowledged[-1]
        manifest = read_manifest(house.backup())
    finally:
        stop.set()
        writer.join()

    assert manifest.counters["batch"] >= before
    assert manifest.audit is not None
    assert manifest.audit["entries"] == manifest.counts["core_audit_event"]


def test_a_full_disk_is_noticed_before_anything_is_written(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))

    with pytest.raises(DiwanError, match="Free some space"):
        house.backup()

    assert list(house.association.backups_folder.iterdir()) == []


def test_a_missing_database_is_named_and_nothing_is_left(house: House) -> None:
    if house.server:
        pytest.skip("a file of SQLite")
    lost = replace(house.association, database_url=f"sqlite:///{house.association.folder}/lost.sqlite3")

    with pytest.raises(DiwanError, match="There is no database at"):
        make_backup(lost, now=NOW)

    assert list(house.association.backups_folder.iterdir()) == []
    assert not (house.association.folder / "lost.sqlite3").exists()


def test_a_missing_pg_dump_is_named(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    if not house.server:
        pytest.skip("a program of PostgreSQL")
    monkeypatch.setattr(backup.shutil, "which", lambda name: None)

    with pytest.raises(DiwanError, match="pg_dump is not installed"):
        house.backup()


def test_only_nightly_backups_of_this_association_are_pruned(tmp_path: Path) -> None:
    names = ["makkah-20260101T000000Z.zip", "makkah-20260102T000000Z.zip", "makkah-20260103T000000Z.zip",
             "makkah-20250101T000000Z-before-upgrade.zip", "kuwait-20250101T000000Z.zip", "makkah-two-20250101T000000Z.zip"]
    for name in names:
        (tmp_path / name).touch()

    gone = backup.prune(tmp_path, "makkah", keep=2)

    assert [file.name for file in gone] == names[:1]
    assert backup.prune(tmp_path, "makkah", keep=0) == []


@pytest.mark.parametrize("place", [0.02, 0.4, 0.9])
def test_a_flipped_byte_is_found_before_anything_is_touched(house: House, place: float) -> None:
    file = house.backup()
    content = bytearray(file.read_bytes())
    content[int(len(content) * place)] ^= 0xFF
    file.write_bytes(content)

    with pytest.raises(DiwanError, match=r"damaged|no whole backup"):
        house.restore(file)

    assert house.take_number() == 2


def test_a_truncated_backup_and_something_else_are_refused(house: House, tmp_path: Path) -> None:
    file = house.backup()
    file.write_bytes(file.read_bytes()[:-2000])
    other = tmp_path / "letter.zip"
    other.write_bytes(b"not a zip")

    for wrong in (file, other, tmp_path / "absent.zip"):
        with pytest.raises(DiwanError, match=r"no whole backup|There is no file"):
            house.restore(wrong)


def test_a_part_that_points_outside_is_refused(house: House, tmp_path: Path) -> None:
    forged = rewritten(house.backup(), lambda parts, manifest: parts.update({"files/../../../escaped": b"x"}))

    with pytest.raises(DiwanError, match="outside itself"):
        house.restore(forged)

    assert not list(tmp_path.rglob("escaped"))


# --- keys -------------------------------------------------------------------------------------------------------------


def test_keys_are_copied_apart_from_the_data(house: House, tmp_path: Path) -> None:
    file = backup.backup_keys(house.association, tmp_path / "safe.zip")

    backup.unpack_keys(file, tmp_path / "keys")

    assert file.stat().st_mode & 0o777 == 0o600
    assert load_keys(tmp_path / "keys") == load_keys(house.association.keys_folder)
    with pytest.raises(DiwanError, match="exists already"):
        backup.backup_keys(house.association, file)
    with pytest.raises(DiwanError, match="beside the data"):
        backup.backup_keys(house.association, house.association.backups_folder / "keys.zip")


# --- restoring into an empty place ------------------------------------------------------------------------------------


def test_a_restore_into_an_empty_place_needs_the_keys_and_gives_everything_back(house: House, tmp_path: Path) -> None:
    house.attach(b"a letter")
    file, keys = house.backup(), backup.backup_keys(house.association, tmp_path / "keys.zip")
    there = house.elsewhere(tmp_path / "new")

    with pytest.raises(DiwanError, match="needs the keys"):
        there.restore(file, **there.place())
    done = there.restore(file, keys_file=keys, **there.place())

    there.association = done.association
    assert done.association.name == house.association.name
    assert path_of(done.association.files_folder, TOKEN).read_bytes() == b"a letter"
    assert there.take_number() == 2
    assert [one.action for one in there.ask(sa.select(AuditEvent.action).where(AuditEvent.action == "restore"))] == ["restore"]
    assert is_sound(there)
    assert not list((tmp_path / "new" / "restoring").iterdir())


def is_sound(house: House) -> bool:
    key = load_keys(house.association.keys_folder).audit
    file = anchors_file(house.association.folder)
    with opened(house.association, house.deployment) as (_app, session):
        return verify(session.connection(), key, read_anchors(file) if file.is_file() else []).sound


def test_keys_that_lie_ready_in_the_place_are_taken(house: House, tmp_path: Path) -> None:
    there = house.elsewhere(tmp_path / "new")
    shutil.copytree(house.association.keys_folder, there.deployment.associations / "makkah" / "keys")

    there.restore(house.backup(), **there.place())

    assert (there.deployment.associations / "makkah" / "association.toml").is_file()


def test_the_keys_of_another_are_refused(house: House, tmp_path: Path) -> None:
    other = Association("other", tmp_path / "other", house.association.name, house.association.database_url)
    make_keys(other.keys_folder)
    keys = backup.backup_keys(other, tmp_path / "keys.zip")
    there = house.elsewhere(tmp_path / "new")

    with pytest.raises(DiwanError, match="not the keys that this backup was made with"):
        there.restore(house.backup(), keys_file=keys, **there.place())

    assert not (there.deployment.associations / "makkah").exists()


def test_a_postgresql_backup_asks_where_to(house: House, tmp_path: Path) -> None:
    if not house.server:
        pytest.skip("a SQLite backup needs no address")
    keys = backup.backup_keys(house.association, tmp_path / "keys.zip")

    with pytest.raises(DiwanError, match="--database postgresql"):
        house.elsewhere(tmp_path / "new").restore(house.backup(), keys_file=keys)


# --- restoring over what is there -------------------------------------------------------------------------------------


def test_numbers_given_since_are_void_and_what_was_there_is_aside(house: House) -> None:
    file = house.backup()
    house.take_number(count=4)
    later = chain_entries(house)

    done = house.restore(file)

    assert done.voided == {"batch": (2, 5)}
    assert done.lost_entries == later - read_manifest(file).audit["entries"]  # type: ignore[index]
    assert house.take_number() == 6
    ranges = house.ask(sa.select(VoidRange.counter, VoidRange.first, VoidRange.last))
    assert [tuple(row) for row in ranges] == [("batch", 2, 5)]
    assert is_sound(house)
    if not house.server:
        assert done.aside is not None
        assert (done.aside / "diwan.sqlite3").is_file()


def test_numbers_that_stand_in_the_log_of_a_killed_process_only_are_void_too(house: House) -> None:
    """Power went off before SQLite moved them into the file."""
    if house.server:
        pytest.skip("PostgreSQL replays its own log")
    file = house.backup()
    database = Path(make_url(house.association.database_url).database or "")
    killed = [database, database.with_name(f"{database.name}-wal")]
    with sqlite3.connect(database) as held:
        held.execute("SELECT count(*) FROM core_counter").fetchall()
        house.take_number(count=4)
        left = {one: one.read_bytes() for one in killed}
    held.close()
    for one, content in left.items():
        one.write_bytes(content)

    assert house.restore(file).voided == {"batch": (2, 5)}
    assert house.take_number() == 6


def test_sessions_and_one_time_links_of_the_backup_do_not_open_anything(house: House) -> None:
    def sign_in(session: Any) -> None:
        user = User(username="amal", subject_id=new_subject(session), name_ar="أمل", created_at=NOW)
        session.add(user)
        session.flush()
        session.add_all([UserSession(user_id=user.id, token_hash="h", epoch=1, created_at=NOW, seen_at=NOW),
                         OneTimeLink(user_id=user.id, token_hash="l", purpose="reset", expires_at=NOW + timedelta(days=7))])

    house.act(sign_in)

    house.restore(house.backup())

    assert all(house.ask(sa.select(UserSession.ended_at))[0])
    assert all(house.ask(sa.select(OneTimeLink.used_at))[0])


def chain_entries(house: House) -> int:
    with opened(house.association, house.deployment) as (_app, session):
        return chain_end(session).entries


def test_anchors_of_the_time_since_go_aside_and_those_before_are_kept_and_checked(house: House) -> None:
    with opened(house.association, house.deployment) as (_app, session):
        early = chain_end(session)
    file = house.backup()
    house.take_number()
    with opened(house.association, house.deployment) as (_app, session):
        for anchor in (early, chain_end(session)):
            write_anchor(anchors_file(house.association.folder), anchor)

    done = house.restore(file)

    assert [one.code for one in read_anchors(anchors_file(house.association.folder))] == [early.code]
    assert done.aside is not None
    assert len(read_anchors(anchors_file(done.aside))) == 2
    assert is_sound(house)


def test_a_backup_that_an_anchor_contradicts_is_refused(house: House, tmp_path: Path) -> None:
    with opened(house.association, house.deployment) as (_app, session):
        end = chain_end(session)
    kept_elsewhere = tmp_path / "anchors.txt"
    write_anchor(kept_elsewhere, replace(end, code="0" * 63 + "1"))

    with pytest.raises(DiwanError, match="tampered with"):
        house.restore(house.backup(), anchor=kept_elsewhere)


def test_nothing_is_replaced_while_somebody_has_the_database_open(house: House) -> None:
    file = house.backup()
    engine = make_engine(house.association.database_url, pool_size=1)
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1 FROM core_setting")

        with pytest.raises(DiwanError, match=r"[Ss]top"):
            house.restore(file)
    engine.dispose()

    assert house.take_number() == 2


def test_a_move_that_fails_halfway_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("old", "new"):
        (tmp_path / name).write_text(name)
    moves = [(tmp_path / "old", tmp_path / "aside" / "old"), (tmp_path / "new", tmp_path / "old"), (tmp_path / "new", tmp_path / "x")]
    real, calls = restore.os.rename, []

    def rename(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) == 2:
            raise OSError("no space left")
        real(source, target)

    monkeypatch.setattr(restore.os, "rename", rename)

    with pytest.raises(DiwanError, match="is back"):
        restore.move_all(moves)

    assert (tmp_path / "old").read_text() == "old"
    assert (tmp_path / "new").read_text() == "new"


def test_a_stale_write_ahead_log_is_not_read_into_the_restored_file(house: House) -> None:
    if house.server:
        pytest.skip("a file of SQLite")
    file = house.backup()
    database = Path(make_url(house.association.database_url).database or "")
    database.write_bytes(b"\xff" * 4096)
    for end in ("-wal", "-shm"):
        database.with_name(database.name + end).write_bytes(b"stale" * 100)

    done = house.restore(file)

    assert done.voided == {}
    assert house.take_number() == 2
    assert is_sound(house)


# --- what a forger cannot do ------------------------------------------------------------------------------------------

NO_GUARDS = ("DROP TRIGGER core_audit_event_no_update", "DROP TRIGGER core_audit_event_no_delete", "DROP TRIGGER core_audit_block_no_delete")
FORGERIES: dict[str, tuple[tuple[str, ...], str]] = {
    "a changed entry": ((*NO_GUARDS, "UPDATE core_audit_event SET actor_label = 'x'"), "tampered with"),
    "a cut end": ((*NO_GUARDS, "DELETE FROM core_audit_block WHERE seq = (SELECT max(seq) FROM core_audit_block)"), "rows, the manifest says|does not end"),
    "a row removed": (("DELETE FROM core_setting", "INSERT INTO core_setting (key, value) VALUES ('core.x', '{}')",
                       "INSERT INTO core_setting (key, value) VALUES ('core.y', '{}')"), "rows, the manifest says"),
    "a row that points at nothing": (("PRAGMA foreign_keys=OFF", "UPDATE core_file SET uploaded_by_id = 987654"), "points at nothing"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_sqlite_database_is_refused_and_nothing_is_replaced(house: House, tmp_path: Path, name: str) -> None:
    if house.server:
        pytest.skip("the forger of this test writes SQLite files")
    house.attach()
    statements, message = FORGERIES[name]

    def forge(parts: dict[str, bytes], manifest: dict[str, Any]) -> None:
        parts[manifest_database] = edit_sqlite(parts[manifest_database], tmp_path, *statements)

    file = house.backup()
    manifest_database = read_manifest(file).database
    with pytest.raises(DiwanError, match=message):
        house.restore(rewritten(file, forge))

    assert house.take_number() == 2


def test_an_attached_file_that_was_changed_is_refused(house: House) -> None:
    house.attach(b"a letter")
    forged = rewritten(house.backup(), lambda parts, manifest: parts.update({f"files/{TOKEN[:2]}/{TOKEN}": b"another"}))

    with pytest.raises(DiwanError, match="not as it was stored"):
        house.restore(forged)


def test_a_counter_below_a_given_number_is_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "highest_given", lambda connection, counter: 7 if counter == "batch" else 0)

    with pytest.raises(DiwanError, match="'batch' stands at 1, but number 7 was given"):
        house.restore(house.backup())


def test_a_backup_of_a_newer_program_is_refused(house: House) -> None:
    forged = rewritten(house.backup(), lambda parts, manifest: manifest.update(format=99))

    with pytest.raises(DiwanError, match="newer Diwan"):
        house.restore(forged)


def test_the_highest_number_is_found_by_value_and_not_by_text(house: House) -> None:
    numbers = sa.table("core_numbers_test", sa.column("number"))
    engine = make_engine(house.association.database_url, pool_size=1)
    with section("test"), writing(engine).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE core_numbers_test (number VARCHAR(20))")
        connection.execute(sa.insert(numbers), [{"number": "9999991"}, {"number": "10000008"}, {"number": "1000018"}])
        restore.NUMBERED["test"] = (numbers.c.number,)
        try:
            assert restore.highest_given(connection, "test") == 1000000
        finally:
            del restore.NUMBERED["test"]
    engine.dispose()
    assert isinstance(read_manifest(house.backup()), Manifest)
