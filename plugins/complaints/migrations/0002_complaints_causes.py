"""The causes an association begins with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_complaints_causes"
down_revision = "0001_complaints"
branch_labels = None
depends_on = None

CAUSES = (
    ("late", "التأخر عن الموعد", "Late for the appointed time"),
    ("receipts", "إيصالات وشهادات التبرع", "Receipts and donation certificates"),
    ("conduct", "تعامل الموظف", "Conduct of staff"),
    ("quality", "مستوى الخدمة أو البرنامج", "Standard of a service or programme"),
    ("cancelled", "إلغاء نشاط أو برنامج", "A cancelled activity or programme"),
    ("aid", "استحقاق المساعدة", "Entitlement to aid"),
    ("contact", "صعوبة التواصل", "Difficulty in reaching the association"),
    ("information", "معلومات غير كافية", "Insufficient information"),
)


def upgrade() -> None:
    table = sa.table("complaints_cause", *(sa.column(name) for name in ("code", "name_ar", "name_en", "active")))
    op.bulk_insert(table, [{"code": code, "name_ar": ar, "name_en": en, "active": True} for code, ar, en in CAUSES])


def downgrade() -> None:
    op.execute("DELETE FROM complaints_cause")
