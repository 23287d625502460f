"""The demo's day: nothing that it tells has yet to happen."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.demo import last_morning
from core.testing import test_deployment
from tests.support.server import run


@pytest.mark.parametrize(("made_at", "told_at"), [
    (datetime(2026, 2, 3, 2, 49, tzinfo=UTC), datetime(2026, 2, 2, 5, 40, tzinfo=UTC)),
    (datetime(2026, 2, 3, 5, 39, 59, tzinfo=UTC), datetime(2026, 2, 2, 5, 40, tzinfo=UTC)),
    (datetime(2026, 2, 3, 5, 40, tzinfo=UTC), datetime(2026, 2, 3, 5, 40, tzinfo=UTC)),
    (datetime(2026, 3, 1, 0, 0, tzinfo=UTC), datetime(2026, 2, 28, 5, 40, tzinfo=UTC)),
    (datetime(2026, 2, 3, 21, 15, tzinfo=UTC), datetime(2026, 2, 3, 5, 40, tzinfo=UTC)),
])
def test_a_demo_is_told_of_the_last_morning_that_has_been(made_at: datetime, told_at: datetime) -> None:
    assert last_morning(made_at) == told_at


@pytest.mark.processes
def test_the_whole_demo_is_made_as_the_first_command_makes_it(tmp_path: Path) -> None:
    """Both associations in their full size: what a smaller demo leaves out may refuse what it tries to do."""
    deployment = test_deployment(tmp_path)

    done = run(deployment, "demo", "--port", "8000", seconds=240)

    assert done.returncode == 0, done.stderr[-2000:]
    assert sorted(one.name for one in deployment.associations.iterdir()) == ["makkah", "rahma"] and "http://127.0.0.1:8000/rahma/" in done.stdout
