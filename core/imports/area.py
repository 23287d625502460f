"""Imports, as an area of core: pages and jobs. The kinds are offered by those who own the records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_admin import BaseView
from sqlalchemy.orm import Session

from core.hookspecs import hookimpl
from core.i18n import lazy_gettext as _l
from core.jobs.offers import Job
from core.plugins.manifest import AreaInfo

AREA = AreaInfo(
    name="imports",
    title=_l("Imports"),
    untracked={
        "core_import_line": "a copy of the uploaded file, which the log names by its hash; what comes of a line is logged where it lands",
        "core_import_mapping": "remembers how columns were chosen; holds nothing of anybody",
    },
)


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.imports.views import ImportsView

    return [ImportsView()]


@hookimpl
def register_jobs() -> list[Job]:
    return [Job("imports.check", _check, commits=True), Job("imports.apply", _apply, commits=True)]


def _check(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    from core.imports import background

    background.check(session, arguments, now)


def _apply(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    from core.imports import background

    background.apply(session, arguments, now)
