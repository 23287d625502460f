"""ACC-89: one page in two languages, one file with the same keys (PLUG-09). A plugin of the test has the complaints log;
the dummy plugin's report gives the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import work
from core.database import db
from core.testing import close_app, make_app, new_association, sign_in, test_deployment
from tests.acceptance.plugins_of_a_story import StoryPlugin, write_plugins
from tests.conftest import PLUGINS
from tests.support.people import person

COMPLAINTS = StoryPlugin("log_complaints", "complaints", (("سجل شكاوى العملاء", "Complaints log"),))
LOG = {"ar": "سجل شكاوى العملاء", "en": "Complaints log"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder: Path = tmp_path_factory.mktemp(f"languages-{request.param}")
    url = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    deployment = test_deployment(folder / "home", (PLUGINS, write_plugins(folder / "plugins", [COMPLAINTS])))
    app = make_app(new_association(deployment, "languages", postgres=url, plugins=frozenset({"dummy_plugin", COMPLAINTS.name})), deployment)
    yield app
    close_app(app)


def reader(app: Flask, language: str) -> FlaskClient:
    with app.app_context():
        with work.unit_of_work(db.session) as session:
            user = person(session, "crm_employee", "admin", language=language)
        return sign_in(app.test_client(), user)


@pytest.mark.parametrize(("language", "direction", "other"), [("ar", "rtl", "en"), ("en", "ltr", "ar")])
def test_each_reads_the_menu_in_the_own_language_and_direction(place: Flask, language: str, direction: str, other: str) -> None:
    page = reader(place, language).get("/").get_data(as_text=True)

    head = page[:page.index("<body")]
    assert f'lang="{language}"' in head and f'dir="{direction}"' in head
    assert LOG[language] in page and LOG[other] not in page


def test_the_choice_of_language_is_the_persons(place: Flask) -> None:
    client = reader(place, "ar")

    assert 'dir="ltr"' in client.get("/?lang=en").get_data(as_text=True)
    assert 'dir="rtl"' in client.get("/").get_data(as_text=True)


def test_files_from_both_have_the_same_english_keys_first(place: Flask) -> None:
    given = {"from_on": "2026-01-01", "to_on": "2026-01-31", "centre_id": ""}
    arabic, english = (reader(place, language).post("/reports/dummy_plugin.remarks/export", data=given) for language in ("ar", "en"))

    first = [file.data.decode("utf-8-sig").splitlines()[0] for file in (arabic, english)]
    assert first == ["made_at,text"] * 2
