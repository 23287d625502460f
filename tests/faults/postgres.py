"""A PostgreSQL cluster that a fault may stop, kill or fill: durable, unlike the one of the other tests."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from tests.support import postgres as support

DURABLE = ("fsync=on", "synchronous_commit=on", "full_page_writes=on")


@dataclass(frozen=True)
class Cluster:
    """``folder`` holds the data, the socket and the log; ``address`` is where databases are made."""

    folder: Path
    address: str

    @classmethod
    @contextmanager
    def running(cls, folder: Path | None = None, *settings: str) -> Iterator[Cluster]:
        """A started cluster, stopped and removed at the end; in ``folder`` where given."""
        place = folder or Path(tempfile.mkdtemp(prefix="diwan-pg-"))
        place.chmod(0o755)
        try:
            yield cls(place, support.start(place, os.getpid(), *DURABLE, *settings))
        finally:
            support.stop(str(support.program("pg_ctl")), place)

    def control(self, *words: str) -> None:
        """``pg_ctl``, waiting for the end. Raises RuntimeError with what it printed."""
        support.command([str(support.program("pg_ctl")), "-D", f"{self.folder}/d/c", "-w", "-s", "-l", f"{self.folder}/d/log", *words], self.folder)

    def restart(self, mode: str) -> None:
        self.control("-m", mode, "restart")

    def stop(self) -> None:
        self.control("-m", "fast", "stop")

    def start(self) -> None:
        """With the options of the last time, which ``pg_ctl start`` by itself forgets."""
        words = shlex.split((self.folder / "d" / "c" / "postmaster.opts").read_text())
        self.control("-o", shlex.join(words[3:]), "start")

    def kill(self) -> None:
        """kill -9 of the postmaster, whose children end by themselves when they notice; the lock file stays behind."""
        with contextlib.suppress(OSError, ValueError):
            os.kill(self.pid(), signal.SIGKILL)

    def pid(self) -> int:
        return int((self.folder / "d" / "c" / "postmaster.pid").read_text().split()[0])

    def answers(self) -> bool:
        engine = sa.create_engine(sa.make_url(self.address).set(drivername="postgresql+psycopg"), poolclass=sa.pool.NullPool)
        with contextlib.suppress(sa.exc.DBAPIError), engine.connect() as connection:
            return connection.scalar(sa.text("SELECT 1")) == 1
        return False


def available() -> bool:
    return support.binaries() is not None and shutil.which("pg_dump") is not None
