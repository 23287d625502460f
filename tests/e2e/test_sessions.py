"""One's own sessions: each sign-in is listed, and one that is ended is out with its next request."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.conftest import Window, sign_in, turn

Open = Callable[..., Window]


def test_ending_a_session_from_another_window_signs_it_out(window: Open) -> None:
    here, there = window(), window()
    sign_in(there, "quality")
    sign_in(here, "quality")
    page = here.open("account/")
    ends = page.locator("form[action*='/account/sessions/'] button")
    before = ends.count()
    assert before >= 2 and there.open("account/").url.endswith("/account/")

    others = page.locator("tr", has=ends).filter(has_not=page.locator(".dw-tag"))
    turn(page, others.first.locator("form[action*='/account/sessions/'] button").click)
    assert page.locator("form[action*='/account/sessions/'] button").count() == before - 1
    there.page.goto(f"{there.root}account/")
    assert "/login" in there.page.url and "/account" in here.open("account/").url


def test_a_page_asked_for_before_signing_in_is_opened_after(window: Open) -> None:
    person = window()
    page = person.page
    page.goto(f"{person.root}customers/forms/")
    assert "/login" in page.url
    page.fill("input[name=username]", "quality")
    page.fill("input[name=password]", "diwan-demo-open-door")
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/customers/forms/")
