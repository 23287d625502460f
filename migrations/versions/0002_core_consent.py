"""Consents, their wordings, and the links by which customers withdraw."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0002_core_consent'
down_revision = '0001_core'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('core_consent_wording',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('text_ar', sa.Text(), nullable=False),
    sa.Column('text_en', sa.Text(), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('published_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("kind IN ('consent', 'privacy')", name=op.f('ck_core_consent_wording_kind')),
    sa.CheckConstraint("text_ar <> '' AND text_en <> ''", name=op.f('ck_core_consent_wording_text')),
    sa.ForeignKeyConstraint(['published_by_id'], ['core_user.id'], name=op.f('fk_core_consent_wording_published_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_core_consent_wording')),
    sa.UniqueConstraint('kind', 'version', name=op.f('uq_core_consent_wording_kind_version'))
    )
    with op.batch_alter_table('core_consent_wording', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_core_consent_wording_published_by_id'), ['published_by_id'], unique=False)

    op.create_table('core_consent',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('subject_id', sa.String(length=36), nullable=False),
    sa.Column('channel', sa.String(length=10), nullable=False),
    sa.Column('purpose', sa.String(length=20), nullable=False),
    sa.Column('given', sa.Boolean(), nullable=False),
    sa.Column('said_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('source', sa.String(length=10), nullable=False),
    sa.Column('wording_id', sa.Integer(), nullable=True),
    sa.Column('note', sa.String(length=300), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_by_id', sa.Integer(), nullable=True),
    sa.Column('operation_key', sa.String(length=90), nullable=True),
    sa.CheckConstraint("NOT given OR (purpose <> 'all' AND (channel = 'all') = (purpose = 'sharing'))", name=op.f('ck_core_consent_given')),
    sa.CheckConstraint("channel IN ('all', 'phone', 'sms', 'email', 'whatsapp', 'post')", name=op.f('ck_core_consent_channel')),
    sa.CheckConstraint("purpose <> 'sharing' OR channel = 'all'", name=op.f('ck_core_consent_sharing')),
    sa.CheckConstraint("purpose IN ('all', 'service', 'survey', 'marketing', 'fundraising', 'sharing')", name=op.f('ck_core_consent_purpose')),
    sa.CheckConstraint('NOT given OR wording_id IS NOT NULL', name=op.f('ck_core_consent_wording')),
    sa.CheckConstraint('said_at <= recorded_at', name=op.f('ck_core_consent_moments')),
    sa.ForeignKeyConstraint(['customer_id'], ['core_customer.id'], name=op.f('fk_core_consent_customer_id')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['core_user.id'], name=op.f('fk_core_consent_recorded_by_id')),
    sa.ForeignKeyConstraint(['wording_id'], ['core_consent_wording.id'], name=op.f('fk_core_consent_wording_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_core_consent')),
    sa.UniqueConstraint('operation_key', name=op.f('uq_core_consent_operation_key'))
    )
    with op.batch_alter_table('core_consent', schema=None) as batch_op:
        batch_op.create_index('ix_core_consent_customer', ['customer_id', 'said_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_core_consent_recorded_by_id'), ['recorded_by_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_core_consent_wording_id'), ['wording_id'], unique=False)

    op.create_table('core_consent_link',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('token', sa.String(length=40), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['core_customer.id'], name=op.f('fk_core_consent_link_customer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_core_consent_link')),
    sa.UniqueConstraint('token', name=op.f('uq_core_consent_link_token'))
    )
    with op.batch_alter_table('core_consent_link', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_core_consent_link_customer_id'), ['customer_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('core_consent_link', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_core_consent_link_customer_id'))

    op.drop_table('core_consent_link')
    with op.batch_alter_table('core_consent', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_core_consent_wording_id'))
        batch_op.drop_index(batch_op.f('ix_core_consent_recorded_by_id'))
        batch_op.drop_index('ix_core_consent_customer')

    op.drop_table('core_consent')
    with op.batch_alter_table('core_consent_wording', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_core_consent_wording_published_by_id'))

    op.drop_table('core_consent_wording')
