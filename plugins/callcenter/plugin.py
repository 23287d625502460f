"""The front door of callcenter: its manifest, and thin hook implementations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask_admin import BaseView
from sqlalchemy.orm import Session

from core.admin.offers import DashboardCard, SearchProvider
from core.auth.actor import Actor
from core.customers.offers import CustomerPanel
from core.figures import CALLS
from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.imports.offers import Importer
from core.jobs.offers import Job
from core.outreach import Outreach, Progress
from core.plugins.manifest import Permission, PluginInfo
from core.reports.offers import Report
from core.rest.offers import Resource
from plugins.callcenter import (
    callback_views,
    campaign_views,
    campaigns,
    demo,
    drop,
    figures,
    importers,
    offers,
    reminder_views,
    reminders,
    reports,
    views,
    web_api,
)
from plugins.callcenter.settings import SETTINGS

AGENTS = ("call_agent", "donor_service_agent")
STAFF = ("crm_employee", "centres_employee")
MANAGERS = ("crm_manager",)
ABOVE = ("quality_employee", "secretary_general", "association_management", "general_manager")

PLUGIN = PluginInfo(
    name="callcenter", title=_l("Call centre"), version="1.0", icon="phone", contacts=("service", "fundraising"),
    summary=_l("Every call, by hand or from the exchange, promised call-backs, call campaigns, reminders, and the panel of the year."),
    works_with=("complaints",),
    permissions=(
        Permission("callcenter.read", _l("Read calls and call-backs"), roles=(*AGENTS, *STAFF, *MANAGERS, *ABOVE, "auditor")),
        Permission("callcenter.personal", _l("See callers' names, numbers and words"), roles=(*AGENTS, *STAFF, *MANAGERS, "quality_employee")),
        Permission("callcenter.record", _l("Write down calls, promise and make call-backs"), roles=(*AGENTS, *STAFF, *MANAGERS)),
        Permission("callcenter.campaigns", _l("Begin and close call campaigns"), roles=("crm_manager", "donor_service_agent")),
        Permission("callcenter.panel", _l("See the panel and the reports of the call centre"), roles=(*AGENTS, *MANAGERS, *ABOVE, "auditor")),
        Permission("callcenter.listen", _l("Listen to recordings"), roles=("crm_manager", "quality_employee")),
        Permission("callcenter.import", _l("Take in files of the exchange and totals of former years"), roles=("crm_manager", "admin")),
        Permission("callcenter.manage", _l("Keep the call centre, and write down calls of others"), roles=("crm_manager", "admin")),
    ),
    settings=SETTINGS,
    untracked={"callcenter_leg": "lines of the exchange as they came; the log names their file by its hash, and the calls made of them are logged",
               "callcenter_result": "lines of a file that name nobody, kept as they came; the log names the file by its hash"},
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    return [views.CallView(), callback_views.CallbackView(), campaign_views.CampaignView(), reminder_views.ReminderView()]


@hookimpl
def register_reports() -> list[Report]:
    return reports.reports()


@hookimpl
def register_importers() -> list[Importer]:
    return importers.importers()


@hookimpl
def register_jobs() -> list[Job]:
    return [Job("callcenter.drop", drop.look, every="hour", at="00:05", commits=True, title=_l("Take in the files that the exchange laid into the folder")),
            Job("callcenter.lists", campaigns.find_again, every="day", at="06:30", title=_l("Ask the rules of standing call lists again")),
            Job("callcenter.reminders", reminders.send_due, every="hour", at="00:10", title=_l("Send reminders by e-mail that are due"))]


@hookimpl
def register_customer_panels() -> list[CustomerPanel]:
    return [CustomerPanel("callcenter.calls", _l("Calls"), "callcenter.read", summary=offers.panel, entries=offers.entries, icon="phone", acts=offers.acts)]


@hookimpl
def register_dashboard_cards() -> list[DashboardCard]:
    return [DashboardCard("callcenter.callbacks", _l("Call-backs due today"), "callcenter.record", offers.callbacks, order=24),
            DashboardCard("callcenter.missed", _l("Missed calls today"), "callcenter.record", offers.missed, order=25),
            DashboardCard("callcenter.mine", _l("My calls today"), "callcenter.record", offers.my_calls, order=26),
            DashboardCard("callcenter.campaigns", _l("Customers to be called in campaigns"), "callcenter.record", offers.left, order=27),
            DashboardCard("callcenter.reminders", _l("Reminders due today"), "callcenter.record", offers.reminders_due, order=28)]


@hookimpl
def register_search() -> list[SearchProvider]:
    return [SearchProvider("callcenter", _l("Calls"), "callcenter.read", offers.find, order=31)]


@hookimpl
def register_api() -> list[Resource]:
    return web_api.resources()


@hookimpl
def register_demo(session: Session, now: datetime) -> None:
    demo.make(session, now)


@hookimpl
def on_customer_merged(session: Session, kept_id: int, actor: Actor, now: datetime) -> None:
    campaigns.merged(session, kept_id, actor=actor, now=now)


@hookimpl
def tell_figures(session: Session, name: str, periods: Sequence[tuple[datetime, datetime]], actor: Actor) -> Sequence[Mapping[str, int]] | None:
    return figures.of_periods(session, periods) if name == CALLS and actor.may(reports.PERMISSION) else None


@hookimpl
def take_outreach(session: Session, outreach: Outreach, actor: Actor, now: datetime) -> Progress:
    return campaigns.take(session, outreach, actor=actor, now=now)


@hookimpl
def tell_outreach(session: Session, source: str, reference: str) -> Progress | None:
    return campaigns.tell(session, source, reference)
