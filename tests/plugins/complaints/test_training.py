"""Trainings in handling complaints, and who is told that none is on record (CMPL-13)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.errors import InvalidInput, NotAllowed, faults
from core.testing import sign_in
from plugins.complaints import training
from plugins.complaints.models import Training
from tests.plugins.complaints.conftest import MONDAY, Staff

COURSE = {"topic": "فن التعامل مع الشكاوى", "held_on": date(2026, 1, 11)}
WARNING = "لم يُسجَّل لك تدريب"


@pytest.fixture(autouse=True)
def monday() -> Any:
    with work.time_at(MONDAY):
        yield


def record(session: Session, staff: Staff, **changed: Any) -> Training:
    given = {"user_id": staff.crm.user.id, **COURSE, **changed}
    return training.record(session, **given, actor=staff.crm_manager.actor, now=MONDAY)


def test_who_writes_entries_down_without_a_training_is_warned_and_helps_the_caller_all_the_same(
    client: FlaskClient, session: Session, staff: Staff,
) -> None:
    sign_in(client, staff.crm.user)
    before = client.get("/complaints/new")
    work.begin_write(session)
    record(session, staff)
    after = client.get("/complaints/new")

    assert before.status_code == after.status_code == 200
    assert WARNING in before.get_data(as_text=True) and WARNING not in after.get_data(as_text=True)


def test_the_page_lists_who_has_one_and_who_writes_entries_down_without(client: FlaskClient, session: Session, staff: Staff) -> None:
    sign_in(client, staff.crm_manager.user)
    without = {one.id for one in training.untrained(session)}
    assert {staff.crm.user.id, staff.centres.user.id} <= without and staff.secretary.user.id not in without

    answer = client.post("/complaints/training/new/", data={"user_id": str(staff.crm.user.id), "topic": COURSE["topic"], "held_on": "2026-01-11"})

    assert answer.status_code == 302
    assert {one.id for one in training.untrained(session)} == without - {staff.crm.user.id}
    page = client.get("/complaints/training/").get_data(as_text=True)
    assert COURSE["topic"] in page and str(staff.centres.user.name) in page.split("dw-notice")[1].split("</div>")[0]


def test_the_same_training_written_down_twice_is_one(session: Session, staff: Staff) -> None:
    assert record(session, staff) is record(session, staff)
    assert record(session, staff, topic="الاستماع") is not record(session, staff)


def test_each_fault_names_its_field(session: Session, staff: Staff) -> None:
    with pytest.raises(InvalidInput) as refused:
        record(session, staff, user_id=None, topic=" ", held_on=(MONDAY + timedelta(days=1)).date())

    assert [(fault.field, fault.rule) for fault in faults(refused.value)] == [("user_id", "CMPL-13"), ("topic", "CMPL-13"), ("held_on", "CMPL-13")]


def test_only_who_keeps_the_log_records_trainings(client: FlaskClient, session: Session, staff: Staff) -> None:
    with pytest.raises(NotAllowed):
        training.record(session, user_id=staff.crm.user.id, **COURSE, actor=staff.crm.actor, now=MONDAY)
    sign_in(client, staff.crm.user)
    assert client.get("/complaints/training/").status_code == 403
