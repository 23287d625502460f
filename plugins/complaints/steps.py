"""An entry's way through the manual's table 5.2: which step opens and closes with which act.

What follows a step, and when it is due, is data of the procedure.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor
from core.calendar import day_bounds, local_day
from core.procedures import recurring, timing
from core.procedures import services as procedures
from plugins.complaints.domain import ANSWER, CONTACT, HANDLING, OPEN_STATES, RECEIVE, STUDY, UPDATE
from plugins.complaints.models import Entry


def received(session: Session, entry: Entry, *, actor: Actor, now: datetime) -> None:
    """Step 1 is done, the answer is due at once, and the log has been updated today.

    At once is for who calls or comes; what arrives by the public form, at any hour, is answered within the days of a setting.
    """
    days = settings.get(session, "complaints.public_answer") if entry.source == "public" else 0
    if days:
        procedures.open_step(session, HANDLING, ANSWER, record=entry, now=now, due_at=timing.due_at(session, now, f"P{days}D"))
    procedures.take_step(session, HANDLING, RECEIVE, record=entry, actor=actor, now=now)
    recurring.close_for_day(session, HANDLING, UPDATE, record=entry, actor=actor, now=now)


def solved(session: Session, entry: Entry, *, actor: Actor, now: datetime) -> None:
    _close(session, entry, ANSWER, actor, now, "solved")


def promised(session: Session, entry: Entry, *, actor: Actor, now: datetime) -> None:
    """The study is due, and the call-back at the promised hour."""
    procedures.open_step(session, HANDLING, CONTACT, record=entry, now=now, due_at=entry.promised_at)
    _close(session, entry, ANSWER, actor, now, "callback")


def to_study(session: Session, entry: Entry, *, actor: Actor, now: datetime) -> None:
    _close(session, entry, ANSWER, actor, now, "study")


def studied(session: Session, entry: Entry, *, actor: Actor, now: datetime) -> None:
    """Step 3 is done; an answer that was still due is answered by it."""
    _close(session, entry, ANSWER, actor, now, "study")
    _close(session, entry, STUDY, actor, now)


def updated(session: Session, entry: Entry, *, actor: Actor, now: datetime) -> None:
    recurring.close_for_day(session, HANDLING, UPDATE, record=entry, actor=actor, now=now)


def solution(session: Session, entry: Entry, *, actor: Actor, now: datetime) -> None:
    """The customer is to be told, at the promised hour where one was promised."""
    studied(session, entry, actor=actor, now=now)
    procedures.open_step(session, HANDLING, CONTACT, record=entry, now=now, due_at=entry.promised_at)


def closed(session: Session, entry: Entry, *, actor: Actor, now: datetime) -> None:
    """The contact is done, as is an answer that was due; a study that nobody needs any more ends without one."""
    _close(session, entry, ANSWER, actor, now, "solved")
    _close(session, entry, CONTACT, actor, now)
    procedures.cancel_steps(session, record=entry, actor=actor, now=now, code=HANDLING)


def _close(session: Session, entry: Entry, number: int, actor: Actor, now: datetime, outcome: str | None = None) -> None:
    procedures.close_step(session, HANDLING, number, record=entry, actor=actor, now=now, outcome=outcome)


def open_daily(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """The job of each day: every open entry is to be updated on it (CMPL-18). Of a day that was missed, those that stood in the log then."""
    zone = settings.time_zone(session)
    day = date.fromisoformat(str(arguments.get("period") or local_day(now, zone).isoformat())[:10])
    there = sa.select(Entry).where(Entry.state.in_(OPEN_STATES), Entry.imported.is_(False), Entry.registered_at < day_bounds(day, zone)[1])
    for entry in session.scalars(there):
        recurring.open_for_day(session, HANDLING, UPDATE, record=entry, day=day, now=now)
