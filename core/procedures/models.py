"""Procedures as data: their steps in versions, and the runs of steps (PLUG-10)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.database import Base, JsonDict, UtcDateTime
from core.i18n import Bilingual


class Procedure(Base):
    """One table of a manual. ``extra`` keeps what the source says beside the steps (notes, flow chart, objective)."""

    __tablename__ = "core_procedure"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(60), unique=True)
    plugin: Mapped[str] = mapped_column(sa.String(60), index=True)
    """Whose it is: ``core`` or a plugin."""
    name_ar: Mapped[str] = mapped_column(sa.String(300))
    name_en: Mapped[str] = mapped_column(sa.String(300))
    clause: Mapped[str] = mapped_column(sa.String(60), default="")
    source: Mapped[str] = mapped_column(sa.String(300), default="")
    extra: Mapped[dict[str, Any]] = mapped_column(JsonDict)

    @property
    def name(self) -> Bilingual:
        return Bilingual.of({"ar": self.name_ar, "en": self.name_en})


class StepVersion(Base):
    """A step as it held from a moment on. Changing limit or role adds a version; runs keep the one they opened under.

    ``roles`` holds role slugs between bars (``|crm_manager|centres_manager|``), ``mode`` how several share the step: any,
    all, by_customer_class, by_department or both_informed_either_acts. ``duration`` and ``frequency`` are ISO 8601;
    ``opens`` lists what follows: ``{"steps": [{"number": 4, "when": "approved"}]}``.
    """

    __tablename__ = "core_procedure_step_version"
    __table_args__ = (sa.UniqueConstraint("procedure_id", "number", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure_id: Mapped[int] = mapped_column(sa.ForeignKey("core_procedure.id"))
    number: Mapped[int]
    version: Mapped[int]
    roles: Mapped[str] = mapped_column(sa.String(300))
    mode: Mapped[str] = mapped_column(sa.String(40), default="any")
    role_ar: Mapped[str] = mapped_column(sa.String(300))
    role_en: Mapped[str] = mapped_column(sa.String(300))
    action_ar: Mapped[str] = mapped_column(sa.Text)
    action_en: Mapped[str] = mapped_column(sa.Text)
    act_ar: Mapped[str] = mapped_column(sa.String(40), default="")
    act_en: Mapped[str] = mapped_column(sa.String(40), default="")
    output_ar: Mapped[str] = mapped_column(sa.Text, default="")
    output_en: Mapped[str] = mapped_column(sa.Text, default="")
    duration: Mapped[str | None] = mapped_column(sa.String(20))
    frequency: Mapped[str | None] = mapped_column(sa.String(20))
    opens: Mapped[dict[str, Any]] = mapped_column(JsonDict)
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    author_id: Mapped[int | None]
    author_label: Mapped[str] = mapped_column(sa.String(200), info={"audit": False})
    reason: Mapped[str] = mapped_column(sa.String(500), default="")
    procedure: Mapped[Procedure] = relationship(lazy="joined")

    @property
    def role_slugs(self) -> list[str]:
        return [slug for slug in self.roles.split("|") if slug]

    @property
    def role(self) -> Bilingual:
        return Bilingual.of({"ar": self.role_ar, "en": self.role_en})

    @property
    def action(self) -> Bilingual:
        return Bilingual.of({"ar": self.action_ar, "en": self.action_en})

    @property
    def act(self) -> Bilingual:
        """The word on the button; empty where the data gives none."""
        return Bilingual.of({"ar": self.act_ar, "en": self.act_en})

    @property
    def output(self) -> Bilingual:
        return Bilingual.of({"ar": self.output_ar, "en": self.output_en})


class StepPeriod(Base):
    """One occurrence of a recurring step that belongs to no record of its own: a week's review, a month's report.

    It is the record of its runs. ``role`` is the slug it is for, empty where every holder of the step's roles shares it.
    """

    __tablename__ = "core_step_period"
    __table_args__ = (sa.UniqueConstraint("procedure_code", "step_number", "role", "starts_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure_code: Mapped[str] = mapped_column(sa.String(60))
    step_number: Mapped[int]
    role: Mapped[str] = mapped_column(sa.String(60), default="")
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_department.id"), index=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    number: Mapped[str] = mapped_column(sa.String(60))
    """The period in figures: 2026-02, 2026-02-01 – 2026-02-07."""


class StepTask(Base):
    """A part of a step, done by one person; the step closes when all of its parts are done (ORG-19)."""

    __tablename__ = "core_step_task"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("core_step_run.id"), index=True)
    title: Mapped[str] = mapped_column(sa.String(300), info={"personal": True, "audit": False})
    """What is to be done in free words, which may name the customer; the row has no subject, so the log leaves it out."""
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    operation_key: Mapped[str | None] = mapped_column(sa.String(80), unique=True, info={"audit": False})


class StepRun(Base):
    """One step of one case: opened, due, closed with its output or cancelled. Overdue is computed, never stored.

    The record is held by table name and id, the customer and the subject by key only. ``record_label`` is a number or
    other text that is not personal; ``link`` an address inside the association. ``roles`` are the slugs whose holders
    find it in their inbox, between bars.
    """

    __tablename__ = "core_step_run"
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.Index("ix_core_step_run_open", "due_at", sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL")),
        sa.Index("ix_core_step_run_record", "record_type", "record_id"),
        sa.Index("ix_core_step_run_procedure", "procedure_code", "step_number", "opened_at"),
        sa.Index("ix_core_step_run_customer", "customer_id"),
        sa.Index("uq_core_step_run_period", "record_type", "record_id", "procedure_code", "step_number", "period", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure_code: Mapped[str] = mapped_column(sa.String(60))
    step_number: Mapped[int]
    step_version_id: Mapped[int] = mapped_column(sa.ForeignKey("core_procedure_step_version.id"))
    record_type: Mapped[str] = mapped_column(sa.String(80))
    record_id: Mapped[int]
    period: Mapped[date | None]
    """The day of a step that is done once a day for the same record; empty for all others."""
    record_label: Mapped[str] = mapped_column(sa.String(200))
    link: Mapped[str] = mapped_column(sa.String(300), default="")
    customer_id: Mapped[int | None] = mapped_column(info={"refers_to": "core_customer"})
    subject_id: Mapped[str | None] = mapped_column(sa.String(36))
    roles: Mapped[str] = mapped_column(sa.String(300))
    assigned_user_id: Mapped[int | None]
    department_id: Mapped[int | None]
    centre_id: Mapped[int | None]
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_as: Mapped[str | None] = mapped_column(sa.String(10))
    """``closed`` or ``cancelled``; empty while open."""
    outcome: Mapped[str | None] = mapped_column(sa.String(40))
    ended_by_id: Mapped[int | None]
    ended_by_label: Mapped[str | None] = mapped_column(sa.String(200), info={"audit": False})
    on_behalf_of_id: Mapped[int | None]
    on_behalf_of_label: Mapped[str | None] = mapped_column(sa.String(200), info={"audit": False})
    output_note: Mapped[str | None] = mapped_column(sa.Text, info={"personal": True})
    step: Mapped[StepVersion] = relationship(lazy="joined")

    @property
    def role_slugs(self) -> list[str]:
        return [slug for slug in self.roles.split("|") if slug]

    def is_open(self) -> bool:
        return self.ended_at is None

    def is_overdue(self, now: datetime) -> bool:
        """Late now, or closed late."""
        return self.due_at is not None and (self.ended_at or now) > self.due_at

    @property
    def closed_at(self) -> datetime | None:
        return self.ended_at if self.ended_as == "closed" else None
