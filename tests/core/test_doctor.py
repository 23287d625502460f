"""Each check of `diwan doctor` is seen to find what it is for: the thing is broken here, and the remedy is named."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import doctor, work
from core.audit import services as audit
from core.audit.anchor import anchors_file, chain_end, write_anchor
from core.database import make_engine, section, writing
from core.doctor import Finding, Patient
from core.jobs.models import JobRow, WorkerBeat
from core.notices.models import Mail
from core.opening import opened
from core.settings import Association, Deployment, StoredSetting
from core.testing import choose_plugins, new_association, test_deployment


@pytest.fixture(scope="module")
def healthy(engine_name: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> tuple[Deployment, Association]:
    """An association of its own, kept as it was made; tests break copies of it."""
    server = request.getfixturevalue("postgres") if engine_name == "postgresql" else None
    deployment = test_deployment(tmp_path_factory.mktemp("doctor"))
    return deployment, new_association(deployment, f"well-{engine_name}", postgres=server)


@pytest.fixture
def patient(healthy: tuple[Deployment, Association]) -> Iterator[Patient]:
    """The association with a connection in a transaction that is rolled back; tests break things through it."""
    deployment, association = healthy
    engine = make_engine(association.database_url, pool_size=1)
    with section("breaking"), writing(engine).connect() as connection:
        yield Patient(association, deployment, datetime.now(UTC), connection)
        connection.rollback()
    engine.dispose()


@pytest.fixture
def sick(healthy: tuple[Deployment, Association], tmp_path: Path) -> Patient:
    """A copy of the association's folder, to break files in."""
    deployment, association = healthy
    folder = tmp_path / "associations" / association.slug
    shutil.copytree(association.folder, folder)
    return Patient(replace(association, folder=folder), replace(deployment, home=tmp_path), datetime.now(UTC))


def only(found: Finding | list[Finding]) -> Finding:
    return found[0] if isinstance(found, list) else found


def run(patient: Patient, statement: str) -> None:
    patient.reach.exec_driver_sql(statement)


# --- a healthy one ----------------------------------------------------------------------------------------------------


def test_a_fresh_association_has_no_fault_but_the_worker(healthy: tuple[Deployment, Association]) -> None:
    deployment, association = healthy

    faults = [one for one in doctor.examine_one(association, deployment, datetime.now(UTC)) if one.grave]

    assert [one.check for one in faults] == ["worker"]


def test_the_report_puts_faults_first_and_counts() -> None:
    text = doctor.report([doctor.ok("a", "well."), doctor.fault("b", "bad.", "Mend it."), doctor.warning("c", "hm.", "Look.")])

    lines = text.splitlines()
    assert lines[0].split() == ["fault", "b", "bad.", "Mend", "it."]
    assert lines[-1] == "1 fault, 1 warning, 1 check well."


def test_a_check_that_breaks_is_a_finding(patient: Patient) -> None:
    def check_itself(_patient: Patient) -> Finding:
        raise ValueError("no such thing\nsecond line")

    found = doctor.run_check(check_itself, patient)

    assert [(one.check, one.state) for one in found] == [("itself", "fault")]
    assert "no such thing" in found[0].text


# --- the installation -------------------------------------------------------------------------------------------------


def test_an_old_python_is_a_fault(healthy: tuple[Deployment, Association], monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_python(healthy[0]).state == "ok"

    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (sys.version_info[0], sys.version_info[1] + 1))

    assert doctor.check_python(healthy[0]).grave


def test_an_old_sqlite_is_a_fault(healthy: tuple[Deployment, Association], monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_sqlite(healthy[0]).state == "ok"

    monkeypatch.setattr(doctor, "sqlite_version", lambda: (3, 34, 1))

    assert "SQLite 3.34.1 is too old" in doctor.check_sqlite(healthy[0]).text


def test_a_sqlite_without_full_text_search_is_a_fault(healthy: tuple[Deployment, Association], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "has_trigram", lambda: False)

    assert "without FTS5" in doctor.check_sqlite(healthy[0]).text


def test_a_home_that_cannot_be_written_is_a_fault(tmp_path: Path) -> None:
    assert doctor.check_home(Deployment(home=tmp_path)).state == "ok"
    (tmp_path / "file").write_text("")

    assert doctor.check_home(Deployment(home=tmp_path / "file" / "home")).grave


def test_a_home_that_everybody_may_write_is_a_fault(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)

    assert "Everybody" in doctor.check_home(Deployment(home=tmp_path)).text


@pytest.mark.parametrize(("free", "state"), [(10 * 1024**3, "ok"), (1024**3, "warning"), (1024**2, "fault")])
def test_little_disk_space_is_a_warning_then_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    monkeypatch.setattr(doctor, "free_bytes", lambda folder: free)

    assert doctor.check_disk(Deployment(home=tmp_path)).state == state


def test_a_catalogue_that_is_not_compiled_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "catalogue_roots", lambda: (tmp_path,))
    source = tmp_path / "area" / "translations" / "ar" / "LC_MESSAGES" / "messages.po"
    source.parent.mkdir(parents=True)
    source.write_text("")

    assert doctor.check_translations(Deployment(home=tmp_path)).state == "warning"

    source.with_suffix(".mo").write_bytes(b"")
    assert doctor.check_translations(Deployment(home=tmp_path)).state == "ok"

    os.utime(source, (2_000_000_000, 2_000_000_000))
    assert doctor.check_translations(Deployment(home=tmp_path)).state == "warning"


def test_assets_that_were_not_built_are_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "assets_folder", lambda: tmp_path / "dist")
    assert doctor.check_assets(Deployment(home=tmp_path)).grave

    (tmp_path / "dist").mkdir()
    assert doctor.check_assets(Deployment(home=tmp_path)).grave

    (tmp_path / "dist" / "manifest.json").write_text("{}")
    assert doctor.check_assets(Deployment(home=tmp_path)).state == "ok"


def test_a_plugin_that_does_not_load_is_a_fault(tmp_path: Path) -> None:
    folder = tmp_path / "plugins" / "halfdone"
    folder.mkdir(parents=True)
    (folder / "plugin.py").write_text("this is no python\n")

    found = doctor.check_plugins(Deployment(home=tmp_path, plugin_path=(tmp_path / "plugins",)))

    assert any(one.grave and "halfdone" in one.text for one in found)


def test_a_host_name_without_a_declared_proxy_is_a_fault(sick: Patient) -> None:
    replace(sick.association, hosts=("diwan.example.org",)).save()

    assert doctor.check_proxies(sick.deployment).grave
    assert doctor.check_proxies(replace(sick.deployment, proxies=1)).state == "ok"


def test_a_declared_proxy_without_a_host_name_is_a_warning(sick: Patient) -> None:
    assert doctor.check_proxies(sick.deployment).state == "ok"
    assert doctor.check_proxies(replace(sick.deployment, proxies=1)).state == "warning"


# --- one association: its folder --------------------------------------------------------------------------------------


def test_a_missing_key_is_a_fault(sick: Patient) -> None:
    (sick.association.keys_folder / "audit.key").unlink()

    assert "audit.key is missing" in doctor.check_keys(sick).text


@pytest.mark.parametrize("what", ["audit.key", "."])
def test_keys_that_others_may_read_are_a_fault(sick: Patient, what: str) -> None:
    assert doctor.check_keys(sick).state == "ok"

    (sick.association.keys_folder / what).chmod(0o755)

    assert doctor.check_keys(sick).grave


def test_a_password_that_others_may_read_is_a_fault(sick: Patient) -> None:
    secret = replace(sick, association=replace(sick.association, database_url="postgresql://diwan:secret@db/diwan"))
    file = sick.association.folder / "association.toml"

    file.chmod(0o644)
    assert doctor.check_configuration(secret).grave

    file.chmod(0o600)
    assert doctor.check_configuration(secret).state == "ok"


def test_no_backup_an_old_one_and_one_beside_the_data_are_warnings(sick: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "There is no backup" in doctor.check_backups(sick).text
    sick.association.backups_folder.mkdir(exist_ok=True)
    (sick.association.backups_folder / "b.zip").write_bytes(b"")

    assert "same disk" in doctor.check_backups(sick).text
    assert "3 days" in doctor.check_backups(replace(sick, now=sick.now + timedelta(days=3, minutes=1))).text

    monkeypatch.setattr(doctor, "same_disk", lambda one, other: False)
    assert doctor.check_backups(sick).state == "ok"


# --- one association: its database ------------------------------------------------------------------------------------


def test_a_database_that_is_not_there_is_a_fault(sick: Patient) -> None:
    away = replace(sick.association, database_url=f"sqlite:///{sick.association.folder}/elsewhere.sqlite3")

    found = {one.check: one for one in doctor.examine_one(away, sick.deployment, sick.now)}

    assert found["database"].grave
    assert not (sick.association.folder / "elsewhere.sqlite3").exists()


def test_a_damaged_file_is_a_fault(sick: Patient) -> None:
    file = sick.association.folder / "diwan.sqlite3"
    if not file.is_file():
        pytest.skip("PostgreSQL checks its own pages")
    pages = bytearray(file.read_bytes())
    pages[8192:16384] = b"\xff" * 8192
    file.write_bytes(pages)

    found = doctor.examine_one(replace(sick.association, database_url=f"sqlite:///{file}"), sick.deployment, sick.now)

    assert {one.check for one in found if one.grave} & {"integrity", "database"}


def test_tables_behind_the_program_are_a_fault(patient: Patient) -> None:
    assert only(doctor.check_schema(patient)).state == "ok"

    run(patient, "UPDATE alembic_version_core SET version_num = 'older'")

    found = only(doctor.check_schema(patient))
    assert found.grave
    assert f"diwan db upgrade --association {patient.association.slug}" in found.remedy


def test_a_missing_trigger_is_a_fault(patient: Patient) -> None:
    assert doctor.check_triggers(patient).state == "ok"
    sqlite = patient.reach.dialect.name == "sqlite"

    run(patient, "DROP TRIGGER core_audit_event_no_update" if sqlite else "DROP TRIGGER core_audit_event_keep ON core_audit_event")

    assert "core_audit_event" in doctor.check_triggers(patient).text


def test_a_chosen_plugin_that_is_not_installed_is_a_fault(healthy: tuple[Deployment, Association]) -> None:
    deployment, association = healthy
    choose_plugins(association, frozenset({"gone"}))
    try:
        with doctor.connected(association) as connection:
            found = only(doctor.check_selection(Patient(association, deployment, datetime.now(UTC), connection)))
    finally:
        choose_plugins(association, frozenset())

    assert found.grave
    assert "diwan plugins disable gone" in found.remedy


def test_a_clock_behind_the_log_is_a_fault(healthy: tuple[Deployment, Association]) -> None:
    deployment, association = healthy
    with opened(association, deployment) as (_app, session), work.unit_of_work(session):
        audit.record(session, "check")
    with doctor.connected(association) as connection:
        now = Patient(association, deployment, datetime.now(UTC), connection)

        assert doctor.check_clock(now).state == "ok"
        assert doctor.check_clock(replace(now, now=datetime(1999, 1, 1, tzinfo=UTC))).grave


def test_a_changed_log_is_a_fault_and_no_anchor_a_warning(healthy: tuple[Deployment, Association], patient: Patient) -> None:
    deployment, association = healthy
    with opened(association, deployment) as (_app, session), work.unit_of_work(session):
        audit.record(session, "check")
    assert doctor.check_audit(patient).state == "warning"

    with opened(association, deployment) as (_app, session):
        write_anchor(anchors_file(association.folder), chain_end(session))
    assert doctor.check_audit(patient).state == "ok"

    sqlite = patient.reach.dialect.name == "sqlite"
    run(patient, "DROP TRIGGER core_audit_event_no_update" if sqlite else "ALTER TABLE core_audit_event DISABLE TRIGGER ALL")
    run(patient, "UPDATE core_audit_event SET actor_label = 'somebody else'")
    found = doctor.check_audit(patient)
    anchors_file(association.folder).unlink()

    assert found.grave
    assert "diwan audit verify" in found.remedy


def test_no_worker_a_late_job_and_a_dead_one_are_found(patient: Patient) -> None:
    now = patient.now
    assert "No worker" in only(doctor.check_worker(patient)).text

    patient.reach.execute(sa.insert(WorkerBeat).values(worker="w", started_at=now, seen_at=now))
    assert only(doctor.check_worker(patient)).state == "ok"
    assert "No worker" in only(doctor.check_worker(replace(patient, now=now + timedelta(minutes=11)))).text

    jobs = sa.insert(JobRow).values(name="x", args={}, due_at=now - timedelta(hours=1), enqueued_at=now, attempts=0, progress_done=0)
    patient.reach.execute(jobs.values(state="waiting"))
    patient.reach.execute(jobs.values(state="dead"))
    texts = [one.text for one in doctor.check_worker(patient)]  # type: ignore[union-attr]
    assert texts == ["1 jobs are due and not begun.", "1 jobs failed five times and were given up."]


def test_no_mail_server_is_a_warning_and_waiting_mail_a_fault(patient: Patient) -> None:
    assert "No mail server" in doctor.check_mail(patient).text

    patient.reach.execute(sa.insert(StoredSetting).values(key=doctor.MAIL_SERVER, value={"value": "mail.example.org"}))
    assert doctor.check_mail(patient).state == "ok"

    patient.reach.execute(sa.insert(Mail).values(
        to_address="a@example.org", language="ar", subject="x", body="x", secret=False, message_id="1", state="queued", attempts=0,
        made_at=patient.now - timedelta(hours=2)))
    assert "1 mails" in doctor.check_mail(patient).text


def test_keys_of_an_audit_that_cannot_be_read_do_not_stop_the_other_checks(sick: Patient) -> None:
    (sick.association.keys_folder / "audit.key").unlink()

    found = {one.check: one.state for one in doctor.examine_one(sick.association, sick.deployment, sick.now)}

    assert found["keys"] == found["audit"] == "fault"
    assert found["schema"] == "ok"
