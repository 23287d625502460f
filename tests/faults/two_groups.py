"""F27: two server groups of two workers each on one SQLite file, sixteen clients: nobody is refused and nobody is starved."""

from __future__ import annotations

import time
from contextlib import ExitStack

from tests.faults.fault import Fault, Outcome, main, percentile
from tests.faults.stage import stage

CLIENTS, SECONDS = 16, 20.0
PAUSE_SECONDS = 0.25
LIMIT_SECONDS = 5.0
"""Nobody may wait a third of SQLite's fifteen seconds; p99 under one second is for a machine with a core to itself."""


def play(engine: str, rounds: int) -> Outcome:
    outcome = Outcome()
    with stage(engine, workers=2) as here, ExitStack() as both:
        here.serve(workers=2)
        first, second = here.servers
        load = here.load(clients=CLIENTS // 2, port=first)
        other = here.load(clients=CLIENTS // 2, port=second, ledger=load.ledger)
        loads = (load, other)
        for one in loads:
            one.pause = PAUSE_SECONDS
            both.enter_context(one.running())
        time.sleep(SECONDS * rounds)
        both.close()
        _judge(outcome, [wait for one in loads for wait in one.waits], [count for one in loads for count in one.statuses.items()])
        outcome.problems += other.problems[:1]
        outcome.take(here, load)
    return outcome


def _judge(outcome: Outcome, waits: list[float], statuses: list[tuple[str, int]]) -> None:
    bad = {name: count for name, count in statuses if name not in ("200", "302", "409")}
    outcome.expect(not bad, f"answers that refuse: {bad}")
    outcome.expect(max(waits) < LIMIT_SECONDS, f"somebody waited {max(waits):.1f} s")
    outcome.figures.append(f"{CLIENTS} clients, median {percentile(waits, 50):.2f} s, p99 {percentile(waits, 99):.2f} s, longest {max(waits):.2f} s")


FAULT = Fault("two_groups", "two server groups on one SQLite file", play, engines=("sqlite",), rounds=1, most=3)

if __name__ == "__main__":
    main(FAULT)
