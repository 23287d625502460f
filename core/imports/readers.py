"""Files into rows, never guessing silently: encodings, delimiters, sheets, headings, and the coercion of cells.

What a file cannot say of itself (Windows-1256, the order of date parts, the calendar) is declared; where it was not
declared and matters, reading stops and asks.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from email_validator import EmailNotValidError
from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from core.calendar import CALENDARS, ORDERS, parse_date
from core.emails import normal_email
from core.errors import InvalidInput
from core.exporter.guard import unguard
from core.i18n import LazyString
from core.i18n import lazy_gettext as _l
from core.imports.workbooks import check_workbook, gaps
from core.money import check_currency, known_currencies, parse_amount
from core.phones import parse_phone
from core.text import check_plain, fold, normalise_digits

DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be", "windows-1256": "cp1256", "cp1256": "cp1256",
             "iso-8859-6": "iso-8859-6"}
SNIFF_LINES = 50
Cell = str | int | float | bool | date | datetime | None
XLSX_MAGIC = b"PK\x03\x04"
XLS_MAGIC = b"\xd0\xcf\x11\xe0"
LONGEST_HEADING = 1000
LONGEST_MOMENT = 80
EXACT_DIGITS = 15
"""A spreadsheet keeps fifteen digits of a number; what comes after is lost before the file is written."""


@dataclass(frozen=True)
class Declaration:
    """What the person says of the file. ``date_order``: dmy, mdy or ymd; ``calendar``: gregorian or hijri.

    ``header_row`` 0: the file has no headings; its columns are named by their places, ``(1)``, ``(2)``.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    date_order: str | None = None
    calendar: str = "gregorian"
    time_zone: str = "Asia/Riyadh"
    decimal: str = "."
    region: str = "SA"
    currency: str = "SAR"

    def __post_init__(self) -> None:
        _one_of(self.encoding and self.encoding.lower(), ENCODINGS, "encoding")
        _one_of(self.delimiter, DELIMITERS, "delimiter")
        _one_of(self.date_order, ORDERS, "date_order")
        _one_of(self.calendar, CALENDARS, "calendar")
        _one_of(self.decimal, (".", ","), "decimal")
        if self.header_row is not None and self.header_row < 0:
            raise InvalidInput(_l("Lines are counted from 1."), field="header_row", value=self.header_row)
        if self.time_zone not in known_zones():
            raise InvalidInput(_l("“%(value)s” is no time zone. Write one like Asia/Riyadh.", value=self.time_zone[:40]), field="time_zone",
                               value=self.time_zone)


@cache
def known_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _one_of(value: str | None, known: Iterable[str], field: str) -> None:
    if value and value not in known:
        raise InvalidInput(_l("“%(value)s” cannot be declared here.", value=value[:40]), field=field, value=value)


@dataclass(frozen=True)
class Reading:
    """Headings, and the rows below them as (line number in the file, cells); rows come while they are read."""

    headings: Sequence[str]
    rows: Iterator[tuple[int, Sequence[Cell]]]
    encoding: str = ""
    delimiter: str = ""


def read(path: Path, declared: Declaration) -> Reading:
    """Open a CSV or XLSX file. Raises InvalidInput with the line where something cannot be read."""
    with path.open("rb") as handle:
        begin = handle.read(4)
    if not begin:
        raise InvalidInput(_l("The file is empty."), field="file")
    if begin == XLS_MAGIC:
        raise InvalidInput(_l("The file is an old Excel workbook (XLS). Open it in a spreadsheet and save it as XLSX or CSV."), field="file")
    return _read_xlsx(path, declared) if begin.startswith(XLSX_MAGIC) else _read_csv(path, declared)


# --- CSV -----------------------------------------------------------------------------------------------------------------


def _read_csv(path: Path, declared: Declaration) -> Reading:
    encoding = detect_encoding(path, declared.encoding)
    begins = 1 if declared.header_row is None else declared.header_row
    delimiter = declared.delimiter or detect_delimiter(path, encoding, begins)
    rows = _csv_rows(path, encoding, delimiter)
    if not begins:
        return _without_headings(rows, encoding, delimiter)
    line_no, headings = _heading(rows, begins)
    checked = check_headings([str(cell) for cell in headings], line_no)
    return Reading(checked, _marked(rows, len(checked)), encoding, delimiter)


def _without_headings(rows: Iterator[tuple[int, Sequence[Cell]]], encoding: str, source: str) -> Reading:
    """A file whose first line is a record already: as many columns as most of its first lines have, named by their places."""
    filled = (row for row in rows if any(map(_is_filled, row[1])))
    first = list(islice(filled, SNIFF_LINES))
    if not first:
        raise InvalidInput(_l("The file is empty."), field="file")
    width = commonest([len(cells) for _line, cells in first])
    return Reading([f"({place})" for place in range(1, width + 1)], _marked(chain(first, filled), width), encoding, source)


def commonest(widths: Sequence[int]) -> int:
    """The width that most lines have; of equals the greater, for a line that was cut off is narrower."""
    counted = Counter(widths)
    return max(counted, key=lambda width: (counted[width], width))


class Uneven(tuple[Cell, ...]):
    """A line of another width than the headings, or than most lines: it is refused alone, as nobody can say which cell is which."""


def _marked(rows: Iterator[tuple[int, Sequence[Cell]]], width: int) -> Iterator[tuple[int, Sequence[Cell]]]:
    """The rows that hold something, those of another width as ``Uneven``. Raises InvalidInput in the end where none has this width."""
    fitting, first = False, None
    for line_no, cells in rows:
        if not any(map(_is_filled, cells)):
            continue
        if len(cells) > width and not any(map(_is_filled, cells[width:])):
            cells = cells[:width]
        if len(cells) == width:
            fitting = True
            yield line_no, cells
        else:
            first = first or (line_no, len(cells))
            yield line_no, Uneven(cells)
    if first is not None and not fitting:
        raise InvalidInput(
            _l("Line %(line)s has %(found)s cells; the headings are %(width)s. Correct the line: a cell with a comma must stand in quotation marks.",
               line=first[0], found=first[1], width=width), field="file")


def _is_filled(cell: Cell) -> bool:
    return cell not in ("", None)


def detect_encoding(path: Path, declared: str | None) -> str:
    """By byte order mark, else valid UTF-8, else what was declared; anything else is asked for, never guessed.

    A declaration that the file contradicts is refused: Arabic in UTF-8 read as Windows-1256 would be readable nowhere.
    """
    with path.open("rb") as handle:
        begin = handle.read(4)
    for mark, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if begin.startswith(mark):
            return name
    encoding = ENCODINGS[declared.lower()] if declared else "utf-8"
    if encoding.startswith("utf-16"):
        return encoding if encoding != "utf-16" else "utf-16-le"
    fault = _first_bad_byte(path)
    if encoding.startswith("utf-8"):
        if fault is not None:
            raise InvalidInput(
                _l("Line %(line)s is not UTF-8. If the file comes from Excel on an Arabic Windows, declare Windows-1256; otherwise save it as CSV UTF-8.",
                   line=fault), field="encoding")
        return "utf-8"
    if fault is None and not _is_ascii(path):
        raise InvalidInput(_l("The file is UTF-8, not %(encoding)s. Leave the encoding to be told by the file.", encoding=declared),
                           field="encoding", value=declared)
    return encoding


def _is_ascii(path: Path) -> bool:
    with path.open("rb") as handle:
        return all(chunk.isascii() for chunk in iter(lambda: handle.read(1024 * 1024), b""))


def _first_bad_byte(path: Path) -> int | None:
    line = 1
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as handle:
        while chunk := handle.read(1024 * 1024):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return line + chunk[: error.start].count(b"\n")
            line += chunk.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return line
    return None


def detect_delimiter(path: Path, encoding: str, header_row: int = 1) -> str:
    """The one delimiter that cuts the first lines into equally many cells; where lines differ, the one in the headings, or without headings in
    most lines.

    A single column where none cuts anything. Asked for where two would do as well.
    """
    heads, even = {}, {}
    for delimiter in DELIMITERS:
        widths = _widths(path, encoding, delimiter, header_row)
        width = 0 if not widths else widths[0] if header_row else commonest(widths)
        if width > 1:
            heads[delimiter] = width
            if len(set(widths)) == 1:
                even[delimiter] = width
    found = even or heads
    if not found:
        return ","
    best = max(found, key=lambda one: found[one])
    if sum(width == found[best] for width in found.values()) > 1:
        raise InvalidInput(_l("The columns may be divided by more than one sign. Say which."), field="delimiter")
    return best


def _widths(path: Path, encoding: str, delimiter: str, header_row: int) -> list[int]:
    """Cells in each of the first lines, from the headings on, as far as they can be read."""
    widths: list[int] = []
    try:
        for index, (_line, cells) in enumerate(_limited(_csv_rows(path, encoding, delimiter), header_row + SNIFF_LINES), 1):
            if index >= header_row and any(cells):
                widths.append(len(cells))
    except InvalidInput as error:
        if error.field == "encoding":
            raise
    return widths


def _limited(rows: Iterator[tuple[int, list[str]]], count: int) -> Iterator[tuple[int, list[str]]]:
    for index, row in enumerate(rows):
        if index >= count:
            return
        yield row


def _csv_rows(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding=encoding, newline="") as handle:
        reader = csv.reader(_without_nul(handle), delimiter=delimiter, strict=True)
        line_no = 1
        try:
            for cells in reader:
                yield line_no, cells
                line_no = reader.line_num + 1
        except csv.Error as error:
            raise InvalidInput(_l("The line that begins at line %(line)s cannot be read: a quotation mark is not closed, or a cell is longer than %(most)s"
                                  " characters.", line=line_no, most=csv.field_size_limit()), field="file") from error
        except UnicodeError as error:
            raise InvalidInput(_l("After line %(line)s the text is not %(encoding)s. Declare the right encoding.", line=line_no, encoding=encoding),
                               field="encoding") from error


def _without_nul(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if "\0" in line:
            raise InvalidInput(_l("Line %(line)s holds bytes that are no text. If the file is UTF-16, declare it; otherwise save it as CSV UTF-8.",
                                  line=number), field="encoding")
        yield line


def _heading(rows: Iterator[tuple[int, Any]], number: int) -> tuple[int, Sequence[Cell]]:
    for index, (line_no, cells) in enumerate(rows, 1):
        if index == number:
            return line_no, cells
    raise InvalidInput(_l("The file has no line %(line)s for the headings.", line=number), field="header_row")


def check_headings(headings: Sequence[str], line_no: int) -> list[str]:
    """Headings with single spaces; a blank one is named by its place, a repeated one is refused."""
    plain = [check_plain(" ".join(unguard(heading.removeprefix("\ufeff")).split()), field="file", longest=LONGEST_HEADING) for heading in headings]
    if not any(plain):
        raise InvalidInput(_l("Line %(line)s holds no headings. Say in which line they stand.", line=line_no), field="header_row")
    named = [heading or f"({place})" for place, heading in enumerate(plain, 1)]
    seen: set[str] = set()
    for heading in named:
        if heading in seen:
            raise InvalidInput(_l("The heading “%(heading)s” stands twice in line %(line)s. Rename one of the columns.",
                                  heading=heading, line=line_no), field="file")
        seen.add(heading)
    return named


# --- XLSX ----------------------------------------------------------------------------------------------------------------


def sheets(path: Path) -> list[tuple[str, bool]]:
    """(name, hidden) of a workbook's sheets; none for a CSV file."""
    with path.open("rb") as handle:
        if not handle.read(4).startswith(XLSX_MAGIC):
            return []
    return [(one.name, one.visible != SheetVisibleEnum.Visible) for one in _workbook(path).sheets_metadata]


def _workbook(path: Path) -> CalamineWorkbook:
    try:
        check_workbook(path)
        return CalamineWorkbook.from_filelike(io.BytesIO(path.read_bytes()))
    except (CalamineError, zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _unreadable() from error


def _unreadable() -> InvalidInput:
    return InvalidInput(_l("The file cannot be read as an Excel workbook. Open it in a spreadsheet and save it again as XLSX or CSV."), field="file")


def _read_xlsx(path: Path, declared: Declaration) -> Reading:
    book = _workbook(path)
    name = _chosen_sheet(book, declared.sheet)
    rows = _with_gaps(_sheet_rows(book, name), path, book, name)
    if declared.header_row == 0:
        return _without_headings(rows, "xlsx", name)
    wanted = declared.header_row or _likely_header(book, name)
    line_no, headings = _heading(rows, wanted)
    checked = check_headings([_as_heading(cell) for cell in _trimmed(headings)], line_no)
    return Reading(checked, _marked(rows, len(checked)), "xlsx", name)


def _chosen_sheet(book: CalamineWorkbook, declared: str | None) -> str:
    shown = [one.name for one in book.sheets_metadata if one.visible == SheetVisibleEnum.Visible]
    name = declared or (shown[0] if len(shown) == 1 else None)
    if name is None:
        raise InvalidInput(_l("The workbook has %(n)s sheets: %(names)s. Choose one.", n=len(shown), names=str(_l(", ")).join(shown)), field="sheet")
    if name not in book.sheet_names:
        raise InvalidInput(_l("The workbook has no sheet “%(name)s”.", name=name), field="sheet", value=name)
    return name


def _sheet_rows(book: CalamineWorkbook, name: str) -> Iterator[tuple[int, Sequence[Cell]]]:
    """(line as the spreadsheet counts it, cells from the first used column on); calamine begins at line 1 whatever is used."""
    try:
        for line_no, row in enumerate(book.get_sheet_by_name(name).iter_rows(), 1):
            yield line_no, [_cell(value) for value in row]
    except (CalamineError, ValueError, OverflowError) as error:
        raise _unreadable() from error


class Gap(str):
    """A cell in which something stands that is no value: an error such as ``#N/A``, or a formula whose value was not saved."""

    @property
    def why(self) -> LazyString:
        return _l("The cell holds “%(value)s”, which is an error, or a formula whose value the file does not have. Put the value there, or open the workbook"
                  " in a spreadsheet and save it again.", value=str(self)[:60])


def _with_gaps(rows: Iterator[tuple[int, Sequence[Cell]]], path: Path, book: CalamineWorkbook, name: str) -> Iterator[tuple[int, Sequence[Cell]]]:
    """The rows with ``Gap`` in the cells that the library gives out as empty although something stands there."""
    try:
        found = gaps(path, name)
    except (ElementTree.ParseError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise _unreadable() from error
    if not found:
        return rows
    first = (book.get_sheet_by_name(name).start or (0, 0))[1] + 1
    places: dict[int, dict[int, Gap]] = {}
    for (line_no, column), text in found.items():
        places.setdefault(line_no, {})[column - first] = Gap(text)
    return ((line_no, [places.get(line_no, {}).get(at, cell) for at, cell in enumerate(cells)]) for line_no, cells in rows)


def _likely_header(book: CalamineWorkbook, name: str) -> int:
    """The first line with more than one filled cell: a merged title above the headings has one. Else the first filled line."""
    first = 0
    for line_no, row in _sheet_rows(book, name):
        filled = sum(value not in ("", None) for value in row)
        if filled > 1:
            return line_no
        first = first or (line_no if filled else 0)
    if not first:
        raise InvalidInput(_l("The sheet “%(name)s” is empty.", name=name), field="sheet", value=name)
    return first


def _as_heading(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def _trimmed(cells: Sequence[Cell]) -> list[Cell]:
    trimmed = list(cells)
    while trimmed and trimmed[-1] in ("", None):
        trimmed.pop()
    return trimmed


def _cell(value: Any) -> Cell:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, (datetime, date, str, int, float, bool)):
        return value
    if isinstance(value, time):
        return value.isoformat()
    return None if value is None else str(value)


# --- looking and counting ------------------------------------------------------------------------------------------------


def sample(reading: Reading, count: int) -> list[Sequence[Cell]]:
    """The first rows, for the page where columns are chosen."""
    return [cells for _no, (_line, cells) in zip(range(count), reading.rows, strict=False)]


def count_lines(path: Path, declared: Declaration, enough: int) -> int:
    """How many rows there are, counted up to one more than ``enough``."""
    return sum(1 for _no, _row in zip(range(enough + 1), read(path, declared).rows, strict=False))


# --- cells into values -----------------------------------------------------------------------------------------------------


def coerce(
    cell: Cell, kind: str, declared: Declaration, *, field: str, choices: Mapping[str, str] | None = None, labels: Mapping[str, Any] | None = None,
    longest: int = 500,
) -> Any:
    """The value of one cell as ``kind``; None where it is blank. Raises InvalidInput with field and value."""
    if isinstance(cell, str):
        cell = unguard(cell).strip()
    if cell in ("", None):
        return None
    if kind == "choice":
        return _to_choice(cell, choices or {}, labels or {}, field)
    if kind == "country":
        return _to_country(cell, field)
    if kind in _READERS:
        return _READERS[kind](cell, declared, field)
    try:
        if kind == "currency":
            return check_currency(_as_text(cell))
        return check_plain(_as_text(cell), field=field, multiline=True, longest=longest)
    except InvalidInput as error:
        raise InvalidInput(error.message, field=field, value=error.value) from None


def text_of(cell: Cell) -> str:
    """A cell as text, to be joined with others; empty where it is blank."""
    return "" if cell is None else unguard(_as_text(cell)).strip()


def _as_text(cell: Cell) -> str:
    if isinstance(cell, (int, float)) and not isinstance(cell, bool) and abs(cell) >= 10**EXACT_DIGITS:
        raise InvalidInput(_l("“%(value)s” has more digits than a spreadsheet keeps in a number. Format the column as text and enter the value again.",
                              value=str(cell)), value=str(cell))
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _to_date(cell: Cell, declared: Declaration, field: str) -> date:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    day, _clock = _day_and_clock(_as_text(cell), field)
    return parse_date(day, order=declared.date_order, calendar=declared.calendar, field=field)


def _to_moment(cell: Cell, declared: Declaration, field: str) -> datetime:
    zone = ZoneInfo(declared.time_zone)
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=cell.tzinfo or zone).astimezone(UTC)
    text = _as_text(cell)
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC)
    day, clock = _day_and_clock(text, field)
    on = parse_date(day, order=declared.date_order, calendar=declared.calendar, field=field)
    return datetime.combine(on, clock or time(0), tzinfo=clock.tzinfo if clock and clock.tzinfo else zone).astimezone(UTC)


_SECONDS = re.compile(r"\d{9,10}(\.\d{1,9})?", re.ASCII)
"""Seconds since 1970 in UTC, as machines write a moment: from 1973 on, so that they are no date without separators."""
_CLOCK = re.compile(
    r"(?P<day>.*?[^\s,،])[\sT,،]+(?P<clock>\d{1,2}:\d{2}(:\d{2}([.,]\d{1,9})?)?)\s*(?P<half>[AaPp]\.?[Mm]\.?|ص|م)?\s*(?P<offset>Z|UTC|[+-]\d{2}:?\d{2})?",
    re.ASCII | re.DOTALL)
_HALVES = {"a": "am", "p": "pm", "ص": "am", "م": "pm"}


def _day_and_clock(text: str, field: str) -> tuple[str, time | None]:
    """A date's text and the time of day after it, with its offset where it has one: 23/09/2026 2:05 PM, 2026-09-23T14:05:00Z."""
    plain = normalise_digits(text[:LONGEST_MOMENT]).strip()
    found = _CLOCK.fullmatch(plain)
    if found is None or len(text) > LONGEST_MOMENT:
        if ":" in plain:
            raise _no_time(text, field)
        return text, None
    try:
        return found["day"], _time(found["clock"], found["half"], found["offset"])
    except ValueError:
        raise _no_time(text, field) from None


def _time(clock: str, half: str | None, offset: str | None) -> time:
    hour, rest = clock.split(":", 1)
    number = int(hour)
    if half:
        if not 1 <= number <= 12:
            raise ValueError(clock)
        number = number % 12 + (12 if _HALVES[half[0].lower()] == "pm" else 0)
    return time.fromisoformat(f"{number:02}:{rest.replace(',', '.')}{'Z' if offset == 'UTC' else offset or ''}")


def _no_time(text: str, field: str) -> InvalidInput:
    return InvalidInput(_l("“%(value)s” has no time that can be read. Write it like 14:05.", value=text[:40]), field=field, value=text)


def _to_amount(cell: Cell, declared: Declaration, field: str) -> Decimal:
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return parse_amount(_exact(cell), declared.currency, field=field)
    return parse_amount(_as_text(cell), declared.currency, field=field, decimal=declared.decimal)


def _exact(cell: int | float) -> str:
    """A number cell as it was typed: a spreadsheet keeps 93.17 as a binary fraction and shows fifteen digits of it."""
    return str(cell) if isinstance(cell, int) else format(Decimal(f"{cell:.{EXACT_DIGITS}g}"), "f")


def _to_phone(cell: Cell, declared: Declaration, field: str) -> str:
    try:
        return parse_phone(_as_text(cell), declared.region)
    except InvalidInput as error:
        raise InvalidInput(error.message, field=field, value=error.value) from None


def _to_email(cell: Cell, declared: Declaration, field: str) -> str:
    text = _as_text(cell)
    try:
        return normal_email(text)
    except EmailNotValidError:
        raise InvalidInput(_l("“%(value)s” is no e-mail address.", value=text[:60]), field=field, value=text) from None


def _to_integer(cell: Cell, declared: Declaration, field: str) -> int:
    text = normalise_digits(_as_text(cell)).strip()
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or len(text) > 18:
        raise InvalidInput(_l("“%(value)s” is no whole number.", value=text[:40]), field=field, value=text)
    return int(text)


_READERS = {"date": _to_date, "moment": _to_moment, "amount": _to_amount, "phone": _to_phone, "email": _to_email, "integer": _to_integer}


def _to_choice(cell: Cell, choices: Mapping[str, str], labels: Mapping[str, Any], field: str) -> str:
    """``choices`` are folded for finding; a refusal names them as people write them, where there are such ``labels``."""
    found = choices.get(fold(_as_text(cell)))
    if found is None:
        known = str(_l(", ")).join([str(one) for one in labels.values() or choices][:12])
        raise InvalidInput(_l("“%(value)s” is not one of: %(choices)s.", value=_as_text(cell)[:40], choices=known),
                           field=field, value=_as_text(cell))
    return found


def of_line(declared: Declaration, country: Cell, currency: Cell) -> Declaration:
    """The declaration with the line's own country and currency, by which its phones and its amounts are read, where it gives them."""
    region, code = (str(cell or "").strip().upper() for cell in (country, currency))
    if len(region) == 2 and region.isalpha():
        declared = replace(declared, region=region)
    return replace(declared, currency=code) if code in known_currencies() else declared


def _to_country(cell: Cell, field: str) -> str:
    text = _as_text(cell).upper()
    if text not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidInput(_l("“%(value)s” is no country code. Write two letters, such as SA.", value=text[:40]), field=field, value=text)
    return text
