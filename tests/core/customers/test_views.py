from __future__ import annotations

import hashlib
import html
import io
import re

import pytest
from sqlalchemy import select

from core import work
from core.audit.models import AuditEvent
from core.auth import services as auth
from core.customers import background, domain, entry, exports, importing, officers, queries, services
from core.customers.models import Customer, CustomerAlias, CustomerForm, CustomerState, OptionalField
from core.files.models import StoredFile
from core.testing import sign_in
from tests.core.customers.conftest import ADMIN, NOW, person


@pytest.fixture
def sign(client, session, people):
    """Sign one of the people in once everything is set up: what was done so far is committed, so that pages see it."""

    def browse(who: str = "employee"):
        work.rollback(session) if not session.info.get("write") else None
        return sign_in(client, getattr(people, who).user)

    return browse


@pytest.fixture
def as_employee(sign):
    return sign()


def test_the_list_shows_customers_and_masks_phones_without_the_permission(client, session, people, customer):
    number = customer().number
    body = sign_in(client, people.employee.user).get("/customers/?q=النور").get_data(as_text=True)
    assert number[:-1] in body and "شركة" in body and "+966 55 000 0001" in body

    reader = person(session, "reader", "quality_employee")
    masked = sign_in(client, reader.user).get("/customers/").get_data(as_text=True)
    assert "055•••••01" in masked and "000 0001" not in masked


def test_searching_while_typing_is_answered_with_the_content_alone(sign, customer):
    customer()
    reader = sign()
    whole = reader.get("/customers/?q=النور").get_data(as_text=True)
    part = reader.get("/customers/?q=النور", headers={"X-Requested-With": "fetch"}).get_data(as_text=True)

    assert results_of(part) == results_of(whole) and "شركة" in results_of(part)
    assert 'class="dw-side"' in whole and 'class="dw-side"' not in part
    assert len(part) < len(whole) - 8_000


def results_of(page: str) -> str:
    """What the page exchanges while somebody types: the chips and the rows, tokens of forms aside."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", page[page.index('id="list-chips"'):].split("</table>")[0])


def test_the_customers_page_shows_who_forms_and_contact_points(sign, customer):
    number = customer(address="شارع الأمير ماجد", remarks="بعد العصر").number
    answer = sign().get(f"/customers/{number}")

    body = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "شركة النور" in body and "شارع الأمير ماجد" in body and "F-2026-0001" in body and "tel:+966550000001" in body


def test_an_old_number_leads_to_the_customer(sign, session, people, customer):
    found = customer()
    number = found.number
    session.add(CustomerAlias(customer_id=found.id, number="1011873", form_id=found.form_id, created_at=NOW))
    session.flush()
    answer = sign().get("/customers/1011873")
    assert answer.status_code == 302 and answer.location.endswith(f"/customers/{number}")


@pytest.mark.parametrize("address", ["/customers/999999", "/customers/abc", "/customers/forms/999", "/customers/forms/99999999999999999999999"])
def test_what_is_not_there_is_said(as_employee, address):
    assert as_employee.get(address).status_code == 404


def test_a_form_is_filled_on_the_page(as_employee, session):
    page = as_employee.get("/customers/forms/new")
    assert page.status_code == 200

    values = {"name": "شركة النور", "customer_class": "donor", "mobile": "0550000001", "registration_origin": "call"}
    answer = as_employee.post("/customers/forms/new", data=values)

    form = session.scalars(select(CustomerForm)).one()
    assert answer.status_code == 302 and answer.location.endswith(f"/customers/forms/{form.id}")
    assert (form.state, form.line.mobile) == ("filled", "+966550000001")


def test_faults_stand_beside_their_fields_and_the_input_is_kept(as_employee, session):
    answer = as_employee.post("/customers/forms/new", data={"name": "شركة النور", "customer_class": "other", "mobile": "055 512 034"})

    body = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'id="mobile-error"' in body and 'id="other_detail-error"' in body and 'id="registration_origin-error"' in body
    assert "055 512 034" in body
    assert session.scalars(select(CustomerForm)).all() == []


def test_a_likely_duplicate_is_shown_and_must_be_denied(sign, session, customer):
    customer()
    as_employee = sign()
    data = {"name": "شركه النور", "customer_class": "donor", "mobile": "0550000001", "registration_origin": "call"}

    warned = as_employee.post("/customers/forms/new", data=data)
    assert warned.status_code == 422 and "not_duplicates" in warned.get_data(as_text=True)
    assert as_employee.post("/customers/forms/new", data={**data, "not_duplicates": "y"}).status_code == 302
    assert session.scalars(select(CustomerForm.not_duplicates).order_by(CustomerForm.id.desc())).first() is True


def test_a_likely_duplicate_is_named_on_top_and_denied_beside_it(sign, customer):
    customer()
    body = sign().post("/customers/forms/new", data={"name": "شركه النور", "customer_class": "donor", "registration_origin": "call"}).get_data(as_text=True)

    summary, panel = body[body.index('role="alert"'):], body[body.index("dw-duplicates"):]
    assert body.index('role="alert"') < body.index('name="name"')
    assert "#not_duplicates" in summary[:summary.index("dw-fields")] and "#duplicates-title" in summary[:summary.index("dw-fields")]
    box = panel[:panel.index("</section>")]
    assert 'id="not_duplicates"' in box and 'form="entry-form"' in box, "the tick stands beside what it denies and belongs to the form"
    assert body.count('name="not_duplicates"') == 1 and 'id="entry-form"' in body


def test_duplicates_are_told_while_typing(sign, customer):
    number = customer().number
    body = sign().post("/customers/forms/duplicates", data={"name": "", "mobile": "055 000 0001"}).get_data(as_text=True)
    assert number[:-1] in body


def test_a_change_form_without_personal_permission_leaves_contact_data_alone(client, session, customer):
    number = customer().number
    clerk = person(session, "clerk", "quality_employee")
    auth.set_permission(session, "quality_employee", "customers.fill", True, actor=ADMIN)
    signed = sign_in(client, clerk.user)
    body = signed.get(f"/customers/{number}/modify").get_data(as_text=True)
    assert "0000001" not in body and "000 0001" not in body and 'name="mobile"' not in body

    signed.post(f"/customers/{number}/modify", data={"name": "شركة النور الجديدة", "customer_class": "donor", "registration_origin": "call", "mobile": ""})
    line = session.scalars(select(CustomerForm).order_by(CustomerForm.id.desc())).first().line
    assert (line.name, line.mobile) == ("شركة النور الجديدة", "+966550000001")


def test_a_change_while_another_is_under_way_keeps_what_was_typed(sign, customer):
    number, clerk = customer().number, sign()
    typed = {"name": "شركة النور", "customer_class": "donor", "registration_origin": "call", "mobile": "0550000001", "address": "شارع حراء 999"}
    assert clerk.post(f"/customers/{number}/modify", data={**typed, "address": "شارع آخر"}).status_code == 302

    refused = clerk.post(f"/customers/{number}/modify?lang=en", data=typed)

    assert refused.status_code == 409 and "شارع حراء 999" in refused.get_data(as_text=True) and "is under way" in refused.get_data(as_text=True)


def test_the_way_of_a_form_through_the_pages(client, session, people, fill):
    address = f"/customers/forms/{fill().id}"
    manager = sign_in(client, people.manager.user)
    assert manager.post(f"{address}/review").status_code == 302
    assert manager.post(f"{address}/approve").status_code == 302
    assert manager.post(f"{address}/enter").status_code == 403
    officer = sign_in(client, people.officer.user)
    entered = officer.post(f"{address}/enter")
    assert entered.status_code == 302
    assert officer.post(f"{address}/file").status_code == 302
    assert officer.get(entered.location).status_code == 200
    assert officer.get(address).status_code == 200
    assert session.scalars(select(CustomerForm.state)).all() == ["filed"]
    denied = session.scalars(select(AuditEvent.rule).where(AuditEvent.action == "denied")).all()
    assert "CUST-10" in denied


def test_the_page_speaks_one_spelling_and_the_sheet_that_of_the_association(client, session, people, fill):
    form = services.review(session, fill(), actor=people.manager.actor, now=NOW)
    services.reject(session, form, "مكرر", actor=people.manager.actor, now=NOW)
    body = sign_in(client, people.manager.user).get(f"/customers/forms/{form.id}").get_data(as_text=True)
    printed_label = domain.signature_label("made_by").ar
    assert f"<dt>{printed_label}</dt>" not in body and "<dt>اعتمده</dt>" not in body, "it was rejected"
    assert "<dt>أعدّه</dt>" in body and "<dt>رفضه</dt>" in body


def test_toasts_write_the_number_as_people_read_it(sign, approved):
    form_id = approved().id
    entered = sign("officer").post(f"/customers/forms/{form_id}/enter", follow_redirects=True).get_data(as_text=True)
    toast = entered[entered.index("data-toast"):]
    assert re.search("\u2066[0-9]+-[0-9]\u2069", toast), "the check digit set off, in one left-to-right isolate"


def test_a_rejection_without_reason_is_told_beside_the_field(client, session, people, fill):
    address = f"/customers/forms/{services.review(session, fill(), actor=people.manager.actor, now=NOW).id}"
    answer = sign_in(client, people.manager.user).post(f"{address}/reject", data={"reason": " "})
    assert answer.status_code == 422 and 'id="reason-error"' in answer.get_data(as_text=True)


def test_old_and_new_stand_side_by_side(client, session, people, customer, fill):
    found = customer()
    address = f"/customers/forms/{fill(found, mobile='0550000384').id}"
    body = sign_in(client, people.manager.user).get(address).get_data(as_text=True)
    assert "dw-diff" in body and "0384" in body


def test_the_printed_form_is_a_pdf(client, people, fill):
    form = fill()
    address, number = f"/customers/forms/{form.id}/form.pdf", form.number
    answer = sign_in(client, people.manager.user).get(address)
    assert answer.status_code == 200 and answer.data[:5] == b"%PDF-" and number in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("state", ["", "?state=filled", "?state=draft", "?state=filed"])
def test_forms_are_listed_by_state(sign, fill, state):
    fill()
    answer = sign().get(f"/customers/forms/{state}")
    assert answer.status_code == 200
    assert ("F-2026-0001" in answer.get_data(as_text=True)) is (state in ("", "?state=filled"))


def test_a_wrong_state_or_page_is_a_clear_error(as_employee):
    assert as_employee.get("/customers/forms/?state=nonsense").status_code == 422
    assert as_employee.get("/customers/forms/?before=99999999999999999999").status_code == 422


def test_ticked_forms_are_reviewed_together(client, session, people, fill):
    ids = [str(fill().id), str(fill(name="أخرى", mobile="0550000002").id)]
    sign_in(client, people.manager.user).post("/customers/forms/bulk/review", data={"id": ids, "state": "filled"})
    sign_in(client, people.employee.user).post("/customers/forms/bulk/approve", data={"id": ids[:1]})
    assert session.scalars(select(CustomerForm.state)).all() == ["reviewed", "reviewed"]


def test_many_forms_are_decided_each_by_itself_and_the_refused_are_listed(client, session, people, fill):
    good, own, early = fill(), fill(name="مؤسسة الضياء", mobile="0550000003"), fill(name="أخرى", mobile="0550000002")
    for form in (good, own):
        services.review(session, form, actor=people.manager.actor, now=NOW)
    own.made_by = people.manager.user.id  # what the manager filled himself
    session.flush()
    ids, early_number = [good.id, own.id, early.id], early.number
    manager = sign_in(client, people.manager.user)

    listed = manager.get("/customers/forms/").get_data(as_text=True)
    assert listed.count("data-bulk-row") == 3 and "/bulk/approve" in listed and "/bulk/review" in listed and "/bulk/enter" not in listed
    answer = manager.post("/customers/forms/bulk/approve", data={"id": [str(one) for one in ids]})

    states = dict(session.execute(select(CustomerForm.id, CustomerForm.state)).all())
    assert [states[one] for one in ids] == ["approved", "reviewed", "filled"]
    body = answer.get_data(as_text=True)
    refused = body[body.index("dw-plain-list"):]
    refused = refused[:refused.index("</ul>")]
    assert answer.status_code == 200 and refused.count("<li>") == 2 and early_number in refused


def test_a_form_that_conflicts_is_left_as_it_was_when_many_are_entered(client, session, people, customer, approved):
    found = customer()
    stale, sound = approved(found, mobile="0550000384"), approved(name="أخرى", mobile="0550000002")
    stale.line.base = {**stale.line.base, "mobile": "+966550000077"}  # the register has moved on since
    session.flush()
    ids = [str(stale.id), str(sound.id)]

    answer = sign_in(client, people.officer.user).post("/customers/forms/bulk/enter", data={"id": ids, "state": "approved"})
    states = dict(session.execute(select(CustomerForm.id, CustomerForm.state)).all())
    assert answer.status_code == 200 and [states[int(one)] for one in ids] == ["approved", "entered"]


def test_after_a_decision_the_next_of_the_inbox_is_one_click_away(client, session, people, fill):
    first, second = fill(), fill(name="أخرى", mobile="0550000002")
    addresses = [f"/customers/forms/{form.id}" for form in (first, second)]
    services.review(session, first, actor=people.manager.actor, now=NOW)
    manager = sign_in(client, people.manager.user)

    def next_of(address):
        found = re.search(r'href="([^"]*)" title="[^"]*">[^<]*<svg[^>]*mirror', manager.get(address).get_data(as_text=True))
        return found and found[1]

    assert [next_of(one) for one in addresses] == [addresses[1], addresses[0]], "each leads to the other"
    manager.post(f"{addresses[0]}/approve")
    assert next_of(addresses[0]) == addresses[1]
    manager.post(f"{addresses[1]}/review")
    manager.post(f"{addresses[1]}/approve")
    assert next_of(addresses[1]) is None


def test_an_approved_form_tells_its_approver_that_entry_is_next(client, people, approved):
    body = sign_in(client, people.manager.user).get(f"/customers/forms/{approved().id}").get_data(as_text=True)
    panel = body[body.index("dw-decision"):]
    assert people.officer.user.label in panel[:panel.index("<details")] and "/reject" not in panel[:panel.index("<details")]
    assert "/reject" in panel[panel.index("<details"):panel.index("</details>")]


def test_whoever_decides_on_an_import_sees_all_that_each_line_gives(client, session, people, customer):
    found = customer(address="شارع الأمير ماجد")
    now, actor = NOW, people.employee.actor
    work.begin_write(session)
    form = importing.begin_import_form(session, source="register.csv", operation_key="one", actor=actor, now=now)
    rows = [
        {"name": "مؤسسة الضياء", "customer_class": "donor", "mobile": "+966550000003", "email": "diya@example.com", "address": "حي النسيم",
         "remarks": "بعد العصر", "reference": "OLD-77"},
        {"customer_id": found.id, "name": found.name, "customer_class": "donor", "mobile": found.mobile, "address": "حي الصفا"},
    ]
    importing.add_lines(session, form, rows, actor=actor)
    importing.send_import(session, form, actor=actor, now=now)
    address = f"/customers/forms/{form.id}"

    body = sign_in(client, people.manager.user).get(address).get_data(as_text=True)
    new, changed = body.split("<tbody>")[1].split("</tbody>")[0].split("</tr>")[:2]
    assert all(value in new for value in ("diya@example.com", "حي النسيم", "بعد العصر", "OLD-77"))
    assert "حي الصفا" in html.unescape(re.sub("<[^>]*>", "", changed)) and "شارع الأمير ماجد" in re.sub("<[^>]*>", "", changed)
    assert f"{address}/form.pdf" not in body and "Supporting documents" not in body

    reader = sign_in(client, person(session, "reader", "quality_employee").user).get(address).get_data(as_text=True)
    assert "diya@example.com" not in reader and "حي النسيم" not in reader and "OLD-77" in reader

    assert f'action="{address}/documents"' in sign_in(client, people.employee.user).get(address).get_data(as_text=True)


def test_data_officers_are_appointed_and_ended_on_their_page(client, session, people):
    employee, present = people.employee.user.id, queries.officer(session, "primary").id
    manager = sign_in(client, people.manager.user)
    assert manager.get("/customers/officers/").status_code == 200
    assert manager.post("/customers/officers/appoint", data={"kind": "primary", "user_id": str(employee)}).status_code == 409
    assert manager.post(f"/customers/officers/{present}/end").status_code == 302
    assert manager.post("/customers/officers/appoint", data={"kind": "primary", "user_id": str(employee)}).status_code == 302
    assert queries.officer(session, "primary").user_id == employee


def test_an_appointment_without_the_role_says_that_nothing_can_be_entered(client, session, people):
    officers.end_appointment(session, queries.officer(session, "primary"), actor=people.manager.actor, now=NOW)
    assert officers.lacking_right(session, [people.employee.user.id, people.deputy.user.id]) == {people.employee.user.id}
    employee = str(people.employee.user.id)
    manager = sign_in(client, people.manager.user)
    assert "alert-triangle" not in manager.get("/customers/officers/").get_data(as_text=True).split("<tbody>")[1].split("</tbody>")[0]

    told = manager.post("/customers/officers/appoint", data={"kind": "primary", "user_id": employee}, follow_redirects=True).get_data(as_text=True)
    assert "dw-notice dw-warn" in told and "dw-warn" in told.split("<tbody>")[1].split("</tbody>")[0]


def test_the_officer_records_his_own_absence(client, session, people):
    officer = sign_in(client, people.officer.user)
    assert officer.post("/customers/officers/absence", data={"from_on": "2026-02-01", "until_on": "2026-02-05"}).status_code == 302
    assert officers.may_enter(session, people.deputy.actor, now=NOW)
    absence = {"from_on": "2026-02-01", "until_on": "2026-02-05"}
    assert sign_in(client, people.employee.user).post("/customers/officers/absence", data=absence).status_code == 403


def test_an_optional_field_is_refused_without_purpose_on_its_page(client, session, people):
    number = session.scalars(select(OptionalField.id).where(OptionalField.code == "occupation")).one()
    manager = sign_in(client, people.manager.user)
    shown = manager.get("/customers/fields/")
    assert shown.status_code == 200 and ">occupation<" not in shown.get_data(as_text=True), "no raw keys"
    assert manager.post(f"/customers/fields/{number}/on", data={"purpose": ""}).status_code == 422
    assert manager.post(f"/customers/fields/{number}/on", data={"purpose": "لاختيار المتطوعين المناسبين"}).status_code == 302
    assert 'name="extra_occupation"' in manager.get("/customers/forms/new").get_data(as_text=True)


def test_the_data_is_confirmed_without_a_form(sign, session, customer):
    number = customer().number
    with work.time_at(NOW.replace(month=5)):
        assert sign().post(f"/customers/{number}/confirm").status_code == 302
    assert session.scalars(select(CustomerState.confirmed_at)).one().month == 5


def test_an_export_is_logged_with_filter_rows_and_checksum(client, session, people, customer):
    customer()
    answer = sign_in(client, people.manager.user).post("/customers/export", data={"f.class": "donor"})
    text = answer.data.decode("utf-8-sig")
    assert answer.status_code == 200 and text.startswith("number,name,class") and "+966550000001" in text
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "export")).one()
    assert event.facts["rows"] == 1 and event.facts["filter"] == {"class": "donor"} and len(event.facts["sha256"]) == 64


def test_a_large_export_is_streamed_between_an_entry_at_its_start_and_one_at_its_end(client, session, people, customer, monkeypatch):
    for number in range(3):
        customer(name=f"عميل {number}", mobile=f"055000010{number}")
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    answer = sign_in(client, people.manager.user).post("/customers/export", data={})
    assert answer.data.decode("utf-8-sig").count("\r\n") == 5
    begun, ended = session.scalars(select(AuditEvent).where(AuditEvent.action.like("export%")).order_by(AuditEvent.id)).all()
    assert (begun.action, ended.action) == ("export", "export_end") and "rows" not in begun.facts
    assert ended.facts == {"summary": "core.customers", "rows": 3, "sha256": hashlib.sha256(answer.data).hexdigest(), "whole": True}


def test_an_import_is_entered_by_the_worker_on_the_officers_behalf(client, session, people):
    form = importing.fill_import(session, [{"name": f"عميل {n}", "customer_class": "donor"} for n in range(3)], source="a.csv", operation_key="import-1",
                                 actor=people.employee.actor, now=NOW)
    services.review(session, form, actor=people.manager.actor, now=NOW)
    services.approve(session, form, actor=people.manager.actor, now=NOW)
    address, arguments = f"/customers/forms/{form.id}", {"form_id": form.id, "user_id": people.officer.user.id}
    officer = sign_in(client, people.officer.user)
    assert officer.get(address).status_code == 200
    assert officer.post(f"{address}/enter").status_code == 302

    background.enter_import(session, arguments, NOW)

    assert session.scalars(select(CustomerForm.state)).all() == ["entered"]
    assert session.scalars(select(Customer.name).order_by(Customer.id)).all() == ["عميل 0", "عميل 1", "عميل 2"]


@pytest.mark.parametrize("sort", ["-number", "number", "-changed_at"])
def test_a_search_is_paged_without_losing_or_doubling_anybody(client, session, people, sort):
    rows = [{"name": f"{'أحمد' if n % 4 else 'زيد'} رقم {n}", "customer_class": "donor"} for n in range(140)]
    form = importing.fill_import(session, rows, source="a.csv", operation_key="import-1", actor=people.employee.actor, now=NOW)
    services.review(session, form, actor=people.manager.actor, now=NOW)
    services.approve(session, form, actor=people.manager.actor, now=NOW)
    entry.enter(session, form, actor=people.officer.actor, now=NOW)
    browser = sign_in(client, people.employee.user)

    seen, address = [], f"/customers/?q=احمد&sort={sort}"
    for _page in range(4):
        body = browser.get(address).get_data(as_text=True)
        seen += re.findall(r"رقم (\d+)</", body)
        following = re.search(r'rel="next" href="([^"]+)"', body)
        if following is None:
            break
        address = html.unescape(following[1])
        address = address if address.startswith("/") else f"/customers/{address}"

    assert len(seen) == len(set(seen)) == 105


PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def test_a_document_supports_the_form_until_it_is_entered(client, session, people, fill):
    address = f"/customers/forms/{fill().id}"
    employee = sign_in(client, people.employee.user)
    assert employee.post(f"{address}/documents", data={}).status_code == 422
    refused = employee.post(f"{address}/documents", data={"document": (io.BytesIO(b"MZ.."), "طلب.exe")})
    assert refused.status_code == 422
    assert employee.post(f"{address}/documents", data={"document": (io.BytesIO(PDF), "طلب موقّع.pdf")}).status_code == 302
    assert "طلب موقّع.pdf" in employee.get(address).get_data(as_text=True)

    number = session.scalars(select(StoredFile.id)).one()
    reader = person(session, "reader", "quality_employee").user
    answer = sign_in(client, people.manager.user).get(f"{address}/documents/{number}")
    assert (answer.status_code, answer.data[:5]) == (200, b"%PDF-")
    assert sign_in(client, people.manager.user).get(f"/files/{number}").status_code == 403
    body = sign_in(client, reader).get(address).get_data(as_text=True)
    assert "طلب موقّع.pdf" not in body
    assert sign_in(client, reader).get(f"{address}/documents/{number}").status_code == 403
