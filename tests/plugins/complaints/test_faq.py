"""Frequent questions: written, approved by another, published, offered where they fit; and the catalogue of causes (CMPL-06, 14)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.auth import services as auth
from core.errors import Conflict, InvalidInput, NotAllowed, faults
from core.testing import actor_with, sign_in
from plugins.complaints import causes, faq, queries
from plugins.complaints.models import Cause, Entry, Faq
from tests.plugins.complaints.conftest import MONDAY, Staff

PUBLIC = "/p/complaints/answers"
RECEIPT = {"question_ar": "متى يصدر إيصال التبرع؟", "answer_ar": "خلال يوم من وصول المبلغ."}
Write = Callable[..., Faq]


@pytest.fixture
def write(session: Session, staff: Staff) -> Write:
    """An answer of the employee of customer relations, brought to ``state`` by the manager."""

    def make(state: str = "draft", **values: Any) -> Faq:
        one = faq.write(session, **{**RECEIPT, **values}, actor=staff.crm.actor, now=MONDAY)
        if state != "draft":
            faq.approve(session, one, actor=staff.crm_manager.actor, now=MONDAY)
        if state == "published":
            faq.publish(session, one, actor=staff.crm_manager.actor, now=MONDAY)
        return one

    return make


def questions(found: Any) -> list[str]:
    return [one.question_ar for one in found]


# --- states ----------------------------------------------------------------------------------------------------------


def test_only_an_approved_answer_is_offered(session: Session, staff: Staff, write: Write) -> None:
    one = write()
    assert faq.offered(session, "لم يصلني الإيصال") == []

    faq.approve(session, one, actor=staff.crm_manager.actor, now=MONDAY)
    assert questions(faq.offered(session, "لم يصلني الإيصال")) == [RECEIPT["question_ar"]]
    assert (one.approved_by_id, one.approved_at) == (staff.crm_manager.user.id, MONDAY)


def test_who_wrote_it_does_not_approve_it(session: Session, staff: Staff) -> None:
    own = faq.write(session, **RECEIPT, actor=staff.crm_manager.actor, now=MONDAY)

    with pytest.raises(NotAllowed) as refused:
        faq.approve(session, own, actor=staff.crm_manager.actor, now=MONDAY)
    assert (refused.value.rule, own.state) == ("CMPL-14", "draft")
    faq.approve(session, own, actor=staff.centres_manager.actor, now=MONDAY)


def test_an_employee_neither_approves_nor_publishes_nor_withdraws(session: Session, staff: Staff, write: Write) -> None:
    for state, act in (("draft", faq.approve), ("approved", faq.publish), ("published", faq.withdraw)):
        with pytest.raises(NotAllowed):
            act(session, write(state), actor=staff.centres.actor, now=MONDAY)


def test_changed_words_need_a_new_approval(session: Session, staff: Staff, write: Write) -> None:
    one = write("published")

    faq.write(session, one, **{**RECEIPT, "answer_ar": "خلال يومين."}, actor=staff.crm_manager.actor, now=MONDAY)

    assert (one.state, one.approved_by_id, faq.published(session), faq.offered(session, "الإيصال")) == ("draft", None, [], [])
    with pytest.raises(NotAllowed):
        faq.approve(session, one, actor=staff.crm_manager.actor, now=MONDAY)


def test_each_state_is_reached_once(session: Session, staff: Staff, write: Write) -> None:
    for state, act in (("draft", faq.publish), ("draft", faq.withdraw), ("approved", faq.approve), ("published", faq.publish)):
        with pytest.raises(Conflict):
            act(session, write(state), actor=staff.crm_manager.actor, now=MONDAY)
    withdrawn = faq.withdraw(session, write("published"), actor=staff.crm_manager.actor, now=MONDAY)
    assert (withdrawn.state, withdrawn.approved_at) == ("draft", None)


@pytest.mark.parametrize(("values", "field"), [
    ({"question_ar": " "}, "question_ar"), ({"answer_ar": ""}, "answer_ar"), ({"question_en": "When?"}, "answer_en"), ({"answer_en": "Soon."}, "question_en"),
    ({"question_ar": "س" * 301}, "question_ar"), ({"answer_ar": "a\u202eb"}, "answer_ar"), ({"cause_id": "999"}, "cause_id"), ({"cause_id": "x"}, "cause_id"),
])
def test_what_cannot_be_an_answer_is_refused_with_its_field(session: Session, write: Write, values: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        write(**values)
    assert [one.field for one in faults(refused.value)] == [field]


def test_the_acts_are_in_the_log_by_their_names(session: Session, staff: Staff, write: Write) -> None:
    faq.withdraw(session, write("published"), actor=staff.crm_manager.actor, now=MONDAY)
    work.commit(session)

    acts = session.scalars(sa.select(AuditEvent.action).where(AuditEvent.record_type == "complaints_faq").order_by(AuditEvent.id)).all()
    assert [act for act in acts if act in ("approve", "publish", "withdraw")] == ["approve", "publish", "withdraw"]


# --- offering --------------------------------------------------------------------------------------------------------


@pytest.fixture
def shelf(write: Write) -> None:
    write("approved")
    write("approved", question_ar="كيف أسجل في محاضرات المركز؟", answer_ar="من صفحة المركز.", question_en="How do I register for lectures?",
          answer_en="On the centre's page.")
    write("published", question_ar="ما شروط استحقاق السلة الغذائية؟", answer_ar="يدرس المركز الحالة.")
    write(question_ar="هل تُلغى المحاضرات؟", answer_ar="مسودة.")


@pytest.mark.parametrize(("typed", "found"), [
    ("لم يصلني إِيصـال تبرعي", ["متى يصدر إيصال التبرع؟"]), ("وبالايصالات خطأ", ["متى يصدر إيصال التبرع؟"]),
    ("LECTURE cancelled", ["كيف أسجل في محاضرات المركز؟"]),
    ("أُلغيت محاضره الخميس", ["كيف أسجل في محاضرات المركز؟"]), ("السلة", ["ما شروط استحقاق السلة الغذائية؟"]), ("في من إلى", []), ("؟؟ ...", []), ("", []),
    ("الطقس جميل", []),
])
def test_answers_are_offered_by_shared_words_however_they_are_written(session: Session, shelf: None, typed: str, found: list[str]) -> None:
    assert questions(faq.offered(session, typed)) == found


def test_the_nearest_comes_first_and_few_are_offered(session: Session, write: Write) -> None:
    for n in range(8):
        write("approved", question_ar=f"سؤال رقم {n} عن البرنامج", answer_ar="جواب")
    write("approved", question_ar="موعد البرنامج الصيفي للأطفال", answer_ar="في يوليو")

    found = questions(faq.offered(session, "متى موعد البرنامج الصيفي؟"))
    assert (found[0], len(found)) == ("موعد البرنامج الصيفي للأطفال", 1)


# --- website ---------------------------------------------------------------------------------------------------------


def test_the_public_page_shows_published_ones_only(client: FlaskClient, session: Session, shelf: None) -> None:
    page = client.get(PUBLIC).get_data(as_text=True)

    assert "السلة الغذائية" in page
    assert not [word for word in ("إيصال", "محاضرات", "المحاضرات") if word in page]
    assert "Frequent questions" in client.get(f"{PUBLIC}?lang=en").get_data(as_text=True)


def test_the_public_page_without_answers_says_so(client: FlaskClient, session: Session) -> None:
    assert "No answers have been published yet." in client.get(f"{PUBLIC}?lang=en").get_data(as_text=True)


def test_the_file_holds_published_ones_and_is_logged(client: FlaskClient, session: Session, shelf: None, staff: Staff) -> None:
    sign_in(client, staff.crm_manager.user)
    answer = client.post("/complaints/faq/website.csv")

    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert [row["question_ar"] for row in rows] == ["ما شروط استحقاق السلة الغذائية؟"]
    logged = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "export").order_by(AuditEvent.id.desc())).first()
    assert logged is not None and '"rows":1' in (logged.data or "").replace(" ", "")


# --- pages -----------------------------------------------------------------------------------------------------------


def test_an_answer_goes_its_way_on_the_pages(client: FlaskClient, session: Session, staff: Staff) -> None:
    sign_in(client, staff.crm.user)
    assert client.post("/complaints/faq/new/", data={**RECEIPT, "cause_id": ""}).status_code == 302
    one = session.scalars(sa.select(Faq)).one()
    assert client.post("/complaints/faq/act/", data={"id": one.id, "act": "approve"}).status_code == 403

    sign_in(client, staff.crm_manager.user)
    for act, state in (("approve", "approved"), ("publish", "published"), ("withdraw", "draft")):
        assert client.post("/complaints/faq/act/", data={"id": one.id, "act": act}).status_code == 302
        session.expire_all()
        assert one.state == state
        assert client.get(f"/complaints/faq/details/?id={one.id}").status_code == 200
    assert client.post("/complaints/faq/act/", data={"id": one.id, "act": "erase"}).status_code == 404


def test_the_list_is_searched_in_folded_words(client: FlaskClient, session: Session, staff: Staff, shelf: None) -> None:
    sign_in(client, staff.crm.user)
    page = client.get("/complaints/faq/?q=الايصالِ").get_data(as_text=True)

    assert "إيصال" in page and "السلة" not in page


def test_a_cause_is_added_renamed_and_taken_out_of_use_on_its_page(client: FlaskClient, session: Session, staff: Staff) -> None:
    sign_in(client, staff.crm_manager.user)
    assert client.post("/complaints/causes/new/", data={"name_ar": "ازدحام", "name_en": "Crowding", "active": "y"}).status_code == 302
    cause = session.scalars(sa.select(Cause).where(Cause.name_ar == "ازدحام")).one()

    assert client.post(f"/complaints/causes/edit/?id={cause.id}", data={"name_ar": "الازدحام", "name_en": "Crowding"}).status_code == 302
    session.expire_all()
    assert (cause.name_ar, cause.active) == ("الازدحام", False)
    assert cause not in queries.causes(session)
    assert cause in queries.causes(session, active=False)


def test_two_causes_of_one_name_are_refused(session: Session) -> None:
    keeper = actor_with(causes.MANAGE)
    first = causes.save(session, name_ar="ازدحام", name_en="Crowding", actor=keeper, now=MONDAY)

    for values in ({"name_ar": "إزدحَام"}, {"name_ar": "شيء", "name_en": "crowding"}, {"name_ar": ""}):
        with pytest.raises(InvalidInput):
            causes.save(session, **values, actor=keeper, now=MONDAY)
    causes.save(session, first, name_ar="ازدحام شديد", name_en="Crowding", active=False, actor=keeper, now=MONDAY)


def test_only_who_keeps_causes_changes_them(session: Session, staff: Staff) -> None:
    with pytest.raises(NotAllowed):
        causes.save(session, name_ar="ازدحام", actor=staff.crm.actor, now=MONDAY)


def test_entries_keep_a_cause_out_of_use(session: Session, staff: Staff, receive: Callable[..., Entry]) -> None:
    cause = queries.causes(session)[0]
    entry = receive(staff.crm, cause_id=str(cause.id))
    causes.save(session, cause, name_ar=cause.name_ar, name_en=cause.name_en, active=False, actor=actor_with(causes.MANAGE), now=MONDAY)

    assert entry.cause_id == cause.id
    with pytest.raises(InvalidInput):
        receive(staff.crm, cause_id=str(cause.id))


def test_own_words_are_approved_neither_by_a_deputy_nor_after_anothers_save(session: Session, staff: Staff) -> None:
    own = faq.write(session, **RECEIPT, actor=staff.crm_manager.actor, now=MONDAY)
    auth.delegate(session, staff.crm_manager.user, staff.crm.user, MONDAY.date(), MONDAY.date() + timedelta(days=3), actor=staff.crm_manager.actor, now=MONDAY)
    deputy = auth.actor_for(session, staff.crm.user, source="web", now=MONDAY)

    faq.write(session, own, **RECEIPT, actor=staff.crm.actor, now=MONDAY)

    assert own.made_by_id == staff.crm_manager.user.id
    for actor in (staff.crm_manager.actor, deputy):
        with pytest.raises(NotAllowed):
            faq.approve(session, own, actor=actor, now=MONDAY)
