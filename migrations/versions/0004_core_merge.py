"""Merges of customers, what they leave behind, and pairs that look alike."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = '0004_core_merge'
down_revision = '0003_core_imports_left_out'
branch_labels = None
depends_on = None

HOLDS = sa.text('entered_at IS NOT NULL AND undone_at IS NULL AND undoes_id IS NULL')


def upgrade() -> None:
    op.create_table('core_customer_merge',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('form_id', sa.Integer(), nullable=False),
    sa.Column('undoes_id', sa.Integer(), nullable=True),
    sa.Column('kept_id', sa.Integer(), nullable=False),
    sa.Column('kept_number', sa.String(length=20), nullable=False),
    sa.Column('lost_id', sa.Integer(), nullable=False),
    sa.Column('lost_number', sa.String(length=20), nullable=False),
    sa.Column('subject_id', sa.String(length=36), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('kept_row', sa.Text(), nullable=True),
    sa.Column('lost_row', sa.Text(), nullable=True),
    sa.Column('settled', sa.Text(), nullable=True),
    sa.Column('moved', sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"), nullable=True),
    sa.Column('entered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('kept_id <> lost_id', name=op.f('ck_core_customer_merge_two')),
    sa.ForeignKeyConstraint(['form_id'], ['core_customer_form.id'], name=op.f('fk_core_customer_merge_form_id')),
    sa.ForeignKeyConstraint(['undoes_id'], ['core_customer_merge.id'], name=op.f('fk_core_customer_merge_undoes_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_core_customer_merge')),
    sa.UniqueConstraint('form_id', name=op.f('uq_core_customer_merge_form_id'))
    )
    with op.batch_alter_table('core_customer_merge', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_core_customer_merge_kept_id'), ['kept_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_core_customer_merge_lost_id'), ['lost_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_core_customer_merge_undoes_id'), ['undoes_id'], unique=False)
        batch_op.create_index('uq_core_customer_merge_lost_now', ['lost_id'], unique=True, sqlite_where=HOLDS, postgresql_where=HOLDS)

    op.create_table('core_customer_distinct',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('one_id', sa.Integer(), nullable=False),
    sa.Column('other_id', sa.Integer(), nullable=False),
    sa.Column('subject_id', sa.String(length=36), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('decided_by', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('one_id < other_id', name=op.f('ck_core_customer_distinct_order')),
    sa.ForeignKeyConstraint(['decided_by'], ['core_user.id'], name=op.f('fk_core_customer_distinct_decided_by')),
    sa.ForeignKeyConstraint(['one_id'], ['core_customer.id'], name=op.f('fk_core_customer_distinct_one_id')),
    sa.ForeignKeyConstraint(['other_id'], ['core_customer.id'], name=op.f('fk_core_customer_distinct_other_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_core_customer_distinct')),
    sa.UniqueConstraint('one_id', 'other_id', name=op.f('uq_core_customer_distinct_one_id_other_id'))
    )
    with op.batch_alter_table('core_customer_distinct', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_core_customer_distinct_other_id'), ['other_id'], unique=False)

    op.create_table('core_customer_duplicate',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('one_id', sa.Integer(), nullable=False),
    sa.Column('other_id', sa.Integer(), nullable=True),
    sa.Column('reasons', sa.String(length=60), nullable=False),
    sa.Column('size', sa.Integer(), nullable=True),
    sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(other_id IS NULL) = (size IS NOT NULL)', name=op.f('ck_core_customer_duplicate_pair_or_crowd')),
    sa.CheckConstraint('other_id IS NULL OR one_id < other_id', name=op.f('ck_core_customer_duplicate_order')),
    sa.ForeignKeyConstraint(['one_id'], ['core_customer.id'], name=op.f('fk_core_customer_duplicate_one_id')),
    sa.ForeignKeyConstraint(['other_id'], ['core_customer.id'], name=op.f('fk_core_customer_duplicate_other_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_core_customer_duplicate')),
    sa.UniqueConstraint('one_id', 'other_id', name=op.f('uq_core_customer_duplicate_one_id_other_id'))
    )
    with op.batch_alter_table('core_customer_duplicate', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_core_customer_duplicate_other_id'), ['other_id'], unique=False)

    op.create_table('core_customer_former',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('value', sa.String(length=254), nullable=False),
    sa.Column('subject_id', sa.String(length=36), nullable=False),
    sa.Column('form_id', sa.Integer(), nullable=False),
    sa.CheckConstraint("kind IN ('phone', 'email')", name=op.f('ck_core_customer_former_kind')),
    sa.ForeignKeyConstraint(['customer_id'], ['core_customer.id'], name=op.f('fk_core_customer_former_customer_id')),
    sa.ForeignKeyConstraint(['form_id'], ['core_customer_form.id'], name=op.f('fk_core_customer_former_form_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_core_customer_former'))
    )
    with op.batch_alter_table('core_customer_former', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_core_customer_former_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_core_customer_former_form_id'), ['form_id'], unique=False)
        batch_op.create_index('ix_core_customer_former_value', ['value', 'kind'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('core_customer_former', schema=None) as batch_op:
        batch_op.drop_index('ix_core_customer_former_value')
        batch_op.drop_index(batch_op.f('ix_core_customer_former_form_id'))
        batch_op.drop_index(batch_op.f('ix_core_customer_former_customer_id'))

    op.drop_table('core_customer_former')
    with op.batch_alter_table('core_customer_duplicate', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_core_customer_duplicate_other_id'))

    op.drop_table('core_customer_duplicate')
    with op.batch_alter_table('core_customer_distinct', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_core_customer_distinct_other_id'))

    op.drop_table('core_customer_distinct')
    with op.batch_alter_table('core_customer_merge', schema=None) as batch_op:
        batch_op.drop_index('uq_core_customer_merge_lost_now', sqlite_where=HOLDS, postgresql_where=HOLDS)
        batch_op.drop_index(batch_op.f('ix_core_customer_merge_undoes_id'))
        batch_op.drop_index(batch_op.f('ix_core_customer_merge_lost_id'))
        batch_op.drop_index(batch_op.f('ix_core_customer_merge_kept_id'))

    op.drop_table('core_customer_merge')
