"""The worker doubts a clock that jumps: periods are done once, and a wrong minute must not use up those of a year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.jobs.clock import WAIT_SECONDS, SteadyClock

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def looks(*pairs: tuple[float, float]) -> list[bool]:
    """What a worker thinks at each look: (ticks, seconds by which the clock is wrong)."""
    clock = SteadyClock()
    return [clock.steady(NOON + timedelta(seconds=at + wrong), at) for at, wrong in pairs]


def test_a_clock_that_goes_on_is_believed() -> None:
    assert looks((0, 0), (1, 0), (90_000, 0), (90_001, 30), (90_002, -60)) == [True] * 5


@pytest.mark.parametrize("jump", [400 * 86_400, 86_400, -2 * 86_400, 3 * 3_600])
def test_a_jump_is_doubted_until_the_clock_has_stood_for_ten_minutes(jump: float) -> None:
    assert looks((0, 0), (1, jump), (WAIT_SECONDS, jump), (WAIT_SECONDS + 1, jump), (WAIT_SECONDS + 2, jump)) == [True, False, False, True, True]


def test_a_clock_that_comes_back_is_believed_at_once() -> None:
    assert looks((0, 0), (1, 86_400), (60, 0), (61, 0)) == [True, False, True, True]


def test_each_further_jump_is_waited_for_anew() -> None:
    assert looks((0, 0), (1, 86_400), (599, 172_800), (602, 172_800), (599 + WAIT_SECONDS, 172_800)) == [True, False, False, False, True]
