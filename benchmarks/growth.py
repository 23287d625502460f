"""How each figure grows with the number of customers: the exponent between two sizes, 0 is constant, 1 is proportional."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import log

from benchmarks.timing import Check, Figure

GOALS = {"sqlite": 0.8, "postgresql": 0.3}
SEARCH, FIRST, DEEP = "search as you type, ", "list page", "list page at 90 %"
DEEP_GOAL = 1.2


def exponent(small: float, large: float, small_size: int, large_size: int) -> float:
    """By which power of the size a time grew: log ratio of the times by log ratio of the sizes."""
    return log(large / small) / log(large_size / small_size)


def exponents(by_size: Mapping[int, Mapping[str, Figure]]) -> dict[str, list[float]]:
    """Of every figure that all sizes have: one exponent for each step from a size to the next."""
    sizes = sorted(by_size)
    steps = list(pairwise(sizes))
    names = [name for name in by_size[sizes[-1]] if all(name in by_size[one] for one in sizes)]
    return {name: [exponent(by_size[a][name].median_ms, by_size[b][name].median_ms, a, b) for a, b in steps] for name in names}


def lines(by_size: Mapping[int, Mapping[str, Figure]]) -> list[str]:
    """The table of exponents, with the medians they come from."""
    sizes = sorted(by_size)
    head = f"{'growth':<44}" + "".join(f"{one:>14,}" for one in sizes) + "".join(f"{f'to {one:,}':>14}" for one in sizes[1:])
    return [head, *(f"{name:<44}" + "".join(f"{by_size[one][name].median_ms:>11.2f} ms" for one in sizes) + "".join(f"{one:>14.2f}" for one in found)
                    for name, found in exponents(by_size).items())]


def checks(engine: str, by_size: Mapping[int, Mapping[str, Figure]]) -> list[Check]:
    """The goals about growth, over the last step."""
    return [Check(f"{name}: growth exponent", found[-1], GOALS[engine], "") for name, found in exponents(by_size).items() if name.startswith(SEARCH)]


def deep(figures: Mapping[str, Figure]) -> list[Check]:
    """A deep page costs what the first one costs: the same but for noise."""
    found = figures[DEEP].median_ms / figures[FIRST].median_ms if DEEP in figures and FIRST in figures else None
    return [Check("list page at 90 %: times the first page", found, DEEP_GOAL, "x")]
