"""Migrations: one version table an owner, one ``migrations/env.py``, each revision in one transaction.

Owners are upgraded in order of dependence, core first; a plugin whose revision fails stops neither core nor another
plugin. After every upgrade the derived objects (triggers, full-text tables) are made again and checked. The app never
migrates itself: ``diwan db upgrade`` does, in a process of its own, after a backup.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

from core.database import ensure_derived, existing_objects, missing_derived, section, writing
from core.errors import DiwanError
from core.plugins.discovery import Catalogue

ROOT = Path(__file__).resolve().parent.parent
CORE_VERSIONS = ROOT / "migrations" / "versions"


@dataclass(frozen=True)
class Owner:
    """Who owns tables: ``core`` or a plugin, and where its revisions lie."""

    name: str
    versions: Path

    @property
    def version_table(self) -> str:
        return f"alembic_version_{self.name}"


@dataclass(frozen=True)
class OwnerState:
    owner: str
    current: str | None
    head: str | None

    @property
    def behind(self) -> bool:
        return self.current != self.head


def owners(catalogue: Catalogue) -> list[Owner]:
    """Core and every installed plugin that has revisions, in order of dependence."""
    plugins = [Owner(one.name, one.folder / "migrations") for one in catalogue.installed]
    return [Owner("core", CORE_VERSIONS), *(owner for owner in plugins if owner.versions.is_dir())]


def alembic_config(owner: Owner, connection: Connection | None = None) -> Config:
    """Alembic's configuration for one owner; the connection, when given, is used as it is."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("version_locations", str(owner.versions))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, owner=owner.name, version_table=owner.version_table)
    return config


@cache
def head(owner: Owner) -> str | None:
    """Read once a process: new revisions come with new code, which needs a restart."""
    return ScriptDirectory.from_config(alembic_config(owner)).get_current_head()


def states(connection: Connection, catalogue: Catalogue) -> list[OwnerState]:
    """Where each owner stands in this database."""
    present = existing_objects(connection)
    found = []
    for owner in owners(catalogue):
        current = None
        if owner.version_table in present:
            current = connection.execute(sa.text(f"SELECT version_num FROM {owner.version_table}")).scalar()  # noqa: S608
        found.append(OwnerState(owner.name, current, head(owner)))
    return found


@dataclass(frozen=True)
class Upgrade:
    """What an upgrade did: owners now at their head, and those that failed with the reason."""

    done: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]


def upgrade(engine: Engine, catalogue: Catalogue) -> Upgrade:
    """Bring every owner to its head. Core's failure raises; a plugin's is reported and the others go on."""
    done: list[str] = []
    failed: list[tuple[str, str]] = []
    for owner in owners(catalogue):
        try:
            _upgrade_owner(engine, owner)
            done.append(owner.name)
        except Exception as exc:
            if owner.name == "core":
                raise DiwanError(f"Core's migration failed and was rolled back: {exc}. The data is as it was, and a backup of it is in backups/."
                                 " Mend what is named here, then run `diwan db upgrade` again; the former program goes on serving meanwhile.") from exc
            failed.append((owner.name, str(exc)))
    with writing(engine).begin() as connection:
        ensure_derived(connection)
    with engine.connect() as connection:
        if missing := missing_derived(connection):
            raise DiwanError(f"The database lacks {', '.join(missing)} after the upgrade. Run `diwan db upgrade` again; if it stays, restore the backup.")
    return Upgrade(tuple(done), tuple(failed))


def _upgrade_owner(engine: Engine, owner: Owner) -> None:
    with section("migration"), writing(engine).connect() as connection:
        command.upgrade(alembic_config(owner, connection), "head")


def write_revision(engine: Engine, owner: Owner, message: str) -> Path | None:
    """Write the revision by which an owner's tables become what the models say; None where they are that already.

    ``engine`` is at the owner's head. The file is a proposal: a renamed column looks like one dropped and one added.
    """
    def only_if_needed(_context: Any, _revision: Any, directives: list[Any]) -> None:
        if directives[0].upgrade_ops.is_empty():
            directives.clear()

    number = len(list(owner.versions.glob("[0-9]*.py"))) + 1
    words = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")[:40]
    with section("migration"), writing(engine).connect() as connection:
        config = alembic_config(owner, connection)
        config.set_main_option("file_template", "%%(rev)s")
        made: Any = command.revision(config, message=message, autogenerate=True, rev_id=f"{number:04d}_{owner.name}" + (f"_{words}" if words else ""),
                                     process_revision_directives=only_if_needed)
    return Path(made.path) if made else None


def downgrade(engine: Engine, owner: Owner, revision: str = "base") -> None:
    """Take one owner's revisions back; for tests and for a plugin that leaves."""
    with section("migration"), writing(engine).connect() as connection:
        command.downgrade(alembic_config(owner, connection), revision)
