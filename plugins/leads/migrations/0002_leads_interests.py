"""The kinds of programmes an association begins with."""

from __future__ import annotations

import json
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0002_leads_interests"
down_revision = "0001_leads"
branch_labels = None
depends_on = None

KINDS = Path(__file__).with_name("0002_interests.json")


def upgrade() -> None:
    table = sa.table("leads_interest", *(sa.column(name) for name in ("code", "name_ar", "name_en", "active")))
    rows = json.loads(KINDS.read_text(encoding="utf-8"))
    op.bulk_insert(
        table, [{"code": one["code"], "name_ar": one["ar"], "name_en": one["en"], "active": True} for one in rows]
    )


def downgrade() -> None:
    op.execute("DELETE FROM leads_interest")
