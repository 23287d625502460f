"""The API for other systems, as an area of core."""

from __future__ import annotations

from flask_admin import BaseView

from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.jobs.offers import Job
from core.plugins.manifest import AreaInfo, Permission
from core.rest import services
from core.rest.models import UNTRACKED

AREA = AreaInfo(
    name="rest",
    title=_l("Interface for other systems"),
    permissions=(Permission("rest.tokens", _l("Let other systems in: make and revoke their tokens"), roles=("admin",)),),
    untracked=UNTRACKED,
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.rest.views import TokensView

    return [TokensView()]


@hookimpl
def register_jobs() -> list[Job]:
    return [Job("rest.sweep", services.sweep, every="day", at="03:20", title=_l("Forget old answers and counts of the interface"))]
