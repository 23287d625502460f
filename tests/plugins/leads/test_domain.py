"""Pure rules: the moves of a lead, its weighted value, the schedule of a pledge."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest

from core.errors import InvalidInput
from plugins.leads import domain
from plugins.leads.domain import CANCELLED, CLOSING, FOLLOW_UP, IDENTIFIED, SUCCESSFUL
from tests.plugins.leads.conftest import sar

SIGNED = date(2026, 3, 10)
ALLOWED = {(IDENTIFIED, FOLLOW_UP), (FOLLOW_UP, CLOSING), (CLOSING, SUCCESSFUL), (CLOSING, FOLLOW_UP), (IDENTIFIED, CANCELLED), (FOLLOW_UP, CANCELLED),
           (CLOSING, CANCELLED)}


def test_of_all_moves_seven_are_allowed() -> None:
    """LEAD-13."""
    assert {pair for pair in product(domain.states(), repeat=2) if domain.may_move(*pair)} == ALLOWED
    assert set(domain.WAYS) == ALLOWED, "each has its act"
    assert set(domain.GATES) == set(domain.states())


@pytest.mark.parametrize(("minor", "probability", "weighted"), [
    (10_000_000, 40, 4_000_000), (5_000_000, 80, 4_000_000), (101, 50, 51), (99, 0, 0), (99, 100, 99)])
def test_a_weighted_value_is_the_amount_by_its_probability(minor: int, probability: int, weighted: int) -> None:
    assert domain.weighted_minor(minor, probability) == weighted


def test_a_schedule_is_read_line_by_line_in_any_digits() -> None:
    parts = domain.read_schedule("2026-06-01 20000\n\n٢٠٢٦-١٢-٠١ ٣٠٠٠٠", sar("50000"), SIGNED)

    assert [(one.due_on, str(one.amount)) for one in parts] == [(date(2026, 6, 1), "20000.00 SAR"), (date(2026, 12, 1), "30000.00 SAR")]


def test_without_a_schedule_the_whole_is_one_part() -> None:
    assert domain.read_schedule(" \n", sar("50000"), SIGNED) == [domain.Part(None, sar("50000"))]


@pytest.mark.parametrize("text", ["2026-06-01 20000", "2026-06-01", "soon 50000", "2026-06-01 many", "2026-03-09 50000", "2026-06-01 -5\n2026-07-01 50005",
                                  "\n".join(["2026-06-01 1"] * 61)])
def test_a_schedule_that_is_none_is_refused_at_its_field(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        domain.read_schedule(text, sar("50000"), SIGNED)

    assert refused.value.field == "schedule"
