"""The state of the installation on "My day" of who runs it: failed work, mail that waits, the last backup."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from core import settings
from core.admin.offers import DashboardCard, Figure
from core.auth.actor import Actor
from core.calendar import span_words
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.i18n import ngettext
from core.jobs import queries
from core.state import state
from core.text import isolate

MANAGE = "jobs.manage"
OUTBOX = "notices.outbox"


def cards() -> list[DashboardCard]:
    return [
        DashboardCard("jobs.failed", _l("Failed background work"), MANAGE, failed_work, order=80),
        DashboardCard("jobs.mail", _l("Mail that waits"), MANAGE, waiting_mail, order=81),
        DashboardCard("jobs.backup", _l("Last backup"), MANAGE, last_backup, order=82),
    ]


def failed_work(session: Session, actor: Actor, now: datetime) -> Figure:
    """How many jobs were given up, and whether a worker looks after the rest."""
    found = queries.health(session, now)
    seen = "" if found.beat_at is None else span_words(int((now - found.beat_at).total_seconds() // 60))
    if found.beat_at is None or now - found.beat_at > queries.LATE_AFTER:
        words = _("no worker for %(span)s", span=seen) if seen else _("no worker has looked yet")
        return Figure(found.dead, words, "/settings/jobs/", "bad")
    words = ngettext("%(num)s job is late", "%(num)s jobs are late", found.late) if found.late else _("the worker looked %(span)s ago", span=seen)
    return Figure(found.dead, words, "/settings/jobs/?state=dead" if found.dead else "/settings/jobs/", "bad" if found.dead else "warn" if found.late else "")


def waiting_mail(session: Session, actor: Actor, now: datetime) -> Figure:
    """How many mails have not left, and how many never will; the texts are for who may see outgoing mail."""
    from core.notices.queries import mail_counts

    counts = mail_counts(session)
    waiting, failed = counts.get("queued", 0) + counts.get("sending", 0), counts.get("failed", 0)
    if not settings.get(session, "notices.smtp_host"):
        words = _("no mail server is set; texts are copied by hand")
    else:
        words = ngettext("%(num)s failed for good", "%(num)s failed for good", failed) if failed else _("none failed")
    return Figure(waiting, words, "/settings/outbox/" if actor.may(OUTBOX) else "", "bad" if failed else "")


def last_backup(session: Session, actor: Actor, now: datetime) -> Figure:
    """How old the newest backup of this association is; red where it is older than a night and a bit, or missing."""
    from core.backup import newest
    from core.doctor import BACKUP_AGE

    file = newest(state().association)
    if file is None:
        return Figure(_("no backup yet"), _("each night: %(command)s", command=isolate("diwan backup")), "", "bad")
    age = now - datetime.fromtimestamp(file.stat().st_mtime, UTC)
    words = _("the rest of the state: %(command)s", command=isolate("diwan doctor"))
    return Figure(_("%(span)s ago", span=span_words(max(0, int(age.total_seconds() // 60)))), words, "", "bad" if age > BACKUP_AGE else "")
