"""XLSX, row by row into a temporary file: memory stays flat, and the first byte leaves when the workbook is whole.

Text is written as text and never as a formula or link, so the apostrophe of CSV is not needed and cells stay as they are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from core.errors import DiwanError, InvalidInput
from core.exporter.columns import Column, check_columns, currencies, is_phone, plain
from core.exporter.stream import Piece, Stream
from core.exporter.text import PLAIN, Options, Row, blocks, head_rows, turn
from core.i18n import lazy_gettext as _l
from core.money import Money, minor_units

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET_ROWS = 1_048_576
CELL_CHARACTERS = 32_767
EXACT_DIGITS = 15
READ_BYTES = 64 * 1024
WIDTHS = {"text": 24, "integer": 10, "number": 12, "money": 16, "date": 12, "moment": 20, "phone": 18, "boolean": 8}
CREATED = datetime(2000, 1, 1)
"""Fixed, so that the same rows give the same bytes."""


def write_xlsx(columns: Sequence[Column], rows: Iterable[Row], options: Options = PLAIN, *, title: str = "Diwan") -> Stream:
    """A workbook of ``rows``; more than a sheet holds goes on in a further sheet. ``title`` names the sheet.

    Raises InvalidInput, while it is read, for a text that is longer than a cell can hold: nothing is cut.
    """
    check_columns(columns)
    return Stream(_pieces(columns, rows, options, head_rows(columns, options), title), extension="xlsx", media_type=MEDIA_TYPE)


def _pieces(columns: Sequence[Column], rows: Iterable[Row], options: Options, head: list[list[str]], title: str) -> Iterator[Piece]:
    with tempfile.TemporaryFile() as file:
        count = _fill(_Book(file, columns, options, head, title), rows)
        file.seek(0)
        while data := file.read(READ_BYTES):
            yield data, count
            count = 0


def _fill(book: _Book, rows: Iterable[Row]) -> int:
    count = 0
    try:
        for block in blocks(rows):
            book.write(block)
            count += len(block)
    finally:
        book.close()
    return count


class _Book:
    """The workbook being written: its sheet, its next row, and a format for each kind of cell."""

    def __init__(self, file: Any, columns: Sequence[Column], options: Options, head: list[list[str]], title: str) -> None:
        self.book = xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
                                               "strings_to_numbers": False, "nan_inf_to_errors": False})
        self.book.set_properties({"created": CREATED})
        self.columns, self.options, self.head, self.title = columns, options, head, title
        self.formats: dict[str, Format] = {}
        self.sheets = 0
        self.sheet, self.row = self._next_sheet(), len(head)
        self.writers = [_WRITERS[column.kind] for column in columns]

    def format(self, pattern: str, *, bold: bool = False) -> Format:
        name = f"{pattern}{bold}"
        if name not in self.formats:
            self.formats[name] = self.book.add_format({"num_format": pattern, "bold": bold})
        return self.formats[name]

    def write(self, block: Sequence[Row]) -> None:
        turned = turn(self.columns, block, self.options.zone)
        codes = {place: currencies(column, turned) for place, column in enumerate(self.columns) if column.kind == "money"}
        for number, values in enumerate(block):
            if self.row >= SHEET_ROWS:
                self.sheet, self.row = self._next_sheet(), len(self.head)
            for place, value in enumerate(values):
                if value is not None:
                    self.writers[place](self, place, value, codes[place][number] if place in codes else None)
            self.row += 1

    def text(self, place: int, value: str) -> None:
        if len(value) > CELL_CHARACTERS:
            raise InvalidInput(_l("Column “%(key)s” holds a text of %(n)s characters in row %(row)s; an XLSX cell holds 32,767. Export it as CSV.",
                                  key=self.columns[place].key, n=len(value), row=self.row + 1), field=self.columns[place].key)
        self.sheet.write_string(self.row, place, value, self.format("@"))

    def close(self) -> None:
        self.book.close()

    def _next_sheet(self) -> Worksheet:
        self.sheets += 1
        sheet = self.book.add_worksheet(_sheet_name(self.title, self.sheets))
        if self.options.right_to_left:
            sheet.right_to_left()
        for place, column in enumerate(self.columns):
            sheet.set_column(place, place, WIDTHS[column.kind])
        sheet.freeze_panes(len(self.head), 0)
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{SHEET_ROWS}"})
        for row, cells in enumerate(self.head):
            for place, cell in enumerate(cells):
                sheet.write_string(row, place, cell, self.format("@", bold=True))
        return sheet


def _sheet_name(title: str, number: int) -> str:
    clean = "".join(" " if sign in "[]:*?/\\'" else sign for sign in title).strip()[:27] or "Diwan"
    return clean if number == 1 else f"{clean} {number}"


# --- cells by kind ---------------------------------------------------------------------------------------------------


def _text(book: _Book, place: int, value: Any, currency: Any) -> None:
    book.text(place, plain(value))


def _exact(book: _Book, place: int, value: Decimal | int, pattern: str) -> None:
    # A spreadsheet keeps 15 digits; a longer number stays exact as text.
    if len(Decimal(value).as_tuple().digits) > EXACT_DIGITS:
        book.text(place, format(Decimal(value), "f"))
    else:
        book.sheet.write_number(book.row, place, float(value), book.format(pattern))


def _integer(book: _Book, place: int, value: Any, currency: Any) -> None:
    _exact(book, place, value, "0") if type(value) is int else _strange(book, place, value)


def _number(book: _Book, place: int, value: Any, currency: Any) -> None:
    if isinstance(value, float):
        value = Decimal(repr(value))
    if type(value) is int or (isinstance(value, Decimal) and value.is_finite()):
        _exact(book, place, value, "General")
    else:
        _strange(book, place, value)


def _money(book: _Book, place: int, value: Any, currency: str | None) -> None:
    if isinstance(value, Money):
        value, currency = value.amount, value.currency
    elif type(value) is int and currency:
        value = Decimal(value).scaleb(-minor_units(currency))
    if not isinstance(value, Decimal):
        _strange(book, place, value)
    else:
        decimals = minor_units(currency) if currency else -int(value.as_tuple().exponent)
        _exact(book, place, value, f"#,##0.{'0' * decimals}" if decimals > 0 else "#,##0")


def _date(book: _Book, place: int, value: Any, currency: Any) -> None:
    if type(value) is date and value.year >= 1900:
        book.sheet.write_datetime(book.row, place, datetime(value.year, value.month, value.day), book.format("yyyy-mm-dd"))
    else:
        book.text(place, plain(value))


def _moment(book: _Book, place: int, value: Any, currency: Any) -> None:
    if isinstance(value, datetime) and value.tzinfo is not None and value.astimezone(UTC).year >= 1901:
        local = value.astimezone(book.options.zone).replace(tzinfo=None, microsecond=0)
        book.sheet.write_datetime(book.row, place, local, book.format("yyyy-mm-dd hh:mm:ss"))
    else:
        _strange(book, place, value)


def _phone(book: _Book, place: int, value: Any, currency: Any) -> None:
    book.text(place, value) if isinstance(value, str) and is_phone(value) else _strange(book, place, value)


def _boolean(book: _Book, place: int, value: Any, currency: Any) -> None:
    book.sheet.write_boolean(book.row, place, value) if isinstance(value, bool) else _strange(book, place, value)


def _strange(book: _Book, place: int, value: Any) -> None:
    column = book.columns[place]
    if not isinstance(value, str):
        raise DiwanError(f"Column '{column.key}' is of kind {column.kind} and was given {type(value).__name__} {value!r}.")
    book.text(place, value)


_WRITERS: dict[str, Callable[[_Book, int, Any, Any], None]] = {
    "text": _text, "integer": _integer, "number": _number, "money": _money,
    "date": _date, "moment": _moment, "phone": _phone, "boolean": _boolean,
}
