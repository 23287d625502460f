"""Files into rows, never guessing silently: encodings, delimiters, sheets, headings, and the coercion of cells.

What a file cannot say of itself (Windows-1256, the order of date parts, the calendar) is declared; where it was not
declared and matters, reading stops and asks.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from core.calendar import parse_date
from core.errors import InvalidInput
from core.exporter.guard import unguard
from core.i18n import lazy_gettext as _l
from core.money import parse_amount
from core.phones import parse_phone
from core.text import check_plain, fold, normalise_digits

DELIMITERS = (",", ";", "\t", "|")
SNIFF_LINES = 50
Cell = str | int | float | bool | date | datetime | None
XLSX_MAGIC = b"PK\x03\x04"


@dataclass(frozen=True)
class Declaration:
    """What the person says of the file. ``date_order``: dmy, mdy or ymd; ``calendar``: gregorian or hijri."""

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
    return _read_xlsx(path, declared) if begin.startswith(XLSX_MAGIC) else _read_csv(path, declared)


# --- CSV -----------------------------------------------------------------------------------------------------------------


def _read_csv(path: Path, declared: Declaration) -> Reading:
    encoding = detect_encoding(path, declared.encoding)
    delimiter = declared.delimiter or detect_delimiter(path, encoding)
    rows = _csv_rows(path, encoding, delimiter)
    line_no, headings = _heading(rows, declared.header_row or 1)
    checked = check_headings([str(cell) for cell in headings], line_no)
    return Reading(checked, _even(rows, len(checked)), encoding, delimiter)


def detect_encoding(path: Path, declared: str | None) -> str:
    """By byte order mark, else valid UTF-8, else what was declared; anything else is asked for, never guessed."""
    with path.open("rb") as handle:
        begin = handle.read(4)
    for mark, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if begin.startswith(mark):
            return name
    if declared:
        return "cp1256" if declared.lower() in ("windows-1256", "cp1256") else declared
    fault = _first_bad_byte(path)
    if fault is not None:
        raise InvalidInput(_l("Line %(line)s is not UTF-8. If the file comes from Excel on an Arabic Windows, declare Windows-1256; otherwise save it as CSV UTF-8.",
                              line=fault), field="encoding")
    return "utf-8"


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


def detect_delimiter(path: Path, encoding: str) -> str:
    """The one delimiter that cuts the first lines into equally many cells, more than one; a single column where none does."""
    found = {}
    for delimiter in DELIMITERS:
        try:
            widths = {len(cells) for _line, cells in _limited(_csv_rows(path, encoding, delimiter), SNIFF_LINES) if any(cells)}
        except InvalidInput:
            continue
        if len(widths) == 1 and (width := widths.pop()) > 1:
            found[delimiter] = width
    if not found:
        return ","
    best = max(found, key=lambda one: found[one])
    if sum(width == found[best] for width in found.values()) > 1:
        raise InvalidInput(_l("The columns may be divided by more than one sign. Say which."), field="delimiter")
    return best


def _limited(rows: Iterator[tuple[int, list[str]]], count: int) -> Iterator[tuple[int, list[str]]]:
    for index, row in enumerate(rows):
        if index >= count:
            return
        yield row


def _csv_rows(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding=encoding, newline="") as handle:
        reader = csv.reader(handle, delimiter=delimiter, strict=True)
        line_no = 1
        try:
            for cells in reader:
                yield line_no, cells
                line_no = reader.line_num + 1
        except csv.Error as error:
            raise InvalidInput(_l("The line that begins at line %(line)s cannot be read: a quotation mark is not closed, or a cell is too long (%(error)s).",
                                  line=line_no, error=str(error)), field="file") from error
        except UnicodeError as error:
            raise InvalidInput(_l("After line %(line)s the text is not %(encoding)s. Declare the right encoding.", line=line_no, encoding=encoding),
                               field="encoding") from error


def _even(rows: Iterator[tuple[int, Sequence[Cell]]], width: int) -> Iterator[tuple[int, Sequence[Cell]]]:
    for line_no, cells in rows:
        if not any(cell not in ("", None) for cell in cells):
            continue
        if len(cells) > width and not any(cell not in ("", None) for cell in cells[width:]):
            cells = cells[:width]
        if len(cells) != width:
            raise InvalidInput(_l("Line %(line)s has %(found)s cells; the headings are %(width)s. Correct the line: a cell with a comma must stand in quotation marks.",
                                  line=line_no, found=len(cells), width=width), field="file")
        yield line_no, cells


def _heading(rows: Iterator[tuple[int, Any]], number: int) -> tuple[int, Sequence[Cell]]:
    for index, (line_no, cells) in enumerate(rows, 1):
        if index == number:
            return line_no, cells
    raise InvalidInput(_l("The file has no line %(line)s for the headings.", line=number), field="header_row")


def check_headings(headings: Sequence[str], line_no: int) -> list[str]:
    """Headings without outer spaces; a blank one is named by its place, a repeated one is refused."""
    named = [heading.strip().removeprefix("\ufeff") or f"({place})" for place, heading in enumerate(headings, 1)]
    if all(heading.startswith("(") for heading in named):
        raise InvalidInput(_l("Line %(line)s holds no headings. Say in which line they stand.", line=line_no), field="header_row")
    repeated = next((heading for index, heading in enumerate(named) if heading in named[:index]), None)
    if repeated:
        raise InvalidInput(_l("The heading “%(heading)s” stands twice in line %(line)s. Rename one of the columns.", heading=repeated, line=line_no), field="file")
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
        return CalamineWorkbook.from_filelike(io.BytesIO(path.read_bytes()))
    except (CalamineError, OSError, ValueError) as error:
        raise InvalidInput(_l("The file cannot be read as an Excel workbook. Open it in a spreadsheet and save it again as XLSX or CSV."), field="file") from error


def _read_xlsx(path: Path, declared: Declaration) -> Reading:
    book = _workbook(path)
    shown = [one.name for one in book.sheets_metadata if one.visible == SheetVisibleEnum.Visible]
    name = declared.sheet or (shown[0] if len(shown) == 1 else None)
    if name is None:
        raise InvalidInput(_l("The workbook has %(n)s sheets: %(names)s. Choose one.", n=len(shown), names="، ".join(shown)), field="sheet")
    if name not in book.sheet_names:
        raise InvalidInput(_l("The workbook has no sheet “%(name)s”.", name=name), field="sheet", value=name)
    sheet = book.get_sheet_by_name(name)
    first = sheet.start[0] + 1 if sheet.start else 1
    rows: Iterator[tuple[int, Sequence[Cell]]] = ((first + index, [_cell(value) for value in row]) for index, row in enumerate(sheet.iter_rows()))
    wanted = declared.header_row or _likely_header(path, name)
    line_no, headings = next(((no, cells) for no, cells in rows if no >= wanted), (wanted, ()))
    checked = check_headings([str(cell if cell is not None else "") for cell in _trimmed(headings)], line_no)
    return Reading(checked, _even(rows, len(checked)), "xlsx", name)


def _likely_header(path: Path, name: str) -> int:
    """The first line with more than one filled cell: a merged title above the headings has one."""
    sheet = _workbook(path).get_sheet_by_name(name)
    first = sheet.start[0] + 1 if sheet.start else 1
    for index, row in enumerate(sheet.iter_rows()):
        if sum(value not in ("", None) for value in row) > 1:
            return first + index
    return first


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


def coerce(cell: Cell, kind: str, declared: Declaration, *, field: str, choices: Mapping[str, str] | None = None, longest: int = 500) -> Any:
    """The value of one cell as ``kind``; None where it is blank. Raises InvalidInput with field and value."""
    if isinstance(cell, str):
        cell = unguard(cell).strip()
    if cell in ("", None):
        return None
    readers = {"date": _to_date, "moment": _to_moment, "amount": _to_amount, "phone": _to_phone, "email": _to_email, "integer": _to_integer}
    if kind == "choice":
        return _to_choice(cell, choices or {}, field)
    if kind == "country":
        return _to_country(cell, field)
    if kind in readers:
        return readers[kind](cell, declared, field)
    return check_plain(_as_text(cell), field=field, multiline=True, longest=longest)


def _as_text(cell: Cell) -> str:
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _to_date(cell: Cell, declared: Declaration, field: str) -> date:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = _as_text(cell)
    if len(text) > 10 and text[4:5] == "-" and text[10] in " T":
        text = text[:10]
    return parse_date(text, order=declared.date_order, calendar=declared.calendar, field=field)


def _to_moment(cell: Cell, declared: Declaration, field: str) -> datetime:
    zone = ZoneInfo(declared.time_zone)
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=cell.tzinfo or zone).astimezone(UTC)
    text = normalise_digits(_as_text(cell)).replace("T", " ")
    day, _, clock = text.partition(" ")
    try:
        at = time.fromisoformat(clock.strip()) if clock.strip() else time(0)
    except ValueError:
        raise InvalidInput(_l("“%(value)s” has no time that can be read. Write it like 14:05.", value=text[:40]), field=field, value=text) from None
    return datetime.combine(parse_date(day, order=declared.date_order, calendar=declared.calendar, field=field), at, tzinfo=zone).astimezone(UTC)


def _to_amount(cell: Cell, declared: Declaration, field: str) -> Decimal:
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return _exact(cell, declared.currency)
    text = _as_text(cell)
    if declared.decimal == ",":
        text = text.replace(".", "").replace(",", ".")
    return parse_amount(text, declared.currency, field=field)


def _exact(cell: int | float, currency: str) -> Decimal:
    # A spreadsheet stores 93.17 as a binary fraction; its shortest writing is what was typed.
    return parse_amount(repr(cell) if isinstance(cell, int) else format(Decimal(repr(cell)), "f"), currency)


def _to_phone(cell: Cell, declared: Declaration, field: str) -> str:
    try:
        return parse_phone(_as_text(cell), declared.region)
    except InvalidInput as error:
        raise InvalidInput(error.message, field=field, value=error.value) from None


def _to_email(cell: Cell, declared: Declaration, field: str) -> str:
    text = _as_text(cell)
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise InvalidInput(_l("“%(value)s” is no e-mail address.", value=text[:60]), field=field, value=text) from None


def _to_integer(cell: Cell, declared: Declaration, field: str) -> int:
    text = normalise_digits(_as_text(cell)).strip()
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or len(text) > 18:
        raise InvalidInput(_l("“%(value)s” is no whole number.", value=text[:40]), field=field, value=text)
    return int(text)


def _to_choice(cell: Cell, choices: Mapping[str, str], field: str) -> str:
    found = choices.get(fold(_as_text(cell)))
    if found is None:
        raise InvalidInput(_l("“%(value)s” is not one of: %(choices)s.", value=_as_text(cell)[:40], choices="، ".join(list(choices)[:12])), field=field, value=_as_text(cell))
    return found


def _to_country(cell: Cell, field: str) -> str:
    text = _as_text(cell).upper()
    if text not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidInput(_l("“%(value)s” is no country code. Write two letters, such as SA.", value=text[:40]), field=field, value=text)
    return text
