"""Checking and applying large files in the background, a block a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core import work
from core.auth.actor import Actor
from core.auth.models import User
from core.auth.services import actor_for
from core.errors import AppError, NotFound
from core.i18n import lazy_gettext as _l
from core.imports import queries, services
from core.imports.models import Import
from core.imports.offers import Importer
from core.imports.views import staged_path
from core.jobs.services import check_stop, progress
from core.state import state


def check(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """Stage and judge a file, a block a transaction, so that nobody waits for the whole; a killed check begins again."""
    try:
        with work.unit_of_work(session) as own:
            row, importer, actor = _begin(own, arguments)
            path = staged_path(own.info["association"].folder, row.token)
            services.stage_and_check(own, row, importer, path, actor=actor, now=now, commit=lambda staged: _between(own, actor, staged))
    except AppError as error:
        _fail(session, arguments, error, now)


def _between(session: Session, actor: Actor, staged: int) -> None:
    """Commit the block that was staged and open the next, letting the worker stop in between."""
    progress(session, staged)
    work.commit(session)
    check_stop(session)
    work.begin_write(session)
    session.info["actor"] = actor


def apply(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """Apply the good lines, a block a transaction; a killed import goes on with the lines left."""
    try:
        while _apply_block(session, arguments, now):
            check_stop(session)
    except AppError as error:
        _fail(session, arguments, error, now)


def _apply_block(session: Session, arguments: Mapping[str, Any], now: datetime) -> bool:
    with work.unit_of_work(session) as own:
        row, importer, actor = _begin(own, arguments)
        if row.state != "applying":
            return False
        more = services.apply_block(own, row, importer, actor=actor, now=now)
        if not more:
            services.finish(own, services.one_import(own, row.id), importer, actor=actor, now=now)
        done, total = queries.progress(own, services.one_import(own, arguments["import_id"]))
        progress(own, done, total)
        return more


def _begin(session: Session, arguments: Mapping[str, Any]) -> tuple[Import, Importer, Actor]:
    user = session.get(User, arguments["user_id"])
    row = services.one_import(session, arguments["import_id"])
    importer = state().named("register_importers").get(row.kind)
    if user is None or importer is None:
        raise NotFound(_l("The person who began this import, or the part of Diwan that reads it, is no longer there."))
    actor = session.info["actor"] = actor_for(session, user, source="job")
    return row, importer, actor


def _fail(session: Session, arguments: Mapping[str, Any], error: AppError, now: datetime) -> None:
    with work.unit_of_work(session) as own:
        services.fail(own, arguments["import_id"], error, now=now)
