"""Entries of a register kept elsewhere, taken into the log as marked history, and taken back while nobody touched them.

History opens no step of the manual and stays out of averages that need what its source has not; an open one is handled
by the rules of any other entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.errors import Conflict
from core.i18n import lazy_gettext as _l
from core.keys import new_subjects
from plugins.complaints import domain, queries
from plugins.complaints.models import Assignment, Entry, FollowUp, Update
from plugins.complaints.services import next_numbers

IMPORT = "complaints.import"
SOURCE = "import"


@dataclass(frozen=True)
class Former:
    """One entry of a former register. ``reference`` recognises it when the register comes again; ``lacks`` names what it has not:
    key → True, or ``"hour"`` where only the day of a moment is known."""

    reference: str
    kind: str
    channel: str
    customer_class: str
    state: str
    received_at: datetime
    returned_at: datetime | None = None
    cause_id: int | None = None
    centre_id: int | None = None
    name: str | None = None
    phone: str | None = None
    text: str = ""
    answer: str | None = None
    timely: bool | None = None
    lacks: dict[str, Any] = field(default_factory=dict)


def known(session: Session, references: Iterable[str]) -> dict[str, int]:
    """Which of these references were taken in before, with their entries' ids."""
    wanted = list(references)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), 500):
        query = sa.select(Entry.source_reference, Entry.id).where(Entry.source == SOURCE, Entry.source_reference.in_(wanted[start:start + 500]))
        found.update({str(reference): entry_id for reference, entry_id in session.execute(query)})
    return found


def take_in(session: Session, rows: Sequence[Former], *, import_id: int, actor: Actor, now: datetime) -> list[int]:
    """The entries' ids, in the order of ``rows``; a reference that is there already adds nothing and answers with its entry."""
    authorize(session, actor, IMPORT, rule="CMPL-07")
    there = known(session, (row.reference for row in rows))
    fresh = [row for row in rows if row.reference not in there]
    departments = {one: queries.route(session, one)[1].id for one in {row.customer_class for row in fresh}}
    entries = []
    numbers = next_numbers(session, (row.received_at for row in fresh))
    for row, number, subject_id in zip(fresh, numbers, new_subjects(session, len(fresh)), strict=True):
        entries.append(_entry(row, number, subject_id, departments[row.customer_class], import_id, actor, now))
    session.add_all(entries)
    session.flush()
    session.add_all(Assignment(entry_id=one.id, department_id=one.department_id, centre_id=one.centre_id, assigned_at=one.received_at,
                               assigned_by_id=actor.user_id, reason="") for one in entries)
    session.flush()
    there |= {str(one.source_reference): one.id for one in entries}
    return [there[row.reference] for row in rows]


def _entry(row: Former, number: str, subject_id: str, department_id: int, import_id: int, actor: Actor, now: datetime) -> Entry:
    closed = row.state == domain.CLOSED
    return Entry(
        number=number, subject_id=subject_id, kind=row.kind, channel=row.channel, state=row.state,
        customer_class=row.customer_class, name=row.name, phone=row.phone, department_id=department_id, centre_id=row.centre_id, cause_id=row.cause_id,
        text=row.text, received_at=row.received_at, registered_at=now, registered_by_id=actor.user_id, returned_at=row.returned_at, answer=row.answer,
        closed_at=row.returned_at if closed else None, updated_at=row.returned_at or row.received_at, source=SOURCE, source_reference=row.reference,
        imported=True, import_id=import_id, lacks=row.lacks, timely=row.timely,
    )


def take_back(session: Session, ids: Sequence[int], *, actor: Actor) -> None:
    """Remove imported entries, all or none; Conflict names the first that somebody has worked on since."""
    authorize(session, actor, IMPORT, rule="CMPL-07")
    for start in range(0, len(ids), 500):
        _take_back(session, ids[start:start + 500])


def _take_back(session: Session, ids: Sequence[int]) -> None:
    entries = session.scalars(sa.select(Entry).where(Entry.id.in_(ids)).order_by(Entry.id)).all()
    assignments = session.scalars(sa.select(Assignment).where(Assignment.entry_id.in_(ids)).order_by(Assignment.id)).all()
    touched = {*session.scalars(sa.select(Update.entry_id).where(Update.entry_id.in_(ids))),
               *session.scalars(sa.select(FollowUp.entry_id).where(FollowUp.entry_id.in_(ids)))}
    worked_on = next((one for one in entries if not one.imported or one.id in touched), None)
    if worked_on is not None:
        raise Conflict(_l("%(number)s was worked on since it came in, so it stays; nothing was taken back.", number=worked_on.number), rule="CMPL-07")
    for row in (*assignments, *entries):
        audit.name_action(session, row, "undo")
        session.delete(row)
    session.flush()
