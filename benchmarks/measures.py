"""What is measured, through HTTP with a signed-in person where people wait for it, through the services where they do not."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from benchmarks import fill
from benchmarks.floor import Floor
from benchmarks.timing import Figure, figure, memory_bytes, once, summarise
from core import work
from core.auth import services as auth
from core.auth.models import Role, User
from core.commands import operator
from core.customers import entry, services
from core.customers.models import Customer
from core.database import db
from core.hosting import settle
from core.opening import opened
from core.settings import Association, Deployment
from core.testing import close_app, make_app, sign_in

LIST_GOAL = "≤ 25 ms"
NEXT_PAGE = re.compile(r'href="([^"]*[?&](?:amp;)?after=[^"]*)"')
FORMS = 60
IMPORTED = 5_000
_keys = itertools.count()


def measure(association: Association, deployment: Deployment, floor: Floor, size: int) -> Iterator[Figure]:
    """Every figure for one association of ``size`` customers."""
    with signed_in(association, deployment) as client:
        yield from pages(client, floor)
        yield from searches(client, floor, size)
        yield export(client, floor, size)
    yield from entering(association, deployment, floor)
    yield importing(association, deployment, floor)


@contextmanager
def signed_in(association: Association, deployment: Deployment) -> Iterator[FlaskClient]:
    """A client of a manager who may read, see personal data and export every customer."""
    fill.team(association, deployment)
    app = make_app(association, deployment)
    settle()
    try:
        with app.app_context():
            client = app.test_client()
            sign_in(client, _manager())
            db.session.remove()
        yield client
    finally:
        close_app(app)


def _manager() -> User:
    """The approver, whose role may read all; set once."""
    session = work.real(db.session)
    session.info["actor"] = operator()
    user = session.scalars(sa.select(User).where(User.username == "approver")).one()
    role = session.scalars(sa.select(Role).where(Role.slug == fill.PEOPLE["approver"])).one()
    if role.scope != "all":
        with work.unit_of_work(session):
            auth.set_scope(session, role.slug, "all", actor=operator())
    return user


def get(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}")
    return answer.get_data(as_text=True)


def pages(client: FlaskClient, floor: Floor) -> Iterator[Figure]:
    yield figure("list page", lambda: get(client, "/customers/"), floor.page_ms, goal=LIST_GOAL)
    deep = "/customers/"
    for _n in range(20):
        found = NEXT_PAGE.search(get(client, deep))
        if found is None:
            break
        deep = found[1].replace("&amp;", "&")
        deep = deep if deep.startswith("/") else f"/customers/{deep}"
    yield figure("deep page (the 20th)", lambda: get(client, deep), floor.page_ms, goal=LIST_GOAL)
    numbers = re.findall(r'href="(?:[^"]*)/customers/(\d{5,})"', get(client, "/customers/"))
    yield figure("one customer", lambda: get(client, f"/customers/{numbers[0]}"), floor.page_ms)
    yield figure("my day", lambda: get(client, "/"), floor.page_ms)


def searches(client: FlaskClient, floor: Floor, size: int) -> Iterator[Figure]:
    words = {"rare name": fill.RARE, "common name": "احمد العتيبي", "one letter": "ا", "phone digits": f"05{size // 2:08d}"[:9],
             "number": _a_number(client)}
    for name, word in words.items():
        yield figure(f"search, {name}", lambda word=word: client.get("/customers/", query_string={"q": word}), floor.page_ms, goal=LIST_GOAL)


def _a_number(client: FlaskClient) -> str:
    return re.findall(r"/customers/(\d{5,})\"", get(client, "/customers/"))[-1]


def export(client: FlaskClient, floor: Floor, size: int) -> Figure:
    """The whole register as CSV: time to the first byte, rate, and growth of this process."""
    before, begun = memory_bytes(), perf_counter()
    answer = FlaskClient.open(client, "/customers/export", method="POST", data={"format": "csv"}, buffered=False)  # read as it comes
    pieces = answer.iter_encoded()
    total = len(next(pieces))
    first_ms = (perf_counter() - begun) * 1000
    grown = 0
    for piece in pieces:
        total += len(piece)
        grown = max(grown, memory_bytes() - before)
    elapsed = (perf_counter() - begun) * 1000
    answer.close()
    note = f"first byte {first_ms:.0f} ms, {size / elapsed * 1000:,.0f} rows/s, {total / 1024**2:.1f} MiB, worker grew {grown / 1024**2:.0f} MiB"
    return summarise("export of all customers", [elapsed], floor.copy_row_ms * size, note=note, goal="first byte ≤ 200 ms, growth ≤ 100 MiB")


def entering(association: Association, deployment: Deployment, floor: Floor) -> Iterator[Figure]:
    """A form filled, reviewed, approved and entered, each in a transaction of its own; the entry by itself."""
    people = fill.team(association, deployment)
    with opened(association, deployment, actor=people["maker"]) as (_app, session):
        whole, entries = [], []
        for values in fill.rows(FORMS, seed=next(_keys) + 1000):
            values["mobile"] = None
            begun = perf_counter()
            number = _approved(session, values, people)
            entries.append(once(lambda number=number: _enter(session, number, people)))
            whole.append((perf_counter() - begun) * 1000)
    yield summarise("entering an approved form", entries, floor.commit_ms)
    yield summarise("a form from filling to entry", whole, floor.commit_ms, note="four transactions")


def _approved(session: Any, values: dict[str, Any], people: dict[str, Any]) -> int:
    with work.unit_of_work(session):
        form = services.fill_form(session, values, actor=people["maker"], now=work.now(), not_duplicates=True)
        number = form.id
    for act in (services.review, services.approve):
        with work.unit_of_work(session):
            act(session, session.get_one(type(form), number), actor=people["approver"], now=work.now())
    return int(number)


def _enter(session: Any, number: int, people: dict[str, Any]) -> None:
    from core.customers.models import CustomerForm

    with work.unit_of_work(session):
        entry.enter(session, session.get_one(CustomerForm, number), actor=people["officer"], now=work.now())


def importing(association: Association, deployment: Deployment, floor: Floor) -> Figure:
    """Lines of an import form written, decided and entered as customers, with keys, search text and audit entries."""
    people = fill.team(association, deployment)
    with opened(association, deployment, actor=people["maker"]) as (_app, session):
        before = session.scalar(sa.select(sa.func.max(Customer.id))) or 0
        batch = list(fill.rows(IMPORTED, seed=before + 7))
        begun = perf_counter()
        form = fill.import_form(session, batch, f"bench-import-{before}", people, work.now())
        fill.enter_all(session, form, people, work.now())
        elapsed = (perf_counter() - begun) * 1000
    return summarise(f"import of {IMPORTED:,} customers", [elapsed], floor.copy_row_ms * IMPORTED, note=f"{IMPORTED / elapsed * 1000:,.0f} rows/s")


def start(association: Association, deployment: Deployment) -> tuple[Flask, float]:
    """The app and how long it took to build, in milliseconds."""
    begun = perf_counter()
    app = make_app(association, deployment)
    return app, (perf_counter() - begun) * 1000
