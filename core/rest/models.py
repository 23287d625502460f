"""Tables of the API: tokens of other systems, kept answers of idempotent requests, counters."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonDict, UtcDateTime

BEARER, SIGNING = "bearer", "signing"
LONGEST_KEY = 64
"""Of an ``Idempotency-Key``; the row's key has the token's id before it."""


class RestToken(Base):
    """What one other system shows to be let in, and what it may do. Its ``name`` stands in the audit log, so none is used twice.

    Of a ``bearer`` token only the hash is kept; the key of a ``signing`` one is needed to check signatures, and lies encrypted
    under the association's key. ``scope`` says whose records are read, as a role's does (CUST-37).
    """

    __tablename__ = "core_rest_token"
    __audit_label__ = "name"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('bearer', 'signing')", name="kind"),
        sa.CheckConstraint("(kind = 'bearer') = (sealed_key IS NULL)", name="sealed"),
        sa.CheckConstraint("scope IN ('all', 'department', 'centre')", name="scope"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(60), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(10), default=BEARER)
    prefix: Mapped[str] = mapped_column(sa.String(20), unique=True)
    """Its open part, by which people tell tokens apart."""
    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True, info={"secret": True})
    sealed_key: Mapped[str | None] = mapped_column(sa.Text, info={"secret": True})
    permissions: Mapped[dict[str, Any]] = mapped_column(JsonDict)
    """``{"names": […]}``."""
    scope: Mapped[str] = mapped_column(sa.String(20), default="all")
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_department.id"), index=True)
    centre_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_centre.id"), index=True)
    per_minute: Mapped[int] = mapped_column(default=120)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"audit": False})
    operation_key: Mapped[str | None] = mapped_column(sa.String(80), unique=True, info={"audit": False})

    @property
    def names(self) -> list[str]:
        """The permissions it has."""
        return list(self.permissions.get("names", ()))


class RestAnswer(Base):
    """What a request with an ``Idempotency-Key``, or a signature, was answered with, written in its own transaction."""

    __tablename__ = "core_rest_answer"
    __audit__ = False

    id: Mapped[int] = mapped_column(primary_key=True)
    operation_key: Mapped[str] = mapped_column(sa.String(160), unique=True)
    token_id: Mapped[int] = mapped_column(sa.ForeignKey("core_rest_token.id"), index=True)
    request_sha256: Mapped[str] = mapped_column(sa.String(64))
    status: Mapped[int | None]
    sealed: Mapped[str | None] = mapped_column(sa.Text)
    """The answer, encrypted under the association's key: it may hold a code that is told once."""
    answered_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class RestCount(Base):
    """A counter of ``core.limits``."""

    __tablename__ = "core_rest_count"
    __audit__ = False

    key: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    count: Mapped[int]
    since_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RestUse(Base):
    """How often a token was used within one hour, and how often it was refused."""

    __tablename__ = "core_rest_use"
    __audit__ = False

    token_id: Mapped[int] = mapped_column(sa.ForeignKey("core_rest_token.id"), primary_key=True)
    hour_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    calls: Mapped[int]
    refused: Mapped[int]


UNTRACKED = {
    "core_rest_answer": "the answer to a request whose act is logged itself",
    "core_rest_count": "counts requests; what they do is logged itself",
    "core_rest_use": "counts requests; what they do is logged itself",
}
