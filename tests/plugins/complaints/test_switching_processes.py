"""Complaints turned off and on while two worker processes serve: all of it goes with the next request and comes back as it was (PLUG-03).

Three weeks ago a complaint came in and the background work ran last. What was due since then is opened when complaints is
on again: each occurrence once, although two workers look for it at the same moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from core import settings, work
from core.auth import services as auth
from core.auth import signin
from core.auth.actor import Actor
from core.auth.models import User
from core.calendar import local_day
from core.commands import operator
from core.database import make_engine
from core.jobs import services as jobs
from core.jobs import worker
from core.jobs.models import JobRow
from core.opening import opened
from core.organisation.models import Department
from core.procedures.models import StepPeriod, StepRun
from core.reports import services as report_services
from core.settings import Association, Deployment
from core.testing import new_association, test_deployment
from plugins.complaints import reports, services
from plugins.complaints.models import Entry
from tests.support.server import Server, run, serving

pytestmark = [pytest.mark.processes, pytest.mark.slow]
OFTEN = 3
"""So often each address is asked, one after the other: with all of them both workers are met."""
AWAY = timedelta(weeks=3)


@dataclass
class Stage:
    """An association whose complaints has a case, a step in an inbox and a kept report, served by two workers."""

    deployment: Deployment
    association: Association
    began: datetime
    headers: dict[str, str]
    number: str
    entry_id: int
    kept: str
    zone: Any
    server: Server

    def __post_init__(self) -> None:
        self.engine = make_engine(self.association.database_url)

    def rows(self, query: sa.Select[Any]) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def switch(self, how: str) -> None:
        assert run(self.deployment, "plugins", how, "complaints").returncode == 0

    def work(self) -> None:
        """Two workers do at the same time what is due."""
        with ThreadPoolExecutor(2) as both:
            ended = list(both.map(lambda _n: run(self.deployment, "worker", "--once"), range(2)))
        assert [one.returncode for one in ended] == [0, 0], [one.stderr for one in ended]

    def places(self) -> dict[str, tuple[str, str]]:
        """Where complaints can be met: the address, and what stands there while it is on."""
        return {
            "menu": ("", 'href="/stage/complaints/"'), "inbox": ("", f'/stage/complaints/{self.entry_id}"'), "card of my day": ("", "Open entries of the log"),
            "list": ("complaints/", self.number), "entry": (f"complaints/{self.entry_id}", self.number),
            "reviews": ("complaints/reviews/", "Reviews of the log"), "intake": ("complaints/new", "phone"),
            "reports": ("reports/", "complaints.monthly"), "report": ("reports/complaints.monthly/", "Came in"),
            "kept report": (f"reports/runs/{self.kept}/", self.kept), "due reports": ("reports/calendar", "Monthly performance report"),
            "clause": ("procedures/MAN-CMPL/", "MAN-CMPL"),
            "search": (f"search/?part=1&q={self.number}", f"/stage/complaints/{self.entry_id}"),
            "public form": ("p/complaints/", "<form"), "following": ("p/complaints/follow", "<form"), "answers": ("p/complaints/answers", "<h1"),
            "import": ("imports/new", "complaints.entries"),
        }

    def seen(self) -> dict[str, set[bool]]:
        """Of each place whether it is there, in the answers of both workers."""
        pages = {address: [self.page(address) for _n in range(OFTEN)] for address, _text in self.places().values()}
        return {name: {text in page for page in pages[address]} for name, (address, text) in self.places().items()}

    def page(self, address: str) -> str:
        status, page = self.server.get(f"stage/{address}", self.headers)
        assert status in (200, 404), f"{address} answered {status}: {page[-500:]}"
        return page if status == 200 else ""

    def next_hour(self) -> None:
        """The engine looks for what begins by the calendar once an hour too."""
        with opened(self.association, self.deployment, actor=operator()) as (_app, session), work.unit_of_work(session) as own:
            jobs.enqueue(own, "procedures.periods")

    def data(self) -> list[list[tuple[Any, ...]]]:
        """Everything of the log and its steps, and the background work of complaints."""
        tables = (Entry, StepRun, StepPeriod)
        mine = sa.select(JobRow.id, JobRow.state, JobRow.attempts).where(JobRow.name.startswith("complaints.")).order_by(JobRow.id)
        return [*(self.rows(sa.select(*one.__table__.c).order_by(one.id)) for one in tables), self.rows(mine)]


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    url = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    deployment = test_deployment(tmp_path)
    association = new_association(deployment, "stage", postgres=url, plugins=frozenset({"complaints"}))
    began = datetime.now(UTC).replace(microsecond=0) - AWAY
    with opened(association, deployment, actor=operator()) as (app, session):
        user = boss(session)
        with work.time_at(began):
            number, entry_id = told_three_weeks_ago(app, session, user, began)
        kept, token = today(session, user)
        zone = settings.time_zone(session)
    headers = {"Cookie": f"diwan_stage={token}; diwan_language=en"}
    with serving(deployment, workers=2) as server:
        made = Stage(deployment, association, began, headers, number, entry_id, kept, zone, server)
        yield made
        made.engine.dispose()


def boss(session: Session) -> User:
    """One person with the roles of customer relations, who also turns plugins on and off."""
    with work.unit_of_work(session) as own:
        home = own.scalars(sa.select(Department.id).where(Department.slug == "crm")).one()
        user = auth.add_user(own, username="boss", name_ar="مدير", department_id=home, actor=operator(), now=work.now())
        for role in ("admin", "crm_manager", "crm_employee"):
            auth.grant_role(own, user, role, actor=operator())
        return user


def as_actor(session: Session, user: User) -> Actor:
    return auth.actor_for(session, user, source="web", now=work.now())


def told_three_weeks_ago(app: Flask, session: Session, user: User, began: datetime) -> tuple[str, int]:
    """A complaint with a promised call-back; then the background work ran as it does all the time."""
    with work.unit_of_work(session) as own:
        given = {"kind": "complaint", "channel": "phone", "text": "تأخر الإيصال", "name": "هند", "phone": "0559990000", "answer_now": services.CALLBACK,
                 "promised_at": began + timedelta(days=2), "callback_to": "0559990000"}
        entry = services.receive(own, given, actor=as_actor(own, user), now=began).entry
        offered = worker.offered_jobs(app)
        jobs.schedule(own, [offered[name] for name in ("procedures.periods", "complaints.daily")], began, settings.time_zone(own))
        number, entry_id = entry.number, entry.id
    while worker.run_next(app):
        pass
    return number, entry_id


def today(session: Session, user: User) -> tuple[str, str]:
    """The number of a run kept of the month in which the complaint came in, and the token of a sign-in."""
    report = next(one for one in reports.reports() if one.name == "complaints.monthly")
    with work.unit_of_work(session) as own:
        first = local_day(work.now() - AWAY, settings.time_zone(own)).replace(day=1)
        actor = as_actor(own, user)
        kept = report_services.keep(own, report, {"from_on": first, "to_on": local_day(work.now(), settings.time_zone(own))}, actor=actor, now=work.now())
        assert kept.document["totals"]["received"] == [1]
        own.refresh(user)
        return kept.number, signin.begin_session(own, user, address="127.0.0.1", device="test", now=work.now(), second_factor=True)


def weeks_of(rows: list[tuple[Any, ...]]) -> dict[str, list[date]]:
    """By role the first days of the weeks whose review was opened."""
    found: dict[str, list[date]] = {}
    for role, first in rows:
        found.setdefault(role, []).append(first)
    return found


def test_off_it_is_gone_in_both_workers_and_on_all_is_back_and_nothing_opens_twice(stage: Stage) -> None:
    present, before = stage.seen(), stage.data()
    assert [name for name, shown in present.items() if shown != {True}] == []

    stage.switch("disable")
    assert [name for name, shown in stage.seen().items() if shown != {False}] == []
    stage.work()
    assert stage.data() == before, "while it is off nothing of it is opened, and its background work rests"

    stage.switch("enable")
    assert stage.seen() == present
    assert stage.data()[:3] == before[:3]

    stage.work()
    everything_missed_is_there_once(stage)
    stage.next_hour()
    stage.work()
    everything_missed_is_there_once(stage)


def everything_missed_is_there_once(stage: Stage) -> None:
    first, last = (local_day(moment, stage.zone) for moment in (stage.began, datetime.now(UTC)))
    sunday = first - timedelta(days=(first.weekday() + 1) % 7)
    weeks = [sunday + timedelta(weeks=n) for n in range(5) if sunday + timedelta(weeks=n) <= last]
    reviews = stage.rows(sa.select(StepPeriod.role, StepPeriod.starts_on).where(
        StepPeriod.procedure_code == "MAN-CMPL", StepPeriod.step_number == 8).order_by(StepPeriod.starts_on))
    assert weeks_of(reviews) == {"crm_manager": weeks, "centres_manager": weeks}

    on_entry = sa.and_(StepRun.record_type == "complaints_entry", StepRun.record_id == stage.entry_id)
    updates = stage.rows(sa.select(StepRun.period).where(on_entry, StepRun.step_number == 4).order_by(StepRun.period))
    assert [day for day, in updates] == [first + timedelta(days=n) for n in range((last - first).days + 1)]
    cases = stage.rows(sa.select(StepRun.step_number, sa.func.count()).where(on_entry, StepRun.step_number != 4).group_by(StepRun.step_number))
    assert dict(cases) == {1: 1, 2: 1, 3: 1, 5: 1}
    periods = sa.func.count(StepRun.id)
    assert stage.rows(sa.select(StepRun.record_id).where(StepRun.record_type == "core_step_period").group_by(
        StepRun.procedure_code, StepRun.step_number, StepRun.record_id).having(periods > 1)) == []
    assert stage.rows(sa.select(Entry.number)) == [(stage.number,)]
