"""Kept runs of reports, which never change, and to whom they were sent."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.database import Base, Erasable, UtcDateTime, derive, refusal
from core.exporter.stream import group_digest
from core.i18n import Bilingual


class ReportRun(Base):
    """One run of a report as it was made. ``content`` is canonical JSON (``core.reports.keeping``), ``sha256`` its checksum.

    ``starts_on`` and ``ends_on`` are the period, both days included; ``whole`` says that no other parameter narrowed it, so
    that it counts for the calendar of due reports.
    """

    __tablename__ = "core_report_run"
    __audit_label__ = "number"
    __table_args__ = (sa.Index("ix_core_report_run_report", "report", "starts_on", "ends_on", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(20), unique=True)
    report: Mapped[str] = mapped_column(sa.String(120))
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    whole: Mapped[bool] = mapped_column(default=False)
    centre_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_centre.id"), index=True)
    reach: Mapped[str] = mapped_column(sa.Text, default="")
    """How far its maker's records reached (``core.reports.offers.Reach``); empty where the rows depend on no reader."""
    row_count: Mapped[int]
    content: Mapped[str] = mapped_column(sa.Text, info={"personal": True, "audit": False})
    sha256: Mapped[str] = mapped_column(sa.String(64))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    made_by_label: Mapped[str] = mapped_column(sa.String(200), info={"audit": False})
    sendings: Mapped[list[ReportSending]] = relationship(back_populates="run", order_by="ReportSending.id", lazy="select")

    @cached_property
    def document(self) -> dict[str, Any]:
        """``title``, ``parameters``, ``shown``, ``columns``, ``rows``, ``totals``, ``figures``, ``charts`` and ``about`` as kept."""
        return json.loads(self.content)  # type: ignore[no-any-return]

    @property
    def title(self) -> Bilingual:
        return Bilingual.of(self.document["title"])

    @property
    def parameters(self) -> dict[str, Any]:
        """As they would be given to the report again: texts by key."""
        return self.document["parameters"]  # type: ignore[no-any-return]

    @property
    def fingerprint(self) -> str:
        """The checksum in groups of eight, as people compare it."""
        return group_digest(self.sha256)


class ReportSending(Base):
    """One time that a kept run was sent to the holders of some roles (``|slug|slug|``)."""

    __tablename__ = "core_report_sending"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("core_report_run.id"), index=True)
    roles: Mapped[str] = mapped_column(sa.String(500))
    told: Mapped[int]
    """How many people got a notice."""
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_by: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    sent_by_label: Mapped[str] = mapped_column(sa.String(200), info={"audit": False})
    run: Mapped[ReportRun] = relationship(back_populates="sendings")

    @property
    def role_slugs(self) -> list[str]:
        return [slug for slug in self.roles.split("|") if slug]


# --- what the database guards by itself: neither a kept run nor the note of its sending is ever changed or deleted --------


derive(
    refusal("core_report_run_frozen", "core_report_run", "UPDATE", None, "RPT-09: a kept run of a report never changes",
            erasing=Erasable(subject=None, also=("sha256",))),
    refusal("core_report_run_kept", "core_report_run", "DELETE", None, "RPT-09: a kept run of a report is not deleted"),
    refusal("core_report_sending_frozen", "core_report_sending", "UPDATE", None, "RPT-03: what was sent when stays as it was"),
    refusal("core_report_sending_kept", "core_report_sending", "DELETE", None, "RPT-03: what was sent when stays as it was"),
)
