"""Which plugins are installed, loaded once a process: found, imported, checked, ordered, or named with what is wrong.

Built-in plugins are found by folder (``plugins/*``), further folders by ``DIWAN_PLUGIN_PATH``, others by entry point
(group ``diwan.plugins``). A plugin is trusted code: what can be caught is caught and named, the rest of the product runs.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from sqlalchemy.orm import configure_mappers

from core import hookspecs
from core.database import _bases, forget_owner, metadata
from core.errors import PluginError
from core.plugins.manifest import CORE_VERSION, PROJECT, PluginInfo

BUILT_IN = Path(__file__).resolve().parent.parent.parent / "plugins"
CORE = Path(__file__).resolve().parent.parent
ENTRY_POINTS = "diwan.plugins"


@dataclass(frozen=True)
class Installed:
    """A plugin that loaded. ``module`` holds its hook implementations, ``folder`` its data, templates and revisions."""

    info: PluginInfo
    module: ModuleType
    folder: Path

    @property
    def name(self) -> str:
        return self.info.name


@dataclass(frozen=True)
class Failed:
    """A plugin that is kept out: what is wrong, where, and what to do."""

    name: str
    problem: str
    remedy: str

    @classmethod
    def of(cls, error: PluginError) -> Failed:
        return cls(error.plugin, error.problem, error.remedy)


@dataclass(frozen=True)
class Catalogue:
    """All plugins of this process, in order of ``depends``."""

    installed: tuple[Installed, ...]
    failed: tuple[Failed, ...]

    def get(self, name: str) -> Installed | None:
        return next((one for one in self.installed if one.name == name), None)


_lock = threading.Lock()
_catalogues: dict[tuple[Path, ...], Catalogue] = {}


def installed_plugins(path: tuple[Path, ...] = ()) -> Catalogue:
    """Find and load every installed plugin once a process; mended or newly installed code needs a restart."""
    with _lock:
        if path not in _catalogues:
            _catalogues[path] = _load_all(path)
        return _catalogues[path]


def _define_core_tables() -> None:
    """Import core's models first, or a plugin that imports an area of core would be taken for the owner of its tables."""
    for file in sorted(CORE.glob("*/models.py")):
        importlib.import_module(f"core.{file.parent.name}.models")
    for name in ("settings", "numbering", "keys", "plugins.selection"):
        importlib.import_module(f"core.{name}")


def _load_all(path: tuple[Path, ...]) -> Catalogue:
    _define_core_tables()
    loaded: list[Installed] = []
    failed: list[Failed] = []
    for name, module_name, folder in _candidates(path):
        try:
            loaded.append(load_plugin(name, module_name, folder, taken={one.name for one in loaded}))
        except PluginError as error:
            forget_owner(name)
            failed.append(Failed.of(error))
    ordered, unmet = order_by_dependence(loaded)
    return Catalogue(tuple(ordered), tuple(failed + unmet))


def _candidates(path: tuple[Path, ...]) -> Iterable[tuple[str, str, Path]]:
    yield from _in_folder(BUILT_IN, "plugins.")
    for folder in path:
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
        yield from _in_folder(folder, "")
    for point in entry_points(group=ENTRY_POINTS):
        spec = importlib.util.find_spec(point.value.split(":")[0].split(".")[0])
        yield point.name, point.value, Path(spec.origin).parent if spec and spec.origin else BUILT_IN


def _in_folder(folder: Path, prefix: str) -> Iterable[tuple[str, str, Path]]:
    for file in sorted(folder.glob("*/plugin.py")):
        yield file.parent.name, f"{prefix}{file.parent.name}.plugin", file.parent


def load_plugin(name: str, module_name: str, folder: Path, *, taken: set[str]) -> Installed:
    """Import one plugin and check its manifest, hooks, tables and mappers; raises PluginError with the remedy."""
    if name in taken:
        raise PluginError(name, f"a second plugin of this name lies in {folder.name}.", "Rename or remove one of the two.")
    tables = set(metadata.tables)
    if (folder / "models.py").is_file():
        _import(name, f"{module_name.rpartition('.')[0]}.models", manifest=False)  # its tables are known whichever hook asks for them
    module = _import(name, module_name)
    info = getattr(module, "PLUGIN", None)
    if not isinstance(info, PluginInfo):
        raise PluginError(name, "plugin.py has no PLUGIN = PluginInfo(…).", "Add the manifest; plugins/README.md shows one.")
    if info.name != name:
        raise PluginError(name, f"the manifest calls it '{info.name}'.", "Folder or entry point and manifest must have one name.")
    _check_core_range(info)
    _check_hooks(info, module)
    _check_tables(info, tables)
    return Installed(info, module, folder)


def _import(name: str, module_name: str, *, manifest: bool = True) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except SyntaxError as exc:
        where = f"{Path(exc.filename or '?').name}, line {exc.lineno}"
        raise PluginError(name, f"syntax error in {where}: {exc.msg}.", "Mend the line and restart.") from exc
    except ModuleNotFoundError as exc:
        raise PluginError(name, f"it imports '{exc.name}', which is not installed.", f"Install '{exc.name}' or correct the import, and restart.") from exc
    except KeyboardInterrupt:
        raise
    except BaseException as exc:
        raise PluginError(name, f"it stops while loading: {type(exc).__name__}: {exc}.", "Mend it and restart, or remove its folder.") from exc
    finally:
        if manifest and module_name in sys.modules and getattr(sys.modules[module_name], "PLUGIN", None) is None:
            sys.modules.pop(module_name, None)


def _check_core_range(info: PluginInfo) -> None:
    try:
        fits = CORE_VERSION in SpecifierSet(info.core)
    except InvalidSpecifier:
        raise PluginError(info.name, f"its core range '{info.core}' cannot be read.", "Write one like '>=1.0,<2'.") from None
    if not fits:
        raise PluginError(info.name, f"needs core {info.core}, found {CORE_VERSION}.", f"Upgrade Diwan or install a '{info.name}' for core {CORE_VERSION}.")


def _check_hooks(info: PluginInfo, module: ModuleType) -> None:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module, name=info.name)
    except pluggy.PluginValidationError as exc:
        raise PluginError(info.name, f"a hook takes arguments that the contract does not give: {exc}.", "Compare it with core/hookspecs.py.") from exc
    known = {name for name in vars(hookspecs) if not name.startswith("_")}
    for attribute in dir(module):
        options: Any = manager.parse_hookimpl_opts(module, attribute)
        name = (options or {}).get("specname") or attribute
        if options is not None and not options.get("optionalhook") and name not in known:
            raise PluginError(info.name, f"it implements '{name}', which is no hook.",
                              "Correct the name; core/hookspecs.py lists all. A hook of another plugin needs optionalhook=True.")


def _check_tables(info: PluginInfo, before: set[str]) -> None:
    base = _bases.get(info.name)
    foreign = [name for name in set(metadata.tables) - before if not name.startswith(f"{info.name}_")]
    if foreign:
        raise PluginError(info.name, f"it defines the table '{foreign[0]}', which is not its own.", f"Begin its tables with '{info.name}_'.")
    if base is None:
        return
    try:
        base.registry.configure(cascade=True)
        configure_mappers()
    except Exception as exc:
        raise PluginError(info.name, f"its models do not fit together: {exc}.", "Mend the relationship or column it names and restart.") from exc


def order_by_dependence(plugins: list[Installed]) -> tuple[list[Installed], list[Failed]]:
    """Those whose ``depends`` are all there, each after what it needs; and those that lack one, or turn in a circle."""
    ordered: list[Installed] = []
    waiting = sorted(plugins, key=lambda one: one.name)
    while waiting:
        ready = [one for one in waiting if set(one.info.depends) <= {done.name for done in ordered}]
        if not ready:
            break
        ordered += ready
        waiting = [one for one in waiting if one not in ready]
    present = {one.name for one in plugins}
    unmet = []
    for one in waiting:
        absent = sorted(set(one.info.depends) - present) or sorted(set(one.info.depends) & {other.name for other in waiting})
        forget_owner(one.name)
        unmet.append(Failed(one.name, f"it needs {', '.join(absent)}, which cannot be loaded.", f"Install or mend {', '.join(absent)} and restart."))
    return ordered, unmet
