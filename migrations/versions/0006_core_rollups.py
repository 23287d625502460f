"""What was received, rolled up by month, programme and currency, and by pledge. Filled by the upgrade itself (core/rollups.py)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_core_rollups"
down_revision = "0005_core_rest"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_contribution_month",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_contribution_month")),
    )
    op.create_table(
        "core_contribution_pledge",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pledge_id", sa.Integer(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_contribution_pledge")),
    )


def downgrade() -> None:
    op.drop_table("core_contribution_pledge")
    op.drop_table("core_contribution_month")
