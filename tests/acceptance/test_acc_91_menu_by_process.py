"""ACC-91: the menu is grouped by the manual's three processes (PLUG-04). Plugins of the test stand for those that are not built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from core import work
from core.database import db
from core.testing import close_app, make_app, new_association, test_deployment
from tests.acceptance.plugins_of_a_story import StoryPlugin, write_plugins
from tests.support.people import signed_in

PLUGINS = (
    StoryPlugin("menu_campaigns", "marketing", (("الحملات", "Campaigns"),)),
    StoryPlugin("menu_leads", "marketing", (("الفرص", "Leads"),)),
    StoryPlugin("menu_surveys", "marketing", (("الاستبيانات", "Surveys"),)),
    StoryPlugin("menu_complaints", "complaints", (("سجل شكاوى العملاء", "Complaints log"), ("تقارير الأداء", "Performance reports"))),
)
ARABIC = {"إدارة التسويق": ["الحملات", "الفرص", "الاستبيانات"],
          "معالجة الشكاوي والاستفسارات والاقتراحات": ["سجل شكاوى العملاء", "تقارير الأداء"]}
ENGLISH = {"Marketing": ["Campaigns", "Leads", "Surveys"], "Complaints and inquiries": ["Complaints log", "Performance reports"]}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An association with the four plugins on."""
    folder: Path = tmp_path_factory.mktemp(f"menu-{request.param}")
    url = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    deployment = test_deployment(folder / "home", (write_plugins(folder / "plugins", PLUGINS),))
    app = make_app(new_association(deployment, "menu", postgres=url, plugins=frozenset(one.name for one in PLUGINS)), deployment)
    yield app
    close_app(app)


def menu_of(app: Flask, language: str, *roles: str) -> dict[str, list[str]]:
    """Group title → entries, as the side menu of somebody with these roles shows them."""
    with app.app_context():
        work.begin_write(db.session)
        client = app.test_client()
        signed_in(client, work.real(db.session), *roles, language=language)
        work.commit(db.session)
        page = client.get("/").get_data(as_text=True)
    menu = page[page.index('id="menu"'):page.index("</nav>")]
    found: dict[str, list[str]] = {}
    title = ""
    for piece in re.findall(r">([^<]+)<", menu):
        text = unescape(piece).strip()
        if text in TITLES:
            title = text
            found[title] = []
        elif text and title and not text.isdigit():
            found[title].append(text)
    return found


TITLES = {*ARABIC, *ENGLISH, "إدارة العملاء ومعلوماتهم", "Customers and their information", "المتابعة والمالية", "Follow-up and finance",
          "الإدارة", "Administration"}


def test_the_three_processes_stand_in_arabic_with_their_entries(place: Flask) -> None:
    menu = menu_of(place, "ar", "crm_employee")

    assert {title: menu[title] for title in ARABIC} == ARABIC
    assert list(menu)[:3] == [*ARABIC, "إدارة العملاء ومعلوماتهم"]
    assert len(menu["إدارة العملاء ومعلوماتهم"]) >= 2


def test_the_same_in_english(place: Flask) -> None:
    menu = menu_of(place, "en", "crm_employee")

    assert {title: menu[title] for title in ENGLISH} == ENGLISH
    assert menu["Customers and their information"][:2] == ["Customers", "Customer forms"]


def test_a_group_without_an_entry_for_somebody_has_no_heading(place: Flask) -> None:
    menu = menu_of(place, "en", "auditor")

    assert not set(ENGLISH) & set(menu)
