from __future__ import annotations

import pytest
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from core import work
from core.admin import lists
from core.auth import services as auth
from core.customers import callers, entry, importing, queries, services
from core.customers.models import Customer, CustomerAlias
from core.customers.views import CustomersView
from core.errors import InvalidInput
from core.numbering import check_digit
from core.organisation import services as organisation
from core.organisation.models import City
from core.organisation.queries import department_by_slug
from core.testing import actor_with, sign_in
from tests.core.customers.conftest import ADMIN, NOOR, NOW, person
from tests.support.statements import counting

ALL = {"customers": "all"}
NAMES = ("أحمد بن سالم الحربي", "احمد عبدالرحمن", "إحمد فؤاد", "فاطمة الزهراء", "عبد الله قطان", "Ahmad Ali")


@pytest.fixture
def register(session, people):
    """Six names with mobiles +966551000000…5, entered through an import."""
    rows = [{"name": name, "customer_class": "donor", "mobile": f"+96655100000{n}", "email": f"c{n}@example.com"} for n, name in enumerate(NAMES)]
    form = importing.fill_import(session, rows, source="a.csv", operation_key="import-1", actor=people.employee.actor, now=NOW)
    services.review(session, form, actor=people.manager.actor, now=NOW)
    services.approve(session, form, actor=people.manager.actor, now=NOW)
    return entry.enter(session, form, actor=people.officer.actor, now=NOW)


def names(session, text, *permissions):
    found = queries.search(session, text, actor_with(*permissions, scopes=ALL))
    return [one.name for one in reversed(found.customers)]


@pytest.mark.parametrize(("text", "expected"), [
    ("احمد", NAMES[:3]), ("أحمد", NAMES[:3]), ("أَحْمَد", NAMES[:3]), ("حمد", NAMES[:3]), ("فاطمه", NAMES[3:4]), ("الحربى", NAMES[:1]),
    ("سالم احمد", NAMES[:1]), ("ا", NAMES[:5]), ("اح", NAMES[:3]), ("ف", NAMES[2:4]), ("عبدالله", NAMES[4:5]), ("عبد الله", NAMES[4:5]),
    ("AHMAD", NAMES[5:]), ("زيد", ()), ("%", ()), ('"', ()), ("'; DROP", ()), ("احمد زيد", ()),
])
def test_names_are_found_in_any_spelling_and_by_their_beginnings(session, register, text, expected):
    assert set(names(session, text)) == set(expected)


@pytest.mark.parametrize("text", ["0551000002", "055 100 0002", "+966 55 100 0002", "00966551000002", "٠٥٥١٠٠٠٠٠٢", "1000002", "551000002"])
def test_a_phone_is_found_however_it_is_written_by_who_may_see_it(session, register, text):
    assert names(session, text, "customers.personal") == [NAMES[2]]
    assert names(session, text) == []


@pytest.mark.parametrize("text", [
    "055.100.0002", "tel:+966551000002", "+966 (0) 55 100 0002", "+9660551000002", "\u202a+966551000002\u202c",
    "0551000002 / +966551000002",
])
def test_a_number_on_the_telephone_finds_its_customer_in_any_writing(session, register, text):
    seer, blind = actor_with("customers.personal", scopes=ALL), actor_with(scopes=ALL)
    found = callers.find_caller(session, text, seer)

    assert (found.customer.name, found.choices, found.phone) == (NAMES[2], (), "+966551000002")
    assert names(session, text, "customers.personal") == [NAMES[2]]
    assert callers.find_caller(session, text, blind).customer is None


@pytest.mark.parametrize("text", ["1000002", "051000002", "00002"])
def test_part_of_a_number_chooses_nobody_by_itself(session, register, text):
    found = callers.find_caller(session, text, actor_with("customers.personal", scopes=ALL))

    assert found.customer is None
    assert NAMES[2] in [one.name for one in found.choices] or not found.choices


def test_an_earlier_number_finds_without_its_check_digit_too(session, register):
    one = queries.search(session, NAMES[3], actor_with(scopes=ALL)).customers[0]
    number = f"990001{check_digit('990001')}"
    session.add(CustomerAlias(number=number, customer_id=one.id, form_id=one.form_id, created_at=NOW))
    session.flush()

    for text in (number, "990001"):
        assert names(session, text) == [NAMES[3]]


@pytest.mark.parametrize(("text", "count"), [
    ("0551000", 6), ("+9665510000", 6), ("00966551000002", 1), ("0551000003", 1), ("0551009", 0), ("9999999", 0), ("0000009", 0),
])
def test_a_phone_is_found_by_its_beginning(session, register, text, count, monkeypatch):
    """In the numbers' own index where they are few, by their digits where they are many."""
    assert len(names(session, text, "customers.personal")) == count
    monkeypatch.setattr(queries, "FEW", 1)
    assert len(names(session, text, "customers.personal")) == count


@pytest.mark.parametrize("text", ["احمد", "ا", "سالم احمد", "سالم الحربي", "احمد ع", "الزهراني فاطمة", "عبد الله", "سلم احمد"])
def test_hits_counted_in_the_search_text_alone_are_those_that_are_listed(session, register, text):
    seer = actor_with("customers.personal", scopes=ALL)
    query = queries.matching(select(Customer.id), queries.read_input(session, text, seer), queries.dialect_of(session))
    counted = queries.alone(query)

    assert counted is not None
    assert set(session.scalars(counted)) == set(session.scalars(query))


@pytest.mark.parametrize("text", ["احمد", "ا", "0551000", "سالم احمد", "زيد", ""])
def test_a_list_is_found_by_all_whom_a_text_means_however_many(session, register, text, monkeypatch):
    seer = actor_with("customers.personal", scopes=ALL)
    expected = {one.id for one in queries.search(session, text, seer).customers}
    for most, frequent in ((1, 0), (1, 100), (2, 0), (2, 100), (200, 100)):
        monkeypatch.setattr(queries, "MOST_MEANT", most)
        monkeypatch.setattr(queries, "FREQUENT", frequent)
        work.forget(session)

        found = session.scalars(select(Customer.id).where(queries.whose(session, Customer.id, text, seer))).all()

        assert set(found) == expected, (most, frequent)


def test_whom_a_text_means_is_looked_up_once_while_reading_and_anew_in_a_writing_transaction(session, register):
    seer, blind = actor_with("customers.personal", scopes=ALL), actor_with(scopes=ALL)
    expected = [one.id for one in queries.search(session, "احمد", seer).customers]
    work.commit(session)

    with counting(session) as first:
        assert queries.meant(session, "احمد", seer) == expected
    with counting(session) as again:
        assert queries.meant(session, "احمد", seer) == expected
    assert queries.meant(session, "0551000002", seer) != queries.meant(session, "0551000002", blind) == []
    work.begin_write(session)
    with counting(session) as writing:
        assert queries.meant(session, "احمد", seer) == expected
    assert (len(first), again, len(writing)) == (1, [], 1)
    assert queries.meant(session, " ", seer) == []


@pytest.mark.parametrize("bound", [1_000, 2])
def test_hits_of_a_search_are_paged_and_counted_the_same_below_and_above_the_bound(app, session, register, monkeypatch, bound):
    monkeypatch.setattr(lists, "COUNT_BOUND", bound)
    actor, pages, cursor = actor_with("customers.read", scopes=ALL), [], None
    with app.test_request_context():
        engine = CustomersView().engine
        while len(pages) < 9:
            asked = MultiDict({"q": "ا", **({"after": cursor} if cursor else {})})
            page = engine.page(session, queries.scope(select(Customer), actor), asked, actor, size=2)
            pages.append([one.name for one in page.rows])
            cursor = page.next_cursor
            if cursor is None:
                break

    assert pages == [[NAMES[4], NAMES[3]], [NAMES[2], NAMES[1]], [NAMES[0]]]
    assert (page.count, page.more) == ((5, False) if bound > 5 else (2, True))


@pytest.mark.parametrize("text", ["سالم", "ا", "سالم الحربي"])
def test_hits_by_the_search_text_alone_are_those_of_the_register_and_none_where_anything_else_narrows_it(session, register, text):
    reading, dialect = queries.read_input(session, text, actor_with()), queries.dialect_of(session)
    found = queries.matching(select(Customer), reading, dialect)
    narrow = select(Customer).where(Customer.customer_class == "donor")

    assert set(session.scalars(queries.alone(found))) == set(session.scalars(found.with_only_columns(Customer.id)))
    assert queries.alone(queries.matching(narrow, reading, dialect)) is None
    assert queries.alone(found.where(Customer.customer_class == "donor")) is None
    assert queries.alone(queries.scope(found, actor_with("customers.read", scopes={"*": "own"}))) is None
    assert queries.alone(select(Customer)) is None


def test_an_email_is_found_by_who_may_see_it(session, register):
    assert names(session, "C3@example", "customers.personal") == [NAMES[3]]
    assert names(session, "c3@example") == []


def test_a_number_is_found_with_and_without_check_digit_and_as_an_old_one(session, register):
    found = queries.search(session, "سالم", actor_with(scopes=ALL)).customers[0]
    session.add(CustomerAlias(customer_id=found.id, number="77", form_id=found.form_id, created_at=NOW))
    session.flush()
    for text in (found.number, f"{found.number[:-1]}-{found.number[-1]}", found.number[:-1], "77"):
        reading = queries.read_input(session, text, actor_with())
        assert (reading.kind, reading.customer_ids) == ("number", (found.id,))


def test_a_renamed_city_is_found_by_its_new_name(session, people, customer):
    boss = actor_with("organisation.manage")
    city = organisation.save_city(session, name_ar="القنفذة", actor=boss)
    customer(city_id=str(city.id))
    assert names(session, "القنفذه") == [NOOR["name"]]

    organisation.save_city(session, session.get(City, city.id), name_ar="الليث", actor=boss)
    assert (names(session, "القنفذه"), names(session, "الليث")) == ([], [NOOR["name"]])


# --- whose records -------------------------------------------------------------------------------------------------------


def test_by_default_one_reads_the_own_department_and_centre(session, people, customer):
    boss = actor_with("organisation.manage")
    city = organisation.save_city(session, name_ar="جدة", actor=boss)
    one, two = (organisation.save_centre(session, city_id=city.id, name_ar=name, actor=boss) for name in ("النسيم", "الصفا"))
    finance = department_by_slug(session, "finance").id
    crm = department_by_slug(session, "crm").id
    own = customer(department_id=str(crm), centre_id=str(one.id))
    elsewhere = customer(name="في الصفا", mobile="0550000002", department_id=str(crm), centre_id=str(two.id))
    other = customer(name="للمالية", mobile="0550000003", department_id=str(finance))
    common = customer(name="للجميع", mobile="0550000004")

    def read(**actor):
        return set(session.scalars(queries.scope(select(Customer), actor_with("customers.read", **actor))))

    assert read(department_id=crm, centre_ids=frozenset({one.id})) == {own, common}
    assert read(department_id=crm) == {own, elsewhere, common}
    assert read(department_id=finance) == {other, common}
    assert read(scopes={"*": "all"}) == {own, elsewhere, other, common}
    assert read(scopes={"*": "centre"}, centre_ids=frozenset({two.id})) == {elsewhere, other, common}
    assert read(scopes={"*": "own"}, user_id=people.employee.user.id) == {own, elsewhere, other, common}
    assert read(scopes={"*": "own"}, user_id=people.manager.user.id) == set()


def test_no_page_reaches_a_customer_outside_the_scope(client, session, people, customer):
    finance = department_by_slug(session, "finance").id
    hidden = customer(department_id=str(finance))
    number, form_id, row_id = hidden.number, hidden.form_id, hidden.id
    reader = person(session, "reader", "crm_employee")
    auth.set_scope(session, "crm_employee", "department", actor=ADMIN)
    browser = sign_in(client, reader.user)
    assert browser.get(f"/customers/{number}").status_code == 404
    assert browser.get(f"/customers/{number}/modify").status_code == 404
    assert browser.post(f"/customers/{number}/confirm").status_code == 404
    assert browser.get(f"/customers/forms/{form_id}").status_code == 404
    assert browser.get(f"/customers/forms/{form_id}/form.pdf").status_code == 404
    assert browser.post("/customers/confirm", data={"id": str(row_id)}).status_code == 422
    for address in ("/customers/?q=النور", f"/customers/find?q={number}", f"/customers/?q={number}"):
        assert "شركة النور" not in browser.get(address).get_data(as_text=True)


# --- duplicates ----------------------------------------------------------------------------------------------------------


def test_duplicates_say_why(session, people, register):
    actor = people.employee.actor
    by_all = queries.duplicates(session, {"name": "احمد سالم الحربى", "mobile": "+966551000000", "email": "C0@Example.com"}, actor=actor)
    by_phone = queries.duplicates(session, {"name": "شخص", "mobile": "+966551000003"}, actor=actor)
    by_landline = queries.duplicates(session, {"name": "شخص", "phone": "+966551000003"}, actor=actor)

    assert (by_all[0].reasons, by_all[0].name) == (("mobile", "email", "name"), NAMES[0])
    assert [one.reasons for one in by_phone] == [("mobile",)]
    assert [one.name for one in by_landline] == [NAMES[3]]
    assert queries.duplicates(session, {"name": "لا أحد"}, actor=actor) == []


def test_contact_points_are_not_compared_for_who_may_not_see_them(session, register):
    values = {"name": "شخص", "mobile": "+966551000003"}
    assert queries.duplicates(session, values, actor=actor_with("customers.fill", scopes=ALL)) == []


def test_a_form_under_way_is_a_duplicate_too(session, people, fill):
    form = fill()
    found = queries.duplicates(session, {"name": "شركه النور", "mobile": "+966550000001"}, actor=people.employee.actor)
    assert [(one.form_id, one.reasons) for one in found] == [(form.id, ("mobile", "name"))]
    assert queries.duplicates(session, {"name": "شركه النور"}, actor=people.employee.actor, exclude_form=form.id) == []


def test_many_are_compared_at_once(session, register):
    found = queries.find_duplicates(session, [{"name": "x"}, {"name": "فاطمه الزهرا", "mobile": "+966551000003"}, {"name": NAMES[1]}])
    assert {position: [one.name for one in ones] for position, ones in found.items()} == {1: [NAMES[3]], 2: [NAMES[1]]}


def test_a_customer_is_named_by_a_telephone_number_that_is_his_alone(session, customer):
    one = customer(mobile="0557654399", phone="0112345678")
    reader = actor_with("customers.read", queries.PERSONAL, scopes={"*": "all"})

    assert {queries.readable(session, text, reader).id for text in (one.number, "055 765 4399", "٠٥٥٧٦٥٤٣٩٩", "+966557654399")} == {one.id}
    with pytest.raises(InvalidInput):
        queries.readable(session, "0557654399", actor_with("customers.read", scopes={"*": "all"}))

    other = customer(name="أخوه", mobile="0557654398", phone="0112345678")
    with pytest.raises(InvalidInput) as several:
        queries.readable(session, "011 234 5678", reader)
    assert one.number in str(several.value.message) and other.number in str(several.value.message)
