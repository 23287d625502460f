"""Many rows of one table at once: some hundred rows a statement on SQLite, COPY on PostgreSQL.

It goes past the session and the audit log, so it is refused outside a named section, as every such statement is. What is to be
logged goes through ``core.audit.services.bulk``, which writes its rows and its entries by this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.database import require_section
from core.errors import DiwanError

ROWS_A_STATEMENT = 500
VARIABLES_A_STATEMENT = 30_000
"""SQLite binds 32,766 at most."""
FEW = 20
"""Up to so many rows PostgreSQL takes sooner by one INSERT than by a COPY, which has to be opened and closed."""


def insert_rows(session: Session, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert mappings by column name; all hold what the first one holds, and columns that they leave out get their defaults."""
    if rows:
        names = list(rows[0])
        insert_columns(session, table, {name: [row[name] for row in rows] for name in names}, len(rows))


def insert_columns(session: Session, table: Any, given: Mapping[str, Any], count: int) -> None:
    """The same from columns: of each name a list of ``count`` values, or one value that all rows share."""
    connection = session.connection()
    columns = {name: _bound(table.c[name], values, connection) for name, values in {**_defaults(table, given, count), **given}.items()}
    rows = list(zip(*(values if isinstance(values, list) else repeat(values, count) for values in columns.values()), strict=True))
    quote = connection.dialect.identifier_preparer.quote
    into = f"{quote(table.name)} ({', '.join(quote(name) for name in columns)})"
    if connection.dialect.name == "sqlite":
        _insert(connection, f"INSERT INTO {into} VALUES ", rows, "?")  # noqa: S608
    elif count <= FEW:
        _insert(connection, f"INSERT INTO {into} VALUES ", rows, "%s")  # noqa: S608
    else:
        _copy(connection, f"COPY {into} FROM STDIN", rows)


def _defaults(table: Any, given: Mapping[str, Any], count: int) -> dict[str, Any]:
    defaults: dict[str, Any] = {}
    for column in table.c:
        if column.name in given or column.default is None:
            continue
        if column.default.is_scalar:
            defaults[column.name] = column.default.arg
        elif column.default.is_callable:
            defaults[column.name] = [column.default.arg(None) for _row in range(count)]
        else:
            raise DiwanError(f"The default of {column} is an SQL expression, which a bulk insert does not make. Give the value.")
    return defaults


def _bound(column: Any, values: Any, connection: Connection) -> Any:
    """Values as the driver takes them; one that stands in all rows is made once."""
    process = column.type._cached_bind_processor(connection.dialect)
    if process is None:
        return values
    if not isinstance(values, list):
        return process(values)
    known: dict[int, Any] = {}
    bound = []
    for value in values:  # an import's rows share the objects of what is the same in all: its moment, its country
        at = id(value)
        if at not in known:
            known[at] = process(value)
        bound.append(known[at])
    return bound


def _insert(connection: Connection, begin: str, rows: list[tuple[Any, ...]], mark: str) -> None:
    # A table with triggers costs SQLite a copy of every page that a statement touches, so a statement a row would copy ten for each.
    size = max(1, min(ROWS_A_STATEMENT, VARIABLES_A_STATEMENT // len(rows[0])))
    row = f"({', '.join([mark] * len(rows[0]))})"
    for start in range(0, len(rows), size):
        part = rows[start:start + size]
        connection.exec_driver_sql(begin + ", ".join([row] * len(part)), tuple(chain.from_iterable(part)))


def _copy(connection: Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    require_section(statement)
    driver: Any = connection.connection.driver_connection
    dbapi: Any = connection.dialect.dbapi
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except dbapi.Error as error:
        raise DBAPIError.instance(statement, None, error, dbapi.Error, dialect=connection.dialect) from error
