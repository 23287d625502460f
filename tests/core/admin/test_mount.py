"""The menu: what belongs together stands together, people first and the running of the machine last."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.admin import mount
from core.auth.actor import Actor
from core.plugins import queries
from tests.support.people import signed_in

ORDER = [
    "/users/", "/roles/", "/delegations/", "/settings/organisation/departments/", "/settings/organisation/centres/",
    "/settings/organisation/branches/", "/settings/organisation/cities/", "/settings/organisation/programmes/", "/settings/",
    "/customers/fields/", "/finance/settings/", "/settings/plugins/", "/settings/outbox/", "/settings/jobs/", "/settings/api/",
]


def test_the_administration_is_in_order(client: FlaskClient, session: Session) -> None:
    signed_in(client, session, "administrator", "it_administrator")

    html = client.get("/").text
    menu = html[html.index('class="dw-side-foot"'):html.index("</nav>")]
    shown = re.findall(r'<li><a href="([^"]+)"', menu)

    assert shown == [one for one in ORDER if one in shown]
    assert len(shown) >= 12


def view(endpoint: str, order: int, *, beside: str = "", accessible: bool = True) -> Any:
    return SimpleNamespace(endpoint=endpoint, menu_title=endpoint, menu_icon="file", menu_group="customers", menu_order=order, menu_beside=beside,
                           daily_for=frozenset(), is_visible=lambda: True, is_accessible=lambda: accessible, _default_view="index",
                           menu_addresses={"": f"/{endpoint}/"})


@pytest.fixture
def at(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Somebody signed in, on the page at this address."""
    monkeypatch.setattr(mount, "current_actor", lambda: Actor(user_id=1, label="somebody"))
    return app.test_request_context


def entries(families: Any) -> list[tuple[str, bool]]:
    return [(one.label, one.current) for group in mount.menu(families) for one in group.entries]


def test_views_of_one_subject_share_an_entry_and_are_tabs_where_they_begin(at: Any) -> None:
    calls, queue, notes = view("calls", 20), view("queue", 10, beside="calls"), view("notes", 30)
    families = mount.families_of([notes, queue, calls])

    with at("/") as context:
        context.request.url_rule = SimpleNamespace(endpoint="queue.index")
        assert entries(families) == [("calls", True), ("notes", False)]
        assert mount.tabs(families, queue) == [("calls", "/calls/", False, None), ("queue", "/queue/", True, None)]
        assert mount.tabs(families, notes, always=True) == []
        context.request.url_rule = SimpleNamespace(endpoint="queue.one")
        assert mount.tabs(families, queue) == [] and len(mount.tabs(families, queue, always=True)) == 2


def test_who_may_open_the_tab_alone_has_it_as_the_entry(at: Any) -> None:
    queue = view("queue", 10, beside="calls")
    families = mount.families_of([view("calls", 20, accessible=False), queue, view("notes", 5)])

    with at("/"):
        assert entries(families) == [("notes", False), ("queue", False)]
        assert mount.tabs(families, queue, always=True) == []


def test_without_plugins_the_page_says_how_to_get_and_to_write_one(client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "plugin_lines", lambda *_given: [])
    signed_in(client, session, "administrator")

    html = client.get("/settings/plugins/").text

    assert "diwan plugins new" in html
    assert "plugins/README.md" in html
