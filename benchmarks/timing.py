"""Taking times: repeated calls after one that warms up, told as median, 95th percentile and fastest; and what they are held against."""

from __future__ import annotations

import gc
import os
import statistics
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

MOST_SAMPLES = 300
LEAST_SAMPLES = 5


@dataclass(frozen=True)
class Check:
    """One goal of a figure: ``value`` is to be at most (or, with ``at_least``, at least) ``limit``. ``value`` None: not measured in this run."""

    name: str
    value: float | None
    limit: float
    unit: str = "ms"
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        return None if self.value is None else self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def goal(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g} {self.unit}".rstrip()

    def line(self) -> str:
        shown = "not measured" if self.value is None else f"{self.value:,.2f} {self.unit}".rstrip()
        return f"  {self.name:<58}{self.goal:>16}{shown:>20}   {yes_or_no(self.met)}"


def yes_or_no(met: bool | None) -> str:
    return {True: "yes", False: "NO", None: "–"}[met]


@dataclass(frozen=True)
class Figure:
    """One measured thing. ``floor_ms`` is the floor it is set beside; ``note`` a count, a rate or a share; ``checks`` its goals."""

    name: str
    median_ms: float
    p95_ms: float
    fastest_ms: float
    floor_ms: float
    note: str = ""
    checks: tuple[Check, ...] = ()

    @property
    def ratio(self) -> float:
        return self.median_ms / self.floor_ms if self.floor_ms else 0.0

    def line(self) -> str:
        verdicts = "".join(f"   goal {one.goal}: {yes_or_no(one.met)}" for one in self.checks)
        return (f"{self.name:<44}{self.median_ms:>11.2f}{self.p95_ms:>11.2f}{self.fastest_ms:>11.2f}{self.ratio:>10.1f} x  "
                f"{self.note}{verdicts}").rstrip()


HEADING = f"{'milliseconds':<44}{'median':>11}{'95 %':>11}{'fastest':>11}{'of floor':>12}"


class Clock:
    """How long each figure is repeated, and when the part that is measured has to end."""

    def __init__(self) -> None:
        self.seconds = 1.0
        self.until = float("inf")

    @property
    def over(self) -> bool:
        return perf_counter() >= self.until


CLOCK = Clock()


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """End repeating when ``seconds`` have passed; a call that has begun is waited for."""
    before, CLOCK.until = CLOCK.until, perf_counter() + seconds
    try:
        yield
    finally:
        CLOCK.until = before


def sample(call: Callable[[], Any], *, least: int = LEAST_SAMPLES, most: int = MOST_SAMPLES) -> list[float]:
    """Milliseconds of repeated calls, for as long as the clock says; of slow ones at least ``least``, while the part's time lasts."""
    call()
    gc.collect()
    times: list[float] = []
    started = perf_counter()
    while not times or (not CLOCK.over and (len(times) < least or (len(times) < most and perf_counter() - started < CLOCK.seconds))):
        times.append(once(call))
    return times


def figure(name: str, call: Callable[[], Any], floor_ms: float, *, note: str = "", goal_ms: float | None = None, least: int = LEAST_SAMPLES) -> Figure:
    """Repeated calls, with a goal for their median."""
    return summarise(name, sample(call, least=least), floor_ms, note=note, goal_ms=goal_ms)


def summarise(
    name: str, times: Iterable[float], floor_ms: float, *, note: str = "", goal_ms: float | None = None, checks: tuple[Check, ...] = (),
) -> Figure:
    ordered = sorted(times)
    median = statistics.median(ordered)
    if goal_ms is not None:
        checks = (Check(f"{name}: median", median, goal_ms), *checks)
    return Figure(name, median, percentile(ordered, 0.95), ordered[0], floor_ms, note, checks)


def percentile(ordered: list[float], share: float) -> float:
    """The value below which ``share`` of these sorted ones lie."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def once(call: Callable[[], Any]) -> float:
    """Milliseconds of a single call."""
    begun = perf_counter()
    call()
    return (perf_counter() - begun) * 1000


def memory_bytes(pid: int | str = "self") -> int:
    """What a process holds in memory now (resident set)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def own_share_bytes(pid: int | str = "self") -> int | None:
    """The same with what is shared divided among its sharers (PSS); None where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def peak_bytes(pid: int | str = "self") -> int:
    """The most a process has held since its peak was last forgotten."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def forget_peak(pid: int | str = "self") -> None:
    """Let the peak begin anew at what is held now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
