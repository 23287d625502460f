"""The association's own settings and the language switch, as an area of core."""

from __future__ import annotations

from flask import Blueprint
from flask_admin import BaseView

from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.plugins.manifest import AreaInfo, Permission
from core.settings import GENERAL

AREA = AreaInfo(
    name="core",
    title=_l("Association"),
    permissions=(Permission("core.settings", _l("Change the association's settings"), roles=("administrator",)),),
    settings=GENERAL,
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.admin.search_page import SearchView
    from core.admin.settings_page import LogoView, SettingsView

    return [SettingsView(), LogoView(), SearchView()]


@hookimpl
def register_blueprints() -> list[Blueprint]:
    from core.admin.settings_page import shell

    return [shell()]
