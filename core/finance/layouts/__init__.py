"""The file formats that accounting systems take in, each a pure function from entries and settings to bytes."""

from __future__ import annotations

from collections.abc import Mapping

from core.finance.layouts.base import Entry, Layout, LayoutSettings, LeftOut, left_out
from core.finance.layouts.dynamics import BUSINESS_CENTRAL, DYNAMICS_FINANCE
from core.finance.layouts.erpnext import ERPNEXT
from core.finance.layouts.generic import GENERIC
from core.finance.layouts.odoo import ODOO_CSV, ODOO_MOVE
from core.finance.layouts.quickbooks import QUICKBOOKS
from core.finance.layouts.xero import XERO

__all__ = ["LAYOUTS", "Entry", "Layout", "LayoutSettings", "LeftOut", "left_out"]

LAYOUTS: Mapping[str, Layout] = {
    layout.code: layout for layout in (GENERIC, ODOO_MOVE, ODOO_CSV, ERPNEXT, QUICKBOOKS, XERO, DYNAMICS_FINANCE, BUSINESS_CENTRAL)
}
