"""The pages for everybody: the form, the answer with number and code, following, and what a flood meets (CMPL-01, 24)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import settings, work
from core.errors import InvalidInput
from core.files import services as files
from core.organisation.models import Centre
from core.procedures.models import StepRun
from core.testing import sign_in
from plugins.complaints import domain, follow, limits, public, services
from plugins.complaints.models import Entry, Limit
from tests.plugins.complaints.conftest import MONDAY, Person, Staff

FORM, FOLLOW = "/p/complaints/", "/p/complaints/follow"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + b"\x00\x00\x00\x02\x00\x00\x00\x02\x08\x06\x00\x00\x00" + b"\x00" * 4
GIVEN = {"kind": "complaint", "text": "أُلغيت محاضرة مركز حي الصفا مساء الخميس ولم يُبلَّغ المسجلون.", "name": "هند سعد الغامدي", "phone": "055 512 0348",
         "consent": "y"}


@pytest.fixture(autouse=True)
def monday() -> Any:
    with work.time_at(MONDAY):
        yield


def send(client: FlaskClient, address: str = "10.1.1.1", **values: Any) -> Any:
    given = {**GIVEN, **values}
    return client.post(FORM, data={key: value for key, value in given.items() if value is not None}, environ_overrides={"REMOTE_ADDR": address})


def send_large(client: FlaskClient, size: int) -> Any:
    """The form with a picture of this size, as bytes: the test client would leave a temporary file open."""
    parts = [f'--cut\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode() for key, value in GIVEN.items()]
    head = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="large.jpg"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff'
    return client.post(FORM, data=b"".join(parts) + head + b"0" * size + b"\r\n--cut--\r\n", content_type="multipart/form-data; boundary=cut")


def text_of(answer: Any) -> str:
    return re.sub(r"[\u2066-\u2069]", "", answer.get_data(as_text=True))


def entries(session: Session) -> list[Entry]:
    return list(session.scalars(sa.select(Entry).order_by(Entry.id)))


def handed(answer: Any) -> tuple[str, str]:
    """Number and code on the page after sending."""
    page = text_of(answer)
    number, code = re.search(r"C-2026-\d{4,}", page), re.search(rf"\b[{follow.LETTERS}]{{5}}-[{follow.LETTERS}]{{5}}\b", page)
    assert number is not None and code is not None
    return number.group(), code.group()


@pytest.mark.parametrize(("language", "heading"), [("ar", "شكوى أو استفسار أو اقتراح"), ("en", "A complaint, an inquiry or a suggestion")])
def test_the_form_is_open_to_everybody_in_both_languages(client: FlaskClient, language: str, heading: str) -> None:
    answer = client.get(f"{FORM}?lang={language}")

    assert answer.status_code == 200
    assert f"<h1>{heading}</h1>" in text_of(answer)


def test_what_is_sent_stands_in_the_log_and_waits_in_the_inbox(client: FlaskClient, session: Session, centre: Centre) -> None:
    answer = send(client, place=f"centre-{centre.id}", email="hind@example.org")

    entry = entries(session)[-1]
    number, code = handed(answer)
    assert (answer.status_code, entry.number) == (200, number)
    assert (entry.kind, entry.channel, entry.source, entry.state, entry.name, entry.phone, entry.email, entry.centre_id, entry.registered_by_id) == (
        "complaint", "website", "public", "received", "هند سعد الغامدي", "+966555120348", "hind@example.org", centre.id, None)
    waiting = session.scalars(sa.select(StepRun).where(StepRun.record_type == "complaints_entry", StepRun.record_id == entry.id, StepRun.ended_at.is_(None)))
    assert [run.step_number for run in waiting] == [2]
    assert follow.find(session, number, code) is entry


@pytest.mark.parametrize(("changed", "field"), [
    ({"text": " "}, "text"), ({"text": "ا" * 2001}, "text"), ({"name": ""}, "name"), ({"phone": "055 512"}, "phone"), ({"phone": ""}, "phone"),
    ({"email": "hind@"}, "email"), ({"consent": None}, "consent"), ({"kind": "ticket"}, "kind"), ({"kind": None}, "kind"),
    ({"place": "centre-999999"}, "place"), ({"place": "x"}, "place"), ({"text": "a\u202eb"}, "text"),
])
@pytest.mark.parametrize("language", ["ar", "en"])
def test_each_fault_stands_beside_its_field_and_nothing_is_saved(
    client: FlaskClient, session: Session, centre: Centre, changed: dict[str, Any], field: str, language: str,
) -> None:
    client.set_cookie("diwan_language", language)
    answer = send(client, **changed)

    assert answer.status_code == 422
    assert f'id="{field}-error"' in text_of(answer)
    assert len(re.findall(r'class="dw-error"', text_of(answer))) == 1
    assert entries(session) == []
    assert session.scalars(sa.select(Limit)).all() == []


def test_a_text_of_the_longest_passes_however_lines_are_broken(client: FlaskClient, session: Session) -> None:
    send(client, text="ا" * 999 + "\r\n" + "ا" * 1000)

    assert len(entries(session)[0].text) == public.LONGEST_TEXT


def test_an_attachment_is_read_through_its_entry_by_who_may_read_that_and_its_complainant(client: FlaskClient, session: Session, staff: Staff) -> None:
    send(client, file=(BytesIO(PNG), "صورة.png"))
    send(client)

    entry, other = entries(session)
    kept, = files.attached_to(session, entry)
    assert (kept.name, kept.subject_id, entry.department_id) == ("صورة.png", entry.subject_id, staff.crm.user.department_id)

    def tried(who: Person, *addresses: str) -> list[int]:
        sign_in(client, who.user)
        return [client.get(address).status_code for address in addresses]

    through, general = f"/complaints/{entry.id}/files/{kept.id}", f"/files/{kept.id}"
    assert tried(staff.crm, through, general, f"/complaints/{other.id}/files/{kept.id}") == [200, 403, 404]
    assert client.get(through).data == PNG and f'href="{through}"' in text_of(client.get(f"/complaints/{entry.id}"))
    assert client.get(through).headers["Content-Disposition"].startswith("attachment")
    assert tried(staff.centres, through, general) == [404, 403], "another department, although it may see complainants"
    assert tried(staff.secretary, through, general) == [403, 403], "reads the whole log, but not what complainants sent"
    assert tried(staff.quality, through, general) == [200, 403]


def test_what_the_sender_agreed_to_and_when_is_kept_with_the_entry_and_shown(client: FlaskClient, session: Session, staff: Staff) -> None:
    form = text_of(client.get(f"{FORM}?lang=en"))
    wording = domain.consents()[domain.consent_now()]
    assert wording.en in form and wording.en not in text_of(client.get(f"{FORM}?lang=ar"))
    send(client)

    entry = entries(session)[0]
    assert (entry.consented_at, entry.consent_version) == (MONDAY, domain.consent_now())
    sign_in(client, staff.crm.user)
    assert wording.ar in text_of(client.get(f"/complaints/{entry.id}"))


def test_without_consent_the_service_keeps_nothing(session: Session) -> None:
    for given in ({}, {"consent": ""}, {"consent": "9"}):
        with pytest.raises(InvalidInput) as refused:
            services.receive_from_public(session, {**GIVEN, "consent": None, **given}, actor=public.visitor(), now=MONDAY)
        assert refused.value.field == "consent"
    assert entries(session) == []


@pytest.mark.parametrize(("content", "name"), [(b"MZ...", "note.pdf"), (b"", "empty.png")])
def test_a_file_that_may_not_be_sent_is_refused_beside_its_field(client: FlaskClient, session: Session, content: bytes, name: str) -> None:
    answer = send(client, file=(BytesIO(content), name))

    assert (answer.status_code, entries(session)) == (422, [])
    assert 'id="file-error"' in text_of(answer)


def test_a_file_too_large_is_refused_beside_its_field(client: FlaskClient, session: Session) -> None:
    answer = send_large(client, public.LARGEST_FILE)

    assert (answer.status_code, entries(session)) == (422, [])
    assert 'id="file-error"' in text_of(answer) and "5" in text_of(answer)


def test_a_request_that_no_form_makes_is_not_read(client: FlaskClient, session: Session) -> None:
    assert (send_large(client, public.LARGEST_REQUEST).status_code, entries(session)) == (413, [])


def test_the_same_sending_twice_is_one_entry_with_one_file(client: FlaskClient, session: Session) -> None:
    first = send(client, operation_key="twice", file=(BytesIO(PNG), "a.png"))
    second = send(client, operation_key="twice", file=(BytesIO(PNG), "a.png"))

    entry, = entries(session)
    assert handed(first)[0] == handed(second)[0] == entry.number
    assert follow.find(session, *handed(second)) is entry
    assert len(files.attached_to(session, entry)) == 1


def test_a_sending_without_a_token_is_refused(app: Flask, session: Session, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        assert send(client).status_code == 400
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert entries(session) == []


def test_a_member_of_staff_who_uses_the_form_counts_as_the_public(client: FlaskClient, session: Session, staff: Staff) -> None:
    sign_in(client, staff.crm.user)
    send(client)

    assert (entries(session)[0].registered_by_id, entries(session)[0].source) == (None, "public")


def test_when_the_form_is_off_form_and_following_are_gone(client: FlaskClient, session: Session) -> None:
    settings.put(session, "complaints.public_form", False)

    assert [client.get(FORM).status_code, send(client).status_code, client.get(FOLLOW).status_code] == [404, 404, 404]
    assert entries(session) == []


# --- limits ----------------------------------------------------------------------------------------------------------


def test_a_flood_from_one_address_is_refused_while_others_and_staff_go_on(client: FlaskClient, session: Session, staff: Staff) -> None:
    settings.put(session, "complaints.public_each", 3)

    flood = [send(client).status_code for _n in range(6)]
    refused = send(client)

    assert flood == [200, 200, 200, 429, 429, 429]
    assert refused.headers["Retry-After"] == "3600"
    assert "أُلغيت محاضرة" in text_of(refused)
    assert send(client, address="10.1.1.2").status_code == 200
    assert client.get(FORM, environ_overrides={"REMOTE_ADDR": "10.1.1.1"}).status_code == 200
    sign_in(client, staff.crm.user)
    assert client.get("/", environ_overrides={"REMOTE_ADDR": "10.1.1.1"}).status_code == 200
    assert len(entries(session)) == 4


def test_what_is_refused_writes_nothing(client: FlaskClient, session: Session) -> None:
    settings.put(session, "complaints.public_each", 1)
    send(client)
    before = [(row.key, row.count) for row in session.scalars(sa.select(Limit).order_by(Limit.key))]

    send(client)

    assert [(row.key, row.count) for row in session.scalars(sa.select(Limit).order_by(Limit.key))] == before


def test_the_second_sending_of_the_last_one_let_through_still_tells_its_number(client: FlaskClient, session: Session) -> None:
    settings.put(session, "complaints.public_each", 1)

    assert [send(client, operation_key="last").status_code, send(client, operation_key="last").status_code] == [200, 200]
    assert len(entries(session)) == 1


def test_all_addresses_together_have_a_limit_too(client: FlaskClient, session: Session) -> None:
    settings.put(session, "complaints.public_all", 2)

    assert [send(client, address=f"10.1.1.{n}").status_code for n in range(4)] == [200, 200, 429, 429]


def test_after_an_hour_it_begins_anew(client: FlaskClient, session: Session) -> None:
    settings.put(session, "complaints.public_each", 1)
    send(client)

    with work.time_at(MONDAY + timedelta(minutes=59)):
        assert send(client).status_code == 429
    with work.time_at(MONDAY + timedelta(minutes=60)):
        assert send(client).status_code == 200


def test_a_clock_that_jumped_ahead_locks_nobody_out(client: FlaskClient, session: Session) -> None:
    settings.put(session, "complaints.public_each", 1)
    with work.time_at(MONDAY + timedelta(days=400)):
        send(client)

    assert send(client).status_code == 200


def test_the_many_addresses_of_one_ipv6_network_are_one(client: FlaskClient, session: Session) -> None:
    assert limits.network("2001:db8:1:2::1") == limits.network("2001:db8:1:2:ffff::9") != limits.network("2001:db8:1:3::1")
    assert limits.network("10.1.1.1") != limits.network("10.1.1.2")


def test_old_counts_are_forgotten(client: FlaskClient, session: Session) -> None:
    send(client)
    limits.sweep(session, {}, MONDAY + timedelta(hours=23))
    assert len(session.scalars(sa.select(Limit)).all()) == 2
    limits.sweep(session, {}, MONDAY + timedelta(hours=25))

    assert session.scalars(sa.select(Limit)).all() == []


# --- following -------------------------------------------------------------------------------------------------------


def look(client: FlaskClient, number: str, code: str, address: str = "10.1.1.1", language: str = "ar") -> Any:
    return client.post(f"{FOLLOW}?lang={language}", data={"number": number, "code": code}, environ_overrides={"REMOTE_ADDR": address})


def test_number_and_code_show_state_dates_public_lines_and_answer_and_nothing_else(
    client: FlaskClient, session: Session, staff: Staff,
) -> None:
    number, code = handed(send(client))
    entry = entries(session)[0]
    services.study(session, entry, "خطأ داخلي في الجدول", "مركز الصفا", actor=staff.crm.actor, now=MONDAY)
    services.add_update(session, entry, "سألنا المركز عن الموعد", actor=staff.crm.actor, now=MONDAY, public=True)
    services.add_update(session, entry, "الموظف مقصر", actor=staff.crm.actor, now=MONDAY)

    page = text_of(look(client, number, code))
    assert "قيد الدراسة" in page and "سألنا المركز عن الموعد" in page
    assert not [word for word in ("الموظف مقصر", "خطأ داخلي", "هند", "0555120348", "أُلغيت") if word in page]

    services.close(session, entry, answer="أُعيدت المحاضرة يوم الأحد", answer_channel="phone", returned_at=MONDAY, actor=staff.crm.actor, now=MONDAY)
    closed = text_of(look(client, number, code))
    assert closed.count("أُعيدت المحاضرة يوم الأحد") == 1 and "مغلقة" in closed
    assert "Closed" in text_of(look(client, number, code, language="en"))


@pytest.mark.parametrize("typed", [lambda n, c: (n.lower(), c.lower()), lambda n, c: (f" {n[2:]} ", c.replace("-", " ")),
                                   lambda n, c: (n.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")), c)])
def test_number_and_code_are_read_as_people_write_them(client: FlaskClient, typed: Callable[[str, str], tuple[str, str]]) -> None:
    number, code = handed(send(client))

    assert look(client, *typed(number, code)).status_code == 200


def test_a_wrong_number_and_a_wrong_code_are_answered_alike(client: FlaskClient) -> None:
    number, code = handed(send(client))
    wrong_code, wrong_number = look(client, number, "22222-22222"), look(client, "C-2026-9999", code)

    def plain(answer: Any) -> str:
        return re.sub(r'(value|nonce)="[^"]*"', "", text_of(answer))

    assert (wrong_code.status_code, wrong_number.status_code) == (422, 422)
    assert plain(wrong_code) == plain(wrong_number)


def test_who_guesses_is_stopped_even_with_the_right_code(client: FlaskClient, session: Session) -> None:
    settings.put(session, "complaints.public_each", 3)
    number, code = handed(send(client))

    assert [look(client, number, "22222-22222").status_code for _n in range(4)] == [422, 422, 422, 429]
    assert look(client, number, code).status_code == 429
    assert look(client, number, code, address="10.1.1.9").status_code == 200


def test_following_does_not_use_up_what_may_be_sent(client: FlaskClient, session: Session) -> None:
    settings.put(session, "complaints.public_each", 2)
    number, code = handed(send(client))

    assert [look(client, number, code).status_code for _n in range(5)] == [200] * 5
    assert send(client).status_code == 200


@pytest.mark.parametrize("fields", [{}, {"number": "C-2026-0001"}, {"number": "x" * 600, "code": "y"}, {"number": "\u0000", "code": "a"}])
def test_odd_questions_are_refused_and_never_an_error(client: FlaskClient, fields: dict[str, str]) -> None:
    assert client.post(FOLLOW, data=fields).status_code in (400, 422)
