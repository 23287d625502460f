"""The pages of an import, from the file to its taking back, in both languages."""

from __future__ import annotations

import io
import re

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.auth import services as auth
from core.auth.models import Role, User
from core.commands import operator
from core.imports.models import Import
from core.organisation.models import City
from core.testing import sign_in

CITIES = "code,name_ar,region_ar,population\n1,مدينة أ,الشرقية,10\n2,مدينة ب,الشرقية,20\n3,,الغربية,30\n1,مدينة أ,الشرقية,10\n"


@pytest.fixture
def importer(client: FlaskClient, session: Session) -> FlaskClient:
    """Somebody who looks after places and fills customer forms."""
    user = auth.add_user(session, username="keeper", name_ar="أمين", actor=operator(), now=work.now())
    role = session.scalars(sa.select(Role).where(Role.slug == "crm_employee")).one()
    auth.set_permission(session, role.slug, "organisation.manage", True, actor=operator())
    auth.grant_role(session, user, role.slug, actor=operator())
    session.flush()
    return sign_in(client, session.get_one(User, user.id))


def upload(client: FlaskClient, kind: str, text: str, encoding: str = "utf-8") -> str:
    """Upload a file; returns the address of its import."""
    file = io.BytesIO(text.encode(encoding)), "list.csv"
    answer = client.post("/imports/new", data={"kind": kind, "file": file, "operation_key": f"key-{kind}-{len(text)}"})
    assert answer.status_code == 302, answer.get_data(as_text=True)[-2000:]
    return answer.headers["Location"].removesuffix("/columns")


def words(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)).split())


@pytest.mark.parametrize("language", ["ar", "en"])
def test_the_columns_page_proposes_what_it_knows(importer: FlaskClient, language: str) -> None:
    address = upload(importer, "organisation.cities", CITIES)
    page = importer.get(f"{address}/columns?lang={language}").get_data(as_text=True)

    assert re.findall(r'<option value="(\w+)" selected>', page)[:3] == ["code", "name_ar", "region_ar"]
    assert "date_order" not in page and "decimal" not in page
    assert "مدينة ب" in page


def test_headings_of_other_registers_are_recognised(importer: FlaskClient) -> None:
    address = upload(importer, "customers.customers", "الاسم,الجوال,النوع,البريد\nأحمد علي,0551112233,مانح,a@example.org\n")
    page = importer.get(f"{address}/columns").get_data(as_text=True)

    assert chosen_columns(page) == [("name", "الاسم"), ("customer_class", "النوع"), ("mobile", "الجوال"), ("email", "البريد")]


def test_a_name_in_several_columns_is_proposed_and_joined_and_what_is_not_taken_is_listed(importer: FlaskClient) -> None:
    address = upload(importer, "customers.customers", "First Name,Last Name,Mobile,Fax,Pager\nAhmad,Ali,0551112233,555,\nSara,,0551112244,,\n")
    assert chosen_columns(importer.get(f"{address}/columns").get_data(as_text=True)) == [
        ("name", "First Name"), ("name", "Last Name"), ("mobile", "Mobile")]

    said = {"act": "check", "column.name": ["First Name", "Last Name"], "column.mobile": "Mobile", "option.customer_class": "donor"}
    assert importer.post(f"{address}/columns", data=said).status_code == 302
    page = words(importer, f"{address}?lang=en")

    assert "Ahmad Ali" in page and "Sara" in page
    assert "One column is not taken." in page and "Fax (1 filled cell)" in page
    assert "Pager" not in page


def test_remarks_hold_every_column_that_nothing_else_takes(importer: FlaskClient) -> None:
    address = upload(importer, "customers.customers", "Name,Mobile,Fax,Pager\nAhmad Ali,0551112233,555,77\n")
    said = {"act": "check", "column.name": "Name", "column.mobile": "Mobile", "column.remarks": "*", "option.customer_class": "donor"}
    assert importer.post(f"{address}/columns", data=said).status_code == 302
    page = words(importer, f"{address}?lang=en")

    assert "Fax: 555 Pager: 77" in page and "not taken" not in page


def test_a_field_of_one_column_takes_no_second(importer: FlaskClient) -> None:
    address = upload(importer, "customers.customers", "Name,Mobile,Other\nAhmad Ali,0551112233,0551112244\n")
    answer = importer.post(f"{address}/columns?lang=en", data={"act": "check", "column.name": "Name", "column.mobile": ["Mobile", "Other"]})

    assert answer.status_code == 422
    assert "is taken from one column" in answer.get_data(as_text=True)


def chosen_columns(page: str) -> list[tuple[str, str]]:
    """(field, heading) of every column that is chosen on the page."""
    return [(key, heading) for key, options in re.findall(r'name="column\.(\w+)"[^>]*>(.*?)</select>', page)
            for heading in re.findall(r'<option value="([^"]+)" selected>', options)]


def test_refused_lines_are_shown_kept_out_by_choice_only_and_come_back_as_a_file(importer: FlaskClient, session: Session) -> None:
    address = upload(importer, "organisation.cities", CITIES)
    mapping = {"act": "check", "column.code": "code", "column.name_ar": "name_ar", "column.region_ar": "region_ar"}
    assert importer.post(f"{address}/columns", data=mapping).status_code == 302
    counts = session.scalars(sa.select(Import)).one().counts
    assert (counts["create"], counts["refused"]) == (2, 1)
    assert "This field is needed" in words(importer, f"{address}?outcome=refused&lang=en") or "name" in words(importer, f"{address}?outcome=refused&lang=en")

    unticked = importer.post(f"{address}/apply?lang=en", data={"expected": "2"})
    assert unticked.status_code == 422 and 'aria-describedby="apply-error"' in unticked.get_data(as_text=True)
    assert session.scalar(sa.select(sa.func.count()).select_from(City).where(City.region_ar == "الشرقية")) == 0
    file = importer.post(f"{address}/refused")
    heading, refused = file.data.decode("utf-8-sig").splitlines()
    assert heading.endswith(",code,name_ar,region_ar,population") and file.mimetype == "text/csv"
    assert refused.startswith("4,name_ar,") and refused.endswith(",3,,الغربية,30")

    assert importer.post(f"{address}/apply", data={"expected": "2", "leave_out_refused": "1"}).status_code == 302
    session.expire_all()
    assert session.scalar(sa.select(sa.func.count()).select_from(City).where(City.region_ar == "الشرقية")) == 2
    assert importer.post(f"{address}/undo").status_code == 302
    session.expire_all()
    assert session.scalar(sa.select(sa.func.count()).select_from(City).where(City.region_ar == "الشرقية")) == 0


@pytest.mark.parametrize("day", ["2025-13-01", "03/04/2026", "yesterday"])
def test_a_day_that_cannot_be_read_is_shown_as_it_came(client: FlaskClient, session: Session, day: str) -> None:
    user = auth.add_user(session, username="money", name_ar="مال", actor=operator(), now=work.now())
    auth.grant_role(session, user, "finance_officer", actor=operator())
    finance = sign_in(client, user)
    address = upload(finance, "finance.contributions", f"customer,day,amount\n1,{day},5\n")
    said = {"act": "check", "column.customer": "customer", "column.day": "day", "column.amount": "amount", "date_order": "ymd"}
    assert finance.post(f"{address}/columns", data=said).status_code == 302

    assert day in words(finance, address) and day in words(finance, f"{address}?outcome=refused")


def test_an_amount_below_nought_does_not_turn_round_in_arabic(client: FlaskClient, session: Session) -> None:
    user = auth.add_user(session, username="money", name_ar="مال", actor=operator(), now=work.now())
    auth.grant_role(session, user, "finance_officer", actor=operator())
    finance = sign_in(client, user)
    address = upload(finance, "finance.contributions", "customer,day,amount\n1,2026-01-10,-5.00\n")
    said = {"act": "check", "column.customer": "customer", "column.day": "day", "column.amount": "amount", "date_order": "ymd"}
    finance.post(f"{address}/columns", data=said)

    assert re.search(r'dir="ltr"[^>]*>-5\.00<', finance.get(f"{address}?lang=ar").get_data(as_text=True))


def test_a_reason_is_told_in_the_language_of_whoever_reads_it(importer: FlaskClient) -> None:
    address = upload(importer, "customers.customers", "Name,Mobile\nAhmad Ali,05512\n")
    said = {"act": "check", "column.name": "Name", "column.mobile": "Mobile", "option.customer_class": "donor"}
    assert importer.post(f"{address}/columns?lang=en", data=said).status_code == 302

    told = {}
    for language, phrase in (("ar", "رقم هاتف"), ("en", "phone number")):
        assert phrase in words(importer, f"{address}?outcome=refused&lang={language}")
        told[language] = importer.post(f"{address}/refused?lang={language}").data.decode("utf-8-sig").splitlines()[1].split(",")[2]
        assert phrase in told[language]


def test_a_value_that_cannot_be_read_is_shown_and_comes_back_as_it_was(importer: FlaskClient) -> None:
    address = upload(importer, "customers.customers", "الاسم,الجوال\nأحمد علي,05512\nبدر علي,0551112233\n")
    importer.post(f"{address}/columns", data={"act": "check", "column.name": "الاسم", "column.mobile": "الجوال", "option.customer_class": "donor"})

    assert "05512" in words(importer, f"{address}?outcome=refused")
    heading, refused = importer.post(f"{address}/refused").data.decode("utf-8-sig").splitlines()
    assert heading.endswith("الاسم,الجوال") and refused.startswith("2,الجوال,") and refused.endswith("أحمد علي,05512")
    assert not re.search("[\u2066-\u2069]", refused)


@pytest.mark.parametrize("line", ["بدر علي", "بدر علي,0551112244,جدة"])
def test_a_line_of_another_width_is_refused_alone_and_comes_back(importer: FlaskClient, line: str) -> None:
    address = upload(importer, "customers.customers", f"الاسم,الجوال\nأحمد علي,0551112233\n{line}\nسعد علي,0551112255\n")
    said = {"act": "check", "column.name": "الاسم", "column.mobile": "الجوال", "option.customer_class": "donor"}
    assert importer.post(f"{address}/columns?lang=en", data=said).status_code == 302

    told = re.sub("[\u2066-\u2069]", "", words(importer, f"{address}?outcome=refused&lang=en"))
    assert f"The others have 2 cells, this line has {line.count(',') + 1}." in told
    _heading, refused = importer.post(f"{address}/refused").data.decode("utf-8-sig").splitlines()
    assert refused.startswith("3,,") and f",{line}" in refused
    assert importer.post(f"{address}/apply", data={"expected": "2"}).status_code == 422
    assert importer.post(f"{address}/apply", data={"expected": "2", "leave_out_refused": "1"}).status_code == 302


def test_an_applied_import_of_customers_leads_to_its_form(importer: FlaskClient) -> None:
    address = upload(importer, "customers.customers", "الاسم\nأحمد علي\n")
    importer.post(f"{address}/columns", data={"act": "check", "column.name": "الاسم", "option.customer_class": "donor"})
    importer.post(f"{address}/apply", data={"expected": "1"})
    page = importer.get(f"{address}?lang=en").get_data(as_text=True)

    assert "Somebody else reviews it next" in page
    assert importer.get(re.findall(r'href="(/customers/forms/\d+)"', page)[0]).status_code == 200


def test_a_choice_is_shown_by_its_label(importer: FlaskClient) -> None:
    address = upload(importer, "customers.customers", "الاسم,النوع\nأحمد علي,donor\n")
    importer.post(f"{address}/columns", data={"act": "check", "column.name": "الاسم", "column.customer_class": "النوع"})

    page = words(importer, f"{address}?lang=en")
    assert "Donor" in page and " donor " not in page


def test_windows_1256_is_read_when_it_is_declared(importer: FlaskClient) -> None:
    address = upload(importer, "customers.customers", "الاسم\nأحمد علي\n", "windows-1256")
    assert "أحمد علي" not in words(importer, f"{address}/columns")
    answer = importer.post(f"{address}/columns", data={"act": "look", "encoding": "windows-1256"})
    page = answer.get_data(as_text=True)

    assert answer.status_code == 200 and "أحمد علي" in page
    assert '<option value="الاسم" selected>' in page


def test_who_may_import_nothing_has_no_such_page(client: FlaskClient, session: Session) -> None:
    user = auth.add_user(session, username="nobody", name_ar="لا أحد", actor=operator(), now=work.now())
    session.flush()
    signed_in = sign_in(client, user)

    assert signed_in.get("/imports/").status_code == 403
    assert signed_in.post("/imports/new", data={"kind": "organisation.cities"}).status_code == 403


@pytest.mark.parametrize(("language", "shown", "other"), [("ar", "أمين المستودع", "Amin Keeper"), ("en", "Amin Keeper", "أمين المستودع")])
def test_the_list_names_people_in_its_language(importer: FlaskClient, session: Session, language: str, shown: str, other: str) -> None:
    upload(importer, "organisation.cities", CITIES)
    work.begin_write(session)
    keeper = session.scalars(sa.select(User).where(User.username == "keeper")).one()
    keeper.name_ar, keeper.name_en = "أمين المستودع", "Amin Keeper"
    session.flush()

    listed = importer.get(f"/imports/?lang={language}").get_data(as_text=True).partition("<tbody>")[2]

    assert shown in listed
    assert other not in listed
