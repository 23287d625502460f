"""Number, row and audit entry from eight processes at once, beside one process alone: rate, longest wait, who is starved."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from itertools import islice
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from benchmarks import fill
from benchmarks.measures import Run
from benchmarks.timing import CLOCK, Check, Figure, summarise
from core import work
from core.auth.actor import Actor
from core.auth.models import User
from core.auth.services import actor_for
from core.customers import entry, services
from core.customers.models import Customer, CustomerForm
from core.opening import opened
from core.settings import Deployment, find_association
from tests.support.server import ROOT, environment

PROCESSES, FORMS_EACH, LEAST_EACH, AT_ONCE = 8, 12, 3, 50
WARM = 2
"""Forms that each process enters before it is ready: the first entry of a process compiles its statements."""
RATE_GOAL, WAIT_GOAL_MS, SLOWEST_GOAL = 0.8, 250.0, 0.5


def processes(run: Run) -> Generator[Figure, None, None]:
    """The same number of forms entered by one process, then by eight."""
    each = max(LEAST_EACH, int(FORMS_EACH * CLOCK.seconds))
    before = _last_number(run)
    forms = approved(run, 2 * PROCESSES * each + (1 + PROCESSES) * WARM)
    alone, shared = forms[:PROCESSES * each + WARM], forms[PROCESSES * each + WARM:]
    one = _entered(run, [alone])
    many = _entered(run, [shared[start::PROCESSES] for start in range(PROCESSES)])
    together = max(told["until"] for told in many) - min(told["since"] for told in many)
    rates = [PROCESSES * each / one[0]["took"], PROCESSES * each / together]
    waits = [wait * 1000 for told in many for wait in told["waits"]]
    slowest = min(told["took"] for told in many) / max(told["took"] for told in many)
    numbers = _numbers_after(run, before, len(forms))
    gaps = len(set(range(before + 1, before + 1 + len(forms))).symmetric_difference(numbers)) + len(numbers) - len(set(numbers))
    yield summarise("entered by one process", [wait * 1000 for wait in one[0]["waits"]], run.floor.commit_ms, note=f"{rates[0]:,.0f} a second")
    yield summarise(
        f"entered by {PROCESSES} processes", waits, run.floor.commit_ms,
        note=f"{rates[1]:,.0f} a second together, {rates[1] / rates[0]:.0%} of one; longest wait {max(waits):.0f} ms; "
             f"slowest process at {slowest:.0%} of the fastest;",
        checks=(Check("8 processes: rate of one process", rates[1] / rates[0], RATE_GOAL, "x", at_least=True),
                Check("8 processes: longest wait", max(waits), WAIT_GOAL_MS),
                Check("8 processes: slowest of fastest", slowest, SLOWEST_GOAL, "x", at_least=True),
                Check("8 processes: numbers doubled or left out", float(gaps), 0, "")))


def approved(run: Run, count: int) -> list[int]:
    """Ids of forms that wait for entry."""
    people = fill.team(run.association, run.deployment)
    ids: list[int] = []
    source = fill.rows(count)
    with opened(run.association, run.deployment, actor=people["maker"]) as (_app, session):
        while batch := list(islice(source, AT_ONCE)):
            with work.unit_of_work(session) as own:
                for values in batch:
                    form = services.fill_form(own, {**values, "mobile": None}, actor=people["maker"], now=work.now(), not_duplicates=True)
                    services.review(own, form, actor=people["approver"], now=work.now())
                    services.approve(own, form, actor=people["approver"], now=work.now())
                    ids.append(form.id)
    return ids


def _last_number(run: Run) -> int:
    with opened(run.association, run.deployment) as (_app, session):
        newest = session.scalar(sa.select(Customer.number).order_by(Customer.id.desc()).limit(1))
        return int(newest[:-1]) if newest else 0


def _numbers_after(run: Run, before: int, count: int) -> list[int]:
    """The numbers given since, without their check digits, in order."""
    with opened(run.association, run.deployment) as (_app, session):
        newest = session.scalars(sa.select(Customer.number).order_by(Customer.id.desc()).limit(2 * count))
        return sorted(number for one in newest if (number := int(one[:-1])) > before)


def _entered(run: Run, shares: list[list[int]]) -> list[dict[str, Any]]:
    """Let a process for each share enter it, all begun together; what each says of itself."""
    running = [subprocess.Popen([sys.executable, "-m", "benchmarks.eight", run.association.slug, json.dumps(share)], env=environment(run.deployment), cwd=ROOT,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for share in shares]
    for process in running:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("a process that was to enter forms ended before it began")
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [json.loads(process.communicate()[0]) for process in running]


def main(slug: str, mine: list[int]) -> None:
    """One of the processes: wait for the word, then enter."""
    deployment = Deployment.from_environment()
    with opened(find_association(deployment, slug), deployment) as (_app, session):
        actor = actor_for(session, session.scalars(sa.select(User).where(User.username == "officer")).one(), source="cli")
        work.rollback(session)
        for form_id in mine[:WARM]:
            _enter(session, form_id, actor)
        print("ready", flush=True)
        sys.stdin.readline()
        since = monotonic()
        waits = [_enter(session, form_id, actor) for form_id in mine[WARM:]]
        print(json.dumps({"waits": waits, "since": since, "until": monotonic(), "took": monotonic() - since}))


def _enter(session: Session, form_id: int, actor: Actor) -> float:
    """Seconds that entering a form took, with waiting for its turn."""
    began = monotonic()
    with work.unit_of_work(session) as own:
        own.info["actor"] = actor
        entry.enter(own, own.get_one(CustomerForm, form_id), actor=actor, now=work.now())
    return monotonic() - began


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
