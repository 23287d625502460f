"""Roll-ups: counts and sums over a large table, which the database itself keeps beside its rows.

``rollup`` declares one where the model is: the source, a bucket of time, the columns it is grouped by, the whole numbers it sums.
Triggers write what each statement adds and takes away, in its transaction, whoever sends it: the sums are those of the rows at every
moment, after an undo, a merge or a line of SQL as well. SQLite, with one writer, keeps one row a group. PostgreSQL only ever adds
rows, one a statement and group, so that nobody waits for another's group; ``compact`` adds them up, and who reads sums them anyway.
``mend`` writes what the rows say and a roll-up does not: everything, after the upgrade that makes it.

``totals`` reads, for any periods: whole buckets from the roll-up, and from the rows what lies between them and the ends of a period,
so that days and months of every time zone are exact. With ``raw`` it reads the same figures from the rows alone: what tests compare
with, and what is right for a person who may read only some rows, which a roll-up cannot tell apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from core.database import Derived, UtcDateTime, derive, existing_objects, metadata, owner_of, section
from core.errors import DiwanError

Every = Literal["day", "month"]
Bound = date | datetime | None
Period = tuple[Bound, Bound]
"""From the first up to the second, which is no part of it; None is open. Moments where the roll-up is of moments, else days."""
Where = Callable[[Any], sa.ColumnElement[bool]]
"""A condition on the columns that it is given: those of the roll-up, or the same ones of the rows."""
COUNT = "row_count"
EAST_HOURS = 3
"""Buckets of moments begin at midnight of UTC+3 (Makkah, Kuwait, Baghdad, Sana'a): exact everywhere, and there without reading any row."""


@dataclass(frozen=True)
class Rollup:
    """One roll-up. Its ``table`` has a column for the bucket (``day`` or ``month``: the first day, by ``EAST_HOURS`` where ``at`` is a moment),
    those of ``by``, ``row_count``, and the sums, each under the name of its column. Rows without ``needs`` stay out."""

    table: sa.Table
    source: sa.Table
    every: Every | None
    at: str | None
    by: tuple[str, ...]
    sums: tuple[str, ...]
    needs: str | None

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def groups(self) -> tuple[str, ...]:
        return (*((self.every,) if self.every else ()), *self.by)

    @property
    def of_moments(self) -> bool:
        return self.at is not None and isinstance(self.source.c[self.at].type, UtcDateTime)


_rollups: dict[str, Rollup] = {}


def rollup(
    name: str, model: Any, *, by: Sequence[str] = (), sums: Sequence[str] = (), at: str | None = None, every: Every | None = None, needs: str | None = None,
) -> Rollup:
    """Declare a roll-up of a model's table; call it where the model is. Its table needs a revision, its triggers none.

    ``at`` names the day or moment that ``every`` makes buckets of. What ``sums`` names are whole numbers; rows that hold none count as 0.
    """
    source: sa.Table = model.__table__
    if owner_of(name) != owner_of(source.name) or (at is None) != (every is None) or not (every or by):
        raise DiwanError(f"Roll-up '{name}': name it after its owner, '{owner_of(source.name)}_…', group it by something, and give `at` and `every` together.")
    if wrong := [one for one in sums if not isinstance(source.c[one].type, sa.Integer)]:
        raise DiwanError(f"Roll-up '{name}' sums {', '.join(wrong)} of {source.name}, which are no whole numbers; keep minor units, seconds, counts.")
    groups = [*((sa.Column(every, sa.Date, nullable=bool(source.c[at].nullable)),) if every and at else ()),
              *(sa.Column(one, source.c[one].type, nullable=bool(source.c[one].nullable) and one != needs) for one in by)]
    table = sa.Table(name, metadata, sa.Column("id", sa.Integer, primary_key=True), *groups, sa.Column(COUNT, sa.BigInteger, nullable=False),
                     *(sa.Column(one, sa.BigInteger, nullable=False) for one in sums), info={"rollup": True}, extend_existing=True)
    made = _rollups[name] = Rollup(table, source, every, at, tuple(by), tuple(sums), needs)
    derive(*_kept_by_itself(made))
    return made


def rollups(connection: Connection | None = None) -> list[Rollup]:
    """Every roll-up of an installed owner; with a connection those whose tables are made there."""
    present = existing_objects(connection) if connection is not None else set(metadata.tables)
    return [one for one in _rollups.values() if metadata.tables.get(one.name) is one.table and {one.name, one.source.name} <= present]


# --- what the database does by itself ------------------------------------------------------------------------------------


def _kept_by_itself(one: Rollup) -> list[Derived]:
    """Its triggers, and the index by which a group is found."""
    names, table, source, terms = _names(one), one.name, one.source.name, _terms(one)
    changed = " OR ".join(f'OLD."{name}" IS NOT NEW."{name}"' for name in _read(one))
    columns = ", ".join(f'"{name}"' for name in _read(one))

    def put(row: str, sign: int) -> str:
        return (f"INSERT INTO {table} ({names}) SELECT {_values(one, row, 'sqlite', sign)} WHERE {_needed(one, row)} {_added(one)};")

    def on_sqlite(event: str, *acts: str, when: str = "") -> tuple[str, ...]:
        return (f"CREATE TRIGGER {table}_{event.split()[0].lower()} AFTER {event} ON {source} FOR EACH ROW{when} BEGIN {' '.join(acts)} END",)

    def on_postgresql(event: str, act: str, *transitions: str) -> tuple[str, ...]:
        name, rows = f"{table}_{event.lower()}", f" REFERENCING {' '.join(transitions)}" if transitions else ""
        return (f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN {act}; RETURN NULL; END $body$",
                f"CREATE TRIGGER {name} AFTER {event} ON {source}{rows} FOR EACH STATEMENT EXECUTE FUNCTION {name}()")

    def add(*parts: tuple[str, int]) -> str:
        return f"INSERT INTO {table} ({names}) {_changes(one, 'postgresql', *parts)}"

    return [
        Derived(f"ix_{table}_group", "index", table, sqlite=(f"CREATE UNIQUE INDEX ix_{table}_group ON {table} ({terms})",),
                postgresql=(f'CREATE INDEX ix_{table}_group ON {table} ("{one.groups[0]}")',)),
        Derived(f"{table}_insert", "trigger", source, on_sqlite("INSERT", put("NEW", 1)),
                on_postgresql("INSERT", add(("added", 1)), "NEW TABLE AS added")),
        Derived(f"{table}_update", "trigger", source, on_sqlite(f"UPDATE OF {columns}", put("OLD", -1), put("NEW", 1), when=f" WHEN {changed}"),
                on_postgresql("UPDATE", add(("added", 1), ("gone", -1)), "OLD TABLE AS gone", "NEW TABLE AS added")),
        Derived(f"{table}_delete", "trigger", source, on_sqlite("DELETE", put("OLD", -1)),
                on_postgresql("DELETE", add(("gone", -1)), "OLD TABLE AS gone")),
        Derived(f"{table}_truncate", "trigger", source, (), on_postgresql("TRUNCATE", f"DELETE FROM {table}")),  # noqa: S608
    ]


def _names(one: Rollup) -> str:
    return ", ".join(f'"{name}"' for name in (*one.groups, COUNT, *one.sums))


def _terms(one: Rollup) -> str:
    """What tells SQLite's groups apart; it takes no two NULLs for equal, and no value equals a blob."""
    return ", ".join(f"coalesce(\"{name}\", x'')" if one.table.c[name].nullable else f'"{name}"' for name in one.groups)


def _added(one: Rollup) -> str:
    """How SQLite adds to a group that is there."""
    return f"ON CONFLICT ({_terms(one)}) DO UPDATE SET " + ", ".join(f'"{name}" = "{name}" + excluded."{name}"' for name in (COUNT, *one.sums))


def _read(one: Rollup) -> list[str]:
    """The columns of the source on which a roll-up rests."""
    return list(dict.fromkeys(name for name in (one.at, *one.by, *one.sums, one.needs) if name))


def _needed(one: Rollup, row: str) -> str:
    return f'{row}."{one.needs}" IS NOT NULL' if one.needs else "1 = 1"


def _values(one: Rollup, row: str, dialect: str, sign: int) -> str:
    """What the row with this alias adds to its group (1) or takes from it (-1), in the order of ``_names``."""
    bucket = (f'{_bucket(one, row, dialect)} AS "{one.every}"',) if one.every else ()
    sums = (f'{sign} * coalesce({row}."{name}", 0) AS "{name}"' for name in one.sums)
    return ", ".join((*bucket, *(f'{row}."{name}"' for name in one.by), f"{sign} AS {COUNT}", *sums))


def _bucket(one: Rollup, row: str, dialect: str) -> str:
    column = f'{row}."{one.at}"'
    if dialect == "sqlite":
        day = f"date({column}, '+{EAST_HOURS} hours')" if one.of_moments else f"date({column})"
        return day if one.every == "day" else f"substr({day}, 1, 7) || '-01'"
    moment = f"({column} AT TIME ZONE 'UTC' + interval '{EAST_HOURS} hours')" if one.of_moments else f"{column}::timestamp"
    return f"{moment}::date" if one.every == "day" else f"date_trunc('month', {moment})::date"


def _changes(one: Rollup, dialect: str, *parts: tuple[str, int]) -> str:
    """What these rows, each table added or taken away, change, a line a group; groups that stay as they are left out."""
    return _summed(one, [f"SELECT {_values(one, 'rows_of', dialect, sign)} FROM {table} rows_of WHERE {_needed(one, 'rows_of')}"  # noqa: S608
                         for table, sign in parts])


def _difference(one: Rollup, dialect: str) -> str:
    """What the rows say and the roll-up does not, as one statement sees both; nothing where they are equal."""
    kept = ", ".join((*(f'"{name}"' for name in one.groups), *(f'-"{name}"' for name in (COUNT, *one.sums))))
    return _summed(one, [f"SELECT * FROM ({_changes(one, dialect, (one.source.name, 1))}) counted", f"SELECT {kept} FROM {one.name}"])  # noqa: S608


def _summed(one: Rollup, parts: Sequence[str]) -> str:
    groups = ", ".join(f'"{name}"' for name in one.groups)
    sums = [f'sum("{name}")' for name in (COUNT, *one.sums)]
    named = ", ".join(f'{total} AS "{name}"' for total, name in zip(sums, (COUNT, *one.sums), strict=True))
    return (f"SELECT {groups}, {named} FROM ({' UNION ALL '.join(parts)}) parts GROUP BY {groups}"  # noqa: S608
            f" HAVING {' OR '.join(f'{total} <> 0' for total in sums)}")


# --- keeping them ----------------------------------------------------------------------------------------------------------


def unequal(connection: Connection, one: Rollup) -> int:
    """In how many groups a roll-up and its rows differ: 0, unless somebody worked without its triggers. Reads every row."""
    return int(connection.exec_driver_sql(f"SELECT count(*) FROM ({_difference(one, connection.dialect.name)}) differ").scalar() or 0)  # noqa: S608


def mend(connection: Connection, one: Rollup) -> int:
    """Make a roll-up equal to its rows; returns how many groups differed. Others may write meanwhile, on PostgreSQL."""
    dialect, more = connection.dialect.name, ""
    if dialect == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock(hashtext('{one.name}'))")
    else:
        more = _added(one)
    with section("roll-ups"):
        return connection.exec_driver_sql(f"INSERT INTO {one.name} ({_names(one)}) {_difference(one, dialect)} {more}").rowcount


def compact(connection: Connection) -> int:
    """Add up the rows of each group, and forget empty groups; returns how many rows went. Nobody waits: what others add meanwhile stays as it is."""
    return sum(_compact(connection, one) for one in rollups(connection))


def _compact(connection: Connection, one: Rollup) -> int:
    with section("roll-ups"):
        if connection.dialect.name == "sqlite":
            return connection.execute(sa.delete(one.table).where(one.table.c[COUNT] == 0)).rowcount
        if not connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock(hashtext('{one.name}'))").scalar():
            return 0
        groups = ", ".join(f'"{name}"' for name in one.groups)
        many = f"SELECT id FROM (SELECT id, {COUNT}, count(*) OVER (PARTITION BY {groups}) AS many FROM {one.name}) each WHERE many > 1 OR {COUNT} = 0"  # noqa: S608
        gone = f"DELETE FROM {one.name} WHERE id IN ({many}) RETURNING {_names(one)}"  # noqa: S608
        added = f"INSERT INTO {one.name} ({_names(one)}) {_summed(one, [f'SELECT {_names(one)} FROM gone'])} RETURNING 1"  # noqa: S608
        counted = "SELECT (SELECT count(*) FROM gone) - (SELECT count(*) FROM added)"
        return int(connection.exec_driver_sql(f"WITH gone AS ({gone}), added AS ({added}) {counted}").scalar() or 0)


# --- reading them ----------------------------------------------------------------------------------------------------------


def totals(
    one: Rollup, *, by: Sequence[str] = (), where: Where | None = None, periods: Sequence[Period] | None = None, raw: bool = False,
) -> sa.Select[*tuple[Any, ...]]:
    """Counts and sums by these columns, as a select: ``place`` (which of ``periods``, where given), ``by``, ``row_count``, the sums.

    Periods may overlap; groups without a row are left out. ``raw`` reads the rows alone, on which ``where`` may then ask for any column.
    """
    parts = list(_parts(one, by, where, periods, raw))
    read = (parts[0] if len(parts) == 1 else sa.union_all(*parts)).subquery("parts")
    keys = [read.c[name] for name in ((*(("place",) if periods is not None else ()), *by))]
    sums = [sa.cast(sa.func.coalesce(sa.func.sum(read.c[name]), 0), sa.BigInteger).label(name) for name in (COUNT, *one.sums)]
    found: sa.Select[*tuple[Any, ...]] = sa.select(*keys, *sums)
    return found.group_by(*keys).having(sa.func.sum(read.c[COUNT]) != 0) if keys else found


def _parts(one: Rollup, by: Sequence[str], where: Where | None, periods: Sequence[Period] | None, raw: bool) -> Iterator[sa.Select[Any]]:
    """The selects whose union is summed."""
    if periods is None:
        yield _rows(one, by, where) if raw else _kept(one, by, where)
        return
    cut = [_cut(one, period, raw) for period in periods]
    if whole := [(place, 1, *inner) for place, (inner, _edges) in enumerate(cut) if inner is not None]:
        yield _kept(one, by, where, _spans("whole", whole, "DATE"))
    edges = [(place, *edge) for place, (_inner, found) in enumerate(cut) for edge in found]
    if edges or not whole:
        yield _rows(one, by, where, _spans("edges", edges, "TIMESTAMP WITH TIME ZONE" if one.of_moments else "DATE"))


def _kept(one: Rollup, by: Sequence[str], where: Where | None, spans: sa.Subquery | None = None) -> sa.Select[Any]:
    """What the roll-up holds, of every bucket or of those in ``spans``."""
    c = one.table.c
    found = sa.select(*(() if spans is None else (spans.c.place,)), *(c[name] for name in by), *(c[name] for name in (COUNT, *one.sums)))
    return _narrowed(found, one.table, where, spans, c[one.every] if one.every else None)


def _rows(one: Rollup, by: Sequence[str], where: Where | None, spans: sa.Subquery | None = None) -> sa.Select[Any]:
    """The same of the rows, each counted once, or as often as the sign of its span says."""
    c = one.source.c
    sign: Any = sa.literal(1) if spans is None else spans.c.sign
    found = sa.select(*(() if spans is None else (spans.c.place,)), *(c[name] for name in by), sign.label(COUNT),
                      *((sign * sa.func.coalesce(c[name], 0)).label(name) for name in one.sums))
    if one.needs:
        found = found.where(c[one.needs].is_not(None))
    return _narrowed(found, one.source, where, spans, c[one.at] if one.at else None)


def _narrowed(found: sa.Select[Any], table: sa.Table, where: Where | None, spans: sa.Subquery | None, at: sa.Column[Any] | None) -> sa.Select[Any]:
    if spans is not None and at is not None:
        found = found.select_from(spans.join(table, sa.and_(at >= spans.c.since, at < spans.c.until)))
    return found if where is None else found.where(where(table.c))


def _spans(name: str, spans: Sequence[tuple[int, int, Any, Any]], kind: str) -> sa.Subquery:
    """A table of spans of time: whose they are, whether they are added or taken away, from and up to when.

    They go as one value, so that one statement serves for any number of them. ``kind`` is PostgreSQL's type of their ends.
    """
    told = json.dumps([(place, sign, _text(since), _text(until)) for place, sign, since, until in spans])
    lines = _lines_of(sa.bindparam(name, told, sa.Text, unique=True)).table_valued("value")
    parts = (("place", "INTEGER"), ("sign", "INTEGER"), ("since", kind), ("until", kind))
    return sa.select(*(_item_of(lines.c.value, sa.literal_column(str(at)), sa.literal_column(type_)).label(key)
                       for at, (key, type_) in enumerate(parts))).subquery(name)


def _text(bound: Any) -> str:
    """A day or moment as both engines write it."""
    return bound.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds") if isinstance(bound, datetime) else str(bound)


class _lines_of(FunctionElement[Any]):
    """The elements of a JSON array, one a row, as ``value``."""

    name = "lines"
    inherit_cache = True


class _item_of(FunctionElement[Any]):
    """An element of a JSON array, by its place, as a value of PostgreSQL's type."""

    name = "item"
    inherit_cache = True


@compiles(_lines_of, "sqlite")
def _lines_on_sqlite(element: _lines_of, compiler: Any, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_lines_of, "postgresql")
def _lines_on_postgresql(element: _lines_of, compiler: Any, **kw: Any) -> str:
    return f"jsonb_array_elements(CAST({compiler.process(element.clauses, **kw)} AS jsonb))"


@compiles(_item_of, "sqlite")
def _item_on_sqlite(element: _item_of, compiler: Any, **kw: Any) -> str:
    array, place, _type = (compiler.process(one, **kw) for one in element.clauses)
    return f"json_extract({array}, '$[{place}]')"


@compiles(_item_of, "postgresql")
def _item_on_postgresql(element: _item_of, compiler: Any, **kw: Any) -> str:
    array, place, type_ = (compiler.process(one, **kw) for one in element.clauses)
    return f"CAST({array} ->> {place} AS {type_})"


def _cut(one: Rollup, period: Period, raw: bool) -> tuple[tuple[date, date] | None, list[tuple[int, Any, Any]]]:
    """The whole buckets nearest to a period, and by sign what rows are to be added to them, or taken away, at either end."""
    least, most = _limits(one)
    since, until = (least if period[0] is None else period[0]), (most if period[1] is None else period[1])
    first, last = _nearest(one, since), _nearest(one, until)
    if raw or first >= last:
        return None, [(1, since, until)] if since < until else []
    begin, end = _bound(one, first), _bound(one, last)
    edges = [(1, since, begin) if since < begin else (-1, begin, since), (1, end, until) if end < until else (-1, until, end)]
    return (first, last), [(sign, start, stop) for sign, start, stop in edges if start != stop]


def _limits(one: Rollup) -> tuple[Any, Any]:
    return (_bound(one, date(1, 2, 1)), _bound(one, date(9999, 1, 1)))


def _bound(one: Rollup, day: date) -> Any:
    return datetime.combine(day, time(), UTC) - timedelta(hours=EAST_HOURS) if one.of_moments else day


def _nearest(one: Rollup, bound: Any) -> date:
    """The beginning of a bucket that is nearest to a day or moment."""
    day: date = bound
    if one.of_moments:
        bound = bound.astimezone(UTC) + timedelta(hours=EAST_HOURS)
        day = bound.date() + timedelta(days=int(one.every == "day" and bound.hour >= 12))
    if one.every == "day":
        return day
    return day.replace(day=1) if day.day <= 15 else (day.replace(day=1) + timedelta(days=32)).replace(day=1)
