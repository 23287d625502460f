"""Tables of leads: the portfolio with its programmes, what donors are interested in, and leads from study to outcome."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.auth.models import User
from core.customers.models import Customer
from core.database import JsonDict, UtcDateTime, derive, owner_base, refusal
from core.finance.models import Pledge
from core.i18n import lazy_gettext as _l
from core.kinds import Kind
from core.money import Money
from core.organisation.models import Programme
from plugins.leads import domain

Base = owner_base("leads")
Base.__audit_fields__ = domain.CATALOGUE.labels("fields")
Base.__audit_actions__ = {**domain.states(), **domain.CATALOGUE.labels("actions")}


class Interest(Kind, Base):
    """A kind of programmes that donors may want to fund, as the association tells kinds apart (LEAD-03)."""

    __tablename__ = "leads_interest"
    __audit_title__ = _l("Kind of programmes")


class DonorInterest(Base):
    """A kind of programmes that a donor wants to fund, from the day he said so until it no longer holds (LEAD-03)."""

    __tablename__ = "leads_donor_interest"
    __audit_title__ = _l("Interest of a donor")
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.Index("uq_leads_donor_interest_open", "customer_id", "interest_id", unique=True, sqlite_where=sa.text("ended_at IS NULL"),
                 postgresql_where=sa.text("ended_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    interest_id: Mapped[int] = mapped_column(sa.ForeignKey("leads_interest.id"), index=True)
    note: Mapped[str] = mapped_column(sa.String(500), default="", info={"personal": True})
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    customer: Mapped[Customer] = relationship(lazy="joined")
    interest: Mapped[Interest] = relationship(lazy="joined")


class Discussion(Base):
    """What strategic planning said to a kind of programmes that donors want and no programme is of (LEAD-04)."""

    __tablename__ = "leads_discussion"
    __audit_title__ = _l("Discussion with strategic planning")

    id: Mapped[int] = mapped_column(primary_key=True)
    interest_id: Mapped[int] = mapped_column(sa.ForeignKey("leads_interest.id"), index=True)
    feasible: Mapped[bool]
    discussed_on: Mapped[date]
    remark: Mapped[str] = mapped_column(sa.Text, default="")
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})


class Portfolio(Base):
    """A portfolio of programmes and activities from strategic planning: expected on a day, then received and reviewed (LEAD-01, 02)."""

    __tablename__ = "leads_portfolio"
    __audit_title__ = _l("Portfolio of programmes")
    __table_args__ = (
        sa.CheckConstraint("(received_on IS NULL) = (received_from IS NULL)", name="received"),
        sa.CheckConstraint("listed_at IS NULL OR received_on IS NOT NULL", name="listed"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(30), unique=True)
    expected_on: Mapped[date]
    received_on: Mapped[date | None] = mapped_column(index=True)
    received_from: Mapped[str | None] = mapped_column(sa.String(200))
    """Who supplied it, for strategic planning and service development."""
    review: Mapped[str] = mapped_column(sa.Text, default="")
    recorded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    listed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its list of potential donors was closed (LEAD-16)."""
    listed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})


class Item(Base):
    """A programme or activity of a portfolio: which kind it is, what it needs, and when it runs (LEAD-01)."""

    __tablename__ = "leads_item"
    __audit_title__ = _l("Programme of a portfolio")
    __table_args__ = (
        sa.UniqueConstraint("portfolio_id", "programme_id"),
        sa.CheckConstraint("needed_minor > 0", name="needed"),
        sa.CheckConstraint("ends_on IS NULL OR starts_on IS NULL OR ends_on >= starts_on", name="period"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    portfolio_id: Mapped[int] = mapped_column(sa.ForeignKey("leads_portfolio.id"))
    programme_id: Mapped[int] = mapped_column(sa.ForeignKey("core_programme.id"), index=True)
    interest_id: Mapped[int] = mapped_column(sa.ForeignKey("leads_interest.id"), index=True)
    needed_minor: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3))
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    description: Mapped[str] = mapped_column(sa.Text, default="")
    programme: Mapped[Programme] = relationship(lazy="joined")
    interest: Mapped[Interest] = relationship(lazy="joined")

    @property
    def needed(self) -> Money:
        return Money.of_minor(self.needed_minor, self.currency)


class PotentialDonor(Base):
    """A donor who may fund a programme of a portfolio, as the manager lists them (LEAD-16)."""

    __tablename__ = "leads_potential_donor"
    __audit_title__ = _l("Potential donor")
    __merge_same__ = True
    __table_args__ = (sa.UniqueConstraint("item_id", "customer_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("leads_item.id"))
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    listed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    listed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    customer: Mapped[Customer] = relationship(lazy="joined")


class Study(Base):
    """An opportunity that the manager identified, with the study of all its aspects; the employee documents the lead from it (LEAD-17)."""

    __tablename__ = "leads_study"
    __audit_title__ = _l("Study of an opportunity")
    __table_args__ = (sa.CheckConstraint("text <> ''", name="text"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(30), unique=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    text: Mapped[str] = mapped_column(sa.Text)
    programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_programme.id"), index=True)
    identified_at: Mapped[datetime] = mapped_column(UtcDateTime)
    identified_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})


class Lead(Base):
    """One lead: a programme that one of its potential donors may fund, in one of five states (LEAD-07).

    ``subject_id`` is the first donor's. ``updated_at`` is the last progress or contact, ``reviewed_on`` the last weekly review.
    """

    __tablename__ = "leads_lead"
    __audit_title__ = _l("Lead")
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.CheckConstraint("state IN ('identified', 'follow_up', 'closing', 'successful', 'cancelled')", name="state"),
        sa.CheckConstraint("probability BETWEEN 0 AND 100", name="probability"),
        sa.CheckConstraint("factors <> ''", name="factors"),
        sa.CheckConstraint("(expected_minor IS NULL) = (currency IS NULL)", name="expected"),
        sa.CheckConstraint("expected_minor IS NULL OR expected_minor > 0", name="positive"),
        sa.CheckConstraint("(state IN ('successful', 'cancelled')) = (ended_at IS NOT NULL)", name="ended"),
        sa.CheckConstraint("(state = 'cancelled') = (cancel_reason IS NOT NULL)", name="reason"),
        sa.CheckConstraint("state <> 'cancelled' OR probability = 0", name="cancelled"),
        sa.Index("ix_leads_lead_open", "state", "updated_at", sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL")),
        sa.Index("ix_leads_lead_updated", "updated_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(30), unique=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    study_id: Mapped[int] = mapped_column(sa.ForeignKey("leads_study.id"), unique=True)
    programme_id: Mapped[int] = mapped_column(sa.ForeignKey("core_programme.id"), index=True)
    state: Mapped[str] = mapped_column(sa.String(20), default="identified", info={"choices": domain.states})
    probability: Mapped[int]
    factors: Mapped[str] = mapped_column(sa.Text, info={"personal": True})
    expected_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    currency: Mapped[str | None] = mapped_column(sa.String(3))
    next_action: Mapped[str] = mapped_column(sa.String(300), default="", info={"personal": True})
    """Asked for without names, for it stands in the weekly report, which is kept; erased all the same."""
    next_action_on: Mapped[date | None]
    documented_at: Mapped[datetime] = mapped_column(UtcDateTime)
    documented_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reviewed_on: Mapped[date | None]
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    cancel_reason: Mapped[str | None] = mapped_column(sa.String(500), info={"personal": True})
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})
    programme: Mapped[Programme] = relationship(lazy="joined")
    study: Mapped[Study] = relationship()

    @property
    def expected(self) -> Money | None:
        return None if self.expected_minor is None or self.currency is None else Money.of_minor(self.expected_minor, self.currency)


class LeadDonor(Base):
    """A potential donor of a lead (LEAD-07)."""

    __tablename__ = "leads_lead_donor"
    __audit_title__ = _l("Donor of a lead")
    __merge_same__ = True
    __table_args__ = (sa.UniqueConstraint("lead_id", "customer_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(sa.ForeignKey("leads_lead.id"))
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    added_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    customer: Mapped[Customer] = relationship(lazy="joined")


class Progress(Base):
    """State, probability and factors of a lead from a moment on, with what they were before; the first line has no before (LEAD-09)."""

    __tablename__ = "leads_progress"
    __audit_title__ = _l("Progress of a lead")
    __audit_subject__ = "subject_id"

    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(sa.ForeignKey("leads_lead.id"), index=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    state_before: Mapped[str | None] = mapped_column(sa.String(20), info={"choices": domain.states})
    state: Mapped[str] = mapped_column(sa.String(20), info={"choices": domain.states})
    probability_before: Mapped[int | None]
    probability: Mapped[int]
    factors: Mapped[str] = mapped_column(sa.Text, info={"personal": True})
    reason: Mapped[str] = mapped_column(sa.String(500), default="", info={"personal": True})
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    made_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})


class Contact(Base):
    """A contact with a donor of a lead, and what he was given to read on the programme, if anything (LEAD-05, 06, 09)."""

    __tablename__ = "leads_contact"
    __audit_title__ = _l("Contact with a donor")
    __audit_subject__ = "subject_id"

    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(sa.ForeignKey("leads_lead.id"), index=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    channel: Mapped[str] = mapped_column(sa.String(40), info={"choices": domain.channels})
    summary: Mapped[str] = mapped_column(sa.Text, info={"personal": True})
    document: Mapped[str] = mapped_column(sa.String(200), info={"personal": True})
    """The document on the programme that the donor was given; empty where none was. That one was given outlasts an erasure."""
    contacted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})
    customer: Mapped[Customer] = relationship(lazy="joined")


class WrittenPledge(Base):
    """The written pledge of the donor who accepted, with its file; withdrawn, it holds no longer (LEAD-10, 13)."""

    __tablename__ = "leads_written_pledge"
    __audit_title__ = _l("Written pledge")
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.CheckConstraint("amount_minor > 0", name="positive"),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdraw_reason IS NULL)", name="withdrawn"),
        sa.Index("uq_leads_written_pledge_live", "lead_id", unique=True, sqlite_where=sa.text("withdrawn_at IS NULL"),
                 postgresql_where=sa.text("withdrawn_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(sa.ForeignKey("leads_lead.id"), index=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    file_id: Mapped[int] = mapped_column(sa.ForeignKey("core_file.id"))
    signed_on: Mapped[date]
    signatory: Mapped[str] = mapped_column(sa.String(200), info={"personal": True})
    amount_minor: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(sa.String(3))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdraw_reason: Mapped[str | None] = mapped_column(sa.String(500), info={"personal": True})
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})
    customer: Mapped[Customer] = relationship(lazy="joined")

    @property
    def amount(self) -> Money:
        return Money.of_minor(self.amount_minor, self.currency)


class Instalment(Base):
    """A part of a written pledge as finance expects it: one pledge of core for each, so that what is late is seen there (FIN-04)."""

    __tablename__ = "leads_instalment"
    __audit_title__ = _l("Instalment of a pledge")

    id: Mapped[int] = mapped_column(primary_key=True)
    written_pledge_id: Mapped[int] = mapped_column(sa.ForeignKey("leads_written_pledge.id"), index=True)
    core_pledge_id: Mapped[int] = mapped_column(sa.ForeignKey("core_pledge.id"), unique=True)
    pledge: Mapped[Pledge] = relationship(lazy="joined")


class Review(Base):
    """The weekly review of the leads: when it was done, and what was noted (LEAD-19)."""

    __tablename__ = "leads_review"
    __audit_title__ = _l("Weekly review of leads")

    id: Mapped[int] = mapped_column(primary_key=True)
    period_id: Mapped[int] = mapped_column(sa.ForeignKey("core_step_period.id"), unique=True)
    note: Mapped[str] = mapped_column(sa.Text, default="")
    reviewed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reviewed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))


class ContactPerson(Base):
    """Who of customer relations or resource development speaks with a donor: proposed, approved by another person, ended (LEAD-21).

    One a donor is approved at a time, and one is proposed; the former ones stay as the donor's history.
    """

    __tablename__ = "leads_contact_person"
    __audit_title__ = _l("Contact person of a donor")
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.CheckConstraint("state IN ('proposed', 'approved', 'rejected', 'ended')", name="state"),
        sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided"),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended"),
        sa.CheckConstraint("decided_at IS NULL OR (decided_by_id IS NOT NULL AND decided_by_id <> proposed_by_id AND decided_by_id <> user_id)",
                           name="another_decides"),
        sa.Index("uq_leads_contact_person_approved", "customer_id", unique=True, sqlite_where=sa.text("state = 'approved'"),
                 postgresql_where=sa.text("state = 'approved'")),
        sa.Index("uq_leads_contact_person_proposed", "customer_id", unique=True, sqlite_where=sa.text("state = 'proposed'"),
                 postgresql_where=sa.text("state = 'proposed'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    state: Mapped[str] = mapped_column(sa.String(20), default="proposed")
    reason: Mapped[str] = mapped_column(sa.String(500), default="", info={"personal": True})
    proposed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    proposed_by_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    remark: Mapped[str] = mapped_column(sa.String(500), default="", info={"personal": True})
    """Why it was rejected or ended."""
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})
    customer: Mapped[Customer] = relationship(lazy="joined")
    user: Mapped[User] = relationship(foreign_keys=user_id, lazy="joined")


class ContactRequest(Base):
    """Somebody asks to contact a donor who has a contact person: once, for one purpose, with three permissions (LEAD-22)."""

    __tablename__ = "leads_contact_request"
    __audit_title__ = _l("Permission for a contact")
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.CheckConstraint("purpose IN ('service', 'survey', 'marketing', 'fundraising', 'sharing')", name="purpose"),
        sa.CheckConstraint("used_at IS NULL OR permitted_at IS NOT NULL", name="used"),
        sa.CheckConstraint("permitted_at IS NULL OR refused_at IS NULL", name="refused"),
        sa.Index("uq_leads_contact_request_open", "customer_id", "person_id", "purpose", unique=True,
                 sqlite_where=sa.text("used_at IS NULL AND refused_at IS NULL"), postgresql_where=sa.text("used_at IS NULL AND refused_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(30), unique=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    purpose: Mapped[str] = mapped_column(sa.String(20))
    reason: Mapped[str] = mapped_column(sa.String(500), info={"personal": True})
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    permitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the third permission was given."""
    refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refused_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    remark: Mapped[str] = mapped_column(sa.String(500), default="", info={"personal": True})
    """Why it was refused."""
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_channel: Mapped[str | None] = mapped_column(sa.String(40), info={"choices": domain.channels})
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})
    customer: Mapped[Customer] = relationship(lazy="joined")
    person: Mapped[User] = relationship(foreign_keys=person_id, lazy="joined")


class ContactGrant(Base):
    """One of the three permissions that a request needs: of the CRM manager, of resource development, of the secretary (LEAD-22)."""

    __tablename__ = "leads_contact_grant"
    __audit_title__ = _l("Permission for a contact")
    __table_args__ = (
        sa.CheckConstraint("part IN (2, 3, 4)", name="part"),
        sa.UniqueConstraint("request_id", "part"),
        sa.UniqueConstraint("request_id", "given_by_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(sa.ForeignKey("leads_contact_request.id"))
    part: Mapped[int]
    """The step of the procedure by which it was given."""
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)
    given_by_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"))


class Problem(Base):
    """What may harm the relation with a donor: at the CRM manager's at once, until it is resolved (LEAD-23)."""

    __tablename__ = "leads_problem"
    __audit_title__ = _l("Problem with a donor")
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.CheckConstraint("text <> ''", name="text"),
        sa.CheckConstraint("(resolved_at IS NULL) = (resolution IS NULL)", name="resolved"),
        sa.Index("ix_leads_problem_open", "recorded_at", sqlite_where=sa.text("resolved_at IS NULL"), postgresql_where=sa.text("resolved_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(30), unique=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    text: Mapped[str] = mapped_column(sa.Text, info={"personal": True})
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    resolution: Mapped[str | None] = mapped_column(sa.Text, info={"personal": True})
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolved_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})
    customer: Mapped[Customer] = relationship(lazy="joined")


class Development(Base):
    """Something new inside (a problem of the service) or outside (a donor who does not keep his word), and the measure taken (LEAD-24)."""

    __tablename__ = "leads_development"
    __audit_title__ = _l("Development")
    __table_args__ = (
        sa.CheckConstraint("kind IN ('internal', 'external')", name="kind"),
        sa.CheckConstraint("text <> '' AND measure <> ''", name="text"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(30), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(20), info={"choices": domain.developments})
    text: Mapped[str] = mapped_column(sa.Text)
    measure: Mapped[str] = mapped_column(sa.Text)
    happened_on: Mapped[date] = mapped_column(index=True)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})


class Affected(Base):
    """A programme or a donor whom a development affects (LEAD-24)."""

    __tablename__ = "leads_affected"
    __audit_title__ = _l("Development")
    __table_args__ = (
        sa.CheckConstraint("(programme_id IS NULL) <> (customer_id IS NULL)", name="one"),
        sa.UniqueConstraint("development_id", "programme_id"),
        sa.UniqueConstraint("development_id", "customer_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    development_id: Mapped[int] = mapped_column(sa.ForeignKey("leads_development.id"))
    programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_programme.id"), index=True)
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    programme: Mapped[Programme | None] = relationship(lazy="joined")
    customer: Mapped[Customer | None] = relationship(lazy="joined")


class Improvement(Base):
    """An action that betters the relation with donors or beneficiaries: whence it comes, whose it is, until when, what came of it (LEAD-27)."""

    __tablename__ = "leads_improvement"
    __audit_title__ = _l("Improvement action")
    __table_args__ = (
        sa.CheckConstraint("relation IN ('donors', 'beneficiaries')", name="relation"),
        sa.CheckConstraint("action <> '' AND source <> ''", name="action"),
        sa.CheckConstraint("(done_on IS NULL) = (result = '')", name="done"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(30), unique=True)
    relation: Mapped[str] = mapped_column(sa.String(20), info={"choices": domain.relations})
    source: Mapped[str] = mapped_column(sa.String(200))
    action: Mapped[str] = mapped_column(sa.Text)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id"), index=True)
    due_on: Mapped[date]
    result: Mapped[str] = mapped_column(sa.Text, default="")
    done_on: Mapped[date | None]
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    operation_key: Mapped[str | None] = mapped_column(sa.String(40), unique=True, info={"audit": False})
    person: Mapped[User] = relationship(foreign_keys=person_id, lazy="joined")


class Former(Base):
    """A lead of a register kept elsewhere, as that register left it: marked history, which no step, gate or reminder of ours touches.

    ``lacks`` names what the register has not: ``began_on``, ``amount``, ``about``.
    """

    __tablename__ = "leads_former"
    __audit_title__ = _l("Lead of a former register")
    __audit_label__ = "reference"
    __audit_subject__ = "subject_id"
    __table_args__ = (
        sa.CheckConstraint("state IN ('identified', 'follow_up', 'closing', 'successful', 'cancelled')", name="state"),
        sa.CheckConstraint("(state IN ('successful', 'cancelled')) = (ended_on IS NOT NULL)", name="ended"),
        sa.CheckConstraint("began_on IS NULL OR ended_on IS NULL OR ended_on >= began_on", name="days"),
        sa.CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name="amount"),
        sa.Index("ix_leads_former_ended", "ended_on", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(sa.String(160), unique=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    state: Mapped[str] = mapped_column(sa.String(20), index=True, info={"choices": domain.states})
    words: Mapped[str] = mapped_column(sa.String(100))
    """The state as the register writes it."""
    about: Mapped[str] = mapped_column(sa.String(200), default="", info={"personal": True})
    """What it was to fund, in the register's words."""
    programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_programme.id"), index=True)
    amount_minor: Mapped[int | None] = mapped_column(sa.BigInteger)
    currency: Mapped[str | None] = mapped_column(sa.String(3))
    began_on: Mapped[date | None]
    ended_on: Mapped[date | None]
    agent: Mapped[str] = mapped_column(sa.String(200), default="", info={"personal": True})
    lacks: Mapped[dict[str, Any]] = mapped_column(JsonDict)
    import_id: Mapped[int] = mapped_column(sa.ForeignKey("core_import.id"), index=True)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
    taken_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id"))
    customer: Mapped[Customer] = relationship(lazy="joined")
    programme: Mapped[Programme | None] = relationship(lazy="joined")

    @property
    def amount(self) -> Money | None:
        return None if self.amount_minor is None or self.currency is None else Money.of_minor(self.amount_minor, self.currency)


# --- what the database guards by itself: the moves of a lead, and that its history stays ---------------------------------


_MOVE = ("(OLD.state = 'identified' AND NEW.state IN ('follow_up', 'cancelled')) OR (OLD.state = 'follow_up' AND NEW.state IN ('closing', 'cancelled'))"
         " OR (OLD.state = 'closing' AND NEW.state IN ('successful', 'follow_up', 'cancelled'))")
_PLEDGED = "EXISTS (SELECT 1 FROM leads_written_pledge p WHERE p.lead_id = NEW.id AND p.withdrawn_at IS NULL)"
_CONTACTED = "EXISTS (SELECT 1 FROM leads_contact c WHERE c.lead_id = NEW.id)"
_FUNDED = ("EXISTS (SELECT 1 FROM leads_written_pledge p WHERE p.lead_id = NEW.id AND p.withdrawn_at IS NULL AND p.amount_minor <="
           " (SELECT COALESCE(SUM(c.amount_minor), 0) FROM core_contribution c JOIN leads_instalment i ON i.core_pledge_id = c.pledge_id"
           " WHERE i.written_pledge_id = p.id))")

derive(
    refusal("leads_lead_begins", "leads_lead", "INSERT", "NEW.state <> 'identified'", "LEAD-13: a lead begins as identified"),
    refusal("leads_lead_moves", "leads_lead", "UPDATE", f"NEW.state <> OLD.state AND NOT ({_MOVE})", "LEAD-13: a lead does not move this way"),
    refusal("leads_lead_final", "leads_lead", "UPDATE",
            "OLD.ended_at IS NOT NULL AND (NEW.probability <> OLD.probability OR NEW.programme_id <> OLD.programme_id)",
            "LEAD-13: a lead that has ended does not change"),
    refusal("leads_lead_contacted", "leads_lead", "UPDATE", "OLD.state = 'identified' AND NEW.state = 'follow_up' AND NOT " + _CONTACTED,
            "LEAD-09: follow-up begins with a logged contact"),
    refusal("leads_lead_pledged", "leads_lead", "UPDATE", "NEW.state = 'closing' AND OLD.state <> 'closing' AND NOT " + _PLEDGED,
            "LEAD-10: closing needs the written pledge"),
    refusal("leads_lead_funded", "leads_lead", "UPDATE", "NEW.state = 'successful' AND OLD.state <> 'successful' AND NOT " + _FUNDED,
            "LEAD-11: a successful lead has received its funding"),
    refusal("leads_lead_kept", "leads_lead", "DELETE", None, "LEAD-13: a lead is cancelled, never deleted"),
    refusal("leads_progress_kept", "leads_progress", "DELETE", None, "LEAD-09: the history of a lead is kept"),
    refusal("leads_progress_frozen", "leads_progress", "UPDATE",
            "NEW.state <> OLD.state OR NEW.probability <> OLD.probability OR NEW.made_at <> OLD.made_at OR NEW.lead_id <> OLD.lead_id",
            "LEAD-09: the history of a lead is not rewritten"),
    refusal("leads_contact_kept", "leads_contact", "DELETE", None, "LEAD-09: a contact stays in the log"),
)

_OTHERS = ("EXISTS (SELECT 1 FROM leads_contact_person p WHERE p.customer_id = NEW.customer_id AND p.state = 'approved'"
           " AND p.user_id <> COALESCE(NEW.made_by_id, 0))")
_PERMITTED = ("EXISTS (SELECT 1 FROM leads_contact_request r WHERE r.customer_id = NEW.customer_id AND r.person_id = NEW.made_by_id"
              " AND r.used_at = NEW.made_at)")
_GRANTS = "(SELECT COUNT(*) FROM leads_contact_grant g WHERE g.request_id = NEW.id)"

derive(
    refusal("leads_contact_person_begins", "leads_contact_person", "INSERT", "NEW.state <> 'proposed'", "LEAD-21: a contact person begins as proposed"),
    refusal("leads_contact_person_moves", "leads_contact_person", "UPDATE",
            "(NEW.state <> OLD.state AND NOT ((OLD.state = 'proposed' AND NEW.state IN ('approved', 'rejected')) OR (OLD.state = 'approved'"
            " AND NEW.state = 'ended'))) OR NEW.user_id <> OLD.user_id OR (OLD.decided_at IS NOT NULL AND NEW.decided_at <> OLD.decided_at)",
            "LEAD-21: the history of contact persons is not rewritten"),
    refusal("leads_contact_person_kept", "leads_contact_person", "DELETE", None, "LEAD-21: the history of contact persons is kept"),
    refusal("leads_contact_others", "leads_contact", "INSERT", f"{_OTHERS} AND NOT {_PERMITTED}",
            "LEAD-22: this donor is contacted by the contact person"),
    refusal("leads_contact_request_permitted", "leads_contact_request", "UPDATE",
            f"NEW.permitted_at IS NOT NULL AND OLD.permitted_at IS NULL AND {_GRANTS} < 3", "LEAD-22: a contact needs three permissions"),
    refusal("leads_contact_request_begins", "leads_contact_request", "INSERT",
            "NEW.permitted_at IS NOT NULL OR NEW.used_at IS NOT NULL OR NEW.refused_at IS NOT NULL", "LEAD-22: a permission begins by being asked for"),
    refusal("leads_contact_request_once", "leads_contact_request", "UPDATE",
            "(OLD.used_at IS NOT NULL AND (NEW.used_at IS NULL OR NEW.used_at <> OLD.used_at)) OR NEW.person_id <> OLD.person_id"
            " OR NEW.purpose <> OLD.purpose OR (OLD.refused_at IS NOT NULL AND NEW.refused_at IS NULL)",
            "LEAD-22: a permission holds for one contact, and once"),
    refusal("leads_contact_request_kept", "leads_contact_request", "DELETE", None, "LEAD-22: a permission is kept"),
    refusal("leads_contact_grant_frozen", "leads_contact_grant", "UPDATE", "1 = 1", "LEAD-22: a permission is not rewritten"),
    refusal("leads_contact_grant_kept", "leads_contact_grant", "DELETE", None, "LEAD-22: a permission is kept"),
    refusal("leads_problem_kept", "leads_problem", "DELETE", None, "LEAD-23: a problem with a donor is resolved, never deleted"),
)
