"""F24–F26: the clock jumps a day ahead, two days back, 400 days ahead, to 2038, to 1999, and home again.

Sessions end, people sign in again and go on; the audit log and the numbers go by their sequence and stay whole; an account's
lock is neither lifted nor made endless; a job held or wanted by a clock that ran ahead is done all the same.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from core import work
from core.auth import services as auth
from core.auth import signin
from core.auth.login_views import RESET_JOB
from core.commands import operator
from core.jobs import services as jobs
from core.jobs.models import JobRow
from core.opening import opened
from tests.faults.client import Person, send
from tests.faults.fault import BACK_SECONDS, Fault, Outcome, main
from tests.faults.load import Load
from tests.faults.stage import PASSWORD, ROLES, SLUG, Stage, stage

DAY = 24 * 60 * 60.0
ACTS = 12
WATCHER = "watcher"


def jumps(now: datetime) -> dict[str, float]:
    """Seconds by which the clock is wrong, by name, in the order in which they happen."""
    far = {f"to {year}": (datetime(year, 2, 1, 9, tzinfo=UTC) - now).total_seconds() for year in (2038, 1999)}
    return {"+1 d": DAY, "-2 d": -2 * DAY, "+400 d": 400 * DAY, **far, "home": 0.0}


def play(engine: str, rounds: int) -> Outcome:
    outcome = Outcome()
    with stage(engine, workers=0) as here:
        clock = here.deployment.home / "clock"
        here.variables["FAULT_CLOCK"] = str(clock)
        _set(clock, 0)
        _add_watcher(here)
        here.serve(workers=2)
        load = here.load()
        _act(load, 0)
        for _round in range(rounds):
            _lock(here, clock, outcome)
            for name, seconds in jumps(datetime.now(UTC)).items():
                _jump(here, load, clock, name, seconds, outcome)
        _jobs_from_the_future(here, outcome)
        outcome.figures.append(f"{rounds} × {', '.join(jumps(datetime.now(UTC)))}")
        outcome.take(here, load)
    return outcome


def _set(clock: Path, seconds: float) -> None:
    new = clock.with_suffix(".new")
    new.write_text(str(seconds))
    new.replace(clock)


def _act(load: Load, seconds: float) -> None:
    load.today = f"{datetime.now(UTC) + timedelta(seconds=seconds):%Y-%m-%d}"
    with load.running():
        load.wait_for_acks(ACTS)


def _jump(here: Stage, load: Load, clock: Path, name: str, seconds: float, outcome: Outcome) -> None:
    """The sessions of before are over; the same people sign in and work on."""
    old = dict(load.people["employee"].cookies)
    _set(clock, seconds)
    answer = send(here.port, "GET", f"/{SLUG}/customers/", cookies=old)
    outcome.expect(answer.signed_out, f"{name}: a session of before is still good ({answer.status})")
    _act(load, seconds)


def _add_watcher(here: Stage) -> None:
    """Somebody whose account can be locked."""
    with opened(here.association, here.deployment, actor=operator()) as (_app, session), work.unit_of_work(session) as own:
        user = auth.add_user(own, username=WATCHER, name_ar=WATCHER, actor=operator(), now=work.now())
        auth.grant_role(own, user, ROLES["employee"], actor=operator())
        signin.change_password(own, user, signin.checked_hash(own, user, PASSWORD))


def _lock(here: Stage, clock: Path, outcome: Outcome) -> None:
    """A minute's lock holds when the clock goes half an hour back, and is no lock of two days when it goes two days back."""
    wrong, right = (Person(WATCHER, password, f"/{SLUG}/", lambda: here.port) for password in ("wrong", PASSWORD))
    tries = [wrong.sign_in() for _n in range(6)]
    outcome.expect(set(tries) == {401}, f"wrong passwords were answered {tries}")
    outcome.expect(right.sign_in() == 401, "the account was not locked")
    _set(clock, -1800)
    outcome.expect(right.sign_in() == 401, "the lock was lifted by a clock that went back half an hour")
    _set(clock, -2 * DAY)
    outcome.expect(right.sign_in() == 200, "the lock is endless after the clock went back two days")
    _set(clock, 0)


def _jobs_from_the_future(here: Stage, outcome: Outcome) -> None:
    """A job that a worker held in 2038 and one wanted then, when the clock is right again."""
    with work.time_at(datetime(2038, 2, 1, 9, tzinfo=UTC)), opened(here.association, here.deployment) as (_app, session), work.unit_of_work(session) as own:
        first = jobs.enqueue(own, RESET_JOB, {"user_id": None, "place": ""}, due_at=work.now() - timedelta(seconds=1))
        own.flush()
        held = jobs.claim(own, work.now(), names=[RESET_JOB])
        second = jobs.enqueue(own, RESET_JOB, {"user_id": None, "place": ""})
        outcome.expect(held is not None and held.id == first, "the job could not be held")
    worker, begun = here.start("worker"), time.monotonic()
    done = sa.select(sa.func.count()).where(JobRow.id.in_([first, second]), JobRow.state == "done")
    while here.count(done) < 2 and time.monotonic() < begun + 2 * BACK_SECONDS:
        time.sleep(0.1)
    taken = here.count(done)
    worker.stop()
    outcome.expect(taken == 2, f"of a job held and a job wanted in 2038 {taken} were done when the clock was right again")


FAULT = Fault("clock", "the clock jumps ahead and back", play, rounds=1, most=5)

if __name__ == "__main__":
    main(FAULT)
