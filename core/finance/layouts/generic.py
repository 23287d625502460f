"""Diwan's own layout: one row a contribution or pledge, customer number first, fixed columns (FIN-02)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.exporter.columns import Column
from core.exporter.stream import read_all
from core.exporter.text import Options, write_csv
from core.finance.layouts.base import Entry, Layout, LayoutSettings
from core.i18n import lazy_gettext as _l

COLUMNS = (
    Column("customer_number", _l("Customer number")),
    Column("kind", _l("Kind")),
    Column("date", _l("Date"), "date"),
    Column("reference", _l("Reference")),
    Column("programme", _l("Programme")),
    Column("fund", _l("Fund")),
    Column("method", _l("Method")),
    Column("amount", _l("Amount"), "money", "currency"),
    Column("currency", _l("Currency")),
    Column("memo", _l("Memo")),
    Column("due_date", _l("Due"), "date"),
)


def row_of(entry: Entry) -> tuple[Any, ...]:
    return (entry.party, entry.kind, entry.on, entry.reference, entry.programme, entry.fund, entry.method, entry.amount,
            entry.amount.currency, entry.memo, entry.due_on)


def write(entries: Sequence[Entry], settings: LayoutSettings) -> list[bytes]:
    return [read_all(write_csv(COLUMNS, map(row_of, entries), Options(bom=settings.bom)))]


GENERIC = Layout("generic", _l("Generic CSV"), write, journal=False)
