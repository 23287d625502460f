"""Movements of the finance system: matched on customer number and reference, never dropped, never counted twice (FIN-03)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.auth.actor import Actor, authorize
from core.customers import queries as customers
from core.finance.models import Contribution, FinanceMovement
from core.finance.services import RECORD
from core.i18n import lazy_gettext as _l
from core.money import Money

MATCHED, DIFFERS, UNMATCHED = "matched", "differs", "unmatched"


@dataclass(frozen=True)
class Movement:
    """One line of the finance system. ``number`` is the customer's (an earlier one finds him too)."""

    number: str
    reference: str
    booked_on: date
    amount: Money

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.number, self.reference, self.booked_on, self.amount.minor, self.amount.currency)


@dataclass(frozen=True)
class Match:
    """What a movement was matched with. ``known_id`` is the row of the same movement taken in before."""

    movement: Movement
    state: str
    reason: Any = ""
    customer_id: int | None = None
    contribution_id: int | None = None
    known_id: int | None = None


def judge_movements(session: Session, movements: Sequence[Movement], actor: Actor) -> list[Match]:
    """Match without writing; the outcome of each, in order. A customer whom ``actor`` may not read matches nothing (CUST-37)."""
    numbers = customers.ids_by_number(session, {one.number for one in movements}, actor)
    references = [one.reference for one in movements]
    given = {one.reference: one for one in session.scalars(sa.select(Contribution).where(Contribution.reference.in_(references)))}
    known = _known(session, references)
    return [_match(one, numbers, given, known) for one in movements]


def import_movements(session: Session, movements: Sequence[Movement], *, source_name: str | None = None, actor: Actor, now: datetime) -> list[Match]:
    """Take movements in; those known already add nothing. Returns the outcomes in order; ``known_id`` is each one's row."""
    authorize(session, actor, RECORD, rule="FIN-03")
    outcomes: list[Match] = []
    fresh: dict[tuple[Any, ...], FinanceMovement] = {}
    for match in judge_movements(session, movements, actor):
        row = fresh.get(match.movement.key)
        if match.known_id is None and row is None:
            row = fresh[match.movement.key] = _row(match, source_name, now)
            session.add(row)
        outcomes.append(match)
    session.flush()
    return [_with_row(match, fresh) for match in outcomes]


def import_movement(session: Session, movement: Movement, *, source_name: str | None = None, actor: Actor, now: datetime) -> Match:
    """Take one movement in."""
    return import_movements(session, [movement], source_name=source_name, actor=actor, now=now)[0]


def match_again(session: Session, *, actor: Actor) -> int:
    """Judge what did not match before: its contribution may have been recorded since. Returns how many match now."""
    authorize(session, actor, RECORD, rule="FIN-03")
    waiting = list(session.scalars(sa.select(FinanceMovement).where(FinanceMovement.state != MATCHED).order_by(FinanceMovement.id)))
    judged = judge_movements(session, [Movement(one.number, one.reference, one.booked_on, one.amount) for one in waiting], actor)
    for row, match in zip(waiting, judged, strict=True):
        row.state, row.customer_id, row.contribution_id = match.state, match.customer_id, match.contribution_id
    session.flush()
    return sum(match.state == MATCHED for match in judged)


def remove_movements(session: Session, ids: Sequence[int], *, actor: Actor) -> None:
    """Take movements out again when their import is undone."""
    authorize(session, actor, RECORD, rule="FIN-03")
    for row in session.scalars(sa.select(FinanceMovement).where(FinanceMovement.id.in_(ids))):
        session.delete(row)
    session.flush()


def _known(session: Session, references: Sequence[str]) -> dict[tuple[Any, ...], int]:
    rows = session.scalars(sa.select(FinanceMovement).where(FinanceMovement.reference.in_(references)))
    return {(one.number, one.reference, one.booked_on, one.amount_minor, one.currency): one.id for one in rows}


def _match(movement: Movement, numbers: Mapping[str, int], given: Mapping[str, Contribution], known: Mapping[tuple[Any, ...], int]) -> Match:
    customer_id, contribution, known_id = numbers.get(movement.number), given.get(movement.reference), known.get(movement.key)
    if customer_id is None:
        reason = _l("There is no customer with the number “%(value)s”, or it is not among the records you may read.", value=movement.number)
        return Match(movement, UNMATCHED, reason, known_id=known_id)
    if contribution is None or contribution.customer_id != customer_id:
        reason = _l("This customer has no contribution with the reference “%(value)s”.", value=movement.reference)
        return Match(movement, UNMATCHED, reason, customer_id, known_id=known_id)
    if (contribution.amount_minor, contribution.currency) != (movement.amount.minor, movement.amount.currency):
        reason = _l("Here it is %(here)s, in the finance system %(there)s.", here=str(contribution.amount), there=str(movement.amount))
        return Match(movement, DIFFERS, reason, customer_id, contribution.id, known_id)
    return Match(movement, MATCHED, "", customer_id, contribution.id, known_id)


def _row(match: Match, source_name: str | None, now: datetime) -> FinanceMovement:
    one = match.movement
    return FinanceMovement(number=one.number, reference=one.reference, booked_on=one.booked_on, amount_minor=one.amount.minor, currency=one.amount.currency,
                           customer_id=match.customer_id, contribution_id=match.contribution_id, state=match.state, source_name=source_name, taken_at=now)


def _with_row(match: Match, fresh: Mapping[tuple[Any, ...], FinanceMovement]) -> Match:
    row = fresh.get(match.movement.key)
    if match.known_id is not None or row is None:
        return match
    return Match(match.movement, match.state, match.reason, match.customer_id, match.contribution_id, row.id)
