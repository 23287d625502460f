"""Finance as an area of core: permissions, settings, pages, reports, and the money on a customer's page."""

from __future__ import annotations

from datetime import datetime

from flask_admin import BaseView
from sqlalchemy.orm import Session

from core.admin.offers import DashboardCard, SearchProvider
from core.auth.actor import Actor
from core.customers.offers import CustomerPanel
from core.finance.settings import SETTINGS
from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.imports.offers import Importer
from core.plugins.manifest import AreaInfo, Permission
from core.reports.offers import Report
from core.rest.offers import Resource

FINANCE = ("finance_manager", "finance_officer")
RAISERS = ("resource_development_manager", "resource_development_employee", "crm_manager", "crm_rd_manager", "donor_service_agent")

AREA = AreaInfo(
    name="finance",
    title=_l("Finance"),
    permissions=(
        Permission("finance.read", _l("See contributions, pledges, statements and batches"),
                   roles=(*FINANCE, *RAISERS, "secretary_general", "association_management", "auditor")),
        Permission("finance.record", _l("Record contributions, refunds and pledges"),
                   roles=(*FINANCE, "resource_development_manager", "resource_development_employee")),
        Permission("finance.export", _l("Issue, download and void finance batches"), roles=FINANCE),
        Permission("finance.settings", _l("Choose accounts, funds and layouts of the finance export"), roles=(*FINANCE, "administrator")),
    ),
    settings=SETTINGS,
    untracked={"core_finance_batch_row": "A frozen copy of logged rows; the batch's checksum in the log covers it."},
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.finance.settings_views import FinanceSettingsView
    from core.finance.views import ContributionsView, FinanceView, PledgesView

    return [FinanceView(), ContributionsView(), PledgesView(), FinanceSettingsView()]


@hookimpl
def register_reports() -> list[Report]:
    from core.finance.reports import reports

    return reports()


@hookimpl
def register_importers() -> list[Importer]:
    from core.finance.importers import importers

    return importers()


@hookimpl
def register_customer_panels() -> list[CustomerPanel]:
    from core.finance.panel import money_entries, money_summary

    return [CustomerPanel("finance.money", _l("Money"), permission="finance.read", summary=money_summary, entries=money_entries, icon="cash")]


@hookimpl
def register_search() -> list[SearchProvider]:
    from core.finance.panel import find_references

    return [SearchProvider("finance", _l("Finance"), permission="finance.read", find=find_references, order=40)]


@hookimpl
def register_dashboard_cards() -> list[DashboardCard]:
    from core.finance.panel import unexported, unmatched

    return [
        DashboardCard("finance.unexported", _l("Contributions to export"), permission="finance.export", figure=unexported, order=40),
        DashboardCard("finance.unmatched", _l("Movements of the finance system"), permission="finance.export", figure=unmatched, order=41),
    ]


@hookimpl
def register_demo(session: Session, actor: Actor, now: datetime) -> None:
    from core.finance.demo import make

    make(session, actor, now)


@hookimpl
def register_api() -> list[Resource]:
    from core.finance.web_api import resources

    return resources()
