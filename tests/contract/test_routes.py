"""Nothing is allowed unless granted: every route, as nobody, as somebody without a role, and as somebody of another association."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.auth import services as auth
from core.auth.models import User
from core.commands import operator
from core.database import db
from core.plugins.discovery import installed_plugins
from core.settings import Association, Deployment
from core.testing import close_app, make_app, new_association, rolled_back, sign_in
from tests.conftest import PLUGIN_PATH

# Open to everybody by nature: they show nothing of anybody, or judge for themselves what a token or form may do.
PUBLIC = {"auth_login.index", "auth_login.second", "auth_login.forgotten", "auth_login.link", "auth_login.persona", "auth_login.sign_out", "preferences.save"}
# Open to everybody who is signed in: one's own things, and pages that show only what the person may see.
OWN = {"auth_account", "auth_delegations", "home", "notices_own", "core_search", "core_files", "auth_login", "preferences", "organisation_places"}


@pytest.fixture(scope="module")
def whole_app(deployment: Deployment) -> Iterator[Flask]:
    """The app with every plugin that loads."""
    names = frozenset(one.name for one in installed_plugins(PLUGIN_PATH).installed)
    association = new_association(deployment, "contract", plugins=names)
    app = make_app(association, deployment)
    yield app
    close_app(app)


@pytest.fixture
def app(whole_app: Flask) -> Iterator[Flask]:
    with rolled_back(whole_app):
        yield whole_app


@pytest.fixture
def somebody(app: Flask) -> User:
    """A person without any role."""
    session = work.real(db.session)
    work.begin_write(session)
    user = auth.add_user(session, username="nobody.special", name_ar="شخص", actor=operator(), now=work.now())
    work.commit(session)
    return user


def addresses(app: Flask) -> list[tuple[str, str, str]]:
    """(method, address, endpoint) of every route but static files, with 1 or x for what is variable."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint.endswith("static") or "/static" in rule.rule or rule.rule.startswith("/p/"):
            continue
        address = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
        address = re.sub(r"<int:[^>]+>", "1", address)
        address = re.sub(r"<[^>]+>", "x", address)
        found += [(method, address, rule.endpoint) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return sorted(found)


def call(client: FlaskClient, method: str, address: str) -> int:
    return client.open(address, method=method).status_code


def test_every_route_sends_nobody_to_sign_in(app: Flask) -> None:
    client = app.test_client()

    open_to_nobody = []
    for method, address, endpoint in addresses(app):
        answer = client.open(address, method=method)
        to_sign_in = answer.status_code == 302 and "/login/" in answer.headers["Location"]
        if endpoint not in PUBLIC and not to_sign_in and answer.status_code not in (401, 403, 404, 405):
            open_to_nobody.append(f"{method} {address}: {answer.status_code}")

    assert open_to_nobody == []


def test_every_route_refuses_who_has_no_role(app: Flask, somebody: User) -> None:
    client = sign_in(app.test_client(), somebody)

    let_in = []
    for method, address, endpoint in addresses(app):
        if endpoint.split(".")[0] in OWN:
            continue
        status = call(client, method, address)
        if status not in (401, 403, 404, 405):
            let_in.append(f"{method} {address}: {status}")

    assert let_in == []


def test_no_route_fails_on_a_strange_id(app: Flask, somebody: User) -> None:
    client = sign_in(app.test_client(), somebody)

    for method, address, _endpoint in addresses(app):
        strange = re.sub(r"(?<=/)(1|x)(?=/|$)", "99999999999999999999", address)
        assert call(client, method, strange) < 500, strange


def test_a_refusal_is_logged_as_denied(app: Flask, somebody: User) -> None:
    client = sign_in(app.test_client(), somebody)

    assert client.get("/users/").status_code == 403

    session: Session = work.real(db.session)
    entry = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert entry is not None
    assert (entry.action, entry.rule, entry.actor_id) == ("denied", "ORG-01", somebody.id)


def test_session_of_one_association_opens_no_other(app: Flask, somebody: User, deployment: Deployment) -> None:
    client = sign_in(app.test_client(), somebody)
    cookie = client.get_cookie("diwan_contract")
    assert cookie is not None
    other: Association = new_association(deployment, "contract-other")
    second = make_app(other, deployment)

    stranger = second.test_client()
    stranger.set_cookie("diwan_contract-other", cookie.value)
    answer = stranger.get("/")

    assert answer.status_code == 302
    assert "/login/" in answer.headers["Location"]
    close_app(second)


def test_no_change_without_a_token(deployment: Deployment, tmp_path: Path) -> None:
    association = new_association(deployment, "contract-csrf")
    app = make_app(association, deployment, WTF_CSRF_ENABLED=True)
    client = app.test_client()

    for method, address, endpoint in addresses(app):
        if method != "GET" and not endpoint.startswith("rest."):  # there no cookie opens anything, so none can be made to act
            answer = client.open(address, method=method, data={"username": "x", "password": "y"})
            assert answer.status_code in (400, 404), f"{method} {address} ({endpoint}): {answer.status_code}"
    close_app(app)


@pytest.mark.parametrize("query", ["q=%ff%fe", "q=a%00b", "q=%ed%a0%80", "after=zzz", "sort=password", "f.nothing=1", "after=" + "9" * 20, "q=" + "a" * 5000,
                                   "before=99999999999999999999", "count=x", "q=%E2%80%AEabc"])
def test_bad_queries_are_clear_refusals(app: Flask, query: str) -> None:
    session = work.real(db.session)
    work.begin_write(session)
    boss = auth.add_user(session, username="boss", name_ar="مدير", actor=operator(), now=work.now())
    for role in ("admin", "crm_manager", "auditor"):
        auth.grant_role(session, boss, role, actor=operator())
    work.commit(session)
    client = sign_in(app.test_client(), boss)

    for address in ("/", "/customers/", "/customers/forms/", "/audit/", "/search/", "/users/", "/imports/", "/reports/", "/settings/organisation/cities/"):
        status = client.get(f"{address}?{query}").status_code
        assert status < 500, f"{address}?{query}"
