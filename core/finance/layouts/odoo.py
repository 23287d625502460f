"""Odoo: journal entries by Odoo's own import of ``account.move``, and the generic CSV of the OCA importer."""

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
from core.money import Money

MOVE_KEYS = ("journal_id", "date", "ref", "line_ids/account_id", "line_ids/partner_id", "line_ids/name", "line_ids/debit", "line_ids/credit")
CSV_KEYS = ("date", "journal", "account", "partner", "analytic", "name", "debit", "credit", "ref", "reconcile_ref")
JOURNAL = Option("journal", _l("Journal"), "DON", _l("Its code or name in Odoo."), required=True)


def write_move(entries: Sequence[Entry], settings: LayoutSettings) -> list[bytes]:
    return [table(MOVE_KEYS, (row for entry in entries for row in _move(entry, settings)))]


def _move(entry: Entry, settings: LayoutSettings) -> Iterator[tuple[str, ...]]:
    nothing = amount_text(Money.of_minor(0, entry.amount.currency))
    head = (settings.journal, day_text(entry.on, settings, "YYYY-MM-DD"), entry.reference)
    for line in journal_lines(entry, settings):
        yield (*head, line.account, entry.party, entry.memo, line.debit or nothing, line.credit or nothing)
        head = ("", "", "")


def write_csv(entries: Sequence[Entry], settings: LayoutSettings) -> list[bytes]:
    return [table(CSV_KEYS, (row for entry in entries for row in _generic(entry, settings)), heading=False)]


def _generic(entry: Entry, settings: LayoutSettings) -> Iterator[tuple[str, ...]]:
    for line in journal_lines(entry, settings):
        yield (day_text(entry.on, settings, "DD/MM/YYYY"), settings.journal, line.account, "", "", entry.memo, line.debit, line.credit, entry.reference, "")


ODOO_MOVE = Layout("odoo_account_move", _l("Odoo journal entries"), write_move, (JOURNAL,), one_currency=True, account_help=_l("Account codes of Odoo."))
ODOO_CSV = Layout(
    "odoo_generic_csv", _l("Odoo generic CSV"), write_csv,
    (JOURNAL, Option("date_format", _l("Date format"), "DD/MM/YYYY", choices=tuple(DATE_FORMATS))),
    one_currency=True, account_help=_l("Account codes of Odoo."),
)
