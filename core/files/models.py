"""Attached files: what belongs to which record; the bytes lie in the association's ``files`` folder."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class StoredFile(Base):
    """One attachment. ``permission`` is what reading it needs; ``sha256`` is of the stored bytes (hex).

    Of an erased one the row stays, because others point at it: it has no size, no name and another token, so that whatever is
    left of its bytes is swept away.
    """

    __tablename__ = "core_file"
    __table_args__ = (sa.Index(None, "record_type", "record_id"),)
    __audit_subject__ = "subject_id"

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(sa.String(40), unique=True)
    record_type: Mapped[str] = mapped_column(sa.String(80))
    record_id: Mapped[int]
    subject_id: Mapped[str | None] = mapped_column(sa.String(36))
    name: Mapped[str] = mapped_column(sa.String(200), info={"personal": True})
    title: Mapped[str] = mapped_column(sa.String(200), default="", info={"personal": True})
    media_type: Mapped[str] = mapped_column(sa.String(80))
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(sa.String(64))
    permission: Mapped[str] = mapped_column(sa.String(80))
    uploaded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    uploaded_at: Mapped[datetime]

    @property
    def erased(self) -> bool:
        """Whether its bytes are gone with the person they told of; nothing empty is ever attached."""
        return self.size_bytes == 0
