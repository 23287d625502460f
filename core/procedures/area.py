"""Procedures and "My day", as an area of core."""

from __future__ import annotations

from flask_admin import BaseView

from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.jobs.offers import Job
from core.plugins.manifest import AreaInfo, Permission

AREA = AreaInfo(
    name="procedures",
    title=_l("Procedures"),
    permissions=(
        Permission("procedures.read", _l("See the clauses of the manual, their steps and how they were kept"), roles=(
            "manual_controller", "crm_manager", "crm_employee", "centres_manager", "centres_employee", "quality_employee", "strategic_planning_manager",
            "admin_affairs_manager", "association_management", "subcouncil_secretary", "secretary_general", "administrator", "auditor")),
        Permission("procedures.change", _l("Change time limits and roles of steps"), roles=("manual_controller", "crm_manager", "administrator")),
    ),
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.procedures.run_views import PeriodsView, RunsView
    from core.procedures.views import MyDayView, ProceduresView

    return [MyDayView(), RunsView(), PeriodsView(), ProceduresView()]


@hookimpl
def register_jobs() -> list[Job]:
    from core.procedures import recurring

    return [Job("procedures.periods", recurring.open_periods, every="hour", title=_l("Open the steps that begin by the calendar"))]
