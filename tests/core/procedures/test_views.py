"""My day, the team's page and the clauses, as people see them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.admin.offers import DashboardCard, Figure
from core.audit.models import AuditEvent
from core.auth.actor import Actor
from core.commands import operator
from core.customers import services as customer_forms
from core.customers.steps import concerned
from core.procedures import queries, recurring, services
from core.procedures.models import StepPeriod, StepRun
from core.state import Offer
from tests.core.customers.conftest import person
from tests.core.procedures.test_recurring import step
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


# --- the page of a clause ------------------------------------------------------------------------------------------------


def test_a_clause_shows_what_happened_with_the_longest_delay_as_a_link(late: Session, client: FlaskClient) -> None:
    signed_in(client, late, "crm_manager")
    month = work.now() - timedelta(days=3)

    html = page(client, f"/procedures/MAN-CUST/?month={month:%Y-%m}")

    assert 'href="/procedures/MAN-CUST/"' in page(client, "/procedures/")
    assert "What the manual demands" in html and "What happened in" in html
    assert 'href="/customers/forms/731"' in html and "2 days, still open" in html
    assert 'class="dw-kept-open"' in html and "style=" not in html


def test_a_clause_shows_both_versions_of_a_step_that_changed(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")
    services.change_limit(session, "MAN-CUST", 2, "P2D", actor=operator(), now=work.now(), reason="Ramadan")

    html = page(client, "/procedures/MAN-CUST/")

    versions = html[html.index('class="dw-versions"'):]
    versions = versions[:versions.index("</ul>")]
    assert "Version 2, holds since" in versions and "within 2 days" in versions and "Version 1, holds since" in versions and "within 1 day" in versions
    assert versions.count("<time") == 2


@pytest.mark.parametrize(("address", "status"), [
    ("/procedures/NOTHING/", 404), ("/procedures/MAN-CUST/?month=2999-01", 422), ("/procedures/MAN-CUST/?month=x", 422),
    ("/procedures/MAN-CUST/?month=2024-02", 200), ("/procedures/VISITS/", 404),
])
def test_clauses_and_months_that_are_none(session: Session, client: FlaskClient, address: str, status: int) -> None:
    signed_in(client, session, "crm_manager")

    page(client, address, status)


def test_the_file_of_a_clause_is_logged(late: Session, client: FlaskClient) -> None:
    user = signed_in(client, late, "crm_manager")

    answer = client.post("/procedures/MAN-CUST/export", data={"month": f"{work.now():%Y-%m}"})

    assert answer.status_code == 200 and answer.mimetype == "text/csv"
    assert answer.data.decode("utf-8-sig").startswith("steps,action,role,")
    logged = late.scalars(sa.select(AuditEvent).where(AuditEvent.action == "export")).one()
    assert (logged.actor_id, json.loads(logged.data)["procedure"], json.loads(logged.data)["sha256"]) == (user.id, "MAN-CUST", sha256(answer.data).hexdigest())
    assert client.get("/procedures/MAN-CUST/export").status_code in (404, 405)


def test_a_clause_needs_its_permission(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "it_administrator")

    page(client, "/procedures/MAN-CUST/", 403)
    assert client.post("/procedures/MAN-CUST/export").status_code == 403


# --- other roles -----------------------------------------------------------------------------------------------------------


def test_a_step_goes_to_other_roles_by_their_names(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")
    before = services.open_step(session, "MAN-CUST", 2, record=form(1), now=work.now())
    work.commit(session)

    answer = client.post("/procedures/MAN-CUST/2/", data={"roles": ["crm_manager", "centres_manager"], "own_department": "y", "roles_reason": "Shared"})

    assert answer.status_code == 302
    work.rollback(session)
    newest = queries.versions_of(session, "MAN-CUST", 2)[0]
    assert set(newest.role_slugs) == {"crm_manager", "centres_manager"} and newest.mode == "by_department" and newest.duration == "P1D"
    assert " / " in newest.role_ar and newest.role_en.count("manager") == 2 and newest.reason == "Shared"
    assert before.role_slugs == ["crm_manager"]


@pytest.mark.parametrize("data", [{"roles_reason": "x"}, {"roles": ["emperor"], "roles_reason": "x"}, {"roles": ["crm_manager"], "roles_reason": ""}])
def test_roles_that_cannot_be_are_refused_and_the_limit_stays_as_shown(session: Session, client: FlaskClient, data: dict[str, Any]) -> None:
    signed_in(client, session, "crm_manager")

    answer = client.post("/procedures/MAN-CUST/2/", data=data)

    assert answer.status_code == 422 and queries.versions_of(session, "MAN-CUST", 2)[0].version == 1
    assert '<option selected value="P1D">' in answer.get_data(as_text=True)


# --- parts of a step, and periods --------------------------------------------------------------------------------------------


def test_a_part_is_given_on_the_steps_page_and_done_on_my_day(session: Session, client: FlaskClient) -> None:
    other = client.application.test_client()
    responsible = signed_in(other, session, "quality_employee").id
    signed_in(client, session, "crm_manager")
    address = f"/procedures/runs/{services.open_step(session, 'MAN-CUST', 2, record=form(1), now=work.now()).id}"
    work.commit(session)
    assert f'href="{address}"' in page(client, "/")

    answer = client.post(address, data={"title": "Look at the phone", "user_id": str(responsible)})
    assert answer.status_code == 302 and "0 of 1 part done" in page(client, "/")
    assert client.post(address, data={"title": "", "user_id": "x"}).status_code == 422

    html = page(other, "/")
    assert "Look at the phone" in html and "Inbox" in html
    done = html[html.index(f'action="{address}/tasks/') + len('action="'):].split('"')[0]
    page(other, address)
    assert other.post(address, data={"title": "Mine", "user_id": str(responsible)}).status_code == 403
    assert other.post(done, data={"from": "home"}).headers["Location"].endswith("/")
    assert "Look at the phone" not in page(other, "/") and "1 of 1 part done" in page(client, "/")


def test_a_step_of_others_is_not_there(session: Session, client: FlaskClient) -> None:
    run = services.open_step(session, "MAN-CUST", 2, record=form(1), now=work.now())
    signed_in(client, session, "quality_employee")

    page(client, f"/procedures/runs/{run.id}", 404)
    assert client.post(f"/procedures/runs/{run.id}/tasks/1/done").status_code == 404
    page(client, "/procedures/runs/99999999999999999999", 404)
    page(client, "/procedures/periods/99999999999999999999", 404)


def test_a_period_without_a_page_of_its_own_is_closed_with_its_output(session: Session, client: FlaskClient, tmp_path: Path) -> None:
    file = tmp_path / "procedures.json"
    monthly = step(1, frequency="P1M", begins={"every": "P1M"}, role={"ar": "مدير", "en": "Manager", "slug": "crm_manager"})
    file.write_text(json.dumps({"procedures": [{"code": "MONTHLY", "plugin": "core", "name": {"ar": "شهري", "en": "Monthly"}, "steps": [monthly]}]}))
    services.load(session, [("core", file)])
    recurring.open_periods(session, {}, work.now())
    run = session.scalars(sa.select(StepRun).where(StepRun.procedure_code == "MONTHLY")).one()
    signed_in(client, session, "crm_manager")
    work.commit(session)

    assert run.link == f"/procedures/periods/{run.record_id}" and f'href="{run.link}"' in page(client, "/")
    assert client.post(run.link, data={"output": " "}).status_code == 422
    assert client.post(run.link, data={"output": "Nothing <b>unusual</b>\nthis month"}).status_code == 302
    html = page(client, run.link)
    assert "Nothing &lt;b&gt;unusual&lt;/b&gt;<br>this month" in html and "<textarea" not in html
    assert client.post(run.link, data={"output": "again"}).status_code == 409

    work.begin_write(session)
    signed_in(client, session, "it_administrator")
    page(client, run.link, 404)


def test_a_period_with_open_parts_says_what_is_left(session: Session, client: FlaskClient) -> None:
    recurring_run = _a_monthly_run(session)
    manager = signed_in(client, session, "crm_manager")
    services.split(session, recurring_run, "Collect", user_id=manager.id, actor=Actor(manager.id, "m", roles=frozenset({"crm_manager"})), now=work.now())
    work.commit(session)

    answer = client.post(recurring_run.link, data={"output": "Done"})

    assert answer.status_code == 422 and "not done yet: Collect" in answer.get_data(as_text=True)


def _a_monthly_run(session: Session) -> StepRun:
    period = StepPeriod(procedure_code="MAN-CUST", step_number=2, role="", starts_on=date(2026, 1, 1), ends_on=date(2026, 1, 31), number="2026-01")
    session.add(period)
    session.flush()
    return services.open_step(session, "MAN-CUST", 2, record=period, now=work.now(), link=f"/procedures/periods/{period.id}")


def test_a_daily_step_of_many_records_is_one_line(session: Session, client: FlaskClient) -> None:
    today = work.now().date()
    for ident in (1, 2, 3):
        recurring.open_for_day(session, "MAN-CUST", 2, record=form(ident), day=today - timedelta(days=3), now=work.now())
    services.open_step(session, "MAN-CUST", 2, record=form(9), now=work.now() - timedelta(days=5))
    signed_in(client, session, "crm_manager")

    html = page(client, "/")

    assert "Overdue · 4" in html and "the first of 3 that wait" in html
    assert html.count('class="dw-step"') == 2 and 'href="/customers/forms/1"' in html and 'href="/customers/forms/2"' not in html


def test_a_clause_speaks_the_language_of_the_page_in_every_word(session: Session, client: FlaskClient) -> None:
    signed_in(client, session, "crm_manager")

    arabic, english = page(client, "/procedures/MAN-CUST/?lang=ar"), page(client, "/procedures/MAN-CUST/?lang=en")

    assert "عند الحاجة" in arabic and "when needed" not in arabic
    assert "when needed" in english and "عند الحاجة" not in english


def test_a_limit_that_is_not_among_the_usual_stays_chosen(session: Session, client: FlaskClient) -> None:
    services.change_limit(session, "MAN-CUST", 2, "PT7H", actor=operator(), now=work.now(), reason="x")
    signed_in(client, session, "crm_manager")

    assert '<option selected value="PT7H">within 7 hours</option>' in page(client, "/procedures/MAN-CUST/2/")


