"""Taking times: medians of repeated calls, after one call that warms up."""

from __future__ import annotations

import gc
import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured thing. ``floor_ms`` is the floor it is set beside; ``note`` a count, a rate or a limit."""

    name: str
    median_ms: float
    p95_ms: float
    floor_ms: float
    note: str = ""
    goal: str = ""

    @property
    def ratio(self) -> float:
        return self.median_ms / self.floor_ms if self.floor_ms else 0.0

    def line(self) -> str:
        return (f"{self.name:<34}{self.median_ms:>10.2f} ms{self.p95_ms:>10.2f} ms{self.ratio:>10.1f} x  "
                f"{self.note}{'   goal ' + self.goal if self.goal else ''}").rstrip()


HEADING = f"{'':<34}{'median':>13}{'95 %':>13}{'floor':>12}"


def sample(call: Callable[[], Any], *, seconds: float = 1.0, least: int = 5, most: int = 300) -> list[float]:
    """Milliseconds of repeated calls, for about ``seconds``."""
    call()
    gc.collect()
    times: list[float] = []
    started = perf_counter()
    while len(times) < least or (len(times) < most and perf_counter() - started < seconds):
        begun = perf_counter()
        call()
        times.append((perf_counter() - begun) * 1000)
    return times


def figure(name: str, call: Callable[[], Any], floor_ms: float, *, note: str = "", goal: str = "", seconds: float = 1.0) -> Figure:
    """The median and 95th percentile of repeated calls."""
    return summarise(name, sample(call, seconds=seconds), floor_ms, note=note, goal=goal)


def summarise(name: str, times: list[float], floor_ms: float, *, note: str = "", goal: str = "") -> Figure:
    ordered = sorted(times)
    return Figure(name, statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], floor_ms, note, goal)


def once(call: Callable[[], Any]) -> float:
    """Milliseconds of a single call, for what changes the data."""
    begun = perf_counter()
    call()
    return (perf_counter() - begun) * 1000


def memory_bytes() -> int:
    """What this process holds in memory now (resident set)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
