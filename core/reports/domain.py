"""Parameters read and columns summed: plain values, no session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from core.calendar import day_words, parse_date, period_of
from core.errors import InvalidInput, InvalidInputs
from core.exporter.columns import Column
from core.i18n import lazy_gettext as _l
from core.money import Money
from core.reports.offers import Parameter, Report

LONGEST = 200
LOOKED_BACK = {"day": 7, "week": 6, "month": 3, "quarter": 2, "year": 1}
"""How many ended periods of a report the calendar shows."""
PRODUCED, DUE, OVERDUE = "produced", "due", "overdue"


def periods_due(every: str, today: date, since: date) -> list[tuple[date, date]]:
    """The present period, then those before it that ended on ``since`` or later, the newest first."""
    found = [period_of(every, today)]
    while len(found) <= LOOKED_BACK[every]:
        first, last = period_of(every, found[-1][0] - timedelta(days=1))
        if last < since:
            break
        found.append((first, last))
    return found


def state_of(last: date, today: date, *, produced: bool) -> str:
    """``produced``, else ``overdue`` from the first moment after the period's last day, else ``due``."""
    return PRODUCED if produced else OVERDUE if today > last else DUE


def as_texts(given: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as a form gives them: days as ISO, numbers as digits; None stands for "left empty"."""
    return {key: "" if value is None else value.isoformat() if isinstance(value, date) else str(value) for key, value in given.items()}


def is_whole(report: Report, values: Mapping[str, Any], today: date) -> bool:
    """Whether nothing but the period was chosen, so that the run is the one that the calendar asks for."""
    return all(values.get(one.key) == default_of(one, today) for one in report.parameters if one.key not in ("from_on", "to_on"))


def default_of(parameter: Parameter, today: date) -> Any:
    """A parameter's default; ``today``, ``month_start``, ``month_end`` and ``year_start`` are days relative to ``today``."""
    if parameter.kind != "date" or not isinstance(parameter.default, str):
        return parameter.default
    first, last = period_of("month", today)
    days = {"today": today, "month_start": first, "month_end": last, "year_start": period_of("year", today)[0]}
    return days[parameter.default]


def read_parameters(
    report: Report, given: Mapping[str, str], choices: Mapping[str, Sequence[tuple[str, Any]]], today: date,
) -> dict[str, Any]:
    """The values of a report's parameters from an address or a command line; what is absent has its default.

    ``choices`` are the allowed codes of each choice and centre parameter. Raises InvalidInputs with every fault.
    """
    values: dict[str, Any] = {}
    faults: list[InvalidInput] = []
    for parameter in report.parameters:
        try:
            values[parameter.key] = _read(parameter, given.get(parameter.key), choices.get(parameter.key, ()), today)
        except InvalidInput as fault:
            faults.append(fault)
    if not faults:
        faults += _check_period(values)
    if faults:
        raise InvalidInputs(faults)
    return values


def _read(parameter: Parameter, raw: str | None, choices: Sequence[tuple[str, Any]], today: date) -> Any:
    text = (raw or "").strip()
    if raw is None:
        return default_of(parameter, today)
    if not text:
        if parameter.required:
            raise InvalidInput(_l("“%(name)s” is needed for this report.", name=parameter.label), field=parameter.key)
        return None
    if len(text) > LONGEST:
        raise InvalidInput(_l("“%(name)s” is too long.", name=parameter.label), field=parameter.key, value=text[:40])
    if parameter.kind == "date":
        return parse_date(text, field=parameter.key)
    if parameter.kind in ("choice", "centre"):
        return _chosen(parameter, text, choices)
    return _whole(parameter, text) if parameter.kind == "integer" else text


def _chosen(parameter: Parameter, text: str, choices: Sequence[tuple[str, Any]]) -> Any:
    if text not in {code for code, _label in choices}:
        raise InvalidInput(_l("“%(value)s” is not one of the choices of “%(name)s”.", value=text, name=parameter.label), field=parameter.key, value=text)
    return int(text) if parameter.kind == "centre" else text


def _whole(parameter: Parameter, text: str) -> int:
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 12):
        raise InvalidInput(_l("“%(value)s” is not a whole number for “%(name)s”.", value=text, name=parameter.label), field=parameter.key, value=text)
    return int(text)


def _check_period(values: Mapping[str, Any]) -> list[InvalidInput]:
    first, last = values.get("from_on"), values.get("to_on")
    if first is not None and last is not None and last < first:
        return [InvalidInput(_l("The period ends on %(last)s, before it begins on %(first)s.", last=day_words(last),
                                first=day_words(first)), field="to_on", value=str(last))]
    return []


def plain_filter(values: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Parameters as the audit log keeps them: dates as ISO text; free text only as "given", for it may name a person."""
    texts = {one.key for one in report.parameters if one.kind == "text"}
    return {key: "given" if key in texts else value.isoformat() if isinstance(value, date) else value for key, value in values.items() if value is not None}


class Totals:
    """Sums of some columns, row by row. Money is summed per currency and never across."""

    def __init__(self, columns: Sequence[Column], keys: Iterable[str]) -> None:
        self.columns = {column.key: (place, column) for place, column in enumerate(columns)}
        self.sums: dict[str, Any] = {key: {} if self.columns[key][1].kind == "money" else 0 for key in keys}

    def add(self, row: Sequence[Any]) -> None:
        for key, so_far in self.sums.items():
            place, column = self.columns[key]
            value = row[place]
            if value is None:
                continue
            if column.kind == "money":
                money = self.money(column, value, row)
                so_far[money.currency] = so_far.get(money.currency, Decimal(0)) + money.amount
            else:
                self.sums[key] = so_far + value

    def money(self, column: Column, value: Any, row: Sequence[Any]) -> Money:
        """The amount of a money cell with its currency: a Money, or minor units or Decimal of the column's currency."""
        if isinstance(value, Money):
            return value
        currency = str(row[self.columns[column.currency][0]] if column.currency in self.columns else column.currency)
        return Money.of_minor(value, currency) if isinstance(value, int) else Money(Decimal(value), currency)

    def with_money(self, row: Sequence[Any]) -> Sequence[Any]:
        """The row with its amounts as Money, so that nobody mistakes minor units for an amount."""
        amounts = [(place, column) for place, column in self.columns.values() if column.kind == "money" and row[place] is not None]
        if not amounts:
            return row
        cells = list(row)
        for place, column in amounts:
            cells[place] = self.money(column, row[place], row)
        return cells

    def cells(self) -> dict[str, list[Any]]:
        """By column key what stands in the last row: one number, or a Money per currency."""
        return {key: [Money(amount, currency) for currency, amount in sorted(so_far.items())] if isinstance(so_far, dict) else [so_far]
                for key, so_far in self.sums.items()}
