"""The load: people who fill, review, approve and enter forms, record contributions, complaints and batches, all at once.

Every act that the server acknowledged is written to the ledger with ``fsync`` before the next one is sent. An answer that
was lost is asked for again with the same operation key, as a browser's second click would.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.client import Answer, NoAnswer, Person

CUSTOMER = re.compile(r"/customers/(\d{6,})(?:[\"/?]|$)")
FORM = re.compile(r"/customers/forms/(\d+)")
COMPLAINT = re.compile(r"\bC-[0-9]{4}-[0-9]{4,}\b")
BATCH = re.compile(r"/finance/batches/([^/?\"]+)$")
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.02
BATCH_EVERY = 8
_keys = itertools.count(1)


class Ledger:
    """What was acknowledged, a line an act, each on the disk before anybody relies on it; and what was tried."""

    def __init__(self, file: Path) -> None:
        self.file, self.tried = file, set[str]()
        self._lock = threading.Lock()

    def try_(self, key: str) -> None:
        with self._lock:
            self.tried.add(key)

    def write(self, act: str, **facts: Any) -> None:
        with self._lock, self.file.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"act": act, "at": time.time(), **facts}) + "\n")
            out.flush()
            os.fsync(out.fileno())

    def read(self) -> list[dict[str, Any]]:
        with self._lock:
            return [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]


@dataclass
class Load:
    """Some clients over a stage. ``problems`` are answers that no fault excuses; ``waits`` the seconds each act took."""

    people: Mapping[str, Person]
    ledger: Ledger
    clients: int = 4
    complaints: bool = False
    pause: float = PAUSE_SECONDS
    today: str = field(default_factory=lambda: time.strftime("%Y-%m-%d"))
    problems: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    refusal: str = ""
    """What the last page said that refused by 503."""
    acks: int = 0
    latest: tuple[float, float] = (0.0, 0.0)
    """When the acknowledged request that was sent last was sent, and when it was answered (monotonic)."""
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[Load]:
        """Clients at work during the block; at its end each finishes its act."""
        self._stop.clear()
        threads = [threading.Thread(target=self._work, args=(number,), name=f"client-{number}") for number in range(self.clients)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(PATIENCE_SECONDS + 60)

    def wait_for_acks(self, count: int, seconds: float = PATIENCE_SECONDS) -> None:
        """Until ``count`` more acts were acknowledged. Raises TimeoutError."""
        goal, until = self.acks + count, time.monotonic() + seconds
        while self.acks < goal:
            if time.monotonic() > until:
                raise TimeoutError(f"{count} acts were not acknowledged within {seconds:.0f} s: {dict(self.statuses)}, {self.problems[:2]}")
            time.sleep(0.02)

    def seconds_until_ack(self, since: float, seconds: float = PATIENCE_SECONDS) -> float:
        """How long after ``since`` (monotonic) a request that was sent after it was acknowledged. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while self.latest[0] <= since:
            if time.monotonic() > until:
                raise TimeoutError(f"nothing was acknowledged within {seconds:.0f} s: {dict(self.statuses)}, {self.problems[:2]}")
            time.sleep(0.01)
        return self.latest[1] - since

    # --- one client ---------------------------------------------------------------------------------------------------

    def _work(self, number: int) -> None:
        while not self._stop.is_set():
            try:
                self._cycle(f"{os.getpid()}-{number}-{next(_keys)}")
            except GivenUp as error:
                if not self._stop.is_set():
                    self.problems.append(str(error))
            except Exception as error:  # a fault of the driver must be seen, not be taken for silence
                self.problems.append(f"driver: {type(error).__name__}: {error}")

    def _cycle(self, key: str) -> None:
        """A customer from the form to the register, a contribution, and now and then a batch."""
        form = self._fill(key)
        for act, who in (("review", "manager"), ("approve", "manager")):
            self._do(who, act, f"customers/forms/{form}/{act}", key=key, form=form)
        number = self._enter(key, form)
        money = {"customer_number": number, "amount": "12.50", "currency": "SAR", "received_on": self.today, "method": "cash", "reference": f"ref-{key}",
                 "operation_key": f"money-{key}"}
        self._do("treasurer", "contribution", "finance/contributions/new/", money, key=key, reference=money["reference"], customer=number)
        if self.complaints:
            self._complain(key, number)
        if next(_keys) % BATCH_EVERY == 0:
            self._issue(key)

    def _fill(self, key: str) -> int:
        self.ledger.try_(key)
        values = {"name": f"Load {key}", "customer_class": "donor", "registration_origin": "call", "not_duplicates": "y", "operation_key": f"form-{key}"}
        answer = self._until_answered("employee", "form", "customers/forms/new", values)
        found = FORM.search(answer.location)
        if found is None:
            raise GivenUp(f"a form was answered by {answer.location}")
        self._acknowledge("form", key=key, form=int(found[1]))
        return int(found[1])

    def _enter(self, key: str, form: int) -> str:
        """The number, from the answer, or from the form's page where the answer was lost and a second click was told so."""
        answer = self._until_answered("officer", "enter", f"customers/forms/{form}/enter")
        found = CUSTOMER.search(answer.location)
        while found is None:
            page = self._until_answered("officer", "page", f"customers/forms/{form}", method="GET")
            found = CUSTOMER.search(page.body)
            if found is None:
                raise GivenUp(f"form {form} is entered and its page shows no number")
        self._acknowledge("customer", key=key, form=form, number=found[1])
        return found[1]

    def _complain(self, key: str, customer: str) -> None:
        """Somebody calls: written into the log of the plugin and answered at once. The number is what the caller is told."""
        values = {"caller": customer, "looked": customer, "customer_number": customer, "channel": "phone", "kind": "complaint", "text": f"Load {key}",
                  "answer_now": "solved", "answer": "told", "operation_key": f"complaint-{key}"}
        found = COMPLAINT.search(self._until_answered("employee", "complaint", "complaints/new", values).body)
        if found is None:
            raise GivenUp(f"the complaint {key} was answered without a number")
        self._acknowledge("complaint", key=key, number=found[0])

    def _issue(self, key: str) -> None:
        choice = {"from_on": self.today, "until_on": self.today, "content": "contributions", "layout": "generic", "operation_key": f"batch-{key}"}
        answer = self._until_answered("treasurer", "batch", "finance/issue", choice, empty=True)
        found = BATCH.search(answer.location)
        if found is not None:
            self._acknowledge("batch", key=key, number=found[1])

    def _do(self, who: str, act: str, path: str, data: Mapping[str, str] | None = None, **facts: Any) -> None:
        answer = self._until_answered(who, act, path, data)
        if answer.status == 302:
            self._acknowledge(act, **facts)

    def _acknowledge(self, act: str, **facts: Any) -> None:
        self.ledger.write(act, **facts)
        self.acks += 1
        time.sleep(self.pause)

    def _until_answered(
        self, who: str, act: str, path: str, data: Mapping[str, str] | None = None, *, method: str = "POST", empty: bool = False,
    ) -> Answer:
        """Ask until there is an answer other than 503; a 409 counts as one where an earlier answer was lost.

        Raises GivenUp when it stays away, or is one that nothing excuses.
        """
        begun, lost, until = time.monotonic(), False, time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            sent = time.monotonic()
            try:
                answer = self.people[who].get(path) if method == "GET" else self.people[who].post(path, data)
            except NoAnswer:
                self.statuses["no answer"] += 1
                lost = True
            else:
                self.statuses[str(answer.status)] += 1
                if self._settles(answer, act, lost or empty):
                    now = time.monotonic()
                    self.waits.append(now - begun)
                    self.latest = max(self.latest, (sent, now))
                    return answer
                lost = True
                self.refusal = plain_text(answer.body) if answer.status == 503 else self.refusal
            time.sleep(0.1)
        raise GivenUp(f"{act}: no answer for {PATIENCE_SECONDS:.0f} s")

    def _settles(self, answer: Answer, act: str, excused: bool) -> bool:
        if answer.status in (200, 302) and not answer.signed_out:
            return True
        if answer.status == 409 and excused:
            return True
        if answer.status in (302, 503):
            return False
        faults = "; ".join(re.findall(r'role="alert"[^>]*>([^<]+)', answer.body))
        raise GivenUp(f"{act} was answered {answer.status}: {faults or plain_text(answer.body)[:200]}")


class GivenUp(Exception):
    """An act that came to nothing, and why."""


def plain_text(page: str) -> str:
    """The words of a page's main part."""
    main = re.split(r"<main[^>]*>", page, maxsplit=1)[-1]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())
