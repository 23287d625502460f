"""The worker in this process: claimed, run in one unit of work, failed, given back, scheduled; idle looks are cheap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from core import work
from core.errors import Conflict
from core.jobs import services, worker
from core.jobs.models import JobRow, WorkerBeat
from core.jobs.offers import Job
from core.jobs.services import GivenBack, LeaseLost
from core.jobs.worker import Worker, run_next
from core.notices.models import Notice
from core.notices.services import notify
from core.plugins.selection import read_selection
from core.settings import Association, Deployment
from core.state import Offer

Offering = Callable[..., None]


@pytest.fixture
def offering(app: Flask) -> Iterator[Offering]:
    """Offer jobs as a plugin would, and nothing else for this test."""
    offers = app.extensions["diwan"].offers
    kept = offers.get("register_jobs", [])

    def offer(*jobs: Job) -> None:
        offers["register_jobs"] = [Offer("notes", job) for job in jobs]

    yield offer
    offers["register_jobs"] = kept


def tell(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    notify(session, [arguments["user"]], "told", now=now)


def told(session: Session, user: int) -> int:
    return session.scalar(sa.select(sa.func.count(Notice.id)).where(Notice.user_id == user)) or 0


def want(session: Session, name: str, arguments: dict[str, Any], **more: Any) -> int:
    work.begin_write(session)
    job_id = services.enqueue(session, name, arguments, due_at=work.now() - timedelta(seconds=1), **more)
    work.commit(session)
    return job_id


def row(session: Session, job_id: int) -> JobRow:
    session.expire_all()
    return session.get_one(JobRow, job_id)


def test_effect_and_done_are_one_commit(app: Flask, session: Session, offering: Offering) -> None:
    offering(Job("notes.tell", tell))
    job_id = want(session, "notes.tell", {"user": 901})

    assert run_next(app)

    assert told(session, 901) == 1
    assert (row(session, job_id).state, row(session, job_id).attempts) == ("done", 1)
    assert not run_next(app)


def test_job_of_a_rolled_back_transaction_never_runs(app: Flask, session: Session, offering: Offering) -> None:
    offering(Job("notes.tell", tell))
    work.commit(session)
    with pytest.raises(Conflict), work.unit_of_work(session):
        services.enqueue(session, "notes.tell", {"user": 902})
        raise Conflict("no")

    assert not run_next(app)


def test_failed_job_leaves_nothing_behind_and_waits(app: Flask, session: Session, offering: Offering, caplog: pytest.LogCaptureFixture) -> None:
    def failing(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
        tell(session, arguments, now)
        raise ValueError("mobile 0550000001")

    offering(Job("notes.tell", failing))
    job_id = want(session, "notes.tell", {"user": 903})

    assert run_next(app)

    found = row(session, job_id)
    assert told(session, 903) == 0
    assert found.state == "waiting"
    assert found.due_at > work.now()
    assert found.last_error is not None
    assert "0550000001" not in found.last_error


def test_job_taken_by_another_worker_meanwhile_takes_its_effect_back(app: Flask, session: Session, offering: Offering) -> None:
    def slow(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
        tell(session, arguments, now)
        raise LeaseLost("another worker has it")

    offering(Job("notes.tell", slow))
    job_id = want(session, "notes.tell", {"user": 904})

    run_next(app)

    assert told(session, 904) == 0
    assert row(session, job_id).state == "running"  # held by whoever took it


def test_long_job_keeps_its_blocks_and_goes_on_where_it_stopped(app: Flask, session: Session, offering: Offering) -> None:
    stopping = {"now": False}

    def in_blocks(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
        while (done := told(session, 905)) < 3:
            services.check_stop(session)
            with work.unit_of_work(session):
                tell(session, arguments, now)
                services.progress(session, done + 1, 3)
            stopping["now"] = done == 1

    offering(Job("notes.tell", in_blocks, commits=True))
    job_id = want(session, "notes.tell", {"user": 905})

    run_next(app, stopping=lambda: stopping["now"])
    halfway = row(session, job_id)
    assert (halfway.state, halfway.progress_done, halfway.attempts) == ("waiting", 2, 0)
    stopping["now"] = False
    run_next(app, stopping=lambda: False)

    assert told(session, 905) == 3
    assert (row(session, job_id).state, row(session, job_id).progress_done) == ("done", 3)


def test_job_that_gives_itself_back_lost_no_attempt(app: Flask, session: Session, offering: Offering) -> None:
    def giving(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
        raise GivenBack("stopping")

    offering(Job("notes.tell", giving))
    job_id = want(session, "notes.tell", {"user": 906})

    run_next(app)

    assert (row(session, job_id).state, row(session, job_id).attempts) == ("waiting", 0)


def test_job_of_a_plugin_that_is_off_waits(app: Flask, session: Session, offering: Offering) -> None:
    offering()
    job_id = want(session, "notes.tell", {"user": 907})

    assert not run_next(app)
    assert row(session, job_id).state == "waiting"


def test_periodic_job_enqueues_its_next_period(app: Flask, session: Session, offering: Offering) -> None:
    job = Job("notes.daily", lambda *_: None, every="day")
    offering(job)
    work.begin_write(session)
    services.schedule(session, [job], work.now(), worker.settings.time_zone(session))
    work.commit(session)

    assert run_next(app)
    assert not run_next(app)

    states = session.scalars(sa.select(JobRow.state).where(JobRow.name == "notes.daily").order_by(JobRow.due_at)).all()
    assert states == ["done", "waiting"]


def test_job_runs_as_the_job_and_in_the_language_of_the_association(app: Flask, session: Session, offering: Offering) -> None:
    from core.i18n import language

    seen: list[Any] = []
    offering(Job("notes.tell", lambda session, arguments, now: seen.append((session.info["actor"].source, language()))))
    want(session, "notes.tell", {})

    run_next(app)

    assert seen == [("job", "ar")]
    assert "job" not in session.info


# --- the loop ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Any) -> tuple[Association, Deployment]:
    """An association of its own, because the loop commits."""
    from core.testing import new_association, test_deployment

    deployment = test_deployment(tmp_path)
    return new_association(deployment, "alone"), deployment


def test_worker_schedules_core_jobs_and_beats(own: tuple[Association, Deployment]) -> None:
    _association, deployment = own
    one = Worker(deployment)

    one.once()

    with one.known["alone"].engine.connect() as connection:
        states = dict(connection.execute(sa.select(JobRow.name, JobRow.state).where(JobRow.name == "jobs.tidy", JobRow.state == "done")).all())
        beats = connection.execute(sa.select(WorkerBeat.worker)).scalars().all()
        assert read_selection(connection).stamp == one.known["alone"].stamp
    one.close()
    assert states == {"jobs.tidy": "done"}
    assert beats == [one.name]


def test_idle_look_is_one_statement_and_builds_no_app(own: tuple[Association, Deployment], monkeypatch: pytest.MonkeyPatch) -> None:
    _association, deployment = own
    one = Worker(deployment)
    one.once()
    seen: list[str] = []
    sa.event.listen(one.known["alone"].engine, "before_cursor_execute", lambda *rest: seen.append(rest[2]))
    monkeypatch.setattr(one.hosting, "app", lambda slug: pytest.fail("an app was asked for"))

    assert one.sweep() == 0

    one.close()
    assert len([text for text in seen if text.startswith("SELECT")]) == 1


def test_one_association_in_trouble_does_not_stop_the_others(own: tuple[Association, Deployment], caplog: pytest.LogCaptureFixture) -> None:
    _association, deployment = own
    broken = deployment.associations / "broken"
    broken.mkdir()
    (broken / "association.toml").write_text('name = { ar = "م", en = "Broken" }\n', encoding="utf-8")
    one = Worker(deployment)

    one.once()

    assert one.known["broken"].away_until is not None
    assert "association broken cannot be served for now" in caplog.text
    with one.known["alone"].engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(WorkerBeat)) == 1
    one.close()
