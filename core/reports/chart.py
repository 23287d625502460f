"""The picture of a report as SVG, drawn by the server: the same one on the page, in print and in the PDF.

The pages' policy forbids inline style, so there are attributes for paper and classes for the page, whose sheet knows the
dark theme. Coordinates run left to right in both languages; what reads right to left is mirrored here (LOOK 6.5).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from core.admin.printing import MINUS
from core.i18n import direction
from core.i18n import gettext as _
from core.reports.offers import Chart, Number

LETTER = 7.2
"""Units that a letter takes at most on average; a text is never wider than this times its letters."""
FACT, BEFORE, INK, MUTED, RULE, BASE = "#14557B", "#7A95A8", "#15202A", "#4B5A67", "#DCE2E7", "#7C8994"
TONE_INKS = {"": FACT, "good": "#1A6844", "warn": "#B8790F", "bad": "#B12E23"}
NARROWEST, PLOT, LEGEND, VALUE, LABEL, EDGE = 420, 150, 30, 20, 24, 10
LONGEST_COLUMN, LONGEST_BAR, BAR_WIDTH = 120, 190, 420
RIGHT_TO_LEFT, POP = "\u202b", "\u202c"
_ARABIC = re.compile("[\u0590-\u08ff]")
_PHYSICAL = {"start": "left", "middle": "middle", "end": "right"}
_ANCHORS = {"left": "start", "middle": "middle", "right": "end"}
_OTHER = {"left": "right", "right": "left", "middle": "middle", "start": "end", "end": "start"}


def draw(chart: Chart) -> Markup:
    """The chart as an SVG element in the language and direction of now."""
    drawing = _bars(chart) if chart.kind == "bars" else _columns(chart)
    return drawing.svg(said(chart))


def said(chart: Chart) -> str:
    """The chart in words with all its numbers, for whoever does not see it."""
    parts = []
    for place, label in enumerate(chart.labels):
        values = [f"{one.label} {value_text(one.values[place], chart.unit)}".strip() for one in chart.series]
        parts.append(f"{label}: {_(', ').join(values)}{_(', ') + _('not ended') if place == chart.unfinished else ''}")
    target = [f"{target_text(chart)}"] if chart.target is not None else []
    return f"{chart.title}. " + _("; ").join([*target, *parts])


def value_text(value: Number | None, unit: str = "") -> str:
    """A value as it stands on its bar: thousands separated, a true minus, at most one decimal, the unit after it."""
    if value is None:
        return "–"
    number = Decimal(str(value))
    text = f"{number:,.0f}" if number == number.to_integral_value() else f"{number:,.1f}"
    return f"{text}{unit}".replace("-", MINUS)


def target_text(chart: Chart) -> str:
    return f"{chart.target_label or _('Target')} {value_text(chart.target, chart.unit)}"


@dataclass
class _Drawing:
    """What was drawn so far, on a ground of ``width`` by ``height`` units. Places count from where reading begins."""

    width: float
    height: float = 0
    mirrored: bool = field(default_factory=lambda: direction() == "rtl")
    parts: list[Markup] = field(default_factory=list)

    def rect(self, at: float, top: float, width: float, height: float, ink: str, name: str, *, faint: bool = False) -> None:
        left = self.width - at - width if self.mirrored else at
        more = Markup(' fill-opacity="0.5" stroke="{}" stroke-dasharray="3 2"').format(ink) if faint else ""
        self.parts.append(Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="1" fill="{}"{}/>').format(
            name, _n(left), _n(top), _n(width), _n(height), ink, more))

    def line(self, first: float, top: float, last: float, bottom: float, ink: str, name: str, *, dashed: bool = False) -> None:
        a, b = (self.width - first, self.width - last) if self.mirrored else (first, last)
        self.parts.append(Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}"{}/>').format(
            name, _n(a), _n(top), _n(b), _n(bottom), ink, Markup(' stroke-dasharray="3 3"') if dashed else ""))

    def text(self, at: float, baseline: float, words: Any, anchor: str = "start", *, strong: bool = False) -> None:
        """Words at a place: ``anchor`` says where they lie from it in reading direction."""
        text, side = str(words), _PHYSICAL[anchor]
        if self.mirrored:
            at, side = self.width - at, _OTHER[side]
        arabic = bool(_ARABIC.search(text))
        side = _ANCHORS[_OTHER[side] if arabic else side]
        self.parts.append(Markup('<text class="{}" x="{}" y="{}"{} text-anchor="{}"{} fill="{}">{}</text>').format(
            "dw-strong" if strong else "dw-word", _n(at), _n(baseline), Markup(' direction="rtl"') if arabic else "", side,
            Markup(' font-weight="600"') if strong else "", INK if strong else MUTED, text))

    def svg(self, words: str) -> Markup:
        size = Markup('viewBox="0 0 {} {}" width="{}" height="{}"').format(*(2 * (_n(self.width), _n(self.height))))
        return Markup('<svg xmlns="http://www.w3.org/2000/svg" class="dw-chart{}" role="img" aria-label="{}" {}'
                      ' font-family="IBM Plex Sans Arabic" font-size="12.5">{}</svg>').format(
            " dw-chart-wide" if self.width > NARROWEST else "", words, size, Markup("").join(self.parts))


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _width(words: Any) -> float:
    return len(str(words)) * LETTER


def _cut(words: Any, width: float) -> str:
    """The words, cut at the end where they are longer than ``width``."""
    text, most = str(words), int(width // LETTER)
    return text if len(text) <= most else f"{text[:most - 1].rstrip()}…"


def _scale(chart: Chart) -> tuple[float, float]:
    """The lowest and the highest value that the picture must hold; zero is always between them."""
    values = [float(value) for one in chart.series for value in one.values if value is not None]
    if chart.target is not None:
        values.append(float(chart.target))
    low, high = min([0.0, *values]), max([0.0, *values])
    return low, high if high > low else low + 1


def _legend(drawing: _Drawing, chart: Chart) -> float:
    """What the colours mean, for two series or a target; returns where the plot begins."""
    names = [(series.label, ink, name) for series, (ink, name) in zip(chart.series, _INKS, strict=False)][::-1] if len(chart.series) > 1 else []
    at: float = EDGE
    for label, ink, name in names:
        drawing.rect(at, 8, 10, 10, ink, name)
        drawing.text(at + 16, 17.5, label)
        at += 36 + _width(label)
    if chart.target is not None:
        drawing.line(at, 13, at + 16, 13, BASE, "dw-target", dashed=True)
        drawing.text(at + 22, 17.5, target_text(chart))
    return LEGEND if names or chart.target is not None else 4


_INKS = ((FACT, "dw-fact"), (BEFORE, "dw-before"))


def _paint(chart: Chart, series: int, place: int) -> tuple[str, str]:
    if chart.tones and chart.tones[place]:
        return TONE_INKS[chart.tones[place]], f"dw-tone-{chart.tones[place]}"
    return _INKS[series]


# --- columns: time runs in reading direction -----------------------------------------------------------------------------


def _columns(chart: Chart) -> _Drawing:
    count = len(chart.series)
    each = max([20.0, *(_width(value_text(value, chart.unit)) + 4 for one in chart.series for value in one.values)])
    longest = max([0.0, *(min(_width(label) + 12, LONGEST_COLUMN) for label in chart.labels)])
    needed = max(each * count + 16, longest) * max(1, len(chart.labels)) + 2 * EDGE
    drawing = _Drawing(max(NARROWEST, needed))
    top = _legend(drawing, chart) + VALUE
    low, high = _scale(chart)
    zero = top + PLOT * high / (high - low)
    group = (drawing.width - 2 * EDGE) / max(1, len(chart.labels))
    drawing.line(EDGE, top, drawing.width - EDGE, top, RULE, "dw-line")
    if chart.target is not None:
        at = zero - float(chart.target) * PLOT / (high - low)
        drawing.line(EDGE, at, drawing.width - EDGE, at, BASE, "dw-target", dashed=True)
    wide = min(max(each, group * 0.4 / count), 64)
    for place in range(len(chart.labels)):
        _group(drawing, chart, place, EDGE + group * (place + 0.5), wide, zero, PLOT / (high - low))
        _under(drawing, chart, place, EDGE + group * (place + 0.5), top + PLOT + (VALUE if low < 0 else 0) + 18, group)
    drawing.line(EDGE, zero, drawing.width - EDGE, zero, BASE, "dw-base")
    drawing.height = top + PLOT + (VALUE if low < 0 else 0) + LABEL + (16 if chart.unfinished is not None else 0)
    return drawing


def _group(drawing: _Drawing, chart: Chart, place: int, middle: float, wide: float, zero: float, unit: float) -> None:
    """The columns of one label; what is compared with comes first in reading direction, the fact after it."""
    count = len(chart.series)
    for number, series in enumerate(reversed(chart.series)):
        index, value = count - 1 - number, series.values[place]
        at = middle + (number - count / 2) * wide
        height = abs(float(value or 0)) * unit
        above = zero - height if (value or 0) >= 0 else zero
        if value:
            drawing.rect(at + 1, above, wide - 2, height, *_paint(chart, index, place), faint=place == chart.unfinished)
        drawing.text(at + wide / 2, above - 5 if (value or 0) >= 0 else zero + height + 14, value_text(value, chart.unit), "middle", strong=index == 0)


def _under(drawing: _Drawing, chart: Chart, place: int, middle: float, baseline: float, width: float) -> None:
    drawing.text(middle, baseline, _cut(chart.labels[place], max(width - 6, 20)), "middle")
    if place == chart.unfinished:
        drawing.text(middle, baseline + 15, _("not ended"), "middle")


# --- bars: parts with long names, one under the other --------------------------------------------------------------------


def _bars(chart: Chart) -> _Drawing:
    count, drawing = len(chart.series), _Drawing(BAR_WIDTH)
    top = _legend(drawing, chart) + 4
    start = min(max([40.0, *(_width(label) for label in chart.labels)]), LONGEST_BAR) + EDGE + 8
    end = drawing.width - EDGE - max([30.0, *(_width(value_text(value, chart.unit)) + 8 for one in chart.series for value in one.values)])
    low, high = _scale(chart)
    unit, thick = (end - start) / (high - low), 14 if count == 1 else 11
    step = thick * count + 16
    for place, label in enumerate(chart.labels):
        row = top + place * step + 6
        drawing.text(EDGE, row + thick * count / 2 + 4.5, _cut(label, LONGEST_BAR))
        for index in range(count):
            _bar(drawing, chart, (index, place), (start - low * unit, row + index * (thick + 1), thick), unit)
    drawing.height = top + len(chart.labels) * step + 6
    if chart.target is not None:
        at = start + (float(chart.target) - low) * unit
        drawing.line(at, top, at, drawing.height - 4, BASE, "dw-target", dashed=True)
    return drawing


def _bar(drawing: _Drawing, chart: Chart, which: tuple[int, int], place: tuple[float, float, float], unit: float) -> None:
    (index, label), (zero, top, thick) = which, place
    value = chart.series[index].values[label]
    length = abs(float(value or 0)) * unit
    at = zero if (value or 0) >= 0 else zero - length
    if value:
        drawing.rect(at, top, length, thick, *_paint(chart, index, label), faint=label == chart.unfinished)
    drawing.text(max(at + length, zero) + 8, top + thick / 2 + 4.5, value_text(value, chart.unit), strong=index == 0)


def for_paper(svg: str) -> str:
    """The same picture for a reader of SVG that knows no ``direction`` and anchors every text from its left."""
    return re.sub(r' direction="rtl" text-anchor="(\w+)"([^>]*)>([^<]*)<',
                  lambda found: f' text-anchor="{_OTHER[found[1]]}"{found[2]}>{RIGHT_TO_LEFT}{found[3]}{POP}<', svg)


def table_of(chart: Chart) -> tuple[list[Any], list[list[Any]]]:
    """Head and rows of the picture's numbers."""
    named: Sequence[Any] = ["", *(one.label for one in chart.series)]
    return list(named), [[label, *(value_text(one.values[place], chart.unit) for one in chart.series)] for place, label in enumerate(chart.labels)]


