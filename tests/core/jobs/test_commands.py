"""``diwan job``: one kind of periodic work now (the drop folder of a plugin, a digest), and what it refuses."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from core.errors import DiwanError
from core.jobs import commands
from core.jobs.models import DONE, JobRow
from core.jobs.offers import Job
from core.notices.models import Notice
from core.notices.services import notify
from tests.core.jobs.test_worker import Offering, offering  # noqa: F401 - fixture


@pytest.fixture(autouse=True)
def here(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command opens this test's association."""
    @contextmanager
    def opened(*_association: Any, **_more: Any) -> Iterator[tuple[Flask, Session]]:
        yield app, session

    monkeypatch.setattr(commands, "chosen", lambda options: None)
    monkeypatch.setattr(commands.Deployment, "from_environment", lambda: None)
    monkeypatch.setattr(commands, "opened", opened)


def run(name: str) -> None:
    commands.job(argparse.Namespace(name=name, association=None))


def test_periodic_work_is_done_now_and_stands_among_the_jobs(session: Session, offering: Offering, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    periods: list[str] = []

    def work(own: Session, arguments: Any, now: Any) -> None:
        periods.append(arguments["period"])
        notify(own, [1], "done", now=now)

    offering(Job("notes.look", work, every="hour", at="00:05"))

    run("notes.look")
    run("notes.look")

    assert len(periods) >= 2 and len(set(periods)) == 1 and "T" in periods[0]  # the hour's own turn may have come too
    assert capsys.readouterr().out == "notes.look: done.\n" * 2
    assert [one.state for one in session.scalars(sa.select(JobRow).where(JobRow.name == "notes.look", JobRow.unique_key.is_(None)))] == [DONE, DONE]
    assert session.scalar(sa.select(sa.func.count(Notice.id)).where(Notice.text == "done")) == len(periods)


def test_what_fails_is_told_and_what_is_no_periodic_work_is_refused(session: Session, offering: Offering) -> None:  # noqa: F811
    def fail(own: Session, arguments: Any, now: Any) -> None:
        raise DiwanError("the folder is gone")

    offering(Job("notes.look", fail, every="day"), Job("notes.send", fail))

    with pytest.raises(DiwanError, match=r"notes\.look.*is not done: .*the folder is gone"):
        run("notes.look")
    for name in ("notes.send", "nothing"):
        with pytest.raises(DiwanError, match=r"There is: notes\.look\."):
            run(name)
