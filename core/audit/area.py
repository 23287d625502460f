"""The audit log, as an area of core: who may read, export and check it, its page and its daily jobs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_admin import BaseView
from sqlalchemy.orm import Session

from core import keys
from core.admin.offers import DashboardCard, Figure
from core.audit import models, services  # noqa: F401  (services registers the capture)
from core.auth.actor import Actor
from core.hookspecs import hookimpl
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.jobs.offers import Job
from core.plugins.manifest import AreaInfo, Permission

AREA = AreaInfo(
    name="audit",
    title=_l("Audit log"),
    permissions=(
        Permission("audit.read", _l("Read the audit log"), roles=("auditor", "administrator", "it_administrator")),
        Permission("audit.export", _l("Export the audit log"), roles=("auditor",)),
        Permission("audit.verify", _l("Check and anchor the audit log"), roles=("auditor", "administrator", "it_administrator")),
    ),
    untracked={**models.UNTRACKED, **keys.UNTRACKED},
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.audit.views import AuditView

    return [AuditView()]


@hookimpl
def register_jobs() -> list[Job]:
    return [
        Job("audit.anchor", _anchor, every="day", at="02:30", title=_l("Anchor the audit log")),
        Job("audit.verify", _verify, every="day", at="03:00", title=_l("Check the audit log"), commits=True),
    ]


@hookimpl
def register_dashboard_cards() -> list[DashboardCard]:
    return [DashboardCard("audit.verdict", _l("Audit log"), "audit.read", _verdict_card, order=1)]


def _verdict_card(session: Session, actor: Actor, now: datetime) -> Figure | None:
    """Shown only while the last check found the chain broken."""
    from core.audit import checks

    found = checks.last_verdict(session)
    if found is None or found[1]["sound"]:
        return None
    return Figure(_("broken"), _("Issue no finance batch until this is settled."), "/audit/", "bad")


def _anchor(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    from core.audit import checks

    checks.anchor(session)


def _verify(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """Checking may take a minute, so it reads outside any writing transaction; only what it found is written."""
    from core import work
    from core.audit import checks

    verdict = checks.check_chain(session)
    with work.unit_of_work(session) as own:
        checks.record_verdict(own, verdict)
