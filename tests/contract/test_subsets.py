"""Off means off, and what is on works, in every mixture (PLUG-03): a demo of all plugins is served with subsets of them.

Up to three plugins every subset; of more, none, each one alone, each one missing, and all. The data stays in the database
throughout, so that whatever could still be met of a plugin that is off is there to be met.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from urllib.parse import unquote, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from core import work
from core.app import create_app
from core.auth import services as auth
from core.auth.models import Role, User
from core.commands import operator
from core.customers.models import Customer
from core.database import db, metadata
from core.plugins.discovery import Installed
from core.state import State
from core.testing import SeparateClient, close_app, selection, sign_in
from tests.contract.conftest import BUILT_IN, House
from tests.contract.walking import Visit, by_id, walk

ADDRESS = re.compile(r'(?:href|action|formaction|data-[\w-]+)="(/[^"]*)"')
NAMES_EVERY_PLUGIN = ("/plugins/", "/audit/")
"""Pages that speak of plugins that are off: the choice of plugins, and the log, whose entries stay readable."""


def subsets(names: frozenset[str]) -> list[frozenset[str]]:
    if len(names) <= 3:
        return [frozenset(some) for size in range(len(names) + 1) for some in combinations(sorted(names), size)]
    alone = [frozenset({one}) for one in sorted(names)]
    return [frozenset(), *alone, *(names - one for one in alone), names]


@dataclass
class Traces:
    """By what one could meet a plugin: where its pages lie, what its offers and procedures are called, its own headings."""

    endpoints: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    headings: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    """Pages of it that were visited while it was on."""


@dataclass
class Whole:
    """The walk with everything on: what each plugin shows then."""

    traces: dict[str, Traces]
    starts: list[str]


@pytest.fixture(scope="session")
def boss(house: House) -> int:
    """Somebody with every role."""
    with house.app.app_context():
        session = work.real(db.session)
        with work.unit_of_work(session):
            session.info["actor"] = operator()
            user = auth.add_user(session, username="everything", name_ar="صاحب كل الأدوار", actor=operator(), now=work.now())
            auth.set_roles(session, user, list(session.scalars(sa.select(Role.slug))), actor=operator())
            session.flush()
            return user.id


@pytest.fixture(scope="session")
def whole(house: House, boss: int) -> Whole:
    traces = {name: traces_of(house.app, name) for name in BUILT_IN}
    starts = ["/", *busy_customers(house.app)]
    for visit in walk(client_of(house.app, boss), starts, most_of_a_kind=1, kind=by_id):
        owner = owner_of(house.app, visit.address, traces)
        if owner and visit.answer.status_code == 200:
            traces[owner].addresses.add(visit.address)
    return Whole(traces, starts)


def traces_of(app: Flask, plugin: str) -> Traces:
    state: State = app.extensions["diwan"]
    installed: Installed = next(one for one in state.active if one.name == plugin)
    own = {hook: [offer.item for offer in offers if offer.owner == plugin] for hook, offers in state.offers.items()}
    pages = own.get("register_admin_views", [])
    public = own.get("register_blueprints", [])
    named = [one for hook in ("register_reports", "register_importers", "register_jobs") for one in own.get(hook, ())]
    procedures = installed.folder / "procedures.json"
    codes = [one["code"] for one in json.loads(procedures.read_text(encoding="utf-8"))["procedures"]] if procedures.is_file() else []
    with app.test_request_context("/?lang=ar"):
        titles = {str(one.title) for hook in ("register_reports", "register_importers", "register_customer_panels", "register_dashboard_cards")
                  for one in own.get(hook, ())} | {str(one.menu_title) for one in pages}
        others = {str(getattr(offer.item, "menu_title", getattr(offer.item, "title", ""))) for offers in state.offers.values() for offer in offers
                  if offer.owner != plugin}
    return Traces({*(one.endpoint for one in pages), *(one.name for one in public)}, {*(one.name for one in named), *codes}, titles - others)


def busy_customers(app: Flask) -> list[str]:
    """The pages of the customers with whom each plugin had to do most, and what the search finds of them."""
    found = set()
    with app.app_context():
        session = work.real(db.session)
        for table in metadata.tables.values():
            for key in table.foreign_keys:
                if key.target_fullname == "core_customer.id" and table.name.split("_")[0] in BUILT_IN:
                    column = key.parent
                    number = session.scalar(sa.select(Customer.number).join(table, column == Customer.id).group_by(Customer.number)
                                            .order_by(sa.func.count().desc(), Customer.number).limit(1))
                    found |= {f"/customers/{number}", f"/search/?q={number}"} if number else set()
    return sorted(found)


def owner_of(app: Flask, address: str, traces: dict[str, Traces]) -> str | None:
    """Which plugin answers at an address."""
    try:
        endpoint, _values = app.url_map.bind("localhost").match(urlsplit(address).path)
    except HTTPException:
        return None
    return next((name for name, one in traces.items() if str(endpoint).split(".")[0] in one.endpoints), None)


def client_of(app: Flask, user_id: int) -> FlaskClient:
    with app.app_context():
        user = work.real(db.session).get_one(User, user_id)
        client = sign_in(app.test_client(), user)
        db.session.remove()
    return client


def traces_on(visit: Visit, app: Flask, off: dict[str, Traces]) -> Iterator[str]:
    """What a page shows of plugins that are off."""
    page = visit.answer.get_data(as_text=True)
    for found in sorted(set(ADDRESS.findall(page))):
        target = unquote(html.unescape(found))
        for name, one in off.items():
            if re.match(rf"/(?:p/)?{name}(?:/|$)", target) or any(re.search(rf"(?<![\w.]){re.escape(word)}(?![\w])", target) for word in one.names):
                yield f"{visit.address}: a way to {name}, {found}"
    if not urlsplit(visit.address).path.startswith(NAMES_EVERY_PLUGIN):
        for name, one in off.items():
            yield from (f"{visit.address}: words of {name}, {words}" for words in one.headings if f">{html.escape(words)}<" in page)


@pytest.mark.parametrize("chosen", subsets(BUILT_IN), ids=lambda names: "+".join(sorted(names)) or "none")
def test_off_means_off_and_on_works(house: House, whole: Whole, boss: int, chosen: frozenset[str]) -> None:
    app = create_app(house.association, selection(*chosen), house.deployment, TESTING=True, WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)
    app.test_client_class = SeparateClient
    state: State = app.extensions["diwan"]
    client = client_of(app, boss)
    off = {name: one for name, one in whole.traces.items() if name not in chosen}

    assert ({one.name for one in state.active}, state.failed) == (chosen, [])
    assert {offer.owner for offers in state.offers.values() for offer in offers} & set(off) == set()
    met, broken = [], []
    for visit in walk(client, whole.starts, most_of_a_kind=1, kind=by_id):
        if visit.answer.status_code not in (200, 302):
            broken.append((visit.met_on, visit.address, visit.answer.status_code))
        if visit.is_page:
            met += traces_on(visit, app, off)
    assert broken == []
    assert met == []
    answers = {address: client.get(address).status_code for one in off.values() for address in one.addresses}
    assert {address: status for address, status in answers.items() if status != 404} == {}
    close_app(app)


def test_everything_on_shows_something_of_each(whole: Whole) -> None:
    """Otherwise the walk with a plugin off would find nothing because there was nothing."""
    for one in whole.traces.values():
        assert len(one.addresses) >= 5
        assert one.names
        assert one.headings


def test_one_timeline_holds_what_every_plugin_had_to_do_with_a_customer(house: House, whole: Whole, boss: int) -> None:
    """Each entry names whose it is and, for a contact, through which part of the work the customer was met (CUST-19, 32, 33)."""
    client = client_of(house.app, boss)
    pages = [client.get(address).get_data(as_text=True) for address in whole.starts if address.startswith("/customers/")]
    origins = {origin for page in pages for origin in re.findall(r'<span class="dw-timeline-origin">([^<]+)</span>', page)}

    with house.app.test_request_context("/?lang=ar"):
        panels = [offer for offer in house.app.extensions["diwan"].offers["register_customer_panels"] if offer.item.entries is not None]
        silent = [offer.owner for offer in panels if not any(html.unescape(origin).startswith(str(offer.item.title)) for origin in origins)]
    assert silent == []
