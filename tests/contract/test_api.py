"""Every resource of every plugin: shut to nobody, to a token without the permission, to one of another association; gone when its plugin is off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import work
from core.commands import operator
from core.database import db
from core.plugins.discovery import Installed, installed_plugins
from core.rest import services
from core.rest.offers import Resource
from core.settings import Deployment
from core.testing import close_app, make_app, new_association
from tests.conftest import PLUGIN_PATH


@pytest.fixture(scope="module")
def whole_app(deployment: Deployment) -> Iterator[Flask]:
    """The app with every plugin that loads."""
    names = frozenset(one.name for one in installed_plugins(PLUGIN_PATH).installed)
    app = make_app(new_association(deployment, "contract-api", plugins=names), deployment)
    yield app
    close_app(app)


def resources(app: Flask) -> list[Resource]:
    return list(app.extensions["diwan"].offered("register_api"))


def a_token(app: Flask, name: str, *permissions: str) -> dict[str, str]:
    with app.app_context(), work.unit_of_work(work.real(db.session)) as session:
        made = services.add_token(session, name=name, permissions=permissions or session.info["grantable"], per_minute=6_000, actor=operator(), now=work.now())
        return {"Authorization": f"Bearer {made.secret}"}


def ask(client: FlaskClient, one: Resource, headers: dict[str, str]) -> int:
    path = one.path
    for name in one.variables:
        path = path.replace(f"{{{name}}}", "1")
    return client.open(f"/api/v1{path}", method=one.method, json={} if one.method == "POST" else None, headers={**headers, "Idempotency-Key": "k"}).status_code


def test_every_resource_is_shut_to_nobody_and_to_strangers(whole_app: Flask, deployment: Deployment) -> None:
    other = make_app(new_association(deployment, "contract-api-other"), deployment)
    strange = a_token(other, "Stranger")
    close_app(other)
    client = whole_app.test_client()

    assert {one.name: ask(client, one, {}) for one in resources(whole_app)} == {one.name: 401 for one in resources(whole_app)}
    assert {ask(client, one, strange) for one in resources(whole_app)[:5]} == {401}


def test_every_resource_is_shut_without_its_permission(whole_app: Flask) -> None:
    """With one permission, whatever asks for another is refused; a report that one may not run is not there."""
    client, found = whole_app.test_client(), resources(whole_app)
    let_in = []
    for number, permission in enumerate(sorted({one.permission for one in found if one.permission})):
        shown = a_token(whole_app, f"Only {number}", permission)
        let_in += [(permission, one.name) for one in found if one.permission not in (permission, None) and ask(client, one, shown) != 403]

    assert let_in == []


def test_a_plugins_resources_go_with_it(plugin: Installed, deployment: Deployment, whole_app: Flask) -> None:
    offered = whole_app.extensions["diwan"].offers.get("register_api", ())
    own = [offer.item for offer in offered if offer.owner == plugin.name]
    if not own:
        pytest.skip(f"{plugin.name} offers nothing to other systems")
    bare = make_app(new_association(deployment, f"api-{plugin.name}".replace("_", "-")), deployment)
    shown, client = a_token(bare, "Bare"), bare.test_client()

    assert {one.name: ask(client, one, shown) for one in own} == {one.name: 404 for one in own}
    assert not {one.path for one in own} & set(client.get("/api/v1/openapi.json", headers=shown).json["paths"])
    close_app(bare)
