"""Django's admin over the same tables in the same run: its pages by its own test client, then under gunicorn by the same clients."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from time import monotonic, perf_counter, sleep
from urllib.parse import quote

import sqlalchemy as sa

from benchmarks import fill
from benchmarks.measures import Run
from benchmarks.throughput import CLIENTS, WORKERS, load
from benchmarks.timing import CLOCK, Check, Figure, summarise
from core.admin.lists import PAGE_SIZE
from core.customers.models import Customer
from core.opening import opened
from core.serving import THREADS
from tests.support.server import ROOT, free_port

ABSENT = "  PEER NOT MEASURED: Django is not installed. `make bench` installs it, or: pip install --require-hashes -r requirements-bench.txt"
LIST = "/admin/peer/customer/"
SEARCH_GOAL, LIST_RATE_GOAL = 150.0, 7.0
PATIENCE_SECONDS = 60


def peer(run: Run) -> Generator[Figure, None, None]:
    """List, deep page and search of the peer, beside ours where they were measured in this run."""
    if find_spec("django") is None:
        print(ABSENT, flush=True)
        return
    with opened(run.association, run.deployment) as (_app, session):
        count = session.scalar(sa.select(sa.func.count()).select_from(Customer)) or 0
    addresses = {"list page": LIST, "list page at 90 %": f"{LIST}?p={int(count * 0.9) // PAGE_SIZE + 1}", "list of contributions": "/admin/peer/contribution/",
                 "search, rare name": f"{LIST}?q={quote(fill.RARE)}", "search, common name": f"{LIST}?q={quote('أحمد')}"}
    variables = _variables(run)
    given = {"addresses": addresses, "seconds": CLOCK.seconds, "limit": CLOCK.until - perf_counter()}
    done = subprocess.run([sys.executable, "-m", "benchmarks.peer"], input=json.dumps(given), env=variables, cwd=ROOT,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the peer failed:\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout)
    for name, times in found["times"].items():
        yield summarise(f"Django admin: {name}", times, run.floor.page_ms, note=_beside(run, name, times))
    with _gunicorn(variables) as port:
        for name in ("list page", "search, rare name"):
            loaded = load(port, [addresses[name]], {"Cookie": found["cookie"]}, CLIENTS)
            yield loaded.figure(f"Django admin, {CLIENTS} clients: {name}", run.floor.page_ms)
            run.rates[f"Django: {name}"] = loaded.rate
    run.checks += [
        Check("search as you type, rare name: times faster than Django admin",
              _times(run, "Django admin: search, rare name", "search as you type, rare name"), SEARCH_GOAL, "x", at_least=True),
        Check("list page, 8 clients: times the rate of Django admin", _share(run, "list page", "Django: list page"), LIST_RATE_GOAL, "x", at_least=True)]


OURS = {"search, rare name": "search as you type, rare name", "search, common name": "search as you type, common name"}


def _beside(run: Run, name: str, times: list[float]) -> str:
    ours = run.median(OURS.get(name, name))
    theirs = sorted(times)[len(times) // 2]
    return f"{theirs / ours:.1f} x ours" if ours else ""


def _times(run: Run, theirs: str, ours: str) -> float | None:
    mine, other = run.median(ours), run.median(theirs)
    return other / mine if mine and other else None


def _share(run: Run, ours: str, theirs: str) -> float | None:
    return run.rates[ours] / run.rates[theirs] if ours in run.rates and theirs in run.rates else None


def _variables(run: Run) -> dict[str, str]:
    folder = run.association.folder / "peer"
    folder.mkdir(exist_ok=True)
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore::RuntimeWarning", "DJANGO_SETTINGS_MODULE": "benchmarks.peer.settings",
            "BENCH_PEER_FOLDER": str(folder), "BENCH_PEER_SECRET": secrets.token_hex(32), "BENCH_PEER_DATABASE": run.association.database_url}


@contextmanager
def _gunicorn(variables: dict[str, str]) -> Iterator[int]:
    """The peer served as the product is: as many workers and threads."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS), "--worker-class", "gthread",
               "--threads", str(THREADS), "--timeout", "600", "--keep-alive", "5", "--log-level", "error", "benchmarks.peer.wsgi:application"]
    process = subprocess.Popen(command, env=variables, cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = monotonic() + PATIENCE_SECONDS
    while monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/login/", timeout=PATIENCE_SECONDS).close()
            return
        except urllib.error.URLError:
            sleep(0.1)
    raise RuntimeError("the peer's server did not answer")
