"""The drop folder: files that the exchange lays into ``drop/calls`` of the association are taken in, whole ones only.

Each is moved to ``done`` or ``refused`` with a report beside it. It is read as one that is uploaded, and stands among the imports.
A file that was begun by a run that was killed is gone on with.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.auth import queries as staff
from core.auth.actor import Actor, system_actor
from core.errors import AppError
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.i18n import use_language
from core.imports import readers
from core.imports import services as imports
from core.imports.models import Import
from core.imports.offers import Importer
from core.imports.views import guess, refused_file, staged_path
from core.jobs.services import check_stop, progress
from core.notices import services as notices
from plugins.callcenter import importers
from plugins.callcenter.exchange import IMPORT

SETTLED = timedelta(minutes=1)
"""So long nothing was written to a file before it is taken for whole."""
UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")
LANGUAGES = ("ar", "en")


def folder_of(association_folder: Path) -> Path:
    return association_folder / "drop" / "calls"


def keeper() -> Actor:
    """In whose name files of the folder are taken in: nobody's; only who runs the machine lays files there, and only this is allowed."""
    return replace(system_actor("job", "drop folder"), permissions=frozenset({IMPORT}))


def whole_files(folder: Path, now: datetime) -> Iterator[Path]:
    """Files that can be taken in now, the oldest name first: no hidden or half-copied one, and none that is still being written."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_symlink() or not path.is_file() or path.name.startswith(".") or path.suffix.lower() in UNFINISHED:
            continue
        if datetime.fromtimestamp(path.stat().st_mtime, UTC) <= now - SETTLED:
            yield path


def look(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """The job: take in every whole file. Commits block by block."""
    for path in list(whole_files(folder_of(session.info["association"].folder), now)):
        take(session, path, now)
        check_stop(session)


def take(session: Session, path: Path, now: datetime) -> Import | None:
    """Take one file in and move it away; what cannot be read is moved to ``refused`` with the reason."""
    importer, content = importers.importers()[0], path.read_bytes()
    row_id = None
    try:
        row_id = _received(session, importer, path.name, content, now)
        _checked(session, row_id, importer, now)
        _applied(session, row_id, importer, now)
    except AppError as error:
        reason = error.message
        if row_id is not None:
            with work.unit_of_work(session) as own:
                imports.fail(own, row_id, error, now=now)
        _move(path, "refused", now, {".report.txt": _in_both(lambda: str(reason))})
        _tell(session, _l("The file “%(file)s” of the exchange was not taken in. It lies in the folder “refused”, with the reason beside it.", file=path.name),
              f"/imports/{row_id}" if row_id is not None else "", now)
        return None
    row = imports.one_import(session, row_id)
    reports = {".report.txt": _in_both(lambda: _told(row))}
    if row.counts.get("refused"):
        reports[".refused.csv"] = refused_file(session, row, staged_path(session.info["association"].folder, row.token))
    nothing_good = set(row.counts) == {"refused"}
    _move(path, "refused" if nothing_good else "done", now, reports)
    if row.counts.get("refused"):
        _tell(session, _l("%(n)s lines of the exchange’s file “%(file)s” were refused. They lie beside it in the folder, with their reasons.",
                          n=row.counts["refused"], file=path.name), f"/imports/{row.id}", now)
    return row


def _received(session: Session, importer: Importer, name: str, content: bytes, now: datetime) -> int:
    """A new import of these bytes; of a run that was killed the one it began. A file that comes again is read again: settings may have changed."""
    found = hashlib.sha256(content).hexdigest()
    token = secrets.token_hex(16)
    staged = staged_path(session.info["association"].folder, token)
    staged.parent.mkdir(parents=True, exist_ok=True)
    staged.write_bytes(content)
    with work.unit_of_work(session) as own:
        key = _key(own, found)
        row = imports.receive(own, importer, file_name=name, token=token, sha256=found, actor=keeper(), now=now, operation_key=key)
        row_id, kept = row.id, row.token
    if kept != token:
        staged.unlink(missing_ok=True)
    return row_id


def _key(session: Session, sha256: str) -> str:
    """By what an import of these bytes is known: one for each time that they were taken in to the end."""
    begins = f"drop:{sha256[:48]}"
    ended = [one for one in session.scalars(sa.select(Import).where(Import.operation_key.startswith(begins, autoescape=True)))
             if one.state in ("applied", "undone") or (one.state == "checked" and not imports.good(one.counts))]
    return f"{begins}:{len(ended)}"


def _checked(session: Session, row_id: int, importer: Importer, now: datetime) -> None:
    row = imports.one_import(session, row_id)
    if row.state not in ("uploaded", "checking", "failed"):
        return
    path = staged_path(session.info["association"].folder, row.token)
    known = importer.propose(path) if importer.propose is not None else None
    declared = {**(known.declared if known is not None else {}), **_said(session)}
    reading = readers.read(path, imports.declaration(declared))
    kept = imports.remembered(session, importer.name, reading.headings)
    mapping = kept.mapping if kept is not None else known.mapping if known is not None else guess(importer, reading)
    with work.unit_of_work(session) as own:
        own.info["actor"] = keeper()
        one = imports.one_import(own, row_id)
        imports.declare(own, one, importer, reading.headings, mapping=mapping, declared=declared, options={}, actor=keeper())
        imports.stage_and_check(own, one, importer, path, actor=keeper(), now=now, commit=lambda staged: _between(own, staged))


def _said(session: Session) -> dict[str, Any]:
    """What the settings say of the exchange's files."""
    said = {"time_zone": settings.get(session, "callcenter.drop_zone"), "date_order": settings.get(session, "callcenter.drop_date_order"),
            "region": settings.get(session, "core.country")}
    return {key: value for key, value in said.items() if value}


def _between(session: Session, staged: int) -> None:
    progress(session, staged)
    work.commit(session)
    check_stop(session)
    work.begin_write(session)
    session.info["actor"] = keeper()


def _applied(session: Session, row_id: int, importer: Importer, now: datetime) -> None:
    with work.unit_of_work(session) as own:
        own.info["actor"] = keeper()
        row = imports.one_import(own, row_id)
        good = imports.good(row.counts)
        if row.state == "checked" and good:
            imports.choose_to_apply(own, row, importer, expected=good, leave_out_refused=True, actor=keeper())
        state = row.state
    if state == "applying":
        imports.run_as_job(session, row_id, importer, actor=keeper(), now=now)


def _told(row: Import) -> str:
    return str(_("%(file)s: %(new)s lines are new, %(there)s were there before, %(refused)s are refused.", file=row.file_name,
                 new=row.counts.get("create", 0), there=row.counts.get("duplicate", 0), refused=row.counts.get("refused", 0)))


def _tell(session: Session, text: Any, link: str, now: datetime) -> None:
    """Tell whoever may take in files: nobody else looks into the folder."""
    with work.unit_of_work(session) as own:
        own.info["actor"] = keeper()
        slugs = [role.slug for role in staff.roles_granting(own, IMPORT)]
        notices.notify(own, [user.id for slug in slugs for user in staff.holders_of(own, slug)], text, link=link, now=now)


def _in_both(say: Any) -> bytes:
    """A text for who keeps the exchange, who may read either language."""
    said = []
    for code in LANGUAGES:
        with use_language(code):
            said.append(say())
    return ("\n".join(said) + "\n").encode()


def _move(path: Path, where: str, now: datetime, reports: Mapping[str, bytes]) -> None:
    """Put a file away with its reports; one of the same name that lies there stays, this one gets the time in its name."""
    target = path.parent / where
    target.mkdir(exist_ok=True)
    name = path.name if not (target / path.name).exists() else f"{path.stem}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}{path.suffix}"
    for ending, content in reports.items():
        (target / f"{name}{ending}").write_bytes(content)
    path.replace(target / name)
