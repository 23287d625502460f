"""Calls with a name or a number of their own are found without reading all calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_callcenter_found"
down_revision = "0003_callcenter_rollups"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, columns, condition in (("party", ["party"], "party IS NOT NULL"), ("named", ["id"], "name_key IS NOT NULL")):
        op.create_index(f"ix_callcenter_call_{name}", "callcenter_call", columns, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))


def downgrade() -> None:
    for name in ("named", "party"):
        op.drop_index(f"ix_callcenter_call_{name}", table_name="callcenter_call")
