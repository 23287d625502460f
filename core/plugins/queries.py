"""What the page and the command show of each plugin: on, off or failed, what it keeps, what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.database import metadata
from core.plugins.discovery import Failed, Installed
from core.state import State


@dataclass(frozen=True)
class PluginLine:
    """One plugin as the page shows it. ``rows`` counts what it keeps; None when its tables cannot be read."""

    name: str
    title: Any
    summary: Any
    version: str
    icon: str
    on: bool
    needs: tuple[str, ...]
    works_with: tuple[str, ...]
    needed_by: tuple[str, ...]
    rows: int | None
    failed: Failed | None = None


def plugin_lines(session: Session, state: State) -> list[PluginLine]:
    """Every installed plugin of this process, in order of dependence."""
    failed = {one.name: one for one in state.failed}
    return [_line(session, state, plugin, failed.get(plugin.name)) for plugin in state.catalogue.installed]


def _line(session: Session, state: State, plugin: Installed, failed: Failed | None) -> PluginLine:
    needed_by = tuple(one.name for one in state.active if plugin.name in one.info.depends)
    info = plugin.info
    return PluginLine(
        info.name, info.title, info.summary, info.version, info.icon, plugin in state.active, info.depends, info.works_with, needed_by,
        None if failed else rows_kept(session, info.name), failed,
    )


def rows_kept(session: Session, owner: str) -> int | None:
    """How many rows a plugin's tables hold; what stays when it is turned off. None while the tables are not made yet."""
    tables = [table for table in metadata.tables.values() if table.name.startswith(f"{owner}_") and not table.info.get("rollup")]
    present = set(sa.inspect(session.connection()).get_table_names())
    if any(table.name not in present for table in tables):
        return None
    return sum(session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables)


def faults_without_plugin(state: State) -> list[Failed]:
    """Failed ones that could not even be loaded, shown above the list with cause and remedy."""
    return list(state.failed)
