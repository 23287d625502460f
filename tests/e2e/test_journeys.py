"""What people do, from the first key to what comes of it, in the browser."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from core.numbering import is_valid, printed
from tests.e2e.conftest import PHONE, Window, sign_in, turn

Open = Callable[..., Window]


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def notice(page: Any) -> str:
    """The toast or notice that the last act left."""
    shown = page.locator(".dw-toast, .dw-notice").first
    shown.wait_for()
    return str(shown.inner_text())


def test_signing_in_by_keyboard_in_both_languages(window: Open) -> None:
    somebody = window(language="ar")
    page = somebody.open("login/")
    page.fill("input[name=username]", "deputy")
    page.fill("input[name=password]", "wrong password here")
    turn(page, lambda: page.press("input[name=password]", "Enter"))
    assert page.locator("[role=alert]").count() and "/login" in page.url

    sign_in(somebody, "deputy")
    assert page.evaluate("document.documentElement.dir") == "rtl"
    page.locator(".dw-language").click()
    expect(page.locator("html")).to_have_attribute("dir", "ltr")
    page.locator(".dw-theme summary").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator(".dw-person summary").click()
    press(page, "Sign out")
    page.wait_for_url("**/login/**")
    somebody.page.goto(f"{somebody.root}customers/")
    assert "/login" in page.url
    page.goto(f"{somebody.root}login/?lang=ar")


def test_a_customer_from_the_form_to_the_file(window: Open) -> None:
    clerk = window("employee", language="en")
    page = clerk.open("customers/forms/new")
    page.fill("input[name=name]", "مؤسسة الرحلة الطويلة")
    page.select_option("select[name=customer_class]", "donor")
    page.fill("input[name=mobile]", "٠٥٥٩٨٧٦٥٤٣")
    page.select_option("select[name=registration_origin]", index=1)
    press(page, "Save and send for review")
    page.wait_for_url(re.compile(r"/forms/\d+"))
    form = page.url.split("/makkah/", 1)[1]
    assert "+966 55 987 6543" in page.inner_text("main")
    assert page.get_by_role("button", name="Approve the form").count() == 0

    manager = window("manager", language="en")
    page = manager.open(form)
    turn(page, lambda: press(page, "Reviewed"))
    page.get_by_role("button", name="Reject the form").click()
    page.locator(".dw-error, :invalid").first.wait_for()
    page = manager.open(form)
    turn(page, lambda: press(page, "Approve the form"))
    notice(page)

    officer = window("officer", language="en")
    page = officer.open(form)
    press(page, "Enter in the register")
    page.wait_for_url(re.compile(r"/customers/\d+$"))
    number = page.url.rsplit("/", 1)[1]
    assert is_valid(number) and printed(number) in notice(page)
    officer.open(form)
    turn(page, page.get_by_role("button", name="File the form").or_(page.locator("form[action$='/file'] button")).first.click)
    notice(page)
    assert "مؤسسة الرحلة الطويلة" in clerk.open(f"customers/{number}").inner_text("main")


def test_an_import_is_looked_at_before_it_is_applied(window: Open, tmp_path: Path) -> None:
    file = tmp_path / "register.csv"
    file.write_bytes("الاسم,الجوال\nسالم الأول,0561112233\nسالم الثاني,05\nسالم الأول,0561112233\n".encode("windows-1256"))
    clerk = window("employee", language="en")
    page = clerk.open("imports/new")
    page.check("input[name=kind][value='customers.customers']")
    page.set_input_files("input[type=file]", file)
    page.locator("main form button.btn-primary").first.click()
    page.wait_for_url(re.compile(r"/columns"))
    page.select_option("select[name=encoding]", "windows-1256")
    turn(page, lambda: press(page, "Read again"))
    page.locator("select[name='column.name'] option[selected]").first.wait_for(state="attached")
    assert page.input_value("select[name='column.mobile']") == "الجوال"
    page.select_option("select[name='option.customer_class']", "donor")
    press(page, "Check every line")
    page.wait_for_url(re.compile(r"/imports/\d+$"))
    shown = page.inner_text("main table")
    assert "05" in shown and shown.count("سالم الأول") == 2

    press(page, "Apply 1 line")
    page.locator("#apply-error").wait_for()
    with page.expect_download() as refused:
        press(page, "Refused lines as a file")
    assert Path(refused.value.path()).read_text(encoding="utf-8-sig").splitlines()[1].endswith("سالم الثاني,05")
    page.check("input[name=leave_out_refused]")
    turn(page, lambda: press(page, "Apply 1 line"))
    turn(page, page.get_by_role("link", name="Open what came of it").click)
    assert "سالم الأول" in page.inner_text("main")


def test_a_batch_is_issued_once_and_its_file_stays_the_same(window: Open) -> None:
    finance = window("finance", language="en")
    page = finance.open("finance/preview?layout=generic&from_on=2020-01-01&until_on=2030-12-31")
    page.locator("main form[action$='/finance/issue'] button").click()
    page.wait_for_url(re.compile(r"FB-"))
    with page.expect_download() as first:
        press(page, "Download the file")
    page.reload()
    page.get_by_role("button", name="Export again").click()
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    page.get_by_role("button", name="Export again").click()
    with page.expect_download() as second:
        dialog.locator("[data-part=verb]").click()
    digests = {hashlib.sha256(Path(one.value.path()).read_bytes()).hexdigest() for one in (first, second)}
    assert len(digests) == 1 and first.value.suggested_filename != second.value.suggested_filename


def test_search_by_keyboard_from_any_page(window: Open) -> None:
    clerk = window("manager", language="ar")
    page = clerk.open("customers/forms/")
    page.keyboard.press("/")
    field = page.locator("[data-finder] input[type=search]")
    field.wait_for()
    page.keyboard.insert_text("مؤسسة")
    page.locator("[data-finder-results] a").first.wait_for()
    page.keyboard.press("ArrowDown")
    aim = page.locator("[data-finder-results] a[aria-current]").get_attribute("href")
    turn(page, lambda: page.keyboard.press("Enter"))
    assert page.url.endswith(aim) and not page.url.endswith("/customers/forms/")


def test_the_menu_opens_by_thumb_and_closes(window: Open) -> None:
    clerk = window("employee", language="ar", size=PHONE)
    page = clerk.open("")
    page.locator(".dw-bar-bottom [data-menu]").click()
    turn(page, page.locator(".dw-side a[href$='/customers/']").click)
    assert page.url.endswith("/customers/")
