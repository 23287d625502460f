"""Small parts of a page by keyboard and in the page's language: help, the choice of a file, a download's button."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import PHONE, Window, turn

Open = Callable[..., Window]


@pytest.mark.parametrize("size", [None, PHONE], ids=["desk", "phone"])
def test_help_opens_by_keyboard_and_closes(window: Open, size: dict[str, int] | None) -> None:
    page = window("manager", **({"size": size} if size else {})).open("customers/forms/")
    panel = page.locator(".dw-help-panel")
    expect(panel).to_be_hidden()

    page.locator(".dw-help summary").press("Enter")
    expect(panel).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]

    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


@pytest.mark.parametrize(("language", "button"), [("ar", "اختيار ملف"), ("en", "Choose a file")])
def test_a_file_is_chosen_in_the_language_of_the_page(window: Open, tmp_path: Path, language: str, button: str) -> None:
    file = tmp_path / "donors.csv"
    file.write_bytes(b"x")
    page = window("finance", language=language).open("imports/new")
    expect(page.locator(".dw-file-button")).to_have_text(button)

    with page.expect_file_chooser() as chooser:
        page.locator(".dw-file-button").click()
    chooser.value.set_files(file)

    expect(page.locator("[data-drop-text]")).to_have_text("donors.csv")
    assert page.locator("input[type=file]").evaluate("one => one.labels.length") == 2


def test_what_was_typed_is_left_only_after_a_question(window: Open) -> None:
    page = window("employee", language="en").open("customers/forms/new")
    asked: list[str] = []
    answer = [False, True]
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept() if answer.pop(0) else dialog.dismiss()))
    page.locator("input[name=name]").press_sequentially("شركة")

    page.locator(".dw-side a[href$='/customers/']").click()
    expect(page.locator("input[name=name]")).to_have_value("شركة")
    page.locator(".dw-side a[href$='/customers/']").click()
    page.wait_for_url("**/customers/")

    assert asked == ["beforeunload", "beforeunload"]


def test_what_is_sent_asks_nothing(window: Open) -> None:
    page = window("employee", language="en").open("customers/forms/new")
    page.on("dialog", lambda dialog: pytest.fail(f"asked: {dialog.type}"))
    page.locator("input[name=name]").press_sequentially("شركة")

    turn(page, lambda: page.get_by_role("button", name=re.compile("draft", re.IGNORECASE)).click())

    assert re.search(r"/forms/\d+", page.url)


def test_a_log_can_be_downloaded_twice_from_one_page(window: Open) -> None:
    page = window("auditor", language="en").open("audit/")
    for _time in range(2):
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV").click()
        assert Path(download.value.path()).read_bytes().count(b"\r\n") > 300
        page.wait_for_timeout(1_200)
