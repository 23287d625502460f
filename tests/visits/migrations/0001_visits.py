"""Tables of visits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_visits"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "visits_visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("visited_on", sa.Date(), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["core_customer.id"], name=op.f("fk_visits_visit_customer_id_core_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits_visit")),
    )
    op.create_index(op.f("ix_visits_visit_customer_id"), "visits_visit", ["customer_id"])


def downgrade() -> None:
    op.drop_table("visits_visit")
