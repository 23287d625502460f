"""The front door of callcenter: its manifest, and thin hook implementations."""

from __future__ import annotations

from datetime import datetime

from flask_admin import BaseView
from sqlalchemy.orm import Session

from core.admin.offers import DashboardCard, SearchProvider
from core.customers.offers import CustomerPanel
from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.imports.offers import Importer
from core.jobs.offers import Job
from core.plugins.manifest import Permission, PluginInfo
from core.reports.offers import Report
from plugins.callcenter import demo, drop, importers, offers, reports, views
from plugins.callcenter.settings import SETTINGS

AGENTS = ("call_agent", "donor_service_agent")
STAFF = ("crm_employee", "centres_employee")
MANAGERS = ("crm_manager",)
ABOVE = ("quality_employee", "secretary_general", "association_management", "general_manager")

PLUGIN = PluginInfo(
    name="callcenter", title=_l("Call centre"), version="1.0", icon="phone", contacts=("service",),
    summary=_l("Every call, by hand or from the exchange, promised call-backs, and the panel of the year."),
    works_with=("complaints",),
    permissions=(
        Permission("callcenter.read", _l("Read calls and call-backs"), roles=(*AGENTS, *STAFF, *MANAGERS, *ABOVE, "auditor")),
        Permission("callcenter.personal", _l("See callers' names, numbers and words"), roles=(*AGENTS, *STAFF, *MANAGERS, "quality_employee")),
        Permission("callcenter.record", _l("Write down calls, promise and make call-backs"), roles=(*AGENTS, *STAFF, *MANAGERS)),
        Permission("callcenter.panel", _l("See the panel and the reports of the call centre"), roles=(*AGENTS, *MANAGERS, *ABOVE, "auditor")),
        Permission("callcenter.listen", _l("Listen to recordings"), roles=("crm_manager", "quality_employee")),
        Permission("callcenter.manage", _l("Keep the call centre, and write down calls of others"), roles=("crm_manager", "admin")),
        Permission("callcenter.import", _l("Take in files of the exchange and totals of former years"), roles=("crm_manager", "admin")),
    ),
    settings=SETTINGS,
    untracked={"callcenter_leg": "lines of the exchange as they came; the log names their file by its hash, and the calls made of them are logged"},
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    return [views.CallView(), views.CallbackView()]


@hookimpl
def register_reports() -> list[Report]:
    return reports.reports()


@hookimpl
def register_jobs() -> list[Job]:
    return [Job("callcenter.drop", drop.look, every="hour", at="00:05", commits=True, title=_l("Take in the files that the exchange laid into the folder"))]


@hookimpl
def register_customer_panels() -> list[CustomerPanel]:
    return [CustomerPanel("callcenter.calls", _l("Calls"), "callcenter.read", summary=offers.panel, entries=offers.entries, icon="phone")]


@hookimpl
def register_dashboard_cards() -> list[DashboardCard]:
    return [DashboardCard("callcenter.callbacks", _l("Call-backs due today"), "callcenter.record", offers.callbacks, order=24),
            DashboardCard("callcenter.missed", _l("Missed calls today"), "callcenter.record", offers.missed, order=25),
            DashboardCard("callcenter.mine", _l("My calls today"), "callcenter.record", offers.my_calls, order=26)]


@hookimpl
def register_search() -> list[SearchProvider]:
    return [SearchProvider("callcenter", _l("Calls"), "callcenter.read", offers.find, order=31)]


@hookimpl
def register_importers() -> list[Importer]:
    return importers.importers()


@hookimpl
def register_demo(session: Session, now: datetime) -> None:
    demo.make(session, now)
