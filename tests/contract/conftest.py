"""Which plugins the contract suite is run for: all that load, or the one that ``--plugin`` names."""

from __future__ import annotations

import pytest

from core.plugins.discovery import installed_plugins
from tests.conftest import PLUGIN_PATH


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "plugin" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--plugin")
        found = [one for one in installed_plugins(PLUGIN_PATH).installed if wanted in (None, one.name)]
        if wanted and not found:
            failed = [str(one) for one in installed_plugins(PLUGIN_PATH).failed if one.name == wanted]
            raise pytest.UsageError(f"No plugin '{wanted}' loads here. {' '.join(failed)}")
        metafunc.parametrize("plugin", found, ids=lambda one: one.name)
