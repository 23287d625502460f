"""CSV: what each kind of column writes, quoting as csv.reader reads it, headings, first byte, flat memory."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DiwanError
from core.exporter.columns import Column
from core.exporter.guard import unguard
from core.exporter.stream import read_all
from core.exporter.text import Options, write_csv
from core.i18n import Bilingual
from core.money import Money

BARE = Options(bom=False)


def one(kind: Any, value: Any, options: Options = BARE, **more: Any) -> str:
    lines = read_all(write_csv([Column("x", kind=kind, **more), Column("y")], [(value, "end")], options)).decode().split("\r\n")
    return lines[1].removesuffix(",end")


@pytest.mark.parametrize(("kind", "value", "written"), [
    ("text", "=1", "'=1"), ("text", None, ""), ("text", "-5.00", "-5.00"), ("text", 'a "b", c', '"a ""b"", c"'), ("text", 7, "7"),
    ("integer", -12345, "-12345"), ("integer", None, ""), ("number", Decimal("1E+3"), "1000"), ("number", 0.1, "0.1"), ("number", Decimal("-0.5"), "-0.5"),
    ("date", date(2026, 11, 22), "2026-11-22"), ("date", None, ""), ("boolean", True, "true"), ("boolean", False, "false"),
    ("phone", "+966550000001", "+966550000001"), ("phone", "+1-cmd", "'+1-cmd"), ("phone", None, ""), ("phone", "055•••••01", "055•••••01"),
    ("money", Money(Decimal("1000"), "KWD"), "1000.000"), ("money", Money(Decimal("-0.05"), "SAR"), "-0.05"), ("money", None, ""),
    ("moment", datetime(2026, 11, 22, 6, 40, tzinfo=UTC), "2026-11-22T06:40:00Z"),
])
def test_kinds_are_written_exactly(kind: Any, value: Any, written: str) -> None:
    assert one(kind, value) == written


@pytest.mark.parametrize(("minor", "currency", "written"), [
    (125050, "SAR", "1250.50"), (-5, "SAR", "-0.05"), (0, "SAR", "0.00"), (-1000, "KWD", "-1.000"), (7, "JPY", "7"), (10**15, "SAR", "10000000000000.00"),
])
def test_minor_units_are_exact_in_each_currency(minor: int, currency: str, written: str) -> None:
    assert one("money", minor, currency=currency) == written


def test_currency_comes_from_another_column() -> None:
    columns = [Column("amount", kind="money", currency="currency"), Column("currency")]

    content = read_all(write_csv(columns, [(1500, "SAR"), (1500, "KWD")], BARE))

    assert content == b"amount,currency\r\n15.00,SAR\r\n1.500,KWD\r\n"


def test_moments_are_in_the_files_zone() -> None:
    options = Options(bom=False, zone=ZoneInfo("Asia/Riyadh"))

    assert one("moment", datetime(2026, 11, 22, 6, 40, tzinfo=UTC), options) == "2026-11-22T09:40:00+03:00"


@pytest.mark.parametrize(("kind", "value"), [
    ("date", 5), ("integer", 1.5), ("money", 5), ("number", Decimal("NaN")), ("moment", datetime(2026, 1, 1)), ("phone", 966),
])
def test_wrong_types_are_refused_not_guessed(kind: Any, value: Any) -> None:
    with pytest.raises(DiwanError):
        one(kind, value)


def test_rows_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError):
        read_all(write_csv([Column("a"), Column("b")], [("1", "2"), ("1",)], BARE))


def test_keys_are_english_and_distinct() -> None:
    with pytest.raises(DiwanError):
        Column("مفتاح")
    with pytest.raises(DiwanError):
        write_csv([Column("a"), Column("a")], [])


def test_headings_are_english_keys_and_optionally_arabic(app: Flask) -> None:
    columns = [Column("number", Bilingual("رقم العميل", "Customer number")), Column("name", Bilingual("الاسم", "Name"))]

    content = read_all(write_csv(columns, [("1", "أحمد")], Options(headings=True)))

    assert content == "\ufeffnumber,name\r\nرقم العميل,الاسم\r\n1,أحمد\r\n".encode()


def test_no_rows_leave_the_heading() -> None:
    assert read_all(write_csv([Column("a"), Column("b")], [], BARE)) == b"a,b\r\n"


def test_an_only_empty_cell_is_a_row() -> None:
    assert list(csv.reader(io.StringIO(read_all(write_csv([Column("a")], [("",), (None,)], BARE)).decode()))) == [["a"], [""], [""]]


@given(st.lists(st.tuples(st.text(max_size=8), st.none() | st.text(max_size=8)), max_size=20))
def test_any_text_comes_back_through_a_csv_reader(rows: list[tuple[str, str | None]]) -> None:
    clean = [(a.replace("\x00", ""), None if b is None else b.replace("\x00", "")) for a, b in rows]

    content = read_all(write_csv([Column("a"), Column("b")], clean, BARE)).decode()

    read = [[unguard(cell) for cell in row] for row in csv.reader(io.StringIO(content, newline=""))][1:]
    assert read == [[a, b or ""] for a, b in clean]


def test_first_bytes_leave_before_the_rows_are_read() -> None:
    taken = 0

    def rows() -> Iterator[tuple[str, str]]:
        nonlocal taken
        for number in range(100_000):
            taken += 1
            yield str(number), "نص"

    next(iter(write_csv([Column("a"), Column("b")], rows())))

    assert taken <= 200


def test_memory_stays_flat() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        for _data in write_csv([Column("a"), Column("b", kind="integer")], ((f"row {number}", number) for number in range(count))):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(60_000) < 1.5 * peak(6_000)
