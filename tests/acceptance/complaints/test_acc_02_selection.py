"""ACC-02 with the real plugin: complaints is on in association A and off in B, until B turns it on (PLUG-03).

The story's surveys and social are not built; what it says of complaints is played whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from core import work
from core.audit.models import AuditEvent
from core.database import db
from core.organisation.models import Department
from core.plugins import selection
from core.settings import Deployment
from core.testing import actor_with, close_app, make_app, new_association, sign_in, test_deployment
from plugins.complaints import services
from tests.plugins.complaints.conftest import MONDAY
from tests.support.people import person

NUMBER = "C-2026-0001"


@pytest.fixture(params=["sqlite", "postgresql"])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Deployment, Flask, Flask]]:
    """Association A with complaints on and one in its log, B without."""
    url = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    deployment = test_deployment(tmp_path)
    a, b = (make_app(new_association(deployment, slug, postgres=url, plugins=frozenset(names)), deployment)
            for slug, names in (("assoc-a", {"complaints"}), ("assoc-b", set())))
    with a.app_context():
        assert complaint() == NUMBER
    yield deployment, a, b
    for app in (a, b):
        close_app(app)


def complaint() -> str:
    """Write one down, inside the app's context; its number."""
    given = {"kind": "complaint", "channel": "phone", "text": "تأخر الإيصال", "name": "هند", "phone": "0559990000", "answer_now": services.CALLBACK,
             "promised_at": MONDAY + timedelta(days=1), "callback_to": "0559990000"}
    with work.unit_of_work(db.session) as session:
        return services.receive(session, given, actor=actor_with("complaints.record"), now=MONDAY).entry.number


def manager(app: Flask) -> FlaskClient:
    """Signed in as who reads the whole log and turns plugins on, inside the app's context."""
    with work.unit_of_work(db.session) as session:
        home = session.scalars(sa.select(Department.id).where(Department.slug == "crm")).one()
        user = person(session, "crm_manager", "admin", department_id=home)
    return sign_in(app.test_client(), user)


def text(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.get_data(as_text=True)


def test_b_has_no_list_no_menu_entry_and_no_report_of_complaints(two: tuple[Deployment, Flask, Flask]) -> None:
    _deployment, a, b = two
    with a.app_context():
        client = manager(a)
        assert NUMBER in text(client, "/complaints/")
        assert 'href="/complaints/"' in text(client, "/")
        assert 'href="/reports/complaints.monthly/"' in text(client, "/reports/")

    with b.app_context():
        client = manager(b)
        for address in ("/complaints/", "/complaints/1", "/complaints/reviews/", "/reports/complaints.monthly/", "/p/complaints/"):
            assert client.get(address).status_code == 404, address
        assert "/complaints" not in text(client, "/") and "complaints." not in text(client, "/reports/")


def test_turned_on_for_b_it_is_logged_and_bs_log_is_empty(two: tuple[Deployment, Flask, Flask]) -> None:
    deployment, _a, b = two
    with b.app_context():
        user = manager(b)
        assert user.post("/settings/plugins/complaints/on").status_code == 302
        on = sa.select(AuditEvent).where(AuditEvent.action == "plugin_on")
        assert [event.reason for event in db.session.scalars(on)] == ["complaints"]
        assert selection.read_selection(work.real(db.session).connection()).names == {"complaints"}

    again = make_app(b.extensions["diwan"].association, deployment)
    with again.app_context():
        client = manager(again)
        log = text(client, "/complaints/")
        assert NUMBER not in log and "هند" not in log and client.get("/complaints/1").status_code == 404
        assert complaint() == NUMBER, "the numbers of B begin with its own first"
    close_app(again)
