"""Where the temporary files of a test run lie: in memory where there is plenty, because databases made by the hundred wait for a disk.

Printed for ``make test``, which runs pytest with it as ``TMPDIR`` and removes it at the end. A ``TMPDIR`` that is set is kept to.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ENOUGH = 8 * 2**30
"""Bytes that must be free, in it and of the machine's memory."""
NAME = "diwan-tests-"


def scratch(owner: int) -> Path:
    """A new folder for the run of the process ``owner``, which PostgreSQL's own account may enter; what ended runs left beside it is removed."""
    place = MEMORY if "TMPDIR" not in os.environ and roomy(MEMORY) else Path(tempfile.gettempdir())
    folder = place / f"{NAME}{owner}"
    for left in place.glob(f"{NAME}*"):
        if left == folder or _has_ended(left):
            shutil.rmtree(left, ignore_errors=True)
    folder.mkdir(mode=0o755)
    return folder


def roomy(place: Path) -> bool:
    """Whether ``place`` lies in memory, can be written to, and there is enough of both."""
    try:
        free = shutil.disk_usage(place).free
        available = next(int(line.split()[1]) * 1024 for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return False
    return min(free, available) >= ENOUGH and os.access(place, os.W_OK)


def _has_ended(folder: Path) -> bool:
    owner = folder.name.removeprefix(NAME)
    return owner.isdigit() and Path("/proc/self").exists() and not Path(f"/proc/{owner}").exists()


if __name__ == "__main__":
    print(scratch(int(sys.argv[1])))
