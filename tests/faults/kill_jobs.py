"""F03: kill -9 of the job worker in the middle of entering an import; the job is taken again and its effect is there once.

The worker's lease is three seconds here instead of sixty: that long a killed worker's job waits to be taken again.
"""

from __future__ import annotations

import random
import time

import sqlalchemy as sa

from core import work
from core.auth import services as auth
from core.auth.actor import Actor
from core.auth.models import User
from core.customers import background, entry, importing, services
from core.customers.models import Customer, CustomerForm
from core.jobs.models import JobRow
from core.opening import opened
from tests.faults.fault import Fault, Outcome, main
from tests.faults.stage import Process, Stage, stage

LINES = 6 * entry.BLOCK
LEASE_SECONDS = 3
LONGEST_SECONDS = 240.0


def play(engine: str, rounds: int) -> Outcome:
    outcome, back = Outcome(), []
    with stage(engine, workers=0) as here:
        for number in range(rounds):
            form = _approved_import(here, number)
            back.append(_entered_under_kills(here, form, outcome))
            _judge(here, form, outcome)
        verdict = here.verify()
        outcome.problems += [verdict] if verdict else []
        outcome.figures.append(f"{rounds} imports of {LINES} lines, entered in {max(back):.0f} s with a kill in each")
    return outcome


def _approved_import(here: Stage, number: int) -> int:
    """An approved form of many lines, whose entry is wanted from the worker; its id."""
    with opened(here.association, here.deployment) as (_app, session):
        actors = {user.username: auth.actor_for(session, user, source="cli") for user in session.scalars(sa.select(User))}
        with work.unit_of_work(session) as own:
            own.info["actor"] = actors["employee"]
            form = importing.begin_import_form(own, source=f"fault {number}", operation_key=f"fault-{number}", actor=actors["employee"], now=work.now())
            lines = [{"name": f"Line {number} {line}", "customer_class": "donor", "registration_origin": "web"} for line in range(LINES)]
            importing.add_lines(own, form, lines, actor=actors["employee"])
            importing.send_import(own, form, actor=actors["employee"], now=work.now())
            _decide(own, form, actors)
            background.start_import_entry(own, form, actor=actors["officer"], now=work.now())
            return form.id


def _decide(session: sa.orm.Session, form: CustomerForm, actors: dict[str, Actor]) -> None:
    services.review(session, form, actor=actors["manager"], now=work.now())
    services.approve(session, form, actor=actors["manager"], now=work.now())


def _entered_under_kills(here: Stage, form: int, outcome: Outcome) -> float:
    """Let a worker begin, kill it between the first block and the last, and let another finish; the seconds that took."""
    begun = time.monotonic()
    first = _worker(here)
    goal = random.randint(1, 4) * entry.BLOCK
    while (done := _entered(here, form)) < goal:
        _not_longer(begun, outcome)
        time.sleep(0.02)
    first.kill_group()
    outcome.expect(done < LINES, "the worker was done before it was killed: the import is too short")
    second = _worker(here)
    while _entered(here, form) < LINES or _running(here):
        _not_longer(begun, outcome)
        time.sleep(0.1)
    second.stop()
    return time.monotonic() - begun


def _not_longer(begun: float, outcome: Outcome) -> None:
    if time.monotonic() - begun > LONGEST_SECONDS:
        raise TimeoutError(f"the import was not entered within {LONGEST_SECONDS:.0f} s {outcome.problems}")


def _worker(here: Stage) -> Process:
    return here.start("worker", FAULT_LEASE=str(LEASE_SECONDS))


def _entered(here: Stage, form: int) -> int:
    return here.count(sa.select(sa.func.count()).where(Customer.form_id == form))


def _running(here: Stage) -> int:
    return here.count(sa.select(sa.func.count()).where(JobRow.name == background.ENTER_IMPORT, JobRow.state != "done"))


def _judge(here: Stage, form: int, outcome: Outcome) -> None:
    numbers = here.count(sa.select(sa.func.count(Customer.number.distinct())).where(Customer.form_id == form))
    names = here.count(sa.select(sa.func.count(Customer.name.distinct())).where(Customer.form_id == form))
    state = here.count(sa.select(sa.func.count()).where(CustomerForm.id == form, CustomerForm.state == "entered"))
    entered = _entered(here, form)
    outcome.expect(entered == numbers == names == LINES, f"{LINES} lines became {entered} customers, {numbers} numbers, {names} names")
    outcome.expect(state == 1, "the import's form is not entered")


FAULT = Fault("kill_jobs", "kill -9 of the job worker in the middle of an import", play, rounds=1, most=20)

if __name__ == "__main__":
    main(FAULT)
