"""Tables of leads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

revision = "0001_leads"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leads_interest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name_ar", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_interest")),
        sa.UniqueConstraint("code", name=op.f("uq_leads_interest_code")),
    )
    op.create_table(
        "leads_discussion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("interest_id", sa.Integer(), nullable=False),
        sa.Column("feasible", sa.Boolean(), nullable=False),
        sa.Column("discussed_on", sa.Date(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["interest_id"], ["leads_interest.id"], name=op.f("fk_leads_discussion_interest_id")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["core_user.id"], name=op.f("fk_leads_discussion_recorded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_discussion")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_leads_discussion_operation_key")),
    )
    with op.batch_alter_table("leads_discussion", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_discussion_interest_id"), ["interest_id"], unique=False)

    op.create_table(
        "leads_portfolio",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("expected_on", sa.Date(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=True),
        sa.Column("received_from", sa.String(length=200), nullable=True),
        sa.Column("review", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_by_id", sa.Integer(), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.CheckConstraint("(received_on IS NULL) = (received_from IS NULL)", name=op.f("ck_leads_portfolio_received")),
        sa.CheckConstraint("listed_at IS NULL OR received_on IS NOT NULL", name=op.f("ck_leads_portfolio_listed")),
        sa.ForeignKeyConstraint(["listed_by_id"], ["core_user.id"], name=op.f("fk_leads_portfolio_listed_by_id")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["core_user.id"], name=op.f("fk_leads_portfolio_recorded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_portfolio")),
        sa.UniqueConstraint("number", name=op.f("uq_leads_portfolio_number")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_leads_portfolio_operation_key")),
    )
    with op.batch_alter_table("leads_portfolio", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_portfolio_received_on"), ["received_on"], unique=False)

    op.create_table(
        "leads_review",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("period_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["period_id"], ["core_step_period.id"], name=op.f("fk_leads_review_period_id")),
        sa.ForeignKeyConstraint(["reviewed_by_id"], ["core_user.id"], name=op.f("fk_leads_review_reviewed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_review")),
        sa.UniqueConstraint("period_id", name=op.f("uq_leads_review_period_id")),
    )
    op.create_table(
        "leads_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("portfolio_id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("interest_id", sa.Integer(), nullable=False),
        sa.Column("needed_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "ends_on IS NULL OR starts_on IS NULL OR ends_on >= starts_on", name=op.f("ck_leads_item_period")
        ),
        sa.CheckConstraint("needed_minor > 0", name=op.f("ck_leads_item_needed")),
        sa.ForeignKeyConstraint(["interest_id"], ["leads_interest.id"], name=op.f("fk_leads_item_interest_id")),
        sa.ForeignKeyConstraint(["portfolio_id"], ["leads_portfolio.id"], name=op.f("fk_leads_item_portfolio_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["core_programme.id"], name=op.f("fk_leads_item_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_item")),
        sa.UniqueConstraint("portfolio_id", "programme_id", name=op.f("uq_leads_item_portfolio_id_programme_id")),
    )
    with op.batch_alter_table("leads_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_item_interest_id"), ["interest_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_leads_item_programme_id"), ["programme_id"], unique=False)

    op.create_table(
        "leads_study",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        sa.Column("identified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("identified_by_id", sa.Integer(), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.CheckConstraint("text <> ''", name=op.f("ck_leads_study_text")),
        sa.ForeignKeyConstraint(["identified_by_id"], ["core_user.id"], name=op.f("fk_leads_study_identified_by_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["core_programme.id"], name=op.f("fk_leads_study_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_study")),
        sa.UniqueConstraint("number", name=op.f("uq_leads_study_number")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_leads_study_operation_key")),
    )
    with op.batch_alter_table("leads_study", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_study_programme_id"), ["programme_id"], unique=False)

    op.create_table(
        "leads_donor_interest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("interest_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_leads_donor_interest_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["interest_id"], ["leads_interest.id"], name=op.f("fk_leads_donor_interest_interest_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["core_user.id"], name=op.f("fk_leads_donor_interest_recorded_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_donor_interest")),
    )
    with op.batch_alter_table("leads_donor_interest", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_donor_interest_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_leads_donor_interest_interest_id"), ["interest_id"], unique=False)
        batch_op.create_index(
            "uq_leads_donor_interest_open",
            ["customer_id", "interest_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "leads_lead",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("probability", sa.Integer(), nullable=False),
        sa.Column("factors", sa.Text(), nullable=False),
        sa.Column("expected_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("next_action", sa.String(length=300), nullable=False),
        sa.Column("next_action_on", sa.Date(), nullable=True),
        sa.Column("documented_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("documented_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_on", sa.Date(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("cancel_reason", sa.String(length=500), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.CheckConstraint("(state = 'cancelled') = (cancel_reason IS NOT NULL)", name=op.f("ck_leads_lead_reason")),
        sa.CheckConstraint(
            "(state IN ('successful', 'cancelled')) = (ended_at IS NOT NULL)", name=op.f("ck_leads_lead_ended")
        ),
        sa.CheckConstraint("factors <> ''", name=op.f("ck_leads_lead_factors")),
        sa.CheckConstraint("state <> 'cancelled' OR probability = 0", name=op.f("ck_leads_lead_cancelled")),
        sa.CheckConstraint(
            "state IN ('identified', 'follow_up', 'closing', 'successful', 'cancelled')",
            name=op.f("ck_leads_lead_state"),
        ),
        sa.CheckConstraint("(expected_minor IS NULL) = (currency IS NULL)", name=op.f("ck_leads_lead_expected")),
        sa.CheckConstraint("expected_minor IS NULL OR expected_minor > 0", name=op.f("ck_leads_lead_positive")),
        sa.CheckConstraint("probability BETWEEN 0 AND 100", name=op.f("ck_leads_lead_probability")),
        sa.ForeignKeyConstraint(["documented_by_id"], ["core_user.id"], name=op.f("fk_leads_lead_documented_by_id")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["core_user.id"], name=op.f("fk_leads_lead_ended_by_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["core_programme.id"], name=op.f("fk_leads_lead_programme_id")),
        sa.ForeignKeyConstraint(["study_id"], ["leads_study.id"], name=op.f("fk_leads_lead_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_lead")),
        sa.UniqueConstraint("number", name=op.f("uq_leads_lead_number")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_leads_lead_operation_key")),
        sa.UniqueConstraint("study_id", name=op.f("uq_leads_lead_study_id")),
    )
    with op.batch_alter_table("leads_lead", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_lead_documented_by_id"), ["documented_by_id"], unique=False)
        batch_op.create_index(
            "ix_leads_lead_open",
            ["state", "updated_at"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_leads_lead_programme_id"), ["programme_id"], unique=False)
        batch_op.create_index("ix_leads_lead_updated", ["updated_at", "id"], unique=False)

    op.create_table(
        "leads_potential_donor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("listed_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_leads_potential_donor_customer_id")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["leads_item.id"], name=op.f("fk_leads_potential_donor_item_id")),
        sa.ForeignKeyConstraint(["listed_by_id"], ["core_user.id"], name=op.f("fk_leads_potential_donor_listed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_potential_donor")),
        sa.UniqueConstraint("item_id", "customer_id", name=op.f("uq_leads_potential_donor_item_id_customer_id")),
    )
    with op.batch_alter_table("leads_potential_donor", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_potential_donor_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "leads_contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("document", sa.String(length=200), nullable=False),
        sa.Column("contacted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_leads_contact_customer_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads_lead.id"], name=op.f("fk_leads_contact_lead_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["core_user.id"], name=op.f("fk_leads_contact_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_contact")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_leads_contact_operation_key")),
    )
    with op.batch_alter_table("leads_contact", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_contact_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_leads_contact_lead_id"), ["lead_id"], unique=False)

    op.create_table(
        "leads_lead_donor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["added_by_id"], ["core_user.id"], name=op.f("fk_leads_lead_donor_added_by_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_leads_lead_donor_customer_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads_lead.id"], name=op.f("fk_leads_lead_donor_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_lead_donor")),
        sa.UniqueConstraint("lead_id", "customer_id", name=op.f("uq_leads_lead_donor_lead_id_customer_id")),
    )
    with op.batch_alter_table("leads_lead_donor", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_lead_donor_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "leads_progress",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("state_before", sa.String(length=20), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("probability_before", sa.Integer(), nullable=True),
        sa.Column("probability", sa.Integer(), nullable=False),
        sa.Column("factors", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["leads_lead.id"], name=op.f("fk_leads_progress_lead_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["core_user.id"], name=op.f("fk_leads_progress_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_progress")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_leads_progress_operation_key")),
    )
    with op.batch_alter_table("leads_progress", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_progress_lead_id"), ["lead_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_leads_progress_made_at"), ["made_at"], unique=False)

    op.create_table(
        "leads_written_pledge",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("signatory", sa.String(length=200), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdraw_reason", sa.String(length=500), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (withdraw_reason IS NULL)", name=op.f("ck_leads_written_pledge_withdrawn")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_leads_written_pledge_positive")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_leads_written_pledge_customer_id")
        ),
        sa.ForeignKeyConstraint(["file_id"], ["core_file.id"], name=op.f("fk_leads_written_pledge_file_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads_lead.id"], name=op.f("fk_leads_written_pledge_lead_id")),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["core_user.id"], name=op.f("fk_leads_written_pledge_recorded_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_written_pledge")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_leads_written_pledge_operation_key")),
    )
    with op.batch_alter_table("leads_written_pledge", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_written_pledge_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_leads_written_pledge_lead_id"), ["lead_id"], unique=False)
        batch_op.create_index(
            "uq_leads_written_pledge_live",
            ["lead_id"],
            unique=True,
            sqlite_where=sa.text("withdrawn_at IS NULL"),
            postgresql_where=sa.text("withdrawn_at IS NULL"),
        )

    op.create_table(
        "leads_instalment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("written_pledge_id", sa.Integer(), nullable=False),
        sa.Column("core_pledge_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["core_pledge_id"], ["core_pledge.id"], name=op.f("fk_leads_instalment_core_pledge_id")
        ),
        sa.ForeignKeyConstraint(
            ["written_pledge_id"], ["leads_written_pledge.id"], name=op.f("fk_leads_instalment_written_pledge_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_instalment")),
        sa.UniqueConstraint("core_pledge_id", name=op.f("uq_leads_instalment_core_pledge_id")),
    )
    with op.batch_alter_table("leads_instalment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_instalment_written_pledge_id"), ["written_pledge_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("leads_instalment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leads_instalment_written_pledge_id"))

    op.drop_table("leads_instalment")
    with op.batch_alter_table("leads_written_pledge", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_leads_written_pledge_live",
            sqlite_where=sa.text("withdrawn_at IS NULL"),
            postgresql_where=sa.text("withdrawn_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_leads_written_pledge_lead_id"))
        batch_op.drop_index(batch_op.f("ix_leads_written_pledge_customer_id"))

    op.drop_table("leads_written_pledge")
    with op.batch_alter_table("leads_progress", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leads_progress_made_at"))
        batch_op.drop_index(batch_op.f("ix_leads_progress_lead_id"))

    op.drop_table("leads_progress")
    with op.batch_alter_table("leads_lead_donor", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leads_lead_donor_customer_id"))

    op.drop_table("leads_lead_donor")
    with op.batch_alter_table("leads_contact", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leads_contact_lead_id"))
        batch_op.drop_index(batch_op.f("ix_leads_contact_customer_id"))

    op.drop_table("leads_contact")
    with op.batch_alter_table("leads_potential_donor", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leads_potential_donor_customer_id"))

    op.drop_table("leads_potential_donor")
    with op.batch_alter_table("leads_lead", schema=None) as batch_op:
        batch_op.drop_index("ix_leads_lead_updated")
        batch_op.drop_index(batch_op.f("ix_leads_lead_programme_id"))
        batch_op.drop_index(
            "ix_leads_lead_open", sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL")
        )
        batch_op.drop_index(batch_op.f("ix_leads_lead_documented_by_id"))

    op.drop_table("leads_lead")
    with op.batch_alter_table("leads_donor_interest", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_leads_donor_interest_open",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_leads_donor_interest_interest_id"))
        batch_op.drop_index(batch_op.f("ix_leads_donor_interest_customer_id"))

    op.drop_table("leads_donor_interest")
    with op.batch_alter_table("leads_study", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leads_study_programme_id"))

    op.drop_table("leads_study")
    with op.batch_alter_table("leads_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leads_item_programme_id"))
        batch_op.drop_index(batch_op.f("ix_leads_item_interest_id"))

    op.drop_table("leads_item")
    op.drop_table("leads_review")
    with op.batch_alter_table("leads_portfolio", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leads_portfolio_received_on"))

    op.drop_table("leads_portfolio")
    with op.batch_alter_table("leads_discussion", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leads_discussion_interest_id"))

    op.drop_table("leads_discussion")
    op.drop_table("leads_interest")
