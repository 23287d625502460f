"""Remarks on customers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_dummy_plugin"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dummy_plugin_remark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_dummy_plugin_remark_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dummy_plugin_remark")),
    )
    op.create_index(op.f("ix_dummy_plugin_remark_customer_id"), "dummy_plugin_remark", ["customer_id"])


def downgrade() -> None:
    op.drop_table("dummy_plugin_remark")
