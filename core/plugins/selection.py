"""Which plugins an association has chosen: one row with a stamp that every request compares.

Turning a plugin on or off changes that row in one audited transaction and runs no DDL; every worker sees the changed
stamp with its next request and builds the association's app anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import schema
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.database import Base, JsonDict
from core.errors import Conflict, DiwanError, NotFound
from core.i18n import lazy_gettext as _l
from core.plugins.discovery import Catalogue


class StaleSelection(DiwanError):
    """The association's selection changed since this app was built; the request is dispatched again to a new one."""


class PluginSelection(Base):
    """The one row (id 1). ``names`` is ``{"on": [plugin, …]}``; ``stamp`` grows with each change."""

    __tablename__ = "core_plugin_selection"
    id: Mapped[int] = mapped_column(primary_key=True)
    stamp: Mapped[int]
    names: Mapped[dict[str, Any]] = mapped_column(JsonDict)


@dataclass(frozen=True)
class Selection:
    """The selection that an app was built for."""

    stamp: int = 0
    names: frozenset[str] = frozenset()


def read_selection(connection: Connection) -> Selection:
    """The selection as it is in the database now; none where no row was written yet."""
    row = connection.execute(select(PluginSelection.stamp, PluginSelection.names)).first()
    return Selection(row.stamp, frozenset(row.names.get("on", ()))) if row else Selection()


def stamp_subquery() -> ScalarSelect[int]:
    """For the statement that loads session and user, so that the comparison costs no statement of its own."""
    return select(PluginSelection.stamp).scalar_subquery()


def check_stamp(built_for: Selection, stamp: int | None) -> None:
    """Raise StaleSelection when the app was built for another selection."""
    if (stamp or 0) != built_for.stamp:
        raise StaleSelection


def enable(session: Session, catalogue: Catalogue, name: str, *, actor: Actor, now: datetime) -> None:
    """Turn a plugin on (PLUG-03); what began by the calendar while it was off is opened as soon as a worker comes by.

    Raises NotFound, or Conflict naming what it needs first.
    """
    from core.jobs import services as jobs

    authorize(session, actor, "plugins.select", rule="PLUG-03")
    plugin = catalogue.get(name)
    if plugin is None:
        failed = next((one for one in catalogue.failed if one.name == name), None)
        if failed:
            raise Conflict(_l("The plugin “%(name)s” cannot be turned on: %(problem)s %(remedy)s", name=name, problem=failed.problem, remedy=failed.remedy))
        raise NotFound(_l("No plugin “%(name)s” is installed.", name=name))
    row = _row(session)
    missing = sorted(set(plugin.info.depends) - set(row.names["on"]))
    if missing:
        raise Conflict(_l("“%(name)s” needs %(others)s. Turn that on first.", name=name, others=", ".join(missing)), rule="PLUG-07")
    if any(one.behind for one in schema.states(session.connection(), catalogue) if one.owner == name):
        raise Conflict(_l("The tables of “%(name)s” are older than its code, or not made yet. Run “diwan db upgrade” first.", name=name), rule="PLUG-03")
    if name not in row.names["on"]:
        _change(session, row, [*row.names["on"], name], "plugin_on", name)
        jobs.enqueue(session, "procedures.periods")


def disable(session: Session, catalogue: Catalogue, name: str, *, actor: Actor, now: datetime) -> None:
    """Turn a plugin off (PLUG-03); its data stays. Raises NotFound, or Conflict naming who needs it."""
    authorize(session, actor, "plugins.select", rule="PLUG-03")
    row = _row(session)
    if name not in row.names["on"]:
        raise NotFound(_l("The plugin “%(name)s” is not on.", name=name))
    needing = sorted(one.name for one in catalogue.installed if name in one.info.depends and one.name in row.names["on"])
    if needing:
        raise Conflict(_l("“%(name)s” is needed by %(others)s. Turn that off first.", name=name, others=", ".join(needing)), rule="PLUG-07")
    _change(session, row, [one for one in row.names["on"] if one != name], "plugin_off", name)


def select_initially(session: Session, names: list[str]) -> None:
    """The first selection of a new association, by its preset."""
    row = _row(session)
    row.names, row.stamp = {"on": sorted(names)}, row.stamp + 1
    session.flush()


def _row(session: Session) -> PluginSelection:
    row = session.scalar(select(PluginSelection).with_for_update())
    if row is None:
        row = PluginSelection(id=1, stamp=0, names={"on": []})
        session.add(row)
        session.flush()
    return row


def _change(session: Session, row: PluginSelection, names: list[str], action: str, plugin: str) -> None:
    row.names, row.stamp = {"on": sorted(names)}, row.stamp + 1
    audit.name_action(session, row, action, reason=plugin)
    session.flush()
