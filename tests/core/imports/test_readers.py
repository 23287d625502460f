"""Files into rows and cells into values: real files with known figures, and broken ones that are refused by line."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import itertools
import json
import tracemalloc
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.exporter.guard import guard
from core.imports import readers
from core.imports.readers import Declaration, coerce, read

UNDECLARED = Declaration()


def file_of(folder: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path = folder / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def table(path: Path, declared: Declaration = UNDECLARED) -> tuple[list[str], list[list[Any]]]:
    reading = read(path, declared)
    return list(reading.headings), [list(cells) for _line, cells in reading.rows]


def column(path: Path, heading: str, declared: Declaration = UNDECLARED) -> list[Any]:
    reading = read(path, declared)
    place = list(reading.headings).index(heading)
    return [cells[place] for _line, cells in reading.rows]


def refusal(path: Path, declared: Declaration = UNDECLARED) -> InvalidInput:
    with pytest.raises(InvalidInput) as refused:
        list(read(path, declared).rows)
    return refused.value


# --- encodings, delimiters -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "declared"), [
    ("names_utf8_bom.csv", UNDECLARED), ("cities_utf16le_tab.txt", UNDECLARED), ("names_cp1256.csv", Declaration(encoding="windows-1256")),
])
def test_real_encodings_are_read_as_known(shared, name, declared):
    known = json.loads((shared / "data/expected.json").read_text())[f"encodings/{name}"]
    path = shared / "data/encodings" / name

    headings, rows = table(path, declared)

    reading = read(path, declared)
    assert [heading if known["header"][place] else "" for place, heading in enumerate(headings)] == known["header"]
    assert (len(rows), rows[0], rows[-1]) == (known["data_rows"], known["first"], known["last"])
    assert reading.delimiter == {"TAB": "\t"}.get(known["delimiter"], known["delimiter"])
    text = path.read_bytes().decode(reading.encoding).removeprefix("\ufeff").replace("\r\n", "\n")
    assert hashlib.sha256(text.encode()).hexdigest() == known["sha256_of_text_as_utf8_lf"]


def test_windows_1256_is_asked_for_never_guessed(shared):
    refused = refusal(shared / "data/encodings/names_cp1256.csv")

    assert refused.field == "encoding" and "Line 2" in str(refused)


def test_utf_8_declared_as_windows_1256_is_refused(tmp_path):
    assert refusal(file_of(tmp_path, "الاسم,المدينة\nنورة,جدة\n"), Declaration(encoding="windows-1256")).field == "encoding"
    assert table(file_of(tmp_path, "name,city\nNoura,Jeddah\n"), Declaration(encoding="windows-1256"))[1] == [["Noura", "Jeddah"]]


def test_a_byte_order_mark_wins_over_a_declaration(tmp_path):
    path = file_of(tmp_path, codecs.BOM_UTF16_BE + "الاسم;المدينة\r\nنورة;جدة\r\n".encode("utf-16-be"))

    assert table(path, Declaration(encoding="utf-8")) == (["الاسم", "المدينة"], [["نورة", "جدة"]])


def test_utf_16_without_a_mark_is_refused_and_can_be_declared(tmp_path):
    path = file_of(tmp_path, "name,city\nNoura,Jeddah\n", "utf-16-le")

    assert refusal(path).field == "encoding"
    assert table(path, Declaration(encoding="utf-16"))[1] == [["Noura", "Jeddah"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_told_by_the_file(tmp_path, delimiter):
    lines = [["name", "note"], ["نورة", "x, y; z"], ["سعد", "1,5"]]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(lines)

    assert table(file_of(tmp_path, text.getvalue())) == (lines[0], lines[1:])


def test_where_lines_differ_the_headings_tell_the_delimiter_and_a_line_of_another_width_is_marked(tmp_path):
    found = read(file_of(tmp_path, "a;b\n1;2\n\n3;4;5\n6;7;\n"), UNDECLARED)

    assert [(line, list(cells), isinstance(cells, readers.Uneven)) for line, cells in found.rows] == [
        (2, ["1", "2"], False), (4, ["3", "4", "5"], True), (5, ["6", "7"], False)]


def test_a_file_in_which_no_line_has_the_width_of_the_headings_is_refused_whole(tmp_path):
    refused = refusal(file_of(tmp_path, "Register of the year\n1,2\n3,4,5\n"), Declaration(delimiter=","))

    assert "Line 2 has 2 cells; the headings are 1" in str(refused)


def test_two_possible_delimiters_are_asked_for(tmp_path):
    path = file_of(tmp_path, "a;b,c\n1;2,3\n")

    assert refusal(path).field == "delimiter"
    assert table(path, Declaration(delimiter=";")) == (["a", "b,c"], [["1", "2,3"]])


@pytest.mark.parametrize("declared", [{"encoding": "rot13"}, {"delimiter": "ab"}, {"date_order": "ydm"}, {"calendar": "maya"}, {"decimal": "x"},
                                      {"header_row": -1}])
def test_a_declaration_that_means_nothing_is_refused_by_its_field(declared):
    with pytest.raises(InvalidInput) as refused:
        Declaration(**declared)

    assert refused.value.field == next(iter(declared))


# --- broken files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("content", "told"), [
    (b"", "empty"), (b"a,b\n1,2\n\"3,4\n5,6\n", "line 3"), (b"a,b\n3\n", "Line 2 has 1"),
    (b"a,b\n3,4,5\n", "Line 2 has 3"), (b"a,b,a\n1,2,3\n", "“a” stands twice"),
    (b",,\n1,2,3\n", "Line 1 holds no headings"), (b"a,b\n1,\x00\n", "Line 2"),
    (b"a,b\n1,2\n\xff,3\n", "Line 3 is not UTF-8"), (b"\xd0\xcf\x11\xe0\xa1\xb1", "XLS"),
    (b"PK\x03\x04 nothing", "cannot be read as an Excel workbook"), ("a\u202eb,c\n1,2\n".encode(), "U+202E"), (b'a,b\n1,"2" x\n', "line 2"),
])
def test_a_broken_file_is_refused_with_its_line(tmp_path, content, told):
    assert told in str(refusal(file_of(tmp_path, content)))


def test_a_cell_over_several_lines_counts_its_lines(tmp_path):
    path = file_of(tmp_path, 'name,note\nنورة,"one\ntwo"\nسعد,x\n\nعلي\n')
    reading = read(path, UNDECLARED)

    assert list(reading.rows) == [(2, ["نورة", "one\ntwo"]), (4, ["سعد", "x"]), (6, readers.Uneven(["علي"]))]


def test_blank_headings_are_named_by_place_and_empty_ends_dropped(tmp_path):
    assert table(file_of(tmp_path, "a,, (c) \n1,2,3,,\n,,\n")) == (["a", "(2)", "(c)"], [["1", "2", "3"]])
    assert table(file_of(tmp_path, "(a),(b)\n1,2\n"))[0] == ["(a)", "(b)"]


def test_headings_below_a_title_are_declared(tmp_path):
    path = file_of(tmp_path, "سجل العملاء\n\nname;city\nنورة;جدة\n")

    assert table(path, Declaration(header_row=3)) == (["name", "city"], [["نورة", "جدة"]])
    assert refusal(path, Declaration(header_row=9)).field == "header_row"


@pytest.mark.slow
def test_many_lines_pass_through_little_memory(tmp_path):
    path = tmp_path / "large.csv"
    with path.open("w", encoding="utf-8") as handle:
        handle.write("الاسم,الجوال\n")
        for block in range(200):
            handle.write("".join(f"عميل {block}-{n},0550000001\n" for n in range(1000)))

    tracemalloc.start()
    count = sum(1 for _row in read(path, UNDECLARED).rows)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 200_000
    assert peak < 8 * 1024 * 1024


# --- workbooks -------------------------------------------------------------------------------------------------------


def test_a_right_to_left_workbook_with_a_title_a_hidden_sheet_and_two_kinds_of_dates(shared):
    path = shared / "data/xlsx/cities_rtl.xlsx"
    known = json.loads((shared / "data/expected.json").read_text())["xlsx/cities_rtl.xlsx"]

    assert readers.sheets(path) == [("المدن", False), ("مخفي", True)]
    day_first = Declaration(date_order="dmy")
    dates = [coerce(cell, "date", day_first, field="on") for cell in column(path, "تاريخ الإدخال")]
    assert len(dates) == known["data_rows"]
    assert [dates[0].isoformat(), dates[-1].isoformat()] == known["dates_iso_first_last"]
    assert all((later - earlier).days == 1 for earlier, later in itertools.pairwise(dates))
    assert next(read(path, UNDECLARED).rows)[0] == known["header_row"] + 1


def test_several_sheets_are_asked_for(shared):
    path = shared / "data/xlsx/poi_right-to-left.xlsx"

    assert refusal(path).field == "sheet"
    assert refusal(path, Declaration(sheet="غيرها")).field == "sheet"
    assert table(path, Declaration(sheet="عربى"))[0]


def test_grants_add_up_exactly(shared):
    known = json.loads((shared / "data/expected.json").read_text())["donations/360giving_ALWF.xlsx"]
    path = shared / "data/donations/360giving_ALWF.xlsx"
    pounds = Declaration(currency="GBP")

    amounts = [coerce(cell, "amount", pounds, field="amount") for cell in column(path, "Amount Awarded")]
    days = [coerce(cell, "date", pounds, field="on") for cell in column(path, "Award Date")]

    assert (len(amounts), sum(amounts)) == (known["rows"], Decimal(str(known["amount_sum"])))
    by_year = {year: sum(amount for amount, day in zip(amounts, days, strict=True) if str(day.year) == year) for year in known["by_year"]}
    assert by_year == {year: Decimal(str(figures["sum"])).quantize(Decimal("0.01")) for year, figures in known["by_year"].items()}


def workbook(folder: Path) -> Path:
    """A title over headings that begin in C4, and awkward cells below."""
    path = folder / "own.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("سجل")
    sheet.merge_range("C3:G3", "سجل العملاء")
    sheet.write_row("C4", ["phone", "amount", "reference", "on", "at"])
    sheet.write_row("C6", [966550000001, 0.1 + 0.2, 12345678901234567])
    sheet.write_datetime("F6", datetime(2026, 9, 23), book.add_format({"num_format": "yyyy-mm-dd"}))
    sheet.write_datetime("G6", datetime(2026, 9, 23, 14, 5), book.add_format({"num_format": "yyyy-mm-dd hh:mm"}))
    book.close()
    return path


def test_lines_of_a_sheet_are_counted_as_the_spreadsheet_does(tmp_path):
    path = workbook(tmp_path)
    found = read(path, UNDECLARED)

    assert list(found.headings) == ["phone", "amount", "reference", "on", "at"]
    assert next(found.rows)[0] == 6
    assert list(read(path, Declaration(header_row=4)).headings) == list(found.headings)


def test_numbers_of_a_sheet_stay_exact_or_are_refused(tmp_path):
    phone, amount, reference, on, at = table(workbook(tmp_path))[1][0]

    assert coerce(phone, "phone", UNDECLARED, field="phone") == "+966550000001"
    assert coerce(amount, "amount", UNDECLARED, field="amount") == Decimal("0.30")
    with pytest.raises(InvalidInput, match="more digits than a spreadsheet keeps"):
        coerce(reference, "text", UNDECLARED, field="reference")
    assert coerce(on, "date", UNDECLARED, field="on") == date(2026, 9, 23)
    assert coerce(at, "moment", UNDECLARED, field="at") == datetime(2026, 9, 23, 11, 5, tzinfo=UTC)


def test_an_archive_that_would_fill_the_memory_is_not_opened(tmp_path, monkeypatch):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 100_000)
    monkeypatch.setattr("core.imports.workbooks.LARGEST_BYTES", 50_000)

    assert "too large" in str(refusal(path))


# --- cells into values -----------------------------------------------------------------------------------------------


def test_messy_donations_without_a_declared_order_ask_for_it_33_times(shared):
    path = shared / "data/donations/charity_donations_messy.csv"
    cells = column(path, "donation_date")

    outcomes = [_outcome(cell, "date", UNDECLARED) for cell in cells]
    day_first = [_outcome(cell, "date", Declaration(date_order="dmy")) for cell in cells]

    assert (outcomes.count("refused"), outcomes.count("blank"), outcomes.count("read")) == (33, 4, 113)
    assert (day_first.count("refused"), day_first.count("blank"), day_first.count("read")) == (28, 4, 118)
    amounts = [coerce(cell, "amount", UNDECLARED, field="amount") for cell in column(path, "donation_amount")]
    assert sum(amount for amount in amounts if amount is not None) == Decimal("8304.10")


def test_messy_events_with_month_names_first_are_read(shared):
    cells = column(shared / "data/donations/charity_events_messy.csv", "event_date")

    outcomes = [_outcome(cell, "date", UNDECLARED) for cell in cells if "/" not in cell or cell[:4].isdigit()]

    assert (outcomes.count("read"), outcomes.count("blank"), outcomes.count("refused")) == (86, 5, 0)


def _outcome(cell: Any, kind: str, declared: Declaration) -> str:
    try:
        return "blank" if coerce(cell, kind, declared, field="on") is None else "read"
    except InvalidInput:
        return "refused"


@pytest.mark.parametrize(("text", "utc"), [
    ("23/09/2026 14:05", "2026-09-23T11:05"), ("23/09/2026 2:05 PM", "2026-09-23T11:05"), ("23/09/2026 02:05:09 م", "2026-09-23T11:05:09"),
    ("23/09/2026 12:00 AM", "2026-09-22T21:00"), ("2026-09-23T14:05:00Z", "2026-09-23T14:05"), ("2026-09-23 14:05+01:00", "2026-09-23T13:05"),
    ("٢٣/٠٩/٢٠٢٦ ١٤:٠٥", "2026-09-23T11:05"), ("23 Sep 2026 14:05", "2026-09-23T11:05"),
    ("23/09/2026", "2026-09-22T21:00"), ("Sep 23, 2026, 14:05", "2026-09-23T11:05"),
])
def test_moments_become_utc(text, utc):
    assert coerce(text, "moment", Declaration(date_order="dmy"), field="at") == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["23/09/2026 25:00", "23/09/2026 14:05 PM", "2026-09-23 x", "14:05", "2026-09-23 14:05 tomorrow", "x" * 1000])
def test_moments_that_cannot_be_read_are_refused(text):
    with pytest.raises(InvalidInput) as refused:
        coerce(text, "moment", Declaration(date_order="dmy"), field="at")

    assert refused.value.field == "at"


def test_a_date_with_a_time_after_it_is_a_date_and_with_words_is_none():
    assert coerce("2026-09-23 14:05:00", "date", UNDECLARED, field="on") == date(2026, 9, 23)
    with pytest.raises(InvalidInput):
        coerce("2026-09-23 cancelled", "date", UNDECLARED, field="on")


@pytest.mark.parametrize(("cell", "kind", "value"), [
    (" Noura@Example.ORG ", "email", "Noura@example.org"), ("١٢", "integer", 12), (12, "integer", 12), ("-3", "integer", -3), (" نورة  ", "text", "نورة"),
    ("", "amount", None), (None, "phone", None), ("   ", "date", None),
    (15000, "amount", Decimal("15000.00")), ("'=1+1", "text", "=1+1"), ("'tis", "text", "'tis"),
    ("0550000001", "phone", "+966550000001"), (966550000001, "phone", "+966550000001"), (1.5, "text", "1.5"), (date(2026, 9, 23), "text", "2026-09-23"),
])
def test_cells_become_values(cell, kind, value):
    assert coerce(cell, kind, UNDECLARED, field="x") == value


@pytest.mark.parametrize(("cell", "kind"), [
    ("9.66551E+11", "phone"), ("nobody@", "email"), ("a b@example.org", "email"), ("1.5", "integer"), ("१२", "integer"),
    (True, "amount"), (float("nan"), "amount"),
    ("a\u202eb", "text"), ("x" * 501, "text"), (45292, "date"), ("yes", "choice"), (9.66550000001e20, "phone"),
])
def test_cells_that_cannot_be_read_are_refused_with_their_field(cell, kind):
    with pytest.raises(InvalidInput) as refused:
        coerce(cell, kind, UNDECLARED, field="x", choices={"نعم": "yes_code"})

    assert refused.value.field == "x"


def test_choices_are_found_through_folding():
    assert coerce("أُنثى", "choice", UNDECLARED, field="gender", choices={"انثي": "female"}) == "female"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(rows=st.lists(st.lists(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=12), min_size=3, max_size=3), min_size=1, max_size=5))
def test_what_the_exporter_guards_comes_back_as_it_was(tmp_path, rows):
    text = io.StringIO()
    csv.writer(text).writerows([["a", "b", "c"], *([guard(cell) for cell in row] for row in rows)])

    found = table(file_of(tmp_path, text.getvalue()))[1]

    assert [[readers.unguard(cell) for cell in row] for row in found] == [row for row in rows if any(row)]


def test_a_file_without_headings_has_columns_named_by_their_places(tmp_path):
    path = file_of(tmp_path, "\n1,2,3\n4,5,6\n")

    assert table(path, Declaration(header_row=0)) == (["(1)", "(2)", "(3)"], [["1", "2", "3"], ["4", "5", "6"]])
    with pytest.raises(InvalidInput) as refused:
        read(file_of(tmp_path, "\n\n"), Declaration(header_row=0))
    assert refused.value.field == "file"


@pytest.mark.parametrize("cut", ["7", "7,8", "7,8,9,10"])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_without_headings_most_lines_say_the_width_and_another_is_marked(tmp_path, cut, place):
    lines = ["1,2,3", "4,5,6", "a,b,c"]
    lines.insert(place, cut)
    found = read(file_of(tmp_path, "\n".join(lines) + "\n"), Declaration(header_row=0))
    rows = dict(found.rows)

    assert (found.headings, found.delimiter, list(rows)) == (["(1)", "(2)", "(3)"], ",", [1, 2, 3, 4])
    assert [line for line, cells in rows.items() if isinstance(cells, readers.Uneven)] == [place + 1]
    assert list(rows[place + 1]) == cut.split(",")


def test_a_workbook_without_headings_too(tmp_path):
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet("A").write_row(0, 0, ["x", 7])
    book.close()

    assert table(path, Declaration(header_row=0)) == (["(1)", "(2)"], [["x", 7]])


@pytest.mark.parametrize("written", ["1336102354", "1336102354.5", 1336102354])
def test_seconds_since_1970_are_a_moment_in_utc_whatever_zone_is_declared(written):
    found = coerce(written, "moment", Declaration(time_zone="Asia/Riyadh"), field="at")

    assert found.replace(microsecond=0) == datetime(2012, 5, 4, 3, 32, 34, tzinfo=UTC)


def test_a_time_zone_that_there_is_not_is_refused():
    with pytest.raises(InvalidInput) as refused:
        Declaration(time_zone="Asia/Nowhere")
    assert refused.value.field == "time_zone"


def test_a_cell_with_an_error_or_a_formula_without_its_value_is_no_empty_cell(tmp_path):
    path = tmp_path / "formulas.xlsx"
    book = openpyxl.Workbook()
    for row in (["", "name", "mobile", "note"], ["", "سعد", '=CONCATENATE("0551110","100")', "x"], ["", "علي", "#N/A", ""], ["", "بدر", "0551112233", ""]):
        book.active.append(row)
    book.active["C3"].data_type = "e"
    book.save(path)

    rows = {line: list(cells) for line, cells in readers.read(path, readers.Declaration()).rows}

    held = {line: gap for line, cells in rows.items() for gap in cells if isinstance(gap, readers.Gap)}
    assert held == {2: '=CONCATENATE("0551110","100")', 3: "#N/A"}
    assert all(one in str(one.why) for one in held.values())


def test_a_formula_with_its_value_is_its_value(tmp_path):
    path = tmp_path / "values.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["name", "amount", "word"])
        sheet.write_formula(1, 1, "=10+10", None, 20)
        sheet.write_formula(1, 2, "=A2", None, "word")
        sheet.write(1, 0, "سعد")

    ((_line, cells),) = readers.read(path, readers.Declaration()).rows

    assert list(cells)[:2] == ["سعد", 20] and not any(isinstance(one, readers.Gap) for one in cells)


def test_a_sheet_whose_xml_breaks_off_is_no_workbook(tmp_path):
    path, broken = tmp_path / "whole.xlsx", tmp_path / "broken.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["name", "amount"])
        sheet.write_formula(1, 1, "=10+10", None, 20)
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(broken, "w") as cut:
        for part in whole.namelist():
            content = whole.read(part)
            cut.writestr(part, content.replace(b"</row></sheetData>", b"</rows></sheetData>") if part.endswith("sheet1.xml") else content)

    with pytest.raises(InvalidInput, match="Excel workbook"):
        list(readers.read(broken, readers.Declaration()).rows)
