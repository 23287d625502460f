"""Parameters of a report, and its sums."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from core.errors import InvalidInputs
from core.exporter.columns import Column
from core.money import Money
from core.reports.domain import (
    Totals,
    as_texts,
    default_of,
    is_whole,
    periods_due,
    plain_filter,
    read_parameters,
    state_of,
)
from core.reports.offers import PERIOD, STANDARD, Parameter, Report

TODAY = date(2026, 2, 14)
COLUMNS = (Column("day", "Day", "date"), Column("count", "Count", "integer"), Column("amount", "Amount", "money", currency="currency"),
           Column("currency", "Currency"))


def report(**changes: Any) -> Report:
    return Report(**{"name": "notes.by_day", "title": "Notes", "permission": "notes.read", "columns": COLUMNS, "rows": lambda *_: (), **changes})


def test_a_report_without_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="notes.by_day"):
        report(columns=())


@pytest.mark.parametrize(("default", "day"), [
    ("today", TODAY), ("month_start", date(2026, 2, 1)), ("month_end", date(2026, 2, 28)), ("year_start", date(2026, 1, 1)),
])
def test_default_of_a_day_is_relative_to_today(default: str, day: date) -> None:
    assert default_of(Parameter("d", "Day", "date", default=default), TODAY) == day


def test_absent_parameters_have_their_defaults() -> None:
    values = read_parameters(report(), {}, {}, TODAY)

    assert values == {"from_on": date(2026, 2, 1), "to_on": TODAY, "centre_id": None}


def test_given_parameters_are_read_by_kind() -> None:
    kinds = (*STANDARD, Parameter("kind", "Kind", "choice"), Parameter("least", "Least", "integer"))
    choices = {"centre_id": [("5", "Five")], "kind": [("open", "Open")]}

    values = read_parameters(report(parameters=kinds), {"from_on": "٢٠٢٦-٠١-٠١", "centre_id": "5", "kind": "open", "least": "12"}, choices, TODAY)

    assert (values["from_on"], values["centre_id"], values["kind"], values["least"]) == (date(2026, 1, 1), 5, "open", 12)


def test_all_faults_are_told_together() -> None:
    kinds = (*STANDARD, Parameter("least", "Least", "integer"), Parameter("who", "Who", required=True))

    with pytest.raises(InvalidInputs) as caught:
        read_parameters(report(parameters=kinds), {"from_on": "soon", "centre_id": "6", "least": "9" * 20, "who": " "}, {"centre_id": [("5", "Five")]}, TODAY)

    assert [fault.field for fault in caught.value.faults] == ["from_on", "centre_id", "least", "who"]


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InvalidInputs, match="ends on 31 .* 2026"):
        read_parameters(report(parameters=PERIOD), {"from_on": "2026-02-01", "to_on": "2026-01-31"}, {}, TODAY)


def test_filter_for_the_log_keeps_no_free_text() -> None:
    one = report(parameters=(*PERIOD, Parameter("name", "Name")))

    kept = plain_filter({"from_on": TODAY, "to_on": None, "name": "سعد"}, one)

    assert kept == {"from_on": "2026-02-14", "name": "given"}


def test_money_is_summed_per_currency_and_never_across() -> None:
    totals = Totals(COLUMNS, ["count", "amount"])

    for row in ((TODAY, 2, 100_050, "SAR"), (TODAY, None, 1_000_000, "KWD"), (TODAY, 3, 50, "SAR"), (TODAY, 1, None, "SAR")):
        totals.add(row)

    assert totals.cells() == {"count": [6], "amount": [Money(Decimal("1000.000"), "KWD"), Money(Decimal("1001.00"), "SAR")]}


def test_rows_are_shown_with_their_amounts_as_money() -> None:
    totals = Totals(COLUMNS, [])

    assert totals.with_money((TODAY, 1, 1250, "KWD")) == [TODAY, 1, Money(Decimal("1.250"), "KWD"), "KWD"]


def test_quarters_go_over_the_end_of_the_year() -> None:
    assert periods_due("quarter", date(2026, 1, 5), date(2025, 6, 1))[:2] == [
        (date(2026, 1, 1), date(2026, 3, 31)), (date(2025, 10, 1), date(2025, 12, 31))]


def test_what_ended_before_the_beginning_was_nobodys_duty() -> None:
    assert periods_due("week", date(2026, 1, 11), date(2026, 1, 1)) == [
        (date(2026, 1, 11), date(2026, 1, 17)), (date(2026, 1, 4), date(2026, 1, 10)), (date(2025, 12, 28), date(2026, 1, 3))]
    assert len(periods_due("week", date(2026, 1, 11), date.min)) == 7


@pytest.mark.parametrize(("today", "produced", "state"), [
    (date(2026, 1, 10), False, "due"), (date(2026, 1, 11), False, "overdue"), (date(2026, 1, 11), True, "produced"), (date(2026, 1, 8), True, "produced"),
])
def test_overdue_from_the_first_day_after_the_period(today: date, produced: bool, state: str) -> None:
    assert state_of(date(2026, 1, 10), today, produced=produced) == state


def test_parameters_as_texts_and_whether_something_narrowed_the_report() -> None:
    assert as_texts({"from_on": TODAY, "centre_id": 5, "kind": None}) == {"from_on": "2026-02-14", "centre_id": "5", "kind": ""}
    assert is_whole(report(), {"from_on": date(2026, 1, 1), "to_on": TODAY, "centre_id": None}, TODAY)
    assert not is_whole(report(), {"from_on": date(2026, 1, 1), "to_on": TODAY, "centre_id": 5}, TODAY)


@pytest.mark.parametrize(("changes", "message"), [
    ({"every": "P1W"}, "there are day, week"), ({"every": "week", "parameters": ()}, "needs the parameters from_on"),
    ({"total_row": True, "totals": ("count",)}, "first column of text"),
])
def test_a_report_that_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        report(**changes)
