"""One demo, one server with two workers and one Chromium for the journeys; people sign in as anybody does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import expect

from core import demo
from core.testing import test_deployment
from tests.conftest import PLUGINS
from tests.support.browser import browser
from tests.support.server import Server, serving

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
CUSTOMERS = 40
REFUSED = re.compile(r"status of (401|403|422)")
"""What a page answers that refuses; a journey asks for it on purpose."""
WITHIN = 20_000
"""Milliseconds for one act; generous, because the machine runs other tests beside."""


@dataclass
class Window:
    """A page of somebody, and what the browser complained of on it."""

    page: Any
    root: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Any:
        """Go to an address inside the association; fails on an answer that is no page."""
        answer = self.page.goto(self.root + path.lstrip("/"))
        assert answer is not None and answer.status < 400, f"{path} answered {answer.status if answer else 'nothing'}"
        return self.page

    def text(self) -> str:
        return str(self.page.inner_text("main"))

    def unexpected(self) -> list[str]:
        """What the browser complained of, but for the refusals that a journey asks for."""
        return [one for one in self.complaints if not REFUSED.search(one)]


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    deployment = test_deployment(tmp_path_factory.mktemp("journeys"), (PLUGINS,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "PLANS", demo.PLANS[:1])
        demo.make_demo(deployment, customers_count=CUSTOMERS)
    with serving(deployment, workers=2) as running:
        yield running


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """Ends with the last journey: Playwright keeps a loop of asyncio running, beside which no other test could run its own."""
    expect.set_options(timeout=WITHIN)
    with browser() as running:
        yield running


@pytest.fixture(scope="package")
def states() -> dict[str, Any]:
    """The cookies of who has signed in already."""
    return {}


@pytest.fixture(scope="package")
def enter(chromium: Any, server: Server, states: dict[str, Any]) -> Callable[..., tuple[Any, Window]]:
    """``enter(who, language=, size=, theme=)``: a new browser context of somebody signed in, and its window."""
    def enter(who: str | None = None, *, language: str = "ar", size: dict[str, int] = DESKTOP, theme: str = "light") -> tuple[Any, Window]:
        context, found = new_window(chromium, f"{server.url}makkah/", language=language, size=size, theme=theme, state=states.get(who or ""))
        if who is not None and who not in states:
            sign_in(found, who)
            states[who] = context.storage_state()
        return context, found

    return enter


@pytest.fixture
def window(enter: Callable[..., tuple[Any, Window]]) -> Iterator[Callable[..., Window]]:
    """``window(who, language=, size=, theme=)``: a window of its own, signed in; no page may leave a complaint in its console."""
    opened: list[tuple[Any, Window]] = []

    def make(who: str | None = None, **how: Any) -> Window:
        opened.append(enter(who, **how))
        return opened[-1][1]

    yield make
    for context, found in opened:
        context.close()
        assert found.unexpected() == []


@pytest.fixture(scope="package")
def standing(enter: Callable[..., tuple[Any, Window]]) -> Iterator[Callable[..., Window]]:
    """As ``window``, but one window a person, made to look as asked: for tests that only look at pages."""
    opened: dict[str | None, tuple[Any, Window]] = {}

    def find(who: str | None, language: str, size: dict[str, int], theme: str) -> Window:
        if who not in opened:
            opened[who] = enter(who, language=language, size=size, theme=theme)
        context, found = opened[who]
        context.add_cookies(preferred(found.root, language, theme))
        found.page.set_viewport_size(size)
        return found

    yield find
    for context, _found in opened.values():
        context.close()


def preferred(root: str, language: str, theme: str) -> list[dict[str, str]]:
    """The cookies by which a browser remembers language and colours."""
    return [{"name": name, "value": value, "url": root} for name, value in (("diwan_language", language), ("diwan_theme", theme))]


def new_window(chromium: Any, root: str, *, language: str, size: dict[str, int], theme: str = "light", state: Any = None) -> tuple[Any, Window]:
    """A browser context with one page on the association at ``root``, and the window that listens to its console."""
    context = chromium.new_context(viewport=size, storage_state=state, accept_downloads=True)
    context.set_default_timeout(WITHIN)
    context.add_cookies(preferred(root, language, theme))
    found = Window(context.new_page(), root)
    found.page.on("console", lambda message: found.complaints.append(message.text) if message.type == "error" else None)
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    return context, found


def sign_in(window: Window, who: str, password: str = demo.PASSWORD) -> None:
    """By keyboard: name, password, Enter."""
    page = window.open("login/")
    page.fill("input[name=username]", who)
    page.fill("input[name=password]", password)
    turn(page, lambda: page.press("input[name=password]", "Enter"))
    assert "/login" not in page.url, window.text()


def turn(page: Any, act: Callable[[], Any]) -> None:
    """Do what leads to another page, and wait until that one is there: before, the page of before still answers."""
    with page.expect_navigation():
        act()


def links(page: Any, pattern: str) -> list[str]:
    """Of the links in the page's body those whose address matches, each once: the pattern's first group."""
    addresses = page.eval_on_selector_all("main a[href]", "all => all.map((one) => one.href)")
    return list(dict.fromkeys(found[1] for one in addresses if (found := re.search(pattern, one))))
