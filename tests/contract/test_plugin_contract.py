"""What every plugin must keep, run once for each that is installed; ``--plugin NAME`` runs it for one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from core import schema
from core.audit.plan import plan_for
from core.audit.titles import actions, field_title, record_title
from core.consent.domain import PURPOSES
from core.database import _bases, make_engine, metadata
from core.i18n import Bilingual, LazyString
from core.plugins.discovery import Installed
from core.settings import Association
from core.testing import new_database
from tests.contract import senders

METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2), "lazy_ngettext": (1, 2), "pgettext": ((1, "c"), 2)}


def test_manifest_names_begin_with_the_plugin(plugin: Installed) -> None:
    info = plugin.info

    named = [*(p.name for p in info.permissions), *(s.key for s in info.settings), *(d.name for d in info.decisions)]

    assert [name for name in named if not name.startswith(f"{info.name}.")] == []
    assert re.fullmatch(r"[a-z][a-z0-9_]{2,29}", info.name)
    assert re.fullmatch(r"\d+(\.\d+)*", info.version)


def test_every_model_is_tracked_or_listed_with_a_reason(plugin: Installed) -> None:
    untracked = {model.class_.__tablename__ for model in models(plugin) if not model.class_.__audit__}

    assert untracked == set(plugin.info.untracked)
    assert all(len(reason) > 10 for reason in plugin.info.untracked.values())


def test_the_log_has_words_in_both_languages_for_every_record_and_field(plugin: Installed) -> None:
    for mapper in (one for one in models(plugin) if one.class_.__audit__):
        table = mapper.local_table.name
        assert both(record_title(table)), f"{table}: say what one is called, by `__audit_title__`"
        nameless = [field for field in plan_for(mapper).fields if not both(field_title(table, field))]
        assert nameless == [], f"{table}: say what they are called, by `Base.__audit_fields__`"


def test_the_log_has_words_for_every_act_that_services_name(plugin: Installed) -> None:
    assert sorted(acts_named(plugin.folder) - set(actions())) == [], "say what they are called, by `Base.__audit_actions__`"


def acts_named(folder: Path) -> set[str]:
    """The literal names that code below ``folder`` gives to ``audit.name_action``."""
    calls = (node for file in folder.rglob("*.py") for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    named = (call.args[2] for call in calls if getattr(call.func, "attr", "") == "name_action" and len(call.args) > 2)
    return {one.value for one in named if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def both(title: object) -> bool:
    """Whether a title is said in both languages: as data, or as a text of the catalogue, which another test holds complete."""
    return isinstance(title, LazyString) or (isinstance(title, Bilingual) and title.en.isascii() and not title.ar.isascii())


def test_tables_have_no_database_side_effects(plugin: Installed) -> None:
    for table in tables(plugin):
        for key in table.foreign_keys:
            assert key.ondelete is None, f"{table.name}: {key.target_fullname} cascades in the database, which the audit log never sees"
            assert key.onupdate is None
        assert [column.name for column in table.columns if column.onupdate or column.server_onupdate] == []


def test_foreign_keys_reach_only_core_or_what_it_depends_on(plugin: Installed) -> None:
    allowed = {"core", plugin.name, *plugin.info.depends}

    reached = {key.target_fullname.split("_", 1)[0] for table in tables(plugin) for key in table.foreign_keys}

    assert reached <= allowed


def test_migrations_give_the_models_and_go_back(plugin: Installed, association: Association, postgres_or_sqlite: str) -> None:
    engine = make_engine(postgres_or_sqlite)
    owners = [schema.Owner("core", schema.CORE_VERSIONS), schema.Owner(plugin.name, plugin.folder / "migrations")]
    for owner in owners:
        schema._upgrade_owner(engine, owner)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": own_objects(plugin.name), "version_table": owners[1].version_table})
        assert compare_metadata(context, metadata) == []
        reached = [connection.scalar(sa.text(f"SELECT version_num FROM {owner.version_table}")) for owner in owners]
        assert reached == [schema.head(owner) for owner in owners]
    schema.downgrade(engine, owners[1])
    with engine.connect() as connection:
        assert [name for name in sa.inspect(connection).get_table_names() if name.startswith(f"{plugin.name}_")] == []
    engine.dispose()


def test_imports_stay_inside_the_arrows(plugin: Installed) -> None:
    own = plugin.module.__name__.rsplit(".", 1)[0]
    wrong = []
    for file in plugin.folder.rglob("*.py"):
        for module in imported(file):
            other = re.match(r"plugins\.(\w+)(?:\.(\w+))?", module)
            if other and f"plugins.{other[1]}" != own and not (other[1] in plugin.info.depends and other[2] == "api"):
                wrong.append(f"{file.name}: {module}")
            if module.startswith("tests"):
                wrong.append(f"{file.name}: {module}")

    assert wrong == []


def test_everything_is_translated(plugin: Installed) -> None:
    catalogue = plugin.folder / "translations" / "ar" / "LC_MESSAGES" / "messages.po"
    with catalogue.open("rb") as handle:
        known = {message.id if isinstance(message.id, str) else message.id[0]: message.string for message in read_po(handle, locale="ar") if message.id}

    used = {message if isinstance(message, str) else message[0]
            for _file, _line, message, _comments, _context in extract_from_dir(plugin.folder, METHODS, keywords=KEYWORDS)}

    assert sorted(text for text in used if not complete(known.get(text))) == []


def complete(translation: object) -> bool:
    return all(translation) if isinstance(translation, (tuple, list)) else bool(translation)


def test_it_says_what_it_is_for(plugin: Installed) -> None:
    readme = plugin.folder / "README.md"

    assert readme.is_file()
    assert len(readme.read_text(encoding="utf-8")) > 60


def test_whoever_objects_to_a_contact_objects_to_it_on_lists_too(plugin: Installed) -> None:
    hooks = ("contact_objections", "uncontactable")
    assert len({hasattr(plugin.module, one) for one in hooks}) == 1, "contact_objections and uncontactable are implemented together"


def test_whoever_contacts_customers_says_so_and_asks(plugin: Installed) -> None:
    """Every sender asks for consent (PERM-01, PERM-02): who names no purpose in ``contacts`` holds no number and sends nothing."""
    if plugin.info.contacts:
        assert set(plugin.info.contacts) <= set(PURPOSES)
        assert senders.ways_of_asking(plugin.folder), f"{plugin.name} says that it contacts customers and calls none of {sorted(senders.ASKING)}"
    else:
        assert senders.signs_of_contact(plugin.folder) == [], f"name in {plugin.name}'s manifest for what it contacts customers, and ask core.consent"
    assert senders.asks_the_hook_itself(plugin.folder) == [], "ask core.consent.services, which asks the plugins and core's own rules"


def models(plugin: Installed) -> list[sa.orm.Mapper[object]]:
    base = _bases.get(plugin.name)
    return list(base.registry.mappers) if base is not None else []


def tables(plugin: Installed) -> list[sa.Table]:
    return [table for table in metadata.tables.values() if table.name.startswith(f"{plugin.name}_")]


def own_objects(owner: str) -> object:
    def include(item: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
        table = name if kind == "table" else getattr(getattr(item, "table", None), "name", None)
        return table is None or table.startswith(f"{owner}_")

    return include


def imported(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.fixture
def postgres_or_sqlite(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The address of an empty database on this engine."""
    if engine_name == "postgresql":
        return new_database(request.getfixturevalue("postgres"))
    return f"sqlite:///{tmp_path / 'empty.sqlite3'}"
