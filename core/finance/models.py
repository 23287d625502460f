"""Tables of finance. Amounts are integer minor units of their currency (FIN-10); money rows are corrected, never rewritten.

A row of a batch is a frozen copy by number and reference, never by name, so that a renamed or merged customer leaves the
file of an issued batch as it was.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.customers.models import Customer
from core.database import Base, JsonDict, UtcDateTime, derive, refusal
from core.exporter.stream import group_digest
from core.i18n import Bilingual
from core.money import Money
from core.organisation.models import Programme
from core.rollups import rollup

PERSONAL = {"personal": True}


class Fund(Base):
    """What money is meant for (zakat, running charity …). Its ``code`` names its accounts in the settings of layouts."""

    __tablename__ = "core_fund"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(60), unique=True)
    name_ar: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200), default="")
    active: Mapped[bool] = mapped_column(default=True)

    @property
    def name(self) -> Bilingual:
        return Bilingual.of({"ar": self.name_ar, "en": self.name_en})


class MoneyRow:
    """What contributions and pledges share. ``reference`` is unique: the finance system answers with it (FIN-03)."""

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"))
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_programme.id"))
    fund_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_fund.id"), index=True)
    amount_minor: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3))
    reference: Mapped[str] = mapped_column(sa.String(120), unique=True)
    memo: Mapped[str | None] = mapped_column(sa.String(500), info=PERSONAL)
    source: Mapped[str] = mapped_column(sa.String(20), default="manual")
    source_name: Mapped[str | None] = mapped_column(sa.String(300))
    """File or system it came from."""
    imported: Mapped[bool] = mapped_column(default=False)
    lacks: Mapped[dict[str, Any] | None] = mapped_column(JsonDict)
    """``{"keys": […]}``: facts that the source does not hold; averages that need them leave the row out."""
    operation_key: Mapped[str | None] = mapped_column(sa.String(80), unique=True, info={"audit": False})
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))

    @property
    def amount(self) -> Money:
        return Money.of_minor(self.amount_minor, self.currency)


class Pledge(MoneyRow, Base):
    """What a donor promised; ``due_on`` is the promised day."""

    __tablename__ = "core_pledge"
    __audit_subject__ = "subject_id"
    __audit_label__ = "reference"
    __table_args__ = (
        sa.CheckConstraint("amount_minor > 0", name="positive"),
        sa.Index("ix_core_pledge_customer_id_promised_on", "customer_id", "promised_on"),
        sa.Index("ix_core_pledge_programme_id_promised_on", "programme_id", "promised_on"),
        sa.Index("ix_core_pledge_promised_on_id", "promised_on", "id"),
    )

    promised_on: Mapped[date]
    due_on: Mapped[date | None]
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_reason: Mapped[str | None] = mapped_column(sa.String(500), info=PERSONAL)
    customer: Mapped[Customer] = relationship()
    programme: Mapped[Programme | None] = relationship()
    fund: Mapped[Fund | None] = relationship()


class Contribution(MoneyRow, Base):
    """Money received (FIN-01), or given back: a refund is a negative amount that names the contribution it takes back."""

    __tablename__ = "core_contribution"
    __audit_subject__ = "subject_id"
    __audit_label__ = "reference"
    __table_args__ = (
        sa.CheckConstraint("amount_minor <> 0", name="not_nothing"),
        sa.CheckConstraint("refund_of_id IS NULL OR amount_minor < 0", name="refund_negative"),
        sa.Index("ix_core_contribution_customer_id_received_on", "customer_id", "received_on"),
        sa.Index("ix_core_contribution_programme_id_received_on", "programme_id", "received_on"),
        sa.Index("ix_core_contribution_received_on_id", "received_on", "id"),
    )

    received_on: Mapped[date]
    method: Mapped[str] = mapped_column(sa.String(20))
    refund_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_contribution.id"), index=True)
    pledge_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_pledge.id"), index=True)
    customer: Mapped[Customer] = relationship()
    programme: Mapped[Programme | None] = relationship()
    fund: Mapped[Fund | None] = relationship()
    pledge: Mapped[Pledge | None] = relationship()
    refund_of: Mapped[Contribution | None] = relationship(remote_side="Contribution.id")


RECEIVED = rollup("core_contribution_month", Contribution, at="received_on", every="month", by=("programme_id", "currency"), sums=("amount_minor",))
RECEIVED_OF_PLEDGES = rollup("core_contribution_pledge", Contribution, by=("pledge_id",), sums=("amount_minor",), needs="pledge_id")


class FinanceBatch(Base):
    """One numbered run of the export (FIN-09): what was chosen, the layout's settings as they were, totals and checksum."""

    __tablename__ = "core_finance_batch"
    __table_args__ = (sa.CheckConstraint("state IN ('issued', 'void')", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(20), unique=True)
    state: Mapped[str] = mapped_column(sa.String(10), default="issued")
    content: Mapped[str] = mapped_column(sa.String(20))
    layout: Mapped[str] = mapped_column(sa.String(40))
    from_on: Mapped[date]
    until_on: Mapped[date]
    filters: Mapped[dict[str, Any]] = mapped_column(JsonDict)
    layout_settings: Mapped[dict[str, Any]] = mapped_column(JsonDict)
    row_count: Mapped[int]
    left_out_count: Mapped[int]
    totals: Mapped[dict[str, Any]] = mapped_column(JsonDict)
    sha256: Mapped[str] = mapped_column(sa.String(64))
    size: Mapped[int]
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    issued_by: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    handed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its file was downloaded for the first time; each further time is a re-export."""
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    voided_by: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    void_reason: Mapped[str | None] = mapped_column(sa.String(500))
    operation_key: Mapped[str | None] = mapped_column(sa.String(80), unique=True, info={"audit": False})

    @property
    def fingerprint(self) -> str:
        """The checksum in groups of eight, as people compare it."""
        return group_digest(self.sha256)


class FinanceBatchRow(Base):
    """A frozen row. Unique among live batches, so that no row is exported twice (FIN-09); void batches let theirs go."""

    __tablename__ = "core_finance_batch_row"
    __audit__ = False
    __table_args__ = (
        sa.CheckConstraint("(contribution_id IS NULL) <> (pledge_id IS NULL)", name="one_source"),
        sa.UniqueConstraint("batch_id", "position"),
        sa.Index("uq_core_finance_batch_row_contribution", "contribution_id", unique=True,
                 sqlite_where=sa.text("live = 1 AND contribution_id IS NOT NULL"), postgresql_where=sa.text("live AND contribution_id IS NOT NULL")),
        sa.Index("uq_core_finance_batch_row_pledge", "pledge_id", unique=True,
                 sqlite_where=sa.text("live = 1 AND pledge_id IS NOT NULL"), postgresql_where=sa.text("live AND pledge_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(sa.ForeignKey("core_finance_batch.id"))
    position: Mapped[int]
    live: Mapped[bool] = mapped_column(default=True)
    contribution_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_contribution.id"), index=True)
    pledge_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_pledge.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    on: Mapped[date] = mapped_column("on_date")
    number: Mapped[str] = mapped_column(sa.String(20))
    reference: Mapped[str] = mapped_column(sa.String(120))
    programme: Mapped[str] = mapped_column(sa.String(300), default="")
    fund: Mapped[str] = mapped_column(sa.String(60), default="")
    fund_name: Mapped[str] = mapped_column(sa.String(200), default="")
    method: Mapped[str] = mapped_column(sa.String(20), default="")
    amount_minor: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3))
    memo: Mapped[str] = mapped_column(sa.String(500), default="", info={"personal": True, "audit": False})
    due_on: Mapped[date | None]

    @property
    def amount(self) -> Money:
        return Money.of_minor(self.amount_minor, self.currency)


class FinanceReExport(Base):
    """One time that an issued batch was exported again (FIN-09)."""

    __tablename__ = "core_finance_re_export"

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(sa.ForeignKey("core_finance_batch.id"), index=True)
    exported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    exported_by: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    label: Mapped[str] = mapped_column(sa.String(200), info={"audit": False})
    """Who, as the log calls them."""


class FinanceMovement(Base):
    """A movement of the finance system (FIN-03), matched on customer number and reference; the same one twice is one row."""

    __tablename__ = "core_finance_movement"
    __table_args__ = (
        sa.UniqueConstraint("number", "reference", "booked_on", "amount_minor", "currency", name="uq_core_finance_movement_same"),
        sa.CheckConstraint("state IN ('matched', 'differs', 'unmatched')", name="state"),
        sa.Index("ix_core_finance_movement_state_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(80))
    reference: Mapped[str] = mapped_column(sa.String(120), index=True)
    booked_on: Mapped[date]
    amount_minor: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3))
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    contribution_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_contribution.id"), index=True)
    state: Mapped[str] = mapped_column(sa.String(10))
    source_name: Mapped[str | None] = mapped_column(sa.String(300))
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def amount(self) -> Money:
        return Money.of_minor(self.amount_minor, self.currency)


# --- what the database guards by itself: a frozen row changes only by going out of force, and is never deleted ------------


_FROZEN = " OR ".join(f"NEW.{name} <> OLD.{name}" for name in (
    "batch_id", "position", "kind", "on_date", "number", "reference", "programme", "fund", "fund_name", "method", "amount_minor", "currency"))
_IN_LIVE_BATCH = "EXISTS (SELECT 1 FROM core_finance_batch_row r WHERE r.contribution_id = OLD.id AND r.live)"

derive(
    refusal("core_finance_row_frozen", "core_finance_batch_row", "UPDATE",
            f"{_FROZEN} OR (NEW.live AND NOT OLD.live) OR (NEW.memo <> OLD.memo AND NEW.memo <> '')",
            "FIN-09: a row of an issued batch is frozen"),
    refusal("core_finance_row_kept", "core_finance_batch_row", "DELETE", "1 = 1", "FIN-09: a row of an issued batch is kept"),
    refusal("core_finance_batch_kept", "core_finance_batch", "DELETE", "1 = 1", "FIN-09: an issued batch is kept"),
    refusal("core_finance_batch_frozen", "core_finance_batch", "UPDATE",
            "NEW.number <> OLD.number OR NEW.sha256 <> OLD.sha256 OR NEW.row_count <> OLD.row_count OR NEW.layout <> OLD.layout"
            " OR (OLD.state = 'void' AND NEW.state <> 'void')",
            "FIN-09: an issued batch is frozen"),
    refusal("core_contribution_exported", "core_contribution", "UPDATE",
            "(NEW.amount_minor <> OLD.amount_minor OR NEW.currency <> OLD.currency OR NEW.reference <> OLD.reference"
            f" OR NEW.received_on <> OLD.received_on) AND {_IN_LIVE_BATCH}",
            "FIN-09: an exported contribution is corrected by a refund, not rewritten"),
)
