"""F02: kill -9 of all web workers under load, and of the whole group with the master in every second round.

The master starts new workers by itself; when it is killed too, the script starts the server again as a service manager would.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time

from tests.faults.fault import Fault, Outcome, main
from tests.faults.stage import Stage, stage


def play(engine: str, rounds: int) -> Outcome:
    outcome, back = Outcome(), []
    with stage(engine, workers=2) as here:
        load = here.load()
        with load.running():
            load.wait_for_acks(10)
            for number in range(rounds):
                begun = time.monotonic()
                (_kill_group if number % 2 else _kill_workers)(here)
                back.append(load.seconds_until_ack(begun))
                load.wait_for_acks(random.randint(2, 12))
        outcome.figures.append(f"{rounds} kills")
        outcome.back_within(back, here.first_start)
        outcome.take(here, load)
    return outcome


def _kill_workers(here: Stage) -> None:
    for pid in here.servers[here.port].children():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _kill_group(here: Stage) -> None:
    port = here.port
    here.servers[port].kill_group()
    here.serve(workers=2, port=port)


FAULT = Fault("kill_all", "kill -9 of all web workers, and of the whole server", play, rounds=4)

if __name__ == "__main__":
    main(FAULT)
