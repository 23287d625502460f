"""Every audited table and field of core has a name in both languages."""

from __future__ import annotations

import importlib
from pathlib import Path

import core
from core.audit.plan import plan_for
from core.audit.titles import ACTIONS, FIELDS, RECORDS, field_title
from core.database import Base
from tests.contract.test_plugin_contract import acts_named

for models in Path(core.__file__).parent.glob("*/models.py"):
    importlib.import_module(f"core.{models.parent.name}.models")
for name in ("numbering", "settings", "plugins.selection"):
    importlib.import_module(f"core.{name}")


def test_every_audited_table_of_core_has_a_name() -> None:
    tables = {plan.table for plan in map(plan_for, Base.registry.mappers) if plan.audited}

    assert sorted(tables - set(RECORDS)) == []


def test_every_audited_field_of_core_has_a_name() -> None:
    nameless = {
        f"{plan.table}.{field}" for plan in map(plan_for, Base.registry.mappers) if plan.audited
        for field in plan.fields if field_title(plan.table, field) == field.removesuffix("_id").replace("_", " ")
    }

    assert sorted(nameless) == []


def test_names_are_given_in_both_languages() -> None:
    labels = [*ACTIONS.values(), *RECORDS.values(), *FIELDS.values()]

    assert not [label for label in labels if not label.en.isascii() or label.ar.isascii()]


def test_every_act_that_core_names_has_a_name() -> None:
    assert sorted(acts_named(Path(core.__file__).parent) - set(ACTIONS)) == []
