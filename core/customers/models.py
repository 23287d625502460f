"""Tables of the register and its forms, with what the database itself guarantees.

A customer row names the form line that wrote it last (``form_id``, ``line_id``). Triggers on both engines let a row appear
or change only by a line of a form in state *entering*, once per line; a row goes only into a merge and comes back only by its
undoing, and a number never changes.
What changes without a form lives in other tables.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.customers import guards  # noqa: F401  (registers the triggers and indexes of these tables)
from core.database import Base, JsonDict, Phone, UtcDateTime
from core.organisation.models import Centre, City, Department

PERSONAL = {"personal": True}
MERGED = "entered_at IS NOT NULL AND undone_at IS NULL AND undoes_id IS NULL"
"""Of a merge: it holds."""


class CustomerValues:
    """What a form says of a customer: the same columns in the register and in each form line."""

    name: Mapped[str] = mapped_column(sa.String(300), info=PERSONAL)
    customer_class: Mapped[str] = mapped_column(sa.String(20))
    other_detail: Mapped[str | None] = mapped_column(sa.String(200), info=PERSONAL)
    address: Mapped[str | None] = mapped_column(sa.String(500), info=PERSONAL)
    city_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_city.id"))
    centre_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_centre.id"))
    phone: Mapped[str | None] = mapped_column(Phone, info=PERSONAL)
    mobile: Mapped[str | None] = mapped_column(Phone, info=PERSONAL)
    email: Mapped[str | None] = mapped_column(sa.String(254), info=PERSONAL)
    contact_channel: Mapped[str | None] = mapped_column(sa.String(20))
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_department.id"))
    registration_origin: Mapped[str | None] = mapped_column(sa.String(20))
    remarks: Mapped[str | None] = mapped_column(sa.Text, info=PERSONAL)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JsonDict, info=PERSONAL)


class CustomerForm(Base):
    """A create/modify form with one line, or an import with many (CUST-11…18).

    ``number`` (F-2026-0731) is given when the form is filled; a draft has none. ``operation_key`` is unique, so that the
    same sending twice is one form.
    """

    __tablename__ = "core_customer_form"
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> made_by", name="not_own_approval"),
        sa.CheckConstraint("kind = 'system' OR decided_by IS NOT NULL OR state IN ('draft', 'filled', 'reviewed', 'withdrawn')"
                           " OR (state = 'filed' AND reviewed_at IS NULL)", name="decided"),
        sa.CheckConstraint("state <> 'rejected' OR reason IS NOT NULL", name="rejected_with_reason"),
        sa.CheckConstraint("state = 'draft' OR number IS NOT NULL", name="numbered"),
        sa.CheckConstraint("kind IN ('new', 'modify', 'import', 'merge', 'unmerge', 'erase', 'system')", name="kind"),
        sa.Index("ix_core_customer_form_state_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str | None] = mapped_column(sa.String(20), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    state: Mapped[str] = mapped_column(sa.String(10))
    line_count: Mapped[int] = mapped_column(default=1)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    operation_key: Mapped[str | None] = mapped_column(sa.String(80), unique=True)
    imported: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str | None] = mapped_column(sa.String(300))
    """Where imported lines come from: the file's name, or the system's."""
    not_duplicates: Mapped[bool] = mapped_column(default=False)
    """The maker saw the similar customers and said that this is somebody else."""
    made_by: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    filled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reviewed_by: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(sa.Text, info=PERSONAL)
    entered_by: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    entered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    filed_by: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    filed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lines: Mapped[list[CustomerFormLine]] = relationship(back_populates="form", order_by="CustomerFormLine.position", lazy="select")

    @property
    def line(self) -> CustomerFormLine:
        """The one line of a form that is no import."""
        return self.lines[0]

    @property
    def single(self) -> bool:
        return self.kind != "import"


class Customer(CustomerValues, Base):
    """One customer of the association (CUST-01). ``number`` has its check digit last and never changes (CUST-06)."""

    __tablename__ = "core_customer"
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.CheckConstraint("customer_class <> 'other' OR other_detail IS NOT NULL", name="other_detail"),
        sa.Index("ix_core_customer_customer_class_id", "customer_class", "id"),
        sa.Index("ix_core_customer_city_id_id", "city_id", "id"),
        sa.Index("ix_core_customer_centre_id_id", "centre_id", "id"),
        sa.Index("ix_core_customer_department_id_id", "department_id", "id"),
        sa.Index("ix_core_customer_mobile", "mobile"),
        sa.Index("ix_core_customer_phone", "phone"),
        sa.Index("ix_core_customer_changed_at_id", "changed_at", "id"),
        sa.Index("ix_core_customer_created_at", "created_at", "imported"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(20), unique=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36), index=True)
    form_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer_form.id"), index=True)
    line_id: Mapped[int] = mapped_column(unique=True)
    """The line of that form; the triggers see to it that it exists."""
    imported: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    city: Mapped[City | None] = relationship(foreign_keys="Customer.city_id")
    centre: Mapped[Centre | None] = relationship(foreign_keys="Customer.centre_id")
    department: Mapped[Department | None] = relationship(foreign_keys="Customer.department_id")


class CustomerFormLine(CustomerValues, Base):
    """What one form proposes for one customer; ``base`` holds the register's values when a change was filled (CUST-13)."""

    __tablename__ = "core_customer_form_line"
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.UniqueConstraint("form_id", "position"),
        sa.CheckConstraint("action IN ('create', 'update')", name="action"),
        sa.Index("ix_core_customer_form_line_open_name", "name_key", sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")),
        sa.Index("ix_core_customer_form_line_open_mobile", "mobile", sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    form_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer_form.id"))
    position: Mapped[int] = mapped_column()
    action: Mapped[str] = mapped_column(sa.String(6))
    state: Mapped[str] = mapped_column(sa.String(10), default="open", info={"audit": False})
    """``open``, ``entered``, or ``dropped`` when the form was rejected or withdrawn."""
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    """The customer to change, or the one that came of it."""
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    reference: Mapped[str | None] = mapped_column(sa.String(80), index=True)
    """The customer's number in a former register; becomes an alias at entry."""
    name_key: Mapped[str] = mapped_column(sa.String(300), default="", info={"personal": True, "audit": False})
    base: Mapped[dict[str, Any] | None] = mapped_column(JsonDict, info={"personal": True, "audit": False})
    form: Mapped[CustomerForm] = relationship(back_populates="lines")
    customer: Mapped[Customer | None] = relationship(foreign_keys="CustomerFormLine.customer_id")
    city: Mapped[City | None] = relationship(foreign_keys="CustomerFormLine.city_id")
    centre: Mapped[Centre | None] = relationship(foreign_keys="CustomerFormLine.centre_id")
    department: Mapped[Department | None] = relationship(foreign_keys="CustomerFormLine.department_id")


class CustomerState(Base):
    """What changes without a form: when somebody last confirmed that the data is right (CUST-01)."""

    __tablename__ = "core_customer_state"

    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), primary_key=True, autoincrement=False)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    confirmed_by: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))


class CustomerSearch(Base):
    """The folded text by which a customer is found; derived from the customer and written with it."""

    __tablename__ = "core_customer_search"
    __audit__ = False

    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), primary_key=True, autoincrement=False)
    open_text: Mapped[str] = mapped_column(sa.Text)
    personal_text: Mapped[str] = mapped_column(sa.Text)
    name_key: Mapped[str] = mapped_column(sa.String(300), index=True)
    email_key: Mapped[str | None] = mapped_column(sa.String(254), index=True)


class CustomerAlias(Base):
    """A number that this customer had before, kept for ever so that it finds the customer and is never given again."""

    __tablename__ = "core_customer_alias"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    number: Mapped[str] = mapped_column(sa.String(80), unique=True)
    form_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer_form.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CustomerInfluence(Base):
    """Who influences a customer's decisions: another customer, or somebody who is only named (CUST-02)."""

    __tablename__ = "core_customer_influence"
    __audit_subject__ = "subject_id"
    __table_args__ = (sa.CheckConstraint("(influencer_id IS NULL) <> (influencer_name IS NULL)", name="customer_or_name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    influencer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    influencer_name: Mapped[str | None] = mapped_column(sa.String(300), info={"personal": True, "other_person": True})
    kind: Mapped[str] = mapped_column(sa.String(100), info={"personal": True})
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    influencer: Mapped[Customer | None] = relationship(foreign_keys="CustomerInfluence.influencer_id")


class CustomerFormer(Base):
    """A telephone number or e-mail address of a merged record that the survivor's own record did not take over: it still finds the survivor."""

    __tablename__ = "core_customer_former"
    __audit_subject__ = "subject_id"
    __table_args__ = (sa.CheckConstraint("kind IN ('phone', 'email')", name="kind"), sa.Index("ix_core_customer_former_value", "value", "kind"))

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    value: Mapped[str] = mapped_column(sa.String(254), info=PERSONAL)
    """A number in E.164, an address as ``domain.email_key`` makes it."""
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    form_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer_form.id"), index=True)


class CustomerMerge(Base):
    """The pair that a form of kind *merge* or *unmerge* names, and at entry of a merge all that its undoing needs.

    The lost customer is no longer in the register while the merge holds, so the two are named by id and number without a
    foreign key. ``kept_row``, ``lost_row`` and ``settled`` are sealed under the keys of their subjects; ``moved`` holds the
    keys of the rows that were re-pointed, by ``table.column``. Once undone it holds nothing of all this.
    """

    __tablename__ = "core_customer_merge"
    __audit_subject__ = "subject_id"
    __audit_label__ = "lost_number"
    __table_args__ = (
        sa.CheckConstraint("kept_id <> lost_id", name="two"),
        sa.Index("uq_core_customer_merge_lost_now", "lost_id", unique=True, sqlite_where=sa.text(MERGED), postgresql_where=sa.text(MERGED)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    form_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer_form.id"), unique=True)
    undoes_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_customer_merge.id"), index=True)
    """Of an unmerge: the merge that it takes back."""
    kept_id: Mapped[int] = mapped_column(index=True)
    kept_number: Mapped[str] = mapped_column(sa.String(20))
    lost_id: Mapped[int] = mapped_column(index=True)
    lost_number: Mapped[str] = mapped_column(sa.String(20))
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    """The lost customer's."""
    reason: Mapped[str] = mapped_column(sa.Text, info=PERSONAL)
    kept_row: Mapped[str | None] = mapped_column(sa.Text, info={"audit": False})
    lost_row: Mapped[str | None] = mapped_column(sa.Text, info={"audit": False})
    settled: Mapped[str | None] = mapped_column(sa.Text, info={"audit": False})
    moved: Mapped[dict[str, Any] | None] = mapped_column(JsonDict, info={"audit": False})
    entered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    form: Mapped[CustomerForm] = relationship()
    undoes: Mapped[CustomerMerge | None] = relationship(remote_side="CustomerMerge.id")


class CustomerDuplicate(Base):
    """Two registered customers that look alike, or with ``size`` a crowd that shares one key; found anew every night (CUST-20)."""

    __tablename__ = "core_customer_duplicate"
    __audit__ = False
    __table_args__ = (
        sa.UniqueConstraint("one_id", "other_id"),
        sa.CheckConstraint("other_id IS NULL OR one_id < other_id", name="order"),
        sa.CheckConstraint("(other_id IS NULL) = (size IS NOT NULL)", name="pair_or_crowd"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    one_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"))
    other_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    reasons: Mapped[str] = mapped_column(sa.String(60))
    """Codes of ``similar.RULES`` between bars, so that one of them can be asked for: ``|mobile|name|``."""
    size: Mapped[int | None]
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
    one: Mapped[Customer] = relationship(foreign_keys="CustomerDuplicate.one_id")
    other: Mapped[Customer | None] = relationship(foreign_keys="CustomerDuplicate.other_id")


class CustomerDistinct(Base):
    """That two customers who look alike are two: who said so, when and why. They are not shown as duplicates again (CUST-20)."""

    __tablename__ = "core_customer_distinct"
    __audit_subject__ = "subject_id"
    __table_args__ = (sa.UniqueConstraint("one_id", "other_id"), sa.CheckConstraint("one_id < other_id", name="order"))

    id: Mapped[int] = mapped_column(primary_key=True)
    one_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"))
    other_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    reason: Mapped[str] = mapped_column(sa.String(500), info=PERSONAL)
    decided_by: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DataOfficer(Base):
    """Who enters customer data: one primary and one deputy at a time (CUST-08, CUST-09)."""

    __tablename__ = "core_data_officer"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('primary', 'deputy')", name="kind"),
        sa.Index("uq_core_data_officer_kind_now", "kind", unique=True, sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    appointed_by: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))


class DataOfficerAbsence(Base):
    """Days, both included, on which the primary officer is away and the deputy may enter."""

    __tablename__ = "core_data_officer_absence"
    __table_args__ = (sa.CheckConstraint("until_on >= from_on", name="order"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    officer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_data_officer.id"), index=True)
    from_on: Mapped[date] = mapped_column()
    until_on: Mapped[date] = mapped_column()
    recorded_by: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OptionalField(Base):
    """A field beyond the manual's form: off until its purpose is stated (CUST-28)."""

    __tablename__ = "core_optional_field"
    __table_args__ = (sa.CheckConstraint("NOT enabled OR purpose IS NOT NULL", name="purpose"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name_ar: Mapped[str] = mapped_column(sa.String(100))
    name_en: Mapped[str] = mapped_column(sa.String(100))
    kind: Mapped[str] = mapped_column(sa.String(10), default="text")
    purpose: Mapped[str | None] = mapped_column(sa.String(500))
    enabled: Mapped[bool] = mapped_column(default=False)
