"""What an import leaves out: columns of the file that no field takes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

revision = '0003_core_imports_left_out'
down_revision = '0002_core_consent'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('core_import', sa.Column('left_out', JSON, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('core_import', schema=None) as batch_op:
        batch_op.drop_column('left_out')
