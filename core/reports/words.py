"""A report in words: its parameters as a sentence in cells, and its values as they stand on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from core.admin import printing
from core.calendar import MONTHS, gregorian_text, hijri_text
from core.exporter.columns import Column
from core.i18n import gettext as _
from core.i18n import language
from core.i18n import lazy_gettext as _l
from core.money import Money
from core.phones import format_phone
from core.reports.offers import Report

FIGURES = ("integer", "number", "money")


@dataclass(frozen=True)
class Cell:
    """One parameter as it was used: a text, a day, or the two days of a period."""

    label: Any
    value: Any

    @property
    def words(self) -> tuple[str, str]:
        """What it says, and under it the same in the other calendar."""
        if isinstance(self.value, list | tuple):
            return period_words(*self.value)
        if isinstance(self.value, date):
            return gregorian_text(self.value, mark=True), hijri_text(self.value)
        return str(self.value), ""


def sentence(report: Report, values: Mapping[str, Any], choices: Mapping[str, Sequence[tuple[str, Any]]]) -> list[Cell]:
    """What was asked of the report, one cell a parameter, from and until in one; what was left open says so."""
    first, last = values.get("from_on"), values.get("to_on")
    period = [Cell(_l("Period"), (first, last))] if first and last else []
    others = [one for one in report.parameters if not period or one.key not in ("from_on", "to_on")]
    return [*period, *(Cell(one.label, _said(one.kind, values.get(one.key), choices.get(one.key, ()))) for one in others)]


def _said(kind: str, value: Any, choices: Sequence[tuple[str, Any]]) -> Any:
    if value is None:
        return _l("the whole association") if kind == "centre" else _l("all")
    if kind in ("choice", "centre"):
        return next((label for code, label in choices if str(code) == str(value)), str(value))
    return value if isinstance(value, date) else str(value)


def period_words(first: date, last: date) -> tuple[str, str]:
    """A period in both calendars: ``1 to 31 October 2026`` and ``20 Rabi II 1448 AH to …``."""
    if first == last:
        return gregorian_text(first, mark=True), hijri_text(first)
    start = gregorian_text(first)
    if (first.year, first.month) == (last.year, last.month):
        start = str(first.day)
    elif first.year == last.year:
        start = f"{first.day} {MONTHS[language()][first.month - 1]}"
    return _span(start, gregorian_text(last, mark=True)), _span(hijri_text(first), hijri_text(last))


def _span(first: str, last: str) -> str:
    return _("%(first)s to %(last)s", first=first, last=last) if first and last else ""


def on_paper(value: Any, column: Column, zone: tzinfo) -> str:
    """One cell of the table where no markup can be."""
    if value is None:
        return ""
    if isinstance(value, Money):
        return _amount(value, column.currency)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return f"{gregorian_text(value.astimezone(zone).date())} {printing.clock(value, zone)}"
    if isinstance(value, date):
        return gregorian_text(value)
    if column.kind == "phone":
        return format_phone(str(value))
    return figure_words(value) if isinstance(value, int | Decimal | float) else str(value)


def _amount(value: Money, named_by: str | None) -> str:
    """The amount; with its currency unless the row names that in a column of its own."""
    amount, sign = printing.money_parts(value)
    return amount if named_by and len(named_by) != 3 else f"{amount} {sign}"


def figure_words(value: Any) -> str:
    """The value of a figure or a number in the table: grouped, a true minus."""
    if isinstance(value, Money):
        return " ".join(printing.money_parts(value))
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        return str(value)
    return printing.whole(value) if isinstance(value, int) else f"{Decimal(str(value)):,f}".replace("-", printing.MINUS)
