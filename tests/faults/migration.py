"""F06, F07: a migration that raises half-way, one that is killed half-way, and one of a plugin's; then the mended one.

Nothing of a broken revision stays: tables, columns and the revision are those of before, a whole backup lies there, the server
that runs goes on, and the message says what to do. A plugin's failure stops neither core nor the other plugins.
"""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import sqlalchemy as sa

from core import schema
from core.backup import newest, read_archive
from core.database import make_engine
from core.schema import Owner
from tests.faults.client import send
from tests.faults.fault import Fault, Outcome, main
from tests.faults.load import Load, plain_text
from tests.faults.stage import SLUG, Stage, stage

PLUGIN = '''"""A plugin with one table."""

from core.i18n import lazy_gettext as _l
from core.plugins.manifest import PluginInfo

PLUGIN = PluginInfo(name="wobbly", title=_l("Wobbly"), version="1.0")
'''
REVISION = '''"""A revision that does as the file beside it says."""

import os
import signal
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{revision}", {down}, None, None


def upgrade() -> None:
    op.create_table("{owner}_fault_new", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("name", sa.Text()))
    op.execute("INSERT INTO {owner}_fault_new (id, name) VALUES (1, 'half')")
    op.add_column("{table}", sa.Column("fault", sa.Integer()))
    way = (Path(__file__).parent / "way").read_text()
    if way == "raise":
        raise RuntimeError("half-way")
    if way == "kill":
        os.kill(os.getpid(), signal.SIGKILL)


def downgrade() -> None:
    op.drop_table("{owner}_fault_new")
'''
FIRST = '''"""The plugin's table."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0001_wobbly", None, None, None


def upgrade() -> None:
    op.create_table("wobbly_thing", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade() -> None:
    op.drop_table("wobbly_thing")
'''


def play(engine: str, rounds: int) -> Outcome:
    outcome = Outcome()
    with stage(engine, workers=0) as here:
        plugins, revisions = _prepare(here)
        here.variables["FAULT_REVISIONS"] = str(revisions)
        here.serve(workers=1)
        load = here.load(clients=2)
        _acts(load)
        before = _shape(here)
        _write(revisions, "core", "core_customer", schema.head(Owner("core", revisions)))
        for _round in range(rounds):
            for way, status in (("raise", 1), ("kill", -signal.SIGKILL)):
                _broken(here, revisions, way, status, before, outcome)
                _acts(load)  # the server that runs is of the old schema, and so is the database
        _restarted_says_so(here, outcome)
        _plugin_broken(here, plugins, revisions, outcome)
        _mended(here, plugins, outcome)
        here.serve(workers=1)
        _acts(load)
        outcome.figures.append(f"{rounds} × raised, killed; plugin kept out; mended on the second run")
        outcome.take(here, load)
    return outcome


def _acts(load: Load) -> None:
    with load.running():
        load.wait_for_acks(4)


def _prepare(here: Stage) -> tuple[Path, Path]:
    """A copy of core's revisions to break, and a plugin whose first revision is in place."""
    revisions = here.deployment.home / "revisions"
    shutil.copytree(schema.CORE_VERSIONS, revisions, ignore=shutil.ignore_patterns("__pycache__"))
    plugins = here.deployment.home / "plugins"
    (plugins / "wobbly" / "migrations").mkdir(parents=True)
    (plugins / "wobbly" / "plugin.py").write_text(PLUGIN)
    (plugins / "wobbly" / "__init__.py").write_text("")
    (plugins / "wobbly" / "migrations" / "0001_wobbly.py").write_text(FIRST)
    here.variables["DIWAN_PLUGIN_PATH"] = str(plugins)
    done = here.run("db", "upgrade", "--association", SLUG)
    if done.returncode != 0:
        raise RuntimeError(f"the first upgrade failed: {done.stderr}")
    return plugins, revisions


def _write(folder: Path, owner: str, table: str, down: str | None) -> None:
    text = REVISION.format(revision=f"0900_{owner}", down=repr(down), owner=owner, table=table)
    (folder / f"0900_{owner}.py").write_text(text)
    (folder / "way").write_text("raise")


def _shape(here: Stage) -> dict[str, list[str]]:
    """Tables with their columns, and where each owner's revisions stand."""
    engine = make_engine(here.association.database_url, pool_size=1)
    try:
        with engine.connect() as connection:
            found = sa.inspect(connection)
            shape = {table: sorted(one["name"] for one in found.get_columns(table)) for table in found.get_table_names()}
            versions = [table for table in shape if table.startswith("alembic_version_")]
            return shape | {f"revision in {table}": [str(connection.scalar(sa.text(f"SELECT version_num FROM {table}")))] for table in versions}
    finally:
        engine.dispose()


def _broken(here: Stage, revisions: Path, way: str, status: int, before: dict[str, list[str]], outcome: Outcome) -> None:
    (revisions / "way").write_text(way)
    known = newest(here.association)
    done = here.run("db", "upgrade", "--association", SLUG)
    outcome.expect(done.returncode == status, f"{way}: the upgrade ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    after = _shape(here)
    changed = {name for name in after.keys() | before.keys() if after.get(name) != before.get(name)}
    outcome.expect(not changed, f"{way}: left behind: {sorted(changed)}")
    backup = newest(here.association)
    outcome.expect(backup is not None and backup != known, f"{way}: no backup was taken before")
    if backup is not None:
        read_archive(backup)
    if way == "raise":
        said = done.stderr.strip()
        plain = len(said.splitlines()) == 1 and all(word in said for word in ("rolled back", "half-way", "backups", "diwan db upgrade"))
        outcome.expect(plain, f"the message does not say what to do: {said}")


def _restarted_says_so(here: Stage, outcome: Outcome) -> None:
    """A server of the new program over the old schema serves nothing, and says which command helps."""
    here.stop_servers()
    port = here.serve(workers=1, ready=False)
    answer = send(port, "GET", f"/{SLUG}/login/")
    outcome.expect(answer.status == 503 and "diwan db upgrade" in answer.body, f"over an old schema: {answer.status} {plain_text(answer.body)[:150]}")
    here.stop_servers()


def _plugin_broken(here: Stage, plugins: Path, revisions: Path, outcome: Outcome) -> None:
    (revisions / "way").write_text("mended")
    _write(plugins / "wobbly" / "migrations", "wobbly", "wobbly_thing", "0001_wobbly")
    done = here.run("db", "upgrade", "--association", SLUG)
    outcome.expect(done.returncode == 1 and "wobbly was not upgraded and stays out" in done.stderr, f"the plugin's failure: {done.returncode} {done.stderr}")
    shape = _shape(here)
    outcome.expect("core_fault_new" in shape and shape["revision in alembic_version_core"] == ["0900_core"], "core was not upgraded beside the plugin")
    outcome.expect("wobbly_fault_new" not in shape and "fault" not in shape["wobbly_thing"], "the plugin's revision left something behind")
    listed = here.run("plugins", "list", "--association", SLUG).stdout
    outcome.expect("its tables are older than its code" in listed, f"`diwan plugins list` does not say it: {listed}")


def _mended(here: Stage, plugins: Path, outcome: Outcome) -> None:
    (plugins / "wobbly" / "migrations" / "way").write_text("mended")
    done = here.run("db", "upgrade", "--association", SLUG)
    outcome.expect(done.returncode == 0, f"mended, it still fails: {done.stderr}")
    shape = _shape(here)
    outcome.expect("wobbly_fault_new" in shape and "fault" in shape["wobbly_thing"], "mended, the plugin's revision did not run")


FAULT = Fault("migration", "a migration broken half-way, and mended", play, rounds=1, most=5)

if __name__ == "__main__":
    main(FAULT)
