"""The picture of a report: one SVG for page, print and PDF, in both directions, without any inline style."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from core.i18n import use_language
from core.reports.chart import draw, for_paper, said, table_of, value_text
from core.reports.offers import Chart, Series
from tests.core.reports.samples import BARS, CHART

ONE = Chart("Title", ["first", "second"], [Series("Count", [3, 5])])


def places(svg: str, words: str) -> list[float]:
    """How far from the left the texts with these words stand."""
    return [float(one) for one in re.findall(rf'<text[^>]* x="([\d.]+)"[^>]*>{re.escape(words)}<', svg)]


@pytest.mark.parametrize("chart", [CHART, BARS, ONE, replace(ONE, labels=(), series=[Series("Count", [])])])
@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_picture_is_sound_and_has_classes_and_attributes_only(chart: Chart, language: str) -> None:
    with use_language(language):
        root = ElementTree.fromstring(draw(chart))

    assert root.get("role") == "img"
    assert root.get("aria-label")
    used = {name for one in root.iter() for name in one.attrib}
    assert "style" not in used
    assert not any(one.tag.endswith(("script", "style")) for one in root.iter())


def test_the_label_holds_every_number_in_words() -> None:
    with use_language("en"):
        words = said(CHART)

    assert words == ("Received by week. Target 30; 1/10: Closed 13, Received 14; 4/10: Closed 29, Received 33; "
                     "11/10: Closed 35, Received 38, not ended")


def test_each_bar_has_its_value_and_nothing_stands_for_none() -> None:
    with use_language("en"):
        drawn = str(draw(CHART)), str(draw(BARS))

    assert [places(drawn[0], value) != [] for value in ("13", "14", "29", "33", "35", "38")] == [True] * 6
    assert places(drawn[1], "42")
    assert places(drawn[1], "–")
    assert drawn[1].count("<rect") == 1


def test_time_runs_in_reading_direction() -> None:
    with use_language("en"):
        english = str(draw(CHART))
    with use_language("ar"):
        arabic = str(draw(CHART))

    assert places(english, "1/10") < places(english, "11/10")
    assert places(arabic, "1/10") > places(arabic, "11/10")


def test_bars_grow_from_the_side_where_reading_begins() -> None:
    with use_language("ar"):
        svg = str(draw(BARS))

    label = re.search(r'<text[^>]* x="([\d.]+)"[^>]* direction="rtl" text-anchor="start"[^>]*>2 إلى 3 أيام<', svg)
    assert label is not None
    assert float(label[1]) > 400  # at the right edge of a ground of 420


def test_paper_gets_the_same_picture_with_anchors_of_its_reader() -> None:
    with use_language("ar"):
        svg = str(draw(BARS))

    paper = for_paper(svg)
    assert "direction" not in paper
    assert 'text-anchor="end" fill="#4B5A67">\u202b2 إلى 3 أيام\u202c<' in paper
    assert paper.count("<rect") == svg.count("<rect")


def test_target_unfinished_period_and_tones_are_named_and_marked() -> None:
    with use_language("en"):
        columns, bars = str(draw(CHART)), str(draw(replace(BARS, series=[Series("", [42, 6])])))

    assert "dw-target" in columns
    assert "Target 30" in columns
    assert "not ended" in columns
    assert columns.count("fill-opacity") == 2
    assert "dw-tone-bad" in bars


def test_values_never_stand_on_each_other() -> None:
    many = Chart("t", [f"day {n}" for n in range(60)], [Series("a", [1_000_000 + n for n in range(60)]), Series("b", [2_000_000] * 60)])
    with use_language("en"):
        found = sorted(places(str(draw(many)), "2,000,000"))

    assert min(b - a for a, b in itertools.pairwise(found)) > 9 * 7.2


def test_words_are_escaped() -> None:
    with use_language("en"):
        svg = str(draw(replace(ONE, title='"><script>', labels=["<b>", "&"])))

    ElementTree.fromstring(svg)
    assert "<script>" not in svg
    assert "&lt;b&gt;" in svg


def test_less_than_nothing_hangs_below_the_line() -> None:
    with use_language("en"):
        svg = str(draw(Chart("t", ["a", "b"], [Series("", [5, -3])])))

    ElementTree.fromstring(svg)
    assert "−3" in svg
    assert 'height="-' not in svg


@pytest.mark.parametrize(("value", "unit", "text"), [
    (1234, "", "1,234"), (Decimal("93.14"), "%", "93.1%"), (Decimal("93.0"), "%", "93%"), (-2, "", "−2"), (None, "", "–"), (0.5, "", "0.5"),
])
def test_values_as_they_stand_on_their_bar(value: object, unit: str, text: str) -> None:
    assert value_text(value, unit) == text  # type: ignore[arg-type]


def test_the_same_numbers_as_a_table() -> None:
    with use_language("en"):
        head, rows = table_of(CHART)
        assert [str(one) for one in head] == ["", "Closed", "Received"]

    assert rows[1] == ["4/10", "29", "33"]


@pytest.mark.parametrize("changes", [
    {"kind": "pie"}, {"series": []}, {"series": [Series("", [1])]}, {"series": [Series("", [1, 2])] * 3}, {"tones": ("bad",)}, {"tones": ("", "blue")},
    {"labels": [""] * 61, "series": [Series("", [1] * 61)]},
])
def test_what_cannot_be_drawn_is_refused_when_it_is_made(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="chart|Tones"):
        replace(ONE, **changes)  # type: ignore[arg-type]
