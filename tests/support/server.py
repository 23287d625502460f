"""A real server of its own for a test: `diwan serve` in a process, on a free port, stopped at the end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.settings import Deployment

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60
ANSWER_SECONDS = 90
"""Long, because the first request of a worker builds the app, and the machine may be busy."""

CLI = "core.cli"


@dataclass
class Server:
    """A running server. ``url`` ends with a slash."""

    process: subprocess.Popen[bytes]
    port: int
    output: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
        """Status and text of a page."""
        request = urllib.request.Request(self.url + path, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float = 40) -> int:
        return self.process.wait(seconds)


def environment(deployment: Deployment, **more: str) -> dict[str, str]:
    """The variables with which a process of its own finds ``deployment``."""
    own = {"DIWAN_HOME": str(deployment.home), "DIWAN_PLUGIN_PATH": os.pathsep.join(map(str, deployment.plugin_path)), "DIWAN_PROXIES": str(deployment.proxies)}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DIWAN_")}
    return {**kept, **own, "PYTHONPATH": str(ROOT), **more}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(deployment: Deployment, *arguments: str, seconds: float = 120, module: str = CLI, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a ``diwan`` command in a process of its own and wait for its end."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, env=environment(deployment, **more), cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=seconds, check=False)


@contextmanager
def serving(deployment: Deployment, *, workers: int = 2, module: str = CLI, **more: str) -> Iterator[Server]:
    """A server over ``deployment`` for the block; what it printed is in ``output``. ``module`` is run in the command's place."""
    port, output = free_port(), deployment.home / f"server-{time.monotonic_ns()}.txt"
    command = [sys.executable, "-m", module, "serve", "--port", str(port), "--workers", str(workers)]
    with output.open("wb") as out:
        process = subprocess.Popen(command, env=environment(deployment, **more), cwd=ROOT, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    server = Server(process, port, output)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        if process.poll() is None:
            server.terminate()
            try:
                server.wait()
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(server: Server) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if server.process.poll() is not None:
            raise RuntimeError(f"the server ended:\n{server.output.read_text()}")
        try:
            if server.get("healthz")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not answer within {START_SECONDS} s:\n{server.output.read_text()}")
