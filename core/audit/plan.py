"""What of a model is written to the log, worked out once per mapper.

By ``mapped_column(info={…})``: ``personal`` values are encrypted under the subject's key, of a ``secret`` it is only said
that it changed, and ``audit: False`` leaves a derived column (search text, last seen) out. By class attributes:
``__audit__ = False`` (the whole model), ``__audit_subject__`` (attribute with the subject's id), ``__audit_label__``
(attribute with a text that is not personal).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Column
from sqlalchemy.orm import Mapper, RelationshipProperty

from core.database import owner_of

LABELS = ("number", "code", "slug", "key", "username")


@dataclass(frozen=True)
class Plan:
    """``fields`` maps an attribute to plain, personal or secret."""

    audited: bool
    table: str
    plugin: str
    fields: dict[str, str]
    links: tuple[str, ...]
    subject: str | None
    label: str | None


_plans: WeakKeyDictionary[Any, Plan] = WeakKeyDictionary()


def plan_for(mapper: Mapper[Any]) -> Plan:
    found = _plans.get(mapper)
    if found is None:
        found = _plans[mapper] = _make(mapper)
    return found


def _make(mapper: Mapper[Any]) -> Plan:
    model, table = mapper.class_, mapper.local_table.name  # type: ignore[attr-defined]
    fields = _fields(mapper)
    label = getattr(model, "__audit_label__", None) or next((name for name in LABELS if fields.get(name) == "plain"), None)
    return Plan(
        audited=getattr(model, "__audit__", True),
        table=table,
        plugin=owner_of(table),
        fields=fields,
        links=tuple(rel.key for rel in mapper.relationships if _logged_here(rel)),
        subject=getattr(model, "__audit_subject__", None),
        label=label,
    )


def _fields(mapper: Mapper[Any]) -> dict[str, str]:
    keys = list(mapper.primary_key)
    surrogate = keys[0] if len(keys) == 1 and keys[0].name == "id" else None
    fields = {}
    for prop in mapper.column_attrs:
        column = prop.columns[0]
        if not isinstance(column, Column) or column is surrogate or column.info.get("audit") is False:
            continue
        fields[prop.key] = "personal" if column.info.get("personal") else "secret" if column.info.get("secret") else "plain"
    return fields


def _logged_here(rel: RelationshipProperty[Any]) -> bool:
    """Rows of a secondary table are logged once: with the side that its first foreign key points at, when both sides know."""
    if rel.secondary is None or rel.viewonly:
        return False
    if not rel._reverse_property:
        return True
    first = next((column for column in rel.secondary.c if column.foreign_keys), None)
    return first is not None and next(iter(first.foreign_keys)).column.table is rel.parent.local_table
