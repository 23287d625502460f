"""Every page of the first week as people see it: accessible, inside its width, without a complaint of the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.e2e.conftest import DESKTOP, PHONE, Window

PAGES = {
    "sign-in": (None, "login/"),
    "my day": ("manager", ""),
    "customers": ("manager", "customers/"),
    "customer": ("manager", "link:customers/:a[href*='/customers/'].dw-never, table a[href*='/customers/']"),
    "new form": ("employee", "customers/forms/new"),
    "form review": ("manager", "link:customers/forms/?state=reviewed:main a[href*='/customers/forms/']"),
    "imports": ("employee", "imports/new"),
    "finance batch": ("finance", "finance/preview"),
    "audit log": ("auditor", "audit/"),
    "plugins": ("admin", "settings/plugins/"),
    "settings": ("admin", "settings/"),
}
GRAVE = ("serious", "critical")


def go(window: Window, address: str) -> Any:
    """Open an address, or with ``link:PAGE:SELECTOR`` the first such link of a page."""
    if not address.startswith("link:"):
        return window.open(address)
    _link, page, selector = address.split(":", 2)
    link = window.open(page).locator(selector).first.get_attribute("href")
    assert link is not None
    return window.open(link.split("/makkah/", 1)[1])


@pytest.mark.parametrize("language", ["ar", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible_and_keeps_its_width(window: Callable[..., Window], name: str, language: str) -> None:
    who, address = PAGES[name]
    for size, theme in ((DESKTOP, "light"), (PHONE, "dark")):
        opened = window(who, language=language, size=size, theme=theme)
        page = go(opened, f"{address}")
        assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{name} scrolls sideways at {size['width']}"
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert [(one["id"], [node["html"][:160] for node in one["nodes"]][:3]) for one in found if one["impact"] in GRAVE] == []
