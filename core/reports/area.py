"""The report centre, as an area of core."""

from __future__ import annotations

from flask_admin import BaseView

from core.admin.offers import DashboardCard
from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.jobs.offers import Job
from core.plugins.manifest import AreaInfo, Permission
from core.rest.offers import Resource

AREA = AreaInfo(
    name="reports",
    title=_l("Reports"),
    permissions=(
        Permission("reports.open", _l("Open the report centre; each report asks its own permission"), roles=(
            "crm_manager", "crm_employee", "centres_manager", "centres_employee", "quality_employee", "strategic_planning_manager", "association_management",
            "subcouncil_secretary", "secretary_general", "finance_officer", "finance_manager", "administrator", "auditor")),
        Permission("reports.keep", _l("Keep runs of reports, which never change, and send them"), roles=(
            "crm_manager", "crm_employee", "centres_manager", "centres_employee", "quality_employee", "strategic_planning_manager")),
    ),
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.reports.views import ReportsView

    return [ReportsView()]


@hookimpl
def register_jobs() -> list[Job]:
    from core.reports.services import compact_rollups

    return [Job("reports.compact", compact_rollups, every="hour", at="00:25", title=_l("Add up the sums that reports are made of"))]


@hookimpl
def register_dashboard_cards() -> list[DashboardCard]:
    from core.reports.cards import overdue

    return [DashboardCard("reports.overdue", _l("Overdue reports"), permission="reports.open", figure=overdue, order=20)]


@hookimpl
def register_api() -> list[Resource]:
    from core.reports.web_api import resources

    return resources()
