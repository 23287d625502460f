"""The demo's day: nothing that it tells has yet to happen."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.demo import last_morning


@pytest.mark.parametrize(("made_at", "told_at"), [
    (datetime(2026, 2, 3, 2, 49, tzinfo=UTC), datetime(2026, 2, 2, 5, 40, tzinfo=UTC)),
    (datetime(2026, 2, 3, 5, 39, 59, tzinfo=UTC), datetime(2026, 2, 2, 5, 40, tzinfo=UTC)),
    (datetime(2026, 2, 3, 5, 40, tzinfo=UTC), datetime(2026, 2, 3, 5, 40, tzinfo=UTC)),
    (datetime(2026, 3, 1, 0, 0, tzinfo=UTC), datetime(2026, 2, 28, 5, 40, tzinfo=UTC)),
    (datetime(2026, 2, 3, 21, 15, tzinfo=UTC), datetime(2026, 2, 3, 5, 40, tzinfo=UTC)),
])
def test_a_demo_is_told_of_the_last_morning_that_has_been(made_at: datetime, told_at: datetime) -> None:
    assert last_morning(made_at) == told_at
