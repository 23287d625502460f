"""ACC-34: a draft answer is not offered at intake, an approved one is; the website gets published ones only (CMPL-14)."""

from __future__ import annotations

import csv
import io

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.testing import sign_in
from plugins.complaints import faq
from tests.plugins.complaints.conftest import MONDAY, Staff

TYPED = "تبرعت قبل أسبوع ولم يصلني الإيصال"


def test_an_answer_from_draft_to_the_website(session: Session, staff: Staff, client: FlaskClient) -> None:
    receipt = faq.write(session, question_ar="متى يصدر إيصال التبرع؟", answer_ar="خلال يوم عمل.", actor=staff.crm.actor, now=MONDAY)
    other = faq.write(session, question_ar="أين مقر الجمعية؟", answer_ar="في حي الصفا.", actor=staff.crm.actor, now=MONDAY)
    assert faq.offered(session, TYPED) == []

    for one in (receipt, other):
        faq.approve(session, one, actor=staff.crm_manager.actor, now=MONDAY)
    assert faq.offered(session, TYPED) == [receipt]
    assert "إيصال" not in client.get("/p/complaints/answers").get_data(as_text=True)

    faq.publish(session, receipt, actor=staff.crm_manager.actor, now=MONDAY)
    page = client.get("/p/complaints/answers").get_data(as_text=True)
    assert "إيصال" in page and "مقر" not in page
    sign_in(client, staff.crm_manager.user)
    file = client.post("/complaints/faq/website.csv").get_data().decode("utf-8-sig")
    assert [row["answer_ar"] for row in csv.DictReader(io.StringIO(file))] == ["خلال يوم عمل."]


def test_at_intake_the_draft_is_not_on_the_page_and_the_approved_one_is(session: Session, staff: Staff, client: FlaskClient) -> None:
    one = faq.write(session, question_ar="متى يصدر إيصال التبرع؟", answer_ar="خلال يوم عمل.", actor=staff.crm.actor, now=MONDAY)
    sign_in(client, staff.crm.user)

    def seen() -> bool:
        return "خلال يوم عمل." in client.post("/complaints/new/parts", data={"text": TYPED}).get_data(as_text=True)

    assert not seen()
    work.begin_write(session)
    faq.approve(session, one, actor=staff.crm_manager.actor, now=MONDAY)
    work.commit(session)
    assert seen()
