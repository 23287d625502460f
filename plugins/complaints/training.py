"""Who has learnt to handle complaints: recorded per person; whoever writes entries down without it is told so (CMPL-13)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth import queries as staff
from core.auth.actor import Actor, authorize
from core.auth.models import User
from core.calendar import local_day
from core.errors import InvalidInput, InvalidInputs
from core.i18n import lazy_gettext as _l
from core.text import clean
from plugins.complaints.models import Training

MANAGE, RECORD = "complaints.manage", "complaints.record"
LONGEST_TOPIC = 200


def record(session: Session, *, user_id: int | None, topic: str, held_on: date | None, actor: Actor, now: datetime) -> Training:
    """Write down that somebody was trained; the same training of the same person is one. Raises InvalidInputs."""
    authorize(session, actor, MANAGE, rule="CMPL-13")
    topic = clean(topic, "topic", longest=LONGEST_TOPIC)
    person = session.get(User, user_id) if user_id is not None else None
    faults = [InvalidInput(message, field=field, rule="CMPL-13") for field, wrong, message in (
        ("user_id", person is None, _l("Choose who was trained.")),
        ("topic", not topic, _l("Write what was taught, as the course or workshop calls it.")),
        ("held_on", held_on is None, _l("Give the day of the training.")),
        ("held_on", held_on is not None and held_on > local_day(now, settings.time_zone(session)), _l("A training to come is recorded when it was held.")),
    ) if wrong]
    if faults:
        raise InvalidInputs(faults)
    known = session.scalar(sa.select(Training).where(Training.user_id == user_id, Training.topic == topic, Training.held_on == held_on))
    if known is not None:
        return known
    made = Training(user_id=user_id, topic=topic, held_on=held_on, recorded_at=now, recorded_by_id=actor.user_id)
    session.add(made)
    session.flush()
    return made


def is_missing(session: Session, actor: Actor) -> bool:
    """Whether this person writes entries down and no training is on record; nobody is kept from it by that."""
    return actor.user_id is not None and session.scalar(sa.select(sa.exists().where(Training.user_id == actor.user_id))) is False


def untrained(session: Session) -> Sequence[User]:
    """Active people whose roles let them write entries down, of whom no training is on record."""
    holders = {one.id for role in staff.roles_granting(session, RECORD) for one in staff.holders_of(session, role.slug)}
    trained = sa.select(Training.user_id)
    return session.scalars(sa.select(User).where(User.id.in_(holders), User.id.not_in(trained)).order_by(User.id)).all() if holders else []
