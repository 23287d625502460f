"""Tokens of other systems, kept answers, counters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

revision = "0005_core_rest"
down_revision = "0004_core_merge"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_rest_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("prefix", sa.String(length=20), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("sealed_key", sa.Text(), nullable=True),
        sa.Column("permissions", JSON, nullable=False),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("centre_id", sa.Integer(), nullable=True),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by_id", sa.Integer(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("operation_key", sa.String(length=80), nullable=True),
        sa.CheckConstraint("kind IN ('bearer', 'signing')", name=op.f("ck_core_rest_token_kind")),
        sa.CheckConstraint("(kind = 'bearer') = (sealed_key IS NULL)", name=op.f("ck_core_rest_token_sealed")),
        sa.CheckConstraint("scope IN ('all', 'department', 'centre')", name=op.f("ck_core_rest_token_scope")),
        sa.ForeignKeyConstraint(["department_id"], ["core_department.id"], name=op.f("fk_core_rest_token_department_id")),
        sa.ForeignKeyConstraint(["centre_id"], ["core_centre.id"], name=op.f("fk_core_rest_token_centre_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["core_user.id"], name=op.f("fk_core_rest_token_made_by_id")),
        sa.ForeignKeyConstraint(["revoked_by_id"], ["core_user.id"], name=op.f("fk_core_rest_token_revoked_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_rest_token")),
        sa.UniqueConstraint("name", name=op.f("uq_core_rest_token_name")),
        sa.UniqueConstraint("prefix", name=op.f("uq_core_rest_token_prefix")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_core_rest_token_secret_hash")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_core_rest_token_operation_key")),
    )
    op.create_index(op.f("ix_core_rest_token_department_id"), "core_rest_token", ["department_id"])
    op.create_index(op.f("ix_core_rest_token_centre_id"), "core_rest_token", ["centre_id"])
    op.create_table(
        "core_rest_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("operation_key", sa.String(length=160), nullable=False),
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["core_rest_token.id"], name=op.f("fk_core_rest_answer_token_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_rest_answer")),
        sa.UniqueConstraint("operation_key", name=op.f("uq_core_rest_answer_operation_key")),
    )
    op.create_index(op.f("ix_core_rest_answer_token_id"), "core_rest_answer", ["token_id"])
    op.create_index(op.f("ix_core_rest_answer_answered_at"), "core_rest_answer", ["answered_at"])
    op.create_table(
        "core_rest_count",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_core_rest_count")),
    )
    op.create_table(
        "core_rest_use",
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("hour_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["core_rest_token.id"], name=op.f("fk_core_rest_use_token_id")),
        sa.PrimaryKeyConstraint("token_id", "hour_at", name=op.f("pk_core_rest_use")),
    )


def downgrade() -> None:
    op.drop_table("core_rest_use")
    op.drop_table("core_rest_count")
    op.drop_table("core_rest_answer")
    op.drop_table("core_rest_token")
