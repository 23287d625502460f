"""Figures of one plugin that a panel or report of another shows: how many complaints came in, how many were closed.

Neither side knows the other. Whoever shows them calls ``ask`` with the name of what is counted; the plugin that counts it
implements the hook ``tell_figures``. Where none does, there are none, and the page leaves them out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from core.auth.actor import Actor

HOOK = "tell_figures"
COMPLAINTS = "complaints"
"""``received`` and ``closed``: complaints received in the period, and how many of these are closed by its end (or by now)."""
CALLS = "calls"
"""``outgoing`` and ``incoming`` calls with people outside, the ``answered`` ones of both, ``talk_seconds``, what these lasted in all, and ``untimed``, those
of which nobody says how long: ``talk_seconds`` by ``answered`` without ``untimed`` is the average length of a conversation (CALL-06)."""

Period = tuple[datetime, datetime]


def ask(session: Session, name: str, periods: Sequence[Period], *, actor: Actor, now: datetime) -> Sequence[Mapping[str, int]] | None:
    """Figures of each period (from, up to but not with), in their order; None where no plugin that is on counts this, or not for this actor."""
    if not periods:
        return []
    told: Sequence[Mapping[str, int]] | None = session.info["hooks"].first(HOOK, session=session, name=name, periods=periods, actor=actor, now=now)
    return told
