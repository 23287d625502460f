"""`diwan doctor`: what is wrong with this installation, and what to do about it.

Each check is a function that looks at one thing and returns findings: its id, whether it is well, what was found, and
the remedy. It changes nothing. A check that breaks is itself a finding.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.orm import Session as Reader

from core import schema
from core.audit.anchor import anchors_file, read_anchors
from core.audit.models import AuditBlock
from core.audit.verify import verify
from core.backup import newest
from core.database import make_engine, missing_derived
from core.errors import DiwanError
from core.i18n import CATALOGUE
from core.jobs.queries import health
from core.keys import NAMES, load_keys
from core.notices.models import QUEUED, SENDING, Mail
from core.plugins.discovery import installed_plugins
from core.plugins.selection import read_selection
from core.rollups import rollups, unequal
from core.settings import Association, Deployment, StoredSetting, all_associations

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 35, 0)
BACKUP_AGE = timedelta(hours=26)
WORKER_SILENCE = timedelta(minutes=10)
MAIL_SERVER = "notices.smtp_host"
MAIL_PATIENCE = timedelta(hours=1)
CLOCK_TOLERANCE = timedelta(minutes=5)
LEAST_FREE_BYTES = 500 * 1024 * 1024
LITTLE_FREE_BYTES = 2 * 1024 * 1024 * 1024


@dataclass(frozen=True)
class Finding:
    """What one check found. ``state`` is ``ok``, ``warning`` (works, but look at it) or ``fault``."""

    check: str
    state: str
    text: str
    remedy: str = ""
    association: str | None = None

    @property
    def grave(self) -> bool:
        return self.state == "fault"

    def line(self) -> str:
        where = f"{self.association}: " if self.association else ""
        return f"{self.state:<8}{self.check:<14}{where}{self.text} {self.remedy}".rstrip()


@dataclass(frozen=True)
class Patient:
    """One association under examination. ``connection`` reads only; None where the database cannot be reached."""

    association: Association
    deployment: Deployment
    now: datetime
    connection: Connection | None = None

    @property
    def reach(self) -> Connection:
        assert self.connection is not None
        return self.connection


def ok(check: str, text: str) -> Finding:
    return Finding(check, "ok", text)


def warning(check: str, text: str, remedy: str) -> Finding:
    return Finding(check, "warning", text, remedy)


def fault(check: str, text: str, remedy: str) -> Finding:
    return Finding(check, "fault", text, remedy)


# --- the installation -------------------------------------------------------------------------------------------------


def check_python(deployment: Deployment) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        return fault("python", f"Python {version} is too old.", "Install Python 3.11 or newer and run `make run PYTHON=python3.11`.")
    return ok("python", f"Python {version}.")


def check_sqlite(deployment: Deployment) -> Finding:
    """Old enough SQLite lacks RETURNING or the trigram index; some builds lack FTS5 altogether."""
    version = sqlite_version()
    name = ".".join(map(str, version))
    if version < OLDEST_SQLITE:
        return fault("sqlite", f"SQLite {name} is too old.", "Use a Python with SQLite 3.35 or newer, or PostgreSQL for every association.")
    if not has_trigram():
        return fault("sqlite", f"SQLite {name} was built without FTS5.", "Use a Python whose SQLite has FTS5; that of Debian and python.org does.")
    return ok("sqlite", f"SQLite {name} with FTS5.")


def sqlite_version() -> tuple[int, ...]:
    return sqlite3.sqlite_version_info


def has_trigram() -> bool:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE t USING fts5(a, tokenize='trigram')")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


def check_home(deployment: Deployment) -> Finding:
    """The folder of all state can be written, by us, and is not open to everybody."""
    home = deployment.home
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / f".probe-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as exc:
        return fault("home", f"{home} cannot be written: {exc.strerror}.", "Give this account the folder, or set DIWAN_HOME to one it owns.")
    if home.stat().st_mode & 0o002:
        return fault("home", f"Everybody on this machine may write to {home}.", f"Run: chmod o-w {home}")
    return ok("home", f"State is in {home}.")


def check_disk(deployment: Deployment) -> Finding:
    free = free_bytes(deployment.home)
    text = f"{free / 1024**3:.1f} GiB free at {deployment.home}."
    if free < LEAST_FREE_BYTES:
        return fault("disk", text, "Free some space now: when the disk is full, nothing can be saved.")
    if free < LITTLE_FREE_BYTES:
        return warning("disk", text, "Free some space, or move backups to another disk.")
    return ok("disk", text)


def free_bytes(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def check_translations(deployment: Deployment) -> Finding:
    """Every catalogue is compiled, and not before its last change."""
    stale = [source for root in catalogue_roots() for source in root.rglob(f"translations/{CATALOGUE}") if not _compiled(source)]
    if stale:
        return warning("translations", f"{len(stale)} catalogues are not compiled, such as {stale[0]}.",
                       "They are compiled when the server starts, if it may write there; start it once, or run `make run`.")
    return ok("translations", "All catalogues are compiled.")


def catalogue_roots() -> tuple[Path, ...]:
    return (ROOT / "core", ROOT / "templates", ROOT / "plugins")


def _compiled(source: Path) -> bool:
    compiled = source.with_suffix(".mo")
    return compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime


def check_assets(deployment: Deployment) -> Finding:
    folder = assets_folder()
    if not folder.is_dir() or not any(folder.iterdir()):
        return fault("assets", "Style sheets, fonts and scripts were not built; pages look bare.", "Run: python -m core.assets build")
    return ok("assets", f"Browser assets are in {folder}.")


def assets_folder() -> Path:
    return ROOT / "core" / "static" / "dist"


def check_plugins(deployment: Deployment) -> list[Finding]:
    """Every plugin that is installed loads."""
    catalogue = installed_plugins(deployment.plugin_path)
    if not catalogue.failed:
        return [ok("plugins", f"{len(catalogue.installed)} plugins load.")]
    return [fault("plugins", f"Plugin '{one.name}' is kept out: {one.problem}", one.remedy) for one in catalogue.failed]


def check_proxies(deployment: Deployment) -> Finding:
    """A host name without a declared proxy is never answered: plain HTTP is for loopback only."""
    named = [one.slug for one in all_associations(deployment) if one.hosts]
    if named and deployment.proxies == 0:
        return fault("https", f"{', '.join(named)} has host names, but no proxy is declared, so only loopback is answered.",
                     "Put an HTTPS proxy in front and set DIWAN_PROXIES to how many there are, usually 1.")
    if deployment.proxies and not named:
        return warning("https", f"{deployment.proxies} proxies are declared, but no association has a host name.",
                       "Write hosts = [\"…\"] into its association.toml, or unset DIWAN_PROXIES.")
    return ok("https", f"{deployment.proxies} proxies declared.")


# --- one association --------------------------------------------------------------------------------------------------


def check_keys(patient: Patient) -> Finding:
    """The keys are there, long enough, no default, and nobody else's to read."""
    try:
        load_keys(patient.association.keys_folder)
    except DiwanError as error:
        return fault("keys", str(error), "")
    if patient.association.keys_folder.stat().st_mode & 0o077:
        return fault("keys", f"Others may look into {patient.association.keys_folder}.", f"Run: chmod 700 {patient.association.keys_folder}")
    return ok("keys", f"{len(NAMES)} keys, readable by this account only.")


def check_configuration(patient: Patient) -> Finding:
    """A database password in association.toml is read by this account only."""
    file = patient.association.folder / "association.toml"
    has_password = make_url(patient.association.database_url).password is not None
    if has_password and file.stat().st_mode & 0o077:
        return fault("configuration", f"{file} holds a password that others may read.", f"Run: chmod 600 {file}")
    return ok("configuration", f"{file} is in order.")


def check_integrity(patient: Patient) -> Finding:
    """SQLite's pages and foreign keys; PostgreSQL checks its own pages."""
    if patient.reach.dialect.name != "sqlite":
        return ok("integrity", "The database answers.")
    damage = patient.reach.exec_driver_sql("PRAGMA quick_check(3)").scalars().all()
    if damage != ["ok"]:
        return fault("integrity", f"The database file is damaged: {damage[0]}.", "Stop the server and restore the last backup: diwan restore FILE")
    orphans = patient.reach.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if orphans:
        return fault("integrity", f"{len(orphans)} rows, of '{orphans[0][0]}' and others, point at nothing.",
                     "Restore the last backup, or ask for help before you go on.")
    return ok("integrity", "The database file is whole.")


def check_schema(patient: Patient) -> list[Finding]:
    """Every owner's tables are at their newest revision."""
    behind = [one for one in schema.states(patient.reach, installed_plugins(patient.deployment.plugin_path)) if one.behind]
    command = f"Run: diwan db upgrade --association {patient.association.slug}"
    found = [fault("schema", f"The tables of '{one.owner}' are at {one.current or 'nothing'}, the program needs {one.head}.", command) for one in behind]
    return found or [ok("schema", "All tables are up to date.")]


def check_triggers(patient: Patient) -> Finding:
    """The triggers that guard register and log, and the search tables, are all there."""
    missing = missing_derived(patient.reach)
    if missing:
        return fault("triggers", f"The database lacks {', '.join(missing)}.", f"Run: diwan db upgrade --association {patient.association.slug}")
    return ok("triggers", "All triggers and search tables are in place.")


def check_rollups(patient: Patient) -> list[Finding]:
    """Every roll-up says what its rows say."""
    known = rollups(patient.reach)
    command = f"Run: diwan db upgrade --association {patient.association.slug}"
    found = [fault("roll-ups", f"'{one.name}' differs from '{one.source.name}' in {count} groups; reports show wrong sums.", command)
             for one in known if (count := unequal(patient.reach, one))]
    return found or [ok("roll-ups", f"{len(known)} roll-ups equal their rows.")]


def check_selection(patient: Patient) -> list[Finding]:
    """Every plugin that was chosen is installed."""
    known = {one.name for one in installed_plugins(patient.deployment.plugin_path).installed}
    absent = sorted(read_selection(patient.reach).names - known)
    found = [fault("selection", f"The plugin '{name}' is on but cannot be loaded.",
                   f"Install or mend it, or run: diwan plugins disable {name} --association {patient.association.slug}") for name in absent]
    return found or [ok("selection", "All chosen plugins are installed.")]


def check_backups(patient: Patient) -> Finding:
    """The last backup is of today, and lies on another disk than the data."""
    folder, slug = patient.association.backups_folder, patient.association.slug
    last = newest(patient.association)
    if last is None:
        return warning("backups", "There is no backup.", f"Run each night: diwan backup --association {slug}")
    age = patient.now - datetime.fromtimestamp(last.stat().st_mtime, UTC)
    if age > BACKUP_AGE:
        return warning("backups", f"The last backup is {age.days} days and {age.seconds // 3600} hours old.",
                       f"Run each night: diwan backup --association {slug}")
    if same_disk(folder, patient.association.folder):
        return warning("backups", "Backups lie on the same disk as the data.", f"Copy {folder} to another machine each night, or mount another disk there.")
    return ok("backups", f"The last backup is {last.name}.")


def same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def check_clock(patient: Patient) -> Finding:
    """Our clock agrees with the last entry of the audit log and, on PostgreSQL, with the database's."""
    last = last_event_at(patient.reach)
    if last is not None and last - patient.now > CLOCK_TOLERANCE:
        return fault("clock", f"The audit log's last entry is of {last:%Y-%m-%d %H:%M} UTC, but this clock says {patient.now:%Y-%m-%d %H:%M}.",
                     "Set the clock right (timedatectl set-ntp true) before anybody works.")
    return ok("clock", f"It is {patient.now:%Y-%m-%d %H:%M} UTC.")


def check_audit(patient: Patient) -> Finding:
    """The audit chain is whole, by the key and by every anchor written."""
    file = anchors_file(patient.association.folder)
    anchors = read_anchors(file) if file.is_file() else []
    verdict = verify(patient.reach, load_keys(patient.association.keys_folder).audit, anchors)
    command = f"Run: diwan audit verify --association {patient.association.slug}"
    if not verdict.sound:
        return fault("audit", f"The audit log is not as it was written: {verdict.damage_count} places.",
                     f"{command}   and keep this state for whoever looks into it.")
    if not anchors:
        return warning("audit", f"{verdict.entries} entries are sound, but there is no anchor: a cut-off end would not be noticed.",
                       f"Run each day: diwan audit anchor --association {patient.association.slug}")
    return ok("audit", f"{verdict.entries} entries are sound, {len(anchors)} anchors fit.")


def check_worker(patient: Patient) -> list[Finding]:
    """A worker looks after this association, nothing waits too long, and no job has failed for good."""
    with Reader(patient.reach) as session:
        found = health(session, patient.now)
    problems = []
    if found.beat_at is None or patient.now - found.beat_at > WORKER_SILENCE:
        seen = f"since {found.beat_at:%Y-%m-%d %H:%M} UTC" if found.beat_at else "yet"
        problems.append(fault("worker", f"No worker has looked after it {seen}; imports, mail and digests wait.", "Start one: diwan worker"))
    if found.late:
        problems.append(warning("worker", f"{found.late} jobs are due and not begun.", "Start another worker, or look at its log."))
    if found.dead:
        problems.append(warning("worker", f"{found.dead} jobs failed five times and were given up.", "Settings → Background work shows why."))
    return problems or [ok("worker", f"A worker looked at {found.beat_at:%H:%M} UTC.")]


def check_mail(patient: Patient) -> Finding:
    """A mail server is set, and mail leaves."""
    waiting = sa.select(sa.func.count()).where(Mail.state.in_((QUEUED, SENDING)), Mail.made_at < patient.now - MAIL_PATIENCE)
    unsent = patient.reach.scalar(waiting) or 0
    if not stored_value(patient.reach, MAIL_SERVER):
        return warning("mail", "No mail server is set; invitations and notices must be copied by hand.", "Set one: Settings → Mail")
    if unsent:
        return fault("mail", f"{unsent} mails have been waiting for more than an hour.", "Check the mail server's address and password: Settings → Mail")
    return ok("mail", "Mail leaves.")


def stored_value(connection: Connection, key: str) -> Any:
    value = connection.scalar(sa.select(StoredSetting.value).where(StoredSetting.key == key))
    return (value or {}).get("value")


def last_event_at(connection: Connection) -> datetime | None:
    return connection.scalar(sa.select(sa.func.max(AuditBlock.at)))


OF_DEPLOYMENT: tuple[Callable[[Deployment], Finding | list[Finding]], ...] = (
    check_python, check_sqlite, check_home, check_disk, check_translations, check_assets, check_plugins, check_proxies,
)
BEFORE_SERVING = (check_python, check_sqlite, check_home)
OF_FOLDER: tuple[Callable[[Patient], Finding | list[Finding]], ...] = (check_keys, check_configuration, check_backups)
OF_DATABASE: tuple[Callable[[Patient], Finding | list[Finding]], ...] = (
    check_integrity, check_schema, check_triggers, check_rollups, check_selection, check_clock, check_audit, check_worker, check_mail,
)


# --- all of it --------------------------------------------------------------------------------------------------------


def examine(deployment: Deployment, associations: list[Association], now: datetime) -> list[Finding]:
    """Every check on the installation and on each association."""
    found = [finding for check in OF_DEPLOYMENT for finding in run_check(check, deployment)]
    for association in associations:
        found += [replace(finding, association=association.slug) for finding in examine_one(association, deployment, now)]
    return found


def examine_one(association: Association, deployment: Deployment, now: datetime) -> list[Finding]:
    """The checks of one association; those of the database only where it can be reached."""
    patient = Patient(association, deployment, now)
    found = [finding for check in OF_FOLDER for finding in run_check(check, patient)]
    try:
        with connected(association) as connection:
            reached = replace(patient, connection=connection)
            found += [finding for check in OF_DATABASE for finding in run_check(check, reached)]
    except Exception as exc:
        found.append(fault("database", f"The database cannot be reached: {_first_line(exc)}", "Start it, or correct its address in association.toml."))
    return found


@contextmanager
def connected(association: Association) -> Iterator[Connection]:
    """A reading connection; raises DiwanError where a SQLite file is absent rather than make an empty one."""
    url = make_url(association.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise DiwanError(f"{url.database} does not exist.")
    engine = make_engine(url, pool_size=1)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def run_check(check: Callable[[Any], Finding | list[Finding]], subject: Deployment | Patient) -> list[Finding]:
    """The findings of one check; when it breaks, that."""
    name = check.__name__.removeprefix("check_")
    try:
        found = check(subject)
    except Exception as exc:
        if isinstance(subject, Patient) and subject.connection is not None:
            subject.connection.rollback()
        return [fault(name, f"This could not be checked: {_first_line(exc)}", "Mend what is named above and run `diwan doctor` again.")]
    return found if isinstance(found, list) else [found]


def _first_line(exc: Exception) -> str:
    text = str(getattr(exc, "orig", None) or exc)
    return (text.splitlines() or [type(exc).__name__])[0]


def preflight(deployment: Deployment) -> list[Finding]:
    """What must be well before a server starts."""
    return [finding for check in BEFORE_SERVING for finding in run_check(check, deployment)]


def report(findings: list[Finding]) -> str:
    """One line a finding, what is wrong first, and a last line that counts."""
    order = {"fault": 0, "warning": 1, "ok": 2}
    lines = [finding.line() for finding in sorted(findings, key=lambda one: order[one.state])]
    counts = {state: sum(one.state == state for one in findings) for state in order}
    return "\n".join([*lines, f"{_count(counts['fault'], 'fault')}, {_count(counts['warning'], 'warning')}, {_count(counts['ok'], 'check')} well."])


def _count(number: int, word: str) -> str:
    return f"{number} {word if number == 1 else word + 's'}"
