"""A plugin turned off while two worker processes serve: gone in both with the next request, and back with the same data."""

from __future__ import annotations

import re
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import work
from core.auth import services as auth
from core.auth import signin
from core.commands import operator
from core.opening import opened
from core.settings import Association, Deployment
from core.testing import new_association, test_deployment
from tests.conftest import PLUGINS
from tests.support.server import Server, run, serving

pytestmark = pytest.mark.processes
PAGES = ("dummy_plugin/remarks/", "reports/dummy_plugin.remarks/", "p/dummy_plugin/hello")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Deployment, Association, Server, dict[str, str]]]:
    """An association with the dummy on, two workers, and an administrator's cookie; each test leaves it so."""
    server_url = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    deployment = test_deployment(tmp_path_factory.mktemp("selection"), (PLUGINS,))
    association = new_association(deployment, "stage", postgres=server_url, plugins=frozenset({"dummy_plugin"}))
    headers = {"Cookie": f"diwan_stage={administrator(association, deployment)}; diwan_language=en"}
    with serving(deployment, workers=2) as server:
        yield deployment, association, server, headers


def administrator(association: Association, deployment: Deployment) -> str:
    """The token of a signed-in administrator."""
    with opened(association, deployment, actor=operator()) as (_app, session), work.unit_of_work(session) as own:
        user = auth.add_user(own, username="boss", name_ar="مدير", actor=operator(), now=work.now())
        for role in ("admin", "crm_manager"):
            auth.grant_role(own, user, role, actor=operator())
        own.refresh(user)
        return signin.begin_session(own, user, address="127.0.0.1", device="test", now=work.now(), second_factor=True)


def statuses(server: Server, headers: dict[str, str]) -> set[int]:
    """The answers of the plugin's pages, asked often enough to meet both workers."""
    return {server.get(f"stage/{page}", headers)[0] for page in PAGES for _n in range(6)}


def test_off_and_on_act_at_the_next_request_in_every_worker(stage: tuple[Deployment, Association, Server, dict[str, str]]) -> None:
    deployment, _association, server, headers = stage
    assert statuses(server, headers) == {200}
    assert "Remarks" in server.get("stage/", headers)[1]

    assert run(deployment, "plugins", "disable", "dummy_plugin").returncode == 0
    assert statuses(server, headers) == {404}
    assert "Remarks" not in server.get("stage/", headers)[1]
    assert "dummy_plugin" not in server.get("stage/reports/", headers)[1]

    assert run(deployment, "plugins", "enable", "dummy_plugin").returncode == 0
    assert statuses(server, headers) == {200}
    assert "Remarks" in server.get("stage/", headers)[1]


def test_thirty_changes_under_load_fail_no_request(stage: tuple[Deployment, Association, Server, dict[str, str]]) -> None:
    deployment, association, server, headers = stage
    stop, failures, answered = threading.Event(), [], []
    before = open_files(server)

    def ask() -> None:
        while not stop.is_set():
            status, text = server.get("stage/customers/", headers)
            answered.append(status)
            if status != 200:
                failures.append((status, text[-300:]))

    threads = [threading.Thread(target=ask) for _n in range(4)]
    for thread in threads:
        thread.start()
    with opened(association, deployment, actor=operator()) as (app, session):
        from core.plugins import selection

        for number in range(30 if "sqlite" in association.database_url else 6):
            with work.unit_of_work(session) as own:
                change = selection.disable if number % 2 == 0 else selection.enable
                change(own, app.extensions["diwan"].catalogue, "dummy_plugin", actor=operator(), now=work.now())
            server.get("stage/", headers)
    stop.set()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(answered) > 30
    assert open_files(server) <= before + 40


def open_files(server: Server) -> int:
    """Descriptors of the server and its workers."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in [str(server.process.pid), *children])


def test_plugin_page_turns_it_off_with_a_token_only(stage: tuple[Deployment, Association, Server, dict[str, str]]) -> None:
    _deployment, _association, server, headers = stage
    status, page = server.get("stage/settings/plugins/", headers)
    assert status == 200
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token

    request = urllib.request.Request(f"{server.url}stage/settings/plugins/dummy_plugin/off", data=b"", headers=headers, method="POST")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(request)

    assert statuses(server, headers) == {200}
