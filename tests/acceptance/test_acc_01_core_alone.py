"""ACC-01: with no plugin the app starts and an administrator finds core's own entries (PLUG-01, PLUG-02)."""

from __future__ import annotations

import re
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.auth import services as auth
from core.commands import operator
from core.database import db
from core.testing import sign_in

CORE_ENTRIES = ("/customers/", "/customers/forms/", "/users/", "/roles/", "/reports/", "/finance/", "/audit/", "/settings/")


def test_an_administrator_finds_cores_entries_only(app: Flask, client: FlaskClient, session: Session) -> None:
    user = auth.add_user(session, username="boss", name_ar="مدير", actor=operator(), now=work.now())
    for role in ("admin", "crm_manager", "finance_manager", "auditor"):
        auth.grant_role(session, user, role, actor=operator())
    work.commit(session)
    sign_in(client, user)

    page = client.get("/").get_data(as_text=True)

    menu = page[page.index('id="menu"'):page.index("</nav>")]
    links = set(re.findall(r'<a href="([^"]+)"', menu))
    assert set(CORE_ENTRIES) <= links
    assert all(client.get(link).status_code == 200 for link in links)


def test_no_plugin_table_is_needed(app: Flask, session: Session) -> None:
    owners = {table.split("_")[0] for table in sa.inspect(db.session.connection()).get_table_names() if table.startswith("core_")}

    assert owners == {"core"}
    assert app.extensions["diwan"].active == []


def test_core_imports_no_plugin_by_name() -> None:
    root = Path(__file__).resolve().parents[2]
    names = [folder.name for folder in (root / "plugins").iterdir() if (folder / "plugin.py").is_file()]

    found = [f"{file.name}: {name}" for file in (root / "core").rglob("*.py") for name in names if re.search(rf"\bplugins\.{name}\b", file.read_text("utf-8"))]

    assert found == []
