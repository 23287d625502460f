"""Thousands of made-up requests, sound and unsound, against every resource of the API: no server error, no undocumented answer.

The same as one test does in seconds (``tests/core/rest/test_openapi.py``), with many more; each round tries other ones.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from core import work
from core.commands import operator
from core.database import db
from core.plugins.discovery import installed_plugins
from core.rest import services
from core.testing import close_app, make_app, new_association, test_deployment
from tests.conftest import PLUGIN_PATH
from tests.core.rest.test_openapi import try_everything
from tests.faults.fault import Fault, Outcome, main
from tests.faults.postgres import Cluster

EXAMPLES = 100
"""Of each resource and round, sound ones and as many unsound ones."""


def play(engine: str, rounds: int) -> Outcome:
    if engine == "postgresql":
        with Cluster.running() as cluster:
            return _play(cluster.address, rounds)
    return _play(None, rounds)


def _play(server: str | None, rounds: int) -> Outcome:
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as home:
        deployment = test_deployment(Path(home), PLUGIN_PATH)
        names = frozenset(one.name for one in installed_plugins(PLUGIN_PATH).installed)
        app = make_app(new_association(deployment, "api", postgres=server, plugins=names), deployment)
        with app.app_context(), work.unit_of_work(work.real(db.session)) as session:
            secret = services.add_token(session, name="Everything", permissions=session.info["grantable"], per_minute=6_000, actor=operator(),
                                        now=work.now()).secret
        tried = sum(sum(try_everything(app, secret, EXAMPLES, fresh=True).values()) for _n in range(rounds))
        close_app(app)
    outcome.figures.append(f"{tried} made-up requests")
    return outcome


FAULT = Fault("api", "made-up requests against every resource of the API", play, rounds=1, most=50)

if __name__ == "__main__":
    main(FAULT)
