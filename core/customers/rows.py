"""Whole rows of any table as sealed text and back again: what a merge takes aside and its undoing puts back as it was."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = dict[str, Any]
_READ: Mapping[str, Callable[[Any], Any]] = {
    "moment": datetime.fromisoformat, "day": date.fromisoformat, "exact": Decimal, "bytes": b64decode, "plain": lambda value: value,
}


def read_row(session: Session, table: sa.Table, key: Any) -> Row | None:
    """A row by its key (the first of its primary key) as the database has it now."""
    column = next(iter(table.primary_key.columns))
    found = session.execute(sa.select(table).where(column == key)).mappings().first()
    return dict(found) if found is not None else None


def dump(value: Any) -> str:
    """JSON text of rows (nested lists and mappings of them), exact in every type that a column may have."""
    return json.dumps(_plain(value), ensure_ascii=False)


def load(text: str) -> Any:
    return _back(json.loads(text))


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return {"list": [_plain(one) for one in value]}
    if isinstance(value, dict):
        return {"map": {str(name): _plain(one) for name, one in value.items()}}
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    if isinstance(value, Decimal):
        return {"exact": str(value)}
    if isinstance(value, bytes):
        return {"bytes": b64encode(value).decode("ascii")}
    return {"plain": value}


def _back(value: Mapping[str, Any]) -> Any:
    [(sort, held)] = value.items()
    if sort == "list":
        return [_back(one) for one in held]
    if sort == "map":
        return {name: _back(one) for name, one in held.items()}
    return _READ[sort](held)


def attributes(model: type[Any], row: Mapping[str, Any]) -> Row:
    """A row by the names of its model's attributes."""
    names = {prop.columns[0].name: prop.key for prop in sa.inspect(model).column_attrs}
    return {names[name]: value for name, value in row.items()}
