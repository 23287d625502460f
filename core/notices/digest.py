"""The daily digest: one mail a person with the steps that wait for him, overdue first, and the notices he has not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth.models import User
from core.auth.services import actor_for
from core.calendar import gregorian_text, hijri_text, label_words, local_day
from core.i18n import gettext as _
from core.i18n import language, ngettext, use_language
from core.notices import queries as own_notices
from core.notices import services
from core.notices.models import Notice
from core.procedures import home, queries
from core.procedures.queries import Inbox, InboxStep

LONGEST = 40
A_DAY = timedelta(days=1)


def send_digests(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """The daily job: queue one mail for each active person with an address and something to do or to hear; a second time adds none."""
    if not settings.get(session, "notices.digest"):
        return
    period = arguments.get("period") or local_day(now, settings.time_zone(session)).isoformat()
    for user in session.scalars(sa.select(User).where(User.active, User.email.is_not(None)).order_by(User.id)).all():
        _send_one(session, user, period, now)


def _send_one(session: Session, user: User, period: str, now: datetime) -> None:
    actor, code = actor_for(session, user, source="job", now=now), user.language or settings.get(session, "core.language")
    with use_language(code):
        inbox, team = queries.inbox(session, actor, now), home.team(session, actor, now)
        unread = own_notices.unread_since(session, user.id, now - A_DAY)
        if not (inbox.count or team.count or unread):
            return
        services.queue_mail(session, to=user.email or "", subject=subject_of(inbox, team, len(unread)), body=text_of(session, inbox, team, unread, now),
                            language=code, user_id=user.id, unique_key=f"digest:{period}:{user.id}", now=now)


def subject_of(inbox: Inbox, team: Inbox, unread: int = 0) -> str:
    late = len(inbox.overdue) + team.count
    if late:
        return str(ngettext("%(num)s step is overdue", "%(num)s steps are overdue", late))
    if inbox.count:
        return str(ngettext("%(num)s step waits for you", "%(num)s steps wait for you", inbox.count))
    return str(ngettext("%(num)s new notice", "%(num)s new notices", unread))


def text_of(session: Session, inbox: Inbox, team: Inbox, unread: Sequence[Notice], now: datetime) -> str:
    """The mail's text in the current language: date in both calendars, then steps by group, then what was told since yesterday."""
    today = local_day(now, settings.time_zone(session))
    dates = (hijri_text(today), gregorian_text(today)) if language() == "ar" else (gregorian_text(today), hijri_text(today))
    lines = [" · ".join(dates), ""]
    for title, steps in ((_("Overdue"), inbox.groups.get("overdue")), (_("Due today"), inbox.groups.get("today")), (_("This week"), inbox.groups.get("week")),
                         (_("Overdue in my team"), team.groups.get("overdue"))):
        if steps:
            lines += [f"{title} ({len(steps)})", *(_line(session, one) for one in steps[:LONGEST]), *_rest(len(steps) - LONGEST), ""]
    if unread:
        lines += [_("Notices (%(num)s)", num=len(unread)), *(f"- {services.words(one)}" for one in unread), ""]
    lines.append(_("This mail is sent at most once a day, while steps are open or notices are new. Whoever needs no mail tells the administrator."))
    return "\n".join(lines)


def _line(session: Session, step: InboxStep) -> str:
    parts = [f"- {step.run.step.action} ({label_words(step.run.record_label)})"]
    if step.late:
        parts.append(_("late by %(late)s", late=step.late))
    elif step.run.due_at is not None:
        local = step.run.due_at.astimezone(settings.time_zone(session))
        parts.append(_("due %(day)s %(time)s", day=gregorian_text(local.date()), time=f"{local:%H:%M}"))
    if step.behalf is not None:
        parts.append(_("on behalf of %(name)s", name=step.behalf.label))
    return " · ".join(parts)


def _rest(count: int) -> list[str]:
    return [ngettext("and %(num)s more", "and %(num)s more", count)] if count > 0 else []
