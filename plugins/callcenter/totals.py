"""Totals of years, or months, before calls were recorded here (CALL-02)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit import services as audit
from core.auth.actor import Actor, authorize
from plugins.callcenter.exchange import IMPORT
from plugins.callcenter.models import Total

GIVEN = ("outgoing", "incoming", "complaints_received", "complaints_closed")


def record(session: Session, values: Mapping[str, Any], *, import_id: int | None, actor: Actor, now: datetime) -> Total:
    """Keep the totals of a year, or of its ``month``; those that are there already stay as they are."""
    authorize(session, actor, IMPORT, rule="CALL-02")
    month = values.get("month") or 0
    there = session.scalar(sa.select(Total).where(Total.year == values["year"], Total.month == month))
    if there is not None:
        return there
    made = Total(year=values["year"], month=month, **{key: values.get(key) for key in GIVEN}, import_id=import_id, recorded_at=now,
                 recorded_by_id=actor.user_id)
    session.add(made)
    session.flush()
    return made


def take_back(session: Session, ids: Sequence[int], *, actor: Actor) -> None:
    authorize(session, actor, IMPORT, rule="CALL-02")
    for one in session.scalars(sa.select(Total).where(Total.id.in_(ids))).all():
        audit.name_action(session, one, "undo")
        session.delete(one)
    session.flush()


def of_years(session: Session) -> dict[tuple[int, int], Total]:
    """Every total by (year, month), 0 for a whole year."""
    return {(one.year, one.month): one for one in session.scalars(sa.select(Total))}
