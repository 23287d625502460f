"""The table of visits."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.database import owner_base
from core.i18n import lazy_gettext as _l


class Visit(owner_base("visits")):
    """One visit. What was seen stands in the audit log under the key of the person visited."""

    __tablename__, __audit_title__, __audit_subject__ = "visits_visit", _l("Visit"), "subject_id"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("core_customer.id"), index=True)
    subject_id: Mapped[str] = mapped_column(sa.String(36))
    visited_on: Mapped[date] = mapped_column(info={"label": _l("Day of the visit")})
    remarks: Mapped[str] = mapped_column(sa.Text, info={"personal": True})
    confirmed_at: Mapped[datetime | None]
