"""Campaigns of calls with their tasks, results of campaigns held elsewhere, and reminders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_callcenter_campaigns"
down_revision = "0001_callcenter"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "callcenter_campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("script", sa.Text(), nullable=True),
        sa.Column("link", sa.String(length=300), nullable=True),
        sa.Column("rule", sa.String(length=40), nullable=True),
        sa.Column("rule_number", sa.Integer(), nullable=True),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=True),
        sa.Column("reference", sa.String(length=80), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name=op.f("ck_callcenter_campaign_ended")),
        sa.CheckConstraint("kind IN ('notice', 'list', 'results')", name=op.f("ck_callcenter_campaign_kind")),
        sa.CheckConstraint("state IN ('open', 'done', 'closed')", name=op.f("ck_callcenter_campaign_state")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["core_user.id"], name=op.f("fk_callcenter_campaign_ended_by_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["core_user.id"], name=op.f("fk_callcenter_campaign_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callcenter_campaign")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_callcenter_campaign_operation_key")),
        sa.UniqueConstraint("source", "reference", name=op.f("uq_callcenter_campaign_source_reference")),
    )
    op.create_table(
        "callcenter_result",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("success", sa.Boolean(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=True),
        sa.Column("weekday", sa.Integer(), nullable=True),
        sa.Column("channel", sa.String(length=40), nullable=True),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=True),
        sa.Column("earlier", sa.String(length=40), nullable=True),
        sa.Column("occupation", sa.String(length=40), nullable=True),
        sa.CheckConstraint("month BETWEEN 1 AND 12", name=op.f("ck_callcenter_result_month")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_callcenter_result_weekday")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["callcenter_campaign.id"], name=op.f("fk_callcenter_result_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callcenter_result")),
        sa.UniqueConstraint("key", name=op.f("uq_callcenter_result_key")),
    )
    with op.batch_alter_table("callcenter_result", schema=None) as batch_op:
        batch_op.create_index("ix_callcenter_result_campaign", ["campaign_id", "month"], unique=False)
        batch_op.create_index(batch_op.f("ix_callcenter_result_import_id"), ["import_id"], unique=False)

    op.create_table(
        "callcenter_reminder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("about_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("result", sa.String(length=20), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=True),
        sa.Column("mail_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by_id", sa.Integer(), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.CheckConstraint("(state = 'open') = (settled_at IS NULL)", name=op.f("ck_callcenter_reminder_settled")),
        sa.CheckConstraint("channel IN ('phone', 'email')", name=op.f("ck_callcenter_reminder_channel")),
        sa.CheckConstraint("state IN ('open', 'done', 'dropped')", name=op.f("ck_callcenter_reminder_state")),
        sa.ForeignKeyConstraint(["call_id"], ["callcenter_call.id"], name=op.f("fk_callcenter_reminder_call_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_callcenter_reminder_customer_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["core_user.id"], name=op.f("fk_callcenter_reminder_made_by_id")),
        sa.ForeignKeyConstraint(["settled_by_id"], ["core_user.id"], name=op.f("fk_callcenter_reminder_settled_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callcenter_reminder")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_callcenter_reminder_operation_key")),
    )
    with op.batch_alter_table("callcenter_reminder", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_callcenter_reminder_call_id"), ["call_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_callcenter_reminder_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(
            "ix_callcenter_reminder_open",
            ["due_at", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.create_index("ix_callcenter_reminder_result", ["kind", "result", "settled_at"], unique=False)

    op.create_table(
        "callcenter_task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("call_id", sa.Integer(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("held_by_id", sa.Integer(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'open') = (settled_at IS NULL)", name=op.f("ck_callcenter_task_settled")),
        sa.CheckConstraint("state IN ('open', 'reached', 'unreached')", name=op.f("ck_callcenter_task_state")),
        sa.ForeignKeyConstraint(["call_id"], ["callcenter_call.id"], name=op.f("fk_callcenter_task_call_id")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["callcenter_campaign.id"], name=op.f("fk_callcenter_task_campaign_id")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_callcenter_task_customer_id")),
        sa.ForeignKeyConstraint(["held_by_id"], ["core_user.id"], name=op.f("fk_callcenter_task_held_by_id")),
        sa.ForeignKeyConstraint(["settled_by_id"], ["core_user.id"], name=op.f("fk_callcenter_task_settled_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callcenter_task")),
    )
    with op.batch_alter_table("callcenter_task", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_callcenter_task_call_id"), ["call_id"], unique=False)
        batch_op.create_index("ix_callcenter_task_campaign", ["campaign_id", "state", "attempts", "id"], unique=False)
        batch_op.create_index("ix_callcenter_task_customer", ["customer_id", "campaign_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("callcenter_task", schema=None) as batch_op:
        batch_op.drop_index("ix_callcenter_task_customer")
        batch_op.drop_index("ix_callcenter_task_campaign")
        batch_op.drop_index(batch_op.f("ix_callcenter_task_call_id"))

    op.drop_table("callcenter_task")
    with op.batch_alter_table("callcenter_reminder", schema=None) as batch_op:
        batch_op.drop_index("ix_callcenter_reminder_result")
        batch_op.drop_index(
            "ix_callcenter_reminder_open",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index(batch_op.f("ix_callcenter_reminder_customer_id"))
        batch_op.drop_index(batch_op.f("ix_callcenter_reminder_call_id"))

    op.drop_table("callcenter_reminder")
    with op.batch_alter_table("callcenter_result", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_callcenter_result_import_id"))
        batch_op.drop_index("ix_callcenter_result_campaign")

    op.drop_table("callcenter_result")
    op.drop_table("callcenter_campaign")
