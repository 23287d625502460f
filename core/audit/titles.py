"""What actions, records and fields are called in the log; what is no longer installed keeps its bare name and stays readable.

A model may say ``__audit_title__``, a column ``info={"label": …}``, an owner's base ``__audit_fields__`` and
``__audit_actions__``; what is called the same everywhere is in ``catalogue.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.customers.domain import field_labels
from core.database import Base, OwnedBase, metadata, owner_of
from core.i18n import Bilingual

_catalogue = json.loads((Path(__file__).parent / "catalogue.json").read_text(encoding="utf-8"))
ACTIONS, RECORDS, FIELDS = ({key: Bilingual.of(label) for key, label in _catalogue[part].items()} for part in ("actions", "records", "fields"))
CHOICES: dict[str, dict[str, Bilingual]] = {
    place: {code: Bilingual.of(label) for code, label in titles.items()} for place, titles in _catalogue["choices"].items()
}
"""Titles of codes by ``table.field``, where no area offers them."""


def actions() -> dict[str, Any]:
    """What every act is called: core's, and those of every owner that is installed."""
    return {name: title for base in _bases() for name, title in base.__audit_actions__.items()} | ACTIONS


def action_title(action: str) -> Any:
    return ACTIONS.get(action) or actions().get(action, action)


def record_title(table: str | None) -> Any:
    """What to call a kind of record; its table's name without underscores when its owner is no longer installed."""
    if table is None:
        return ""
    model = model_of(table)
    own = getattr(model, "__audit_title__", None) if model is not None else None
    return own or RECORDS.get(table) or table.split("_", 1)[-1].replace("_", " ")


def field_title(table: str | None, name: str) -> Any:
    column = metadata.tables[table].c.get(name) if table is not None and table in metadata.tables else None
    if column is not None and column.info.get("label"):
        return column.info["label"]
    if table in ("core_customer", "core_customer_form_line"):
        known = field_labels().get(name)
        if known is not None:
            return known
    return _own_titles(table).get(name) or FIELDS.get(name) or name.removesuffix("_id").replace("_", " ")


def _own_titles(table: str | None) -> Mapping[str, Any]:
    owner = owner_of(table) if table is not None else ""
    return next((base.__audit_fields__ for base in _bases() if base.owner == owner), {})


def model_of(table: str) -> Any:
    """The model of a table, or None where its owner is no longer installed."""
    return _models().get(table)


def all_models() -> list[Any]:
    """The models of every owner that is installed, on or off, by table."""
    return [model for _table, model in sorted(_models().items())]


def _models() -> dict[str, Any]:
    mappers = (mapper for base in _bases() for mapper in base.registry.mappers)
    return {mapper.local_table.name: mapper.class_ for mapper in mappers}


def _bases() -> list[type[OwnedBase]]:
    return [Base, *(base for base in OwnedBase.__subclasses__() if base is not Base)]
