"""Selects over recommendations; a plugin's reports and pages ask here. None of them writes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from core.auth.actor import Actor
from core.auth.models import Role
from core.auth.queries import authority
from core.errors import NotFound
from core.i18n import lazy_gettext as _l
from core.organisation.models import Department
from core.recommendations.models import FOLLOWED, PROPOSED, Recommendation
from core.recommendations.services import DECIDE, READ_ALL, line_of

MOST = 200
"""More never stand on one page; the list and the report of a period have them all."""


def of_source(session: Session, record: Any) -> Sequence[Recommendation]:
    """What was raised from a record (a model instance, or its table and id), in the order of raising."""
    table, key = record if isinstance(record, tuple) else (record.__tablename__, record.id)
    found = _all().where(Recommendation.record_type == table, Recommendation.record_id == key)
    return session.scalars(found.order_by(Recommendation.id).limit(MOST)).all()


def waiting_for_decision(
    session: Session, *, plugin: str | None = None, department_id: int | None = None, first: date | None = None, last: date | None = None,
) -> Sequence[Recommendation]:
    """Proposed and not decided, due first; of a plugin, a department, and periods that end between two days, where given."""
    found = _narrowed(_all().where(Recommendation.state == PROPOSED), plugin, department_id)
    if first is not None:
        found = found.where(Recommendation.period_until >= first)
    if last is not None:
        found = found.where(Recommendation.period_until <= last)
    return session.scalars(_due_first(found)).all()


def followed(
    session: Session, *, plugin: str | None = None, department_id: int | None = None, before: date | None = None,
) -> Sequence[Recommendation]:
    """Adopted and not carried out, due first: with ``before`` those of periods that began before this day (RPT-06)."""
    found = _narrowed(_all().where(Recommendation.state.in_(FOLLOWED)), plugin, department_id)
    if before is not None:
        found = found.where(Recommendation.period_from < before)
    return session.scalars(_due_first(found)).all()


def carried_into(session: Session, first: date, last: date, *, plugin: str | None = None, department_id: int | None = None) -> Sequence[Recommendation]:
    """Those that were carried over into this period, with what has become of them since."""
    found = _all().where(Recommendation.carried_from.is_not(None), Recommendation.period_from == first, Recommendation.period_until == last)
    return session.scalars(_due_first(_narrowed(found, plugin, department_id))).all()


def of_period(session: Session, first: date, last: date, *, plugin: str | None = None, department_id: int | None = None) -> Sequence[Recommendation]:
    """Every recommendation of a period with its state, those that were carried over from it too, in the order of raising.

    A week that reaches into the next month is of the month in which it began.
    """
    inside = Recommendation.period_from.between(first, last)
    found = _narrowed(_all().where(sa.or_(inside, Recommendation.carried_from.between(first, last))), plugin, department_id)
    return session.scalars(found.order_by(Recommendation.id)).all()


def _all() -> sa.Select[Recommendation]:
    return sa.select(Recommendation).options(joinedload(Recommendation.department), joinedload(Recommendation.raised_by), joinedload(Recommendation.decided_by))


def _narrowed(statement: sa.Select[Recommendation], plugin: str | None, department_id: int | None) -> sa.Select[Recommendation]:
    if plugin is not None:
        statement = statement.where(Recommendation.plugin == plugin)
    return statement if department_id is None else statement.where(Recommendation.department_id == department_id)


def _due_first(statement: sa.Select[Recommendation]) -> sa.Select[Recommendation]:
    return statement.order_by(Recommendation.due_on.is_(None), Recommendation.due_on, Recommendation.id).limit(MOST)


# --- what a person may see and decide ---------------------------------------------------------------------------------


def scope(session: Session, statement: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
    """All for those who read or decide all; for others their departments', those of no department, and what they raised."""
    if actor.may(READ_ALL) or actor.may(DECIDE):
        return statement
    own = sa.or_(Recommendation.department_id.is_(None), Recommendation.department_id.in_(departments_of(session, actor)),
                 sa.and_(Recommendation.raised_by_id.is_not(None), Recommendation.raised_by_id == actor.user_id))
    return statement.where(own)


def visible(session: Session, found: Sequence[Recommendation], actor: Actor) -> list[Recommendation]:
    """Of these what this person may read."""
    ids = [one.id for one in found]
    own = set(session.scalars(scope(session, sa.select(Recommendation.id).where(Recommendation.id.in_(ids)), actor))) if ids else set()
    return [one for one in found if one.id in own]


def departments_of(session: Session, actor: Actor) -> list[int]:
    """The actor's department, and those of the roles that he holds in person or by delegation."""
    roles = set(actor.roles).union(*(one.roles for one in actor.delegators))
    slugs = sa.select(Role.department).where(Role.slug.in_(roles), Role.department.is_not(None))
    found = set(session.scalars(sa.select(Department.id).where(Department.slug.in_(slugs)))) if roles else set()
    return sorted(found | ({actor.department_id} if actor.department_id is not None else set()))


def readable(session: Session, ident: int, actor: Actor) -> Recommendation:
    """The recommendation with this id, if this actor may read it; otherwise NotFound, whether it exists or not."""
    found: Recommendation | None = session.scalar(scope(session, _all().where(Recommendation.id == ident), actor))
    if found is None:
        raise NotFound(_l("There is no recommendation “%(id)s”, or it is not among those you may read.", id=ident), rule="CMPL-21")
    return found


def may_decide(session: Session, one: Recommendation, actor: Actor) -> bool:
    """Whether the decision is this person's, by permission, by the table of authorities, and for not having raised it."""
    return one.state == PROPOSED and _decides(session, one.decision, actor, one.raised_by_id) and one.raised_by_id not in _selves(actor)


def to_decide(session: Session, actor: Actor, **narrowed: Any) -> list[Recommendation]:
    """Of ``waiting_for_decision`` what this person may decide."""
    if not actor.may(DECIDE):
        return []
    found = waiting_for_decision(session, **narrowed)
    own = {key for key in {(one.decision, one.raised_by_id) for one in found} if _decides(session, key[0], actor, key[1])}
    return [one for one in found if (one.decision, one.raised_by_id) in own and one.raised_by_id not in _selves(actor)]


def _decides(session: Session, decision: str, actor: Actor, raised_by_id: int | None) -> bool:
    """Adopting and declining is the table's approval, where it names somebody for it (ORG-08); not by the role of whoever raised it."""
    decides, approves = authority(session, line_of(session, decision))
    return actor.may(DECIDE) and not actor.anonymous and actor.holds(approves or decides, made_by=[raised_by_id])


def _selves(actor: Actor) -> set[int | None]:
    """The actor and the person whose permission he would use."""
    lender = actor.delegator_for(DECIDE)
    return {actor.user_id} | ({lender.user_id} if lender is not None else set())
