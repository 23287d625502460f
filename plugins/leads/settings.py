"""What an association chooses about its leads."""

from __future__ import annotations

from core.i18n import lazy_gettext as _l
from core.plugins.manifest import Setting

INTERVAL = "leads.portfolio_months"

SETTINGS = (
    Setting(INTERVAL, _l("Portfolio expected every"), "6", kind="choice", choices=(("6", _l("6 months")), ("12", _l("12 months"))), group="leads",
            help=_l("Counted from the day on which the last portfolio was received; then a reminder stands in the inbox of the CRM manager.")),
)
