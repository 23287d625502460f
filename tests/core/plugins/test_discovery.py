"""A plugin that cannot load is named with its fault and remedy; everybody else goes on."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import configure_mappers

from core.database import forget_owner, metadata
from core.errors import PluginError
from core.plugins.discovery import Installed, load_plugin, order_by_dependence

MANIFEST = "from core.plugins.manifest import PluginInfo\nPLUGIN = PluginInfo(name='{name}', title='T', version='1.0'{more})\n"
MODEL = (
    "from sqlalchemy.orm import Mapped, mapped_column, relationship\nfrom core.database import owner_base\nBase = owner_base('{name}')\n"
    "class Thing(Base):\n    __tablename__ = '{table}'\n    id: Mapped[int] = mapped_column(primary_key=True)\n"
)
_numbers = itertools.count()
Load = Callable[..., Installed]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Write a plugin's plugin.py and load it; whatever it left is taken out afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made: list[str] = []

    def write_and_load(source: str, *, more: str = "", taken: set[str] | None = None) -> Installed:
        name = f"bad{next(_numbers)}"
        made.append(name)
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "plugin.py").write_text(source.replace("{name}", name).replace("{more}", more), encoding="utf-8")
        return load_plugin(name, f"{name}.plugin", folder, taken=taken or set())

    yield write_and_load
    for name in made:
        forget_owner(name)
        for module in [module for module in sys.modules if module.split(".")[0] == name]:
            sys.modules.pop(module)


@pytest.mark.parametrize(("source", "problem"), [
    ("def broken(:\n", "syntax error in plugin.py, line 1"),
    ("import nothing_of_this_name\n", "imports 'nothing_of_this_name', which is not installed"),
    ("raise RuntimeError('boom')\n", "stops while loading: RuntimeError: boom"),
    ("import sys\nsys.exit(3)\n", "stops while loading: SystemExit"),
    ("x = 1\n", "has no PLUGIN"),
    (MANIFEST.replace("'{name}'", "'another'"), "the manifest calls it 'another'"),
    (MANIFEST.replace("{more}", ", core='>=9'"), "needs core >=9, found 1.0"),
    (MANIFEST.replace("{more}", ", core='soon'"), "cannot be read"),
    (MANIFEST + "from core.hookspecs import hookimpl\n@hookimpl\ndef register_admin_pages():\n    return []\n", "which is no hook"),
    (MANIFEST + "from core.hookspecs import hookimpl\n@hookimpl\ndef register_reports(request):\n    return []\n", "arguments that the contract does not give"),
    (MODEL.replace("{table}", "core_thing") + MANIFEST, "must begin with"),
    (MODEL.replace("{table}", "{name}_thing") + "    other = relationship('Nowhere')\n" + MANIFEST, "models do not fit together"),
])
def test_bad_plugin_is_named_with_its_fault(load: Load, source: str, problem: str) -> None:
    with pytest.raises(PluginError) as caught:
        load(source)

    assert problem in str(caught.value)
    assert caught.value.remedy
    forget_owner(caught.value.plugin)
    configure_mappers()


def test_failed_plugin_leaves_no_table(load: Load) -> None:
    before = set(metadata.tables)

    with pytest.raises(PluginError) as caught:
        load(MODEL.replace("{table}", "{name}_thing") + "raise RuntimeError\n")
    forget_owner(caught.value.plugin)

    assert set(metadata.tables) == before


def test_second_plugin_of_one_name_is_refused(load: Load) -> None:
    with pytest.raises(PluginError, match="second plugin"):
        load(MANIFEST.replace("{more}", ""), taken={f"bad{n}" for n in range(1000)})


def test_good_plugin_loads(load: Load) -> None:
    plugin = load(MODEL.replace("{table}", "{name}_thing") + MANIFEST)

    assert plugin.info.version == "1.0"


def test_order_follows_dependence_and_names_what_is_missing(load: Load) -> None:
    first = load(MANIFEST)
    second = load(MANIFEST, more=f", depends=('{first.name}',)")
    lonely = load(MANIFEST, more=", depends=('absent',)")

    ordered, failed = order_by_dependence([second, lonely, first])

    assert [one.name for one in ordered] == [first.name, second.name]
    assert [(one.name, "absent" in one.problem) for one in failed] == [(lonely.name, True)]
