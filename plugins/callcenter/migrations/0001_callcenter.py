"""Tables of callcenter."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

revision = "0001_callcenter"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "callcenter_total",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("outgoing", sa.Integer(), nullable=False),
        sa.Column("incoming", sa.Integer(), nullable=False),
        sa.Column("complaints_received", sa.Integer(), nullable=True),
        sa.Column("complaints_closed", sa.Integer(), nullable=True),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("month BETWEEN 0 AND 12", name=op.f("ck_callcenter_total_month")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["core_user.id"], name=op.f("fk_callcenter_total_recorded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callcenter_total")),
        sa.UniqueConstraint("year", "month", name=op.f("uq_callcenter_total_year_month")),
    )
    with op.batch_alter_table("callcenter_total", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_callcenter_total_import_id"), ["import_id"], unique=False)

    op.create_table(
        "callcenter_call",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=True),
        sa.Column("direction", sa.String(length=10), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_seconds", sa.Integer(), nullable=False),
        sa.Column("talk_seconds", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("extension", sa.String(length=40), nullable=True),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("party", sa.String(length=80), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("name_key", sa.Text(), nullable=True),
        sa.Column("subject", sa.String(length=40), nullable=True),
        sa.Column("result", sa.String(length=40), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("group_key", sa.String(length=200), nullable=True),
        sa.Column("legs", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.Column("entry_number", sa.String(length=40), nullable=True),
        sa.Column("entry_link", sa.String(length=300), nullable=True),
        sa.Column("operation_key", sa.String(length=40), nullable=True),
        sa.CheckConstraint("direction IN ('in', 'out', 'internal')", name=op.f("ck_callcenter_call_direction")),
        sa.CheckConstraint("duration_seconds >= 0 AND talk_seconds >= 0", name=op.f("ck_callcenter_call_lengths")),
        sa.ForeignKeyConstraint(["agent_id"], ["core_user.id"], name=op.f("fk_callcenter_call_agent_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_callcenter_call_customer_id")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["core_user.id"], name=op.f("fk_callcenter_call_recorded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callcenter_call")),
        sa.UniqueConstraint("group_key", name=op.f("uq_callcenter_call_group_key")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_callcenter_call_operation_key")),
    )
    with op.batch_alter_table("callcenter_call", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_callcenter_call_agent_id"), ["agent_id"], unique=False)
        batch_op.create_index("ix_callcenter_call_customer", ["customer_id", "started_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_callcenter_call_extension"), ["extension"], unique=False)
        batch_op.create_index(batch_op.f("ix_callcenter_call_import_id"), ["import_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_callcenter_call_phone"), ["phone"], unique=False)
        batch_op.create_index("ix_callcenter_call_started", ["started_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_callcenter_call_subject_id"), ["subject_id"], unique=False)
        batch_op.create_index("ix_callcenter_call_way", ["direction", "started_at"], unique=False)

    op.create_table(
        "callcenter_callback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=True),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("promised_by_id", sa.Integer(), nullable=True),
        sa.Column("done_call_id", sa.Integer(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'done') = (done_call_id IS NOT NULL)", name=op.f("ck_callcenter_callback_done")),
        sa.CheckConstraint("(state = 'open') = (settled_at IS NULL)", name=op.f("ck_callcenter_callback_settled")),
        sa.CheckConstraint("state IN ('open', 'done', 'dropped')", name=op.f("ck_callcenter_callback_state")),
        sa.ForeignKeyConstraint(["call_id"], ["callcenter_call.id"], name=op.f("fk_callcenter_callback_call_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_callcenter_callback_customer_id")),
        sa.ForeignKeyConstraint(
            ["done_call_id"], ["callcenter_call.id"], name=op.f("fk_callcenter_callback_done_call_id")
        ),
        sa.ForeignKeyConstraint(
            ["promised_by_id"], ["core_user.id"], name=op.f("fk_callcenter_callback_promised_by_id")
        ),
        sa.ForeignKeyConstraint(["settled_by_id"], ["core_user.id"], name=op.f("fk_callcenter_callback_settled_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callcenter_callback")),
    )
    with op.batch_alter_table("callcenter_callback", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_callcenter_callback_call_id"), ["call_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_callcenter_callback_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_callcenter_callback_done_call_id"), ["done_call_id"], unique=False)
        batch_op.create_index(
            "ix_callcenter_callback_open",
            ["due_at", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "callcenter_leg",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("group_key", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_seconds", sa.Integer(), nullable=False),
        sa.Column("talk_seconds", sa.Integer(), nullable=False),
        sa.Column("disposition", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("destination", sa.String(length=80), nullable=False),
        sa.Column("did", sa.String(length=80), nullable=False),
        sa.Column("context", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=120), nullable=False),
        sa.Column("channel_to", sa.String(length=120), nullable=False),
        sa.Column("application", sa.String(length=40), nullable=False),
        sa.Column("recording", sa.String(length=300), nullable=False),
        sa.Column("direction", sa.String(length=20), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["callcenter_call.id"], name=op.f("fk_callcenter_leg_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callcenter_leg")),
        sa.UniqueConstraint("key", name=op.f("uq_callcenter_leg_key")),
    )
    with op.batch_alter_table("callcenter_leg", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_callcenter_leg_call_id"), ["call_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_callcenter_leg_group_key"), ["group_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_callcenter_leg_import_id"), ["import_id"], unique=False)
        batch_op.create_index("ix_callcenter_leg_started", ["started_at"], unique=False)

    op.create_table(
        "callcenter_recording",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=300), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["callcenter_call.id"], name=op.f("fk_callcenter_recording_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callcenter_recording")),
        sa.UniqueConstraint("call_id", "reference", name=op.f("uq_callcenter_recording_call_id_reference")),
    )


def downgrade() -> None:
    op.drop_table("callcenter_recording")
    with op.batch_alter_table("callcenter_leg", schema=None) as batch_op:
        batch_op.drop_index("ix_callcenter_leg_started")
        batch_op.drop_index(batch_op.f("ix_callcenter_leg_import_id"))
        batch_op.drop_index(batch_op.f("ix_callcenter_leg_group_key"))
        batch_op.drop_index(batch_op.f("ix_callcenter_leg_call_id"))

    op.drop_table("callcenter_leg")
    with op.batch_alter_table("callcenter_callback", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_callcenter_callback_open",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index(batch_op.f("ix_callcenter_callback_done_call_id"))
        batch_op.drop_index(batch_op.f("ix_callcenter_callback_customer_id"))
        batch_op.drop_index(batch_op.f("ix_callcenter_callback_call_id"))

    op.drop_table("callcenter_callback")
    with op.batch_alter_table("callcenter_call", schema=None) as batch_op:
        batch_op.drop_index("ix_callcenter_call_way")
        batch_op.drop_index(batch_op.f("ix_callcenter_call_subject_id"))
        batch_op.drop_index("ix_callcenter_call_started")
        batch_op.drop_index(batch_op.f("ix_callcenter_call_phone"))
        batch_op.drop_index(batch_op.f("ix_callcenter_call_import_id"))
        batch_op.drop_index(batch_op.f("ix_callcenter_call_extension"))
        batch_op.drop_index("ix_callcenter_call_customer")
        batch_op.drop_index(batch_op.f("ix_callcenter_call_agent_id"))

    op.drop_table("callcenter_call")
    with op.batch_alter_table("callcenter_total", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_callcenter_total_import_id"))

    op.drop_table("callcenter_total")
