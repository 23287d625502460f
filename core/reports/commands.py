"""``diwan report list`` and ``diwan report run NAME``."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping
from typing import Any

from core import work
from core.commands import operator, reading
from core.errors import DiwanError
from core.exporter.columns import plain
from core.money import Money, plain_amount
from core.reports import services
from core.reports.offers import Report


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
        made = services.export(session, report, given, actor=operator(), now=work.now(), bom=bool(getattr(options, "bom", False)))
        with made.file:
            text = _json(session, report, given) if options.format == "json" else None
            with work.unit_of_work(session):
                services.log_export(session, made, actor=operator())
            _put_out(options.out, made, text)


def _given(pairs: Any) -> dict[str, str]:
    split = [pair.partition("=") for pair in pairs]
    wrong = [key for key, sign, _value in split if not sign]
    if wrong:
        raise DiwanError(f"'{wrong[0]}' is no parameter. Write --parameter NAME=VALUE, such as --parameter from_on=2026-01-01.")
    return {key: value for key, _sign, value in split}


def _put_out(path: str | None, made: services.Export, text: str | None) -> None:
    if path is None:
        if text is None:
            shutil.copyfileobj(made.file, sys.stdout.buffer)
            sys.stdout.flush()
        else:
            print(text)
        return
    with open(path, "wb") as out:
        if text is None:
            shutil.copyfileobj(made.file, out)
        else:
            out.write(text.encode())
    print(f"{path}: {made.outcome.rows} rows, sha256 {made.outcome.sha256}", file=sys.stderr)


def _json(session: Any, report: Report, given: Mapping[str, str]) -> str:
    result = services.run(session, report, given, actor=operator(), now=work.now(), limit=None)
    keys = [column.key for column in report.columns]
    rows = [{key: _value(value) for key, value in zip(keys, row, strict=True)} for row in result.rows]
    document = {"report": report.name, "parameters": {key: plain(value) for key, value in result.values.items() if value is not None}, "rows": rows}
    return json.dumps(document, ensure_ascii=False, indent=1)


def _value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    return {"amount": plain_amount(value.amount, value.currency), "currency": value.currency} if isinstance(value, Money) else plain(value)
