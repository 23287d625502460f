"""The causes an association begins with."""

from __future__ import annotations

import json
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0002_complaints_causes"
down_revision = "0001_complaints"
branch_labels = None
depends_on = None

CAUSES = Path(__file__).with_name("0002_causes.json")


def upgrade() -> None:
    table = sa.table("complaints_cause", *(sa.column(name) for name in ("code", "name_ar", "name_en", "active")))
    rows = json.loads(CAUSES.read_text(encoding="utf-8"))
    op.bulk_insert(table, [{"code": one["code"], "name_ar": one["ar"], "name_en": one["en"], "active": True} for one in rows])


def downgrade() -> None:
    op.execute("DELETE FROM complaints_cause")
