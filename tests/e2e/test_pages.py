"""Every page of the first week as people see it: accessible, inside its width, without a complaint of the browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.e2e.conftest import DESKTOP, PHONE, Window, links

Open = Callable[..., Window]
PAGES = {
    "sign-in": (None, "login/"),
    "my day": ("manager", ""),
    "customers": ("manager", "customers/"),
    "customer": ("manager", r"customers/ → (customers/\d+)$"),
    "new form": ("employee", "customers/forms/new"),
    "form review": ("manager", r"customers/forms/?state=reviewed → (customers/forms/\d+)$"),
    "imports": ("employee", "imports/new"),
    "import preview": ("employee", "staged"),
    "finance preview": ("finance", "finance/preview"),
    "finance batch": ("finance", r"finance/ → (finance/batches/[^/]+)$"),
    "recommendations": ("quality", "recommendations/"),
    "recommendations to decide": ("secretary", "recommendations/decisions/"),
    "recommendation": ("secretary", r"recommendations/?f.state=proposed → (recommendations/\d+/)$"),
    "recommendation followed up": ("centres", r"recommendations/?f.open=1 → (recommendations/\d+/)$"),
    "reports": ("manager", "reports/"),
    "report with a chart": ("manager", "reports/customers.statistics/?by=city"),
    "calendar of reports": ("manager", "reports/calendar"),
    "audit log": ("auditor", "audit/"),
    "plugins": ("admin", "settings/plugins/"),
    "settings": ("admin", "settings/"),
}
"""Who opens which address; ``page → pattern`` is the first such link of a page that has what ``SHOWS`` asks for."""
SHOWS = {
    "customer": ".dw-timeline", "form review": "table.dw-diff del", "import preview": "main table", "finance batch": ".dw-fingerprint, main code",
    "report with a chart": "svg.dw-chart rect", "recommendation": "button[name=verdict]", "recommendation followed up": "textarea[name=cause]",
}
VIEWS = {"ar": ((DESKTOP, "light"), (PHONE, "dark")), "en": ((DESKTOP, "dark"),)}
"""Where axe looks at a page; colours and sizes do not depend on the language. Its width is held in every one."""
GRAVE = ("serious", "critical")
ENOUGH_ROWS = 12
"""A table's later rows are like its first."""
STAGED = "الاسم,الجوال\nسالم الصفحة,0561114444\nسالم الناقص,05\nسالم الصفحة,0561114444\n"


@pytest.fixture(scope="package")
def places() -> dict[str, str]:
    """The address of each page that was looked for or made, once for all views."""
    return {}


def stage(window: Window, folder: Path) -> str:
    """The address of an import with a good, a refused and a doubled line."""
    file = folder / "register.csv"
    file.write_text(STAGED, encoding="utf-8")
    page = window.open("imports/new")
    page.check("input[name=kind][value='customers.customers']")
    page.set_input_files("input[type=file]", file)
    page.locator("main form button.btn-primary").first.click()
    page.wait_for_url(re.compile("/columns"))
    page.select_option("select[name='option.customer_class']", "donor")
    page.locator("main form button.btn-primary").first.click()
    page.wait_for_url(re.compile(r"/imports/\d+$"))
    return str(page.url.removeprefix(window.root))


def find(window: Window, name: str, address: str) -> str:
    """The address of the page that is meant, by looking through the links of the one before it."""
    start, _arrow, pattern = address.partition(" → ")
    candidates = links(window.open(start), pattern) if pattern else [start]
    found = next((one for one in candidates if not pattern or window.open(one).locator(SHOWS[name]).count()), None)
    assert found is not None, f"no page shows what {name} is about"
    return found


def go(window: Window, name: str, address: str) -> Any:
    """Open the page and make sure that it is the one meant."""
    page = window.open(address)
    assert name not in SHOWS or page.locator(SHOWS[name]).count(), f"no page shows what {name} is about"
    return page


@pytest.mark.parametrize("language", ["ar", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible_and_keeps_its_width(
    standing: Open, name: str, language: str, places: dict[str, str], tmp_path: Path,
) -> None:
    who, address = PAGES[name]
    for size, theme in VIEWS[language]:
        seen = standing(who, language, size, theme)
        if name not in places:
            places[name] = stage(seen, tmp_path) if address == "staged" else find(seen, name, address)
        page = go(seen, name, places[name])
        assert page.evaluate("[document.documentElement.dataset.bsTheme, document.documentElement.dir]") == [theme, "rtl" if language == "ar" else "ltr"]
        assert violations(page) == [], f"{name} in {language}, {theme}, {size['width']}"
        for width in (size, PHONE):
            page.set_viewport_size(width)
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{name} scrolls sideways at {width['width']}"
        assert seen.unexpected() == []


def violations(page: Any) -> list[tuple[str, list[str]]]:
    """What axe holds serious or critical: the rule, and the first places."""
    context = {"exclude": [[f"tbody tr:nth-child(n+{ENOUGH_ROWS + 1})"]]}
    found = Axe().run(page, context=context, options={"resultTypes": ["violations"]}).response["violations"]
    return [(one["id"], [node["html"][:160] for node in one["nodes"]][:3]) for one in found if one["impact"] in GRAVE]
