"""A report on paper: parameters, figures, the page's own pictures, the table with its sums, definition and fingerprint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst
from sqlalchemy.orm import Session

from core import settings
from core.admin import logo
from core.admin.printing import reads_ltr, two_calendars
from core.assets import FONTS
from core.calendar import local_day
from core.errors import InvalidInput, Unavailable
from core.i18n import direction, language
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.reports import chart
from core.reports.results import Result
from core.reports.words import FIGURES, figure_words, on_paper

TEMPLATE = Path(__file__).with_name("printed_report.typ")
MOST_ROWS = 2_000
WIDE = 6
"""A table of more columns lies across."""


def printed(session: Session, result: Result, *, now: datetime) -> bytes:
    """The report as PDF bytes in the reader's language. Raises InvalidInput where it has more rows than a PDF is for."""
    if result.count > MOST_ROWS:
        raise InvalidInput(_l("The report has %(count)s rows, and a PDF holds 2,000. Narrow it, or download CSV or XLSX.", count=f"{result.count:,}"),
                           field="format")
    if not any(FONTS.glob("*.ttf")):
        raise Unavailable(_l("The fonts for printing are not there. Run: diwan assets"))
    sheet = json.dumps(sheet_of(session, result, now=now), ensure_ascii=False)
    return _compiler().compile(format="pdf", sys_inputs={"data": sheet}, timestamp=int(now.timestamp()))  # type: ignore[no-any-return]


@cache
def _compiler() -> Any:
    # Reading the fonts takes longer than setting the page, so one compiler serves the process.
    return typst.Compiler(str(TEMPLATE), root=str(TEMPLATE.parent), font_paths=[str(FONTS)], ignore_system_fonts=True)


def sheet_of(session: Session, result: Result, *, now: datetime) -> dict[str, Any]:
    """Everything that stands on the sheet, in words."""
    zone = settings.time_zone(session)
    association = session.info.get("association")
    picture = logo.picture_of(session, association.files_folder) if association is not None else None
    today = local_day(now, zone)
    run = result.run
    return {
        "logo": list(picture[1]) if picture is not None else [], "language": language(), "direction": direction(),
        "title": str(result.title), "place": str(association.name) if association is not None else "", "dates": list(two_calendars(today)),
        "number": run.number if run is not None else "", "frozen": _frozen(result, zone), "wide": len(result.columns) > WIDE,
        "cells": [{"label": str(one.label), "words": list(one.words)} for one in result.said],
        "figures": [{"label": str(one.label), "value": figure_words(one.value), "note": str(one.comparison)} for one in result.figures],
        "charts": [{"title": str(one.title), "note": str(one.note), "svg": chart.for_paper(str(chart.draw(one))), "said": chart.said(one)}
                   for one in result.charts],
        "heads": [{"text": str(one.label or one.key), "figure": one.kind in FIGURES} for one in result.columns],
        "rows": [[_cell(on_paper(value, column, zone)) for value, column in zip(row, result.columns, strict=True)] for row in result.rows],
        "totals": _totals(result), "empty": _("There is nothing for these parameters."), "about": str(result.about), "page": _("Page"), "of": _("of"),
        "hash": f"sha256 {run.fingerprint}" if run is not None else "", "hash_label": _("Fingerprint of the content"),
        "foot": _("Printed %(first)s, %(second)s, %(time)s.", first=two_calendars(today)[0], second=two_calendars(today)[1],
                  time=f"{now.astimezone(zone):%H:%M}"),
    }


def _cell(text: str) -> list[Any]:
    """A text, and whether it runs from left to right in every language."""
    return [text, reads_ltr(text)]


def _frozen(result: Result, zone: Any) -> str:
    if result.run is None:
        return ""
    day = local_day(result.run.made_at, zone)
    return _("Kept, its figures do not change. Made by %(name)s on %(day)s at %(time)s.", name=result.run.made_by_label, day=two_calendars(day)[0],
             time=f"{result.run.made_at.astimezone(zone):%H:%M}")


def _totals(result: Result) -> list[list[str]]:
    """The sums by column, one line a currency; none without rows."""
    if not result.totals or not result.count:
        return []
    lines: list[Sequence[Any]] = [result.totals.get(column.key, ()) for column in result.columns]
    texts = [[figure_words(value) for value in line] for line in lines]
    if not texts[0]:
        texts[0] = [_("Total")]
    return texts
