"""``diwan worker``: background work of every association of this home; ``diwan job``: one kind of it, now."""

from __future__ import annotations

import argparse

from core import logs, settings, work
from core.commands import chosen, operator
from core.errors import DiwanError
from core.jobs import services
from core.jobs.domain import newest_start
from core.jobs.models import DONE, WAITING, JobRow
from core.jobs.worker import offered_jobs, run_next, serve
from core.opening import opened
from core.settings import Deployment


def worker(options: argparse.Namespace) -> None:
    """Work until stopped; with ``--once`` until nothing is due."""
    deployment = Deployment.from_environment()
    logs.configure(deployment.home)
    serve(deployment, once=bool(getattr(options, "once", False)))


def job(options: argparse.Namespace) -> None:
    """Do one kind of periodic work now, beside its clock; what it comes to stands among the jobs."""
    with opened(chosen(options), Deployment.from_environment(), actor=operator()) as (app, session):
        offered = {name: one for name, one in offered_jobs(app).items() if one.every is not None}
        if options.name not in offered:
            raise DiwanError(f"There is no periodic work '{options.name}'. There is: {', '.join(sorted(offered))}.")
        one, now = offered[options.name], work.now()
        period = services.period_name(one, newest_start(one, now, settings.time_zone(session)))
        with work.unit_of_work(session) as own:
            wanted = services.enqueue(own, one.name, {"period": period}, due_at=now)
        while session.get_one(JobRow, wanted, populate_existing=True).state == WAITING and run_next(app, only=one.name):
            pass
        row = session.get_one(JobRow, wanted, populate_existing=True)
        if row.state != DONE:
            raise DiwanError(f"The work '{one.name}' is not done: {row.last_error or row.state}")
        print(f"{one.name}: done.")
