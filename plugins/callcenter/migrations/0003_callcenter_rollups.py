"""Calls rolled up by day, and by month with agents and with subjects. Filled by the upgrade itself (core/rollups.py)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_callcenter_rollups"
down_revision = "0002_callcenter_campaigns"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "callcenter_call_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("direction", sa.String(length=10), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("talk_seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callcenter_call_day")),
    )
    op.create_table(
        "callcenter_call_agent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("direction", sa.String(length=10), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("extension", sa.String(length=40), nullable=True),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("talk_seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callcenter_call_agent")),
    )
    op.create_table(
        "callcenter_call_subject",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("direction", sa.String(length=10), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=True),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("talk_seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callcenter_call_subject")),
    )


def downgrade() -> None:
    op.drop_table("callcenter_call_subject")
    op.drop_table("callcenter_call_agent")
    op.drop_table("callcenter_call_day")
