"""The benchmark's own code: what it fills goes on where it stopped, what it prints is what was measured, its client reads answers to the end."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa

from benchmarks import client, fill, growth, history
from benchmarks.__main__ import PARTS, size, sizes, some_of
from benchmarks.timing import CLOCK, Check, Figure, limited, percentile, sample, summarise
from core.audit.models import AuditEvent
from core.customers.models import Customer
from core.finance.models import Contribution
from core.opening import opened
from core.settings import Association, Deployment
from core.testing import new_association, test_deployment
from plugins.callcenter.models import Call

CUSTOMERS = 30


# --- figures and goals -----------------------------------------------------------------------------------------------


def test_sizes_are_read_with_their_factor() -> None:
    assert (size("200"), size(" 10K "), size("1m")) == (200, 10_000, 1_000_000)
    assert sizes("100k,10k,10k") == [10_000, 100_000]


@pytest.mark.parametrize("text", ["0", "k", "1g", "-5", "12345678"])
def test_no_size(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no size"):
        size(text)


def test_parts_are_chosen_in_their_own_order_and_unknown_ones_named() -> None:
    chosen = some_of(tuple(PARTS))

    assert chosen("import, search,list") == ["list", "search", "import"]
    with pytest.raises(argparse.ArgumentTypeError, match="'lists' is none of start, list"):
        chosen("lists")


def test_a_goal_is_met_missed_or_not_measured() -> None:
    assert [Check("x", value, 8).met for value in (8.0, 8.01, None)] == [True, False, None]
    assert [Check("x", value, 400, "req/s", at_least=True).met for value in (400.0, 399.0)] == [True, False]
    assert Check("page", 9.5, 8).line().split() == ["page", "≤", "8", "ms", "9.50", "ms", "NO"]
    assert Check("rate", None, 7, "x", at_least=True).line().split() == ["rate", "≥", "7", "x", "not", "measured", "–"]


def test_a_figure_tells_median_95_percent_fastest_and_its_goal() -> None:
    found = summarise("page", [float(n) for n in range(100, 0, -1)], 5.0, goal_ms=50.5)

    assert (found.median_ms, found.p95_ms, found.fastest_ms, found.ratio) == (50.5, 96.0, 1.0, 10.1)
    assert found.line().split() == ["page", "50.50", "96.00", "1.00", "10.1", "x", "goal", "≤", "50.5", "ms:", "yes"]
    assert percentile([1.0], 0.99) == 1.0


def test_a_part_whose_time_is_over_measures_once_more_and_no_longer() -> None:
    calls: list[int] = []

    with limited(0.0):
        times = sample(lambda: calls.append(1), least=50)

    assert (len(times), len(calls)) == (1, 2)
    assert not CLOCK.over


def _figure(name: str, median: float) -> dict[str, Figure]:
    return {name: Figure(name, median, median, median, 1.0)}


def test_growth_is_the_exponent_of_each_step() -> None:
    name = "search as you type, rare name"
    measured = {1_000_000: _figure(name, 8.0), 10_000: _figure(name, 2.0) | _figure("only here", 1.0), 100_000: _figure(name, 2.0)}

    assert {key: [round(one, 3) for one in found] for key, found in growth.exponents(measured).items()} == {name: [0.0, 0.602]}
    assert [(one.met, one.limit) for engine in ("sqlite", "postgresql") for one in growth.checks(engine, measured)] == [(True, 0.8), (False, 0.3)]
    assert growth.lines(measured)[1].split()[-2:] == ["0.00", "0.60"]


def test_a_deep_page_is_held_against_the_first() -> None:
    assert [one.met for one in growth.deep(_figure(growth.FIRST, 10.0) | _figure(growth.DEEP, 11.9))] == [True]
    assert [one.met for one in growth.deep(_figure(growth.FIRST, 10.0))] == [None]


# --- the client ------------------------------------------------------------------------------------------------------


class Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.headers["Cookie"] != "who=bench":
            self.send_error(403)
            return
        self.send_response(200)
        if self.path == "/pieces":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n")
            return
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"page")

    def log_message(self, *_rest: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_clients_keep_their_connections_over_answers_of_both_kinds(port: int) -> None:
    given = {"port": port, "headers": {"Cookie": "who=bench"}, "paths": ["/page", "/pieces"], "clients": 2}

    times = asyncio.run(client._all(given, 0.2))

    assert len(times) > 4
    assert min(times) > 0


def test_another_answer_than_a_page_ends_the_measurement(port: int) -> None:
    with pytest.raises(client.Answered, match="/page answered HTTP/1.1 403"):
        asyncio.run(client._all({"port": port, "headers": {}, "paths": ["/page"], "clients": 1}, 0.2))


# --- filling ---------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def association(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Deployment, Association]:
    """An association of its own, with the call centre on and customers entered."""
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    deployment = test_deployment(tmp_path)
    made = new_association(deployment, "bench", postgres=server, plugins=frozenset({"callcenter"}))
    fill.fill(made, deployment, 0, CUSTOMERS)
    return deployment, made


def counts(deployment: Deployment, association: Association) -> list[int]:
    with opened(association, deployment) as (_app, session):
        return [session.scalar(sa.select(sa.func.count()).select_from(model)) or 0 for model in (Customer, Contribution, Call)]


def test_filling_goes_on_where_it_stopped_past_the_services_where_they_are_slow(
    association: tuple[Deployment, Association], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    """What is written past the services is what they would have written; only the log lacks it, and that is said."""
    deployment, one = association
    people = fill.team(one, deployment)

    history.fill(one, deployment, CUSTOMERS // 3, people)
    begun = counts(deployment, one)
    monkeypatch.setattr(history, "SLOW", 10**9)
    monkeypatch.setattr(history, "FEW", 10)
    monkeypatch.setattr(history, "BLOCK", 5)
    history.fill(one, deployment, CUSTOMERS, people)
    told = capsys.readouterr().out
    history.fill(one, deployment, CUSTOMERS, people)
    fill.fill(one, deployment, CUSTOMERS, CUSTOMERS)

    assert begun == [CUSTOMERS, 2 * (CUSTOMERS // 3), CUSTOMERS // 3]
    assert counts(deployment, one) == [CUSTOMERS, 2 * CUSTOMERS, CUSTOMERS]
    assert "bench: 40 contributions filled" in told
    assert "30 of them inserted past the services and past the audit log" in told
    assert capsys.readouterr().out == ""
    with opened(one, deployment) as (_app, session):
        logged = dict(session.execute(sa.select(AuditEvent.record_type, sa.func.count()).group_by(AuditEvent.record_type)).all())
        gifts = session.scalars(sa.select(Contribution).order_by(Contribution.id)).all()
        calls = session.scalars(sa.select(Call).order_by(Call.id)).all()
        assert (logged["core_contribution"], logged["callcenter_call"]) == (2 * CUSTOMERS - 30, CUSTOMERS - 10)
        assert all(gift.fund_id and gift.programme_id and gift.imported and gift.source == "import" for gift in gifts)
        assert all(gift.subject_id == gift.customer.subject_id for gift in gifts)
        assert all(call.customer_id and call.phone and call.extension and call.legs == 1 for call in calls)
        assert {call.direction for call in calls} == {"in", "out"}
        later = [[gift.received_on for gift in gifts[begun[1]:]], [call.started_at.date() for call in calls[begun[2]:]]]
        assert later == [sorted(days) for days in later]
