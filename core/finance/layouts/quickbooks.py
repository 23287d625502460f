"""QuickBooks Online: journal entries. Account names instead of codes, month before day, at most two decimals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.finance.layouts.base import (
    DATE_FORMATS,
    Entry,
    JournalLine,
    Layout,
    LayoutSettings,
    Option,
    amount_text,
    day_text,
    journal_lines,
    table,
)
from core.i18n import lazy_gettext as _l

KEYS = ("*JournalNo", "*JournalDate", "*AccountName", "*Debits", "*Credits", "Description", "Name", "Currency", "Location", "Class")
DECIMALS = 2


def write(entries: Sequence[Entry], settings: LayoutSettings) -> list[bytes]:
    return [table(KEYS, (row for entry in entries for row in _rows(entry, settings)))]


def _rows(entry: Entry, settings: LayoutSettings) -> Iterator[tuple[str, ...]]:
    first = (day_text(entry.on, settings, "MM/DD/YYYY"), entry.party, entry.amount.currency)
    for line in journal_lines(entry, settings):
        day, name, currency = first
        yield (entry.reference, day, line.account, *_sides(line), entry.memo, name, currency, "", entry.fund_name)
        first = ("", "", "")


def _sides(line: JournalLine) -> tuple[str, str]:
    positive = amount_text(line.amount if line.debit else -line.amount, DECIMALS)
    return (positive, "") if line.debit else ("", positive)


QUICKBOOKS = Layout(
    "quickbooks_online", _l("QuickBooks Online journal"), write,
    (Option("date_format", _l("Date format"), "MM/DD/YYYY", choices=tuple(DATE_FORMATS)),),
    decimals=DECIMALS, account_help=_l("Account names, a sub-account as Parent:Child; account numbers are switched off there."),
)
