"""What a kept run holds: plain values in both languages, as canonical JSON with its checksum. No session."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from core.exporter.columns import Column
from core.i18n import Bilingual, LazyString, in_both
from core.money import Money, plain_amount
from core.reports.offers import Chart, ReportFigure, Series


def canonical(document: Mapping[str, Any]) -> str:
    """The one text of a document: keys sorted, no spaces."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def checksum(content: str) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content.encode()).hexdigest()


def pack(value: Any) -> Any:
    """A value as JSON that ``unpack`` gives back. Texts that are translated keep both languages."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, LazyString | Bilingual):
        return in_both(value)
    if isinstance(value, Money):
        return {"amount": plain_amount(value.amount, value.currency), "currency": value.currency}
    if isinstance(value, Decimal | float):
        return {"decimal": format(Decimal(str(value)), "f")}
    if isinstance(value, datetime):
        return {"moment": value.astimezone(UTC).isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    return [pack(one) for one in value] if isinstance(value, list | tuple) else str(value)


def unpack(value: Any) -> Any:
    """A packed value as it was; texts in both languages become ``Bilingual``."""
    if isinstance(value, list):
        return [unpack(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "currency" in value:
        return Money(Decimal(value["amount"]), value["currency"])
    if "decimal" in value:
        return Decimal(value["decimal"])
    if "moment" in value:
        return datetime.fromisoformat(value["moment"])
    return date.fromisoformat(value["date"]) if "date" in value else Bilingual.of(value)


def pack_columns(columns: Sequence[Column]) -> list[dict[str, Any]]:
    return [{"key": one.key, "label": in_both(one.label or one.key), "kind": one.kind, "currency": one.currency} for one in columns]


def unpack_columns(packed: Sequence[Mapping[str, Any]]) -> list[Column]:
    return [Column(one["key"], Bilingual.of(one["label"]), one["kind"], one["currency"]) for one in packed]


def pack_figures(figures: Sequence[ReportFigure]) -> list[dict[str, Any]]:
    return [{"label": in_both(one.label), "value": pack(one.value), "comparison": in_both(one.comparison), "tone": one.tone} for one in figures]


def unpack_figures(packed: Sequence[Mapping[str, Any]]) -> list[ReportFigure]:
    return [ReportFigure(Bilingual.of(one["label"]), unpack(one["value"]), Bilingual.of(one["comparison"]), one["tone"]) for one in packed]


def pack_chart(chart: Chart) -> dict[str, Any]:
    return {
        "title": in_both(chart.title), "labels": [pack(one) for one in chart.labels], "kind": chart.kind, "target": pack(chart.target),
        "target_label": in_both(chart.target_label), "unfinished": chart.unfinished, "tones": list(chart.tones), "unit": chart.unit,
        "note": in_both(chart.note),
        "series": [{"label": in_both(one.label), "values": [pack(value) for value in one.values]} for one in chart.series],
    }


def unpack_chart(packed: Mapping[str, Any]) -> Chart:
    series = [Series(Bilingual.of(one["label"]), [unpack(value) for value in one["values"]]) for one in packed["series"]]
    return Chart(Bilingual.of(packed["title"]), [unpack(one) for one in packed["labels"]], series, packed["kind"], unpack(packed["target"]),
                 Bilingual.of(packed["target_label"]), packed["unfinished"], tuple(packed["tones"]), packed["unit"], Bilingual.of(packed["note"]))
