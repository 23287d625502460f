"""The choice of plugins, as an area of core: its permission, its page and its command."""

from __future__ import annotations

from flask_admin import BaseView

from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.plugins.manifest import AreaInfo, Permission

AREA = AreaInfo(
    name="plugins",
    title=_l("Plugins"),
    permissions=(Permission("plugins.select", _l("Turn plugins on and off"), roles=("administrator", "it_administrator")),),
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.plugins.views import PluginsView

    return [PluginsView()]
