"""Fixtures of the whole suite: one association per engine and run, each test rolled back."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from xdist.scheduler import LoadScopeScheduling

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


class Told:
    """Tells of each failure at once: a run that is cut short has no summary."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal is not None:
            terminal.write_line(f"\n{report.nodeid} ({report.when})\n{report.longreprtext[-1500:]}")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Told(config))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--plugin", default=None, help="run the contract suite for this plugin only")
    parser.addoption("--whole", action="store_true", help="leave nothing out: processes on both engines, every sampled request on PostgreSQL too")


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the collector of cycles need not look through it after each few tests."""
    gc.collect()
    gc.freeze()


ENGINES = ("sqlite", "postgresql")
ONE_WORKER = {
    "tests/e2e/": "journeys", "tests/contract/test_links.py": "house", "tests/contract/test_subsets.py": "house",
    "tests/acceptance/complaints/test_year_of_the_demo.py": "year", "tests/core/rest/test_processes.py": "doors",
    "tests/core/plugins/test_selection_processes.py": "selection",
}
"""Tests that share a costly demo or server run in one process of several, which makes it once."""


SAMPLED = (
    "tests/core/test_security_input.py", "tests/core/test_security_scope.py", "tests/core/test_security_session.py",
    "tests/plugins/complaints/test_bad_inputs.py", "tests/plugins/complaints/test_bad_imports.py", "tests/plugins/complaints/test_bad_parameters.py",
)
"""Hundreds of requests to the same addresses, most refused before the database is asked: PostgreSQL gets each third."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What starts processes runs on one engine, some tests here and others there; ``--whole`` runs all on both."""
    if config.getoption("--whole"):
        return
    left = [item for item in items if _is_left_out(item)]
    config.hook.pytest_deselected(items=left)
    gone = set(left)
    items[:] = [item for item in items if item not in gone]


def _is_left_out(item: pytest.Item) -> bool:
    engine = next((one for one in getattr(getattr(item, "callspec", None), "params", {}).values() if one in ENGINES), None)
    if engine is None:
        return False
    if item.get_closest_marker("processes") and "tests/acceptance/" not in item.nodeid:
        return engine != ENGINES[crc32(item.nodeid.replace(engine, "").encode()) % 2]
    return engine == "postgresql" and item.nodeid.startswith(SAMPLED) and crc32(item.nodeid.encode()) % 3 != 0


class Together(LoadScopeScheduling):
    """Hands tests out one by one, but those of ``ONE_WORKER`` together."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for start, group in ONE_WORKER.items() if nodeid.startswith(start)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    return Together(config, log)


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
        slug = f"{plugin.replace('_', '-')}-{engine_name}"
        made.append(make_app(new_association(deployment, slug, postgres=server, plugins=frozenset({plugin})), deployment))
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
