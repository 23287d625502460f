"""`diwan serve`: gunicorn with threads over ``core.hosting``, run from here so that its settings are part of the product.

Code is not loaded before the fork: each worker process loads it, so a mended plugin needs a restart. SIGTERM lets
requests in flight end. Plain HTTP is refused outside loopback unless proxies are declared (``DIWAN_PROXIES``).
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from core import doctor, logs
from core.errors import DiwanError
from core.settings import Deployment, all_associations, served_file

THREADS = 8
GRACE_SECONDS = 30
REFERENCE_HEADER = "X-Reference"
STEP_SECONDS, LONGEST_STEP_SECONDS = 0.0005, 0.004
"""So long for each connection that it holds, and at most, a worker leaves a new one to another worker."""


class RequestLog(Logger):  # type: ignore[misc]
    """Gunicorn's logger, writing Diwan's lines."""

    def setup(self, cfg: Any) -> None:
        self.error_log = logging.getLogger("diwan.server")
        self.access_log = logs.access_logger(Deployment.from_environment().home)

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """One line: from where, what, status, bytes, milliseconds, reference."""
        self.access_log.info(access_line(environ, resp.status, resp.sent, request_time, dict(resp.headers)))

    def reopen_files(self) -> None:
        """Nothing to do: the handlers notice a renamed file themselves."""

    def close_on_exec(self) -> None:
        """Nothing to do: Python opens files so."""


def access_line(environ: dict[str, Any], status: str, sent: int | None, took: timedelta, headers: dict[str, str]) -> str:
    path = logs.logged_path(environ.get("RAW_URI", environ.get("PATH_INFO", "")).split("?")[0])
    milliseconds = round(took.total_seconds() * 1000)
    return (f"{environ.get('REMOTE_ADDR') or '-'} {logs.one_line(environ.get('REQUEST_METHOD', '-'))} {path} {str(status).split()[0]}"
            f" {sent or 0}B {milliseconds}ms {headers.get(REFERENCE_HEADER, '-')}")


class EvenWorker(ThreadWorker):  # type: ignore[misc]
    """A worker that lets one with fewer connections take the next; else browsers, which keep theirs, may all wait for one process."""

    def accept(self, listener: socket.socket) -> None:
        time.sleep(min(self.nr_conns * STEP_SECONDS, LONGEST_STEP_SECONDS))
        super().accept(listener)


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn's application with our settings and none from files or its command line."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for key, value in self.options.items():
            self.cfg.set(key, value)

    def load(self) -> Callable[..., Any]:
        from core.hosting import application

        return application


def server_options(host: str, port: int, workers: int) -> dict[str, Any]:
    """Gunicorn's settings. No forwarded header is believed here: ``core.hosting`` does that for declared proxies."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return {
        "bind": [address], "workers": workers, "worker_class": EvenWorker, "threads": THREADS, "preload_app": False,
        "graceful_timeout": GRACE_SECONDS, "timeout": 60, "keepalive": 5, "umask": 0o077, "control_socket_disable": True,
        "secure_scheme_headers": {}, "forwarded_allow_ips": "", "forwarder_headers": "", "accesslog": "-", "logger_class": RequestLog,
        "when_ready": lambda server: _ready(url_of(host, port)),
    }


def _ready(url: str) -> None:
    """Note the address for commands that print links, and say it."""
    with contextlib.suppress(OSError):  # a home that may not be written to serves all the same
        served_file(Deployment.from_environment()).write_text(f"{url}\n", encoding="utf-8")
    print(welcome(url), flush=True)


def serve(deployment: Deployment, *, host: str = "127.0.0.1", port: int = 8000, workers: int = 2) -> None:
    """Serve every association until stopped. Raises DiwanError naming what forbids it and the remedy."""
    if not 1 <= workers <= 64:
        raise DiwanError(f"--workers is {workers}; choose 1 to 64, about one for each processor core.")
    check_private(host, deployment.proxies)
    check_free(host, port)
    logs.configure(deployment.home)
    for finding in doctor.preflight(deployment):
        if finding.grave:
            raise DiwanError(f"{finding.text} {finding.remedy}")
    if not all_associations(deployment):
        print("There is no association yet. Make one: diwan association add SLUG   (or: diwan demo)", flush=True)
    Server(server_options(host, port, workers)).run()


def welcome(url: str) -> str:
    """What a started server says: where each association answers, and how to sign in to a demo."""
    associations = all_associations(Deployment.from_environment())
    lines = [f"{url}{one.slug}/  {one.name.en}" if not one.hosts else f"https://{one.hosts[0]}/  {one.name.en}" for one in associations]
    if any(one.demo for one in associations):
        from core.demo import PASSWORD, sign_ins

        lines += ["", f"Sign-ins of the demo, all with the password {PASSWORD}", *(f"  {name:<10} {role}" for name, role in sign_ins())]
    return "\n".join([f"Diwan answers at {url}  (Ctrl-C stops it)", *lines])


def check_private(host: str, proxies: int) -> None:
    """Refuse to answer in the clear where others can listen."""
    if proxies == 0 and not is_loopback(host):
        raise DiwanError(f"Serving on {host} would send passwords in the clear. Serve on 127.0.0.1, or put an HTTPS proxy in front"
                         " and declare it: DIWAN_PROXIES=1.")


def is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def check_free(host: str, port: int) -> None:
    """Refuse an address that is taken, before anything is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as exc:
            raise DiwanError(f"Port {port} on {host} cannot be used: {exc}. Choose another with --port.") from exc


def url_of(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
