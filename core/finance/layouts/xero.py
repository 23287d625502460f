"""Xero: manual journals. One signed amount, a tax rate on each line, at most 300 lines a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.finance.layouts.base import (
    DATE_FORMATS,
    Entry,
    Layout,
    LayoutSettings,
    Option,
    amount_text,
    day_text,
    journal_lines,
    table,
)
from core.i18n import lazy_gettext as _l

KEYS = ("*Narration", "*Date", "Description", "*AccountCode", "*TaxRate", "*Amount", "TrackingName1", "TrackingOption1", "TrackingName2", "TrackingOption2")
FILE_LINES = 300
ENTRIES_A_FILE = FILE_LINES // 2


def write(entries: Sequence[Entry], settings: LayoutSettings) -> list[bytes]:
    """Several files where one would hold more than Xero takes; an entry is never divided."""
    parts = [entries[start : start + ENTRIES_A_FILE] for start in range(0, len(entries), ENTRIES_A_FILE)] or [[]]
    return [table(KEYS, (row for entry in part for row in _rows(entry, settings))) for part in parts]


def _rows(entry: Entry, settings: LayoutSettings) -> Iterator[tuple[str, ...]]:
    # Lines of one narration and date are one journal: the reference keeps two gifts of one day apart.
    narration = f"{entry.reference} {entry.party}"
    tracking = (settings.tracking, entry.fund_name) if settings.tracking and entry.fund_name else ("", "")
    for line in journal_lines(entry, settings):
        yield (narration, day_text(entry.on, settings, "DD/MM/YYYY"), entry.memo, line.account, settings.tax_rate, amount_text(line.amount), *tracking, "", "")


XERO = Layout(
    "xero_manual_journal", _l("Xero manual journal"), write,
    (Option("tax_rate", _l("Tax rate"), "Tax Exempt", _l("Its full name in Xero."), required=True),
     Option("tracking", _l("Tracking category of the fund"), "Fund"),
     Option("date_format", _l("Date format"), "DD/MM/YYYY", choices=tuple(DATE_FORMATS))),
    one_currency=True, account_help=_l("Account codes of Xero."),
)
