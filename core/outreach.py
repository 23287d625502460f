"""Customers who have to be told something by telephone: one plugin wants it, another calls them, and neither knows the other (CALL-07, PLUG-07).

Whoever wants it calls ``ask`` with the customers; a call centre that is on implements the hooks ``take_outreach`` and
``tell_outreach``. Where none is, ``ask`` answers None, and the plugin opens a step of its own procedure for its users instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core.auth.actor import Actor

TAKE, TELL = "take_outreach", "tell_outreach"


@dataclass(frozen=True)
class Outreach:
    """Who is to be told what.

    ``source`` is the name of the plugin that wants it, ``reference`` its own key: asked again, it is the same campaign, to which
    customers that were not in it yet are added. ``title`` and ``script`` (what is said) name nobody. ``purpose`` is one of
    ``core.consent``; ``link`` is an address inside the association, where what it is about stands. ``due_at`` is when all should know.
    """

    source: str
    reference: str
    title: str
    customer_ids: Sequence[int]
    script: str = ""
    purpose: str = "service"
    link: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True)
class Progress:
    """How far it is: customers who were reached, who could not be, who are left. ``link`` is where they are called."""

    reached: int
    unreached: int
    left: int
    link: str
    closed: bool = False
    """Whether somebody ended it before nobody was left."""

    @property
    def all_informed(self) -> bool:
        """Nobody is left, and everybody was reached."""
        return self.left == 0 and self.unreached == 0


def takes(session: Session) -> bool:
    """Whether a plugin that is on calls customers for others."""
    return bool(session.info["hooks"].answers(TAKE))


def ask(session: Session, outreach: Outreach, *, actor: Actor, now: datetime) -> Progress | None:
    """Have these customers called, in the caller's transaction; None where no plugin that is on calls them.

    Raises InvalidInputs as whoever takes it judges it.
    """
    taken: Progress | None = session.info["hooks"].first(TAKE, session=session, outreach=outreach, actor=actor, now=now)
    return taken


def progress(session: Session, source: str, reference: str) -> Progress | None:
    """How far an outreach is; None where nobody has taken it, or who did is off."""
    told: Progress | None = session.info["hooks"].first(TELL, session=session, source=source, reference=reference)
    return told
