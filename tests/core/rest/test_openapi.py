"""The document says what is there and no more, and what is there does what the document says: tried with made-up requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks as own

from core import work
from core.database import db
from core.plugins.discovery import installed_plugins
from core.rest import services
from core.settings import Deployment
from core.testing import close_app, make_app, new_association
from tests.conftest import PLUGIN_PATH
from tests.core.rest.conftest import KEEPER

EXAMPLES = 3
"""Made-up requests for each resource, sound and unsound ones; `make faults ARGS="--only api"` tries many more."""
CHECKS = (not_a_server_error, own.status_code_conformance, own.content_type_conformance, own.response_schema_conformance)


@pytest.fixture(scope="module")
def whole(deployment: Deployment) -> Iterator[tuple[Flask, str]]:
    """An association with every plugin on, and a token with every permission that there is."""
    names = frozenset(one.name for one in installed_plugins(PLUGIN_PATH).installed)
    app = make_app(new_association(deployment, "document", plugins=names), deployment)
    with app.app_context():
        session = work.real(db.session)
        with work.unit_of_work(session) as own_session:
            secret = services.add_token(own_session, name="Everything", permissions=own_session.info["grantable"], per_minute=6_000, actor=KEEPER,
                                        now=work.now()).secret
    yield app, secret
    close_app(app)


def test_every_schema_is_one_and_every_resource_is_there(whole: tuple[Flask, str]) -> None:
    app, secret = whole
    document = app.test_client().get("/api/v1/openapi.json", headers={"Authorization": f"Bearer {secret}"}).json
    offered = app.extensions["diwan"].offered("register_api")

    assert {(method, path) for path, methods in document["paths"].items() for method in methods} == {(one.method.lower(), one.path) for one in offered}
    for one in offered:
        for schema in filter(None, (one.body, one.answer, *one.query.values())):
            Draft202012Validator.check_schema(schema)
    assert len({operation["operationId"] for methods in document["paths"].values() for operation in methods.values()}) == len(offered)


def test_a_plugin_that_is_off_is_not_in_it_and_404(deployment: Deployment) -> None:
    app = make_app(new_association(deployment, "document-bare"), deployment)
    with app.app_context(), work.unit_of_work(work.real(db.session)) as session:
        secret = services.add_token(session, name="Bare", permissions=session.info["grantable"], actor=KEEPER, now=work.now()).secret
    client, shown = app.test_client(), {"Authorization": f"Bearer {secret}"}

    assert [path for path in client.get("/api/v1/openapi.json", headers=shown).json["paths"] if path.startswith(("/complaints", "/calls", "/dummy"))] == []
    assert [client.post(path, json={}, headers=shown).status_code for path in ("/api/v1/complaints", "/api/v1/calls")] == [404, 404]
    close_app(app)


def test_made_up_requests_get_documented_answers(whole: tuple[Flask, str]) -> None:
    app, secret = whole
    tried = try_everything(app, secret, EXAMPLES)

    assert set(tried) == {f"{one.method} {one.path}" for one in app.extensions["diwan"].offered("register_api")}
    assert all(tried.values())


def try_everything(app: Flask, secret: str, examples: int, *, fresh: bool = False) -> dict[str, int]:
    """Run made-up requests, sound and unsound, against every resource, in this process; how many each got. Raises at the first wrong answer.

    They are the same each time, or ``fresh`` ones.
    """
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app, headers={"Authorization": f"Bearer {secret}"})
    tried: dict[str, int] = {}
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=examples, deadline=None, database=None, derandomize=not fresh, phases=[Phase.explicit, Phase.generate],
                  suppress_health_check=list(HealthCheck))
        def attempt(case: Any) -> None:
            tried[case.operation.label] = tried.get(case.operation.label, 0) + 1
            case.call_and_validate(headers={"Authorization": f"Bearer {secret}"}, checks=CHECKS)

        given(case=operation.as_strategy())(attempt)()
        if operation.body or operation.query:
            given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))(attempt)()
    return tried
