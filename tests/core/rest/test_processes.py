"""With real servers and several workers: one key makes one thing, a limit is one limit, a revoked token is refused everywhere."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from core import work
from core.commands import operator
from core.database import make_engine
from core.opening import opened
from core.rest import services
from core.settings import Association, Deployment
from core.testing import new_association, test_deployment
from tests.support.server import ANSWER_SECONDS, Server, run, serving

pytestmark = pytest.mark.processes
WORKERS, SENDINGS, AT_ONCE = 2, 200, 12
SAID = {"kind": "complaint", "channel": "phone", "text": "تأخر التوزيع", "name": "سعد", "phone": "0555120348"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Deployment, Association, Server]]:
    url = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    deployment = test_deployment(tmp_path_factory.mktemp("stage"))
    association = new_association(deployment, "stage", postgres=url, plugins=frozenset({"complaints"}))
    with serving(deployment, workers=WORKERS) as server:
        with ThreadPoolExecutor(WORKERS) as pool:  # each worker builds the app before it is counted
            list(pool.map(lambda _n: server.get("stage/login/"), range(3 * WORKERS)))
        yield deployment, association, server


def token(deployment: Deployment, association: Association, name: str, **more: Any) -> str:
    with opened(association, deployment, actor=operator()) as (_app, session), work.unit_of_work(session) as own:
        return services.add_token(own, name=name, permissions=["complaints.record", "complaints.read"], actor=operator(), now=work.now(), **more).secret


def ask(server: Server, secret: str, path: str, body: Any = None, key: str = "") -> tuple[int, str, dict[str, str]]:
    headers = {"Authorization": f"Bearer {secret}", **({"Content-Type": "application/json"} if body is not None else {}),
               **({"Idempotency-Key": key} if key else {})}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{server.url}stage/api/v1{path}", data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)


def count(association: Association, table: str) -> int:
    engine = make_engine(association.database_url, pool_size=1)
    with engine.connect() as connection:
        found = connection.scalar(sa.select(sa.func.count()).select_from(sa.table(table)))
    engine.dispose()
    return int(found or 0)


def test_two_hundred_sendings_with_one_key_make_one_complaint(stage: tuple[Deployment, Association, Server]) -> None:
    deployment, association, server = stage
    secret = token(deployment, association, "Donation site", per_minute=6_000)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _n: ask(server, secret, "/complaints", SAID, "order-1"), range(SENDINGS)))

    assert Counter(status for status, _text, _headers in answers) == {201: SENDINGS}
    assert len({text for _status, text, _headers in answers}) == 1
    assert sum("Idempotency-Replayed" not in headers for _status, _text, headers in answers) == 1
    assert count(association, "complaints_entry") == 1 and count(association, "core_rest_answer") == 1


def test_a_minute_is_one_minute_over_all_workers(stage: tuple[Deployment, Association, Server]) -> None:
    deployment, association, server = stage
    secret = token(deployment, association, "Panel", per_minute=30)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _n: ask(server, secret, "/openapi.json"), range(45)))

    statuses = Counter(status for status, _text, _headers in answers)
    assert statuses == {200: 30, 429: 15}
    assert all(1 <= int(headers["Retry-After"]) <= 60 for status, _text, headers in answers if status == 429)


def test_a_revoked_token_is_refused_by_every_worker(stage: tuple[Deployment, Association, Server]) -> None:
    deployment, association, server = stage
    secret = token(deployment, association, "Accounting", per_minute=6_000)

    def statuses() -> set[int]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return set(pool.map(lambda _n: ask(server, secret, "/openapi.json")[0], range(15)))

    assert statuses() == {200}
    done = run(deployment, "token", "revoke", "Accounting")
    assert (done.returncode, done.stdout.strip()) == (0, "Accounting is shut out from its next request on."), done.stderr
    assert statuses() == {401}
