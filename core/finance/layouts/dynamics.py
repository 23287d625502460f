"""Microsoft Dynamics: the general journal of Dynamics 365 Finance and of Business Central."""

from __future__ import annotations

from collections.abc import Sequence

from core.finance.layouts.base import (
    Entry,
    Layout,
    LayoutSettings,
    Option,
    amount_text,
    batch_code,
    journal_lines,
    table,
)
from core.i18n import lazy_gettext as _l

FO_KEYS = ("JOURNALBATCHNUMBER", "LINENUMBER", "JOURNALNAME", "ACCOUNTTYPE", "ACCOUNTDISPLAYVALUE", "TRANSDATE", "VOUCHER", "TEXT", "CURRENCYCODE",
           "DEBITAMOUNT", "CREDITAMOUNT")
BC_KEYS = ("Journal Template Name", "Journal Batch Name", "Line No.", "Account Type", "Account No.", "Posting Date", "Document No.", "Description", "Amount",
           "External Document No.")
BC_STEP = 10_000


def write_finance(entries: Sequence[Entry], settings: LayoutSettings) -> list[bytes]:
    code = batch_code(entries, settings)
    lines = ((entry, line) for entry in entries for line in journal_lines(entry, settings))
    rows = (
        (code, str(number), settings.journal, "Ledger", line.account, entry.on.isoformat(), entry.reference, entry.memo, entry.amount.currency,
         line.debit or "0", line.credit or "0")
        for number, (entry, line) in enumerate(lines, start=1)
    )
    return [table(FO_KEYS, rows)]


def write_business_central(entries: Sequence[Entry], settings: LayoutSettings) -> list[bytes]:
    code = batch_code(entries, settings)
    lines = ((entry, line) for entry in entries for line in journal_lines(entry, settings))
    rows = (
        (settings.template, code, str(number * BC_STEP), "G/L Account", line.account, entry.on.isoformat(), entry.reference, entry.memo,
         amount_text(line.amount), entry.reference)
        for number, (entry, line) in enumerate(lines, start=1)
    )
    return [table(BC_KEYS, rows)]


DYNAMICS_FINANCE = Layout(
    "dynamics365_fo_general_journal", _l("Dynamics 365 Finance general journal"), write_finance,
    (Option("batch_code", _l("Journal batch number"), "DON-{year}{month}", _l("{year} and {month} are those of the first row."), required=True),
     Option("journal", _l("Journal name"), "GenJrn", required=True)),
    account_help=_l("Account with its dimensions, joined as the ledger shows them."),
)
BUSINESS_CENTRAL = Layout(
    "dynamics_nav_bc_gen_journal", _l("Dynamics Business Central general journal"), write_business_central,
    (Option("template", _l("Journal template"), "GENERAL", required=True), Option("batch_code", _l("Journal batch"), "DONATIONS", required=True)),
    one_currency=True, account_help=_l("G/L account numbers."),
)
