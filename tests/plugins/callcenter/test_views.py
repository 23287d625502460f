"""Pages of the call centre in the browser's words: a call in seconds, the choice between several, the queue, the log, files, recordings."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import settings, work
from core.audit.models import AuditEvent
from core.auth import services as auth
from core.commands import operator
from core.consent import services as consent
from core.consent.models import Consent
from core.customers.models import Customer, CustomerForm
from core.exporter.guard import unguard
from core.organisation.models import Department
from core.state import state
from core.testing import actor_with, sign_in
from plugins.callcenter import campaigns, recordings
from plugins.callcenter.models import Call, Callback, Recording, Task
from tests.core.customers.conftest import person
from tests.plugins.callcenter.conftest import MONDAY, Staff

Log = Callable[..., Call]
GIVEN = {"direction": "in", "subject": "donation", "result": "solved", "duration": "2:05"}


@pytest.fixture
def agent(session: Session, english: None, client: FlaskClient, staff: Staff) -> FlaskClient:
    staff.agent.user.language = "en"
    session.flush()
    return sign_in(client, staff.agent.user)


def text(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


def facts(event: AuditEvent) -> dict[str, Any]:
    return dict(json.loads(event.data)) if isinstance(event.data, str) else dict(event.data or {})


def last(session: Session) -> Call:
    session.expire_all()
    return session.scalars(sa.select(Call).order_by(Call.id.desc()).limit(1)).one()


def test_a_call_to_somebody_who_may_not_be_called_is_refused_with_what_was_typed(session: Session, agent: FlaskClient, donor: Customer) -> None:
    consent.withdraw_all(session, donor, source="form", actor=actor_with("consent.record", scopes={"*": "all"}), now=MONDAY)
    work.commit(session)

    answer = agent.post("/callcenter/new", data={**GIVEN, "direction": "out", "caller": donor.mobile, "note": "typed before"})
    page = text(answer)

    assert answer.status_code == 403
    assert "typed before" in page and "This customer is not contacted" in page
    assert session.scalar(sa.select(sa.func.count(Call.id))) == 0
    session.expire_all()
    denied = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "denied").order_by(AuditEvent.id.desc()).limit(1)).one()
    assert denied.record_id == str(donor.id)
    assert agent.post("/callcenter/new", data={**GIVEN, "caller": donor.mobile}).status_code == 302


@pytest.mark.parametrize("typed", ["0557654321", "+966 55 765 4321", "00966557654321", "٠٥٥٧٦٥٤٣٢١"])
def test_a_call_is_written_down_with_one_sending(session: Session, agent: FlaskClient, donor: Customer, typed: str) -> None:
    answer = agent.post("/callcenter/new", data={**GIVEN, "caller": typed, "then": "open"})

    call = last(session)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/callcenter/{call.id}")
    assert (call.customer_id, call.phone, call.duration_seconds) == (donor.id, "+966557654321", 125)
    assert donor.name in text(agent.get(f"/callcenter/{call.id}"))


def test_the_page_says_who_it_is_while_it_is_typed(agent: FlaskClient, donor: Customer) -> None:
    found = text(agent.post("/callcenter/new/parts", data={"caller": "055 765 4321"}))
    nobody = text(agent.post("/callcenter/new/parts", data={"caller": "0551110000"}))

    assert donor.name in found and f'value="{donor.number}"' in found
    assert "Nobody in the register has this number" in nobody and "/customers/forms/new" in nobody


def test_of_several_customers_the_agent_says_which(session: Session, agent: FlaskClient, donor: Customer, customer: Any) -> None:
    other = customer(name="فرع المؤسسة", mobile="0557654322", phone="0557654321")

    refused = agent.post("/callcenter/new", data={**GIVEN, "caller": "0557654321"})
    assert (refused.status_code, session.scalar(sa.select(sa.func.count(Call.id)))) == (422, 0)
    assert "Several customers match" in text(refused) and donor.name in text(refused) and other.name in text(refused)

    passed_over = agent.post("/callcenter/new", data={**GIVEN, "caller": "0557654321", "looked": "0557654321"})
    assert (passed_over.status_code, session.scalar(sa.select(sa.func.count(Call.id)))) == (422, 0) and other.name in text(passed_over)

    chosen = agent.post("/callcenter/new", data={**GIVEN, "caller": "0557654321", "looked": "0557654321", "choose": other.number})
    assert f'name="customer_number" type="hidden" value="{other.number}"' in text(chosen)
    agent.post("/callcenter/new", data={**GIVEN, "caller": "0557654321", "looked": "0557654321", "customer_number": other.number})
    assert last(session).customer_id == other.id


def test_a_stranger_a_name_and_no_number_at_all_are_kept(session: Session, agent: FlaskClient) -> None:
    for caller, wanted in (("0551110000", ("+966551110000", None)), ("أبو سالم", (None, "أبو سالم")), ("", (None, None))):
        assert agent.post("/callcenter/new", data={**GIVEN, "caller": caller}).status_code == 302
        assert (last(session).phone, last(session).name) == wanted


def test_a_wrong_number_is_refused_beside_its_field_and_what_was_typed_stays(session: Session, agent: FlaskClient) -> None:
    answer = agent.post("/callcenter/new", data={**GIVEN, "caller": "05512", "note": "kept", "subject": ""})

    page = text(answer)
    assert answer.status_code == 422 and session.scalar(sa.select(sa.func.count(Call.id))) == 0
    assert "no valid telephone number" in page and "Choose what the call was about" in page and "kept" in page


def test_a_promise_stands_in_the_queue_and_is_done_from_its_page(session: Session, agent: FlaskClient, donor: Customer) -> None:
    due = (MONDAY + timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M")
    agent.post("/callcenter/new", data={**GIVEN, "caller": donor.number, "result": "callback", "due_at": due, "callback_to": "0557654321"})
    promise = session.scalars(sa.select(Callback)).one()
    assert donor.name in text(agent.get("/callcenter/callbacks/")) and "call-back" in text(agent.get("/")).casefold()

    answer = agent.post(f"/callcenter/callbacks/{promise.id}/done", data={"done-result": "solved", "done-duration": "1:00", "done-subject": "donation"})

    assert answer.status_code == 302
    session.expire_all()
    assert (promise.state, promise.done_call_id) == ("done", last(session).id)
    assert donor.name not in text(agent.get("/callcenter/callbacks/")) and donor.name in text(agent.get("/callcenter/callbacks/?f.state=done"))
    again = agent.post(f"/callcenter/callbacks/{promise.id}/drop", data={"drop-reason": "x"})
    assert again.status_code == 409 and "settled already" in text(again)


def test_without_a_log_the_button_is_absent_and_its_address_refused(session: Session, agent: FlaskClient, staff: Staff, log: Log) -> None:
    work.begin_write(session)
    call = log(staff.agent)

    assert f"/callcenter/{call.id}/entry" not in text(agent.get(f"/callcenter/{call.id}"))
    assert agent.post(f"/callcenter/{call.id}/entry", data={"entry-kind": "complaint", "entry-text": "x"}).status_code == 404


def test_who_may_not_see_callers_sees_none(session: Session, english: None, client: FlaskClient, staff: Staff, donor: Customer, log: Log) -> None:
    log(staff.agent, customer_number=donor.number, phone="", note="kept from others")
    auth.set_permission(session, "quality_employee", "callcenter.personal", False, actor=operator())
    browser = sign_in(client, staff.quality.user)

    pages = [text(browser.get(address)) for address in ("/callcenter/", f"/callcenter/{last(session).id}", "/callcenter/callbacks/")]
    file = text(browser.post("/callcenter/export"))

    assert not any(hidden in page for page in (*pages, file) for hidden in (donor.name, "kept from others", "557654321"))


def test_who_may_not_read_a_customer_reads_none_of_the_calls(
    session: Session, english: None, client: FlaskClient, staff: Staff, customer: Any, log: Log,
) -> None:
    home = session.scalars(sa.select(Department).where(Department.slug == "finance")).one()
    donor = customer(name="مؤسسة الخير", mobile="0557654321", department_id=str(home.id))
    call = log(staff.manager, customer_number=donor.number, phone="", result="callback", due_at=MONDAY + timedelta(hours=2))
    promise = session.scalars(sa.select(Callback)).one()
    log(staff.agent, name="متصل آخر")
    elsewhere = session.scalars(sa.select(Department).where(Department.slug == "quality")).one()
    near = person(session, "cc_near", "crm_employee").user
    near.department_id = elsewhere.id
    auth.set_scope(session, "crm_employee", "department", actor=operator())
    session.flush()
    browser = sign_in(client, near)

    shown = text(browser.get("/callcenter/"))
    assert donor.name not in shown and "متصل آخر" in shown
    assert donor.name not in text(browser.post("/callcenter/export")) + text(browser.get("/callcenter/callbacks/"))
    assert [browser.get(address).status_code for address in (f"/callcenter/{call.id}", f"/callcenter/callbacks/{promise.id}")] == [404, 404]
    assert browser.post(f"/callcenter/callbacks/{promise.id}/drop", data={"drop-reason": "x"}).status_code == 404


def test_the_file_of_the_list_is_what_is_filtered_and_is_logged(session: Session, agent: FlaskClient, staff: Staff, donor: Customer, log: Log) -> None:
    work.begin_write(session)
    log(staff.agent, customer_number=donor.number, phone="", duration=200)
    log(staff.agent, direction="out")

    lines = text(agent.post("/callcenter/export", data={"f.direction": "in"})).splitlines()

    assert [donor.name in unguard(line) for line in lines] == [False] * (len(lines) - 1) + [True]
    assert "00:03:20" in lines[-1]
    logged = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "export")).one()
    assert (facts(logged)["rows"], facts(logged)["filter"]) == (1, {"direction": "in"})


def test_who_does_not_want_to_be_called_is_withdrawn_from_the_page_of_the_call(
    session: Session, agent: FlaskClient, staff: Staff, donor: Customer, log: Log,
) -> None:
    call = log(staff.agent, customer_number=donor.number, result="not_wanted")
    other = log(staff.agent, customer_number=donor.number)
    work.commit(session)
    assert "Record the withdrawal" in text(agent.get(f"/callcenter/{call.id}")) and "Record the withdrawal" not in text(agent.get(f"/callcenter/{other.id}"))

    assert agent.post(f"/callcenter/{other.id}/stop").status_code == 409
    for _twice in range(2):
        assert agent.post(f"/callcenter/{call.id}/stop").status_code == 302

    assert session.execute(sa.select(Consent.channel, Consent.purpose, Consent.given, Consent.source)).all() == [("phone", "all", False, "call")]
    assert "Record the withdrawal" not in text(agent.get(f"/callcenter/{call.id}"))


def test_calls_stand_in_the_bar_of_a_phone_for_whose_daily_work_they_are(english: None, agent: FlaskClient, client: FlaskClient, staff: Staff) -> None:
    def bar() -> list[str]:
        nav = text(client.get("/callcenter/")).split('<nav class="dw-bar-bottom"')[1].split("</nav>")[0]
        return re.findall(r'<a href="([^"]+)"', nav)

    of_agent = bar()
    sign_in(client, staff.manager.user)

    assert of_agent[:2] == ["/", "/callcenter/"] and len(of_agent) == 4 == len(set(of_agent))
    assert "/callcenter/" not in bar()


def test_the_donor_service_is_shown_where_calls_are(session: Session, agent: FlaskClient) -> None:
    assert "donor service" not in text(agent.get("/callcenter/new"))
    work.begin_write(session)
    settings.put(session, "callcenter.service_number", "1888808")
    settings.put(session, "callcenter.service_extension", "1")

    for address in ("/callcenter/", "/callcenter/new"):
        assert "Refer people to the donor service" in text(agent.get(address)) and "1888808" in text(agent.get(address))


def test_listening_asks_its_permission_and_each_time_is_logged(
    session: Session, english: None, app: Any, client: FlaskClient, staff: Staff, log: Log,
) -> None:
    call, content = log(staff.agent), b"RIFF....WAVE"
    recording = Recording(call_id=call.id, reference="2026/02/q-1.wav")
    session.add(recording)
    session.flush()
    folder: Path = state().association.folder / recordings.FOLDER
    folder.mkdir(exist_ok=True)
    (folder / "q-1.wav").write_bytes(content)
    address = f"/callcenter/{call.id}/recordings/{recording.id}"

    assert sign_in(client, staff.agent.user).post(address).status_code == 403
    quality = sign_in(app.test_client(), staff.quality.user)
    answers = [quality.post(address) for _time in range(2)]

    assert [(one.status_code, one.data) for one in answers] == [(200, content)] * 2
    session.expire_all()
    assert recording.sha256 == hashlib.sha256(content).hexdigest()
    heard = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "listen")).all()
    assert [(one.record_type, one.record_id, facts(one)["sha256"]) for one in heard] == [("callcenter_recording", str(recording.id), recording.sha256)] * 2

    (folder / "q-1.wav").write_bytes(b"another")
    assert quality.post(address).status_code == 409
    (folder / "q-1.wav").unlink()
    assert quality.post(address).status_code == 404


def test_a_file_without_headings_is_known_by_its_looks_and_its_zone_is_asked_for(
    session: Session, english: None, client: FlaskClient, staff: Staff,
) -> None:
    """From the upload to the list: the page proposes what each place holds, asks for the zone, and applies what was checked."""
    staff.manager.user.language = "en"
    session.flush()
    line = ('"c","0557654321","201","d","PJSIP/a-01","PJSIP/201-02","Dial","x","2026-01-26 01:51:32","","2026-01-26 01:52:04","31","13","ANSWERED","D","",'
            '"1.2","",2')
    manager = sign_in(client, staff.manager.user)
    file = io.BytesIO(f"{line}\n{line.replace('1.2', '1.3')}\n".encode()), "Master.csv"
    address = manager.post("/imports/new", data={"kind": "callcenter.records", "file": file, "operation_key": "k1"}).headers["Location"]

    page = text(manager.get(address))
    assert all(f'<option value="({place})" selected>' in page for place in (2, 3, 9, 12, 13, 14, 17))
    assert 'name="header_row" dir="ltr" inputmode="numeric" value="0"' in page and '<option value="Asia/Riyadh" selected>' in page

    columns = {"started": 9, "source": 2, "destination": 3, "duration": 12, "talk": 13, "disposition": 14, "unique": 17}
    given = {f"column.{key}": f"({place})" for key, place in columns.items()} | {"header_row": "0", "time_zone": "Europe/London", "act": "check"}
    checked = manager.post(address, data=given)
    assert checked.status_code == 302, text(checked)
    manager.post(f"{checked.headers['Location']}/apply", data={"expected": "2"})

    session.expire_all()
    calls = session.scalars(sa.select(Call)).all()
    assert [(one.direction, one.started_at.isoformat(), one.talk_seconds) for one in calls] == [("in", "2026-01-26T01:51:32+00:00", 13)] * 2


@pytest.mark.parametrize("reference", ["../association.toml", "/etc/passwd", "..\\association.toml", "..", ""])
def test_a_recording_never_lies_outside_its_folder(english: None, session: Session, reference: str) -> None:
    assert recordings.path_of(state().association.folder, reference) is None


def test_a_form_for_a_new_customer_begins_with_the_callers_number(session: Session, agent: FlaskClient) -> None:
    page = text(agent.post("/callcenter/new/parts", data={**GIVEN, "caller": "0559000001"}))
    begun = dict(re.findall(r'name="(begin\.\w+)" value="([^"]*)"', page))
    assert begun == {"begin.mobile": "+966559000001", "begin.registration_origin": "call"}

    form = agent.post("/customers/forms/new", data={**begun, "name": "سعد الجديد"})

    assert form.status_code == 200 and session.scalar(sa.select(sa.func.count(CustomerForm.id))) == 0
    assert 'value="سعد الجديد"' in text(form) and 'value="+966559000001"' in text(form) and '<option selected value="call">' in text(form)


def test_a_try_that_nobody_answered_stands_with_the_call_back(session: Session, agent: FlaskClient, donor: Customer) -> None:
    due = (MONDAY + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    with work.time_at(MONDAY):
        agent.post("/callcenter/new", data={**GIVEN, "caller": "", "result": "callback", "due_at": due, "callback_to": "0559000002"})
    made = session.scalars(sa.select(Callback)).one()
    given_in = text(agent.get(f"/callcenter/{made.call_id}"))
    assert f"/callcenter/callbacks/{made.id}" in given_in
    with work.time_at(MONDAY + timedelta(minutes=20)):
        form = {"done-result": "no_answer", "done-note": "rang out", "done-subject": "donation"}
        assert agent.post(f"/callcenter/callbacks/{made.id}/done", data=form).status_code == 302
        page = text(agent.get(f"/callcenter/callbacks/{made.id}"))

    assert "Called since the promise" in page and "No answer" in page and "rang out" in page


def test_who_says_in_a_campaign_that_he_is_not_to_be_called_leads_to_the_call(session: Session, agent: FlaskClient, staff: Staff, donor: Customer) -> None:
    beginner = actor_with("callcenter.campaigns", "callcenter.read", "customers.read", user_id=staff.manager.user.id, scopes={"*": "all"})
    campaign = campaigns.begin(session, {"title": "News", "numbers": donor.number}, actor=beginner, now=MONDAY)
    work.commit(session)
    task = session.scalars(sa.select(Task).where(Task.campaign_id == campaign.id)).one()

    answer = agent.post(f"/callcenter/campaigns/task/{task.id}/record", data={"record-result": "not_wanted"})

    assert answer.status_code == 302 and re.fullmatch(r"/callcenter/\d+", answer.headers["Location"])
    assert "Record the withdrawal" in text(agent.get(answer.headers["Location"]))
