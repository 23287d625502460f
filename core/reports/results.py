"""A report's outcome, of now or as it was kept: what page, print and files show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.exporter.columns import Column
from core.i18n import Bilingual, in_both
from core.reports import keeping
from core.reports.models import ReportRun
from core.reports.offers import Chart, Report, ReportFigure
from core.reports.words import Cell


@dataclass(frozen=True)
class Result:
    """A report as the page shows it: some rows (amounts as Money) from ``start`` on, how many there are in all, and sums over all of them.

    Of very many rows ``count`` is how many there are at least, and ``bounded`` is true. ``run`` is the kept run it comes from, None
    for one made just now; ``said`` are its parameters in words.
    """

    report: Report
    values: Mapping[str, Any]
    columns: Sequence[Column]
    rows: list[Sequence[Any]]
    count: int
    totals: dict[str, list[Any]] = field(default_factory=dict)
    start: int = 0
    figures: Sequence[ReportFigure] = ()
    charts: Sequence[Chart] = ()
    said: Sequence[Cell] = ()
    run: ReportRun | None = None
    bounded: bool = False

    @property
    def more(self) -> int:
        """Rows after the shown ones; of very many at least so many."""
        return max(int(self.bounded), self.count - self.start - len(self.rows))

    @property
    def title(self) -> Any:
        return self.report.title if self.run is None else self.run.title

    @property
    def about(self) -> Any:
        return self.report.about if self.run is None else Bilingual.of(self.run.document["about"])


def document_of(result: Result, given: Mapping[str, str]) -> dict[str, Any]:
    """What a kept run holds of a whole result; ``given`` are its parameters as texts, by which it can be made again."""
    return {
        "report": result.report.name, "title": in_both(result.report.title), "about": in_both(result.report.about), "parameters": dict(given),
        "shown": [{"label": in_both(one.label), "value": keeping.pack(one.value)} for one in result.said],
        "columns": keeping.pack_columns(result.columns), "rows": [[keeping.pack(value) for value in row] for row in result.rows],
        "totals": {key: [keeping.pack(one) for one in sums] for key, sums in result.totals.items()},
        "figures": keeping.pack_figures(result.figures), "charts": [keeping.pack_chart(one) for one in result.charts],
    }


def result_of(run: ReportRun, report: Report, *, start: int = 0, limit: int | None = None) -> Result:
    """A kept run as it was, rows from ``start`` on."""
    kept = run.document
    rows = kept["rows"][start:None if limit is None else start + limit]
    return Result(
        report, kept["parameters"], keeping.unpack_columns(kept["columns"]), [keeping.unpack(row) for row in rows], len(kept["rows"]),
        {key: keeping.unpack(sums) for key, sums in kept["totals"].items()}, start, keeping.unpack_figures(kept["figures"]),
        [keeping.unpack_chart(one) for one in kept["charts"]], [Cell(Bilingual.of(one["label"]), keeping.unpack(one["value"])) for one in kept["shown"]], run,
    )
