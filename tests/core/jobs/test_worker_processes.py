"""Workers as processes: killed and stopped in the middle of their work (F03; reliability 2.19)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.database import make_engine, writing
from core.jobs import services
from core.jobs.models import JobRow
from core.jobs.worker import _raw_session
from core.notices.models import Notice
from core.settings import Association, Deployment
from core.testing import new_association, test_deployment
from tests.support.server import environment

pytestmark = [pytest.mark.processes, pytest.mark.slow]
LEASE_SECONDS = 3
PLUGIN = '''"""A plugin whose jobs take their time."""

import os
import time

from core import work
from core.hookspecs import hookimpl
from core.jobs import services
from core.jobs.offers import Job
from core.notices.services import notify
from core.plugins.manifest import PluginInfo
from core.i18n import lazy_gettext as _l
import sqlalchemy as sa
from core.notices.models import Notice

PLUGIN = PluginInfo(name="slow", title=_l("Slow"), version="1.0")


def linger(place):
    """Say that the work has come this far, and wait while the file `hold` is there."""
    with open(os.path.join(os.environ["SLOW"], "reached"), "a") as file:
        file.write(place + "\\n")
    while os.path.exists(os.path.join(os.environ["SLOW"], "hold")):
        time.sleep(0.05)


def once(session, arguments, now):
    notify(session, [1], "told once", now=now)
    linger("once")


def blocks(session, arguments, now):
    while True:
        services.check_stop(session)
        with work.unit_of_work(session):
            done = session.scalar(sa.select(sa.func.count(Notice.id)).where(Notice.user_id == 2))
            if done == 4:
                return
            notify(session, [2], f"block {done}", now=now)
            services.progress(session, done + 1, 4)
        if done == 1:
            linger("blocks")


@hookimpl
def register_jobs():
    return [Job("slow.once", once), Job("slow.blocks", blocks, commits=True)]
'''


@dataclass
class Stage:
    """An association with the slow plugin on, and workers started for it."""

    association: Association
    deployment: Deployment
    folder: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = make_engine(self.association.database_url)

    def want(self, name: str) -> None:
        with _raw_session(writing(self.engine)) as session:
            services.enqueue(session, name)

    def start(self) -> subprocess.Popen[bytes]:
        code = f"from core.jobs.worker import serve; from core.settings import Deployment; serve(Deployment.from_environment(), lease_seconds={LEASE_SECONDS})"
        process = subprocess.Popen([sys.executable, "-c", code], env=environment(self.deployment, SLOW=str(self.folder)))
        self.workers.append(process)
        return process

    def hold(self, on: bool) -> None:
        if on:
            (self.folder / "hold").touch()
        else:
            (self.folder / "hold").unlink(missing_ok=True)

    def reached(self) -> int:
        file = self.folder / "reached"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def state(self, name: str) -> str | None:
        return self.one(sa.select(JobRow.state).where(JobRow.name == name))

    def told(self, user: int) -> int:
        return int(self.one(sa.select(sa.func.count(Notice.id)).where(Notice.user_id == user)))

    def one(self, query: Any) -> Any:
        with self.engine.connect() as connection:
            return connection.scalar(query)

    def end(self) -> None:
        self.hold(False)
        for process in self.workers:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.engine.dispose()


@pytest.fixture
def stage(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    folder = tmp_path / "plugins" / "slow"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text('"""Slow."""\n')
    (folder / "plugin.py").write_text(PLUGIN)
    server = request.getfixturevalue("postgres") if engine_name == "postgresql" else None
    association = new_association(test_deployment(tmp_path / "home"), "slow", postgres=server)
    from core.testing import choose_plugins

    choose_plugins(association, frozenset({"slow"}))
    one = Stage(association, test_deployment(tmp_path / "home", (tmp_path / "plugins",)), tmp_path)
    yield one
    one.end()


def until(what: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_killed_worker_loses_no_job_and_doubles_no_effect(stage: Stage) -> None:
    stage.hold(True)
    stage.want("slow.once")
    first = stage.start()
    until(lambda: stage.reached() == 1)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert stage.told(1) == 0

    stage.hold(False)
    stage.start()

    until(lambda: stage.state("slow.once") == "done")
    assert stage.told(1) == 1


def test_worker_that_is_stopped_finishes_a_short_job(stage: Stage) -> None:
    stage.hold(True)
    stage.want("slow.once")
    first = stage.start()
    until(lambda: stage.reached() == 1)

    first.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert first.poll() is None
    stage.hold(False)

    assert first.wait(60) == 0
    assert (stage.state("slow.once"), stage.told(1)) == ("done", 1)


def test_stopped_worker_gives_a_long_job_back_and_another_goes_on(stage: Stage) -> None:
    stage.hold(True)
    stage.want("slow.blocks")
    first = stage.start()
    until(lambda: stage.reached() == 1)

    first.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    stage.hold(False)

    assert first.wait(60) == 0
    assert stage.state("slow.blocks") == "waiting"
    assert stage.told(2) == 2
    stage.start()
    until(lambda: stage.state("slow.blocks") == "done")
    assert stage.told(2) == 4


def test_killed_worker_keeps_the_blocks_that_were_committed(stage: Stage) -> None:
    stage.hold(True)
    stage.want("slow.blocks")
    first = stage.start()
    until(lambda: stage.reached() == 1)
    first.kill()
    first.wait()

    stage.hold(False)
    stage.start()

    until(lambda: stage.state("slow.blocks") == "done")
    assert stage.told(2) == 4


def test_long_job_keeps_its_lease_beside_a_second_worker(stage: Stage) -> None:
    stage.hold(True)
    stage.want("slow.blocks")
    stage.start()
    until(lambda: stage.reached() == 1)
    stage.start()
    time.sleep(2 * LEASE_SECONDS)
    attempts = stage.one(sa.select(JobRow.attempts).where(JobRow.name == "slow.blocks"))
    stage.hold(False)

    until(lambda: stage.state("slow.blocks") == "done")
    assert attempts == 1
    assert stage.told(2) == 4


def test_several_workers_do_each_job_once(stage: Stage) -> None:
    for _time in range(12):
        stage.want("slow.once")
    for _time in range(3):
        stage.start()

    until(lambda: stage.one(sa.select(sa.func.count(JobRow.id)).where(JobRow.name == "slow.once", JobRow.state == "done")) == 12)

    assert stage.told(1) == 12
    assert stage.one(sa.select(sa.func.max(JobRow.attempts)).where(JobRow.name == "slow.once")) == 1
