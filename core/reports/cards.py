"""What "My day" says of reports: those that this person must produce and that are overdue (RPT-10)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from core.admin.offers import Figure
from core.auth.actor import Actor
from core.i18n import gettext as _
from core.reports import queries
from core.reports.words import period_words


def overdue(session: Session, actor: Actor, now: datetime) -> Figure | None:
    """How many are overdue, with the title and period of the oldest; no card where there are none."""
    late = queries.overdue_for(session, actor, now)
    if not late:
        return None
    oldest = min(late, key=lambda one: (one.ends_on, one.report.name))
    words = _("%(title)s, %(period)s", title=oldest.report.title, period=period_words(oldest.starts_on, oldest.ends_on)[0])
    return Figure(len(late), words, link="/reports/calendar", tone="bad")
