"""Tables of callcenter: calls, the exchange's legs they are made of, their recordings, promised call-backs, totals of former years."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, validates

from core.database import Phone, UtcDateTime, owner_base
from core.i18n import lazy_gettext as _l
from core.text import fold

Base = owner_base("callcenter")


class Call(Base):
    """One call, written down by hand or made of the exchange's legs (CALL-01).

    Whoever is outside is a customer by key, or a phone and a name, or nobody known. ``group_key`` is by which legs find their call.
    """

    __tablename__ = "callcenter_call"
    __audit_title__ = _l("Call")
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.CheckConstraint("direction IN ('in', 'out', 'internal')", name="direction"),
        sa.CheckConstraint("duration_seconds >= 0 AND talk_seconds >= 0", name="lengths"),
        sa.Index("ix_callcenter_call_started", "started_at", "id"),
        sa.Index("ix_callcenter_call_way", "direction", "started_at"),
        sa.Index("ix_callcenter_call_customer", "customer_id", "started_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_id: Mapped[str | None] = mapped_column(sa.String(36), index=True)
    """None of a call between own extensions, which is with nobody."""
    direction: Mapped[str] = mapped_column(sa.String(10))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    duration_seconds: Mapped[int] = mapped_column(default=0)
    talk_seconds: Mapped[int] = mapped_column(default=0)
    """What counts as handling time: of a call by hand its duration, of one from the exchange the seconds in which somebody talked."""
    answered: Mapped[bool]
    agent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    extension: Mapped[str | None] = mapped_column(sa.String(40), index=True)
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_customer.id"))
    phone: Mapped[str | None] = mapped_column(Phone(20), index=True, info={"personal": True})
    party: Mapped[str | None] = mapped_column(sa.String(80), info={"personal": True})
    """The number outside as the exchange wrote it, where it cannot be read as one of the country."""
    name: Mapped[str | None] = mapped_column(sa.String(200), info={"personal": True})
    name_key: Mapped[str | None] = mapped_column(sa.Text, info={"personal": True, "audit": False})
    subject: Mapped[str | None] = mapped_column(sa.String(40))
    result: Mapped[str | None] = mapped_column(sa.String(40))
    note: Mapped[str | None] = mapped_column(sa.Text, info={"personal": True})
    source: Mapped[str] = mapped_column(sa.String(20), default="staff")
    """``staff`` or ``exchange``."""
    group_key: Mapped[str | None] = mapped_column(sa.String(200), unique=True)
    legs: Mapped[int] = mapped_column(default=0)
    import_id: Mapped[int | None] = mapped_column(index=True)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    entry_number: Mapped[str | None] = mapped_column(sa.String(40))
    entry_link: Mapped[str | None] = mapped_column(sa.String(300))
    """The entry of the log that was made of it, and where it lies (CALL-09)."""
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})

    @validates("name")
    def _fold_name(self, _key: str, name: str | None) -> str | None:
        self.name_key = fold(name) if name else None
        return name


class Leg(Base):
    """One line of the exchange as it came. Untracked: it never changes, and the log names its file by the hash; the call made of it is logged."""

    __tablename__ = "callcenter_leg"
    __audit__ = False
    __table_args__ = (sa.Index("ix_callcenter_leg_started", "started_at"), sa.UniqueConstraint("key"))

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(sa.ForeignKey("callcenter_call.id"), index=True)
    key: Mapped[str] = mapped_column(sa.String(64))
    """Hash of all that the line says: the same line again is the same leg."""
    group_key: Mapped[str] = mapped_column(sa.String(200), index=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    duration_seconds: Mapped[int]
    talk_seconds: Mapped[int]
    disposition: Mapped[str] = mapped_column(sa.String(40))
    source: Mapped[str] = mapped_column(sa.String(80))
    destination: Mapped[str] = mapped_column(sa.String(80))
    did: Mapped[str] = mapped_column(sa.String(80))
    context: Mapped[str] = mapped_column(sa.String(80))
    channel: Mapped[str] = mapped_column(sa.String(120))
    channel_to: Mapped[str] = mapped_column(sa.String(120))
    application: Mapped[str] = mapped_column(sa.String(40))
    recording: Mapped[str] = mapped_column(sa.String(300))
    direction: Mapped[str] = mapped_column(sa.String(20))
    import_id: Mapped[int] = mapped_column(index=True)


class Recording(Base):
    """What was recorded of a call: the file's name at the exchange, and its hash from when it was first there."""

    __tablename__ = "callcenter_recording"
    __audit_title__ = _l("Recording of a call")
    __table_args__ = (sa.UniqueConstraint("call_id", "reference"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(sa.ForeignKey("callcenter_call.id"))
    reference: Mapped[str] = mapped_column(sa.String(300))
    sha256: Mapped[str | None] = mapped_column(sa.String(64))


class Callback(Base):
    """A promise to call somebody until a moment; what was done of it is a call of its own (CALL-04)."""

    __tablename__ = "callcenter_callback"
    __audit_title__ = _l("Call-back")
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.CheckConstraint("state IN ('open', 'done', 'dropped')", name="state"),
        sa.CheckConstraint("(state = 'open') = (settled_at IS NULL)", name="settled"),
        sa.CheckConstraint("(state = 'done') = (done_call_id IS NOT NULL)", name="done"),
        sa.Index("ix_callcenter_callback_open", "due_at", "id", sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    call_id: Mapped[int | None] = mapped_column(sa.ForeignKey("callcenter_call.id"), index=True)
    """The call in which it was promised."""
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    name: Mapped[str | None] = mapped_column(sa.String(200), info={"personal": True})
    phone: Mapped[str] = mapped_column(Phone(20), info={"personal": True})
    subject: Mapped[str | None] = mapped_column(sa.String(40))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    note: Mapped[str | None] = mapped_column(sa.Text, info={"personal": True})
    state: Mapped[str] = mapped_column(sa.String(10), default="open")
    promised_at: Mapped[datetime] = mapped_column(UtcDateTime)
    promised_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    done_call_id: Mapped[int | None] = mapped_column(sa.ForeignKey("callcenter_call.id"), index=True)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    reason: Mapped[str | None] = mapped_column(sa.Text, info={"personal": True})


class Total(Base):
    """What a year, or a month of it, came to before calls were recorded here. ``month`` 0 is the whole year."""

    __tablename__ = "callcenter_total"
    __audit_title__ = _l("Totals of former years")
    __table_args__ = (sa.UniqueConstraint("year", "month"), sa.CheckConstraint("month BETWEEN 0 AND 12", name="month"))

    id: Mapped[int] = mapped_column(primary_key=True)
    year: Mapped[int]
    month: Mapped[int]
    outgoing: Mapped[int]
    incoming: Mapped[int]
    complaints_received: Mapped[int | None]
    complaints_closed: Mapped[int | None]
    import_id: Mapped[int | None] = mapped_column(index=True)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
