"""The register of customers as an area of core: permissions, pages, panel, search and background work."""

from __future__ import annotations

from flask_admin import BaseView

from core.admin.offers import DashboardCard, SearchProvider
from core.customers.domain import classes
from core.customers.offers import CustomerPanel
from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.imports.offers import Importer
from core.jobs.offers import Job
from core.plugins.manifest import AreaInfo, Decision, Permission, Setting
from core.reports.offers import Report
from core.rest.offers import Resource

CRM = ("crm_manager", "crm_rd_manager", "crm_employee", "customer_data_officer", "customer_data_deputy")
MANAGERS = ("crm_manager", "crm_rd_manager")
OFFICERS = ("customer_data_officer", "customer_data_deputy")
AGENTS = ("donor_service_agent", "call_agent", "resource_development_manager", "resource_development_employee")
READERS = (*CRM, *AGENTS, "centres_manager", "centres_employee", "quality_employee", "finance_officer", "finance_manager", "association_management",
           "secretary_general", "auditor", "administrator")

AREA = AreaInfo(
    name="customers",
    title=_l("Customers"),
    permissions=(
        Permission("customers.read", _l("See customers and their forms"), roles=READERS),
        Permission("customers.personal", _l("See phones, e-mail, address and remarks of customers"),
                   roles=(*CRM, *AGENTS)),
        Permission("customers.fill", _l("Fill customer forms"), roles=(*CRM, "donor_service_agent", "call_agent")),
        Permission("customers.review", _l("Review customer forms"), roles=MANAGERS),
        Permission("customers.approve", _l("Approve or reject customer forms"), roles=MANAGERS),
        Permission("customers.enter", _l("Enter approved forms (data officer and deputy only)"), roles=OFFICERS),
        Permission("customers.file", _l("File finished customer forms"), roles=(*CRM,)),
        Permission("customers.officers", _l("Appoint data officers and record their absence"), roles=MANAGERS),
        Permission("customers.settings", _l("Switch optional customer fields on and off"), roles=(*MANAGERS, "administrator")),
        Permission("customers.export", _l("Export customers"), roles=(*MANAGERS, "resource_development_manager")),
        Permission("customers.subject_file", _l("Hand customers the file of everything held about them"), roles=MANAGERS),
    ),
    decisions=(Decision("customers.change", _l("Creating or changing a customer's data"), decides="crm_manager"),),
    settings=(Setting("core.classes_off", _l("Customer classes not used"), [], kind="codes", group="customers",
                      choices=tuple((code, label) for code, label in classes().items() if code != "other"),
                      help=_l("“Other” is always there; beneficiaries can be kept as “other” instead.")),
              Setting("core.confirm_months", _l("Customer data holds without confirmation for"), 12, kind="int", unit=_l("months"), group="customers",
                      help=_l("Afterwards the customer stands in the list of those not confirmed for long."))),
    untracked={"core_customer_search": "Derived from core_customer, whose changes are logged.",
               "core_customer_duplicate": "Derived from core_customer every night; what is decided of it is logged."},
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.customers.erasure_views import ErasureView, SubjectFileView
    from core.customers.form_views import FormsView
    from core.customers.merge_views import DuplicatesView
    from core.customers.settings_views import OfficersView, OptionalFieldsView
    from core.customers.views import CustomersView

    return [CustomersView(), FormsView(), DuplicatesView(), ErasureView(), SubjectFileView(), OfficersView(), OptionalFieldsView()]


@hookimpl
def register_customer_panels() -> list[CustomerPanel]:
    from core.customers.page import form_entries

    return [CustomerPanel("customers.forms", _l("Forms"), permission="customers.read", entries=form_entries, icon="file-text")]


@hookimpl
def register_search() -> list[SearchProvider]:
    from core.customers.finding import find_customers, find_forms, unsearched

    return [
        SearchProvider("customers", _l("Customers"), permission="customers.read", find=find_customers, order=10, unsearched=unsearched),
        SearchProvider("customers.forms", _l("Customer forms"), permission="customers.read", find=find_forms, order=20),
    ]


@hookimpl
def register_dashboard_cards() -> list[DashboardCard]:
    from core.customers.finding import new_customers

    return [DashboardCard("customers.new", _l("New customers this month"), permission="customers.read", figure=new_customers, order=30)]


@hookimpl
def register_reports() -> list[Report]:
    from core.customers.reports import reports

    return reports()


@hookimpl
def register_importers() -> list[Importer]:
    from core.customers.importers import importers

    return importers()


@hookimpl
def register_jobs() -> list[Job]:
    from core.customers.background import jobs

    return jobs()


@hookimpl
def register_api() -> list[Resource]:
    from core.customers.web_api import resources

    return resources()
