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
from sqlalchemy.orm import Mapper

from core.database import owner_of

LABELS = ("number", "code", "slug", "key", "username", "name_ar", "name")


@dataclass(frozen=True)
class Plan:
    """``fields`` maps an attribute to plain, personal or secret."""

    audited: bool
    table: str
    plugin: str
    fields: dict[str, str]
    links: dict[str, str | None]
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
    subject, fields = getattr(model, "__audit_subject__", None), _fields(mapper)
    fields.pop(subject or "", None)  # it stands in a column of its own
    label = getattr(model, "__audit_label__", None) or next((name for name in LABELS if fields.get(name) == "plain"), None)
    return Plan(
        audited=getattr(model, "__audit__", True),
        table=table,
        plugin=owner_of(table),
        fields=fields,
        links=_links(mapper),
        subject=subject,
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


def _links(mapper: Mapper[Any]) -> dict[str, str | None]:
    """Relationships over a secondary table. Where both sides know it, its rows are logged once: the side that the table's
    first foreign key points at says all it knows, the other (which gets the name of its reverse) only what that misses.
    """
    links: dict[str, str | None] = {}
    for rel in mapper.relationships:
        if rel.secondary is None or rel.viewonly:
            continue
        first = next((key.column.table for column in rel.secondary.c for key in column.foreign_keys), None)
        reverse = next(iter(rel._reverse_property), None)
        links[rel.key] = reverse.key if reverse is not None and first is not rel.parent.local_table else None
    return links
