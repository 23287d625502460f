"""What holds on every page a person's menu leads to: width, direction, console; and the parts that all pages share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import PHONE, Window, turn

Open = Callable[..., Window]
MENUS = (("manager", "ar"), ("finance", "en"), ("admin", "ar"), ("auditor", "ar"), ("officer", "en"))
MOST_PAGES = 60


def menu_of(page: Any) -> list[str]:
    """The addresses of the side menu, in its order."""
    return list(page.eval_on_selector_all(".dw-side a[href]", "links => [...new Set(links.map((link) => link.href))]"))


@pytest.mark.parametrize(("who", "language"), MENUS)
def test_every_page_of_a_menu_fits_a_phone_and_leaves_the_console_empty(window: Open, who: str, language: str) -> None:
    person = window(who, language=language, size=PHONE)
    page = person.open("")
    addresses = menu_of(page)
    assert 3 < len(addresses) < MOST_PAGES
    wide = []
    for address in addresses:
        person.open(address.removeprefix(person.root))
        assert page.locator("h1").count() == 1, f"{address} has not one heading"
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wide.append(address)
    assert wide == [] and person.complaints == []


def test_the_first_tab_leads_past_the_menu(window: Open) -> None:
    page = window("employee", language="en").open("customers/forms/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "dw-skip"
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_search_opens_on_slash_moves_by_arrows_and_closes_on_escape(window: Open) -> None:
    page = window("manager", language="en").open("customers/forms/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.closest('[data-finder]') !== null")
    page.keyboard.insert_text("محمد")
    pointed = page.locator("[data-finder-results] a[aria-current]")
    pointed.wait_for()
    first = pointed.get_attribute("href")
    page.keyboard.press("ArrowDown")
    expect(pointed).not_to_have_attribute("href", first)
    page.keyboard.press("Escape")
    expect(page.locator("[data-finder]")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("[data-finder]")).to_be_visible()


def test_a_slash_right_after_escape_opens_the_search_again(window: Open) -> None:
    """The browser leaves the focus in the hidden field until it has drawn; both keys may come before."""
    page = window("manager", language="en").open("customers/forms/")
    page.keyboard.press("/")
    expect(page.locator("[data-finder] input")).to_be_focused()
    page.evaluate("""for (const key of ["Escape", "/"])
        document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }))""")
    expect(page.locator("[data-finder]")).to_be_visible()


def test_a_slash_in_a_field_is_a_letter(window: Open) -> None:
    page = window("employee", language="en").open("customers/forms/new")
    page.focus("input[name=name]")
    page.keyboard.type("a/b")
    assert page.input_value("input[name=name]") == "a/b"
    assert page.locator("[data-finder][open]").count() == 0


def test_a_confirmation_asks_names_what_stays_and_gives_the_focus_back(window: Open) -> None:
    admin = window("admin", language="en")
    page = admin.open("settings/plugins/")
    switch = page.locator("form[action$='/dummy_plugin/on'] button")
    if switch.count():
        turn(page, switch.click)
    opener = page.locator("form[action$='/dummy_plugin/off'] button")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    assert "Turn off Dummy?" in dialog.inner_text() and "Its data stays" in dialog.inner_text()
    assert page.evaluate("document.activeElement.dataset.part") == "stay"
    for _step in range(4):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    expect(opener).to_be_focused()
    expect(opener).to_have_attribute("aria-checked", "true")


def test_the_menu_of_a_phone_says_that_it_is_open(window: Open) -> None:
    page = window("employee", language="ar", size=PHONE).open("")
    opener = page.locator(".dw-menu-button")
    expect(opener).to_have_attribute("aria-expanded", "false")
    opener.click()
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#menu a:focus")).to_have_count(1)
    page.locator(".dw-side-close").click()
    expect(opener).to_have_attribute("aria-expanded", "false")


def test_the_device_decides_on_dark_where_the_person_has_not(window: Open) -> None:
    person = window("employee", language="en", theme="system")
    person.page.emulate_media(color_scheme="dark")
    page = person.open("")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
