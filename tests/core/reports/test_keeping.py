"""What a kept run holds: packed and unpacked, both languages, one text."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from core.i18n import Bilingual, use_language
from core.money import Money
from core.reports.keeping import (
    canonical,
    checksum,
    pack,
    pack_chart,
    pack_columns,
    pack_figures,
    unpack,
    unpack_chart,
    unpack_columns,
    unpack_figures,
)
from core.reports.offers import ReportFigure
from tests.core.reports.samples import BARS, CHART, WEEKLY


@pytest.mark.parametrize("value", [
    None, True, 0, 46, "", "نص", Decimal("12.50"), date(2026, 1, 4), datetime(2026, 1, 4, 9, 30, tzinfo=UTC), Money(Decimal("1.250"), "KWD"),
    Bilingual("مركز", "Centre"), [date(2026, 1, 4), date(2026, 1, 10)],
])
def test_values_come_back_as_they_were(value: object) -> None:
    assert unpack(pack(value)) == value


def test_labels_are_kept_in_both_languages() -> None:
    columns = unpack_columns(pack_columns(WEEKLY.columns))

    with use_language("ar"):
        assert [str(one.label) for one in columns[:2]] == ["المركز", "مستلمة"]
    with use_language("en"):
        assert [str(one.label) for one in columns[:2]] == ["Centre", "Received"]
    assert [(one.key, one.kind, one.currency) for one in columns] == [(one.key, one.kind, one.currency) for one in WEEKLY.columns]


def test_figures_and_charts_come_back() -> None:
    figure = ReportFigure(Bilingual("أ", "a"), Decimal("9.5"), Bilingual("ب", "b"), "bad")

    assert unpack_figures(pack_figures([figure])) == [figure]
    for chart in (CHART, BARS):
        assert pack_chart(unpack_chart(pack_chart(chart))) == pack_chart(chart)


def test_one_document_has_one_text_and_one_checksum() -> None:
    assert canonical({"b": 1, "a": ["ش"]}) == canonical({"a": ["ش"], "b": 1}) == '{"a":["ش"],"b":1}'
    assert checksum(canonical({"a": 1})) != checksum(canonical({"a": 2}))
