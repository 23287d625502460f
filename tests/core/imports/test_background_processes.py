"""A worker killed in the middle of checking and of applying a long file: it goes on, and every line comes in once (F03)."""

from __future__ import annotations

import hashlib
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

from core import work
from core.audit.commands import verify
from core.audit.models import AuditEvent
from core.auth import services as auth
from core.commands import operator
from core.customers import importers
from core.customers.models import CustomerForm, CustomerFormLine
from core.database import make_engine
from core.imports import readers, services
from core.imports.models import Import, ImportLine
from core.imports.views import staged_path
from core.jobs.models import JobRow
from core.jobs.services import enqueue
from core.opening import opened
from core.settings import Association, Deployment
from core.testing import new_association, test_deployment
from tests.support.server import environment

pytestmark = pytest.mark.processes
LINES = 3_000
LEASE_SECONDS = 3


@dataclass
class Stage:
    """An association with a person who imports, a long file received from him, and workers."""

    association: Association
    deployment: Deployment
    import_id: int = 0
    user_id: int = 0
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = make_engine(self.association.database_url)

    def receive(self) -> None:
        token, importer = "0" * 32, importers.importers()[0]
        path = staged_path(self.association.folder, token)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("name,mobile\n" + "".join(f"Donor {n},+9665{n:08d}\n" for n in range(LINES)), encoding="utf-8")
        with opened(self.association, self.deployment, actor=operator()) as (_app, session), work.unit_of_work(session):
            user = auth.add_user(session, username="importer", name_ar="مستورد", actor=operator(), now=work.now())
            auth.grant_role(session, user, "crm_employee", actor=operator())
            actor = auth.actor_for(session, user, source="job")
            row = services.receive(session, importer, file_name="long.csv", token=token, sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                                   actor=actor, now=work.now())
            headings = readers.read(path, services.declaration({})).headings
            services.declare(session, row, importer, headings, mapping={"name": "name", "mobile": "mobile"}, declared={},
                             options={"customer_class": "donor"}, actor=actor)
            self.import_id, self.user_id = row.id, user.id

    def want(self, name: str) -> None:
        with opened(self.association, self.deployment, actor=operator()) as (_app, session), work.unit_of_work(session):
            enqueue(session, name, {"import_id": self.import_id, "user_id": self.user_id}, requested_by=self.user_id)

    def choose(self) -> None:
        with opened(self.association, self.deployment, actor=operator()) as (_app, session), work.unit_of_work(session):
            row = services.one_import(session, self.import_id)
            services.choose_to_apply(session, row, importers.importers()[0], expected=LINES, leave_out_refused=False, actor=operator())

    def start(self) -> subprocess.Popen[bytes]:
        code = f"from core.jobs.worker import serve; from core.settings import Deployment; serve(Deployment.from_environment(), lease_seconds={LEASE_SECONDS})"
        process = subprocess.Popen([sys.executable, "-c", code], env=environment(self.deployment))
        self.workers.append(process)
        return process

    def one(self, query: Any) -> Any:
        with self.engine.connect() as connection:
            return connection.scalar(query)

    def count(self, model: Any, *conditions: Any) -> int:
        return int(self.one(sa.select(sa.func.count()).select_from(model).where(*conditions)))

    def done(self, name: str) -> bool:
        return self.one(sa.select(JobRow.state).where(JobRow.name == name)) == "done"

    def end(self) -> None:
        for process in self.workers:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.engine.dispose()


@pytest.fixture
def stage(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    server = request.getfixturevalue("postgres") if engine_name == "postgresql" else None
    deployment = test_deployment(tmp_path / "home")
    one = Stage(new_association(deployment, "long", postgres=server), deployment)
    one.receive()
    yield one
    one.end()


def until(what: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def kill(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_killed_while_checking_and_while_applying_each_line_comes_in_once(stage: Stage) -> None:
    stage.want("imports.check")
    first = stage.start()
    until(lambda: stage.count(ImportLine) > 0)
    kill(first)
    checked = stage.count(ImportLine)
    second = stage.start()
    until(lambda: stage.done("imports.check"))
    assert checked < LINES
    assert (stage.count(ImportLine), stage.one(sa.select(Import.state))) == (LINES, "checked")

    stage.choose()
    stage.want("imports.apply")
    until(lambda: stage.count(ImportLine, ImportLine.applied) > 0)
    kill(second)
    applied = stage.count(ImportLine, ImportLine.applied)
    assert applied == stage.count(CustomerFormLine)
    stage.start()
    until(lambda: stage.done("imports.apply"))

    assert applied < LINES
    assert stage.count(CustomerFormLine) == stage.count(ImportLine, ImportLine.applied) == LINES
    assert stage.one(sa.select(sa.func.count(sa.distinct(CustomerFormLine.mobile)))) == LINES
    assert stage.one(sa.select(CustomerForm.line_count)) == LINES and stage.count(CustomerForm) == 1
    assert stage.count(AuditEvent, AuditEvent.record_type == "core_customer_form_line") == LINES
    assert (stage.one(sa.select(Import.state)), stage.one(sa.select(CustomerForm.state))) == ("applied", "filled")
    with opened(stage.association, stage.deployment, actor=operator()) as (_app, session):
        said: list[str] = []
        assert verify(session, say=said.append) == 0, said
