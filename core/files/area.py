"""Attachments, as an area of core."""

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

AREA = AreaInfo(name="files", title=_l("Files"))


@hookimpl
def register_admin_views() -> list[BaseView]:
    from core.files.views import FilesView

    return [FilesView()]


@hookimpl
def register_jobs() -> list[Job]:
    return [Job("files.sweep", _sweep, every="day")]


def _sweep(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    from core.files import services

    services.sweep(session, session.info["association"].files_folder, now)
