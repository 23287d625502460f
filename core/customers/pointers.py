"""What belongs to a customer, found by foreign keys in the tables of every owner, whether its plugin is on or off (DESIGN 3).

A column that holds a customer by key without a constraint says so with ``info={"refers_to": "core_customer"}``; a record
held by table name and id (``record_type``, ``record_id``) is one as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.database import existing_objects, metadata, owner_of, owners_known

CUSTOMERS = "core_customer"
VERSIONS = "alembic_version_"
OWN_WAY = frozenset({"core_customer_state", "core_customer_search", "core_customer_duplicate", "core_customer_distinct"})
"""Derived from a customer or about it alone: they go with its row and come back with it, and never move to another."""
NEVER = frozenset({"core_audit_event"})
"""Append-only: it says what was, about the record as it was."""


@dataclass(frozen=True)
class Pointer:
    """A column that points to customers; ``about`` names a column that must hold ``core_customer`` for it to do so."""

    table: sa.Table
    column: str
    about: str | None = None

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.column}"

    @cached_property
    def key(self) -> sa.Column[Any]:
        return next(iter(self.table.primary_key.columns))

    def at(self, *customer_ids: int) -> sa.ColumnElement[bool]:
        """That a row points to one of these customers."""
        found = self.table.c[self.column].in_(customer_ids)
        return found if self.about is None else sa.and_(self.table.c[self.about] == CUSTOMERS, found)


@dataclass(frozen=True)
class Collision:
    """Rows of a table of which a unique key allows only one once two customers are one; the survivor's stands first."""

    table: sa.Table
    rows: tuple[Mapping[str, Any], ...]

    @property
    def owner(self) -> str:
        return owner_of(self.table.name)

    def keys(self) -> tuple[Any, ...]:
        key = next(iter(self.table.primary_key.columns)).name
        return tuple(row[key] for row in self.rows)


def pointers(session: Session) -> list[Pointer]:
    """Every column that points to a customer, by table and name; a plugin whose tables were not made yet has none."""
    found, present = [], existing_objects(session.connection())
    for table in metadata.tables.values():
        if table.name in OWN_WAY or table.name in NEVER or table.name not in present:
            continue
        found += [Pointer(table, column.name) for column in table.columns if points(column)]
        if {"record_type", "record_id"} <= set(table.columns.keys()):
            found.append(Pointer(table, "record_id", "record_type"))
    return sorted(found, key=lambda one: one.name)


def points(column: sa.Column[Any]) -> bool:
    """Whether a column holds customers by key, with a constraint or without."""
    return column.info.get("refers_to") == CUSTOMERS or any(key.target_fullname == f"{CUSTOMERS}.id" for key in column.foreign_keys)


def rows_by_table(session: Session, customer_id: int) -> dict[str, int]:
    """How many rows of each table point to a customer; only tables that have any."""
    found: dict[str, int] = {}
    for pointer in pointers(session):
        count = session.scalar(select(sa.func.count()).select_from(pointer.table).where(pointer.at(customer_id))) or 0
        if count:
            found[pointer.table.name] = found.get(pointer.table.name, 0) + count
    return found


def absent_owners(session: Session) -> set[str]:
    """Owners of tables in this database whose models are not in this process: of a plugin that was removed or failed to load."""
    present = {name.removeprefix(VERSIONS) for name in existing_objects(session.connection()) if name.startswith(VERSIONS) and not name.endswith("_pkc")}
    return present - owners_known() - {"core"}


def strangers(session: Session, customer_id: int) -> list[str]:
    """Tables of absent owners with rows of this customer."""
    absent = tuple(f"{owner}_" for owner in absent_owners(session))
    connection = session.connection()
    inspector = sa.inspect(connection)
    found = []
    for name in inspector.get_table_names() if absent else ():
        columns = [key["constrained_columns"][0] for key in inspector.get_foreign_keys(name) if key["referred_table"] == CUSTOMERS]
        if not (columns and name.startswith(absent)) or name in metadata.tables:
            continue
        table = sa.table(name, *(sa.column(one) for one in columns))
        own = select(sa.literal(1)).select_from(table).where(sa.or_(*(table.c[one] == customer_id for one in columns)))
        if connection.execute(own.limit(1)).first():
            found.append(name)
    return sorted(found)


def collisions(session: Session, kept_id: int, lost_id: int) -> list[Collision]:
    """Where a unique key, or the sense of the table, does not allow all rows of both customers to be one customer's."""
    found = []
    by_table: dict[sa.Table, list[Pointer]] = {}
    for pointer in pointers(session):
        by_table.setdefault(pointer.table, []).append(pointer)
    for table, own in by_table.items():
        for columns, condition in _unique_keys(table, {one.column for one in own}):
            found += _colliding(session, table, own, columns, condition, kept_id, lost_id)
    return found + _self_influence(session, kept_id, lost_id)


def _unique_keys(table: sa.Table, pointing: set[str]) -> Iterator[tuple[list[str], Any]]:
    """Unique keys of which a pointer is a part: their columns, and the condition of a partial one."""
    for constraint in table.constraints:
        if isinstance(constraint, (sa.UniqueConstraint, sa.PrimaryKeyConstraint)) and pointing & set(constraint.columns.keys()):
            yield list(constraint.columns.keys()), None
    for index in table.indexes:
        if index.unique and pointing & set(index.columns.keys()):
            yield list(index.columns.keys()), index.dialect_options["sqlite"]["where"]


def _colliding(
    session: Session, table: sa.Table, own: Sequence[Pointer], columns: Sequence[str], condition: Any, kept_id: int, lost_id: int,
) -> list[Collision]:
    of_both = select(table).where(sa.or_(*(one.at(kept_id, lost_id) for one in own if one.column in columns)))
    rows = session.execute(of_both if condition is None else of_both.where(condition)).mappings()
    pointing = {one.column for one in own}
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        key = tuple(kept_id if name in pointing and row[name] == lost_id else row[name] for name in columns)
        if None not in key:
            groups.setdefault(key, []).append(dict(row))
    told = sorted(pointing & set(columns))
    return [Collision(table, tuple(sorted(group, key=lambda row: any(row[name] == lost_id for name in told)))) for group in groups.values() if len(group) > 1]


def _self_influence(session: Session, kept_id: int, lost_id: int) -> list[Collision]:
    """A customer does not influence itself (CUST-02)."""
    table = metadata.tables["core_customer_influence"]
    pair = (kept_id, lost_id)
    rows = session.execute(select(table).where(table.c.customer_id.in_(pair), table.c.influencer_id.in_(pair))).mappings()
    return [Collision(table, (dict(row),)) for row in rows]


