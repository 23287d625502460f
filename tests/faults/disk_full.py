"""F18–F20, F22: the disk full under load, files that may not grow, a full place for backups.

What is refused says so (503), reading goes on, nothing acknowledged is lost, and with space again the work goes on without a
restart. On PostgreSQL the server itself may give up when its own log cannot grow; it is started again then, as its manager would.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from tempfile import NamedTemporaryFile

from core.backup import read_archive
from tests.faults.disks import filled, mountable, no_file_beyond, small_disk
from tests.faults.fault import Fault, Outcome, main
from tests.faults.load import Ledger, Load
from tests.faults.postgres import Cluster
from tests.faults.stage import SLUG, Stage, stage

DISK_MIB = 256
HELD_SECONDS = 3.0
FULL = "disk full"
LITTLE_WAL = ("min_wal_size=32MB", "max_wal_size=48MB", "shared_buffers=16MB")


def play(engine: str, rounds: int) -> Outcome:
    outcome = Outcome()
    if not mountable():
        outcome.figures.append("no right to mount a tmpfs: file sizes only")
        if engine == "postgresql":
            return Outcome(skipped="no right to mount a tmpfs")
    with ExitStack() as held, NamedTemporaryFile(suffix=".jsonl") as ledger:
        disk = held.enter_context(small_disk(DISK_MIB)) if mountable() else None
        here = held.enter_context(_stage(engine, disk, held))
        load = here.load(ledger=Ledger(Path(ledger.name)))
        with load.running():
            load.wait_for_acks(10)
            for _round in range(rounds):
                if disk is not None:
                    _refused_and_back(here, load, filled(disk), FULL, outcome)
                if engine == "sqlite":
                    _refused_and_back(here, load, no_file_beyond(64 * 1024, here.servers[here.port].children()), "file size", outcome)
        outcome.take(here, load)
        if disk is not None:
            _full_backups(here, outcome)
    return outcome


def _stage(engine: str, disk: Path | None, held: ExitStack) -> AbstractContextManager[Stage]:
    """SQLite: everything on the small disk; PostgreSQL: its cluster."""
    if engine == "sqlite":
        return stage(engine, home=disk / "home" if disk else None)
    assert disk is not None
    place = disk / "cluster"
    place.mkdir()
    return stage(engine, cluster=held.enter_context(Cluster.running(place, *LITTLE_WAL)))


def _refused_and_back(here: Stage, load: Load, fault: AbstractContextManager[None], name: str, outcome: Outcome) -> None:
    refused = load.statuses["503"]
    with fault:
        until = time.monotonic() + 60
        while load.statuses["503"] == refused and time.monotonic() < until:
            time.sleep(0.05)
        outcome.expect(load.statuses["503"] > refused, f"{name}: nothing was refused")
        time.sleep(HELD_SECONDS)
        _said(here, load, name, outcome)
    begun = time.monotonic()
    if here.cluster is not None and not here.cluster.answers():
        outcome.figures.append("PostgreSQL had given up and was started")
        here.cluster.start()
    outcome.figures.append(name)
    outcome.back_within([load.seconds_until_ack(begun)], here.first_start)
    load.wait_for_acks(10)


def _said(here: Stage, load: Load, name: str, outcome: Outcome) -> None:
    """The page of an act that was refused, and a page that only reads."""
    outcome.expect("Nothing was saved" in load.refusal, f"{name}: the page says {load.refusal[:160]}")
    if name == FULL:
        outcome.expect("disk is full" in load.refusal, f"the page does not say that the disk is full: {load.refusal[:160]}")
    if here.cluster is None or here.cluster.answers():
        page = load.people["employee"].get("customers/")
        outcome.expect(page.status == 200, f"{name}: the register cannot be read: {page.status}")


def _full_backups(here: Stage, outcome: Outcome) -> None:
    """A backup to a full place says what is missing and leaves nothing half; the data and the next backup are untouched."""
    with small_disk(1) as place, filled(place):
        done = here.run("backup", "--association", SLUG, "--to", str(place))
        left = [one.name for one in place.iterdir() if one.name != "filler"]
    outcome.expect(done.returncode == 1 and "Free some space or name another folder" in done.stderr, f"backup to a full place: {done.returncode} {done.stderr}")
    outcome.expect(not left, f"backup to a full place left {left}")
    again = here.run("backup", "--association", SLUG)
    outcome.expect(again.returncode == 0, f"the backup after it: {again.stderr}")
    if again.returncode == 0:
        read_archive(Path(again.stdout.splitlines()[0]))
    outcome.figures.append("a backup to a full place refused with its reason")


FAULT = Fault("disk_full", "disk full and files that may not grow", play, rounds=1, most=10)

if __name__ == "__main__":
    main(FAULT)
