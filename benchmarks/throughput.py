"""The server as the product starts it, asked over HTTP by one and by eight keep-alive clients; what its workers hold in memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from benchmarks import fill
from benchmarks.measures import LIST_GOAL_MS, MIB, SEARCH_GOAL_MS, Run, deep_address
from benchmarks.timing import CLOCK, Check, Figure, memory_bytes, own_share_bytes, peak_bytes, percentile, summarise
from core import work
from core.auth import signin
from core.auth.models import User
from core.commands import operator
from core.opening import opened
from tests.support.server import ROOT, Server, serving

CLIENTS, WORKERS = 8, 2
RATE_GOAL, WORKER_GOAL_MB = 400.0, 60.0
LONGER = {1: 2, CLIENTS: 4}
"""So often longer than another figure is repeated these are taken, by the number of clients."""


@dataclass(frozen=True)
class Load:
    """What clients saw: milliseconds of each request, and requests a second."""

    times: list[float]
    rate: float
    client_cpu: float

    def figure(self, name: str, floor_ms: float, *, goal_ms: float | None = None, checks: tuple[Check, ...] = ()) -> Figure:
        ordered = sorted(self.times)
        note = f"{self.rate:,.0f} req/s, p90 {percentile(ordered, 0.9):.1f} p99 {percentile(ordered, 0.99):.1f}, client {self.client_cpu:.0%} of a core;"
        return summarise(name, ordered, floor_ms, note=note, goal_ms=goal_ms, checks=checks)


def load(port: int, paths: list[str], headers: dict[str, str], clients: int) -> Load:
    """Ask for ``paths`` in turn from a process of its own. Raises RuntimeError when something else than 200 came back."""
    given = {"port": port, "paths": paths, "headers": headers, "clients": clients, "seconds": CLOCK.seconds * LONGER[clients]}
    done = subprocess.run([sys.executable, "-m", "benchmarks.client"], input=json.dumps(given), capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    found = json.loads(done.stdout)
    return Load(found["times"], len(found["times"]) / found["seconds"], found["client_cpu"])


def cookie(run: Run) -> str:
    """A live session of the approver, as signing in makes it."""
    with opened(run.association, run.deployment, actor=operator()) as (_app, session), work.unit_of_work(session) as own:
        user = own.scalars(sa.select(User).where(User.username == "approver")).one()
        token = signin.begin_session(own, user, address="127.0.0.1", device="bench", now=work.now(), second_factor=True)
    return f"diwan_{run.association.slug}={token}"


def workers_of(server: Any) -> list[int]:
    """The processes that gunicorn's own started."""
    return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit() and _parent(one) == server.pid]


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def throughput(run: Run) -> Generator[Figure, None, None]:
    """List, deep page and search, by one client and by eight; then what the workers hold."""
    headers = {"Cookie": cookie(run)}
    prefix, deep = f"/{run.association.slug}", deep_address(run)
    asked = {"list page": f"{prefix}/customers/", "list page at 90 %": f"{prefix}{deep}",
             "search as you type, rare name": f"{prefix}/search/?part=1&q={quote(fill.RARE)}",
             "search as you type, common name": f"{prefix}/search/?part=1&q={quote('احمد العتيبي')}"}
    with serving(run.deployment, workers=WORKERS) as server:
        _wait_for_workers(server)
        bare = max(memory_bytes(one) for one in workers_of(server.process))
        load(server.port, [f"{prefix}/"], headers, CLIENTS)
        pids = workers_of(server.process)
        begun = {pid: memory_bytes(pid) for pid in pids}
        for name, path in asked.items():
            goal = SEARCH_GOAL_MS if name.startswith("search") else LIST_GOAL_MS
            found = load(server.port, [path], headers, 1)
            yield found.figure(f"HTTP, 1 client: {name}", run.floor.page_ms, goal_ms=goal)
        for name, path in asked.items():
            found = load(server.port, [path], headers, CLIENTS)
            goal = (Check("list page: requests a second, 8 clients", found.rate, RATE_GOAL, "req/s", at_least=True),) if name == "list page" else ()
            yield found.figure(f"HTTP, {CLIENTS} clients: {name}", run.floor.page_ms, checks=goal)
            run.rates[name] = found.rate
        print(f"  workers, MiB: bare {bare / MIB:.0f}; with the app and my day {_shown(begun)}; afterwards {_shown({p: memory_bytes(p) for p in pids})}, "
              f"own share {_shown({p: own_share_bytes(p) or 0 for p in pids})}, peak {_shown({p: peak_bytes(p) for p in pids})}", flush=True)
        run.checks.append(Check("a worker with its app, before load", max(begun.values()) / 1e6, WORKER_GOAL_MB, "MB"))
        server.output.unlink(missing_ok=True)


def _shown(held: dict[int, int]) -> str:
    return "/".join(f"{one / MIB:.0f}" for one in held.values())


def _wait_for_workers(server: Server) -> None:
    for _n in range(100):
        if len(workers_of(server.process)) == WORKERS:
            return
        sleep(0.1)
    raise RuntimeError(f"the server did not start {WORKERS} workers")
