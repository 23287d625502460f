"""ACC-02: each association has its own plugins (PLUG-03). The dummy plugin of the tests stands for complaints and social."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.auth import services as auth
from core.auth.models import User
from core.commands import operator
from core.database import db
from core.plugins import selection
from core.settings import Deployment
from core.testing import close_app, make_app, new_association, sign_in, test_deployment
from tests.conftest import PLUGINS


@pytest.fixture(params=["sqlite", "postgresql"])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Deployment, Flask, Flask]]:
    """Association A with the plugin and a record in it, B without."""
    url = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    deployment = test_deployment(tmp_path, (PLUGINS,))
    apps = [make_app(new_association(deployment, slug, postgres=url, plugins=frozenset(names)), deployment)
            for slug, names in (("with-it", {"dummy_plugin"}), ("without", set()))]
    yield deployment, apps[0], apps[1]
    for app in apps:
        close_app(app)


def administrator(app: Flask) -> User:
    session: Session = work.real(db.session)
    with work.unit_of_work(session) as own:
        user = auth.add_user(own, username="boss", name_ar="مدير", actor=operator(), now=work.now())
        auth.grant_role(own, user, "admin", actor=operator())
        return user


def test_a_plugin_that_is_off_here_is_on_there(two: tuple[Deployment, Flask, Flask]) -> None:
    _deployment, with_it, without = two
    with with_it.app_context():
        client = sign_in(with_it.test_client(), administrator(with_it))
        assert client.get("/dummy_plugin/remarks/").status_code == 200
        assert "dummy_plugin.remarks" in client.get("/reports/").get_data(as_text=True)

    with without.app_context():
        client = sign_in(without.test_client(), administrator(without))
        page = client.get("/").get_data(as_text=True)
        assert client.get("/dummy_plugin/remarks/").status_code == 404
        assert client.get("/p/dummy_plugin/hello").status_code == 404
        assert "dummy_plugin" not in page + client.get("/reports/").get_data(as_text=True)


def test_turning_it_on_is_logged_and_shows_nothing_of_the_other(two: tuple[Deployment, Flask, Flask]) -> None:
    deployment, with_it, without = two
    from dummy_plugin.services import add

    with with_it.app_context(), work.unit_of_work(db.session) as session:
        add(session, "a remark of the other association", now=work.now())

    with without.app_context():
        with work.unit_of_work(db.session) as session:
            session.info["actor"] = operator()
            selection.enable(session, without.extensions["diwan"].catalogue, "dummy_plugin", actor=operator(), now=work.now())
        actions = list(db.session.scalars(sa.select(AuditEvent.action).where(AuditEvent.action == "plugin_on")))
    assert actions == ["plugin_on"]

    again = make_app(without.extensions["diwan"].association, deployment)
    with again.app_context():
        page = sign_in(again.test_client(), administrator(again)).get("/dummy_plugin/remarks/")
        assert page.status_code == 200
        assert "a remark of the other association" not in page.get_data(as_text=True)
    close_app(again)
