"""Remarks on customers."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.database import owner_base
from core.i18n import lazy_gettext as _l

Base = owner_base("dummy_plugin")


class Remark(Base):
    __tablename__ = "dummy_plugin_remark"
    __audit_title__ = _l("Remark")
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    text: Mapped[str] = mapped_column(sa.String(200))
    made_at: Mapped[datetime]
