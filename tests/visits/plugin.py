"""The front door of visits."""

from visits import services, views

from core.exporter.columns import Column
from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.plugins.manifest import Permission, PluginInfo
from core.reports.offers import PERIOD, Report

PLUGIN = PluginInfo(
    name="visits", title=_l("Visits"), version="1.0", summary=_l("Visits to beneficiaries' families, confirmed by a manager."), icon="home",
    permissions=(Permission("visits.read", _l("Read visits"), roles=("crm_manager", "crm_employee")),
                 Permission("visits.record", _l("Record visits"), roles=("crm_employee",)),
                 Permission("visits.confirm", _l("Confirm visits"), roles=("crm_manager",))))


@hookimpl
def register_admin_views() -> list[views.VisitView]:
    return [views.VisitView()]


@hookimpl
def register_reports() -> list[Report]:
    columns = (Column("visited_on", _l("Day"), "date"), Column("count", _l("Visits"), "integer"))
    return [Report("visits.by_day", _l("Visits by day"), "visits.read", columns, services.by_day, PERIOD, totals=("count",))]
