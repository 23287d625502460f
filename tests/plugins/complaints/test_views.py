"""Pages of the log for staff: intake, list, entry, and what the log shows elsewhere."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.customers import queries as customers
from core.customers.models import Customer
from core.phones import format_phone
from core.testing import sign_in
from plugins.complaints import follow, services
from plugins.complaints.models import Entry, Update
from tests.plugins.complaints.conftest import MONDAY, Person, Staff, department

Receive = Callable[..., Entry]
DAY = timedelta(days=1)
UNKNOWN = {"kind": "complaint", "channel": "phone", "text": "تأخر الإيصال", "name": "هند", "phone": "0559990000", "unknown": "1"}


@pytest.fixture
def browse(app: Flask, session: Session) -> Iterator[Callable[[Person], FlaskClient]]:
    """Sign somebody in, on Monday at 10:15; what was done so far is there for the pages.

    Where several people write one after the other, all are signed in before the first of them does.
    """

    def sign(who: Person) -> FlaskClient:
        return sign_in(app.test_client(), who.user)

    with work.time_at(MONDAY):
        yield sign


def body_of(answer: Any) -> str:
    return html.unescape(answer.get_data(as_text=True))


def newest(session: Session) -> Entry:
    session.expire_all()
    return session.scalars(sa.select(Entry).order_by(Entry.id.desc())).first()


# --- the intake: who calls -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["0557654321", "00966 55-765-4321", "+966557654321", "٠٥٥٧٦٥٤٣٢١", "الخير", "الخـير"])
def test_a_caller_is_found_by_any_writing(browse: Any, staff: Staff, donor: Customer, written: str) -> None:
    body = body_of(browse(staff.crm).post("/complaints/new", data={"caller": written, "look": "1"}))

    assert "dw-person-found" in body and "مؤسسة الخير" in body and f'value="{donor.number}"' in body


def test_a_caller_is_found_by_customer_number(browse: Any, staff: Staff, donor: Customer) -> None:
    assert "dw-person-found" in body_of(browse(staff.crm).post("/complaints/new", data={"caller": donor.number, "look": "1"}))


def test_of_several_one_is_chosen(browse: Any, staff: Staff, donor: Customer, customer: Any) -> None:
    other = customer(name="مؤسسة الخير الثانية", mobile="0557654322")
    page = browse(staff.crm)
    body = body_of(page.post("/complaints/new", data={"caller": "الخير", "look": "1"}))
    assert "dw-person-found" not in body and f'name="choose" value="{other.number}"' in body and f'name="choose" value="{donor.number}"' in body

    chosen = body_of(page.post("/complaints/new", data={"caller": "الخير", "choose": other.number}))
    assert "dw-person-found" in chosen and f'name="customer_number" type="hidden" value="{other.number}"' in chosen


def test_somebody_else_is_written_down_as_unknown(browse: Any, staff: Staff, donor: Customer) -> None:
    given = {"caller": "0557654321", "looked": "0557654321", "customer_number": donor.number, "not": "1"}
    body = body_of(browse(staff.crm).post("/complaints/new", data=given))

    assert "dw-person-found" not in body and "<details class=\"dw-more dw-stranger\" open>" in body
    assert re.search(r'name="phone"[^>]*value="0557654321"', body)


@pytest.mark.parametrize(("typed", "field"), [("0559998888", "phone"), ("hind@example.org", "email"), ("هند القحطاني", "name")])
def test_what_was_typed_of_somebody_unknown_is_not_typed_again(browse: Any, staff: Staff, typed: str, field: str) -> None:
    body = body_of(browse(staff.crm).post("/complaints/new", data={"caller": typed, "look": "1"}))

    assert re.search(rf'name="{field}"[^>]*value="{re.escape(typed)}"', body)


def test_what_was_typed_is_kept_over_a_look_up(browse: Any, staff: Staff, donor: Customer) -> None:
    body = body_of(browse(staff.crm).post("/complaints/new", data={"caller": "0557654321", "look": "1", "text": "لم يصل الإيصال", "kind": "inquiry"}))

    assert "لم يصل الإيصال</textarea>" in body and re.search(r'<input checked[^>]*value="inquiry"', body)


def test_who_was_never_looked_at_is_shown_before_anything_is_saved(browse: Any, staff: Staff, donor: Customer, session: Session) -> None:
    answer = browse(staff.crm).post("/complaints/new", data={"kind": "complaint", "channel": "phone", "text": "نص", "caller": "0557654321"})

    assert answer.status_code == 422 and "dw-person-found" in body_of(answer) and newest(session) is None


def test_a_customer_of_another_department_is_not_shown(browse: Any, staff: Staff, customer: Any, session: Session) -> None:
    customer(name="مؤسسة الخير", mobile="0557654321", department_id=str(department(session, "quality").id))

    assert "مؤسسة الخير" not in body_of(browse(staff.centres).post("/complaints/new", data={"caller": "الخير", "look": "1"}))


# --- the intake: open entries, where to, until when ------------------------------------------------------------------


def test_open_entries_of_the_same_caller_are_offered(browse: Any, staff: Staff, donor: Customer, receive: Receive, session: Session) -> None:
    entry = receive(staff.crm, customer_number=donor.number, text="نص قديم")
    page = browse(staff.crm)
    body = body_of(page.post("/complaints/new/parts", data={"caller": "0557654321"}))
    assert entry.number in body and f'name="add" value="{entry.id}"' in body

    answer = page.post("/complaints/new", data={"caller": "0557654321", "looked": "0557654321", "text": "اتصل ثانية", "add": str(entry.id)})
    assert answer.location == f"/complaints/{entry.id}"
    assert "اتصل ثانية" in session.scalars(sa.select(Update.text).where(Update.entry_id == entry.id)).all()


def test_open_entries_of_the_same_unknown_phone_are_offered(browse: Any, staff: Staff, receive: Receive) -> None:
    entry = receive(staff.crm, phone="0559990000")

    assert entry.number in body_of(browse(staff.crm).post("/complaints/new/parts", data={"unknown": "1", "phone": "00966559990000"}))


def test_before_saving_the_page_says_to_whom_why_and_until_when(browse: Any, staff: Staff, beneficiary: Customer) -> None:
    given = {"caller": beneficiary.number, "answer_now": "callback", "promised_at": "2026-02-04T09:30"}
    body = body_of(browse(staff.crm).post("/complaints/new/parts?lang=en", data=given))

    plan = re.sub(r"<[^>]+>|\s+", " ", body[body.index("part-plan"):])
    assert "الصفا" in plan and "5.1.2" in plan and "step 3 of clause 5.2" in plan
    assert "Wednesday" in plan and "09:30" in plan


def test_what_is_shown_before_saving_is_what_saving_does(browse: Any, staff: Staff, session: Session, donor: Customer) -> None:
    from core.procedures.models import StepRun
    from plugins.complaints import intake

    for how in ("", "callback", "solved"):
        values = {"kind": "complaint", "channel": "phone", "text": "نص", "customer_number": donor.number, "answer_now": how, "answer": "تم",
                  "promised_at": MONDAY + 2 * DAY, "callback_to": "0557654321"}
        planned = intake.plan(session, values, donor, now=MONDAY)
        entry = services.receive(session, values, actor=staff.crm.actor, now=MONDAY).entry
        runs = session.scalars(sa.select(StepRun).where(StepRun.record_type == "complaints_entry", StepRun.record_id == entry.id)).all()
        assert entry.department_id == planned.department.id
        assert {run.step_number: run.due_at for run in runs if run.is_open()} == {one.number: one.due_at for one in planned.steps if one.due_at}


def test_a_call_back_on_a_day_off_is_told(browse: Any, staff: Staff) -> None:
    given = {"answer_now": "callback", "promised_at": "2026-02-06T09:30"}

    assert "no working day" in body_of(browse(staff.crm).post("/complaints/new/parts?lang=en", data=given))


# --- the intake: saving ----------------------------------------------------------------------------------------------


def test_saving_tells_number_and_code_to_read_aloud(browse: Any, staff: Staff, session: Session, donor: Customer) -> None:
    given = {"caller": "0557654321", "looked": "0557654321", "customer_number": donor.number, "kind": "complaint", "channel": "phone", "text": "لم يصل الإيصال",
             "answer_now": "callback", "promised_at": "2026-02-04T09:30", "callback_to": "055 765 4321"}
    answer = browse(staff.crm).post("/complaints/new", data=given)

    entry, body = newest(session), body_of(answer)
    assert answer.status_code == 200 and entry.number in body
    assert (entry.customer_id, entry.state, entry.callback_to) == (donor.id, "answered_callback", "+966557654321")
    assert entry.promised_at.isoformat() == "2026-02-04T06:30:00+00:00"
    code = re.search(r'data-copy="([2-9A-Z]{5}-[2-9A-Z]{5})"', body)
    assert code and follow.find(session, entry.number, code[1]) is entry


def test_the_same_sending_twice_is_one_entry(browse: Any, staff: Staff, session: Session) -> None:
    page = browse(staff.crm)
    first, second = (page.post("/complaints/new", data={**UNKNOWN, "operation_key": "a-key-of-its-own"}) for _n in range(2))

    assert first.status_code == second.status_code == 200
    assert session.scalar(sa.select(sa.func.count(Entry.id))) == 1


def test_faults_stand_beside_their_fields_and_what_was_typed_is_kept(browse: Any, staff: Staff, session: Session) -> None:
    answer = browse(staff.crm).post("/complaints/new", data={**UNKNOWN, "text": "", "phone": "12", "answer_now": "callback", "promised_at": ""})

    body = body_of(answer)
    assert answer.status_code == 422 and newest(session) is None
    assert 'id="text-error"' in body and 'id="phone-error"' in body and re.search(r'name="name"[^>]*value="هند"', body)


@pytest.mark.parametrize("bad", [{"centre_id": "9" * 40}, {"centre_id": "x"}, {"cause_id": "-1"}, {"customer_class": "z" * 80}, {"channel": "smoke"},
                                 {"kind": "ticket"},
                                 {"promised_at": "0001-01-01T00:00", "answer_now": "callback"}, {"received_at": "9999-12-31T23:59"}, {"text": "م" * 5001},
                                 {"text": "a\u202eb"}, {"phone": "+" + "9" * 90}, {"customer_number": "1' or 1=1"}, {"answer_now": "maybe"},
                                 {"received_at": "yesterday"}, {"name": " "}])
def test_bad_input_is_refused_without_a_server_error(browse: Any, staff: Staff, session: Session, bad: dict[str, str]) -> None:
    given = {**UNKNOWN, **bad}
    if "customer_number" in bad:
        given.update(name="", phone="", unknown="")
    answer = browse(staff.crm).post("/complaints/new", data=given)

    assert answer.status_code == 422 and newest(session) is None
    assert browse(staff.crm).post("/complaints/new/parts", data=given).status_code == 200


def test_only_who_may_record_sees_the_intake(browse: Any, staff: Staff) -> None:
    assert browse(staff.quality).get("/complaints/new").status_code == 403


def test_the_intake_stands_in_both_languages(browse: Any, staff: Staff) -> None:
    page = browse(staff.crm)
    english, arabic = body_of(page.get("/complaints/new?lang=en")), body_of(page.get("/complaints/new?lang=ar"))

    assert "Before saving" in english and "قبل الحفظ" in arabic and "Before saving" not in arabic


# --- the list --------------------------------------------------------------------------------------------------------


def listed(page: FlaskClient, address: str = "/complaints/") -> set[str]:
    answer = page.get(address)
    assert answer.status_code == 200, address
    return set(re.findall(r"C-2026-\d{4}", body_of(answer)))


def test_the_list_holds_the_own_departments_entries(browse: Any, staff: Staff, receive: Receive, beneficiary: Customer) -> None:
    ours, theirs = receive(staff.crm_manager, customer_class="donor"), receive(staff.centres, customer_number=beneficiary.number)

    assert listed(browse(staff.crm)) == {ours.number}
    assert listed(browse(staff.quality)) == {ours.number, theirs.number}


def test_names_and_words_of_others_are_masked_without_the_permission(browse: Any, staff: Staff, receive: Receive) -> None:
    entry = receive(staff.crm, name="هند السرية", phone="0559990000", text="كلام خاص", answer_now="solved", answer="جواب خاص")
    page = browse(staff.secretary)
    whole = body_of(page.get("/complaints/")) + body_of(page.get(f"/complaints/{entry.id}"))
    whole += page.post("/complaints/export").get_data().decode("utf-8")

    assert entry.number in whole and "•••••" in whole
    assert not any(secret in whole for secret in ("هند السرية", "559990000", "99 0000", "كلام خاص", "جواب خاص"))
    assert listed(page, "/complaints/?q=هند") == set()


def test_the_number_to_call_back_is_masked_as_the_customers_own(browse: Any, staff: Staff, receive: Receive, donor: Customer) -> None:
    """Quality reads what was said, but has no permission to see a customer's telephone."""
    entry = receive(staff.crm, customer_number=donor.number, answer_now="callback", promised_at=MONDAY + DAY, callback_to=donor.mobile)
    quality, crm = (body_of(browse(who).get(f"/complaints/{entry.id}")) for who in (staff.quality, staff.crm))

    assert f"tel:{donor.mobile}" in crm
    assert f"tel:{donor.mobile}" not in quality and format_phone(donor.mobile) not in quality


def test_filters_narrow_the_list(browse: Any, staff: Staff, receive: Receive, beneficiary: Customer, centre: Any, session: Session) -> None:
    late = receive(staff.crm, at=MONDAY - 3 * DAY, answer_now="callback", promised_at=MONDAY - DAY, callback_to="0559990000")
    inquiry = receive(staff.crm, kind="inquiry", channel="email", answer_now="solved", answer="تم")
    there = receive(staff.crm, customer_number=beneficiary.number)
    page = browse(staff.crm_manager)

    expected = {"f.kind=inquiry": {inquiry}, "f.state=open": {late, there}, "f.state=closed": {inquiry}, "f.channel=email": {inquiry},
                f"f.department={there.department_id}": {there}, f"f.centre={centre.id}": {there}, "f.overdue=1": {late}, "f.quiet=1": {late},
                "f.callback=1": {late}, "f.from=2026-02-01": {inquiry, there}, "f.until=2026-02-01": {late},
                "f.department=x": set(), f"q={late.number}": {late}}
    for address, wanted in expected.items():
        assert listed(page, f"/complaints/?{address}") == {one.number for one in wanted}, address


@pytest.mark.parametrize("few", [1, 200])
def test_the_search_finds_by_phone_name_and_customer(
    browse: Any, staff: Staff, receive: Receive, donor: Customer, few: int, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(customers, "MOST_MEANT", few)
    unknown, known = receive(staff.crm, name="هند القحطاني", phone="0559990000"), receive(staff.crm, customer_number=donor.number)
    page = browse(staff.crm)

    assert listed(page, "/complaints/?q=00966559990000") == {unknown.number}
    assert listed(page, "/complaints/?q=القحطاني") == {unknown.number}
    assert listed(page, "/complaints/?q=0557654321") == {known.number}


def test_the_export_is_the_filtered_list_and_is_logged(browse: Any, staff: Staff, receive: Receive, session: Session) -> None:
    one, other = receive(staff.crm, kind="inquiry"), receive(staff.crm)
    text = browse(staff.crm).post("/complaints/export", data={"f.kind": "inquiry"}).get_data().decode("utf-8-sig")

    assert one.number in text and other.number not in text and "+966559990000" in text and text.startswith("number,kind")
    logged = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "export")).all()
    assert len(logged) == 1


# --- one entry -------------------------------------------------------------------------------------------------------


def test_the_page_shows_track_words_and_caller(browse: Any, staff: Staff, receive: Receive, donor: Customer) -> None:
    entry = receive(staff.crm, customer_number=donor.number, text="لم يصل الإيصال", answer_now="callback", promised_at=MONDAY + DAY, callback_to="0557654321")
    body = body_of(browse(staff.crm).get(f"/complaints/{entry.id}"))

    assert "dw-track" in body and "لم يصل الإيصال" in body and donor.number[:-1] in body and "tel:+966557654321" in body


def test_the_form_of_a_call_back_proposes_the_next_working_day_and_the_callers_own_number(browse: Any, staff: Staff, receive: Receive) -> None:
    entry = receive(staff.crm)
    body = body_of(browse(staff.crm).get(f"/complaints/{entry.id}"))

    def proposed(name: str) -> str:
        field = re.search(rf'<input[^>]*name="promise-{name}"[^>]*>', body)
        assert field is not None
        return re.search(r'value="([^"]*)"', field[0])[1]  # type: ignore[index]

    assert (proposed("promised_at"), proposed("callback_to")) == ("2026-02-03T10:00", "+966 55 999 0000")


def test_an_entry_goes_its_whole_way_on_its_page(browse: Any, staff: Staff, receive: Receive, session: Session) -> None:
    entry = receive(staff.crm)
    page, at = browse(staff.crm), f"/complaints/{entry.id}"
    ways = [("promise", {"promise-promised_at": "2026-02-04T09:30", "promise-callback_to": "0559990000"}, "answered_callback"),
            ("study", {"study-analysis": "الموعد لم يُبلّغ", "study-helping_party": "المالية"}, "in_study"),
            ("update", {"update-text": "راسلنا المالية", "update-public": "y"}, "in_study"), ("ready", {"ready-text": "صدر الإيصال"}, "solution_ready"),
            ("close", {"close-answer": "أُرسل الإيصال", "close-answer_channel": "phone", "close-returned_at": "2026-02-02T10:15"}, "closed")]
    for act, given, state in ways:
        answer = page.post(f"{at}/{act}", data=given)
        assert answer.status_code == 302 and answer.location == at, (act, body_of(answer)[:3000])
        assert newest(session).state == state
    body = body_of(page.get(at))
    assert "أُرسل الإيصال" in body and "المالية" in body and "/close" not in body


def test_only_what_can_be_done_now_by_this_person_is_offered(browse: Any, staff: Staff, receive: Receive) -> None:
    entry = receive(staff.crm)
    offered = {}
    for name in ("crm", "quality", "secretary"):
        body = body_of(browse(getattr(staff, name)).get(f"/complaints/{entry.id}"))
        offered[name] = set(re.findall(rf'action="/complaints/{entry.id}/([a-z-]+)"', body))

    assert offered == {"crm": {"promise", "close", "study", "ready", "update", "reassign", "customer"}, "secretary": set(),
                       "quality": {"reassign", "remark", "follow-up"}}


@pytest.mark.parametrize(("act", "given", "fields"), [
    ("close", {"close-answer": "", "close-answer_channel": "smoke", "close-returned_at": ""}, {"close-answer", "close-answer_channel", "close-returned_at"}),
    ("study", {"study-analysis": "كُتب هذا", "study-helping_party": ""}, {"study-helping_party"}),
    ("update", {"update-text": " "}, {"update-text"}), ("reassign", {"reassign-department_id": "9" * 30, "reassign-reason": "سبب"}, {"reassign-department_id"}),
    ("customer", {"customer-customer_number": "nobody"}, {"customer-customer_number"}),
])
def test_faults_of_an_act_stand_beside_its_fields(
    browse: Any, staff: Staff, receive: Receive, session: Session, act: str, given: Any, fields: set[str],
) -> None:
    entry = receive(staff.crm)
    answer = browse(staff.crm).post(f"/complaints/{entry.id}/{act}", data=given)

    body = body_of(answer)
    assert answer.status_code == 422 and newest(session).state == "received"
    assert set(re.findall(r'id="([\w-]+)-error"', body)) >= fields
    assert all(value in body for value in given.values() if value.startswith("كُتب"))


def test_an_act_whose_turn_is_over_says_so_and_keeps_what_was_typed(browse: Any, staff: Staff, receive: Receive) -> None:
    entry = receive(staff.crm, answer_now="solved", answer="تم")
    answer = browse(staff.crm).post(f"/complaints/{entry.id}/update", data={"update-text": "كتابة متأخرة"})

    assert answer.status_code == 409 and "كتابة متأخرة" in body_of(answer)


def test_a_suggestion_is_declined_with_a_reason(browse: Any, staff: Staff, receive: Receive, session: Session) -> None:
    entry = receive(staff.crm, kind="suggestion", answer_now="study")
    page = browse(staff.crm)

    assert page.post(f"/complaints/{entry.id}/decide", data={"decide-decision": "declined"}).status_code == 422
    assert page.post(f"/complaints/{entry.id}/decide", data={"decide-decision": "declined", "decide-decision_reason": "خارج الاختصاص"}).status_code == 302
    assert (newest(session).state, newest(session).decision) == ("closed", "declined")


def test_an_entry_that_was_handed_over_leads_back_to_the_log(browse: Any, staff: Staff, receive: Receive, session: Session) -> None:
    entry = receive(staff.crm_manager)
    centres = department(session, "centres_affairs").id
    ours, theirs = browse(staff.crm), browse(staff.centres)
    answer = ours.post(f"/complaints/{entry.id}/reassign", data={"reassign-department_id": centres, "reassign-reason": "شأن المراكز"})

    assert answer.location == "/complaints/" and newest(session).department_id == centres
    assert "شأن المراكز" in body_of(theirs.get(f"/complaints/{entry.id}"))


def test_quality_asks_and_the_department_answers(browse: Any, staff: Staff, receive: Receive, session: Session) -> None:
    entry = receive(staff.crm)
    quality, crm = browse(staff.quality), browse(staff.crm)
    asked = {"follow-up-department_id": entry.department_id, "follow-up-task": "اتصلوا اليوم"}
    assert quality.post(f"/complaints/{entry.id}/follow-up", data=asked).status_code == 302
    assert quality.post(f"/complaints/{entry.id}/remark", data={"remark-text": "تأخر الرد"}).status_code == 302

    body = body_of(crm.get(f"/complaints/{entry.id}"))
    action = re.search(rf'action="(/complaints/{entry.id}/follow-ups/\d+)"', body)
    assert action and "اتصلوا اليوم" in body and "تأخر الرد" in body
    assert crm.post(action[1], data={"outcome": "اتصلنا"}).status_code == 302
    assert "اتصلنا" in body_of(quality.get(f"/complaints/{entry.id}"))


def test_an_unknown_caller_becomes_a_customer(browse: Any, staff: Staff, receive: Receive, donor: Customer, session: Session) -> None:
    entry = receive(staff.crm)
    assert browse(staff.crm).post(f"/complaints/{entry.id}/customer", data={"customer-customer_number": donor.number}).status_code == 302

    assert newest(session).customer_id == donor.id


@pytest.mark.parametrize("act", ["study", "close", "reassign", "remark", "follow-up"])
def test_an_act_asks_its_own_permission(browse: Any, staff: Staff, receive: Receive, act: str) -> None:
    entry = receive(staff.crm)
    wrong = staff.crm if act in ("remark", "follow-up") else staff.secretary

    assert browse(wrong).post(f"/complaints/{entry.id}/{act}").status_code == 403


def test_an_entry_of_another_department_is_not_there(browse: Any, staff: Staff, receive: Receive) -> None:
    entry = receive(staff.crm)
    page = browse(staff.centres)

    assert page.get(f"/complaints/{entry.id}").status_code == 404 and page.post(f"/complaints/{entry.id}/update", data={"update-text": "x"}).status_code == 404


# --- elsewhere -------------------------------------------------------------------------------------------------------


def test_the_customers_page_shows_its_entries(browse: Any, staff: Staff, receive: Receive, donor: Customer) -> None:
    entry = receive(staff.crm, customer_number=donor.number)
    body = body_of(browse(staff.crm).get(f"/customers/{donor.number}"))

    assert body.count(f"/complaints/{entry.id}") >= 2


def test_my_day_counts_open_quiet_and_due(browse: Any, staff: Staff, receive: Receive) -> None:
    receive(staff.crm, at=MONDAY - 3 * DAY, answer_now="callback", promised_at=MONDAY - DAY, callback_to="0559990000")
    body = body_of(browse(staff.crm).get("/"))

    assert all(f"/complaints/?{one}" in body for one in ("f.state=open", "f.quiet=1", "f.callback=1"))


@pytest.mark.parametrize("text", ["number", "0559990000", "القحطاني"])
def test_the_search_of_every_page_finds_entries(browse: Any, staff: Staff, receive: Receive, text: str) -> None:
    entry = receive(staff.crm, name="هند القحطاني", phone="0559990000")
    wanted = entry.number if text == "number" else text

    assert f"/complaints/{entry.id}" in body_of(browse(staff.crm).get("/search/", query_string={"q": wanted}))
    assert text != "number" or f"/complaints/{entry.id}" in body_of(browse(staff.secretary).get("/search/", query_string={"q": wanted}))
    assert text == "number" or f"/complaints/{entry.id}" not in body_of(browse(staff.secretary).get("/search/", query_string={"q": wanted}))


def test_before_anybody_is_known_the_page_claims_no_type(browse: Any, staff: Staff) -> None:
    body = body_of(browse(staff.crm).get("/complaints/new?lang=en"))

    assert "type is not known yet" in body and "because the caller is" not in body
