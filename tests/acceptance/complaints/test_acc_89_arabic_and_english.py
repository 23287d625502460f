"""ACC-89 with the real log: one page in two languages, one file with the same keys (PLUG-09)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.testing import sign_in
from plugins.complaints.models import Entry
from tests.plugins.complaints.conftest import Staff

LOG = {"ar": "سجل شكاوى العملاء", "en": "Complaints log"}


def reader(app: Flask, session: Session, staff: Staff, language: str) -> FlaskClient:
    work.begin_write(session)
    staff.crm_manager.user.language = language
    work.commit(session)
    return sign_in(app.test_client(), staff.crm_manager.user)


@pytest.mark.parametrize(("language", "direction", "other"), [("ar", "rtl", "en"), ("en", "ltr", "ar")])
def test_the_log_and_its_menu_entry_have_the_readers_language_and_direction(app: Flask, session: Session, staff: Staff, receive: Callable[..., Entry],
                                                                            language: str, direction: str, other: str) -> None:
    receive(staff.crm)
    page = reader(app, session, staff, language).get("/complaints/").get_data(as_text=True)

    head, menu = page[:page.index("<body")], page[page.index('id="menu"'):page.index("</nav>")]
    assert f'lang="{language}"' in head and f'dir="{direction}"' in head
    assert LOG[language] in menu and f"<title>{LOG[language]}" in head.replace("<title>\n", "<title>")
    assert LOG[other] not in page


@pytest.mark.parametrize("address", ["/complaints/export", "/reports/complaints.monthly/export"])
def test_files_from_both_have_the_same_english_keys_first(app: Flask, session: Session, staff: Staff, receive: Callable[..., Entry], address: str) -> None:
    receive(staff.crm)
    files = {}
    for language in ("ar", "en"):
        answer = reader(app, session, staff, language).post(address, data={"from_on": "2026-02-01", "to_on": "2026-02-28"})
        assert answer.status_code == 200
        files[language] = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))

    assert files["ar"][0] == files["en"][0] != files["ar"][1]
    assert all(key.isascii() and key == key.lower() for key in files["en"][0])
    assert len(files["ar"]) == len(files["en"]) >= 2
