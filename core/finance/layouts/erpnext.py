"""ERPNext: Journal Entry by the Data Import tool. Fields of the document stand on the first line of an entry only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.finance.layouts.base import Entry, Layout, LayoutSettings, Option, journal_lines, table
from core.i18n import lazy_gettext as _l

KEYS = (
    "ID", "Entry Type", "Series", "Company", "Posting Date", "User Remark", "Account (Accounting Entries)", "Party Type (Accounting Entries)",
    "Party (Accounting Entries)", "Cost Center (Accounting Entries)", "Debit (Accounting Entries)", "Credit (Accounting Entries)",
    "User Remark (Accounting Entries)",
)


def write(entries: Sequence[Entry], settings: LayoutSettings) -> list[bytes]:
    return [table(KEYS, (row for entry in entries for row in _rows(entry, settings)))]


def _rows(entry: Entry, settings: LayoutSettings) -> Iterator[tuple[str, ...]]:
    remark = f"{entry.reference} {entry.memo}".rstrip()
    head = ("", "Journal Entry", settings.series, settings.company, entry.on.isoformat(), remark)
    for line in journal_lines(entry, settings):
        # Party belongs to receivable and payable accounts only, so the donor's number goes into the line's remark.
        yield (*head, line.account, "", "", settings.cost_center, line.debit or "0", line.credit or "0", entry.party)
        head = ("",) * 6


ERPNEXT = Layout(
    "erpnext_journal_entry", _l("ERPNext journal entries"), write,
    (Option("company", _l("Company"), required=True), Option("series", _l("Series"), "ACC-JV-.YYYY.-", required=True),
     Option("cost_center", _l("Cost center"))),
    one_currency=True, account_help=_l("Account names with the company's abbreviation, such as 1110 - Bank - CH."),
)
