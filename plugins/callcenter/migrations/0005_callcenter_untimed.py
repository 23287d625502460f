"""Answered calls whose length nobody wrote down are marked, and counted beside the sums, so that averages leave them out (CALL-05)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_callcenter_untimed"
down_revision = "0004_callcenter_found"
branch_labels = None
depends_on = None

ROLLUPS = ("callcenter_call_day", "callcenter_call_agent", "callcenter_call_subject")


def upgrade() -> None:
    op.add_column("callcenter_call", sa.Column("untimed", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE callcenter_call SET untimed = 1 WHERE source = 'staff' AND answered AND talk_seconds = 0")
    for name in ROLLUPS:
        op.execute(f"DELETE FROM {name}")  # noqa: S608
        op.add_column(name, sa.Column("untimed", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    for name in (*ROLLUPS, "callcenter_call"):
        op.drop_column(name, "untimed")
