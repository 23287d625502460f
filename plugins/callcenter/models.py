"""Tables of callcenter: calls, the exchange's legs they are made of, call-backs, campaigns with their tasks and results, reminders, totals."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from core.consent import domain as consents
from core.customers.models import Customer
from core.database import Phone, UtcDateTime, owner_base
from core.i18n import lazy_gettext as _l
from core.rollups import rollup
from core.text import fold
from plugins.callcenter import domain

Base = owner_base("callcenter")
Base.__audit_fields__ = domain.CATALOGUE.labels("fields")
Base.__audit_actions__ = domain.CATALOGUE.labels("actions")


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
        sa.Index("ix_callcenter_call_party", "party", sqlite_where=sa.text("party IS NOT NULL"), postgresql_where=sa.text("party IS NOT NULL")),
        sa.Index("ix_callcenter_call_named", "id", sqlite_where=sa.text("name_key IS NOT NULL"), postgresql_where=sa.text("name_key IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_id: Mapped[str | None] = mapped_column(sa.String(36), index=True)
    """None of a call between own extensions, which is with nobody."""
    direction: Mapped[str] = mapped_column(sa.String(10), info={"choices": domain.DIRECTIONS})
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    duration_seconds: Mapped[int] = mapped_column(default=0)
    talk_seconds: Mapped[int] = mapped_column(default=0)
    """What counts as handling time: of a call by hand its duration, of one from the exchange the seconds in which somebody talked."""
    answered: Mapped[bool]
    untimed: Mapped[int] = mapped_column(default=0, server_default="0", info={"audit": False})
    """1 where somebody was spoken to and nobody wrote down for how long: it counts as answered, and in no average."""
    agent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    extension: Mapped[str | None] = mapped_column(sa.String(40), index=True)
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_customer.id"))
    phone: Mapped[str | None] = mapped_column(Phone(20), index=True, info={"personal": True})
    party: Mapped[str | None] = mapped_column(sa.String(80), info={"personal": True})
    """The number outside as the exchange wrote it, where it cannot be read as one of the country."""
    name: Mapped[str | None] = mapped_column(sa.String(200), info={"personal": True})
    name_key: Mapped[str | None] = mapped_column(sa.Text, info={"personal": True, "audit": False})
    subject: Mapped[str | None] = mapped_column(sa.String(40), info={"choices": domain.subjects})
    result: Mapped[str | None] = mapped_column(sa.String(40), info={"choices": domain.results})
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


LENGTHS = ("talk_seconds", "untimed")
BY_DAY = rollup("callcenter_call_day", Call, at="started_at", every="day", by=("direction", "answered"), sums=LENGTHS)
BY_AGENT = rollup("callcenter_call_agent", Call, at="started_at", every="month", by=("direction", "answered", "agent_id", "extension"), sums=LENGTHS)
BY_SUBJECT = rollup("callcenter_call_subject", Call, at="started_at", every="month", by=("direction", "answered", "subject"), sums=LENGTHS)


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
    source: Mapped[str] = mapped_column(sa.String(80), info={"personal": True})
    destination: Mapped[str] = mapped_column(sa.String(80), info={"personal": True})
    did: Mapped[str] = mapped_column(sa.String(80))
    context: Mapped[str] = mapped_column(sa.String(80))
    channel: Mapped[str] = mapped_column(sa.String(120), info={"personal": True})
    channel_to: Mapped[str] = mapped_column(sa.String(120), info={"personal": True})
    application: Mapped[str] = mapped_column(sa.String(40))
    recording: Mapped[str] = mapped_column(sa.String(300), info={"personal": True})
    direction: Mapped[str] = mapped_column(sa.String(20))
    import_id: Mapped[int] = mapped_column(index=True)


class Recording(Base):
    """What was recorded of a call: the file's name at the exchange, and its hash from when it was first there."""

    __tablename__ = "callcenter_recording"
    __audit_title__ = _l("Recording of a call")
    __table_args__ = (sa.UniqueConstraint("call_id", "reference"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(sa.ForeignKey("callcenter_call.id"))
    reference: Mapped[str] = mapped_column(sa.String(300), info={"personal": True, "file": "recordings"})
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
    subject: Mapped[str | None] = mapped_column(sa.String(40), info={"choices": domain.subjects})
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    note: Mapped[str | None] = mapped_column(sa.Text, info={"personal": True})
    state: Mapped[str] = mapped_column(sa.String(10), default="open", info={"choices": domain.CALLBACK_STATES})
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


class Campaign(Base):
    """Customers to be called for one thing: a notice that a plugin asked for, a list by a rule, or results of a campaign held elsewhere (CALL-07, 11).

    ``source`` and ``reference`` are whose it is and which there, so that asking twice makes one.
    """

    __tablename__ = "callcenter_campaign"
    __audit_title__ = _l("Call campaign")
    __audit_label__ = "title"
    __table_args__ = (
        sa.UniqueConstraint("source", "reference"),
        sa.CheckConstraint("kind IN ('notice', 'list', 'results')", name="kind"),
        sa.CheckConstraint("state IN ('open', 'done', 'closed')", name="state"),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(10), info={"choices": domain.KINDS})
    title: Mapped[str] = mapped_column(sa.String(200))
    purpose: Mapped[str] = mapped_column(sa.String(20), info={"choices": consents.purposes})
    """For what the customers are contacted, as ``core.consent`` names it."""
    subject: Mapped[str] = mapped_column(sa.String(40), info={"choices": domain.subjects})
    script: Mapped[str | None] = mapped_column(sa.Text)
    """What is said; names nobody."""
    link: Mapped[str | None] = mapped_column(sa.String(300))
    rule: Mapped[str | None] = mapped_column(sa.String(40))
    rule_number: Mapped[int | None]
    """The number that the rule asks for: months, days."""
    standing: Mapped[bool] = mapped_column(default=False)
    """Whether the rule is asked again every morning."""
    source: Mapped[str | None] = mapped_column(sa.String(40))
    reference: Mapped[str | None] = mapped_column(sa.String(80))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(sa.String(10), default="open", info={"choices": domain.CAMPAIGN_STATES})
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    reason: Mapped[str | None] = mapped_column(sa.Text)
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})


class Task(Base):
    """One customer of a campaign: open until he was reached, or could not be. Who has it in hand holds it for a while."""

    __tablename__ = "callcenter_task"
    __audit_title__ = _l("Call of a campaign")
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.CheckConstraint("state IN ('open', 'reached', 'unreached')", name="state"),
        sa.CheckConstraint("(state = 'open') = (settled_at IS NULL)", name="settled"),
        sa.Index("ix_callcenter_task_campaign", "campaign_id", "state", "attempts", "id"),
        sa.Index("ix_callcenter_task_customer", "customer_id", "campaign_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("callcenter_campaign.id"))
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"))
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    state: Mapped[str] = mapped_column(sa.String(10), default="open", info={"choices": domain.TASK_STATES})
    attempts: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    call_id: Mapped[int | None] = mapped_column(sa.ForeignKey("callcenter_call.id"), index=True)
    """The last call of it."""
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    reason: Mapped[str | None] = mapped_column(sa.Text, info={"personal": True})
    """How he was informed otherwise, or why he cannot be reached."""
    held_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"), info={"audit": False})
    held_until: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"audit": False})
    customer: Mapped[Customer] = relationship(viewonly=True)


class CampaignResult(Base):
    """What came of calling one person in a campaign held elsewhere, as its file says it: no moment, no name, nobody in the register.

    Untracked: it never changes, and the log names its file by the hash. ``month`` and ``weekday`` (0 is Monday) stand as written, without a year.
    """

    __tablename__ = "callcenter_result"
    __audit__ = False
    __table_args__ = (
        sa.UniqueConstraint("key"),
        sa.CheckConstraint("month BETWEEN 1 AND 12", name="month"),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        sa.Index("ix_callcenter_result_campaign", "campaign_id", "month"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("callcenter_campaign.id"))
    key: Mapped[str] = mapped_column(sa.String(64))
    """The file's hash and the line: nothing else tells two people of such a file apart."""
    import_id: Mapped[int] = mapped_column(index=True)
    success: Mapped[bool]
    month: Mapped[int | None]
    weekday: Mapped[int | None]
    channel: Mapped[str | None] = mapped_column(sa.String(40))
    seconds: Mapped[int | None]
    attempts: Mapped[int | None]
    earlier: Mapped[str | None] = mapped_column(sa.String(40))
    """What came of the campaign before, as written."""
    occupation: Mapped[str | None] = mapped_column(sa.String(40))


class Reminder(Base):
    """A promise to remind a customer by telephone or e-mail at a time, and what came of it (CALL-14)."""

    __tablename__ = "callcenter_reminder"
    __audit_title__ = _l("Reminder")
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.CheckConstraint("channel IN ('phone', 'email')", name="channel"),
        sa.CheckConstraint("state IN ('open', 'done', 'dropped')", name="state"),
        sa.CheckConstraint("(state = 'open') = (settled_at IS NULL)", name="settled"),
        sa.Index("ix_callcenter_reminder_open", "due_at", "id", sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")),
        sa.Index("ix_callcenter_reminder_result", "kind", "result", "settled_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    kind: Mapped[str] = mapped_column(sa.String(20), info={"choices": domain.reminder_kinds})
    channel: Mapped[str] = mapped_column(sa.String(10), info={"choices": consents.channels})
    about: Mapped[str] = mapped_column(sa.Text, info={"personal": True})
    about_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the thing itself is: the appointment, the promised day."""
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(sa.String(10), default="open")
    result: Mapped[str | None] = mapped_column(sa.String(20), info={"choices": domain.reminder_results})
    attempts: Mapped[int] = mapped_column(default=0)
    call_id: Mapped[int | None] = mapped_column(sa.ForeignKey("callcenter_call.id"), index=True)
    mail_id: Mapped[int | None]
    """The mail of the outbox, which is forgotten there after some months."""
    note: Mapped[str | None] = mapped_column(sa.Text, info={"personal": True})
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})
    customer: Mapped[Customer] = relationship(viewonly=True)
