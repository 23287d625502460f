"""F01: kill -9 of one of two web workers under load; the other goes on, gunicorn starts a new one."""

from __future__ import annotations

import os
import random
import signal
import time

from tests.faults.fault import Fault, Outcome, main
from tests.faults.stage import stage


def play(engine: str, rounds: int) -> Outcome:
    outcome, back = Outcome(), []
    with stage(engine, workers=2) as here:
        load = here.load()
        with load.running():
            load.wait_for_acks(10)
            for _round in range(rounds):
                os.kill(random.choice(here.servers[here.port].children()), signal.SIGKILL)
                back.append(load.seconds_until_ack(time.monotonic()))
                load.wait_for_acks(random.randint(2, 12))
                _wait_for_workers(here.servers[here.port].children, 2)
        outcome.figures.append(f"{rounds} kills")
        outcome.back_within(back, here.first_start)
        outcome.take(here, load)
    return outcome


def _wait_for_workers(children, count: int, seconds: float = 15.0) -> None:  # type: ignore[no-untyped-def]
    until = time.monotonic() + seconds
    while len(children()) < count:
        if time.monotonic() > until:
            raise TimeoutError(f"the killed worker was not replaced within {seconds:.0f} s")
        time.sleep(0.05)


FAULT = Fault("kill_worker", "kill -9 of one web worker under load", play)

if __name__ == "__main__":
    main(FAULT)
