"""What a report is: parameters, columns, rows, figures, a chart and when it is due, offered through ``register_reports``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor
from core.calendar import day_bounds, local_day
from core.exporter.columns import Column
from core.i18n import lazy_gettext as _l


@dataclass(frozen=True)
class Reach:
    """Whose records the rows of a report are made of: those of one department or of all (None), of some centres or of all (none named)."""

    department_id: int | None = None
    centre_ids: frozenset[int] = frozenset()

    def covers(self, other: Reach) -> bool:
        """Whether whoever reads this far reads everything of the other."""
        near = not self.centre_ids or (bool(other.centre_ids) and other.centre_ids <= self.centre_ids)
        return near and self.department_id in (None, other.department_id)

    def __str__(self) -> str:
        """As a kept run stores it: ``3:1,2`` are the centres 1 and 2 of the department 3, ``:`` is everything."""
        return f"{'' if self.department_id is None else self.department_id}:{','.join(str(one) for one in sorted(self.centre_ids))}"

    @classmethod
    def of(cls, text: str) -> Reach:
        department, _colon, centres = text.partition(":")
        return cls(int(department) if department else None, frozenset(int(one) for one in centres.split(",") if one))


Load = Callable[[Session, Mapping[str, Any], Actor], Any]
Rows = Callable[..., Iterable[Sequence[Any]]]
Number = int | Decimal | float
EVERY = ("day", "week", "month", "quarter", "year")
CHART_KINDS = ("columns", "bars")
TONES = ("", "good", "warn", "bad")
MOST_LABELS = 60


@dataclass(frozen=True)
class Parameter:
    """One parameter of a report. ``kind``: date, centre, choice, text or integer.

    Values arrive as ``date``, centre id, stored code, text or int; None where nothing was given and there is no default.
    ``choices`` (for ``choice``): pairs of code and label, or a function of the session that returns them.
    """

    key: str
    label: Any
    kind: str = "text"
    default: Any = None
    choices: Sequence[tuple[str, Any]] | Callable[[Session], Sequence[tuple[str, Any]]] = ()
    required: bool = False


PERIOD = (Parameter("from_on", _l("From"), "date", default="month_start"), Parameter("to_on", _l("Until"), "date", default="today"))
"""From and until, both days included; the current month until somebody asks for another."""
CENTRE = Parameter("centre_id", _l("Centre"), "centre")
STANDARD = (*PERIOD, CENTRE)


@dataclass(frozen=True)
class ReportFigure:
    """A card above the table. ``value``: int, Decimal, Money or text; ``comparison`` says what it was before, in words."""

    label: Any
    value: Any
    comparison: Any = ""
    tone: str = ""


@dataclass(frozen=True)
class Series:
    """One row of bars; None where there is no value, which is not zero."""

    label: Any
    values: Sequence[Number | None]


@dataclass(frozen=True)
class Chart:
    """What is drawn: one or two ``series`` over ``labels``, at most sixty of these.

    ``kind``: ``columns`` for time, which runs in reading direction, or ``bars`` for parts with long names. The first series
    is the fact, the second what it is compared with. ``target`` is a dashed line with its name; ``unfinished`` is the place
    of the period that has not ended, ``tones`` a colour per label (good, warn, bad) of a single series; ``unit`` follows
    each value (``%``). Raises ValueError for what cannot be drawn.
    """

    title: Any
    labels: Sequence[Any]
    series: Sequence[Series]
    kind: str = "columns"
    target: Number | None = None
    target_label: Any = ""
    unfinished: int | None = None
    tones: Sequence[str] = ()
    unit: str = ""
    note: Any = ""

    def __post_init__(self) -> None:
        if self.kind not in CHART_KINDS:
            raise ValueError(f"A chart of kind '{self.kind}': there are {', '.join(CHART_KINDS)}.")
        if not 1 <= len(self.series) <= 2:
            raise ValueError(f"A chart shows one or two series, not {len(self.series)}.")
        if len(self.labels) > MOST_LABELS or any(len(one.values) != len(self.labels) for one in self.series):
            raise ValueError(f"A chart has a value for each label of each series, and {MOST_LABELS} labels at most.")
        if self.tones and (len(self.tones) != len(self.labels) or len(self.series) > 1 or set(self.tones) - set(TONES)):
            raise ValueError(f"Tones are one for each label of a single series: {', '.join(filter(None, TONES))} or empty.")


Figures = Callable[..., Sequence[ReportFigure]]
Charts = Callable[..., Chart | Sequence[Chart] | None]


@dataclass(frozen=True)
class Part:
    """Some rows of a report that has more of them than are counted.

    ``counted`` rows there are at least, not all of them in ``rows``; ``summed`` are lines, in the order of the columns, whose
    sums are those of all rows.
    """

    rows: Sequence[Sequence[Any]]
    counted: int
    summed: Iterable[Sequence[Any]] = ()


@dataclass(frozen=True)
class Report:
    """One report. ``rows(session, parameters, actor)`` yields tuples in the order of ``columns`` and never writes.

    ``permission`` opens page and export. ``totals`` names columns to be summed; money is summed per currency and never
    across. ``about`` is definition and source, shown below. ``figures`` and ``chart`` take what ``rows`` takes and return
    the cards (``ReportFigure``) and the picture (``Chart``, or up to two) above the table. Where the three are made of the
    same, ``load(session, parameters, actor)`` reads it once, and each takes what it returned as a fourth argument.

    ``every`` (day, week, month, quarter, year) puts it into the calendar of due reports (RPT-10), each period on its own
    row; it needs the parameters of ``PERIOD``. ``role`` is the slug of who must produce it. ``kept``: its runs can be kept,
    as those of a due report can: its rows must not name persons, for a kept run never changes. ``sent_to`` are slugs of
    roles to whose holders a kept run is usually sent. ``total_row``: files end with a row of totals, which is not counted.

    ``part(session, parameters, actor, start, limit)`` is for a report of a line for each of very many records: a ``Part`` of
    ``limit`` rows from ``start`` on, in the order of ``rows``, read without reading all; None where there are few enough to
    count. Its page alone asks so; files hold what ``rows`` yields.

    ``reach`` says how far an actor's rows reach, for a report whose rows depend on its reader: a kept run is then read by who
    reaches as far as its maker did (CUST-37). Without it the rows are the same for all, but for the centre that was chosen.
    """

    name: str
    title: Any
    permission: str
    columns: Sequence[Column] = ()
    rows: Rows | None = None
    parameters: Sequence[Parameter] = STANDARD
    every: str | None = None
    totals: Sequence[str] = ()
    about: Any = ""
    figures: Figures | None = None
    chart: Charts | None = None
    role: str = ""
    kept: bool = False
    sent_to: Sequence[str] = ()
    total_row: bool = False
    load: Load | None = None
    part: Callable[[Session, Mapping[str, Any], Actor, int, int], Part | None] | None = None
    reach: Callable[[Actor], Reach] | None = None

    def __post_init__(self) -> None:
        if self.rows is None or not self.columns:
            raise ValueError(f"Report '{self.name}' needs columns and rows.")
        if self.total_row and (self.columns[0].kind != "text" or any(one.kind == "money" for one in self.columns if one.key in self.totals)):
            raise ValueError(f"The CSV of report '{self.name}' ends with totals only below a first column of text, and never with totals of money.")
        if self.every is not None and self.every not in EVERY:
            raise ValueError(f"Report '{self.name}' is due every '{self.every}'; there are {', '.join(EVERY)}.")
        if self.every is not None and not (self.parameter("from_on") and self.parameter("to_on")):
            raise ValueError(f"Report '{self.name}' is due by periods, so it needs the parameters from_on and to_on (PERIOD).")

    def parameter(self, key: str) -> Parameter | None:
        return next((one for one in self.parameters if one.key == key), None)

    @property
    def keeps(self) -> bool:
        """Whether its runs can be kept."""
        return self.kept or self.every is not None


def days_of(session: Session, parameters: Mapping[str, Any], now: datetime) -> tuple[date, date]:
    """First and last day that were asked for by ``PERIOD``; without them this month until today."""
    today = local_day(now, settings.time_zone(session))
    return parameters.get("from_on") or today.replace(day=1), parameters.get("to_on") or today


def moments_of(session: Session, parameters: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """The moments between which these days lie, by the association's clock."""
    zone = settings.time_zone(session)
    first, last = days_of(session, parameters, now)
    return day_bounds(first, zone)[0], day_bounds(last, zone)[1]
