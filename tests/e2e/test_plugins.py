"""Turning plugins off and on by the page while two workers serve: everything of theirs goes, and all comes back as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Window, links

Open = Callable[..., Window]
PLUGINS = ("dummy_plugin", "visits")
REMARK = "remark of the journey"
OFTEN = 6
"""So many requests in a row meet both workers."""


def switch(admin: Window, name: str, *, on: bool) -> None:
    """Turn a plugin on or off as an administrator does; nothing where it is so already."""
    page = admin.open("settings/plugins/")
    button = page.locator(f"form[action$='/{name}/{'on' if on else 'off'}'] button")
    if not button.count():
        return
    button.click()
    if not on:
        page.locator("dialog[open] [data-part=verb]").click()
    page.locator(f"form[action$='/{name}/{'off' if on else 'on'}'] button").wait_for()


@pytest.fixture
def admin(window: Open) -> Iterator[Window]:
    """An administrator, with both plugins on; both are off again at the end."""
    person = window("admin", language="en")
    for name in PLUGINS:
        switch(person, name, on=True)
    yield person
    for name in PLUGINS:
        switch(person, name, on=False)


def take_in_a_remark(admin: Window, folder: Path) -> None:
    file = folder / "remarks.csv"
    file.write_text(f"Text\n{REMARK}\n", encoding="utf-8")
    page = admin.open("imports/new")
    page.check("input[name=kind][value='dummy_plugin.remarks']")
    page.set_input_files("input[type=file]", file)
    page.locator("main form button.btn-primary").first.click()
    page.wait_for_url(re.compile("/columns"))
    page.select_option("select[name='column.text']", "Text")
    page.get_by_role("button", name="Check every line").click()
    page.wait_for_url(re.compile(r"/imports/\d+$"))
    page.get_by_role("button", name="Apply 1 line").click()
    page.get_by_text("applied", exact=True).wait_for()


def record_a_visit(clerk: Window) -> None:
    number = links(clerk.open("customers/"), r"/customers/(\d+)$")[0]
    page = clerk.open("visits/visits/new/")
    page.fill("input[name=number]", number)
    page.fill("input[name=visited_on]", "2026-01-05")
    page.fill("textarea[name=remarks]", "The roof is mended.")
    page.locator("main form button.btn-primary").first.click()
    page.wait_for_url(re.compile(r"/visits/visits/(?!new)"))


def seen(admin: Window, manager: Window) -> dict[str, set[bool]]:
    """What of the two plugins can be met: each place with whether it is there, over several requests."""
    places: dict[str, tuple[Window, str, str]] = {
        "menu": (admin, "", "/dummy_plugin/remarks/"), "list": (admin, "dummy_plugin/remarks/", REMARK),
        "report": (admin, "reports/", "dummy_plugin.remarks"), "rows": (admin, "reports/dummy_plugin.remarks/", REMARK),
        "search": (admin, f"search/?part=1&q={REMARK.replace(' ', '+')}", "/dummy_plugin/remarks/details/"),
        "public page": (admin, "p/dummy_plugin/hello", "hello from the dummy"), "import": (admin, "imports/new", "dummy_plugin.remarks"),
        "inbox": (manager, "", "/visits/visits/"), "record": (manager, "visits/visits/", "The roof is mended."),
    }
    return {name: {_shows(person.page, person.root + path, text) for _n in range(OFTEN)} for name, (person, path, text) in places.items()}


def _shows(page: Any, address: str, text: str) -> bool:
    answer = page.request.get(address, max_redirects=0)
    assert answer.status in (200, 404), f"{address} answered {answer.status}"
    return bool(answer.status == 200 and text in answer.text())


def test_all_of_a_plugin_goes_with_the_switch_and_comes_back(window: Open, admin: Window, tmp_path: Path) -> None:
    take_in_a_remark(admin, tmp_path)
    record_a_visit(window("employee", language="en"))
    manager = window("manager", language="en")
    present = seen(admin, manager)
    assert [name for name, shown in present.items() if shown != {True}] == []
    waiting = manager.open("").locator("main a[href*='/visits/visits/']").count()

    for name in PLUGINS:
        switch(admin, name, on=False)
    absent = seen(admin, manager)
    assert [name for name, shown in absent.items() if shown != {False}] == []
    assert "keeps" in admin.open("settings/plugins/").inner_text("main")

    for name in PLUGINS:
        switch(admin, name, on=True)
    assert seen(admin, manager) == present
    assert manager.open("").locator("main a[href*='/visits/visits/']").count() == waiting
