"""A report with everything a report can have, for the tests of the report centre."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.exporter.columns import Column
from core.i18n import Bilingual
from core.reports.offers import PERIOD, Chart, Parameter, Report, ReportFigure, Series

CHART = Chart(Bilingual("المستلمة أسبوعًا بأسبوع", "Received by week"), ["1/10", "4/10", "11/10"],
              [Series(Bilingual("مغلقة", "Closed"), [13, 29, 35]), Series(Bilingual("مستلمة", "Received"), [14, 33, 38])], target=30, unfinished=2)
BARS = Chart(Bilingual("كم استغرق الإغلاق", "How long closing took"), [Bilingual("2 إلى 3 أيام", "2 to 3 days"), Bilingual("أكثر", "More")],
             [Series("", [42, None])], "bars", tones=("", "bad"))


class Unit:
    """What the rows are made of; tests change it and see that kept runs do not."""

    received = 46


def rows(_session: Session, parameters: Mapping[str, Any], _actor: Actor) -> Iterator[tuple[Any, ...]]:
    yield Bilingual("مركز الصفا", "Safa"), Unit.received, Decimal("-9.6"), 150_050, parameters["from_on"]
    yield Bilingual("مركز النسيم", "Nassim"), 28, None, 50, date(2026, 1, 2)


def figures(*_: Any) -> list[ReportFigure]:
    return [ReportFigure(Bilingual("مستلمة", "Received"), Unit.received + 28, Bilingual("سبتمبر 139", "September 139"))]


WEEKLY = Report(
    "notes.weekly", Bilingual("التقرير الأسبوعي", "Weekly report"), permission="reports.open", rows=rows, figures=figures, chart=lambda *_: [CHART, BARS],
    totals=("received", "amount"), every="week", role="crm_employee", sent_to=("subcouncil_secretary",),
    parameters=(*PERIOD, Parameter("kind", "Kind", "choice", choices=(("a", "A"), ("b", "B")))), about="Definition.",
    columns=(Column("unit", Bilingual("المركز", "Centre")), Column("received", Bilingual("مستلمة", "Received"), "integer"),
             Column("change", Bilingual("الفرق", "Change"), "number"), Column("amount", Bilingual("المبلغ", "Amount"), "money", currency="KWD"),
             Column("day", Bilingual("اليوم", "Day"), "date")),
)
SUMMED = replace(WEEKLY, name="notes.summed", every=None, role="", totals=("received",), total_row=True)
"""Not due and not kept; its files end with the totals."""
