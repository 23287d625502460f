"""Lines that another system sends itself: read, judged and applied by an importer as those of a file, within one request.

Nothing is staged. A line is as its importer takes it; what it refuses is listed with its reasons, and the others are taken in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor
from core.errors import InvalidInput, faults
from core.i18n import lazy_gettext as _l
from core.imports import readers
from core.imports.offers import NO_FILE, Context, Importer, ImportField, Line, Reason, Verdict
from core.rest.offers import COUNT, DAY, MOMENT, Schema, record, text

MOST_LINES = 1_000
OUTCOMES = ("created", "duplicate", "refused")
KINDS: Mapping[str, Schema] = {"date": DAY, "moment": MOMENT, "integer": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
                               "amount": text(30, pattern="^-?[0-9]+([.][0-9]+)?$")}


@dataclass
class Judged:
    """One line with what becomes of it; ``id`` is what was made of it, or what is there already."""

    line: Line
    outcome: str = "created"
    reasons: list[Reason] = field(default_factory=list)
    id: int | None = None


def schema_of(importer: Importer) -> dict[str, Any]:
    """What a line may say, as JSON Schema."""
    properties = {one.key: {**_schema(one), "description": str(one.label)} for one in importer.fields}
    return record(properties, required=tuple(one.key for one in importer.fields if one.required))


def _schema(one: ImportField) -> Schema:
    if one.kind == "choice":
        return {"type": "string", "enum": sorted(set((one.choices or {}).values()))}
    return KINDS.get(one.kind) or text(one.longest, **({"minLength": 1} if one.required else {}))


def lines_schema(importer: Importer) -> dict[str, Any]:
    return record({"lines": {"type": "array", "minItems": 1, "maxItems": MOST_LINES, "items": schema_of(importer)}}, required=("lines",))


def answer_schema(of_line: Mapping[str, Any]) -> dict[str, Any]:
    """What is answered: how many, and each line by its place in the request, counted from 1. ``of_line``: what a taken line has besides."""
    reason = record({"field": {"type": ["string", "null"]}, "message": {"type": "string"}}, required=("field", "message"))
    line = record({"line": {"type": "integer", "minimum": 1}, "outcome": {"type": "string", "enum": list(OUTCOMES)},
                   "reasons": {"type": "array", "items": reason}, **of_line}, required=("line", "outcome", "reasons"))
    return record({**dict.fromkeys(OUTCOMES, COUNT), "lines": {"type": "array", "items": line}}, required=(*OUTCOMES, "lines"))


def judge(session: Session, importer: Importer, rows: Sequence[Mapping[str, Any]], *, actor: Actor) -> list[Judged]:
    """Read and judge the lines; nothing is written. Moments without an offset are by the association's clock."""
    declared = readers.Declaration(date_order="ymd", time_zone=str(settings.time_zone(session)), region=str(settings.get(session, "core.country")),
                                   currency=settings.currency(session))
    found = [_read(importer, number, row, declared) for number, row in enumerate(rows, 1)]
    readable = [one for one in found if not one.reasons]
    verdicts = importer.check(session, [one.line for one in readable], Context(NO_FILE, actor, source=actor.label)) if readable else ()
    for one, verdict in zip(readable, verdicts, strict=True):
        _take(one, verdict)
    return found


def _read(importer: Importer, number: int, row: Mapping[str, Any], declared: readers.Declaration) -> Judged:
    values: dict[str, Any] = {}
    reasons: list[Reason] = []
    own = readers.of_line(declared, *(next((row.get(one.key) for one in importer.fields if one.kind == kind), None) for kind in ("country", "currency")))
    for one in importer.fields:
        try:
            value = readers.coerce(row.get(one.key), one.kind, own, field=one.key, choices=one.choices, labels=one.labels, longest=one.longest)
        except InvalidInput as error:
            reasons += [Reason(one.key, fault.message) for fault in faults(error)]
            continue
        if value not in (None, ""):
            values[one.key] = value
        elif one.required:
            reasons.append(Reason(one.key, _l("“%(field)s” is empty; every line needs it.", field=one.label)))
    return Judged(Line(number, values), "refused" if reasons else "created", reasons)


def _take(one: Judged, verdict: Verdict) -> None:
    one.outcome = {"create": "created", "update": "created"}.get(verdict.outcome, verdict.outcome)
    one.reasons, one.id = list(verdict.reasons), verdict.target_id


def good(judged: Sequence[Judged]) -> list[Judged]:
    return [one for one in judged if one.outcome == "created"]


def told(judged: Sequence[Judged], of_line: Callable[[Judged], Mapping[str, Any]]) -> dict[str, Any]:
    """The answer; ``of_line`` says what a line has besides, where something is made of it."""
    counts = {name: sum(1 for one in judged if one.outcome == name) for name in OUTCOMES}
    lines = [{"line": one.line.line_no, "outcome": one.outcome,
              "reasons": [{"field": each.field, "message": str(each.message)} for each in one.reasons], **of_line(one)} for one in judged]
    return {**counts, "lines": lines}
