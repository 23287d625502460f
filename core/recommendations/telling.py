"""Who is told of a decision: whoever raised the recommendation, and the managers of the department that carries it out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.auth.actor import Actor
from core.auth.models import Role, User
from core.auth.queries import holders_of
from core.i18n import lazy_gettext as _l
from core.notices.services import notify
from core.organisation.models import Department
from core.recommendations.models import ADOPTED, Recommendation
from core.text import isolate


def decided(session: Session, one: Recommendation, *, actor: Actor, now: datetime) -> None:
    """In the transaction of the decision; nobody is told twice, and not of his own act."""
    known: set[int | None] = {actor.user_id, one.raised_by_id}
    link, of = f"/recommendations/{one.id}/", {"number": isolate(one.number), "name": _name(session, actor)}
    own: Any = (_l("Your recommendation %(number)s is adopted by %(name)s.", **of) if one.state == ADOPTED
                else _l("Your recommendation %(number)s is declined by %(name)s; the reason stands on it.", **of))
    notify(session, {one.raised_by_id} - {actor.user_id}, own, link=link, now=now)
    if one.state == ADOPTED and one.department_id is not None:
        others = {user.id for user in managers_of(session, one.department_id)} - known
        notify(session, others, _l("The recommendation %(number)s is adopted by %(name)s; your department carries it out.", **of), link=link, now=now)


def managers_of(session: Session, department_id: int) -> list[User]:
    """Active people who head a department: holders of its roles that report to nobody inside it."""
    above = aliased(Role)
    own = sa.select(Role.slug).join(Department, Department.slug == Role.department).where(Department.id == department_id, Role.active)
    heads = own.outerjoin(above, above.slug == Role.manager).where(sa.or_(above.id.is_(None), above.department.is_(None), above.department != Role.department))
    found = {user.id: user for slug in session.scalars(heads.order_by(Role.id)) for user in holders_of(session, slug)}
    return list(found.values())


def _name(session: Session, actor: Actor) -> Any:
    person = session.get(User, actor.user_id) if actor.user_id is not None else None
    return person.name if person is not None else actor.label
