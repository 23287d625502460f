"""CSV: UTF-8 (with or without byte order mark), comma, CRLF, quotes where RFC 4180 needs them.

CRLF and comma are what RFC 4180, Excel and every accounting importer at hand read. A file is built by columns: formatting
and looking for what must be guarded or quoted happen once for some thousand cells, not once a cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from itertools import islice
from typing import Any

from core.exporter.columns import Block, Column, check_columns, plain, write_column
from core.exporter.guard import guard_all
from core.exporter.stream import BROKEN_TEXT, Piece, Stream
from core.i18n import use_language

BOM = b"\xef\xbb\xbf"
FIRST_ROWS = 200
BLOCK_ROWS = 2000
_QUOTED = re.compile(r'[",\r\n]')
_ISOLATES = re.compile("[\u2066-\u2069]")

Row = Sequence[Any]


@dataclass(frozen=True)
class Options:
    """How a file is written.

    ``bom``: Excel needs it to see Arabic, importers of accounting systems stumble over it. ``headings``: a second row
    with the labels in Arabic under the fixed English keys (PLUG-09). ``zone``: the association's, for moments.
    ``right_to_left``: the direction of a sheet (XLSX).
    """

    bom: bool = True
    headings: bool = False
    zone: tzinfo = UTC
    right_to_left: bool = False


PLAIN = Options()


def write_csv(columns: Sequence[Column], rows: Iterable[Row], options: Options = PLAIN, *, keys: bool = True) -> Stream:
    """A CSV file of ``rows``: tuples in the order of ``columns``, taken from the iterable block by block.

    ``keys`` False leaves row 1 out, for importers that want none. Labels are put into words now, in the caller's
    context; rows are read while the stream is read.
    """
    check_columns(columns)
    head = (BOM if options.bom else b"") + encode_rows([list(guard_all(cells)) for cells in head_rows(columns, options, keys=keys)])
    return Stream(_pieces(columns, rows, options, head), extension="csv", media_type="text/csv; charset=utf-8", broken=BROKEN_TEXT)


def head_rows(columns: Sequence[Column], options: Options, *, keys: bool = True) -> list[list[str]]:
    """The heading rows: fixed English keys, and the Arabic labels where asked for."""
    rows = [[column.key for column in columns]] if keys else []
    if options.headings:
        with use_language("ar"):
            rows.append([_ISOLATES.sub("", plain(column.label)) for column in columns])
    return rows


def blocks(rows: Iterable[Row], size: int = BLOCK_ROWS) -> Iterator[list[Row]]:
    """The rows in lists: a short first one, so that the first byte leaves early, then full ones."""
    source = iter(rows)
    block = list(islice(source, min(FIRST_ROWS, size)))
    while block:
        yield block
        block = list(islice(source, size))


def turn(columns: Sequence[Column], block: Sequence[Row], zone: tzinfo) -> Block:
    """Rows into columns; a row of another length is refused, for it would shift cells silently."""
    return Block(dict(zip((column.key for column in columns), zip(*block, strict=True), strict=True)), zone)


def encode_rows(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows of finished cells as CSV lines."""
    return _lines([_quote_all(cells) for cells in zip(*rows, strict=True)]) if rows else b""


def _pieces(columns: Sequence[Column], rows: Iterable[Row], options: Options, head: bytes) -> Iterator[Piece]:
    for block in blocks(rows):
        turned = turn(columns, block, options.zone)
        yield head + _lines([_quote_all(write_column(column, turned)) for column in columns]), len(block)
        head = b""
    if head:
        yield head, 0


def _lines(columns: list[Sequence[str]]) -> bytes:
    if len(columns) == 1:  # an empty only cell would be a blank line, which readers skip
        lines: Iterable[str] = (cell or '""' for cell in columns[0])
    else:
        lines = map(",".join, zip(*columns, strict=True))
    return ("\r\n".join(lines) + "\r\n").encode()


def _quote_all(texts: Sequence[str]) -> Sequence[str]:
    joined = "\x1f".join(texts)  # four plain searches are six times faster than one expression
    if '"' not in joined and "," not in joined and "\n" not in joined and "\r" not in joined:
        return texts
    return ['"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text for text in texts]
