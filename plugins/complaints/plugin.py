"""The front door of complaints: its manifest, and thin hook implementations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask import Blueprint
from flask_admin import BaseView
from sqlalchemy.orm import Session

from core.admin.offers import DashboardCard, SearchProvider
from core.auth.actor import Actor
from core.customers.offers import CustomerPanel
from core.figures import COMPLAINTS
from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.imports.offers import Importer
from core.jobs.offers import Job
from core.messages import Message, Taken
from core.plugins.manifest import Decision, Permission, PluginInfo
from core.reports.offers import Report
from core.rest.offers import Resource
from plugins.complaints import (
    cause_views,
    contact_views,
    demo,
    faq_views,
    figures,
    importers,
    limits,
    offers,
    public,
    queries,
    reports,
    review_views,
    services,
    steps,
    training_views,
    views,
    web_api,
)
from plugins.complaints.settings import SETTINGS

STAFF = ("crm_employee", "centres_employee", "donor_service_agent", "call_agent")
MANAGERS = ("crm_manager", "centres_manager")
ABOVE = ("quality_employee", "subcouncil_secretary", "secretary_general", "association_management", "strategic_planning_manager")

PLUGIN = PluginInfo(
    name="complaints", title=_l("Complaints, inquiries, suggestions"), version="1.0", icon="message-report", contacts=("service",),
    summary=_l("One log of complaints, inquiries and suggestions, from the first word to the monthly report."),
    permissions=(
        Permission("complaints.read", _l("Read the log of the own department"), roles=(*STAFF, *MANAGERS, *ABOVE, "auditor")),
        Permission("complaints.read_all", _l("Read the whole log"), roles=(*ABOVE, "crm_manager", "auditor")),
        Permission("complaints.personal", _l("See complainants' names, phones and words"), roles=(*STAFF, *MANAGERS, "quality_employee")),
        Permission("complaints.record", _l("Write down complaints, inquiries and suggestions"), roles=(*STAFF, *MANAGERS)),
        Permission("complaints.handle", _l("Study, answer and close entries"), roles=("crm_employee", "centres_employee", *MANAGERS)),
        Permission("complaints.reassign", _l("Hand an entry to another department"), roles=("crm_employee", "centres_employee", *MANAGERS, "quality_employee")),
        Permission("complaints.follow_up", _l("Follow every entry, remark, and ask departments to act"), roles=("quality_employee",)),
        Permission("complaints.review", _l("Review the log of the week and recommend"), roles=MANAGERS),
        Permission("complaints.repeated", _l("Prepare the report of repeated complaints"), roles=("quality_employee",)),
        Permission("complaints.decide", _l("Review the log of the month and decide"), roles=("subcouncil_secretary",)),
        Permission("complaints.prepare", _l("Prepare and archive the performance reports"), roles=("crm_employee", "centres_employee")),
        Permission("complaints.faq", _l("Write frequent questions and answers"), roles=("crm_employee", "centres_employee", *MANAGERS)),
        Permission("complaints.faq_approve", _l("Approve and publish answers"), roles=MANAGERS),
        Permission("complaints.import", _l("Import a register of complaints kept elsewhere"), roles=("crm_manager", "admin")),
        Permission("complaints.manage", _l("Keep causes and settings of the log"), roles=("crm_manager", "admin")),
    ),
    settings=SETTINGS,
    untracked={"complaints_limit": "counts what strangers send; each message taken is logged itself"},
    decisions=(Decision("complaints.recommendations", _l("Recommendations from the log of complaints"), decides="subcouncil_secretary"),),
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    return [views.LogView(), review_views.ReviewsView(), faq_views.FaqView(), cause_views.CauseView(),
            contact_views.ContactView(), training_views.TrainingView()]


@hookimpl
def register_blueprints() -> list[Blueprint]:
    return [public.blueprint()]


@hookimpl
def register_reports() -> list[Report]:
    return reports.reports()


@hookimpl
def register_importers() -> list[Importer]:
    return importers.importers()


@hookimpl
def register_jobs() -> list[Job]:
    return [Job("complaints.daily", steps.open_daily, every="day", at="00:00", catch_up=True, title=_l("Open the daily update of each open complaint")),
            Job("complaints.limits", limits.sweep, every="day", at="03:40", title=_l("Forget old counts of the public pages"))]


@hookimpl
def register_customer_panels() -> list[CustomerPanel]:
    return [CustomerPanel("complaints.entries", _l("Complaints"), "complaints.read", summary=offers.panel, entries=offers.entries, icon="message-report",
                          acts=offers.acts)]


@hookimpl
def register_dashboard_cards() -> list[DashboardCard]:
    return [DashboardCard("complaints.open", _l("Open entries of the log"), "complaints.read", offers.open_entries, order=20),
            DashboardCard("complaints.quiet", _l("Without update today"), "complaints.read", offers.without_update, order=21),
            DashboardCard("complaints.callbacks", _l("Customers to be told today"), "complaints.read", offers.callbacks, order=22),
            DashboardCard("complaints.contacts", _l("Later contacts that are due"), "complaints.handle", offers.later_contacts, order=23)]


@hookimpl
def register_search() -> list[SearchProvider]:
    return [SearchProvider("complaints", _l("Complaints"), "complaints.read", offers.find, order=30)]


@hookimpl
def register_api() -> list[Resource]:
    return web_api.resources()


@hookimpl
def register_demo(session: Session, now: datetime) -> None:
    demo.make(session, now)


@hookimpl
def take_message(session: Session, message: Message, actor: Actor, now: datetime) -> Taken:
    made = services.receive_message(session, message, actor=actor, now=now)
    return Taken(made.entry.number, f"/complaints/{made.entry.id}", made.code)


@hookimpl
def tell_figures(
    session: Session, name: str, periods: Sequence[tuple[datetime, datetime]], actor: Actor, now: datetime,
) -> Sequence[Mapping[str, int]] | None:
    return figures.of_periods(session, periods, now) if name == COMPLAINTS and actor.may(queries.READ_ALL) else None
