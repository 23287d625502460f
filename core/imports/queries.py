"""What the pages of imports show."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.imports.models import Import, ImportLine

PAGE_SIZE = 50
PERSONAL = "customers.personal"


def sees_all(actor: Actor) -> bool:
    """Whether somebody reads files that others sent: they hold people of every department, with their telephones (CUST-34, CUST-37)."""
    return actor.scopes.get("*") == "all" and actor.may(PERSONAL)


def may_read(row: Import, actor: Actor) -> bool:
    return row.made_by_id == actor.user_id or sees_all(actor)


def recent(session: Session, kinds: Sequence[str], actor: Actor, *, before: int | None = None) -> list[Import]:
    """Imports of these kinds that this person may read, newest first, one more than a page."""
    query = sa.select(Import).where(Import.kind.in_(kinds))
    if not sees_all(actor):
        query = query.where(Import.made_by_id == actor.user_id)
    if before is not None:
        query = query.where(Import.id < before)
    return list(session.scalars(query.order_by(Import.id.desc()).limit(PAGE_SIZE + 1)))


def lines(session: Session, import_id: int, outcome: str | None, *, after: int = 0) -> list[ImportLine]:
    """Staged lines in order of the file, one more than a page."""
    query = sa.select(ImportLine).where(ImportLine.import_id == import_id, ImportLine.line_no > after)
    if outcome:
        query = query.where(ImportLine.outcome == outcome)
    return list(session.scalars(query.order_by(ImportLine.line_no).limit(PAGE_SIZE + 1)))


def progress(session: Session, row: Import) -> tuple[int, int]:
    """(lines applied, lines to apply) of an import that is being applied."""
    done = session.scalar(sa.select(sa.func.count()).select_from(ImportLine).where(ImportLine.import_id == row.id, ImportLine.applied)) or 0
    return done, row.counts.get("create", 0) + row.counts.get("update", 0)
