"""The two ways of asking whether somebody may be contacted, held against each other."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.consent import domain, queries, services
from core.customers.models import Customer


def differences(session: Session, actor: Actor, now: datetime) -> list[tuple[str, str, int]]:
    """Channel, purpose and customer for which a list and a single contact do not say the same to this person."""
    found = []
    people = session.scalars(sa.select(Customer)).all()
    for channel, purpose in domain.cells(domain.ALL, domain.ALL):
        listed = set(session.scalars(queries.contactable(session, sa.select(Customer.id), channel, purpose, actor=actor)))
        for one in people:
            reached = purpose == domain.SHARING or any(getattr(one, name) for name in domain.REACHED_BY[channel])
            alone = not services.objections(session, one.id, channel, purpose, actor=actor, now=now, made=True)
            if (one.id in listed) != (alone and reached):
                found.append((channel, purpose, one.id))
    return found
