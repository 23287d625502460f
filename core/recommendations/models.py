"""The table of recommendations, and what the database guards of it by itself."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.auth.models import User
from core.database import Base, UtcDateTime, derive, refusal
from core.organisation.models import Department

PROPOSED, ADOPTED, DECLINED, CARRIED_OUT, NOT_CARRIED_OUT = STATES = ("proposed", "adopted", "declined", "carried_out", "not_carried_out")
FOLLOWED = (ADOPTED, NOT_CARRIED_OUT)
"""States in which something is still to be done."""


class Recommendation(Base):
    """One recommendation. Its source (a week's review, a month's report) is held by table and id, what to call it and its page.

    ``plugin`` is whose source it is, ``decision`` the line of the table of authorities that says who decides (ORG-08).
    ``period_from`` and ``period_until`` are the local days, both included, of the period that it belongs to;
    ``carried_from`` is the first day of the period in which it was raised, once it was carried over to a later one.
    """

    __tablename__ = "core_recommendation"
    __table_args__ = (
        sa.CheckConstraint("state IN ('proposed', 'adopted', 'declined', 'carried_out', 'not_carried_out')", name="state"),
        sa.CheckConstraint("text <> ''", name="text"),
        sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided"),
        sa.CheckConstraint("(decided_at IS NULL) = (decided_by_id IS NULL)", name="decided_by"),
        sa.CheckConstraint("decided_by_id IS NULL OR raised_by_id IS NULL OR decided_by_id <> raised_by_id", name="another_decides"),
        sa.CheckConstraint("state <> 'declined' OR decision_reason <> ''", name="declined"),
        sa.CheckConstraint("state <> 'not_carried_out' OR cause <> ''", name="not_carried_out"),
        sa.CheckConstraint("(state = 'carried_out') = (done_at IS NOT NULL)", name="carried_out"),
        sa.CheckConstraint("period_until >= period_from", name="period"),
        sa.CheckConstraint("(record_type IS NULL) = (record_id IS NULL)", name="record"),
        sa.Index("ix_core_recommendation_record", "record_type", "record_id"),
        sa.Index("ix_core_recommendation_state", "state", "due_on"),
        sa.Index("ix_core_recommendation_period", "period_from", "department_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(30), unique=True)
    text: Mapped[str] = mapped_column(sa.Text)
    why: Mapped[str] = mapped_column(sa.Text, default="")
    state: Mapped[str] = mapped_column(sa.String(20), default=PROPOSED)
    record_type: Mapped[str | None] = mapped_column(sa.String(80))
    record_id: Mapped[int | None]
    record_label: Mapped[str] = mapped_column(sa.String(200), default="")
    link: Mapped[str] = mapped_column(sa.String(300), default="")
    plugin: Mapped[str] = mapped_column(sa.String(60), index=True)
    decision: Mapped[str] = mapped_column(sa.String(80))
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_department.id"), index=True)
    period_from: Mapped[date]
    period_until: Mapped[date]
    carried_from: Mapped[date | None]
    due_on: Mapped[date | None]
    raised_at: Mapped[datetime] = mapped_column(UtcDateTime)
    raised_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    decision_reason: Mapped[str] = mapped_column(sa.Text, default="")
    cause: Mapped[str] = mapped_column(sa.Text, default="")
    """Why it was not carried out; kept once it was carried out after all (RPT-07)."""
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    operation_key: Mapped[str | None] = mapped_column(sa.String(80), unique=True, info={"audit": False})
    department: Mapped[Department | None] = relationship()
    raised_by: Mapped[User | None] = relationship(foreign_keys=[raised_by_id])
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    done_by: Mapped[User | None] = relationship(foreign_keys=[done_by_id])


# --- what the database guards by itself -------------------------------------------------------------------------------


_NEXT = {PROPOSED: (ADOPTED, DECLINED), ADOPTED: (NOT_CARRIED_OUT, CARRIED_OUT), NOT_CARRIED_OUT: (CARRIED_OUT,)}
_ALLOWED = " OR ".join(f"(OLD.state = '{old}' AND NEW.state = '{new}')" for old, news in _NEXT.items() for new in news)

derive(
    refusal("core_recommendation_course", "core_recommendation", "UPDATE", f"NEW.state <> OLD.state AND NOT ({_ALLOWED})",
            "CMPL-22: a recommendation is decided once and then followed up"),
    refusal("core_recommendation_frozen", "core_recommendation", "UPDATE",
            "NEW.number <> OLD.number OR NEW.raised_at <> OLD.raised_at OR (OLD.state <> 'proposed' AND (NEW.text <> OLD.text"
            " OR NEW.why <> OLD.why OR NEW.decided_at <> OLD.decided_at OR NEW.decision_reason <> OLD.decision_reason))",
            "CMPL-22: what was decided on is not rewritten"),
    refusal("core_recommendation_kept", "core_recommendation", "DELETE", "1 = 1", "CMPL-22: a recommendation is kept"),
)
