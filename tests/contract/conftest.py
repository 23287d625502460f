"""Which plugins the contract suite is run for: all that load, or the one that ``--plugin`` names; and a demo of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pytest
from flask import Flask

from core import demo
from core.commands import operator
from core.i18n import use_language
from core.opening import add_association, opened
from core.plugins.discovery import installed_plugins
from core.settings import Association, Deployment
from core.testing import choose_plugins, close_app, make_app, test_deployment
from tests.conftest import PLUGIN_PATH

CUSTOMERS = 60
BUILT_IN = frozenset(one.name for one in installed_plugins().installed)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "plugin" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--plugin")
        found = [one for one in installed_plugins(PLUGIN_PATH).installed if wanted in (None, one.name)]
        if wanted and not found:
            failed = [str(one) for one in installed_plugins(PLUGIN_PATH).failed if one.name == wanted]
            raise pytest.UsageError(f"No plugin '{wanted}' loads here. {' '.join(failed)}")
        metafunc.parametrize("plugin", found, ids=lambda one: one.name)


@dataclass(frozen=True)
class House:
    """A small demo association, made with every built-in plugin on."""

    association: Association
    deployment: Deployment

    @cached_property
    def app(self) -> Flask:
        """Its app with all of them."""
        return make_app(self.association, self.deployment)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    plan, deployment = demo.PLANS[0], test_deployment(tmp_path_factory.mktemp("house"))
    association = add_association(deployment, plan.slug, name=plan.name, preset=plan.preset, demo=True)
    choose_plugins(association, BUILT_IN)
    with opened(association, deployment, actor=operator()) as (app, session), use_language("ar"):
        demo.Story(session, plan, CUSTOMERS, app.extensions["diwan"]).tell()
    house = House(association, deployment)
    yield house
    close_app(house.app)
