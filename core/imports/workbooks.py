"""What a workbook may ask of the server, seen before the library opens it.

The library reserves a cell for each place between the first and the last one used: five thousand bytes that name the last
cell of a sheet ask for seventeen thousand million, and the process ends. Sizes are counted by unpacking, not believed.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from core.errors import InvalidInput
from core.i18n import lazy_gettext as _l

LARGEST_BYTES = 512 * 1024 * 1024
MOST_PLACES = 20_000_000
MOST_PARTS = 2_000
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
PIECE = 1024 * 1024
OVERLAP = 256
CELL = re.compile(rb"<(?:\w+:)?c\s[^<>]{0,200}?\br\s*=\s*[\"']([A-Za-z]*)([0-9]*)")
GAP = re.compile(rb"<(?:\w+:)?f[\s>/]|\bt\s*=\s*[\"']e[\"']")
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


# --- cells in which something stands that is no value ----------------------------------------------------------------------


def gaps(path: Path, sheet: str) -> dict[tuple[int, int], str]:
    """(line, column), both from 1, → what stands there: an error such as ``#N/A``, or a formula whose value was not saved.

    The library gives such cells out as empty. A sheet without any is only looked through, not parsed; remembered as ``check_workbook`` is.
    """
    stated = path.stat()
    return _gaps_of(path, sheet, stated.st_mtime_ns, stated.st_size)


@lru_cache(maxsize=64)
def _gaps_of(path: Path, sheet: str, _changed: int, _size: int) -> dict[tuple[int, int], str]:
    with zipfile.ZipFile(path) as archive:
        part = _part_of(archive, sheet)
        if part is None or not _may_have_gaps(archive, part):
            return {}
        with archive.open(part) as stream:
            return dict(_gaps(stream))


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The part of the archive that holds a sheet."""
    book, relations = (ElementTree.fromstring(archive.read(f"xl/{name}")) for name in ("workbook.xml", "_rels/workbook.xml.rels"))
    key = next((value for one in book.iter() if _tag(one) == "sheet" and one.get("name") == sheet for name, value in one.items() if name.endswith("}id")), None)
    target = next((str(one.get("Target")) for one in relations if one.get("Id") == key), None)
    found = target.lstrip("/") if target is not None and target.startswith("/") else f"xl/{target}"
    return found if found in archive.namelist() else None


def _may_have_gaps(archive: zipfile.ZipFile, part: str) -> bool:
    kept = b""
    with archive.open(part) as stream:
        while piece := stream.read(PIECE):
            if GAP.search(kept + piece):
                return True
            kept = piece[-OVERLAP:]
    return False


def _gaps(stream: IO[bytes]) -> Iterator[tuple[tuple[int, int], str]]:
    for _event, element in ElementTree.iterparse(stream):
        if _tag(element) == "c":
            held = {_tag(one): one.text or "" for one in element}
            place = re.fullmatch(r"([A-Za-z]+)([0-9]+)", element.get("r") or "")
            if place and element.get("t") == "e":
                yield (int(place[2]), _column(place[1].encode())), held.get("v") or "#"
            elif place and "f" in held and not held.get("v") and element.get("t") != "str":
                yield (int(place[2]), _column(place[1].encode())), f"={held['f']}"
            element.clear()
        elif _tag(element) == "row":
            element.clear()


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def _too_large() -> InvalidInput:
    return InvalidInput(_l("The workbook is too large to be opened whole. Save the sheet as CSV."), field="file")
