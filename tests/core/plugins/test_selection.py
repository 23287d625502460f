"""What a plugin needs and what it only works with (PLUG-07); presets choose what is installed and say the rest (PLUG-08)."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.commands import association_add, operator
from core.database import make_engine, section
from core.errors import Conflict, NotAllowed, NotFound
from core.i18n import Bilingual
from core.opening import add_association
from core.organisation import services as organisation
from core.plugins import queries, selection
from core.plugins.discovery import Catalogue, installed_plugins
from core.plugins.selection import PluginSelection
from core.settings import Deployment, find_association
from core.testing import NOON, actor_with
from tests.acceptance.plugins_of_a_story import StoryPlugin, write_plugins
from tests.conftest import PLUGINS

STORY = (
    StoryPlugin("sel_calls"),
    StoryPlugin("sel_links", works_with=("sel_calls",)),
    StoryPlugin("sel_needy", depends=("sel_calls",)),
)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return installed_plugins((write_plugins(tmp_path_factory.mktemp("selection"), STORY),))


def on(session: Session) -> list[str]:
    session.expire_all()
    return list(session.scalars(sa.select(PluginSelection)).one().names["on"])


def test_a_plugin_that_works_with_another_goes_on_and_off_without_it(session: Session, catalogue: Catalogue) -> None:
    selection.enable(session, catalogue, "sel_links", actor=operator(), now=NOON)
    assert on(session) == ["sel_links"]

    selection.enable(session, catalogue, "sel_calls", actor=operator(), now=NOON)
    selection.disable(session, catalogue, "sel_calls", actor=operator(), now=NOON)
    assert on(session) == ["sel_links"]


def test_a_plugin_that_needs_another_says_so_both_ways(session: Session, catalogue: Catalogue) -> None:
    with pytest.raises(Conflict, match="sel_calls") as refused:
        selection.enable(session, catalogue, "sel_needy", actor=operator(), now=NOON)
    assert refused.value.rule == "PLUG-07"

    for name in ("sel_calls", "sel_needy"):
        selection.enable(session, catalogue, name, actor=operator(), now=NOON)
    with pytest.raises(Conflict, match="sel_needy"):
        selection.disable(session, catalogue, "sel_calls", actor=operator(), now=NOON)
    assert sorted(on(session)) == ["sel_calls", "sel_needy"]


def test_a_plugin_without_its_tables_is_not_turned_on(session: Session) -> None:
    catalogue = installed_plugins((PLUGINS,))
    with section("test"):
        session.execute(sa.text("DROP TABLE alembic_version_dummy_plugin"))

    with pytest.raises(Conflict, match="diwan db upgrade"):
        selection.enable(session, catalogue, "dummy_plugin", actor=operator(), now=NOON)
    assert "dummy_plugin" not in on(session)


def test_choosing_plugins_needs_the_permission(session: Session, catalogue: Catalogue) -> None:
    with pytest.raises(NotAllowed):
        selection.enable(session, catalogue, "sel_calls", actor=actor_with(), now=NOON)


def test_an_unknown_preset_leaves_no_half_of_an_association(deployment: Deployment) -> None:
    with pytest.raises(NotFound, match="khairukum"):
        add_association(deployment, "half", name=Bilingual("نصف", "Half"), preset="nosuch")
    assert not (deployment.associations / "half").exists()


def test_the_four_presets_choose_the_plugins_of_their_association() -> None:
    chosen = {one["slug"]: set(one["plugins"]) for one in organisation.presets()}

    assert set(chosen) == {"neighbourhood_centres", "rahma", "khairukum", "wholesale"}
    assert chosen["rahma"] == {"campaigns", "social", "links", "callcenter", "complaints"}
    assert chosen["khairukum"] == {"social"} and "social" in chosen["wholesale"]
    assert {"campaigns", "leads", "complaints", "surveys"} <= chosen["neighbourhood_centres"]


def test_a_preset_skips_what_is_not_installed_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DIWAN_HOME", str(tmp_path))
    monkeypatch.setenv("DIWAN_PLUGIN_PATH", str(PLUGINS))
    monkeypatch.setattr(organisation, "preset_plugins", lambda _slug: ["not_built_yet", "dummy_plugin"])

    association_add(argparse.Namespace(slug="preset", name_ar="جمعية", name_en=None, preset="khairukum", database=None, host=None))

    said = capsys.readouterr().out
    engine = make_engine(find_association(Deployment.from_environment(), "preset").database_url)
    with engine.connect() as connection:
        chosen = selection.read_selection(connection)
    engine.dispose()
    assert chosen.names == {"dummy_plugin"}
    assert "not_built_yet" in said and "dummy_plugin" not in said.splitlines()[0]


def test_rows_of_tables_not_made_yet_are_unknown_and_no_error(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = sa.MetaData()
    sa.Table("sel_future_note", newer, sa.Column("id", sa.Integer, primary_key=True))
    monkeypatch.setattr(queries, "metadata", newer)

    assert queries.rows_kept(session, "sel_future") is None
    assert queries.rows_kept(session, "sel_other") == 0
