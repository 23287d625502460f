"""Chromium for the journeys: where it is, and how it is started."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

GIVEN = "DIWAN_TEST_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Playwright's own download, by `playwright install chromium`.
DOWNLOADED = (".cache/ms-playwright/chromium-*/chrome-linux*/chrome",
              "Library/Caches/ms-playwright/chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium")


def chromium_path() -> str | None:
    """The browser that ``DIWAN_TEST_CHROMIUM`` names, else one that is installed; None where there is none."""
    if given := os.environ.get(GIVEN):
        return given if Path(given).exists() else None
    installed = next((path for path in map(shutil.which, NAMES) if path and not _is_snap_stub(path)), None)
    downloaded = (str(path) for pattern in DOWNLOADED for path in sorted(Path.home().glob(pattern), reverse=True))
    return installed or next(downloaded, None)


def _is_snap_stub(path: str) -> bool:
    """Ubuntu's ``chromium-browser`` only says that it has moved to a snap."""
    with open(path, "rb") as file:
        return b"snap install" in file.read(4096)


def install_chromium() -> bool:
    """Install it by apt, as root and where there is apt; whether it is there now."""
    if chromium_path() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        from tests.support.apt import install

        install("chromium")
    return chromium_path() is not None


def launch_options() -> dict[str, Any]:
    """Arguments of ``playwright.chromium.launch``; raises RuntimeError where there is no browser."""
    path = chromium_path()
    if path is None:
        raise RuntimeError("There is no Chromium. Install it (apt install chromium), or name one in DIWAN_TEST_CHROMIUM.")
    arguments = ["--disable-dev-shm-usage", "--disable-gpu", "--font-render-hinting=none", "--force-color-profile=srgb"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    return {"executable_path": path, "headless": True, "args": arguments}


@contextmanager
def browser() -> Iterator[Any]:
    """A running Chromium (``playwright.sync_api.Browser``) for the block; contexts and pages are the caller's."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(**launch_options())
        try:
            yield running
        finally:
            running.close()
