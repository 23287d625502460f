"""Columns: what a file holds, by key, label and kind, and how each kind is written as text.

What is written, by kind:

======== ============================================================ ===========================================
kind     values taken                                                 written
======== ============================================================ ===========================================
text     str, None, anything with a plain ``str()``                   as it stands, guarded (``core.exporter.guard``)
integer  int, None                                                    digits, no grouping
number   Decimal, int, float, None                                    dot decimal, no exponent, no grouping
money    int (minor units of the column's currency), Decimal, Money   dot decimal, all decimals of the currency
date     date, None                                                   ``2026-11-22``
moment   aware datetime, None                                         ``2026-11-22T09:40:00+03:00`` in the file's zone
phone    E.164 str, None                                              ``+966550000001``
boolean  bool, None                                                   ``true`` / ``false``
======== ============================================================ ===========================================

None is an empty cell. A value of another type in a typed column is written as guarded text where it is a str and is a
programming error otherwise. Phones keep their plus without an apostrophe: accounting and telephone systems would take
the apostrophe for a part of the number, and a plus followed by nothing but digits is a number and never a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from core.errors import DiwanError
from core.exporter.guard import guard, guard_all
from core.money import Money, minor_units

Kind = Literal["text", "integer", "number", "money", "date", "moment", "phone", "boolean"]
KINDS = ("text", "integer", "number", "money", "date", "moment", "phone", "boolean")
Cells = Sequence[Any]
NONE = type(None)


@dataclass(frozen=True)
class Column:
    """One column. ``key`` is its fixed English name in row 1, ``label`` what people call it (lazy text or Bilingual).

    ``currency``, for money kept as integer minor units: the key of the column that names it, or an ISO 4217 code.
    """

    key: str
    label: Any = ""
    kind: Kind = "text"
    currency: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DiwanError(f"Column '{self.key}' is of kind '{self.kind}'; there are {', '.join(KINDS)}.")
        if not self.key.isascii() or not self.key:
            raise DiwanError(f"Column key '{self.key}' must be English: it is what other systems look for (PLUG-09).")


@dataclass(frozen=True)
class Block:
    """Some rows turned into columns, with what a cell needs to know beyond its value."""

    cells: Mapping[str, Cells]
    zone: tzinfo = UTC


def write_column(column: Column, block: Block) -> Sequence[str]:
    """The cells of one column as text, guarded, not yet quoted."""
    return _WRITERS[column.kind](column, block.cells[column.key], block)


def currencies(column: Column, block: Block) -> Cells:
    """The currency of each cell of a money column."""
    values = block.cells[column.key]
    if column.currency is None:
        return [None] * len(values)
    if column.currency in block.cells:
        return block.cells[column.currency]
    return [column.currency] * len(values)


def check_columns(columns: Sequence[Column]) -> None:
    """Refuse keys that occur twice; readers would drop one of them silently."""
    keys = [column.key for column in columns]
    if len(set(keys)) != len(keys) or not keys:
        raise DiwanError(f"Columns of a file need distinct keys, found: {', '.join(keys) or 'none'}.")


# --- writers by kind: a whole column at once, because a call per cell is what makes exports slow -----------------------


def _texts(column: Column, values: Cells, block: Block) -> Sequence[str]:
    kinds = set(map(type, values))
    if kinds - {str, NONE}:
        values = [plain(value) for value in values]
    elif NONE in kinds:
        values = ["" if value is None else value for value in values]
    return guard_all(values)


def _integers(column: Column, values: Cells, block: Block) -> Sequence[str]:
    if set(map(type, values)) <= {int}:
        return list(map(str, values))
    return [_strange(column, value) if type(value) not in (int, NONE) else "" if value is None else str(value) for value in values]


def _numbers(column: Column, values: Cells, block: Block) -> Sequence[str]:
    return [_number(column, value) for value in values]


def _amounts(column: Column, values: Cells, block: Block) -> Sequence[str]:
    codes = currencies(column, block)
    if set(map(type, values)) <= {int} and len(set(codes)) == 1 and codes[0] is not None:
        return minor_column(values, minor_units(codes[0]))
    return [_amount(column, value, code) for value, code in zip(values, codes, strict=True)]


def _dates(column: Column, values: Cells, block: Block) -> Sequence[str]:
    kinds = set(map(type, values))
    if kinds <= {date, NONE}:
        return [_iso(value) if value is not None else "" for value in values]
    return [_iso(value) if type(value) is date else _strange(column, value) for value in values]


def _moments(column: Column, values: Cells, block: Block) -> Sequence[str]:
    zone = block.zone
    return [moment_text(value, zone) if isinstance(value, datetime) else _strange(column, value) for value in values]


def _phones(column: Column, values: Cells, block: Block) -> Sequence[str]:
    return [value if isinstance(value, str) and is_phone(value) else _strange(column, value) for value in values]


def _booleans(column: Column, values: Cells, block: Block) -> Sequence[str]:
    return ["true" if value is True else "false" if value is False else _strange(column, value) for value in values]


_WRITERS: dict[str, Callable[[Column, Cells, Block], Sequence[str]]] = {
    "text": _texts, "integer": _integers, "number": _numbers, "money": _amounts,
    "date": _dates, "moment": _moments, "phone": _phones, "boolean": _booleans,
}


# --- single values ---------------------------------------------------------------------------------------------------


def plain(value: Any) -> str:
    """Any value as text: what it is in a typed column, ``str()`` otherwise; None is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return moment_text(value, UTC)
    return value.isoformat() if isinstance(value, date) else str(value)


def is_phone(value: str) -> bool:
    digits = value[1:]
    return value[:1] == "+" and 3 < len(digits) < 16 and digits.isascii() and digits.isdigit()


def moment_text(value: datetime, zone: tzinfo) -> str:
    """ISO 8601 to the second with the zone's offset; ``Z`` for UTC."""
    if value.tzinfo is None:
        raise DiwanError(f"naive datetime {value!r}: moments carry their time zone")
    text = value.astimezone(zone).isoformat(timespec="seconds")
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def minor_column(values: Cells, decimals: int) -> list[str]:
    """Integer minor units as decimal text; exact, because no float is made."""
    if decimals == 0:
        return list(map(str, values))
    unit = 10**decimals
    return [
        f"{value // unit}.{value % unit:0{decimals}d}" if value >= 0 else f"-{-value // unit}.{-value % unit:0{decimals}d}"
        for value in values
    ]


def amount_text(value: Money) -> str:
    """A Money with all decimals of its currency."""
    return f"{value.amount:.{minor_units(value.currency)}f}"


@lru_cache(maxsize=4096)
def _iso(value: date) -> str:
    return value.isoformat()


def _amount(column: Column, value: Any, currency: str | None) -> str:
    if isinstance(value, Money):
        return amount_text(value)
    if type(value) is int and currency:
        return minor_column([value], minor_units(currency))[0]
    if type(value) is int:
        raise DiwanError(f"Column '{column.key}' holds minor units and names no currency.")
    return _number(column, value)


def _number(column: Column, value: Any) -> str:
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise DiwanError(f"Column '{column.key}' holds {value}, which no file can carry as a number.")
        return format(value, "f")
    return str(value) if type(value) is int else _strange(column, value)


def _strange(column: Column, value: Any) -> str:
    """A value that is not of the column's kind: empty, guarded text, or a programming error."""
    if value is None:
        return ""
    if isinstance(value, str):
        return guard(value)
    raise DiwanError(f"Column '{column.key}' is of kind {column.kind} and was given {type(value).__name__} {value!r}.")
