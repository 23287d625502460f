"""The menu: what belongs together stands together, people first and the running of the machine last."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core.plugins import queries
from tests.support.people import signed_in

ORDER = [
    "/users/", "/roles/", "/delegations/", "/settings/organisation/departments/", "/settings/organisation/centres/",
    "/settings/organisation/branches/", "/settings/organisation/cities/", "/settings/organisation/programmes/", "/settings/",
    "/customers/fields/", "/finance/settings/", "/settings/plugins/", "/settings/outbox/", "/settings/jobs/",
]


def test_the_administration_is_in_order(client: FlaskClient, session: Session) -> None:
    signed_in(client, session, "administrator", "it_administrator")

    html = client.get("/").text
    menu = html[html.index('class="dw-side-foot"'):html.index("</nav>")]
    shown = re.findall(r'<li><a href="([^"]+)"', menu)

    assert shown == [one for one in ORDER if one in shown]
    assert len(shown) >= 12


def test_without_plugins_the_page_says_how_to_get_and_to_write_one(client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "plugin_lines", lambda *_given: [])
    signed_in(client, session, "administrator")

    html = client.get("/settings/plugins/").text

    assert "diwan plugins new" in html
    assert "plugins/README.md" in html
