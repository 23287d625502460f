"""What a report is: parameters, columns, rows and totals, offered through ``register_reports`` (PLUG-05)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.exporter.columns import Column
from core.i18n import lazy_gettext as _l

Rows = Callable[[Session, Mapping[str, Any], Actor], Iterable[Sequence[Any]]]


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
class Report:
    """One report. ``rows(session, parameters, actor)`` yields tuples in the order of ``columns`` and never writes.

    ``permission`` opens page and export. ``totals`` names columns to be summed; money is summed per currency and never
    across. ``every`` (day, week, month, year) says how often it is due. ``about`` is definition and source, shown below.
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

    def __post_init__(self) -> None:
        if self.rows is None or not self.columns:
            raise ValueError(f"Report '{self.name}' needs columns and rows.")

    def parameter(self, key: str) -> Parameter | None:
        return next((one for one in self.parameters if one.key == key), None)
