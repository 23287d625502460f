"""``python -m benchmarks [--sizes 10k,100k,1m] [--engines sqlite,postgresql] [--only list,search] [--home FOLDER]``.

Each part prints how long it took; it ends early when its limit has passed, so that a large size can be run in pieces
over a home that is kept.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter

from benchmarks import cluster, fill, floor, growth, measures
from benchmarks.beside import peer
from benchmarks.eight import processes
from benchmarks.measures import Part, Run
from benchmarks.throughput import throughput
from benchmarks.timing import CLOCK, HEADING, Check, Figure, limited
from core.settings import Deployment

FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}
PARTS: dict[str, Part] = {
    "start": measures.start, "list": measures.lists, "page": measures.pages, "search": measures.searches, "reports": measures.reports,
    "export": measures.exports, "serve": throughput, "peer": peer, "enter": measures.entering, "processes": processes, "import": measures.importing,
}
"""In this order, those that change the data last."""
ENGINES = ("sqlite", "postgresql")


def size(text: str) -> int:
    """``10k`` is ten thousand, ``1m`` a million."""
    found = re.fullmatch(r"(\d{1,7})([km]?)", text.strip().lower())
    if found is None or int(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no size; write 10k or 1m")
    return int(found[1]) * FACTORS[found[2]]


def sizes(text: str) -> list[int]:
    return sorted({size(one) for one in text.split(",")})


def some_of(known: tuple[str, ...]) -> object:
    def chosen(text: str) -> list[str]:
        given = [one.strip() for one in text.split(",")]
        if unknown := [one for one in given if one not in known]:
            raise argparse.ArgumentTypeError(f"'{unknown[0]}' is none of {', '.join(known)}")
        return [one for one in known if one in given]

    return chosen


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--sizes", type=sizes, default=[10_000], help="customers; two contributions and a call each (10k)")
    parser.add_argument("--engines", type=some_of(ENGINES), default=list(ENGINES))
    parser.add_argument("--only", type=some_of((*PARTS, "fill")), default=list(PARTS), help=f"parts: {', '.join(PARTS)}; or fill, which only fills")
    parser.add_argument("--home", type=Path, help="keep the filled associations and the PostgreSQL cluster here; a temporary folder otherwise")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each figure is repeated (1)")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds after which a part ends early (600)")
    return parser.parse_args()


@contextmanager
def home(given: Path | None) -> Iterator[Deployment]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield Deployment(home=given.resolve())
        return
    with tempfile.TemporaryDirectory(prefix="diwan-bench-") as folder:
        Path(folder).chmod(0o755)
        yield Deployment(home=Path(folder))


def of_engine(deployment: Deployment, engine: str, chosen: argparse.Namespace) -> None:
    if engine == "sqlite":
        of_sizes(deployment, engine, chosen, None)
        return
    with cluster.server(deployment.home) as server:
        if server is None:
            print("POSTGRESQL NOT MEASURED: no server is installed and DIWAN_TEST_POSTGRES names none.", file=sys.stderr, flush=True)
            return
        of_sizes(deployment, engine, chosen, server)


def of_sizes(deployment: Deployment, engine: str, chosen: argparse.Namespace, server: str | None) -> None:
    measured: dict[int, dict[str, Figure]] = {}
    goals: list[Check] = []
    for count in chosen.sizes:
        association = fill.prepared(deployment, count, server=server)
        if chosen.only == ["fill"]:
            continue
        base = floor.measure(association.database_url)
        print(f"\n{engine}, {count:,} customers · {base.line()}\n{HEADING}", flush=True)
        run = Run(association, deployment, base, count, engine)
        for name in chosen.only:
            if name != "fill":
                one_part(run, name, chosen.limit)
        measured[count] = run.figures
        goals = [check for one in run.figures.values() for check in one.checks] + growth.deep(run.figures) + run.checks
        if count != chosen.sizes[-1]:
            print_goals(f"{engine}, {count:,} customers", goals)
    if not measured:
        return
    if len(measured) > 1:
        print("\n" + "\n".join(growth.lines(measured)), flush=True)
        goals += growth.checks(engine, measured)
    print_goals(f"{engine}, {chosen.sizes[-1]:,} customers", goals)


def one_part(run: Run, name: str, limit: float) -> None:
    """Measure a part and say how long it took; what a part could not measure is said and stops no other."""
    begun = perf_counter()
    with limited(limit), closing(PARTS[name](run)) as part:
        try:
            for one in part:
                run.figures[one.name] = one
                print(one.line(), flush=True)
                if CLOCK.over:
                    print(f"  {name} ENDED EARLY after {limit:.0f} s (--limit)", flush=True)
                    break
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            print(f"  {name} FAILED: {error}", flush=True)
    print(f"  · {name}: {perf_counter() - begun:.0f} s, {os.getloadavg()[0]:.1f} processes at work on the machine", flush=True)


def print_goals(title: str, goals: list[Check]) -> None:
    met, told = sum(one.met is True for one in goals), sum(one.met is not None for one in goals)
    print(f"\ngoals, {title} (they are set for a million): {met} of the {told} measured are reached", flush=True)
    for one in goals:
        print(one.line(), flush=True)


def main() -> None:
    chosen = options()
    signal.signal(signal.SIGTERM, lambda *_rest: sys.exit(143))
    CLOCK.seconds = chosen.seconds
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} processors, {platform.machine()}")
    with home(chosen.home) as deployment:
        for engine in chosen.engines:
            of_engine(deployment, engine, chosen)


if __name__ == "__main__":
    main()
