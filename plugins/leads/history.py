"""Leads of a register kept elsewhere, taken in as marked history, and taken back with their file.

History opens no step, asks no gate and is no open lead of ours; what ended counts in the success rate of its period, and what
its source has not stays out of the averages that need it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.money import Money
from plugins.leads.models import Former

IMPORT = "leads.import"
AT_ONCE = 500


@dataclass(frozen=True)
class Deal:
    """One lead of a former register. ``reference`` recognises it when the register comes again; ``lacks`` names what it has not."""

    reference: str
    customer_id: int
    subject_id: str
    state: str
    words: str
    about: str = ""
    programme_id: int | None = None
    amount: Money | None = None
    began_on: date | None = None
    ended_on: date | None = None
    agent: str = ""
    lacks: dict[str, Any] = field(default_factory=dict)


def known(session: Session, references: Iterable[str]) -> dict[str, int]:
    """Which of these references were taken in before, with their ids."""
    wanted = list(references)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), AT_ONCE):
        query = sa.select(Former.reference, Former.id).where(Former.reference.in_(wanted[start:start + AT_ONCE]))
        found.update({str(reference): former_id for reference, former_id in session.execute(query)})
    return found


def take_in(session: Session, deals: Sequence[Deal], *, import_id: int, actor: Actor, now: datetime) -> list[int]:
    """The ids, in the order of ``deals``; a reference that is there already adds nothing and answers with its own."""
    authorize(session, actor, IMPORT, rule="LEAD-07")
    there = known(session, (deal.reference for deal in deals))
    fresh = [deal for deal in deals if deal.reference not in there]
    ids = audit.bulk(session, Former, [_row(deal, import_id, actor, now) for deal in fresh], action="import") if fresh else []
    there |= {deal.reference: former_id for deal, former_id in zip(fresh, ids, strict=True)}
    return [there[deal.reference] for deal in deals]


def _row(deal: Deal, import_id: int, actor: Actor, now: datetime) -> dict[str, Any]:
    return {"reference": deal.reference, "customer_id": deal.customer_id, "subject_id": deal.subject_id, "state": deal.state, "words": deal.words,
            "about": deal.about, "programme_id": deal.programme_id, "amount_minor": deal.amount.minor if deal.amount is not None else None,
            "currency": deal.amount.currency if deal.amount is not None else None, "began_on": deal.began_on, "ended_on": deal.ended_on,
            "agent": deal.agent, "lacks": deal.lacks, "import_id": import_id, "taken_at": now, "taken_by_id": actor.user_id}


def take_back(session: Session, ids: Sequence[int], *, actor: Actor) -> None:
    """Remove what an import took in; nobody can have worked on it, since history does not change."""
    authorize(session, actor, IMPORT, rule="LEAD-07")
    for start in range(0, len(ids), AT_ONCE):
        for one in session.scalars(sa.select(Former).where(Former.id.in_(ids[start:start + AT_ONCE])).order_by(Former.id)):
            audit.name_action(session, one, "undo")
            session.delete(one)
        session.flush()
