"""Where a fault is played: an association on one engine with its people, and the processes that serve it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from core import work
from core.auth import services as auth
from core.auth import signin
from core.auth.models import User
from core.commands import operator
from core.customers import officers
from core.database import make_engine
from core.opening import opened
from core.plugins.discovery import installed_plugins
from core.settings import Association, Deployment
from core.testing import new_association, test_deployment
from tests.faults.client import NoAnswer, Person, send
from tests.faults.load import Ledger, Load
from tests.faults.postgres import Cluster
from tests.support.server import ROOT, environment, free_port

SLUG = "stage"
COMPLAINTS = "complaints"
"""The plugin whose log is part of the load where it is installed."""
PASSWORD = "palm-orchard-seventeen-lanterns"
ROLES = {"employee": "crm_employee", "manager": "crm_manager", "officer": "customer_data_officer", "treasurer": "finance_officer"}
START_SECONDS = 60.0


@dataclass
class Process:
    """A ``diwan`` command that runs on, as a session leader of its own so that the whole group can be killed."""

    popen: subprocess.Popen[bytes]
    output: Path

    def children(self) -> list[int]:
        """The worker processes of a server."""
        with contextlib.suppress(OSError):
            return [int(pid) for pid in Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children").read_text().split()]
        return []

    def kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def stop(self) -> None:
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(40)
            except subprocess.TimeoutExpired:
                self.kill_group()


@dataclass
class Stage:
    """``cluster`` is None on SQLite. Servers are kept by their port."""

    deployment: Deployment
    association: Association
    engine: str
    cluster: Cluster | None = None
    servers: dict[int, Process] = field(default_factory=dict)
    others: list[Process] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    plugins: frozenset[str] = frozenset()
    first_start: float = 0.0
    """Seconds that the first server took from its command to the first page."""

    @property
    def port(self) -> int:
        return next(iter(self.servers))

    def load(self, *, clients: int = 4, port: int | None = None, ledger: Ledger | None = None) -> Load:
        """Clients of these people, signed in, with a ledger in the stage's folder."""
        people = {name: Person(name, PASSWORD, f"/{SLUG}/", (lambda: port) if port else (lambda: self.port)) for name in ROLES}
        for person in people.values():
            until = time.monotonic() + START_SECONDS
            while (status := person.sign_in()) != 200:
                if time.monotonic() > until:
                    raise RuntimeError(f"{person.username} cannot sign in: {status}")
                time.sleep(0.2)
        return Load(people, ledger or Ledger(self.deployment.home / "acknowledged.jsonl"), clients, complaints=COMPLAINTS in self.plugins)

    # --- processes ----------------------------------------------------------------------------------------------------

    def start(self, *arguments: str, **variables: str) -> Process:
        """A command in the background, under the shim of ``tests.faults.process``."""
        output = Path(tempfile.gettempdir()) / f"diwan-fault-{os.getpid()}-{time.monotonic_ns()}.txt"
        with output.open("wb") as out:
            popen = subprocess.Popen([sys.executable, "-m", "tests.faults.process", *arguments], env=self.environment(**variables), cwd=ROOT, stdout=out,
                                     stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
        process = Process(popen, output)
        self.others.append(process)
        return process

    def environment(self, **variables: str) -> dict[str, str]:
        return environment(self.deployment, **{**self.variables, **variables})

    def serve(self, *, workers: int = 2, port: int | None = None, ready: bool = True) -> int:
        """Start a server and wait until the association answers, or without ``ready`` until the server does; its port."""
        port = port or free_port()
        self.servers[port] = self.start("serve", "--port", str(port), "--workers", str(workers))
        waited = self.wait_until_served(port) if ready else self.wait_until_served(port, path="/healthz")
        self.first_start = self.first_start or waited
        return port

    def wait_until_served(self, port: int, seconds: float = START_SECONDS, path: str = f"/{SLUG}/login/") -> float:
        """Until the sign-in page (or ``path``) is answered; the seconds that took. Raises TimeoutError."""
        begun = time.monotonic()
        while time.monotonic() < begun + seconds:
            with contextlib.suppress(NoAnswer):
                if send(port, "GET", path).status == 200:
                    return time.monotonic() - begun
            time.sleep(0.05)
        raise TimeoutError(f"no answer within {seconds:.0f} s:\n{self.servers[port].output.read_text(errors='replace')[-2000:]}")

    def run(self, *arguments: str, seconds: float = 300, **variables: str) -> subprocess.CompletedProcess[str]:
        """A command to its end, under the shim."""
        return subprocess.run([sys.executable, "-m", "tests.faults.process", *arguments], env=self.environment(**variables), cwd=ROOT, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=seconds, check=False)

    def verify(self) -> str | None:
        """What ``diwan audit verify`` has to say against the log; None when it is whole."""
        done = self.run("audit", "verify", "--association", SLUG)
        return None if done.returncode == 0 else f"diwan audit verify: {(done.stdout + done.stderr).strip()[:400]}"

    def count(self, statement: sa.Select[tuple[int]]) -> int:
        """One figure from the database, read beside whoever works on it."""
        engine = make_engine(self.association.database_url, pool_size=1)
        try:
            with engine.connect() as connection:
                return connection.scalar(statement) or 0
        finally:
            engine.dispose()

    def stop_servers(self) -> None:
        for process in self.servers.values():
            process.stop()
        self.servers.clear()

    def close(self) -> None:
        for process in [*self.servers.values(), *self.others]:
            process.stop()
            process.kill_group()
            process.output.unlink(missing_ok=True)


@contextmanager
def stage(engine: str, *, home: Path | None = None, cluster: Cluster | None = None, plugin_path: tuple[Path, ...] = (), workers: int = 2) -> Iterator[Stage]:
    """A fresh association with its people; ``workers`` 0 starts no server. On PostgreSQL in a cluster of its own."""
    with contextlib.ExitStack() as cleaning:
        if home is None:
            home = Path(tempfile.mkdtemp(prefix="diwan-fault-"))
            cleaning.callback(shutil.rmtree, home, ignore_errors=True)
        if engine == "postgresql" and cluster is None:
            cluster = cleaning.enter_context(Cluster.running())
        deployment = test_deployment(home, plugin_path)
        plugins = frozenset({COMPLAINTS} & {one.name for one in installed_plugins(deployment.plugin_path).installed})
        association = new_association(deployment, SLUG, postgres=cluster.address if cluster else None, plugins=plugins)
        made = Stage(deployment, association, engine, cluster, plugins=plugins)
        cleaning.callback(made.close)
        people(association, deployment)
        if workers:
            made.serve(workers=workers)
        yield made


def people(association: Association, deployment: Deployment) -> None:
    """One a role, with a password; the officer appointed."""
    with opened(association, deployment, actor=operator()) as (_app, session), work.unit_of_work(session) as own:
        users: dict[str, User] = {}
        for username, role in ROLES.items():
            users[username] = user = auth.add_user(own, username=username, name_ar=username, actor=operator(), now=work.now())
            user.language = "en"
            auth.grant_role(own, user, role, actor=operator())
            auth.set_scope(own, role, "all", actor=operator())
            signin.change_password(own, user, signin.checked_hash(own, user, PASSWORD))
        officers.appoint(own, users["officer"].id, "primary", actor=operator(), now=work.now())
