"""Fixtures of the whole suite: one association per engine and run, each test rolled back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.settings import Association, Deployment
from core.testing import actor_with, close_app, make_app, new_association, rolled_back, test_deployment
from tests.support.postgres import ensure_postgres

PLUGINS = Path(__file__).resolve().parent
"""Folders here with a plugin.py are plugins of the tests: ``dummy_plugin`` and the example of plugins/README.md."""
sys.path.append(str(PLUGINS))  # as discovery does, so that tests may name them
PLUGIN_PATH = (PLUGINS, *Deployment.from_environment().plugin_path)
"""With ``diwan plugins check`` of a plugin that lies elsewhere, that place too."""
SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--plugin", default=None, help="run the contract suite for this plugin only")


@pytest.fixture(scope="session")
def postgres() -> str:
    """The URL of a PostgreSQL server to make databases on; skips loudly where there is none."""
    url = ensure_postgres()
    if url is None:
        pytest.skip("PostgreSQL is not available: these tests ran on SQLite only")
    return url


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return test_deployment(tmp_path_factory.mktemp("home"), PLUGIN_PATH)


@pytest.fixture(scope="session")
def association(engine_name: str, deployment: Deployment, request: pytest.FixtureRequest) -> Association:
    """An association on this engine, shared by the run; what a test does to it is rolled back."""
    server = request.getfixturevalue("postgres") if engine_name == "postgresql" else None
    return new_association(deployment, f"shared-{engine_name}", postgres=server)


@pytest.fixture(scope="session")
def shared_app(association: Association, deployment: Deployment) -> Iterator[Flask]:
    app = make_app(association, deployment)
    yield app
    close_app(app)


@pytest.fixture(scope="session")
def app_with(engine_name: str, deployment: Deployment, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Flask]]:
    """The app of an association with this plugin on, one per engine and run; tests of a plugin return it as their ``shared_app``."""
    server = request.getfixturevalue("postgres") if engine_name == "postgresql" else None

    @cache
    def build(plugin: str) -> Flask:
        made.append(make_app(new_association(deployment, f"{plugin}-{engine_name}", postgres=server, plugins=frozenset({plugin})), deployment))
        return made[-1]

    made: list[Flask] = []
    yield build
    for app in made:
        close_app(app)


@pytest.fixture
def session(shared_app: Flask) -> Iterator[Session]:
    """A session in the middle of a writing transaction; flush freely, ``work.commit`` makes a savepoint."""
    with rolled_back(shared_app) as session:
        work.begin_write(session)
        session.info["actor"] = actor_with()
        yield session


@pytest.fixture
def app(shared_app: Flask, session: Session) -> Flask:
    return shared_app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of requirements and real data, where present."""
    if not SHARED.is_dir():
        pytest.skip("the shared requirements and data are not here")
    return SHARED
