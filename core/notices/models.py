"""Notices in the page, and the outbox of mail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonDict, UtcDateTime

QUEUED, SENDING, SENT, FAILED, COPIED = "queued", "sending", "sent", "failed", "copied"
STATES = (QUEUED, SENDING, SENT, FAILED, COPIED)


class Notice(Base):
    """A sentence for one person. ``text`` is the English message, translated when it is shown; ``args`` fill it."""

    __tablename__ = "core_notice"
    __audit__ = False
    __table_args__ = (sa.Index("ix_core_notice_user", "user_id", "read_at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    text: Mapped[str] = mapped_column(sa.String(500))
    args: Mapped[dict[str, Any]] = mapped_column(JsonDict)
    link: Mapped[str] = mapped_column(sa.String(300), default="")
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Mail(Base):
    """One mail to be sent, or copied by hand where no mail server is set.

    ``state``: queued → sending → sent, or failed (will not be tried again), or copied. ``sending`` is committed before
    the server is spoken to, so that a mail whose fate is unknown after a crash can be told apart. ``secret``: the text
    holds a one-time link and is emptied once it has left. ``message_id`` stays the same at every attempt.
    """

    __tablename__ = "core_mail"
    __audit__ = False
    __table_args__ = (
        sa.Index("ix_core_mail_state", "state", "id"),
        sa.CheckConstraint("state IN ('queued', 'sending', 'sent', 'failed', 'copied')", name="state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None]
    to_address: Mapped[str] = mapped_column(sa.String(254))
    language: Mapped[str] = mapped_column(sa.String(5))
    subject: Mapped[str] = mapped_column(sa.String(300))
    body: Mapped[str] = mapped_column(sa.Text)
    secret: Mapped[bool] = mapped_column(default=False)
    message_id: Mapped[str] = mapped_column(sa.String(120), unique=True)
    unique_key: Mapped[str | None] = mapped_column(sa.String(200), unique=True)
    state: Mapped[str] = mapped_column(sa.String(10), default=QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(sa.String(500))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


UNTRACKED = {
    "core_notice": "A notice repeats what the log already holds.",
    "core_mail": "The outbox holds texts on their way; what they tell of is logged where it happens.",
}
