"""Background work, as an area of core: its page and its own housekeeping."""

from __future__ import annotations

from flask_admin import BaseView

from core.admin.offers import DashboardCard
from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.jobs import services
from core.jobs.models import UNTRACKED
from core.jobs.offers import Job
from core.plugins.manifest import AreaInfo, Permission

AREA = AreaInfo(
    name="jobs",
    title=_l("Background work"),
    permissions=(Permission("jobs.manage", _l("See background work and try failed jobs again"), roles=("administrator", "it_administrator")),),
    untracked=UNTRACKED,
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.jobs.views import JobsView

    return [JobsView()]


@hookimpl
def register_jobs() -> list[Job]:
    return [Job("jobs.tidy", services.tidy, every="day", at="03:30", title=_l("Forget jobs that ended a month ago"))]


@hookimpl
def register_dashboard_cards() -> list[DashboardCard]:
    from core.jobs.cards import cards

    return cards()
