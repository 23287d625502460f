"""Notices of a person, and the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.notices.models import Mail, Notice

MOST_NOTICES = 100


def notices_of(session: Session, user_id: int) -> Sequence[Notice]:
    """A person's newest notices first."""
    return session.scalars(sa.select(Notice).where(Notice.user_id == user_id).order_by(Notice.id.desc()).limit(MOST_NOTICES)).all()


def unread(session: Session, user_id: int | None) -> int:
    return session.scalar(sa.select(unread_of(user_id))) or 0


def unread_of(user_id: Any) -> sa.ScalarSelect[int]:
    """How many wait for the person of a statement over people."""
    return sa.select(sa.func.count(Notice.id)).where(Notice.user_id == user_id, Notice.read_at.is_(None)).scalar_subquery()


def unread_since(session: Session, user_id: int, since: datetime) -> Sequence[Notice]:
    """A person's unread notices made after ``since``, newest first, at most a hundred."""
    mine = sa.select(Notice).where(Notice.user_id == user_id, Notice.read_at.is_(None), Notice.made_at > since)
    return session.scalars(mine.order_by(Notice.id.desc()).limit(MOST_NOTICES)).all()


def outbox(session: Session, *, state: str | None = None, limit: int = 200) -> Sequence[Mail]:
    """The newest mails first."""
    query = sa.select(Mail).order_by(Mail.id.desc()).limit(limit)
    return session.scalars(query if state is None else query.where(Mail.state == state)).all()


def mail_counts(session: Session) -> dict[str, int]:
    return {state: count for state, count in session.execute(sa.select(Mail.state, sa.func.count()).group_by(Mail.state))}
