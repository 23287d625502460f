"""Tables of complaints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

revision = "0001_complaints"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "complaints_cause",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name_ar", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints_cause")),
        sa.UniqueConstraint("code", name=op.f("uq_complaints_cause_code")),
    )
    op.create_table(
        "complaints_limit",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_complaints_limit")),
    )
    op.create_table(
        "complaints_faq",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("question_ar", sa.String(length=300), nullable=False),
        sa.Column("question_en", sa.String(length=300), nullable=False),
        sa.Column("answer_ar", sa.Text(), nullable=False),
        sa.Column("answer_en", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Integer(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("approved_by_id", sa.Integer(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'approved', 'published')", name=op.f("ck_complaints_faq_state")),
        sa.ForeignKeyConstraint(["approved_by_id"], ["core_user.id"], name=op.f("fk_complaints_faq_approved_by_id")),
        sa.ForeignKeyConstraint(["cause_id"], ["complaints_cause.id"], name=op.f("fk_complaints_faq_cause_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["core_user.id"], name=op.f("fk_complaints_faq_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints_faq")),
    )
    op.create_table(
        "complaints_repeated_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("period_id", sa.Integer(), nullable=False),
        sa.Column("cause_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("solution", sa.Text(), nullable=False),
        sa.Column("implementation", sa.Text(), nullable=False),
        sa.Column("monitoring", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cause_id"], ["complaints_cause.id"], name=op.f("fk_complaints_repeated_line_cause_id")
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["core_centre.id"], name=op.f("fk_complaints_repeated_line_centre_id")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["core_department.id"], name=op.f("fk_complaints_repeated_line_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["period_id"], ["core_step_period.id"], name=op.f("fk_complaints_repeated_line_period_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints_repeated_line")),
        sa.UniqueConstraint(
            "period_id",
            "cause_id",
            "department_id",
            "centre_id",
            name=op.f("uq_complaints_repeated_line_period_id_cause_id_department_id_centre_id"),
        ),
    )
    op.create_table(
        "complaints_training",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("topic", sa.String(length=200), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["core_user.id"], name=op.f("fk_complaints_training_recorded_by_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_complaints_training_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints_training")),
    )
    with op.batch_alter_table("complaints_training", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_complaints_training_user_id"), ["user_id"], unique=False)

    op.create_table(
        "complaints_performance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("period_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("weak_points", sa.Text(), nullable=False),
        sa.Column("discussion", sa.Text(), nullable=False),
        sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prepared_by_id", sa.Integer(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["period_id"], ["core_step_period.id"], name=op.f("fk_complaints_performance_period_id")
        ),
        sa.ForeignKeyConstraint(
            ["prepared_by_id"], ["core_user.id"], name=op.f("fk_complaints_performance_prepared_by_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["core_report_run.id"], name=op.f("fk_complaints_performance_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints_performance")),
        sa.UniqueConstraint("period_id", name=op.f("uq_complaints_performance_period_id")),
    )
    op.create_table(
        "complaints_review",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("period_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["period_id"], ["core_step_period.id"], name=op.f("fk_complaints_review_period_id")),
        sa.ForeignKeyConstraint(["reviewed_by_id"], ["core_user.id"], name=op.f("fk_complaints_review_reviewed_by_id")),
        sa.ForeignKeyConstraint(["run_id"], ["core_report_run.id"], name=op.f("fk_complaints_review_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints_review")),
        sa.UniqueConstraint("period_id", name=op.f("uq_complaints_review_period_id")),
    )
    op.create_table(
        "complaints_contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=200), nullable=False),
        sa.Column("event_on", sa.Date(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_by_id", sa.Integer(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by_id", sa.Integer(), nullable=True),
        sa.Column("channel", sa.String(length=40), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("operation_key", sa.String(length=80), nullable=True),
        sa.CheckConstraint("(state = 'done') = (channel IS NOT NULL)", name=op.f("ck_complaints_contact_channel")),
        sa.CheckConstraint("(state = 'open') = (settled_at IS NULL)", name=op.f("ck_complaints_contact_settled")),
        sa.CheckConstraint("state IN ('open', 'done', 'dropped')", name=op.f("ck_complaints_contact_state")),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_complaints_contact_customer_id")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["core_department.id"], name=op.f("fk_complaints_contact_department_id")
        ),
        sa.ForeignKeyConstraint(["planned_by_id"], ["core_user.id"], name=op.f("fk_complaints_contact_planned_by_id")),
        sa.ForeignKeyConstraint(["settled_by_id"], ["core_user.id"], name=op.f("fk_complaints_contact_settled_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints_contact")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_complaints_contact_operation_key")),
    )
    with op.batch_alter_table("complaints_contact", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_complaints_contact_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(
            "ix_complaints_contact_open",
            ["due_on", "department_id"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "complaints_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("customer_class", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("name_key", sa.Text(), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=True),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        sa.Column("cause_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_by_id", sa.Integer(), nullable=True),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("callback_to", sa.String(length=254), nullable=True),
        sa.Column("helping_party", sa.String(length=300), nullable=True),
        sa.Column("analysis", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answer_channel", sa.String(length=40), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.String(length=20), nullable=True),
        sa.Column("decision_reason", sa.String(length=500), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("follow_code", sa.String(length=64), nullable=True),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("consented_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consent_version", sa.String(length=20), nullable=True),
        sa.Column("source_reference", sa.String(length=200), nullable=True),
        sa.Column("source_link", sa.String(length=300), nullable=True),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.Column("lacks", JSON, nullable=False),
        sa.Column("timely", sa.Boolean(), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.CheckConstraint("decision IS NULL OR kind = 'suggestion'", name=op.f("ck_complaints_entry_decision")),
        sa.CheckConstraint("kind IN ('complaint', 'inquiry', 'suggestion')", name=op.f("ck_complaints_entry_kind")),
        sa.CheckConstraint(
            "state <> 'closed' OR imported OR decision IS NOT NULL OR (answer IS NOT NULL AND answer_channel IS NOT NULL)",
            name=op.f("ck_complaints_entry_closed"),
        ),
        sa.CheckConstraint(
            "state <> 'closed' OR imported OR returned_at IS NOT NULL",
            name=op.f("ck_complaints_entry_returned_when_closed"),
        ),
        sa.CheckConstraint(
            "state IN ('received', 'answered_callback', 'in_study', 'solution_ready', 'closed')",
            name=op.f("ck_complaints_entry_state"),
        ),
        sa.CheckConstraint(
            "(consented_at IS NULL) = (consent_version IS NULL)", name=op.f("ck_complaints_entry_consent")
        ),
        sa.CheckConstraint(
            "returned_at IS NULL OR returned_at >= received_at", name=op.f("ck_complaints_entry_returned")
        ),
        sa.ForeignKeyConstraint(["cause_id"], ["complaints_cause.id"], name=op.f("fk_complaints_entry_cause_id")),
        sa.ForeignKeyConstraint(["centre_id"], ["core_centre.id"], name=op.f("fk_complaints_entry_centre_id")),
        sa.ForeignKeyConstraint(["closed_by_id"], ["core_user.id"], name=op.f("fk_complaints_entry_closed_by_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_complaints_entry_customer_id")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["core_department.id"], name=op.f("fk_complaints_entry_department_id")
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["core_programme.id"], name=op.f("fk_complaints_entry_programme_id")),
        sa.ForeignKeyConstraint(
            ["registered_by_id"], ["core_user.id"], name=op.f("fk_complaints_entry_registered_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints_entry")),
        sa.UniqueConstraint("follow_code", name=op.f("uq_complaints_entry_follow_code")),
        sa.UniqueConstraint("number", name=op.f("uq_complaints_entry_number")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_complaints_entry_operation_key")),
        sa.UniqueConstraint("source", "source_reference", name=op.f("uq_complaints_entry_source_source_reference")),
    )
    with op.batch_alter_table("complaints_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_complaints_entry_cause_id"), ["cause_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaints_entry_centre_id"), ["centre_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaints_entry_closed_by_id"), ["closed_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaints_entry_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(
            "ix_complaints_entry_open",
            ["department_id", "received_at"],
            unique=False,
            sqlite_where=sa.text("state <> 'closed'"),
            postgresql_where=sa.text("state <> 'closed'"),
        )
        batch_op.create_index(batch_op.f("ix_complaints_entry_phone"), ["phone"], unique=False)
        batch_op.create_index("ix_complaints_entry_place", ["department_id", "centre_id", "received_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaints_entry_programme_id"), ["programme_id"], unique=False)
        batch_op.create_index("ix_complaints_entry_received", ["received_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaints_entry_registered_by_id"), ["registered_by_id"], unique=False)

    op.create_table(
        "complaints_assignment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assigned_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["assigned_by_id"], ["core_user.id"], name=op.f("fk_complaints_assignment_assigned_by_id")
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["core_centre.id"], name=op.f("fk_complaints_assignment_centre_id")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["core_department.id"], name=op.f("fk_complaints_assignment_department_id")
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["complaints_entry.id"], name=op.f("fk_complaints_assignment_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints_assignment")),
    )
    with op.batch_alter_table("complaints_assignment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_complaints_assignment_entry_id"), ["entry_id"], unique=False)

    op.create_table(
        "complaints_follow_up",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["asked_by_id"], ["core_user.id"], name=op.f("fk_complaints_follow_up_asked_by_id")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["core_department.id"], name=op.f("fk_complaints_follow_up_department_id")
        ),
        sa.ForeignKeyConstraint(["done_by_id"], ["core_user.id"], name=op.f("fk_complaints_follow_up_done_by_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["complaints_entry.id"], name=op.f("fk_complaints_follow_up_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints_follow_up")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_complaints_follow_up_operation_key")),
    )
    with op.batch_alter_table("complaints_follow_up", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_complaints_follow_up_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaints_follow_up_entry_id"), ["entry_id"], unique=False)

    op.create_table(
        "complaints_update",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["complaints_entry.id"], name=op.f("fk_complaints_update_entry_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["core_user.id"], name=op.f("fk_complaints_update_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints_update")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_complaints_update_operation_key")),
    )
    with op.batch_alter_table("complaints_update", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_complaints_update_entry_id"), ["entry_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("complaints_update", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_complaints_update_entry_id"))

    op.drop_table("complaints_update")
    with op.batch_alter_table("complaints_follow_up", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_complaints_follow_up_entry_id"))
        batch_op.drop_index(batch_op.f("ix_complaints_follow_up_department_id"))

    op.drop_table("complaints_follow_up")
    with op.batch_alter_table("complaints_assignment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_complaints_assignment_entry_id"))

    op.drop_table("complaints_assignment")
    with op.batch_alter_table("complaints_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_complaints_entry_registered_by_id"))
        batch_op.drop_index("ix_complaints_entry_received")
        batch_op.drop_index(batch_op.f("ix_complaints_entry_programme_id"))
        batch_op.drop_index("ix_complaints_entry_place")
        batch_op.drop_index(batch_op.f("ix_complaints_entry_phone"))
        batch_op.drop_index(
            "ix_complaints_entry_open",
            sqlite_where=sa.text("state <> 'closed'"),
            postgresql_where=sa.text("state <> 'closed'"),
        )
        batch_op.drop_index(batch_op.f("ix_complaints_entry_customer_id"))
        batch_op.drop_index(batch_op.f("ix_complaints_entry_closed_by_id"))
        batch_op.drop_index(batch_op.f("ix_complaints_entry_centre_id"))
        batch_op.drop_index(batch_op.f("ix_complaints_entry_cause_id"))

    op.drop_table("complaints_entry")
    with op.batch_alter_table("complaints_contact", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_complaints_contact_open",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index(batch_op.f("ix_complaints_contact_customer_id"))

    op.drop_table("complaints_contact")
    op.drop_table("complaints_review")
    op.drop_table("complaints_performance")
    with op.batch_alter_table("complaints_training", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_complaints_training_user_id"))

    op.drop_table("complaints_training")
    op.drop_table("complaints_repeated_line")
    op.drop_table("complaints_faq")
    op.drop_table("complaints_limit")
    op.drop_table("complaints_cause")
