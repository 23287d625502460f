"""What a script hands back, and how it runs by itself: ``python -m tests.faults.kill_worker --engine sqlite --rounds 20``."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import quantiles

from tests.faults import truth
from tests.faults.load import Load
from tests.faults.postgres import available
from tests.faults.stage import Stage

BACK_SECONDS = 15.0
ENGINES = ("sqlite", "postgresql")
ROUNDS = 3


@dataclass
class Outcome:
    """``problems`` empty: the fault was survived. ``figures`` are for the table; ``skipped`` says why it could not be played."""

    problems: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def word(self) -> str:
        return "skipped" if self.skipped else "FAILED" if self.problems else "held"

    def expect(self, held: bool, problem: str) -> None:
        if not held:
            self.problems.append(problem)

    def back_within(self, seconds: Iterable[float], first_start: float) -> None:
        """Note how long it took to be back, and judge the longest. On a machine so busy that the first start of the server took
        longer than half of what is allowed, twice that start is allowed."""
        longest, limit = max(seconds, default=0.0), max(BACK_SECONDS, 2 * first_start)
        self.figures.append(f"back in {longest:.1f} s (first start {first_start:.1f} s)")
        self.expect(longest <= limit, f"back only after {longest:.1f} s, {limit:.0f} are allowed")

    def take(self, stage: Stage, load: Load) -> None:
        """Compare the load's ledger with the database, and have the audit log verified."""
        acts = load.ledger.read()
        self.problems += [f"{len(load.problems)} answers: {load.problems[0]}"] if load.problems else []
        self.problems += truth.examine(stage.association, acts, load.ledger.tried)
        verdict = stage.verify()
        self.problems += [verdict] if verdict else []
        self.expect(bool(acts), "nothing was acknowledged at all")
        self.figures.append(f"{len(acts)} acts acknowledged")
        unanswered, unavailable = load.statuses["no answer"], load.statuses["503"]
        self.figures.append(f"{unanswered} answers cut, {unavailable} refused by 503")


@dataclass(frozen=True)
class Fault:
    """A script: ``play(engine, rounds)``. ``rounds`` is how often it is done by default, ``most`` how often at the very most."""

    name: str
    title: str
    play: Callable[[str, int], Outcome]
    engines: tuple[str, ...] = ENGINES
    rounds: int = ROUNDS
    most: int = 1000


def play(fault: Fault, engine: str, rounds: int | None = None) -> tuple[Outcome, float]:
    """Play it on one engine; whatever it raises is a failure. Returns also the seconds it took."""
    begun = time.monotonic()
    if engine == "postgresql" and not available():
        return Outcome(skipped="no PostgreSQL server is installed here"), 0.0
    try:
        outcome = fault.play(engine, min(rounds or fault.rounds, fault.most))
    except Exception as error:
        traceback.print_exc()
        outcome = Outcome([f"{type(error).__name__}: {error}"])
    return outcome, time.monotonic() - begun


def percentile(values: list[float], part: int) -> float:
    return quantiles(values, n=100)[part - 1] if len(values) > 1 else max(values, default=0.0)


def row(fault: Fault, engine: str, outcome: Outcome, seconds: float) -> str:
    figures = outcome.skipped or " · ".join([*outcome.problems, *outcome.figures])
    return f"{fault.title:<58} {engine:<11} {outcome.word:<8} {figures} · {seconds:.0f} s"


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--engine", choices=ENGINES, help="both by default")
    parser.add_argument("--rounds", type=int, help=f"how often; {ROUNDS} by default, 200 for the full claim")
    return parser


def main(fault: Fault) -> None:
    """Run one script by itself; exits 1 when the fault was not survived."""
    options = arguments(fault.title).parse_args()
    failed = False
    for engine in fault.engines:
        if options.engine in (None, engine):
            outcome, seconds = play(fault, engine, options.rounds)
            print(row(fault, engine, outcome, seconds), flush=True)
            failed = failed or bool(outcome.problems)
    sys.exit(failed)
