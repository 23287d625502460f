"""My day, the team's page and the clauses, as people see them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.admin.offers import DashboardCard, Figure
from core.auth.actor import Actor
from core.customers import services as customer_forms
from core.customers.steps import concerned
from core.procedures import queries, services
from core.state import Offer
from tests.core.customers.conftest import person
from tests.support.people import signed_in


def form(ident: int) -> Any:
    return SimpleNamespace(__tablename__="core_customer_form", id=ident, number=f"F-2026-{ident}")


@pytest.fixture
def late(session: Session) -> Session:
    """One review overdue by two days, one due tomorrow."""
    now = work.now()
    services.open_step(session, "MAN-CUST", 2, record=form(731), now=now - timedelta(days=3))
    services.open_step(session, "MAN-CUST", 2, record=form(732), now=now)
    return session


def page(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


def test_my_day_shows_the_inbox_by_urgency(late: Session, client: FlaskClient) -> None:
    signed_in(client, late, "crm_manager")

    html = page(client, "/")

    assert html.index("Overdue · 1") < html.index("F-2026-731") < html.index("This week · 1") < html.index("F-2026-732")
    assert "Review the form." in html
    assert "2 days late" in html
    assert 'href="/customers/forms/731"' in html
    assert "the oldest by 2 days" in html


def test_whoever_has_no_step_is_led_to_his_work(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "auditor")

    html = page(client, "/")
    ways = html[html.index('class="dw-ways"'):]
    ways = ways[:ways.index("</ul>")]
    assert 'href="/audit/"' in ways and 'href="/settings/jobs/"' not in ways, "what he may open and nothing else"


def test_who_runs_the_installation_sees_its_state(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "it_administrator")
    html = page(client, "/")
    assert "Failed background work" in html and "Mail that waits" in html and "no backup yet" in html
    assert "/settings/outbox/" not in html.split('class="dw-figures"')[1].split("</section>")[0].split("dw-sheet")[0], "the texts are not for him"

    signed_in(client, session, "crm_manager")
    assert "Failed background work" not in page(client, "/")


def test_a_step_names_whom_it_concerns_and_who_prepared_it(session: Session, client: FlaskClient) -> None:
    maker = person(session, "sultan", "crm_employee")
    work.begin_write(session)
    values = {"name": "شركة النور", "customer_class": "donor", "mobile": "0550000001", "registration_origin": "call"}
    customer_forms.fill_form(session, values, actor=maker.actor, now=work.now())
    signed_in(client, session, "crm_manager")

    html = page(client, "/")
    row = html[html.index('class="dw-step"'):]
    row = row[:row.index("</li>")]
    assert "<bdi>شركة النور</bdi>" in row and f"<bdi>prepared by {maker.user.name}</bdi>" in row and row.index("شركة النور") < row.index("clause")


def test_a_step_names_nobody_to_whom_may_not_read_customers(session: Session) -> None:
    maker = person(session, "sultan", "crm_employee")
    work.begin_write(session)
    values = {"name": "شركة النور", "customer_class": "donor", "registration_origin": "call"}
    form_ = customer_forms.fill_form(session, values, actor=maker.actor, now=work.now())
    run = services.open_run(session, "MAN-CUST", 2, record=form_)
    manager = person(session, "reem", "crm_manager").actor

    assert concerned(session, [run], manager) == {run.id: "شركة النور"}
    assert concerned(session, [run], replace(manager, permissions=manager.permissions - {"customers.read"})) == {}
    assert concerned(session, [run], replace(manager, scopes={"customers": "own"})) == {}


def test_my_day_in_arabic_speaks_the_words_of_the_manual(late: Session, client: FlaskClient) -> None:
    signed_in(client, late, "crm_manager", language="ar")

    html = page(client, "/")

    assert 'dir="rtl"' in html
    assert "مراجعة نموذج إنشاء وتعديل معلومات العملاء" in html
    assert "صندوق الخطوات" in html


def test_my_day_of_somebody_else_is_empty_and_says_why(late: Session, client: FlaskClient) -> None:
    signed_in(client, late, "quality_employee")

    html = page(client, "/")

    assert "No step waits for you." in html
    assert "F-2026-731" not in html


def test_my_day_shows_managers_what_is_overdue_below_them(session: Session, client: FlaskClient) -> None:
    services.open_step(session, "MAN-CUST", 5, record=form(733), now=work.now() - timedelta(days=3))
    signed_in(client, session, "crm_manager")

    assert "Overdue in my team" in page(client, "/")
    assert "F-2026-733" in page(client, "/procedures/team")


def test_menu_counts_the_inbox(late: Session, client: FlaskClient) -> None:
    signed_in(client, late, "crm_manager")

    assert '<span class="dw-count">2</span>' in page(client, "/")


def test_my_day_stands_when_a_plugins_card_fails(app: Flask, session: Session, client: FlaskClient) -> None:
    def broken(*_: Any) -> Figure:
        raise ValueError("no")

    cards = [DashboardCard("notes.a", "Broken card", "procedures.read", broken),
             DashboardCard("notes.b", "Open notes", "procedures.read", lambda *_: Figure(12, "9 last week")),
             DashboardCard("notes.c", "Bare figure", "procedures.read", lambda *_: Figure(3)),
             DashboardCard("notes.d", "Hidden card", "notes.read", lambda *_: Figure(3, "x"))]
    offers = app.extensions["diwan"].offers
    kept = offers.get("register_dashboard_cards", [])
    offers["register_dashboard_cards"] = [*kept, *(Offer("notes", card) for card in cards)]
    try:
        signed_in(client, session, "crm_manager")
        html = page(client, "/")
    finally:
        offers["register_dashboard_cards"] = kept

    assert "Broken card" in html
    assert "could not be read" in html
    assert "Open notes" in html
    assert "9 last week" in html
    assert "Bare figure" not in html
    assert "Hidden card" not in html


def test_clauses_show_demand_beside_what_happened(late: Session, client: FlaskClient) -> None:
    signed_in(client, late, "crm_manager")

    html = page(client, "/procedures/")

    assert "customers&#39; personal files" in html
    assert "within 1 day" in html


def test_a_step_shows_its_versions_and_takes_a_new_limit(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")

    answer = client.post("/procedures/MAN-CUST/2/", data={"duration": "P3D", "reason": "Ramadan"})

    assert answer.status_code == 302
    work.rollback(session)
    newest = queries.versions_of(session, "MAN-CUST", 2)[0]
    assert (newest.duration, newest.reason, newest.version) == ("P3D", "Ramadan", 2)
    assert "Ramadan" in page(client, "/procedures/MAN-CUST/2/")


def test_a_new_limit_needs_reason_and_permission(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_employee")
    assert client.post("/procedures/MAN-CUST/2/", data={"duration": "P3D", "reason": "x"}).status_code == 403

    signed_in(client, session, "crm_manager")
    assert client.post("/procedures/MAN-CUST/2/", data={"duration": "P3D", "reason": ""}).status_code == 422


def test_unknown_step_is_not_found(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")

    page(client, "/procedures/MAN-CUST/99/", 404)
    page(client, "/procedures/NOTHING/1/", 404)


def test_inbox_costs_the_same_statements_for_one_step_and_for_three(session: Session) -> None:
    manager = Actor(1, "manager", roles=frozenset({"crm_manager"}))
    services.open_step(session, "MAN-CUST", 2, record=form(1), now=work.now())
    one = statements_of_inbox(session, manager)
    for ident in (2, 3):
        services.open_step(session, "MAN-CUST", 2, record=form(ident), now=work.now())

    assert statements_of_inbox(session, manager) == one


def statements_of_inbox(session: Session, actor: Actor) -> int:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    session.expire_all()
    sa.event.listen(session.get_bind(), "before_cursor_execute", note)
    queries.inbox(session, actor, work.now())
    sa.event.remove(session.get_bind(), "before_cursor_execute", note)
    return len(seen)
