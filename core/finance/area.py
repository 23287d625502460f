"""Finance as an area of core: permissions, settings, pages, reports, and the money on a customer's page."""

from __future__ import annotations

from core.finance.settings import SETTINGS
from core.i18n import lazy_gettext as _l
from core.plugins.manifest import AreaInfo, Permission

FINANCE = ("finance_manager", "finance_officer")
RAISERS = ("resource_development_manager", "resource_development_employee", "crm_manager", "crm_rd_manager", "donor_service_agent")

AREA = AreaInfo(
    name="finance",
    title=_l("Finance"),
    permissions=(
        Permission("finance.read", _l("See contributions, pledges, statements and batches"),
                   roles=(*FINANCE, *RAISERS, "secretary_general", "association_management", "auditor")),
        Permission("finance.record", _l("Record contributions, refunds and pledges"), roles=(*FINANCE, "resource_development_manager", "resource_development_employee")),
        Permission("finance.export", _l("Issue, download and void finance batches"), roles=FINANCE),
        Permission("finance.settings", _l("Choose accounts, funds and layouts of the finance export"), roles=("finance_manager", "administrator")),
    ),
    settings=SETTINGS,
    untracked={"core_finance_batch_row": "A frozen copy of logged rows; the batch's checksum in the log covers it."},
)
