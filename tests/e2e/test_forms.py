"""The create/modify form where it is refused: by its maker, without a reason, by a forged request."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.e2e.conftest import Window, links, turn

Open = Callable[..., Window]


def filled(person: Window, name: str, mobile: str) -> str:
    """The address of a form that ``person`` filled for a new donor, inside the association."""
    page = person.open("customers/forms/new")
    page.fill("input[name=name]", name)
    page.select_option("select[name=customer_class]", "donor")
    page.fill("input[name=mobile]", mobile)
    page.select_option("select[name=registration_origin]", "visit")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/forms/\d+$"))
    return str(page.url.removeprefix(person.root))


def customer_of(person: Window) -> str:
    """The address of a registered customer of whom no form is under way."""
    for address in links(person.open("customers/"), r"/(customers/\d+)$"):
        if person.open(address).locator("main a[href$='/modify']").count():
            return address
    raise AssertionError("every customer has a form under way")


def post(page: Any, address: str, **fields: str) -> int:
    """Status of a request that the page did not offer, sent with its own cookies and token."""
    token = page.locator("input[name=csrf_token]").first.input_value()
    return int(page.request.post(address, form={"csrf_token": token, **fields}, max_redirects=0).status)


def state_of(page: Any) -> str:
    return str(page.locator(".dw-head .dw-tag, .dw-head [class*=tag]").first.inner_text())


def test_rejecting_needs_a_reason_and_the_maker_reads_it(window: Open) -> None:
    clerk, manager = window("employee", language="en"), window("manager", language="en")
    form = filled(clerk, "مؤسسة السبب الناقص", "0557001001")
    page = manager.open(form)
    turn(page, page.get_by_role("button", name="Reviewed", exact=True).click)
    reject = page.get_by_role("button", name="Reject the form")
    reject.click()
    expect(page.locator("input[name=reason]:invalid, textarea[name=reason]:invalid, [name=reason][aria-invalid=true]")).to_have_count(1)
    expect(page.get_by_role("button", name="Approve the form")).to_have_count(1)

    page.fill("[name=reason]", "The mobile belongs to somebody else.")
    turn(page, reject.click)
    assert "The mobile belongs to somebody else." in manager.text()
    assert "The mobile belongs to somebody else." in clerk.open(form).inner_text("main")
    expect(page.get_by_role("button", name="Approve the form")).to_have_count(0)


def test_nobody_approves_what_they_filled_not_even_by_a_forged_request(window: Open) -> None:
    manager, other = window("manager", language="en"), window("employee", language="en")
    form = filled(manager, "مؤسسة المعتمد لنفسه", "0557001002")
    page = manager.open(form)
    reviewed = page.get_by_role("button", name="Reviewed", exact=True)
    if reviewed.count():
        turn(page, reviewed.click)
    page = manager.open(form)
    assert page.get_by_role("button", name="Approve the form").count() == 0
    before = state_of(page)
    assert post(page, f"{manager.root}{form}/approve") in (403, 409)
    assert post(other.open(form), f"{other.root}{form}/approve") == 403
    assert page.request.post(f"{manager.root}{form}/approve", max_redirects=0).status == 400
    assert state_of(manager.open(form)) == before != "approved"


def test_a_change_is_shown_beside_what_is_registered(window: Open) -> None:
    clerk, manager = window("employee", language="en"), window("manager", language="en")
    page = clerk.open(f"{customer_of(clerk)}/modify")
    old = page.input_value("[name=address]")
    page.fill("[name=address]", "شارع حراء، مبنى 999")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/forms/\d+$"))
    rows = manager.open(page.url.removeprefix(clerk.root)).locator("table.dw-diff").first.locator("tbody tr")
    assert rows.count() == 1
    current, proposed = rows.locator("td").nth(0), rows.locator("td").nth(1)
    assert (current.inner_text().strip(), proposed.inner_text().strip()) == (old.strip(), "شارع حراء، مبنى 999")
    assert current.locator("del").count() and proposed.locator("ins").count()


def test_what_was_typed_is_kept_after_a_refusal_and_as_a_draft(window: Open) -> None:
    clerk = window("employee", language="en")
    page = clerk.open("customers/forms/new")
    page.fill("input[name=name]", "مؤسسة الخطأ الواحد")
    page.select_option("select[name=customer_class]", "donor")
    page.fill("input[name=mobile]", "05")
    turn(page, lambda: page.keyboard.press("Control+Enter"))
    expect(page.locator("[aria-invalid=true]").first).to_be_focused()
    assert page.input_value("input[name=name]") == "مؤسسة الخطأ الواحد" and page.input_value("input[name=mobile]") == "05"
    page.fill("input[name=mobile]", "")
    turn(page, page.get_by_role("button", name=re.compile("draft", re.IGNORECASE)).click)
    assert re.search(r"/forms/\d+", page.url)
    assert "مؤسسة الخطأ الواحد" in page.inner_text("main")
    turn(page, page.get_by_role("link", name="Go on filling").click)
    assert page.input_value("input[name=name]") == "مؤسسة الخطأ الواحد"
