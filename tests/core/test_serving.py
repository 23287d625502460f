"""`diwan serve`: what it refuses, and what it tells gunicorn."""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path

import pytest
from gunicorn.workers.gthread import ThreadWorker

from core import serving
from core.errors import DiwanError
from core.settings import Deployment


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.9.1"])
def test_loopback_is_served_in_the_clear(host: str) -> None:
    serving.check_private(host, proxies=0)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "diwan.example.org"])
def test_anything_else_needs_a_declared_proxy(host: str) -> None:
    serving.check_private(host, proxies=1)

    with pytest.raises(DiwanError, match="DIWAN_PROXIES=1"):
        serving.check_private(host, proxies=0)


def test_a_port_that_is_taken_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(DiwanError, match=f"Port {port} on 127.0.0.1 cannot be used"):
            serving.serve(Deployment(home=tmp_path), port=port)


@pytest.mark.parametrize("workers", [0, -1, 65])
def test_a_senseless_number_of_workers_is_refused(tmp_path: Path, workers: int) -> None:
    with pytest.raises(DiwanError, match="choose 1 to 64"):
        serving.serve(Deployment(home=tmp_path), workers=workers)


def test_gunicorn_believes_no_forwarded_header_and_loads_no_code_before_the_fork() -> None:
    server = serving.Server(serving.server_options("127.0.0.1", 8000, 3))

    assert server.cfg.workers == 3
    assert server.cfg.preload_app is False
    assert server.cfg.secure_scheme_headers == {}
    assert not server.cfg.forwarded_allow_ips
    assert not [name for name in server.cfg.forwarder_headers if name]
    assert issubclass(server.cfg.worker_class, ThreadWorker)
    assert server.cfg.umask == 0o077


def test_a_worker_leaves_a_new_connection_to_one_that_holds_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(serving.time, "sleep", waited.append)
    worker = serving.EvenWorker.__new__(serving.EvenWorker)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        for held in (0, 2, 1_000):
            worker.nr_conns = held

            worker.accept(listener)  # meanwhile another has taken it

            assert worker.nr_conns == held

    assert waited == [0, 2 * serving.STEP_SECONDS, serving.LONGEST_STEP_SECONDS]


def test_an_access_line_has_no_query_and_no_forged_line() -> None:
    environ = {"REMOTE_ADDR": "127.0.0.1", "REQUEST_METHOD": "GET", "RAW_URI": "/makkah/customers/?q=%D8%A3%D8%AD%D9%85%D8%AF"}

    line = serving.access_line(environ, "200 OK", 512, timedelta(milliseconds=12.4), {"X-Reference": "A1B2C3D4"})

    assert line == "127.0.0.1 GET /makkah/customers/ 200 512B 12ms A1B2C3D4"
