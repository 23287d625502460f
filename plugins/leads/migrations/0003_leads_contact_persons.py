"""Contact persons, problems, developments, improvements and former leads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

revision = "0003_leads_contact_persons"
down_revision = "0002_leads_interests"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leads_development",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.CheckConstraint("kind IN ('internal', 'external')", name=op.f("ck_leads_development_kind")),
        sa.CheckConstraint("text <> '' AND measure <> ''", name=op.f("ck_leads_development_text")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["core_user.id"], name=op.f("fk_leads_development_recorded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_development")),
        sa.UniqueConstraint("number", name=op.f("uq_leads_development_number")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_leads_development_operation_key")),
    )
    with op.batch_alter_table("leads_development", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_development_happened_on"), ["happened_on"], unique=False)

    op.create_table(
        "leads_improvement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("relation", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.CheckConstraint("(done_on IS NULL) = (result = '')", name=op.f("ck_leads_improvement_done")),
        sa.CheckConstraint("action <> '' AND source <> ''", name=op.f("ck_leads_improvement_action")),
        sa.CheckConstraint("relation IN ('donors', 'beneficiaries')", name=op.f("ck_leads_improvement_relation")),
        sa.ForeignKeyConstraint(["person_id"], ["core_user.id"], name=op.f("fk_leads_improvement_person_id")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["core_user.id"], name=op.f("fk_leads_improvement_recorded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_improvement")),
        sa.UniqueConstraint("number", name=op.f("uq_leads_improvement_number")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_leads_improvement_operation_key")),
    )
    with op.batch_alter_table("leads_improvement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_improvement_person_id"), ["person_id"], unique=False)

    op.create_table(
        "leads_affected",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("development_id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("(programme_id IS NULL) <> (customer_id IS NULL)", name=op.f("ck_leads_affected_one")),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_leads_affected_customer_id")),
        sa.ForeignKeyConstraint(
            ["development_id"], ["leads_development.id"], name=op.f("fk_leads_affected_development_id")
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["core_programme.id"], name=op.f("fk_leads_affected_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_affected")),
        sa.UniqueConstraint("development_id", "customer_id", name=op.f("uq_leads_affected_development_id_customer_id")),
        sa.UniqueConstraint(
            "development_id", "programme_id", name=op.f("uq_leads_affected_development_id_programme_id")
        ),
    )
    with op.batch_alter_table("leads_affected", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_affected_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_leads_affected_programme_id"), ["programme_id"], unique=False)

    op.create_table(
        "leads_contact_person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by_id", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("remark", sa.String(length=500), nullable=False),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name=op.f("ck_leads_contact_person_ended")),
        sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name=op.f("ck_leads_contact_person_decided")),
        sa.CheckConstraint(
            "state IN ('proposed', 'approved', 'rejected', 'ended')", name=op.f("ck_leads_contact_person_state")
        ),
        sa.CheckConstraint(
            "decided_at IS NULL OR (decided_by_id IS NOT NULL AND decided_by_id <> proposed_by_id AND decided_by_id <> user_id)",
            name=op.f("ck_leads_contact_person_another_decides"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_leads_contact_person_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["core_user.id"], name=op.f("fk_leads_contact_person_decided_by_id")
        ),
        sa.ForeignKeyConstraint(["ended_by_id"], ["core_user.id"], name=op.f("fk_leads_contact_person_ended_by_id")),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"], ["core_user.id"], name=op.f("fk_leads_contact_person_proposed_by_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_leads_contact_person_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_contact_person")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_leads_contact_person_operation_key")),
    )
    with op.batch_alter_table("leads_contact_person", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_contact_person_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_leads_contact_person_user_id"), ["user_id"], unique=False)
        batch_op.create_index(
            "uq_leads_contact_person_approved",
            ["customer_id"],
            unique=True,
            sqlite_where=sa.text("state = 'approved'"),
            postgresql_where=sa.text("state = 'approved'"),
        )
        batch_op.create_index(
            "uq_leads_contact_person_proposed",
            ["customer_id"],
            unique=True,
            sqlite_where=sa.text("state = 'proposed'"),
            postgresql_where=sa.text("state = 'proposed'"),
        )

    op.create_table(
        "leads_contact_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("permitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_by_id", sa.Integer(), nullable=True),
        sa.Column("remark", sa.String(length=500), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_channel", sa.String(length=40), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('service', 'survey', 'marketing', 'fundraising', 'sharing')",
            name=op.f("ck_leads_contact_request_purpose"),
        ),
        sa.CheckConstraint("permitted_at IS NULL OR refused_at IS NULL", name=op.f("ck_leads_contact_request_refused")),
        sa.CheckConstraint("used_at IS NULL OR permitted_at IS NOT NULL", name=op.f("ck_leads_contact_request_used")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["core_customer.id"], name=op.f("fk_leads_contact_request_customer_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["core_user.id"], name=op.f("fk_leads_contact_request_person_id")),
        sa.ForeignKeyConstraint(
            ["refused_by_id"], ["core_user.id"], name=op.f("fk_leads_contact_request_refused_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_contact_request")),
        sa.UniqueConstraint("number", name=op.f("uq_leads_contact_request_number")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_leads_contact_request_operation_key")),
    )
    with op.batch_alter_table("leads_contact_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_contact_request_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_leads_contact_request_person_id"), ["person_id"], unique=False)
        batch_op.create_index(
            "uq_leads_contact_request_open",
            ["customer_id", "person_id", "purpose"],
            unique=True,
            sqlite_where=sa.text("used_at IS NULL AND refused_at IS NULL"),
            postgresql_where=sa.text("used_at IS NULL AND refused_at IS NULL"),
        )

    op.create_table(
        "leads_former",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=160), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("words", sa.String(length=100), nullable=False),
        sa.Column("about", sa.String(length=200), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("began_on", sa.Date(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("lacks", JSON, nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('successful', 'cancelled')) = (ended_on IS NOT NULL)", name=op.f("ck_leads_former_ended")
        ),
        sa.CheckConstraint(
            "state IN ('identified', 'follow_up', 'closing', 'successful', 'cancelled')",
            name=op.f("ck_leads_former_state"),
        ),
        sa.CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name=op.f("ck_leads_former_amount")),
        sa.CheckConstraint(
            "began_on IS NULL OR ended_on IS NULL OR ended_on >= began_on", name=op.f("ck_leads_former_days")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_leads_former_customer_id")),
        sa.ForeignKeyConstraint(["import_id"], ["core_import.id"], name=op.f("fk_leads_former_import_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["core_programme.id"], name=op.f("fk_leads_former_programme_id")),
        sa.ForeignKeyConstraint(["taken_by_id"], ["core_user.id"], name=op.f("fk_leads_former_taken_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_former")),
        sa.UniqueConstraint("reference", name=op.f("uq_leads_former_reference")),
    )
    with op.batch_alter_table("leads_former", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_former_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index("ix_leads_former_ended", ["ended_on", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_leads_former_import_id"), ["import_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_leads_former_programme_id"), ["programme_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_leads_former_state"), ["state"], unique=False)

    op.create_table(
        "leads_problem",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by_id", sa.Integer(), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.CheckConstraint("text <> ''", name=op.f("ck_leads_problem_text")),
        sa.CheckConstraint("(resolved_at IS NULL) = (resolution IS NULL)", name=op.f("ck_leads_problem_resolved")),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_leads_problem_customer_id")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["core_user.id"], name=op.f("fk_leads_problem_recorded_by_id")),
        sa.ForeignKeyConstraint(["resolved_by_id"], ["core_user.id"], name=op.f("fk_leads_problem_resolved_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_problem")),
        sa.UniqueConstraint("number", name=op.f("uq_leads_problem_number")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_leads_problem_operation_key")),
    )
    with op.batch_alter_table("leads_problem", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leads_problem_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(
            "ix_leads_problem_open",
            ["recorded_at"],
            unique=False,
            sqlite_where=sa.text("resolved_at IS NULL"),
            postgresql_where=sa.text("resolved_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_leads_problem_recorded_by_id"), ["recorded_by_id"], unique=False)

    op.create_table(
        "leads_contact_grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_by_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("part IN (2, 3, 4)", name=op.f("ck_leads_contact_grant_part")),
        sa.ForeignKeyConstraint(["given_by_id"], ["core_user.id"], name=op.f("fk_leads_contact_grant_given_by_id")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["leads_contact_request.id"], name=op.f("fk_leads_contact_grant_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads_contact_grant")),
        sa.UniqueConstraint("request_id", "given_by_id", name=op.f("uq_leads_contact_grant_request_id_given_by_id")),
        sa.UniqueConstraint("request_id", "part", name=op.f("uq_leads_contact_grant_request_id_part")),
    )


def downgrade() -> None:
    op.drop_table("leads_contact_grant")
    with op.batch_alter_table("leads_problem", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leads_problem_recorded_by_id"))
        batch_op.drop_index(
            "ix_leads_problem_open",
            sqlite_where=sa.text("resolved_at IS NULL"),
            postgresql_where=sa.text("resolved_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_leads_problem_customer_id"))

    op.drop_table("leads_problem")
    with op.batch_alter_table("leads_former", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leads_former_state"))
        batch_op.drop_index(batch_op.f("ix_leads_former_programme_id"))
        batch_op.drop_index(batch_op.f("ix_leads_former_import_id"))
        batch_op.drop_index("ix_leads_former_ended")
        batch_op.drop_index(batch_op.f("ix_leads_former_customer_id"))

    op.drop_table("leads_former")
    with op.batch_alter_table("leads_contact_request", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_leads_contact_request_open",
            sqlite_where=sa.text("used_at IS NULL AND refused_at IS NULL"),
            postgresql_where=sa.text("used_at IS NULL AND refused_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_leads_contact_request_person_id"))
        batch_op.drop_index(batch_op.f("ix_leads_contact_request_customer_id"))

    op.drop_table("leads_contact_request")
    with op.batch_alter_table("leads_contact_person", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_leads_contact_person_proposed",
            sqlite_where=sa.text("state = 'proposed'"),
            postgresql_where=sa.text("state = 'proposed'"),
        )
        batch_op.drop_index(
            "uq_leads_contact_person_approved",
            sqlite_where=sa.text("state = 'approved'"),
            postgresql_where=sa.text("state = 'approved'"),
        )
        batch_op.drop_index(batch_op.f("ix_leads_contact_person_user_id"))
        batch_op.drop_index(batch_op.f("ix_leads_contact_person_customer_id"))

    op.drop_table("leads_contact_person")
    with op.batch_alter_table("leads_affected", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leads_affected_programme_id"))
        batch_op.drop_index(batch_op.f("ix_leads_affected_customer_id"))

    op.drop_table("leads_affected")
    with op.batch_alter_table("leads_improvement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leads_improvement_person_id"))

    op.drop_table("leads_improvement")
    with op.batch_alter_table("leads_development", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_leads_development_happened_on"))

    op.drop_table("leads_development")
