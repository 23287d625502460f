"""``diwan import``: the same stages as the pages, for registers that are taken in by command."""

from __future__ import annotations

import argparse
import hashlib
import secrets
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from flask import Flask
from sqlalchemy.orm import Session

from core import settings, work
from core.auth.actor import Actor
from core.auth.queries import user_named
from core.auth.services import actor_for
from core.commands import check_new_file, chosen, operator
from core.errors import DiwanError, InvalidInput
from core.imports import readers, services
from core.imports.models import Import
from core.imports.offers import Importer
from core.imports.views import guess, staged_path
from core.opening import opened
from core.settings import Deployment

SHOWN = 20
"""Reasons of each outcome that are printed; the rest is named."""


def import_file(options: argparse.Namespace) -> int:
    """Stage, check and show; with ``--apply`` also apply. Refused lines are written to ``--refused FILE``."""
    file = Path(options.file)
    if not file.is_file():
        raise DiwanError(f"There is no file {file}.")
    if options.refused:
        check_new_file(Path(options.refused))
    with opened(chosen(options), Deployment.from_environment(), actor=operator()) as (app, session):
        importer = _importer(app, options.kind)
        actor = _actor(session, options.by)
        session.info["actor"] = actor
        row_id = _check(session, importer, file, options, actor)
        row = services.one_import(session, row_id)
        _show(session, row, importer, options)
        if options.apply:
            return _apply(session, row_id, importer, options, actor)
        print("Nothing was applied; repeat with --apply to do so.")
        return 0


def _importer(app: Flask, kind: str) -> Importer:
    importers: dict[str, Importer] = app.extensions["diwan"].named("register_importers")
    if kind not in importers:
        raise DiwanError(f"There is no kind of import '{kind}'. There are: {', '.join(sorted(importers))}.")
    return importers[kind]


def _actor(session: Session, username: str | None) -> Actor:
    """In somebody's name, so that somebody else can approve what comes of it; else the operator."""
    if not username:
        return operator()
    user = user_named(session, username)
    if user is None:
        raise DiwanError(f"There is no person with the user name '{username}'.")
    return actor_for(session, user, source="cli")


def _check(session: Session, importer: Importer, file: Path, options: argparse.Namespace, actor: Actor) -> int:
    content = file.read_bytes()
    token = secrets.token_hex(16)
    path = staged_path(session.info["association"].folder, token)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    known = importer.propose(path) if importer.propose is not None else None
    declared = {**(known.declared if known is not None else {}), **_declared(session, options)}
    reading = readers.read(path, services.declaration(declared))
    mapping = {**(known.mapping if known is not None else guess(importer, reading)), **_columns(options.column)}
    with work.unit_of_work(session) as own:
        row = services.receive(own, importer, file_name=file.name, token=token, sha256=hashlib.sha256(content).hexdigest(), actor=actor, now=work.now())
        services.declare(own, row, importer, reading.headings, mapping=mapping, declared=declared, options=_pairs(options.option), actor=actor)
        services.stage_and_check(own, row, importer, path, actor=actor, now=work.now())
        return row.id


def _declared(session: Session, options: argparse.Namespace) -> dict[str, object]:
    given = {"encoding": options.encoding, "delimiter": options.delimiter, "sheet": options.sheet, "header_row": options.header_row,
             "date_order": options.date_order, "decimal": options.decimal, "calendar": options.calendar,
             "currency": options.currency or settings.currency(session), "region": options.region or settings.get(session, "core.country"),
             "time_zone": options.time_zone or settings.get(session, "core.time_zone")}
    return {key: value for key, value in given.items() if value not in (None, "")}


def _pairs(given: list[str] | None) -> dict[str, str]:
    pairs = [one.partition("=") for one in given or ()]
    wrong = next((key for key, sign, _value in pairs if not sign), None)
    if wrong:
        raise DiwanError(f"'{wrong}' is not of the form field=column.")
    return {key: value for key, _sign, value in pairs}


def _columns(given: list[str] | None) -> dict[str, str | list[str]]:
    """``--column field=heading``; given several times for a field, its columns are joined."""
    chosen: dict[str, list[str]] = {}
    for one in given or ():
        for key, heading in _pairs([one]).items():
            chosen.setdefault(key, []).append(heading)
    return {key: own[0] if len(own) == 1 else own for key, own in chosen.items()}


def _show(session: Session, row: Import, importer: Importer, options: argparse.Namespace) -> None:
    print("Columns: " + ", ".join(f"{key} = {' + '.join(own)}" for key, chosen in row.mapping.items() if (own := services.headings_of(chosen))))
    if row.left_out:
        print("Not taken: " + ", ".join(f"{heading} ({count} filled)" for heading, count in row.left_out.items()))
    print("  ".join(f"{outcome}: {row.counts.get(outcome, 0)}" for outcome in ("create", "update", "duplicate", "refused")))
    for outcome, rest in (("duplicate", f"see the page of import {row.id}"), ("refused", "all of them in the file of --refused")):
        _list(services.reasons_of(session, row.id, outcome), "duplicate: " if outcome == "duplicate" else "", rest)
    if options.refused:
        from core.imports.views import refused_file

        Path(options.refused).write_bytes(refused_file(session, row, staged_path(session.info["association"].folder, row.token)))


def _list(reasons: Iterator[tuple[int, str, str, object]], before: str, rest: str) -> None:
    for line_no, field, reason, _cells in islice(reasons, SHOWN):
        print(f"line {line_no}: {before}{f'{field}: ' if field else ''}{reason}", file=sys.stderr)
    if next(reasons, None) is not None:
        print(f"… ({rest})", file=sys.stderr)


def _apply(session: Session, row_id: int, importer: Importer, options: argparse.Namespace, actor: Actor) -> int:
    with work.unit_of_work(session) as own:
        row = services.one_import(own, row_id)
        good = services.good(row.counts)
        if not good:
            print("There is nothing to apply.")
            return 0
        if row.counts.get("refused") and not options.leave_out_refused:
            raise InvalidInput(f"{row.counts['refused']} lines are refused. Repeat with --leave-out-refused to apply the others.")
        services.choose_to_apply(own, row, importer, expected=good, leave_out_refused=options.leave_out_refused, actor=actor)
    services.run_as_job(session, row_id, importer, actor=actor, now=work.now())
    print(f"{good} lines applied.")
    return 0
