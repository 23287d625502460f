"""Unmanaged models of the product's tables, made as ``inspectdb`` would write them."""

from __future__ import annotations

from typing import Any

from django.db import connections, models

TABLES = {"core_city": "City", "core_centre": "Centre", "core_programme": "Programme", "core_fund": "Fund", "core_customer": "Customer",
          "core_contribution": "Contribution"}
"""In an order in which each comes after those it points to."""


def _model(table: str, name: str) -> Any:
    introspection = connections["data"].introspection
    with connections["data"].cursor() as cursor:
        described = introspection.get_table_description(cursor, table)
        relations = introspection.get_relations(cursor, table)
        keys = introspection.get_primary_key_columns(cursor, table)
    fields = {column.name: _field(introspection, column, column.name in keys) for column in described}
    for column, found in relations.items():
        other, target = found[0], found[1]
        if target in TABLES and target != table and other == "id":
            del fields[column]
            fields[column.removesuffix("_id")] = models.ForeignKey(TABLES[target], models.DO_NOTHING, db_column=column, null=True, related_name="+")
    meta = type("Meta", (), {"managed": False, "db_table": table, "app_label": "peer"})
    return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, "__str__": lambda self: str(getattr(self, "name_ar", self.pk)), **fields})


def _field(introspection: Any, column: Any, primary: bool) -> Any:
    if primary:
        return models.BigAutoField(primary_key=True)
    try:
        kind = introspection.get_field_type(column.type_code, column)
    except KeyError:
        kind = "TextField"
    kind = kind[0] if isinstance(kind, tuple) else kind
    if kind == "CharField":
        return models.CharField(max_length=column.display_size or 300, null=column.null_ok)
    if kind in ("DateField", "DateTimeField", "BooleanField", "IntegerField", "BigIntegerField"):
        return getattr(models, kind)(null=column.null_ok)
    return models.TextField(null=column.null_ok)


for _table, _name in TABLES.items():
    globals()[_name] = _model(_table, _name)
