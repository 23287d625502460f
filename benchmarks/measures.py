"""What is measured, by parts: through HTTP with a signed-in person where people wait for it, through the services where they do not."""

from __future__ import annotations

import base64
import itertools
import json
import re
import statistics
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from time import perf_counter
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from benchmarks import fill, tools
from benchmarks.floor import Floor
from benchmarks.timing import (
    CLOCK,
    LEAST_SAMPLES,
    Check,
    Figure,
    figure,
    forget_peak,
    memory_bytes,
    once,
    peak_bytes,
    summarise,
)
from core import work
from core.auth.models import User
from core.commands import operator
from core.customers import entry, services
from core.customers.models import Customer, CustomerForm
from core.database import db
from core.finance.models import Contribution
from core.hosting import settle
from core.opening import opened
from core.settings import Association, Deployment
from core.testing import close_app, make_app, sign_in

MIB = 1024**2
LIST_GOAL_MS, SEARCH_GOAL_MS, REPORT_GOAL_MS, START_GOAL_MS = 8.0, 5.0, 20.0, 300.0
FIRST_BYTE_GOAL_MS, EXPORT_GROWTH_GOAL_MIB = 50.0, 80.0
EXPORT_GOALS = {("sqlite", "customers"): 1.5, ("sqlite", "contributions"): 2.0, ("postgresql", "customers"): 1.5, ("postgresql", "contributions"): 1.5}
IMPORT_GOALS = {"sqlite": 50_000.0, "postgresql": 25_000.0}
IMPORT_GROWTH_GOAL_MIB = 200.0
FORMS, FORMS_SECONDS = 60, 6
MOST_IMPORTED, LEAST_IMPORTED = 5_000, 1_000
EXPORTS = 3
"""So often an export and the engine's own tool take turns, while the part's time lasts."""
_keys = itertools.count()


@dataclass
class Run:
    """One association that is measured, and what the parts tell each other."""

    association: Association
    deployment: Deployment
    floor: Floor
    size: int
    engine: str
    figures: dict[str, Figure] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    """Requests a second with eight clients, by page."""
    checks: list[Check] = field(default_factory=list)
    """Goals that belong to no single figure of ours."""

    def median(self, name: str) -> float | None:
        found = self.figures.get(name)
        return found.median_ms if found else None


def words(run: Run, client: FlaskClient) -> dict[str, str]:
    """What is typed: names in full and in another spelling, their first letters, part of a telephone, a number."""
    return {"rare name": fill.RARE, "common name": "أحمد العتيبي", "folded spelling": "احمد العتيبي", "one letter": "ا", "two letters": "اح",
            "phone digits": f"05{run.size // 2:08d}"[:9], "number": a_number(client)}


@contextmanager
def signed_in(run: Run, username: str = "approver") -> Iterator[FlaskClient]:
    """A client of somebody who may read, see personal data and export every customer (or, the accountant, all money)."""
    app = make_app(run.association, run.deployment)
    settle()
    try:
        with app.app_context():
            client = app.test_client()
            session = work.real(db.session)
            session.info["actor"] = operator()
            sign_in(client, session.scalars(sa.select(User).where(User.username == username)).one())
            db.session.remove()
        yield client
    finally:
        close_app(app)


def get(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}")
    return answer.get_data(as_text=True)


def a_number(client: FlaskClient) -> str:
    return re.findall(r"/customers/(\d{5,})\"", get(client, "/customers/"))[-1]


def deep_address(run: Run) -> str:
    """The page of the list that begins after nine tenths of all customers, as the link on the page before it would be."""
    with opened(run.association, run.deployment) as (_app, session):
        rank = int((session.scalar(sa.select(sa.func.count()).select_from(Customer)) or 0) * 0.1)
        identity = session.scalar(sa.select(Customer.id).order_by(Customer.id).offset(rank).limit(1))
    token = base64.urlsafe_b64encode(json.dumps([identity, identity]).encode()).decode().rstrip("=")
    return f"/customers/?after={token}"


def asked(run: Run, client: FlaskClient, name: str, address: str, *, goal_ms: float | None = None, least: int = LEAST_SAMPLES) -> Generator[Figure, None, None]:
    """The figure of one page. One that cannot be had is said and has missed its goal; the others are measured all the same."""
    try:
        yield figure(name, lambda: get(client, address), run.floor.page_ms, goal_ms=goal_ms, least=least)
    except RuntimeError as error:
        print(f"{name:<44}FAILED: {error}", flush=True)
        if goal_ms is not None:
            run.checks.append(Check(f"{name}: median", inf, goal_ms))


# --- pages -----------------------------------------------------------------------------------------------------------


def start(run: Run) -> Generator[Figure, None, None]:
    """Building the app with every plugin on, in a process that has imported everything; the first one compiles what later ones share."""
    def build() -> Flask:
        return make_app(run.association, run.deployment)

    first: list[Flask] = []
    first_ms = once(lambda: first.append(build()))
    close_app(first[0])
    yield figure("start of an app", lambda: close_app(build()), run.floor.page_ms, note=f"first {first_ms:.0f} ms", goal_ms=START_GOAL_MS)


def lists(run: Run) -> Generator[Figure, None, None]:
    with signed_in(run) as client:
        yield from asked(run, client, "list page", "/customers/", goal_ms=LIST_GOAL_MS)
        yield from asked(run, client, "list page at 90 %", deep_address(run), goal_ms=LIST_GOAL_MS)
        yield from asked(run, client, "list of contributions", "/finance/contributions/")
        yield from asked(run, client, "list of calls", "/callcenter/")


def pages(run: Run) -> Generator[Figure, None, None]:
    with signed_in(run) as client:
        yield from asked(run, client, "one customer", f"/customers/{a_number(client)}")
        yield from asked(run, client, "my day", "/")


def searches(run: Run) -> Generator[Figure, None, None]:
    """As the global box asks while somebody types, and as the list of customers does."""
    with signed_in(run) as client:
        typed = words(run, client)
        for name, word in typed.items():
            yield from asked(run, client, f"search as you type, {name}", f"/search/?part=1&q={quote(word)}", goal_ms=SEARCH_GOAL_MS)
        for name, word in typed.items():
            yield from asked(run, client, f"search in the list, {name}", f"/customers/?q={quote(word)}")
        run.checks += [_found(client, "احمد", "أحمد"), _found(client, "ا", ""), _found(client, "اح", "")]


def _found(client: FlaskClient, typed: str, spelled: str) -> Check:
    hits = [one for one in json.loads(get(client, f"/customers/find?q={quote(typed)}")) if spelled in one["name"]]
    return Check(f"“{typed}” finds {f'“{spelled}”' if spelled else 'customers'}", float(len(hits)), 1, "hits", at_least=True)


def reports(run: Run) -> Generator[Figure, None, None]:
    """Over all contributions and all calls, each report as its page shows it; of slow ones three calls do."""
    shown = {
        "report: statement per programme": "/reports/finance.programmes/",
        "report: statement per donor": "/reports/finance.donors/",
        "report: panel of calls, all years": "/reports/callcenter.panel/?by=year",
        "report: panel of calls, this year": "/reports/callcenter.panel/",
        "report: handling time, all years": "/reports/callcenter.handling/?from_on=2010-01-01&by=agent",
        "report: handling time, this month": "/reports/callcenter.handling/?by=agent",
    }
    with signed_in(run) as client:
        for name, address in shown.items():
            yield from asked(run, client, name, address, goal_ms=REPORT_GOAL_MS, least=3)


# --- files -----------------------------------------------------------------------------------------------------------


def exports(run: Run) -> Generator[Figure, None, None]:
    """All customers and all contributions as CSV, in turns with the engine's own tool over the same table."""
    with opened(run.association, run.deployment) as (_app, session):
        counts = {model: session.scalar(sa.select(sa.func.count()).select_from(model)) or 0 for model in (Customer, Contribution)}
    yield from _export(run, "customers", "approver", "/customers/export", tools.CUSTOMERS, counts[Customer])
    yield from _export(run, "contributions", "accountant", "/finance/contributions/export", tools.CONTRIBUTIONS, counts[Contribution])


def _export(run: Run, what: str, username: str, address: str, statement: str, count: int) -> Generator[Figure, None, None]:
    own, first, theirs, grown, total = [], [], [], 0, 0
    with signed_in(run, username) as client:
        get(client, "/")
        for _n in range(EXPORTS):
            before = memory_bytes()
            forget_peak()
            took_ms, first_ms, total = _download(client, address)
            grown = max(grown, peak_bytes() - before)
            own.append(took_ms)
            first.append(first_ms)
            tool = tools.csv_ms(run.association.database_url, statement)
            theirs += [] if tool is None else [tool]
            if CLOCK.over:
                break
    took, tool = statistics.median(own), statistics.median(theirs) if theirs else None
    checks = (
        Check(f"export of {what}: of {tools.NAMES[run.engine]}", took / tool if tool else None, EXPORT_GOALS[run.engine, what], "x"),
        Check(f"export of {what}: first byte", statistics.median(first), FIRST_BYTE_GOAL_MS),
        Check(f"export of {what}: growth of the worker", grown / MIB, EXPORT_GROWTH_GOAL_MIB, "MiB"),
    )
    note = (f"{count / took * 1000:,.0f} rows/s, {total / MIB:.1f} MiB; {took / tool if tool else 0:.2f} x {tools.NAMES[run.engine]}, "
            f"first byte {statistics.median(first):.0f} ms, growth {grown / MIB:.0f} MiB;")
    yield summarise(f"export of all {what}", own, run.floor.copy_row_ms * count, note=note, checks=checks)
    if theirs:
        yield summarise(f"  {tools.NAMES[run.engine]} over the table of {what}", theirs, run.floor.copy_row_ms * count,
                        note=f"{count / (tool or 1) * 1000:,.0f} rows/s")


def _download(client: FlaskClient, address: str) -> tuple[float, float, int]:
    """Milliseconds in all and to the first byte, and how many bytes; read as they come."""
    begun = perf_counter()
    answer = FlaskClient.open(client, address, method="POST", data={"format": "csv"}, buffered=False)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}")
    pieces = answer.iter_encoded()
    total = len(next(pieces))
    first_ms = (perf_counter() - begun) * 1000
    total += sum(len(piece) for piece in pieces)
    took_ms = (perf_counter() - begun) * 1000
    answer.close()
    return took_ms, first_ms, total


# --- what changes the data -------------------------------------------------------------------------------------------


def entering(run: Run) -> Generator[Figure, None, None]:
    """A form filled, reviewed, approved and entered, each in a transaction of its own; the entry by itself."""
    people = fill.team(run.association, run.deployment)
    with opened(run.association, run.deployment, actor=people["maker"]) as (_app, session):
        whole, entries, started = [], [], perf_counter()
        for values in fill.rows(FORMS, seed=next(_keys) + 1000):
            values["mobile"] = None
            begun = perf_counter()
            number = _approved(session, values, people)
            entries.append(once(lambda number=number: _enter(session, number, people)))
            whole.append((perf_counter() - begun) * 1000)
            if CLOCK.over or perf_counter() - started > FORMS_SECONDS * CLOCK.seconds:
                break
    yield summarise("entering an approved form", entries, run.floor.commit_ms)
    yield summarise("a form from filling to entry", whole, run.floor.commit_ms, note="four transactions")


def _approved(session: Any, values: dict[str, Any], people: dict[str, Any]) -> int:
    with work.unit_of_work(session):
        form = services.fill_form(session, values, actor=people["maker"], now=work.now(), not_duplicates=True)
        number = form.id
    for act in (services.review, services.approve):
        with work.unit_of_work(session):
            act(session, session.get_one(CustomerForm, number), actor=people["approver"], now=work.now())
    return int(number)


def _enter(session: Any, number: int, people: dict[str, Any]) -> None:
    with work.unit_of_work(session):
        entry.enter(session, session.get_one(CustomerForm, number), actor=people["officer"], now=work.now())


def importing(run: Run) -> Generator[Figure, None, None]:
    """Lines of an import form written, decided and entered as customers, with keys, search text and audit entries."""
    people = fill.team(run.association, run.deployment)
    count = max(LEAST_IMPORTED, min(MOST_IMPORTED, run.size))
    with opened(run.association, run.deployment, actor=people["maker"]) as (_app, session):
        before = session.scalar(sa.select(sa.func.max(Customer.id))) or 0
        batch = list(fill.rows(count, seed=before + 7))
        held = memory_bytes()
        forget_peak()
        begun = perf_counter()
        form = fill.import_form(session, batch, f"bench-import-{before}", people, work.now())
        fill.enter_all(session, form, people, work.now())
        elapsed = (perf_counter() - begun) * 1000
        grown = max(0, peak_bytes() - held) / MIB
    rate = count / elapsed * 1000
    checks = (Check("import of customers: rows a second", rate, IMPORT_GOALS[run.engine], "rows/s", at_least=True),
              Check("import of customers: growth of the process", grown, IMPORT_GROWTH_GOAL_MIB, "MiB"))
    yield summarise(f"import of {count:,} customers", [elapsed], run.floor.copy_row_ms * count, note=f"{rate:,.0f} rows/s, growth {grown:.0f} MiB;",
                    checks=checks)


Part = Callable[[Run], Generator[Figure, None, None]]
