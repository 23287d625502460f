"""A flood on the public pages: four processes write to the form and guess follow-up codes without a pause, from one address.

Somebody who is signed in at that very address works on: every answer is good, and the median wait stays within ``TIMES`` its own
of a quiet minute. Both workers count in the database: what is let through is what one counter lets through, to the message.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import sqlalchemy as sa

from plugins.complaints.models import Entry, Limit
from plugins.complaints.settings import SETTINGS
from tests.faults.client import TOKEN, NoAnswer, Person, send
from tests.faults.fault import Fault, Outcome, main, percentile
from tests.faults.stage import PASSWORD, SLUG, stage

PROCESSES = 4
SECONDS = 12.0
PATIENCE_SECONDS = 120.0
TIMES = 8.0
"""Four at once before two workers, on a machine that also runs the four: each wait is some six of a quiet one's."""
FLOOR_SECONDS = 0.1
"""A quiet median below this is counted as this: it is less than anybody notices."""
ALLOWED = next(int(one.default) for one in SETTINGS if one.key == "complaints.public_each")
FORM, FOLLOW = f"/{SLUG}/p/complaints/?lang=en", f"/{SLUG}/p/complaints/follow?lang=en"
TEXT = "Poured out"


# --- the flood -------------------------------------------------------------------------------------------------------


def pour(number: int, port: int, ready: Any, answers: Any) -> None:
    """One process: a message, then a guess, then the next message; hands back how each was answered."""
    counted: Counter[str] = Counter()
    page = send(port, "GET", FORM)
    token = TOKEN.search(page.body)
    cookies = {name: value for name, value in page.cookies.items() if value}
    sent = 0
    ready.wait(PATIENCE_SECONDS)
    until = time.time() + SECONDS
    while token is not None and time.time() < until:
        sent += 1
        values = {"csrf_token": token[1], "kind": "complaint", "text": f"{TEXT} {number}-{sent}", "name": "Flood", "phone": "0555120348", "consent": "y",
                  "operation_key": f"pour-{os.getpid()}-{sent}"}
        guess = {"csrf_token": token[1], "number": f"C-2026-{sent:04d}", "code": "AAAAA-AAAAA"}
        for place, path, given in (("form", FORM, values), ("follow", FOLLOW, guess)):
            try:
                answer = send(port, "POST", path, data=given, cookies=cookies)
            except NoAnswer:
                counted[f"{place} no answer"] += 1
                continue
            counted[f"{place} {answer.status}"] += 1
            if answer.status == 429:
                told = answer.retry_after.isdigit() and "Too much was sent within the hour" in answer.body
                told = told and (place == "follow" or values["text"] in answer.body)
                counted["told when, and what was written kept" if told else "refused without a word"] += 1
    answers.put(counted)


# --- who works on ----------------------------------------------------------------------------------------------------


@dataclass
class Worker:
    """Somebody at the pages of the log: looks at the day, the log and the empty form, and writes an entry."""

    person: Person
    waits: list[float] = field(default_factory=list)
    bad: Counter[str] = field(default_factory=Counter)
    written: int = 0

    def work(self, until: float) -> list[float]:
        """The seconds that each request took."""
        waits: list[float] = []
        while time.time() < until:
            for path in ("", "complaints/", "complaints/new"):
                waits.append(self._timed(lambda path=path: self.person.get(path), (200,)))  # type: ignore[misc]
            waits.append(self._timed(self._write, (200,)))
        return waits

    def _write(self) -> Any:
        self.written += 1
        return self.person.post("complaints/new", {"unknown": "1", "name": "Caller", "phone": "0559990000", "channel": "phone", "kind": "complaint",
                                                   "text": "Called", "answer_now": "solved", "answer": "told", "operation_key": f"works-{self.written}"})

    def _timed(self, ask: Any, good: tuple[int, ...]) -> float:
        begun = time.monotonic()
        try:
            answer = ask()
            if answer.status not in good:
                self.bad[str(answer.status)] += 1
        except NoAnswer:
            self.bad["no answer"] += 1
        return time.monotonic() - begun


def play(engine: str, rounds: int) -> Outcome:
    outcome = Outcome()
    with stage(engine, workers=2) as here:
        worker = Worker(Person("employee", PASSWORD, f"/{SLUG}/", lambda: here.port))
        outcome.expect(worker.person.sign_in() == 200, "nobody could sign in")
        worker.work(time.time() + 2)
        quiet = worker.work(time.time() + SECONDS / 2)
        counted: Counter[str] = Counter()
        during: list[float] = []
        for _round in range(rounds):
            during += _flooded(here.port, worker, counted)
        _judge_worker(outcome, worker, quiet, during)
        _judge_flood(outcome, counted)
        public, staff = (here.count(sa.select(sa.func.count()).select_from(Entry).where(Entry.source == source)) for source in ("public", "staff"))
        outcome.expect(public == ALLOWED, f"{public} messages were stored, {ALLOWED} are allowed")
        outcome.expect(staff == worker.written, f"of {worker.written} entries of staff {staff} were stored")
        for what in ("send", "guess"):
            most = here.count(sa.select(sa.func.max(Limit.count)).where(Limit.key.like(f"{what}:%")))
            outcome.expect(most == ALLOWED, f"the counter of {what} stands at {most}, not at {ALLOWED}")
        verdict = here.verify()
        outcome.problems += [verdict] if verdict else []
    return outcome


def _flooded(port: int, worker: Worker, counted: Counter[str]) -> list[float]:
    """What somebody's requests took while the processes pour."""
    context = multiprocessing.get_context("spawn")
    answers, ready = context.Queue(), context.Barrier(PROCESSES + 1)
    processes = [context.Process(target=pour, args=(number, port, ready, answers)) for number in range(PROCESSES)]
    for one in processes:
        one.start()
    ready.wait(PATIENCE_SECONDS)
    waits = worker.work(time.time() + SECONDS)
    for _one in processes:
        counted.update(answers.get(timeout=PATIENCE_SECONDS))
    for one in processes:
        one.join(PATIENCE_SECONDS)
    return waits


def _judge_worker(outcome: Outcome, worker: Worker, quiet: list[float], during: list[float]) -> None:
    own, wait = median(quiet), median(during)
    bound = TIMES * max(own, FLOOR_SECONDS)
    outcome.expect(not worker.bad, f"who works was answered {dict(worker.bad)}")
    outcome.expect(wait <= bound, f"who works waits {wait:.2f} s at the median, {bound:.2f} s is the bound")
    outcome.figures.append(f"{len(during)} requests of staff, median {own * 1000:.0f} ms in quiet, {wait * 1000:.0f} ms in the flood "
                           f"(bound {bound * 1000:.0f} ms), p95 {percentile(during, 95) * 1000:.0f} ms")


def _judge_flood(outcome: Outcome, counted: Counter[str]) -> None:
    expected = {"form 200", "form 429", "follow 422", "follow 429", "told when, and what was written kept"}
    outcome.expect(set(counted) == expected, f"the flood was answered {dict(counted)}")
    outcome.expect((counted["form 200"], counted["follow 422"]) == (ALLOWED, ALLOWED),
                   f"{counted['form 200']} messages and {counted['follow 422']} guesses were let through, {ALLOWED} of each are allowed")
    outcome.figures.append(f"{counted['form 429'] + counted['follow 429']} refused by 429 and {counted['form 200']} messages taken of {PROCESSES} processes")


FAULT = Fault("flood", "a flood on the public pages while staff work on", play, rounds=1, most=20)

if __name__ == "__main__":
    main(FAULT)
