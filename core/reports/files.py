"""A report as a file: CSV, XLSX, PDF or JSON, made whole, with its rows counted and its checksum."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import IO, Any

from core.errors import DiwanError
from core.exporter.columns import Column, plain
from core.exporter.stream import Outcome, Stream
from core.exporter.text import Options, write_csv
from core.exporter.workbook import write_xlsx
from core.i18n import direction
from core.i18n import gettext as _
from core.money import Money, plain_amount
from core.reports.domain import Totals

FORMATS = ("csv", "xlsx", "pdf", "json")
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "pdf": "application/pdf",
    "json": "application/json",
}
IN_MEMORY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Table:
    """What goes into a CSV or a workbook. ``total_of``: keys of the columns whose sums stand in a last row; empty for none."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]
    total_of: Sequence[str] = ()


def table_file(table: Table, kind: str, *, zone: tzinfo, bom: bool = True) -> tuple[IO[bytes], Outcome]:
    """A CSV file or a workbook, standing at its beginning; the row of totals is not counted."""
    counted = _Counted(table)
    if kind == "csv":
        stream = write_csv(table.columns, counted, Options(bom=bom, zone=zone))
    else:
        stream = write_xlsx(table.columns, counted, Options(headings=True, zone=zone, right_to_left=direction() == "rtl"), title=table.title)
    file, outcome = _written(table.name, stream)
    return file, Outcome(counted.count, outcome.size, outcome.sha256, outcome.whole)


class _Counted:
    """Rows as they pass, counted, with their sums after them."""

    def __init__(self, table: Table) -> None:
        self.table, self.count = table, 0
        self.totals = Totals(table.columns, table.total_of)

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for row in self.table.rows:
            self.count += 1
            self.totals.add(row)
            yield row
        if self.table.total_of:
            yield total_row(self.table.columns, self.totals.cells())


def total_row(columns: Sequence[Column], sums: Mapping[str, Sequence[Any]]) -> list[Any]:
    """The sums under their columns, and in the first one what they are."""
    cells: list[Any] = [sums[column.key][0] if column.key in sums else None for column in columns]
    cells[0] = _("Total")
    return cells


def _written(name: str, stream: Stream) -> tuple[IO[bytes], Outcome]:
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - it is closed by whoever sends it
    try:
        for data in stream:
            file.write(data)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    if stream.outcome is None or not stream.outcome.whole:
        raise DiwanError(f"The export of '{name}' did not end as a whole file.")
    return file, stream.outcome


def whole_file(content: bytes, rows: int) -> tuple[IO[bytes], Outcome]:
    """Bytes that were made at once, with their checksum."""
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - it is closed by whoever sends it
    file.write(content)
    file.seek(0)
    return file, Outcome(rows, len(content), hashlib.sha256(content).hexdigest(), whole=True)


def json_of(name: str, columns: Sequence[Column], values: Mapping[str, Any], rows: Iterable[Sequence[Any]]) -> bytes:
    """``{"report": …, "parameters": {…}, "rows": [{column: value}]}``; amounts with their currency, days in ISO 8601."""
    keys = [column.key for column in columns]
    listed = [{key: _value(value) for key, value in zip(keys, row, strict=True)} for row in rows]
    given = {key: plain(value) for key, value in values.items() if value is not None}
    return json.dumps({"report": name, "parameters": given, "rows": listed}, ensure_ascii=False, indent=1).encode() + b"\n"


def _value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Money):
        return {"amount": plain_amount(value.amount, value.currency), "currency": value.currency}
    return value.isoformat() if isinstance(value, date) else plain(value)
