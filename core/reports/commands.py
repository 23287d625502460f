"""``diwan report list`` and ``diwan report run NAME``."""

from __future__ import annotations

import argparse
import shutil
import sys
from typing import Any

from core import work
from core.commands import operator, reading
from core.errors import DiwanError
from core.reports import services


def report_list(options: argparse.Namespace) -> None:
    """Name and title of every report of core and of the plugins that are on."""
    with reading(options) as (app, _session):
        for report in app.extensions["diwan"].offered("register_reports"):
            print(f"{report.name}\t{report.title}\t{' '.join(one.key for one in report.parameters)}")


def report_run(options: argparse.Namespace) -> None:
    """Write a report to standard output, or to ``--out``; logged like an export from the page."""
    given = _given(options.parameter or ())
    with reading(options) as (app, session):
        report = app.extensions["diwan"].named("register_reports").get(options.name)
        if report is None:
            raise DiwanError(f"There is no report '{options.name}'. `diwan report list` names those there are.")
        made = services.export(session, report, given, actor=operator(), now=work.now(), bom=bool(getattr(options, "bom", False)), format=options.format)
        with made.file:
            with work.unit_of_work(session):
                services.log_export(session, made, actor=operator())
            _put_out(options.out, made)


def _given(pairs: Any) -> dict[str, str]:
    split = [pair.partition("=") for pair in pairs]
    wrong = [key for key, sign, _value in split if not sign]
    if wrong:
        raise DiwanError(f"'{wrong[0]}' is no parameter. Write --parameter NAME=VALUE, such as --parameter from_on=2026-01-01.")
    return {key: value for key, _sign, value in split}


def _put_out(path: str | None, made: services.Export) -> None:
    if path is None:
        shutil.copyfileobj(made.file, sys.stdout.buffer)
        sys.stdout.flush()
        return
    with open(path, "wb") as out:
        shutil.copyfileobj(made.file, out)
    print(f"{path}: {made.outcome.rows} rows, sha256 {made.outcome.sha256}", file=sys.stderr)
