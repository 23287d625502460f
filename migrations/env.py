"""Alembic's environment, shared by all owners. Run through ``core.schema``, which gives connection, owner and table."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy.engine import Connection

from core.database import JsonDict, Phone, UtcDateTime, metadata

settings = context.config.attributes
OWNER: str = settings["owner"]


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Only this owner's tables: autogenerate would otherwise drop everybody else's."""
    table = name if kind == "table" else getattr(getattr(item, "table", None), "name", None)
    return table is None or (table.startswith(f"{OWNER}_") and not (reflected and kind == "table" and table not in metadata.tables))


def render_item(kind: str, item: Any, context: Any) -> str | bool:
    """Diwan's column types as SQLAlchemy's own: a revision stays what it was when they change."""
    if kind != "type" or not isinstance(item, (UtcDateTime, Phone, JsonDict)):
        return False
    if isinstance(item, JsonDict):
        context.imports.add("from sqlalchemy.dialects.postgresql import JSONB")
        return 'sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")'
    return f"sa.String(length={item.impl_instance.length})" if isinstance(item, Phone) else "sa.DateTime(timezone=True)"


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=include_object,
        render_item=render_item,
        version_table=settings["version_table"],
        transaction_per_migration=True,
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run(settings["connection"])
