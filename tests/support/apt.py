"""Installing what the tests need besides Python, without a question."""

from __future__ import annotations

import os
import subprocess
import sys


def install(*packages: str) -> bool:
    """Install packages by apt as root; says what failed and goes on, since the tests can do without."""
    print(f"Installing {', '.join(packages)} by apt …", file=sys.stderr, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]):
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            print(f"{' '.join(command)} failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    return done.returncode == 0
