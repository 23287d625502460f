"""F09–F12: PostgreSQL restarted (immediate, fast), killed with -9, and absent when the server starts; under load."""

from __future__ import annotations

import time

from tests.faults.client import send
from tests.faults.fault import Fault, Outcome, main
from tests.faults.load import plain_text
from tests.faults.postgres import Cluster
from tests.faults.stage import SLUG, Stage, stage

WAYS = ("immediate", "kill", "fast")


def play(engine: str, rounds: int) -> Outcome:
    outcome, back = Outcome(), []
    with stage(engine, workers=2) as here:
        assert here.cluster is not None
        load = here.load()
        with load.running():
            load.wait_for_acks(10)
            for number in range(rounds):
                _restart(here.cluster, WAYS[number % len(WAYS)])
                back.append(load.seconds_until_ack(time.monotonic()))
                load.wait_for_acks(8)
        outcome.figures.append(f"{rounds} restarts")
        outcome.back_within(back, here.first_start)
        outcome.take(here, load)
        _absent_at_start(here, here.cluster, outcome)
    return outcome


def _restart(cluster: Cluster, way: str) -> None:
    if way != "kill":
        cluster.restart(way)
        return
    cluster.kill()
    _start_again(cluster)


def _start_again(cluster: Cluster, seconds: float = 30.0) -> None:
    """As a service manager does: again and again until the old one's children are gone."""
    until = time.monotonic() + seconds
    while True:
        try:
            cluster.start()
            return
        except RuntimeError:
            if time.monotonic() > until:
                raise
            time.sleep(0.3)


def _absent_at_start(here: Stage, cluster: Cluster, outcome: Outcome) -> None:
    """A server started without its database says so, and needs no restart when the database comes."""
    here.stop_servers()
    cluster.stop()
    port = here.serve(workers=1, ready=False)
    answer = send(port, "GET", f"/{SLUG}/login/")
    said = plain_text(answer.body)
    outcome.expect(answer.status == 503 and "database cannot be reached" in said, f"without a database the page is {answer.status}: {said[:150]}")
    cluster.start()
    waited = here.wait_until_served(port, 15)
    outcome.figures.append(f"started without a database: page 503, served {waited:.1f} s after it came")


FAULT = Fault("restart_postgres", "PostgreSQL restarted, killed and absent", play, engines=("postgresql",))

if __name__ == "__main__":
    main(FAULT)
