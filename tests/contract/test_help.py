"""Every view that stands in the menu says what it is for, in both languages, on its pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from markupsafe import escape
from sqlalchemy.orm import Session

from core import work
from core.admin.help import HEADINGS, parts_of
from core.auth import services as auth
from core.auth.models import Role
from core.commands import operator
from core.i18n import use_language
from core.plugins.discovery import installed_plugins
from core.settings import Deployment
from core.state import State
from core.testing import close_app, make_app, new_association, rolled_back, sign_in
from tests.conftest import PLUGIN_PATH

ARABIC = re.compile("[\u0621-\u064a]")


@pytest.fixture(scope="module")
def whole_app(deployment: Deployment) -> Iterator[Flask]:
    """The app with every plugin that loads."""
    names = frozenset(one.name for one in installed_plugins(PLUGIN_PATH).installed)
    app = make_app(new_association(deployment, "help", plugins=names), deployment)
    yield app
    close_app(app)


@pytest.fixture
def session(whole_app: Flask) -> Iterator[Session]:
    with rolled_back(whole_app) as session:
        yield session


@pytest.fixture
def in_menu(whole_app: Flask) -> list[Any]:
    state: State = whole_app.extensions["diwan"]
    return [view for view in state.offered("register_admin_views") if view.is_visible()]


def test_every_view_in_the_menu_has_help(in_menu: list[Any]) -> None:
    assert len(in_menu) > 20
    assert [view.endpoint for view in in_menu if not view.help_parts] == []


def test_help_is_said_in_both_languages(whole_app: Flask, in_menu: list[Any]) -> None:
    wrong = []
    with whole_app.app_context():
        for view in in_menu:
            for tongue, right in (("ar", True), ("en", False)):
                with use_language(tongue):
                    wrong += [(view.endpoint, str(text)) for _heading, text in view.help_parts if bool(ARABIC.search(str(text))) != right]
    assert wrong == []


def test_the_core_says_who_decides_and_what_follows(whole_app: Flask, in_menu: list[Any]) -> None:
    plugins = {one.name for one in whole_app.extensions["diwan"].active}
    own = [view for view in in_menu if type(view).__module__.split(".")[0] not in plugins]

    assert [view.endpoint for view in own if len(view.help_parts) < len(HEADINGS)] == []


def test_a_mere_text_is_help_too() -> None:
    assert [str(text) for _heading, text in parts_of("Visits.")] == ["Visits."]
    assert parts_of(None) == []


@pytest.mark.parametrize("tongue", ["ar", "en"])
def test_each_page_of_the_menu_shows_it_without_script(whole_app: Flask, session: Session, in_menu: list[Any], tongue: str) -> None:
    with work.unit_of_work(session):
        person = auth.add_user(session, username="reader", name_ar="قارئ", actor=operator(), now=work.now())
        for role in session.query(Role):
            auth.grant_role(session, person, role.slug, actor=operator())
    client = sign_in(whole_app.test_client(), person)
    client.set_cookie("diwan_language", tongue)
    addresses, lacking = whole_app.url_map.bind("localhost"), []
    for view in in_menu:
        answer = client.get(addresses.build(f"{view.endpoint}.{view._default_view}"))
        if answer.status_code == 200:
            with use_language(tongue):
                shown = '<details class="dw-drop-menu dw-help">' in answer.text and str(escape(view.help_parts[0][1]))[:20] in answer.text
            lacking += [] if shown else [view.endpoint]
    assert lacking == []
