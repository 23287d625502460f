"""Nobody reaches a record or a column outside their permission, whatever address, field, filter, search or sorting they forge.

The attacker has every permission but that to personal data, within one department (CUST-37). All that is secret belongs to
another department; each of its texts is looked for in every answer.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.auth import services as auth
from core.auth.models import Role, RolePermission, User, UserRole
from core.commands import operator
from core.customers import entry, services
from core.customers.models import Customer, CustomerForm
from core.finance import batches
from core.finance import services as money
from core.finance.models import Contribution
from core.money import Money
from core.organisation.models import Department
from core.state import state
from core.testing import NOON, actor_with, rolled_back, sign_in
from core.text import digits
from tests.acceptance.register import People, approved_form, fill_noor, register_people

NAME, PHONE, EMAIL, STREET, REMARK = "سرّاج المخفي", "0559876543", "hidden.person@example.org", "شارع الخفاء 7", "ملاحظة خفية"
SECRETS = (NAME, "المخفي", "559876543", "55 987 6543", EMAIL, "hidden.person", STREET, REMARK, "SECRET-REF", "ثاني الخفيين", "SECRET-PLEDGE")
FINANCE = actor_with("finance.record", "finance.read", "finance.export", "customers.read", scopes={"*": "all"})


@dataclass
class World:
    """What the attacker is after, and who he is."""

    hidden: Customer
    open: Customer
    form: CustomerForm
    draft: CustomerForm
    contribution: Contribution
    pledge: Any
    batch: Any
    attacker: User
    people: People
    session: Session


def _hide(session: Session, people: People, department: Department, **values: Any) -> Customer:
    form = approved_form(session, people, NOON, department_id=department.id, **values)
    entry.enter(session, form, actor=people.officer, now=NOON)
    customer = form.line.customer
    assert customer is not None
    return customer


def _attacker(session: Session, department: Department) -> User:
    role = Role(slug="attacker", name_ar="مهاجم", name_en="Attacker", scope="department", titles={"ar": []})
    session.add(role)
    session.flush()
    for name in state().permissions:
        if name not in ("customers.personal", "audit.read", "audit.export", "core.nobody"):
            session.add(RolePermission(role_id=role.id, permission=name, granted=True))
    user = auth.add_user(session, username="attacker", name_ar="مهاجم", actor=operator(), now=NOON, department_id=department.id)
    session.add(UserRole(user_id=user.id, role_id=role.id))
    user.language = "en"
    return user


@pytest.fixture(scope="module")
def world(shared_app: Flask) -> Iterator[World]:
    with rolled_back(shared_app) as session:
        work.begin_write(session)
        session.info["actor"] = actor_with()
        theirs, own = session.scalars(sa.select(Department).order_by(Department.id).limit(2)).all()
        people = register_people(session, NOON)
        secret = {"name": NAME, "mobile": PHONE, "email": EMAIL, "address": STREET, "remarks": REMARK}
        hidden = _hide(session, people, theirs, **secret)
        seen = _hide(session, people, own, name="شركة مرئية", mobile="0551111111", email="seen.person@example.org", remarks="ملاحظة أخرى")
        form = fill_noor(session, people.employee, NOON, department_id=theirs.id, **{**secret, "name": "ثاني الخفيين"}, not_duplicates=True)
        draft = services.fill_form(session, {"name": NAME, "department_id": theirs.id}, actor=people.employee, now=NOON, draft=True)
        given = money.record_contribution(session, customer_id=hidden.id, amount=Money.of_minor(123_400, "SAR"), received_on=date(2026, 1, 10), method="bank",
                                          fund="zakat", reference="SECRET-REF", memo=REMARK, actor=FINANCE, now=NOON)
        pledge = money.record_pledge(session, customer_id=hidden.id, amount=Money.of_minor(500, "SAR"), promised_on=date(2026, 1, 10), due_on=None,
                                     programme_id=None, fund="zakat", reference="SECRET-PLEDGE", memo=None, actor=FINANCE, now=NOON)
        batch = batches.issue_batch(session, batches.Choice(date(2026, 1, 1), date(2026, 1, 31)), actor=FINANCE, now=NOON)
        services.add_influence(session, seen, kind="adviser", influencer=hidden, actor=people.officer, now=NOON)
        attacker = _attacker(session, own)
        work.commit(session)
        yield World(hidden, seen, form, draft, given, pledge, batch, attacker, people, session)


@pytest.fixture(scope="module")
def app(shared_app: Flask, world: World) -> Flask:
    return shared_app


@pytest.fixture(scope="module")
def client(app: Flask, world: World) -> FlaskClient:
    return sign_in(app.test_client(), world.attacker)


def told(answer: Any, *given: str) -> list[str]:
    """The secrets an answer tells, but for what the request itself said."""
    text = re.sub(r"<[^>]*>", "", answer.get_data(as_text=True)) + answer.get_data(as_text=True)
    said = [one for text in given for one in (text, digits(text))]
    return [secret for secret in SECRETS if secret in text and not any(secret in one or (digits(secret) and digits(secret) in one) for one in said)]


def values_for(world: World, address: str) -> list[str]:
    """``address`` with each id of what is hidden in its place."""
    ids = {"number": [world.hidden.number, world.batch.number, world.form.number], "reference": ["SECRET-REF", "SECRET-PLEDGE"],
           "form_id": [world.form.id, world.draft.id, world.hidden.form_id], "customer_id": [world.hidden.id]}
    filled = [address]
    for name in re.findall(r"<(?:[^:>]+:)?(\w+)>", address):
        found = ids.get(name) or ([1, 2, 3, 4] if "<int" in address else ["finance.donors", "finance.programmes", "x"])
        filled = [re.sub(rf"<(?:[^:>]+:)?{name}>", str(value), one) for one in filled for value in found]
    return filled


def routes(app: Flask, method: str) -> list[str]:
    skipped = ("auth_login", "static", "auth_account", "preferences", "plugins_page", "auth_people", "auth_roles", "notices_own", "core_settings")
    found = {re.sub(r"<any\((\w+)[^>]*>", r"\1", re.sub(r"<int\(.*?\):", "<int:", rule.rule)) for rule in app.url_map.iter_rules()
             if method in (rule.methods or ()) and not any(rule.endpoint.startswith(one) for one in skipped)}
    return sorted(one for one in found if "/static" not in one)


def test_the_attacker_sees_his_own_department(client: FlaskClient) -> None:
    """Otherwise nothing below would show anything."""
    assert "شركة مرئية" in client.get("/customers/").get_data(as_text=True)


def test_no_page_tells_what_is_hidden(app: Flask, client: FlaskClient, world: World) -> None:
    leaks = {}
    for route in routes(app, "GET"):
        for address in values_for(world, route):
            found = told(client.get(address), address)
            if found:
                leaks[address] = found
    assert leaks == {}


@pytest.mark.parametrize("query", ["q={}", "f.q={}", "f.name={}", "f.mobile={}", "sort=mobile", "sort=-mobile", "sort=email", "sort=remarks",
    "f.department=1",
                                   "f.customer={}", "customer={}", "id={}", "after=WzEsIDFd", "f.class=donor", "count=all", "kind=forms"])
def test_no_search_filter_or_sorting_tells_it(client: FlaskClient, world: World, query: str) -> None:
    lists = ("/customers/", "/customers/find", "/search/", "/finance/contributions/", "/finance/pledges/", "/customers/forms/", "/finance/contributions/new/",
             "/reports/finance.donors/", "/finance/preview", "/", "/procedures/team", "/imports/", "/customers/details/", "/finance/contributions/details/")
    terms = (NAME, "المخفي", PHONE, "+966559876543", "987654", EMAIL, "hidden", world.hidden.number, "SECRET-REF", str(world.hidden.id),
             world.form.number or "")
    leaks = {}
    for asked in dict.fromkeys(query.format(term) for term in terms):
        for page in lists:
            found = told(client.get(f"{page}?{quote(asked, safe='=')}"), asked)
            if found:
                leaks[f"{page}?{asked}"] = found
    assert leaks == {}


@pytest.mark.parametrize("term", [PHONE, "987654", EMAIL, "hidden.person", STREET, REMARK, "seen.person", "seen.person@example.org", "0551111111",
    "551111", "ملاحظة أخرى"])
def test_a_masked_column_is_not_searched(client: FlaskClient, term: str) -> None:
    """A hit would tell whose number it is, although the list masks it."""
    for page in ("/customers/", "/finance/contributions/"):
        assert "شركة مرئية" not in client.get(page, query_string={"q": term}).get_data(as_text=True)
    assert client.get("/customers/find", query_string={"q": term}).json == []
    assert "شركة مرئية" not in client.get("/search/", query_string={"q": term}).get_data(as_text=True)


@pytest.mark.parametrize("key", ["mobile", "phone", "email", "remarks", "address", "name_key", "form_id", "password_hash"])
def test_a_masked_column_neither_sorts_nor_filters(client: FlaskClient, key: str) -> None:
    for page in ("/customers/", "/finance/contributions/", "/finance/pledges/", "/settings/organisation/cities/"):
        assert client.get(f"{page}?sort={key}").status_code == 422
        assert client.get(f"{page}?f.{key}=1").status_code == 422


def test_no_form_or_action_reaches_it(app: Flask, client: FlaskClient, world: World) -> None:
    """Every POST with the ids of what is hidden, and forged fields: nothing of it is told, and nothing of it changes."""
    before = fingerprint(world)
    leaks = {}
    forged = {"id": [str(world.hidden.id), str(world.form.id)], "customer_number": world.hidden.number, "influencer_number": world.hidden.number,
    "kind": "person",
              "department_id": "1", "made_by": "1", "state": "approved", "customer_id": str(world.hidden.id), "matching": "1", "reason": "x", "amount": "1",
              "currency": "SAR", "received_on": "2026-01-11", "promised_on": "2026-01-11", "method": "bank", "fund": "zakat", "name": "x", "title": "x",
              "from_on": "2026-01-01", "until_on": "2026-01-31", "layout": "generic", "content": "contributions"}
    for route in routes(app, "POST"):
        if route.startswith(("/settings/", "/customers/officers", "/customers/fields", "/finance/settings", "/audit", "/delegations")):
            continue
        for address in values_for(world, route):
            found = told(client.post(address, data=forged), address)
            if found:
                leaks[address] = found
    assert leaks == {}
    assert fingerprint(world) == before


def fingerprint(world: World) -> Any:
    """All values of what is hidden."""
    session = world.session
    tables: list[tuple[Any, int]] = [(Customer, world.hidden.id), (CustomerForm, world.form.id), (CustomerForm, world.draft.id), (Contribution,
    world.contribution.id)]
    return [session.execute(sa.select(model.__table__).where(model.__table__.c.id == key)).one() for model, key in tables]


@pytest.mark.parametrize("fields", [{}, {"matching": "1"}, {"q": "المخفي"}, {"q": "987654"}, {"sort": "-changed_at"}, {"f.department": "1"},
    {"matching": "1", "q": EMAIL}])
def test_an_export_holds_only_what_the_list_shows(client: FlaskClient, fields: dict[str, str]) -> None:
    for address in ("/customers/export", "/finance/contributions/export", "/reports/finance.donors/export"):
        answer = client.post(address, data=fields)
        assert told(answer, *fields.values()) == []
        assert "551111111" not in answer.get_data(as_text=True), "a masked column"
        assert "seen.person" not in answer.get_data(as_text=True), "a masked column"


def test_a_forged_id_among_ticked_ones_is_refused(client: FlaskClient, world: World) -> None:
    for address in ("/customers/export", "/customers/confirm"):
        answer = client.post(address, data={"id": [str(world.open.id), str(world.hidden.id)]})
        assert answer.status_code == 422


def test_a_warning_of_duplicates_names_nobody_hidden(client: FlaskClient) -> None:
    """Not by a telephone that the attacker may not compare, and not the one found by its name."""
    for values in ({"name": "x", "mobile": PHONE}, {"name": "x", "email": EMAIL}, {"name": NAME}, {"name": "ثاني الخفيين"}):
        assert told(client.post("/customers/forms/duplicates", data=values), *values.values()) == []


def test_the_warning_for_who_compares_telephones_names_nobody_hidden(app: Flask, world: World) -> None:
    session = world.session
    work.begin_write(session)
    role = session.scalar(sa.select(Role).where(Role.slug == "attacker"))
    assert role is not None
    session.add(RolePermission(role_id=role.id, permission="customers.personal", granted=True))
    work.commit(session)
    client = sign_in(app.test_client(), world.attacker)
    try:
        for values in ({"name": "x", "mobile": PHONE}, {"name": "x", "email": EMAIL}):
            assert told(client.post("/customers/forms/duplicates", data=values), *values.values()) == []
        assert told(client.get("/search/", query_string={"q": PHONE}), PHONE, "559876543", "55 987 6543") == []
    finally:
        work.begin_write(session)
        session.execute(sa.select(1))
        row = session.scalar(sa.select(RolePermission).where(RolePermission.role_id == role.id, RolePermission.permission == "customers.personal"))
        assert row is not None
        session.delete(row)
        work.commit(session)


def test_lines_of_another_department_on_a_shared_import_stay_hidden(app: Flask, client: FlaskClient, world: World) -> None:
    """A form of kind import holds lines of many departments; each reader sees those of their own (CUST-37)."""
    from core.customers.models import CustomerFormLine
    from core.keys import new_subject

    session = world.session
    work.begin_write(session)
    session.info["actor"] = actor_with()
    departments = session.scalars(sa.select(Department).order_by(Department.id).limit(2)).all()
    form = CustomerForm(kind="import", state="filled", made_by=world.people.users["employee"].id, made_at=NOON, number="F-2026-9999",
    subject_id=new_subject(session))
    form.lines = [CustomerFormLine(position=place, action="create", subject_id=new_subject(session), name=name, department_id=department.id,
    customer_class="donor",
                                   mobile="+966559876543", registration_origin="visit")
                  for place, (name, department) in enumerate(zip((NAME, "شركة مرئية ثانية"), departments, strict=True), 1)]
    session.add(form)
    work.commit(session)

    page = client.get(f"/customers/forms/{form.id}")

    assert page.status_code == 200
    assert "شركة مرئية ثانية" in page.get_data(as_text=True)
    assert told(page) == []
    assert told(client.get("/customers/forms/")) == []


def test_who_influences_a_customer_is_named_to_who_may_read_him(client: FlaskClient, world: World) -> None:
    page = client.get(f"/customers/{world.open.number}?lang=en")

    assert page.status_code == 200 and "Another customer" in page.get_data(as_text=True)
    assert told(page) == []


def test_somebody_elses_import_is_not_read(app: Flask, client: FlaskClient, world: World) -> None:
    """Staged lines are the file of whoever sent it: with telephones, and of any department."""
    session = world.session
    work.begin_write(session)
    user = auth.add_user(session, username="importer", name_ar="مستورد", actor=operator(), now=NOON)
    auth.grant_role(session, user, "crm_manager", actor=operator())
    user.language = "en"
    work.commit(session)
    theirs = sign_in(app.test_client(), user)
    content = f"name,mobile\n{NAME},{PHONE}\n".encode()
    sent = theirs.post("/imports/new", data={"kind": "customers.customers", "file": (io.BytesIO(content), "secret.csv")})
    assert sent.status_code == 302
    columns = sent.headers["Location"]
    assert NAME in theirs.get(columns).get_data(as_text=True)

    for address in (columns, columns.removesuffix("/columns")):
        assert client.get(address).status_code == 404
        assert told(client.get(address)) == []
    assert client.post(columns, data={"act": "check"}).status_code == 404
    for act in ("apply", "undo", "refused"):
        assert client.post(f"{columns.removesuffix('/columns')}/{act}").status_code == 404


STAGED = {
    "customers.customers": "number,name,address\n{number},Somebody,somewhere else\n",
    "finance.contributions": "customer,day,amount,reference\n{number},2026-01-01,5.00,new\n{open},2026-01-01,5.00,SECRET-REF\n",
    "finance.movements": "customer,day,amount,reference\n{number},2026-01-10,5.00,SECRET-REF\n",
}


@pytest.mark.parametrize("kind", STAGED)
def test_a_file_neither_changes_nor_tells_of_a_record_beyond_its_sender(client: FlaskClient, world: World, kind: str) -> None:
    """The check of an import finds nobody whom its sender may not read: not to change him, not to say what is recorded (CUST-37)."""
    text = STAGED[kind].format(number=world.hidden.number, open=world.open.number)
    sent = client.post("/imports/new", data={"kind": kind, "file": (io.BytesIO(text.encode()), "mine.csv")})
    columns = {f"column.{key}": key for key in text.split("\n", 1)[0].split(",")}

    checked = client.post(sent.headers["Location"], data={"act": "check", "date_order": "ymd", **columns}, follow_redirects=True)

    page = checked.get_data(as_text=True)
    assert "not among the records you may read" in page
    assert told(checked, text) == [] and "1,234" not in page and "1234" not in page
    made = world.session.scalar(sa.select(sa.func.count()).select_from(CustomerForm).where(CustomerForm.kind == "import", CustomerForm.number.is_(None)))
    assert made == 0
