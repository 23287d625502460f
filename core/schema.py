"""Migrations: one version table an owner, one ``migrations/env.py``, each revision in one transaction.

Owners are upgraded in order of dependence, core first; a plugin whose revision fails stops neither core nor another
plugin. After every upgrade the derived objects (triggers, full-text tables) are made again and checked, and the roll-ups
are made equal to their rows, which a revision may have changed while their triggers were away. The app never
migrates itself: ``diwan db upgrade`` does, in a process of its own, after a backup. Alembic is therefore loaded where a
revision is run or written, and not by the server, which only asks where each owner stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from core.database import drop_triggers, ensure_derived, existing_objects, missing_derived, section, writing
from core.errors import DiwanError
from core.plugins.discovery import Catalogue
from core.rollups import mend, rollups, unequal

if TYPE_CHECKING:
    from alembic.config import Config

ROOT = Path(__file__).resolve().parent.parent
CORE_VERSIONS = ROOT / "migrations" / "versions"
NAMED = re.compile(r"""^(revision|down_revision)\b[^=]*= *["']([^"']+)["']""", re.MULTILINE)
"""How a revision names itself and the one it follows."""


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
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("version_locations", str(owner.versions))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, owner=owner.name, version_table=owner.version_table)
    return config


@cache
def head(owner: Owner) -> str | None:
    """The revision that no other follows. Read once a process: new revisions come with new code, which needs a restart."""
    named = [NAMED.findall(path.read_text(encoding="utf-8")) for path in owner.versions.glob("*.py")]
    present = {name for found in named for key, name in found if key == "revision"}
    followed = {name for found in named for key, name in found if key == "down_revision"}
    heads = sorted(present - followed)
    if len(heads) > 1:
        raise DiwanError(f"The revisions of {owner.name} end in {' and '.join(heads)}. Let each follow one other: correct down_revision in {owner.versions}.")
    return next(iter(heads), None)


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
    found = migrate(engine, catalogue)
    with writing(engine).begin() as connection:
        ensure_derived(connection)
    with engine.connect() as connection:
        if missing := missing_derived(connection):
            raise DiwanError(f"The database lacks {', '.join(missing)} after the upgrade. Run `diwan db upgrade` again; if it stays, restore the backup.")
    _mend_rollups(engine)
    return found


def _mend_rollups(engine: Engine) -> None:
    """Looked for while others write, which at millions of rows takes a while; only what differs is written."""
    with engine.connect() as connection:
        differ = [one for one in rollups(connection) if unequal(connection, one)]
    for one in differ:
        with writing(engine).begin() as connection:
            mend(connection, one)


def migrate(engine: Engine, catalogue: Catalogue) -> Upgrade:
    """The revisions alone, without what the models derive: its tables may be those of a revision that is yet to be written."""
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
    return Upgrade(tuple(done), tuple(failed))


def _upgrade_owner(engine: Engine, owner: Owner) -> None:
    from alembic import command

    with section("migration"), writing(engine).connect() as connection:
        command.upgrade(alembic_config(owner, connection), "head")


def write_revision(engine: Engine, owner: Owner, message: str) -> Path | None:
    """Write the revision by which an owner's tables become what the models say; None where they are that already.

    ``engine`` is at the owner's head. The file is a proposal: a renamed column looks like one dropped and one added.
    """
    from alembic import command

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
    from alembic import command

    with writing(engine).begin() as connection:
        drop_triggers(connection, owner.name)
    with section("migration"), writing(engine).connect() as connection:
        command.downgrade(alembic_config(owner, connection), revision)
