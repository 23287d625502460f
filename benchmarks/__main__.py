"""``python -m benchmarks [--sizes 10k,100k,1m] [--engines sqlite,postgresql] [--home FOLDER]``."""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import fill, floor, measures
from benchmarks.timing import HEADING, figure
from core.settings import Deployment
from core.testing import close_app
from tests.support.postgres import ensure_postgres

FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}


def size(text: str) -> int:
    """``10k`` is ten thousand, ``1m`` a million."""
    found = re.fullmatch(r"(\d{1,7})([km]?)", text.strip().lower())
    if found is None:
        raise argparse.ArgumentTypeError(f"'{text}' is no size; write 10k or 1m")
    return int(found[1]) * FACTORS[found[2]]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--sizes", type=lambda text: [size(one) for one in text.split(",")], default=[10_000])
    parser.add_argument("--engines", type=lambda text: text.split(","), default=["sqlite", "postgresql"])
    parser.add_argument("--home", type=Path, help="keep the filled associations here; a temporary folder otherwise")
    return parser.parse_args()


@contextmanager
def home(given: Path | None) -> Iterator[Deployment]:
    if given is not None:
        yield Deployment(home=given.resolve())
        return
    with tempfile.TemporaryDirectory(prefix="diwan-bench-") as folder:
        yield Deployment(home=Path(folder))


def run(deployment: Deployment, engine: str, sizes: list[int]) -> None:
    server = ensure_postgres() if engine == "postgresql" else None
    if engine == "postgresql" and server is None:
        print("PostgreSQL: no server found, not measured.", file=sys.stderr)
        return
    for count in sizes:
        association = fill.prepared(deployment, count, server=server)
        base = floor.measure(association.database_url)
        print(f"\n{engine}, {count:,} customers · {base.line()}\n{HEADING}", flush=True)
        app, first_ms = measures.start(association, deployment)
        close_app(app)
        print(figure("start of an app", lambda: close_app(measures.start(association, deployment)[0]), base.page_ms,  # noqa: B023
                     note=f"first {first_ms:.0f} ms", goal="≤ 300 ms").line(), flush=True)
        for found in measures.measure(association, deployment, base, count):
            print(found.line(), flush=True)


def main() -> None:
    chosen = options()
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} processors, {platform.machine()}")
    with home(chosen.home) as deployment:
        for engine in chosen.engines:
            run(deployment, engine, chosen.sizes)


if __name__ == "__main__":
    main()
