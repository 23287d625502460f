"""What `make test` needs besides Python packages: install it where possible, and say loudly what will be skipped."""

from __future__ import annotations

import os
import sys

from tests.support.browser import chromium_path, install_chromium
from tests.support.postgres import GIVEN, binaries, install_postgres


def prepare() -> list[str]:
    """Install what is absent; returns a line for each part of the tests that will be skipped."""
    skipped = []
    if not os.environ.get(GIVEN) and not install_postgres():
        skipped.append("PostgreSQL: no server found. Install one (apt install postgresql), or give DIWAN_TEST_POSTGRES=postgresql://…")
    if not install_chromium():
        skipped.append("the browser: no Chromium found. Install one (apt install chromium), or name it in DIWAN_TEST_CHROMIUM.")
    return skipped


def describe() -> str:
    """Which server and browser the tests will use."""
    server = "as given" if os.environ.get(GIVEN) else binaries() or "none"
    return f"PostgreSQL: {server} · browser: {chromium_path() or 'none'}"


if __name__ == "__main__":
    for line in prepare():
        print(f"\n{'!' * 100}\n! SKIPPED, {line}\n{'!' * 100}\n", file=sys.stderr)
    print(describe(), file=sys.stderr)
