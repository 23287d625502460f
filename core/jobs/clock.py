"""Whether the machine's clock can be believed just now (reliability F24, F25).

A clock that is wrong for a minute must not make the worker do the periodic work of a year to come: each period is done
once, so none of it would be done when its day is there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

JUMP_SECONDS = 2 * 60 * 60
"""Corrections up to this are a clock that is being set right, and the hour of summer time is none at all: moments are UTC."""
WAIT_SECONDS = 10 * 60


def ticks() -> float:
    """Seconds since the machine started, asleep or not: nobody sets them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@dataclass
class SteadyClock:
    """Compares the clock with ``ticks`` at each look. One that jumped is believed when it has stood there for ``WAIT_SECONDS``,
    or at once when it comes back."""

    believed: float | None = None
    odd: tuple[float, float] | None = None

    def steady(self, now: datetime, at: float) -> bool:
        """``at``: the ticks of this look."""
        started = now.timestamp() - at
        if self.believed is None or abs(started - self.believed) <= JUMP_SECONDS:
            self.believed, self.odd = started, None
            return True
        if self.odd is None or abs(started - self.odd[0]) > JUMP_SECONDS:
            self.odd = started, at
        if at - self.odd[1] < WAIT_SECONDS:
            return False
        self.believed, self.odd = started, None
        return True
