"""XLSX: values keep their type, text is never a formula, sheets run right to left, nothing is cut."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from core.errors import InvalidInput
from core.exporter import workbook
from core.exporter.columns import Column
from core.exporter.stream import read_all
from core.exporter.text import Options
from core.exporter.workbook import write_xlsx
from core.money import Money

COLUMNS = [Column("name"), Column("phone", kind="phone"), Column("amount", kind="money", currency="currency"), Column("currency"), Column("on", kind="date"),
           Column("at", kind="moment"), Column("count", kind="integer"), Column("whole", kind="boolean")]
ROW = ("=صدقة", "+966550000001", 125050, "SAR", date(2026, 11, 22), datetime(2026, 11, 22, 6, 40, tzinfo=UTC), 7, True)


def opened(*args: Any, **kwargs: Any) -> Any:
    return openpyxl.load_workbook(io.BytesIO(read_all(write_xlsx(*args, **kwargs))))


def test_values_keep_their_type() -> None:
    sheet = opened(COLUMNS, [ROW, (None,) * 8], Options(zone=ZoneInfo("Asia/Riyadh"))).active

    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == tuple(column.key for column in COLUMNS)
    assert rows[1] == ("=صدقة", "+966550000001", 1250.5, "SAR", datetime(2026, 11, 22), datetime(2026, 11, 22, 9, 40), 7, True)
    assert [cell.data_type for cell in sheet[2]][:3] == ["s", "s", "n"]
    assert sheet.cell(2, 3).number_format == "#,##0.00"


def test_three_decimals_for_dinars() -> None:
    sheet = opened([Column("amount", kind="money")], [(Money(Decimal("1.5"), "KWD"),)]).active

    assert (sheet.cell(2, 1).value, sheet.cell(2, 1).number_format) == (1.5, "#,##0.000")


def test_long_numbers_stay_exact_as_text() -> None:
    sheet = opened([Column("n", kind="integer")], [(12345678901234567,)]).active

    assert sheet.cell(2, 1).value == "12345678901234567"


def test_arabic_sheets_run_right_to_left() -> None:
    assert opened(COLUMNS, [ROW], Options(right_to_left=True)).active.sheet_view.rightToLeft
    assert not opened(COLUMNS, [ROW]).active.sheet_view.rightToLeft


def test_a_text_longer_than_a_cell_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        read_all(write_xlsx([Column("memo")], [("x" * 32_768,)]))

    assert caught.value.field == "memo"


def test_rows_go_on_in_a_further_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "SHEET_ROWS", 3)

    book = opened([Column("n", kind="integer")], [(number,) for number in range(5)])

    assert [[cell for (cell,) in sheet.iter_rows(values_only=True)] for sheet in book] == [["n", 0, 1], ["n", 2, 3], ["n", 4]]


def test_same_rows_are_the_same_bytes_and_counted() -> None:
    first, second = write_xlsx(COLUMNS, [ROW] * 3), write_xlsx(COLUMNS, [ROW] * 3)

    assert read_all(first) == read_all(second)
    assert first.outcome is not None and first.outcome.rows == 3
