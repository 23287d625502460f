"""The server as it really runs: ends gracefully, is not held up by a slow client, believes nobody's headers."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from core.settings import Deployment
from core.testing import new_association, test_deployment
from tests.support.server import Server, run, serving

pytestmark = pytest.mark.processes
BODY = b"username=nobody&password=wrong" + b"&x=" + b"a" * 200


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    deployment = test_deployment(tmp_path_factory.mktemp("serving"))
    new_association(deployment, "makkah")
    return deployment


@pytest.fixture(scope="module")
def server(home: Deployment):
    with serving(home, workers=2) as running:
        yield running


def begin_post(server: Server, path: str) -> socket.socket:
    """A client that has sent its headers and the first byte of its body."""
    client = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    lines = [f"POST /{path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(BODY)}",
             "Connection: close", "", ""]
    client.sendall("\r\n".join(lines).encode() + BODY[:1])
    return client


def rest_of(client: socket.socket) -> bytes:
    answer = b""
    with client:
        while piece := client.recv(65536):
            answer += piece
    return answer


def test_the_sign_in_page_answers_in_arabic(server: Server) -> None:
    status, text = server.get("makkah/login/")

    assert status == 200
    assert 'lang="ar"' in text
    assert 'dir="rtl"' in text


def test_clients_that_drip_their_bodies_delay_nobody(server: Server) -> None:
    for _n in range(20):
        server.get("makkah/login/")  # until both processes have built the app
    drippers = [begin_post(server, "makkah/login/") for _n in range(6)]
    stop = threading.Event()

    def drip(client: socket.socket) -> None:
        for byte in BODY[1:]:
            if stop.wait(0.25):
                break
            client.sendall(bytes([byte]))

    threads = [threading.Thread(target=drip, args=(client,)) for client in drippers]
    for thread in threads:
        thread.start()
    waits, answers = [], []
    for _n in range(20):
        begun = time.monotonic()
        answers.append(server.get("makkah/login/")[0])
        waits.append(time.monotonic() - begun)
        time.sleep(0.05)
    stop.set()
    for thread, client in zip(threads, drippers, strict=True):
        thread.join()
        client.close()

    assert set(answers) == {200}
    assert max(waits) < 4.0  # the dripping goes on for a minute


def logged(server: Server, home: Deployment, headers: dict[str, str] | None = None) -> str:
    """The access log's line of a request for the sign-in page."""
    request = urllib.request.Request(f"{server.url}makkah/login/", headers=headers or {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        reference = answer.headers["X-Reference"]
    for _n in range(50):
        for line in (home.home / "logs" / "access.log").read_text().splitlines():
            if line.endswith(f"ms {reference}"):
                return line
        time.sleep(0.1)
    raise AssertionError(f"{reference} was not logged")


def test_a_forwarded_header_is_not_believed_without_a_declared_proxy(server: Server, home: Deployment) -> None:
    line = logged(server, home, {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example"})

    assert " 127.0.0.1 GET /makkah/login/ 200 " in line


def test_a_declared_proxy_is_believed_and_plain_http_refused(home: Deployment) -> None:
    with serving(Deployment(home=home.home, proxies=1), workers=1) as behind:
        refused = behind.get("makkah/login/", {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"})
        private = behind.get("makkah/login/", {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"})

    assert refused[0] == 403
    assert "HTTPS" in refused[1]
    # The path prefix is for loopback only: over the network an association is found by its host.
    assert private[0] == 404


def test_a_query_is_not_logged(server: Server, home: Deployment) -> None:
    server.get("makkah/login/?next=/makkah/customers/?q=secret")
    logged(server, home)

    assert "secret" not in (home.home / "logs" / "access.log").read_text()


def test_a_request_in_flight_is_answered_after_sigterm_and_the_server_ends(home: Deployment) -> None:
    with serving(home, workers=2) as ending:
        with begin_post(ending, "makkah/login/") as client:
            time.sleep(0.5)
            ending.terminate()
            time.sleep(1.0)
            client.sendall(BODY[1:])
            answer = rest_of(client)
        status = ending.wait(40)

    assert answer.startswith(b"HTTP/1.1 ")
    assert b"\r\n\r\n" in answer
    assert status == 0


def test_serving_on_the_network_without_a_proxy_is_refused(home: Deployment) -> None:
    done = run(home, "serve", "--host", "0.0.0.0", "--port", "8999")

    assert done.returncode == 1
    assert done.stderr.startswith("diwan: Serving on 0.0.0.0 would send passwords in the clear.")
    assert len(done.stderr.strip().splitlines()) == 1


def test_health_is_answered_without_any_association(tmp_path: Path) -> None:
    with serving(test_deployment(tmp_path), workers=1) as empty:
        assert empty.get("healthz") == (200, "ok\n")
