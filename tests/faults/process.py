"""A ``diwan`` command with faults built in, for processes that a script starts: ``python -m tests.faults.process serve …``.

``FAULT_CLOCK`` names a file with seconds by which every process reads the clock wrong, read anew each time.
``FAULT_LEASE`` is the lease of the worker's jobs, in seconds. ``FAULT_REVISIONS`` is a folder in place of core's revisions.
The product has no such doors: they are put in here, from outside.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core import cli, schema, work
from core.jobs import commands, worker


def wrong_clock(file: Path) -> None:
    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(file.read_text() or 0))

    work.now = now


def short_lease(seconds: int) -> None:
    def serve(*arguments: object, **more: object) -> None:
        worker.serve(*arguments, lease_seconds=seconds, **more)  # type: ignore[arg-type]

    commands.serve = serve


def main() -> int:
    if file := os.environ.get("FAULT_CLOCK"):
        wrong_clock(Path(file))
    if seconds := os.environ.get("FAULT_LEASE"):
        short_lease(int(seconds))
    if folder := os.environ.get("FAULT_REVISIONS"):
        schema.CORE_VERSIONS = Path(folder)
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
