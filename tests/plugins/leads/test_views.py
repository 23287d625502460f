"""Pages of leads: list, board, a lead, its file, the portfolio, what people without a permission see, and how many statements a page takes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import kinds, work
from core.audit.models import AuditEvent
from core.customers import queries as customers
from core.customers.domain import touch_points
from core.customers.models import Customer
from core.organisation.models import Programme
from plugins.leads import domain, interests, offers, portfolio, queries, services
from plugins.leads.models import Interest, Item, Lead, Portfolio, PotentialDonor, Study
from tests.plugins.leads.conftest import SUNDAY, Person, Staff, kind, sar


def text(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.get_data(as_text=True)


@pytest.mark.parametrize("few", [1, 200])
def test_the_list_finds_by_number_programme_and_donor(
    staff: Staff, lead: Callable[..., Lead], donor: Customer, browser: Callable[[Person], FlaskClient], few: int, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(customers, "MOST_MEANT", few)
    one = lead(expected=sar("100000"))
    client = browser(staff.employee)

    for asked in ("", f"?q={one.number}", "?q=تاهيل", "?q=مؤسسة الخير", f"?f.programme={one.programme_id}", "?f.state=open"):
        assert one.number in text(client, f"/leads/{asked}"), asked
    for asked in ("?q=L-9999", "?f.state=closing", "?f.funded=1", "?f.due=1"):
        assert f'href="/leads/{one.id}"' not in text(client, f"/leads/{asked}"), asked


def test_the_board_has_a_column_a_state_with_its_gate_and_sum(
    staff: Staff, followed: Callable[..., Lead], lead: Callable[..., Lead], browser: Callable[[Person], FlaskClient],
) -> None:
    first, second = followed(expected=sar("85000"), probability=75), lead(expected=sar("120000"), probability=30)
    page = text(browser(staff.manager), "/leads/board")

    for state in domain.states():
        assert f'id="column-{state}"' in page
    assert all(str(gate) in page for gate in domain.GATES.values())
    assert "85,000.00" in page
    assert "99,750.00" in page, "63750 and 36000 weighted"
    own = page.split(f'id="lead-{first.id}"')[1].split("</details>")[0]
    assert f'href="/leads/{first.id}?act=pledge#pledge"' in own
    assert f'href="/leads/{first.id}?act=cancel#cancel"' in own
    assert f'href="/leads/{second.id}?act=contact#contact"' in page


def test_the_board_offers_an_employee_no_outcome(staff: Staff, followed: Callable[..., Lead], browser: Callable[[Person], FlaskClient]) -> None:
    one = followed()
    page = text(browser(staff.employee), "/leads/board")

    assert f'href="/leads/{one.id}?act=pledge#pledge"' in page
    assert "act=cancel" not in page


def test_without_the_permission_no_page_names_a_donor(
    session: Session, staff: Staff, followed: Callable[..., Lead], browser: Callable[[Person], FlaskClient],
) -> None:
    one = followed()
    client = browser(staff.quality)

    for address in ("/leads/", "/leads/board", f"/leads/{one.id}", "/leads/portfolio/"):
        page = text(client, address)
        assert "مؤسسة الخير" not in page
        assert "أبدى قبولا" not in page
        assert "اهتمام سابق" not in page
    assert one.number not in text(client, "/leads/?q=مؤسسة الخير"), "nor is one found by him"
    assert client.get("/leads/interests/").status_code == 403
    assert client.post(f"/leads/{one.id}/cancel", data={"cancel-reason": "لا"}).status_code == 403
    headings, *rows = list(csv.DictReader(io.StringIO(client.post("/leads/export").get_data().decode("utf-8-sig"))))
    assert [row["number"] for row in rows] == [one.number]
    assert "donors" not in headings


def test_the_file_has_what_the_list_has_and_is_logged(
    session: Session, staff: Staff, lead: Callable[..., Lead], browser: Callable[[Person], FlaskClient],
) -> None:
    one = lead(expected=sar("100000"), probability=40)
    lead()
    client = browser(staff.employee)
    content = client.post("/leads/export", data={"q": one.number}).get_data().decode("utf-8-sig")

    _headings, row = csv.DictReader(io.StringIO(content))
    assert (row["number"], row["probability"], row["factors"]) == (one.number, "40", "اهتمام سابق")
    assert "40000.00" in row["weighted"]
    assert "مؤسسة الخير" in row["donors"]
    event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "export").order_by(AuditEvent.id.desc())).first()
    assert event is not None
    assert (event.facts["summary"], event.facts["rows"], event.facts["searched"]) == ("leads.list", 1, True)


def test_a_study_and_its_lead_are_made_on_their_pages(
    session: Session, staff: Staff, item: Item, donor: Customer, browser: Callable[[Person], FlaskClient],
) -> None:
    interests.record(session, customer_number=donor.number, interest_id=item.interest_id, actor=staff.employee.actor, now=SUNDAY)
    client = browser(staff.manager)
    assert client.post("/leads/identify", data={"title": "فرصة", "text": ""}).status_code == 422
    assert client.post("/leads/identify", data={"title": "فرصة", "text": "دراسة", "programme_id": item.programme_id}).status_code == 302
    (study,) = session.scalars(sa.select(Study)).all()

    client = browser(staff.employee)
    page = text(client, f"/leads/new?study={study.id}")
    assert f'name="donor" value="{donor.number}"' in page, "the donor whose interest fits is proposed"
    given = {"study_id": study.id, "programme_id": item.programme_id, "probability": "٣٠٪", "factors": "اهتمام سابق", "amount": "100,000", "currency": "SAR"}
    refused = client.post("/leads/new", data=given)
    assert refused.status_code == 422
    assert 'value="30"' in refused.get_data(as_text=True) or "٣٠" in refused.get_data(as_text=True), "what was typed stays"
    assert client.post("/leads/new", data={**given, "donor": donor.number}).status_code == 302

    session.expire_all()
    (made,) = session.scalars(sa.select(Lead)).all()
    assert (made.probability, made.expected, made.study_id) == (30, sar("100000"), study.id)
    assert client.get(f"/leads/new?study={study.id}").headers["Location"] == f"/leads/{made.id}", "a study that is documented leads to its lead"


def test_acts_that_are_refused_keep_what_was_typed(staff: Staff, lead: Callable[..., Lead], browser: Callable[[Person], FlaskClient]) -> None:
    one = lead()
    client = browser(staff.employee)
    answer = client.post(f"/leads/{one.id}/estimate", data={"estimate-probability": "150", "estimate-factors": "عامل جديد"})

    assert answer.status_code == 422
    assert "عامل جديد" in answer.get_data(as_text=True)
    assert client.post(f"/leads/{one.id}/succeed").status_code == 403
    assert client.get("/leads/999999").status_code == 404
    assert client.get("/leads/new?study=999999").status_code == 404


def test_a_probability_is_typed_in_any_digits(
    session: Session, staff: Staff, lead: Callable[..., Lead], browser: Callable[[Person], FlaskClient],
) -> None:
    one = lead(probability=30)
    client = browser(staff.employee)
    asked = re.search(r'<input[^>]*name="estimate-probability"[^>]*>', text(client, f"/leads/{one.id}"))
    assert asked is not None
    assert ('type="text"' in asked[0], 'inputmode="numeric"' in asked[0]) == (True, True), asked[0]

    wrong = client.post(f"/leads/{one.id}/estimate", data={"estimate-probability": "٤٠س", "estimate-factors": "عامل"})
    assert wrong.status_code == 422
    assert "ليس عددًا صحيحًا بالمئة" in wrong.get_data(as_text=True)
    assert client.post(f"/leads/{one.id}/estimate", data={"estimate-probability": "٤٠", "estimate-factors": "عامل"}).status_code == 302
    session.expire_all()
    assert session.get_one(Lead, one.id).probability == 40


def test_a_move_that_is_not_allowed_is_told_with_those_that_are(
    staff: Staff, followed: Callable[..., Lead], browser: Callable[[Person], FlaskClient],
) -> None:
    one = followed()
    answer = browser(staff.employee).post(f"/leads/{one.id}/withdraw", data={"withdraw-reason": "تراجع"})

    assert answer.status_code == 409
    assert str(domain.states()[domain.CLOSING]) in answer.get_data(as_text=True)


def test_the_portfolio_proposes_lists_and_closes(
    session: Session, staff: Staff, item: Item, donor: Customer, received: Portfolio, browser: Callable[[Person], FlaskClient],
) -> None:
    interests.record(session, customer_number=donor.number, interest_id=item.interest_id, actor=staff.employee.actor, now=SUNDAY)
    client = browser(staff.manager)
    assert "مؤسسة الخير" in text(client, f"/leads/portfolio/{received.id}")

    assert client.post(f"/leads/portfolio/{received.id}/{item.id}/donors", data={"customer_number": donor.number}).status_code == 302
    (listed,) = session.scalars(sa.select(PotentialDonor)).all()
    assert client.post(f"/leads/portfolio/{received.id}/close").status_code == 302
    session.refresh(received)
    assert received.listed_at is not None
    assert client.post(f"/leads/portfolio/{received.id}/{item.id}/donors/{listed.id}/remove").status_code == 302
    assert session.scalars(sa.select(PotentialDonor)).all() == []


def test_a_portfolio_is_received_and_filled_on_its_pages(
    session: Session, staff: Staff, programme: Programme, browser: Callable[[Person], FlaskClient],
) -> None:
    client = browser(staff.manager)
    assert client.post("/leads/portfolio/new", data={"received_on": "2026-01-05"}).status_code == 422
    sent = client.post("/leads/portfolio/new", data={"received_on": "2026-01-05", "received_from": "التخطيط", "review": "جيدة"})
    assert sent.status_code == 302
    address = sent.headers["Location"]
    wrong = {"programme_id": programme.id, "interest_id": kind(session, "education").id, "amount": "many", "currency": "SAR"}
    assert client.post(f"{address}/programmes", data=wrong).status_code == 422
    assert client.post(f"{address}/programmes", data={**wrong, "amount": "100000"}).status_code == 302
    assert "100,000.00" in text(client, address)
    assert client.post(f"{address}/close").status_code == 409


def test_a_kind_is_added_renamed_and_taken_out_of_use(session: Session, staff: Staff, browser: Callable[[Person], FlaskClient]) -> None:
    client = browser(staff.manager)
    assert client.post("/leads/kinds/new/", data={"name_ar": "حدائق", "active": "y"}).status_code == 302
    made = kinds.by_name(session, Interest)["حدايق"]
    assert client.post("/leads/kinds/new/", data={"name_ar": "حدائق"}).status_code == 422
    assert client.post(f"/leads/kinds/edit/?id={made.id}", data={"name_ar": "حدائق عامة"}).status_code == 302
    session.refresh(made)
    assert (made.name_ar, made.active) == ("حدائق عامة", False)


def test_an_interest_is_recorded_and_ended(session: Session, staff: Staff, donor: Customer, browser: Callable[[Person], FlaskClient]) -> None:
    client = browser(staff.employee)
    assert client.post("/leads/interests/new/", data={"customer_number": donor.number}).status_code == 422
    assert client.post("/leads/interests/new/", data={"customer_number": donor.number, "interest_id": kind(session, "health").id}).status_code == 302
    (one,) = queries.interests_of(session, donor.id)
    assert client.post("/leads/interests/end", data={"id": one.id}).status_code == 302
    session.expire_all()
    assert queries.interests_of(session, donor.id) == []


def test_elsewhere_leads_are_told_to_who_may_see_them(
    session: Session, staff: Staff, pledged: Callable[..., Lead], pay: Callable[..., object], donor: Customer, browser: Callable[[Person], FlaskClient],
) -> None:
    one = pledged()
    pay(one, "50000")
    portfolio.remind(session, {}, SUNDAY)
    client = browser(staff.manager)
    home = text(client, "/")
    assert "/leads/?f.funded=1" in home
    assert "/leads/portfolio/" in home
    page = text(client, f"/customers/{donor.number}")
    assert one.number in page
    assert one.number in text(client, f"/search/?q={one.number}")

    client = browser(staff.finance)
    assert "/leads/" not in text(client, "/")


def test_nine_subjects_share_five_entries_of_the_menu(staff: Staff, browser: Callable[[Person], FlaskClient]) -> None:
    page = text(browser(staff.manager), "/leads/reviews/")
    menu = page[page.index('id="menu"'):page.index("</nav>")]
    places = ["/leads/", "/leads/portfolio/", "/leads/interests/", "/leads/persons/", "/leads/developments/"]

    assert re.findall(r'<li><a href="(/leads/[^"]*)"', menu) == places
    assert '<a href="/leads/" aria-current="page"' in menu
    tabs = page.split('<nav class="dw-tabs"')[1].split("</nav>")[0]
    assert re.findall(r'href="([^"]+)"', tabs) == ["/leads/", "/leads/reviews/", "/leads/former/"]
    assert '<a href="/leads/reviews/" aria-current="true">' in tabs


def test_a_contact_stands_on_the_customers_page_with_its_touch_point(
    app: Flask, session: Session, staff: Staff, followed: Callable[..., Lead], donor: Customer,
) -> None:
    followed()
    with app.test_request_context("/"):
        found = offers.entries(session, donor.id, staff.manager.actor, None, 5)

    assert {one.touch_point for one in found} == {"fundraising"} <= set(touch_points())


def statements(app: Flask, client: FlaskClient, address: str) -> int:
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        found.append(statement)

    with app.app_context():
        from core.database import db

        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        assert client.get(address).status_code == 200
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    return len(found)


@pytest.mark.parametrize("address", ["/leads/", "/leads/board"])
def test_a_page_of_three_takes_no_more_statements_than_one_of_one(
    session: Session, shared_app: Flask, staff: Staff, pledged: Callable[..., Lead], browser: Callable[[Person], FlaskClient], address: str,
) -> None:
    pledged()
    client = browser(staff.manager)
    statements(shared_app, client, address)
    first = statements(shared_app, client, address)
    work.begin_write(session)
    pledged()
    pledged()
    work.commit(session)

    assert statements(shared_app, client, address) == first > 0


def test_studies_are_the_managers(staff: Staff, browser: Callable[[Person], FlaskClient]) -> None:
    client = browser(staff.employee)
    assert client.get("/leads/identify").status_code == 403
    assert services.NEEDS["succeed"] == services.NEEDS["cancel"] == "leads.decide"
