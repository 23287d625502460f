"""The front door of leads: its manifest, and thin hook implementations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_admin import BaseView
from sqlalchemy import Select
from sqlalchemy.orm import Session

from core.admin.offers import DashboardCard, SearchProvider
from core.auth.actor import Actor
from core.customers.offers import CustomerPanel
from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.imports.offers import Importer
from core.jobs.offers import Job
from core.plugins.manifest import Decision, Permission, PluginInfo
from core.reports.offers import Report
from plugins.leads import (
    demo,
    development_views,
    former_views,
    importers,
    interest_views,
    interests,
    offers,
    person_views,
    persons,
    portfolio,
    portfolio_views,
    problem_views,
    reports,
    review_views,
    services,
    views,
)
from plugins.leads.settings import SETTINGS

AGENTS = ("call_agent", "donor_service_agent")
STAFF = ("crm_employee",)
RAISERS = ("resource_development_manager", "resource_development_employee")
MANAGERS = ("crm_manager", "crm_rd_manager")
ABOVE = ("quality_employee", "strategic_planning_manager", "subcouncil_secretary", "secretary_general", "association_management", "auditor")

PLUGIN = PluginInfo(
    name="leads", title=_l("Leads"), version="1.0", icon="target", contacts=("fundraising",),
    summary=_l("From the portfolio of programmes to donors who fund them: leads in five states, with contacts, pledges and the weekly review."),
    permissions=(
        Permission("leads.read", _l("Read leads and the portfolio of programmes"), roles=(*MANAGERS, *STAFF, *RAISERS, *ABOVE)),
        Permission("leads.personal", _l("See the donors of leads and what they said"), roles=(*MANAGERS, *STAFF, *RAISERS)),
        Permission("leads.identify", _l("Identify opportunities and study them"), roles=MANAGERS),
        Permission("leads.document", _l("Document leads and add donors to them"), roles=(*MANAGERS, *STAFF)),
        Permission("leads.contact", _l("Log contacts with donors on a lead"), roles=(*MANAGERS, *STAFF, *RAISERS)),
        Permission("leads.follow", _l("Update probability, factors and next action of leads"), roles=(*MANAGERS, *STAFF)),
        Permission("leads.pledge", _l("Record written pledges on leads, and that one was withdrawn"), roles=(*MANAGERS, *STAFF, *RAISERS)),
        Permission("leads.decide", _l("Set leads to successful or cancelled"), roles=("crm_manager",)),
        Permission("leads.review", _l("Review the leads of the week"), roles=("crm_manager",)),
        Permission("leads.portfolio", _l("Receive the portfolio of programmes and list potential donors"), roles=("crm_manager",)),
        Permission("leads.interests", _l("Record what donors want to fund"), roles=(*MANAGERS, *STAFF, *RAISERS, "donor_service_agent")),
        Permission("leads.discuss", _l("Record what strategic planning says to interests without a programme"),
                   roles=("crm_manager", "strategic_planning_manager")),
        Permission("leads.persons", _l("See who speaks with which donor"), roles=(*MANAGERS, *STAFF, *RAISERS, *AGENTS, *ABOVE)),
        Permission("leads.appoint", _l("Propose contact persons of donors, and end their appointment"), roles=(*MANAGERS, "resource_development_manager")),
        Permission("leads.appoint_approve", _l("Approve contact persons of donors"), roles=("subcouncil_secretary",)),
        Permission("leads.ask", _l("Ask to contact a donor in place of the contact person"), roles=(*MANAGERS, *STAFF, *RAISERS, *AGENTS)),
        Permission("leads.permit", _l("Give one of the three permissions for a contact"),
                   roles=(*MANAGERS, "resource_development_manager", "subcouncil_secretary")),
        Permission("leads.problem", _l("Record problems that may harm the relation with a donor"),
                   roles=(*MANAGERS, *STAFF, *RAISERS, *AGENTS, "quality_employee")),
        Permission("leads.resolve", _l("Resolve problems with donors"), roles=MANAGERS),
        Permission("leads.developments", _l("Record developments and measures"), roles=(*MANAGERS, *STAFF, *RAISERS)),
        Permission("leads.improve", _l("Plan improvement actions"), roles=MANAGERS),
        Permission("leads.import", _l("Import leads of a former register"), roles=("crm_manager", "admin")),
        Permission("leads.manage", _l("Keep the kinds of programmes that donors choose from"), roles=("crm_manager", "admin")),
    ),
    settings=SETTINGS,
    decisions=(Decision(persons.DECISION, _l("Contact person of a donor"), decides="subcouncil_secretary"),),
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    return [views.LeadView(), portfolio_views.PortfolioView(), interest_views.DonorInterestView(), interest_views.DiscussionView(),
            interest_views.KindView(), review_views.ReviewsView(), person_views.PersonView(), problem_views.ProblemView(),
            development_views.DevelopmentView(), development_views.ImprovementView(), former_views.FormerView()]


@hookimpl
def register_reports() -> list[Report]:
    return reports.reports()


@hookimpl
def register_importers() -> list[Importer]:
    return importers.importers()


@hookimpl
def register_jobs() -> list[Job]:
    return [Job("leads.portfolio", portfolio.remind, every="day", at="06:00", title=_l("Remind of the portfolio of programmes"))]


@hookimpl
def register_customer_panels() -> list[CustomerPanel]:
    return [CustomerPanel("leads.donor", _l("Leads and interests"), "leads.personal", summary=offers.panel, entries=offers.entries, icon="target"),
            CustomerPanel("leads.person", _l("Contact person"), person_views.READ, summary=offers.person_panel, icon="user-check")]


@hookimpl
def register_dashboard_cards() -> list[DashboardCard]:
    return [DashboardCard("leads.problems", _l("Problems with donors"), "leads.resolve", offers.harm, order=0),
            DashboardCard("leads.open", _l("Open leads"), "leads.follow", offers.open_leads, order=30),
            DashboardCard("leads.quiet", _l("Leads without an update"), "leads.follow", offers.quiet, order=30),
            DashboardCard("leads.funded", _l("Leads whose money is there"), "leads.decide", offers.funded, order=31),
            DashboardCard("leads.portfolio", _l("Portfolio of programmes"), "leads.portfolio", offers.portfolio_due, order=32),
            DashboardCard("leads.interests", _l("Interests without a programme"), "leads.discuss", offers.undiscussed, order=33)]


@hookimpl
def register_search() -> list[SearchProvider]:
    return [SearchProvider("leads", _l("Leads"), "leads.read", offers.find, order=40)]


@hookimpl
def register_demo(session: Session, now: datetime) -> None:
    demo.make(session, now)


@hookimpl
def contact_objections(session: Session, customer_id: int, purpose: str, actor: Actor) -> Sequence[Any]:
    return persons.objections(session, customer_id, purpose, actor)


@hookimpl
def uncontactable(purpose: str, actor: Actor) -> Select[Any]:
    return persons.uncontactable(purpose, actor)


@hookimpl
def on_contact(session: Session, customer_ids: Select[Any], channel: str, purpose: str, actor: Actor, now: datetime) -> None:
    persons.use_up(session, customer_ids, channel, purpose, actor=actor, now=now)


@hookimpl
def on_customer_merged(session: Session, kept_id: int, lost_id: int, now: datetime) -> None:
    interests.settle_merged(session, kept_id, lost_id, now=now)


@hookimpl
def on_contribution_recorded(session: Session, contribution_id: int, actor: Actor, now: datetime) -> None:
    services.money_arrived(session, contribution_id, actor=actor, now=now)


@hookimpl
def on_contribution_removed(session: Session, contribution_id: int, actor: Actor, now: datetime) -> None:
    services.money_goes(session, contribution_id, actor=actor, now=now)
