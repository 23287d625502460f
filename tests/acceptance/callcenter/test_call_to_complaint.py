"""With a log on, a call becomes a complaint with one click, and the panel counts complaints; neither plugin knows the other (CALL-02, 03, 09)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.auth.models import User
from core.customers.models import Customer
from core.database import db
from core.settings import Deployment
from core.testing import close_app, make_app, new_association, sign_in
from plugins.callcenter import panel
from plugins.callcenter.models import Call
from plugins.complaints import services as complaints
from plugins.complaints.models import Entry
from tests.plugins.callcenter.conftest import MONDAY, Staff, hire

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def shared_app(engine_name: str, deployment: Deployment, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """An association with the call centre and a log of complaints."""
    server = request.getfixturevalue("postgres") if engine_name == "postgresql" else None
    both = new_association(deployment, f"calls-and-log-{engine_name}", postgres=server, plugins=frozenset({"callcenter", "complaints"}))
    app = make_app(both, deployment)
    with app.app_context(), work.unit_of_work(work.real(db.session)) as session:
        if session.scalar(sa.select(User.id).where(User.username == "cc_agent")) is None:
            hire(session)
    yield app
    close_app(app)


def test_one_click_makes_a_complaint_with_customer_channel_time_and_the_call(
    session: Session, english: None, client: FlaskClient, staff: Staff, donor: Customer, log: Callable[..., Call],
) -> None:
    call = log(staff.agent, customer_number=donor.number, phone="", subject="complaint", note="لم يصل الإيصال")
    agent = sign_in(client, staff.agent.user)
    page = agent.get(f"/callcenter/{call.id}").get_data(as_text=True)
    assert f'action="/callcenter/{call.id}/entry"' in page

    answer = agent.post(f"/callcenter/{call.id}/entry", data={"entry-kind": "complaint", "entry-text": "لم يصل الإيصال"})

    session.expire_all()
    entry = session.scalars(sa.select(Entry)).one()
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/complaints/{entry.id}")
    assert (entry.kind, entry.channel, entry.customer_id, entry.received_at, entry.text) == ("complaint", "phone", donor.id, call.started_at, "لم يصل الإيصال")
    assert (entry.source, entry.source_reference, entry.source_link) == ("callcenter", str(call.id), f"/callcenter/{call.id}")
    assert (call.entry_number, call.entry_link) == (entry.number, f"/complaints/{entry.id}")
    again = agent.get(f"/callcenter/{call.id}").get_data(as_text=True)
    assert entry.number in again and f"/callcenter/{call.id}/entry" not in again


def test_the_panel_counts_complaints_received_and_closed_for_who_reads_the_whole_log(
    session: Session, english: None, staff: Staff, donor: Customer, log: Callable[..., Call],
) -> None:
    for place in range(3):
        log(staff.agent, direction="in" if place else "out")
        given: dict[str, Any] = {"kind": "complaint", "channel": "phone", "text": "تأخر", "customer_number": donor.number}
        entry = complaints.receive(session, given, actor=staff.manager.actor, now=MONDAY).entry
        if place:
            told = MONDAY + timedelta(minutes=place)
            complaints.close(session, entry, answer="أجيب", answer_channel="phone", returned_at=told, actor=staff.manager.actor, now=told)
    later = MONDAY + timedelta(hours=1)

    february = panel.of_year(session, 2026, staff.manager.actor, later)[1]
    assert (february.outgoing, february.incoming, february.received, february.closed, february.rate) == (1, 2, 3, 2, Decimal("66.7"))
    assert panel.of_years(session, staff.manager.actor, later)[-1].received == 3
    agents = panel.of_year(session, 2026, staff.agent.actor, later)[1]
    assert (agents.incoming, agents.received, agents.closed, agents.rate) == (2, None, None, None)


def test_neither_plugin_names_the_other_in_its_code() -> None:
    for plugin, other in (("callcenter", "plugins.complaints"), ("complaints", "plugins.callcenter")):
        assert [file.name for file in (ROOT / "plugins" / plugin).rglob("*.py") if other in file.read_text(encoding="utf-8")] == []
