"""Small plugins written into a folder of their own, for stories that name plugins which are not built here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PLUGIN = '''"""A plugin of a story: pages in the menu and reports, nothing else."""

from flask_admin import expose

from core.admin.views import PageView
from core.exporter.columns import Column
from core.hookspecs import hookimpl
from core.i18n import Bilingual
from core.plugins.manifest import Permission, PluginInfo
from core.reports.offers import PERIOD, Report

PLUGIN = PluginInfo(
    name="{name}", title=Bilingual("{name}", "{name}"), version="1.0", depends={depends!r}, works_with={works_with!r},
    permissions=(Permission("{name}.read", Bilingual("اطلاع", "Read"), roles=("crm_employee",)),),
)


def page(number, ar, en):
    class Page(PageView):
        page_url = f"/{name}/{{number}}"
        page_endpoint = f"{name}_{{number}}"
        permission = "{name}.read"
        menu_title = Bilingual(ar, en)
        menu_group = "{group}"
        menu_order = number

        @expose("/")
        def index(self):
            return en

    return Page


@hookimpl
def register_admin_views():
    return [page(number, ar, en)() for number, (ar, en) in enumerate({pages!r}, 1)]


@hookimpl
def register_reports():
    columns = (Column("day", Bilingual("اليوم", "Day"), "date"), Column("count", Bilingual("العدد", "Count"), "integer"))
    return [Report("{name}." + code, Bilingual(ar, en), "{name}.read", columns, lambda session, values, actor: [(values["from_on"], 1)], PERIOD,
                   every=every, role=role) for code, ar, en, every, role in {reports!r}]
'''


@dataclass(frozen=True)
class StoryPlugin:
    """``pages`` are (Arabic, English) menu titles in ``group``, ``reports`` (code, Arabic, English, every, role)."""

    name: str
    group: str = "marketing"
    pages: tuple[tuple[str, str], ...] = ()
    depends: tuple[str, ...] = ()
    works_with: tuple[str, ...] = ()
    reports: tuple[tuple[str, str, str, str, str], ...] = ()


def write_plugins(folder: Path, plugins: Iterable[StoryPlugin]) -> Path:
    """The folder, for ``Deployment.plugin_path``."""
    for one in plugins:
        target = folder / one.name
        target.mkdir(parents=True)
        (target / "__init__.py").write_text(f'"""The plugin {one.name} of a story."""\n', encoding="utf-8")
        (target / "plugin.py").write_text(PLUGIN.format(**vars(one)), encoding="utf-8")
    return folder
