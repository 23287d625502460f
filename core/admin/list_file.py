"""A list as a file: what its reader may see of it, with filter, rows and checksum in the audit log (CUST-34, AUD-05).

A view names its ``ListFile`` as ``list_file``; its lists then have the address ``export``, to which a page sends what it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.exporter.columns import Column
from core.exporter.stream import Outcome, read_all
from core.exporter.text import Options, write_csv


@dataclass(frozen=True)
class ListFile:
    """``name`` stands in the log, ``title`` gives the file its name; without ``personal`` the file ends with the open columns.

    ``rows(session, scoped)`` gives a value for every column, the personal ones last, of a select of the list's model that scope,
    filters and search have narrowed; it decides the order, and reads in blocks.
    """

    name: str
    title: Any
    permission: str
    personal: str
    open_columns: tuple[Column, ...]
    personal_columns: tuple[Column, ...]
    rows: Callable[[Session, sa.Select[Any]], Iterator[tuple[Any, ...]]]

    def columns_for(self, actor: Actor) -> tuple[Column, ...]:
        return self.open_columns + (self.personal_columns if actor.may(self.personal) else ())

    def write(self, session: Session, scoped: sa.Select[Any], actor: Actor) -> tuple[bytes, Outcome]:
        """The rows of ``scoped`` as CSV, and what is to be noted of it."""
        authorize(session, actor, self.permission, rule="CUST-34")
        columns = self.columns_for(actor)
        stream = write_csv(columns, (row[:len(columns)] for row in self.rows(session, scoped)), Options(headings=True, zone=settings.time_zone(session)))
        content = read_all(stream)
        assert stream.outcome is not None
        return content, stream.outcome

    def note(self, session: Session, filters: Mapping[str, Any], searched: bool, actor: Actor, outcome: Outcome) -> None:
        """Log an export; what was searched for may be a person's name and is not logged, only that there was a search."""
        facts = {"filter": {key: str(value) for key, value in filters.items()}, "personal": actor.may(self.personal), "searched": searched,
                 "rows": outcome.rows, "sha256": outcome.sha256, "whole": outcome.whole}
        audit.record(session, "export", summary=self.name, data=facts)
