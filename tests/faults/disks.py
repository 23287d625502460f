"""Small disks that can be filled, and files that may not grow."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

CHUNK = 64 * 1024


def mountable() -> bool:
    """Whether this account may mount a tmpfs."""
    with contextlib.suppress(PermissionError, RuntimeError), small_disk(1):
        return True
    return False


@contextmanager
def small_disk(mebibytes: int) -> Iterator[Path]:
    """A disk of this size for the block. Raises RuntimeError where it may not be mounted."""
    place = Path(tempfile.mkdtemp(prefix="diwan-disk-"))
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0755", "tmpfs", str(place)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"no tmpfs can be mounted: {done.stderr.strip()}")
        try:
            yield place
        finally:
            subprocess.run(["umount", "--lazy", str(place)], check=False, capture_output=True)
    finally:
        place.rmdir()


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Not a byte is free on ``disk`` during the block."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(b"\0" * CHUNK)
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def no_file_beyond(size: int, pids: Iterable[int]) -> Iterator[None]:
    """These processes may not write beyond ``size`` bytes of any file during the block."""
    held = list(pids)
    for pid in held:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for pid in held:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def free_bytes(disk: Path) -> int:
    state = os.statvfs(disk)
    return state.f_bavail * state.f_frsize
