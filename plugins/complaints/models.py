"""Tables of complaints: the log with its assignments and updates, causes, later contacts, trainings,
answers to frequent questions, reviews and reports."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from core.auth.models import User
from core.customers.domain import classes
from core.customers.models import Customer
from core.database import JsonDict, Phone, UtcDateTime, derive, owner_base, refusal
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l
from core.kinds import Kind
from core.text import fold
from plugins.complaints import domain

Base = owner_base("complaints")
Base.__audit_fields__ = domain.CATALOGUE.labels("fields")
Base.__audit_actions__ = domain.CATALOGUE.labels("actions")


class Cause(Kind, Base):
    """Why people complain, as the association tells causes apart (CMPL-06)."""

    __tablename__ = "complaints_cause"
    __audit_title__ = _l("Cause of complaints")


class Entry(Base):
    """One entry of the log: a complaint, an inquiry or a suggestion (CMPL-07).

    The complainant is a customer by key, or a name and a phone of somebody not registered yet. ``customer_class`` is the
    class at the time of filing. ``received_at`` and ``returned_at`` are the two moments that the manual demands (CMPL-09).
    ``lacks`` names what an imported entry's source does not hold, so that averages which need it leave the entry out.
    """

    __tablename__ = "complaints_entry"
    __audit_title__ = _l("Entry of the log")
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('complaint', 'inquiry', 'suggestion')", name="kind"),
        sa.CheckConstraint("state IN ('received', 'answered_callback', 'in_study', 'solution_ready', 'closed')", name="state"),
        sa.CheckConstraint("returned_at IS NULL OR returned_at >= received_at", name="returned"),
        sa.CheckConstraint("(consented_at IS NULL) = (consent_version IS NULL)", name="consent"),
        sa.CheckConstraint("decision IS NULL OR kind = 'suggestion'", name="decision"),
        sa.CheckConstraint("state <> 'closed' OR imported OR decision IS NOT NULL OR (answer IS NOT NULL AND answer_channel IS NOT NULL)", name="closed"),
        sa.CheckConstraint("state <> 'closed' OR imported OR returned_at IS NOT NULL", name="returned_when_closed"),
        sa.Index("ix_complaints_entry_received", "received_at", "id"),
        sa.Index("ix_complaints_entry_open", "department_id", "received_at", sqlite_where=sa.text("state <> 'closed'"),
                 postgresql_where=sa.text("state <> 'closed'")),
        sa.Index("ix_complaints_entry_place", "department_id", "centre_id", "received_at"),
        sa.UniqueConstraint("source", "source_reference"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(30), unique=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    kind: Mapped[str] = mapped_column(sa.String(20), info={"choices": domain.kinds})
    channel: Mapped[str] = mapped_column(sa.String(40), info={"choices": domain.channels})
    state: Mapped[str] = mapped_column(sa.String(20), default="received", info={"choices": domain.states})
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    customer_class: Mapped[str] = mapped_column(sa.String(20), info={"choices": classes})
    name: Mapped[str | None] = mapped_column(sa.String(200), info={"personal": True})
    name_key: Mapped[str | None] = mapped_column(sa.Text, info={"personal": True, "audit": False})
    """The name as searches find it, in any writing; it follows ``name``."""
    phone: Mapped[str | None] = mapped_column(Phone(20), index=True, info={"personal": True})
    email: Mapped[str | None] = mapped_column(sa.String(254), info={"personal": True})
    department_id: Mapped[int] = mapped_column(sa.ForeignKey("core_department.id"))
    centre_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_centre.id"), index=True)
    programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_programme.id"), index=True)
    cause_id: Mapped[int | None] = mapped_column(sa.ForeignKey("complaints_cause.id"), index=True)
    text: Mapped[str] = mapped_column(sa.Text, info={"personal": True})
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    registered_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    promised_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    callback_to: Mapped[str | None] = mapped_column(sa.String(254), info={"personal": True})
    helping_party: Mapped[str | None] = mapped_column(sa.String(300), info={"personal": True})
    analysis: Mapped[str | None] = mapped_column(sa.Text, info={"personal": True})
    answer: Mapped[str | None] = mapped_column(sa.Text, info={"personal": True})
    answer_channel: Mapped[str | None] = mapped_column(sa.String(40), info={"choices": domain.channels})
    returned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decision: Mapped[str | None] = mapped_column(sa.String(20))
    """Of a suggestion: accepted or declined (CMPL-23)."""
    decision_reason: Mapped[str | None] = mapped_column(sa.String(500), info={"personal": True})
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    follow_code: Mapped[str | None] = mapped_column(sa.String(64), unique=True, info={"secret": True})
    """Hash of the code with which the complainant follows the entry without signing in."""
    source: Mapped[str] = mapped_column(sa.String(40), default="staff")
    """``staff``, ``public``, ``import``, ``api`` or the plugin that handed it over (``social``, ``callcenter``)."""
    consented_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    consent_version: Mapped[str | None] = mapped_column(sa.String(20))
    """When the sender of the public form agreed, and to which of ``domain.consents``; empty for what staff wrote down."""
    source_reference: Mapped[str | None] = mapped_column(sa.String(200))
    source_link: Mapped[str | None] = mapped_column(sa.String(300))
    """Where the message lies that it was made of, an address inside the association (CMPL-28)."""
    imported: Mapped[bool] = mapped_column(default=False)
    import_id: Mapped[int | None]
    lacks: Mapped[dict[str, Any]] = mapped_column(JsonDict, default=dict)
    timely: Mapped[bool | None]
    """Whether it was answered in time, by the imported register's own word."""
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})

    @validates("name")
    def _fold_name(self, _key: str, name: str | None) -> str | None:
        self.name_key = fold(name) if name else None
        return name


class Assignment(Base):
    """Which department an entry was with from a moment on, and why (CMPL-29)."""

    __tablename__ = "complaints_assignment"
    __audit_title__ = _l("Assignment of an entry")

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("complaints_entry.id"), index=True)
    department_id: Mapped[int] = mapped_column(sa.ForeignKey("core_department.id"))
    centre_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_centre.id"))
    assigned_at: Mapped[datetime] = mapped_column(UtcDateTime)
    assigned_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    reason: Mapped[str] = mapped_column(sa.String(500), default="", info={"personal": True, "audit": False})
    """In the log it stands with the entry, under its subject."""


class Update(Base):
    """One line of what happened with an entry; ``kind`` says what it was: a note, a study, a call, quality's remark."""

    __tablename__ = "complaints_update"
    __audit_title__ = _l("Update of an entry")
    __audit_subject__ = "subject_id"

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("complaints_entry.id"), index=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    kind: Mapped[str] = mapped_column(sa.String(20))
    text: Mapped[str] = mapped_column(sa.Text, info={"personal": True})
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    public: Mapped[bool] = mapped_column(default=False)
    """Whether the complainant reads it on the follow-up page."""
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})


class FollowUp(Base):
    """What quality asked a department to do about an entry (CMPL-11)."""

    __tablename__ = "complaints_follow_up"
    __audit_title__ = _l("Follow-up by quality")
    __audit_subject__ = "subject_id"

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("complaints_entry.id"), index=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    department_id: Mapped[int] = mapped_column(sa.ForeignKey("core_department.id"), index=True)
    task: Mapped[str] = mapped_column(sa.Text, info={"personal": True})
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    asked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    outcome: Mapped[str | None] = mapped_column(sa.Text, info={"personal": True})
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})


class Contact(Base):
    """A contact with a customer some months after an event, and what came of it (CMPL-27)."""

    __tablename__ = "complaints_contact"
    __audit_title__ = _l("Later contact")
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.CheckConstraint("state IN ('open', 'done', 'dropped')", name="state"),
        sa.CheckConstraint("(state = 'open') = (settled_at IS NULL)", name="settled"),
        sa.CheckConstraint("(state = 'done') = (channel IS NOT NULL)", name="channel"),
        sa.Index("ix_complaints_contact_open", "due_on", "department_id", sqlite_where=sa.text("state = 'open'"),
                 postgresql_where=sa.text("state = 'open'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    event: Mapped[str] = mapped_column(sa.String(200), info={"personal": True})
    event_on: Mapped[date]
    months: Mapped[int]
    due_on: Mapped[date]
    state: Mapped[str] = mapped_column(sa.String(10), default="open")
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_department.id"))
    planned_at: Mapped[datetime] = mapped_column(UtcDateTime)
    planned_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    channel: Mapped[str | None] = mapped_column(sa.String(40), info={"choices": domain.channels})
    outcome: Mapped[str | None] = mapped_column(sa.Text, info={"personal": True})
    operation_key: Mapped[str | None] = mapped_column(sa.String(80), unique=True, info={"audit": False})
    customer: Mapped[Customer] = relationship(lazy="joined")


class Training(Base):
    """A training in handling complaints that somebody has had (CMPL-13)."""

    __tablename__ = "complaints_training"
    __audit_title__ = _l("Training in handling complaints")

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    topic: Mapped[str] = mapped_column(sa.String(200))
    held_on: Mapped[date]
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    person: Mapped[User] = relationship(foreign_keys=[user_id], lazy="joined")


class Faq(Base):
    """A frequent question with its answer: draft, approved (offered at intake) or published (for the website too) (CMPL-14)."""

    __tablename__ = "complaints_faq"
    __audit_title__ = _l("Frequent question")
    __table_args__ = (sa.CheckConstraint("state IN ('draft', 'approved', 'published')", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    question_ar: Mapped[str] = mapped_column(sa.String(300))
    question_en: Mapped[str] = mapped_column(sa.String(300), default="")
    answer_ar: Mapped[str] = mapped_column(sa.Text)
    answer_en: Mapped[str] = mapped_column(sa.Text, default="")
    cause_id: Mapped[int | None] = mapped_column(sa.ForeignKey("complaints_cause.id"))
    search_text: Mapped[str] = mapped_column(sa.Text, info={"audit": False})
    state: Mapped[str] = mapped_column(sa.String(20), default="draft")
    made_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    approved_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def question(self) -> Bilingual:
        return Bilingual.of({"ar": self.question_ar, "en": self.question_en})

    @property
    def answer(self) -> Bilingual:
        return Bilingual.of({"ar": self.answer_ar, "en": self.answer_en})


class Limit(Base):
    """How often something came from one network, or from all, since a moment (the public pages). Untracked: it says nothing of a record."""

    __tablename__ = "complaints_limit"
    __audit__ = False

    key: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    count: Mapped[int]
    since_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Review(Base):
    """What came of one occurrence of a recurring step: the week's review, the month's, the report of repeated complaints."""

    __tablename__ = "complaints_review"
    __audit_title__ = _l("Review of the log")

    id: Mapped[int] = mapped_column(primary_key=True)
    period_id: Mapped[int] = mapped_column(sa.ForeignKey("core_step_period.id"), unique=True)
    note: Mapped[str] = mapped_column(sa.Text, default="")
    run_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_report_run.id"))
    """The kept report that was sent with it."""
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reviewed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))


class RepeatedLine(Base):
    """A line of the monthly report of repeated complaints, with what quality proposes (CMPL-20)."""

    __tablename__ = "complaints_repeated_line"
    __audit_title__ = _l("Repeated complaint")
    __table_args__ = (sa.UniqueConstraint("period_id", "cause_id", "department_id", "centre_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    period_id: Mapped[int] = mapped_column(sa.ForeignKey("core_step_period.id"))
    cause_id: Mapped[int] = mapped_column(sa.ForeignKey("complaints_cause.id"))
    department_id: Mapped[int] = mapped_column(sa.ForeignKey("core_department.id"))
    centre_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_centre.id"))
    count: Mapped[int]
    solution: Mapped[str] = mapped_column(sa.Text, default="")
    implementation: Mapped[str] = mapped_column(sa.Text, default="")
    monitoring: Mapped[str] = mapped_column(sa.Text, default="")

    @property
    def complete(self) -> bool:
        return bool(self.solution and self.implementation and self.monitoring)


class Performance(Base):
    """The performance report of a department and month, from its preparation to the archive (RPT-01…09).

    ``run_id`` is the kept run with its figures, which never changes; an archived report does not change either.
    """

    __tablename__ = "complaints_performance"
    __audit_title__ = _l("Performance report")

    id: Mapped[int] = mapped_column(primary_key=True)
    period_id: Mapped[int] = mapped_column(sa.ForeignKey("core_step_period.id"), unique=True)
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("core_report_run.id"))
    remarks: Mapped[str] = mapped_column(sa.Text, default="")
    weak_points: Mapped[str] = mapped_column(sa.Text, default="")
    discussion: Mapped[str] = mapped_column(sa.Text, default="")
    prepared_at: Mapped[datetime] = mapped_column(UtcDateTime)
    prepared_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it went to the secretary of the sub-council (RPT-03)."""
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


derive(refusal("complaints_performance_archived", "complaints_performance", "UPDATE", "OLD.archived_at IS NOT NULL",
               "RPT-09: an archived report does not change"))
