"""What a workbook may ask of the server, seen before the library opens it.

The library reserves a cell for each place between the first and the last one used: five thousand bytes that name the last
cell of a sheet ask for seventeen thousand million, and the process ends. Sizes are counted by unpacking, not believed.
"""

from __future__ import annotations

import re
import zipfile
from functools import lru_cache
from pathlib import Path

from core.errors import InvalidInput
from core.i18n import lazy_gettext as _l

LARGEST_BYTES = 512 * 1024 * 1024
MOST_PLACES = 20_000_000
MOST_PARTS = 2_000
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
PIECE = 1024 * 1024
OVERLAP = 256
CELL = re.compile(rb"<(?:\w+:)?c\s[^<>]{0,200}?\br\s*=\s*[\"']([A-Za-z]*)([0-9]*)")
ROW = re.compile(rb"<(?:\w+:)?row\s[^<>]{0,200}?\br\s*=\s*[\"']([0-9]+)")


class NoWorkbook(ValueError):
    """The file is a ZIP, but not a workbook as XLSX describes it."""


def check_workbook(path: Path) -> None:
    """Refuse what is no XLSX (NoWorkbook, BadZipFile) or asks for too much (InvalidInput); remembered while the file stays as it is."""
    stated = path.stat()
    _check(path, stated.st_mtime_ns, stated.st_size)


@lru_cache(maxsize=64)
def _check(path: Path, _changed: int, _size: int) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        if "xl/workbook.xml" not in archive.namelist():
            raise NoWorkbook("there is no xl/workbook.xml")
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_BYTES:
            raise _too_large()
        for part in parts:
            _check_part(archive, part)


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Unpack one part to its end, which proves its size and checksum, and note the furthest cell it names."""
    rows = columns = 0
    kept = b""
    with archive.open(part) as stream:
        while piece := stream.read(PIECE):
            text = kept + piece
            here = _furthest(text)
            rows, columns = max(rows, here[0]), max(columns, here[1])
            if rows > LAST_ROW or columns > LAST_COLUMN or rows * max(columns, 1) > MOST_PLACES:
                raise _too_large()
            kept = text[-OVERLAP:]


def _furthest(text: bytes) -> tuple[int, int]:
    cells = CELL.findall(text)
    rows = {row for _column, row in cells if row} | set(ROW.findall(text))
    return max(map(_row, rows), default=0), max((_column(letters) for letters in {letters for letters, _number in cells}), default=0)


def _row(digits: bytes) -> int:
    return int(digits[:9])  # nine digits are beyond the last row, whatever follows


def _column(letters: bytes) -> int:
    """A is 1, XFD is 16384; five letters are beyond the last column, whatever follows."""
    number = 0
    for letter in letters[:5].upper():
        number = number * 26 + letter - 64
    return number


def _too_large() -> InvalidInput:
    return InvalidInput(_l("The workbook is too large to be opened whole. Save the sheet as CSV."), field="file")
