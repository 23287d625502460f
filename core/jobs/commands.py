"""``diwan worker``: background work of every association of this home."""

from __future__ import annotations

import argparse

from core import logs
from core.jobs.worker import serve
from core.settings import Deployment


def worker(options: argparse.Namespace) -> None:
    """Work until stopped; with ``--once`` until nothing is due."""
    deployment = Deployment.from_environment()
    logs.configure(deployment.home)
    serve(deployment, once=bool(getattr(options, "once", False)))
