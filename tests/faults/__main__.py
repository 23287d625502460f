"""All faults, one after the other: ``make faults``. Prints the table; exits 1 when one was not survived."""

from __future__ import annotations

import sys
import time

from tests.faults import (
    api,
    backup,
    clock,
    disk_full,
    flood,
    kill_all,
    kill_jobs,
    kill_worker,
    migration,
    restart_postgres,
    two_groups,
)
from tests.faults.fault import ROUNDS, Fault, arguments, play, row

FAULTS: tuple[Fault, ...] = (
    kill_worker.FAULT, kill_all.FAULT, kill_jobs.FAULT, restart_postgres.FAULT, disk_full.FAULT, clock.FAULT, migration.FAULT, two_groups.FAULT, backup.FAULT,
    flood.FAULT, api.FAULT,
)


def main() -> int:
    parser = arguments(f"Faults on purpose, {ROUNDS} rounds or so of each.")
    parser.add_argument("--only", nargs="+", choices=[one.name for one in FAULTS], help="these faults only")
    options = parser.parse_args()
    failed = 0
    print(f"{'fault':<58} {'engine':<11} {'result':<8} figures", flush=True)
    begun = time.monotonic()
    for fault in FAULTS:
        for engine in fault.engines if options.only is None or fault.name in options.only else ():
            if options.engine in (None, engine):
                outcome, seconds = play(fault, engine, options.rounds)
                print(row(fault, engine, outcome, seconds), flush=True)
                failed += bool(outcome.problems)
    print(f"{failed} not survived, {time.monotonic() - begun:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
