"""The reviews as pages: who opens and closes them, and the whole way of the performance report by them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.auth.models import User
from core.procedures import recurring
from core.procedures.models import StepPeriod, StepRun
from core.testing import sign_in
from plugins.complaints.models import Cause, Entry, Performance, RepeatedLine
from tests.core.customers.conftest import person
from tests.plugins.complaints.conftest import Staff, department

LAST_DAY = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)


@pytest.fixture
def opened(session: Session, staff: Staff, receive: Callable[..., Entry], monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, int, int | None], StepPeriod]:
    """The periods that are open on the last day of January, two complaints of one cause among what they are about."""
    monkeypatch.setattr(work, "now", lambda: LAST_DAY)
    late = session.scalars(sa.select(Cause.id).where(Cause.code == "late")).one()
    for day in (26, 27):
        receive(staff.crm, at=datetime(2026, 1, day, 9, 0, tzinfo=UTC), cause_id=late)
    recurring.open_periods(session, {}, LAST_DAY)
    work.commit(session)
    return {(one.procedure_code, one.step_number, one.department_id): one for one in session.scalars(sa.select(StepPeriod))}


def as_(client: FlaskClient, user: User, language: str = "en") -> FlaskClient:
    sign_in(client, user)
    client.set_cookie("diwan_language", language)
    return client


@pytest.mark.parametrize("language", ["ar", "en"])
def test_every_review_opens_for_who_may_read_it(client: FlaskClient, staff: Staff, session: Session, opened: dict, language: str) -> None:
    browser = as_(client, staff.quality.user, language)

    assert browser.get("/complaints/reviews/").status_code == 200
    for period in opened.values():
        assert browser.get(f"/complaints/reviews/{period.id}").status_code == 200


def test_another_departments_review_is_not_there_for_an_employee(client: FlaskClient, staff: Staff, session: Session, opened: dict) -> None:
    theirs = opened["MAN-CMPL", 8, department(session, "centres_affairs").id]

    assert as_(client, staff.crm.user).get(f"/complaints/reviews/{theirs.id}").status_code == 404
    assert client.post(f"/complaints/reviews/{theirs.id}").status_code == 404
    assert client.get("/complaints/reviews/999999").status_code == 404


def test_the_manager_closes_the_week_and_the_employee_cannot(client: FlaskClient, staff: Staff, session: Session, opened: dict) -> None:
    week = opened["MAN-CMPL", 8, department(session, "crm").id]
    assert as_(client, staff.crm.user).post(f"/complaints/reviews/{week.id}", data={"text": "x"}).status_code == 409

    assert as_(client, staff.crm_manager.user).post(f"/complaints/reviews/{week.id}", data={"text": "راجعت السجل"}).status_code == 302
    session.expire_all()
    run = session.scalars(sa.select(StepRun).where(StepRun.record_type == "core_step_period", StepRun.record_id == week.id)).one()
    assert (run.is_open(), run.output_note) == (False, "راجعت السجل")


def test_quality_sends_the_repeated_complaints(client: FlaskClient, staff: Staff, session: Session, opened: dict) -> None:
    person(session, "planner", "strategic_planning_manager")
    work.commit(session)
    month = opened["MAN-CMPL", 7, None]
    browser = as_(client, staff.quality.user)
    assert browser.post(f"/complaints/reviews/{month.id}/lines").status_code == 302
    assert b"Each repeated complaint needs" in browser.post(f"/complaints/reviews/{month.id}").data

    line = session.scalars(sa.select(RepeatedLine)).one()
    texts = {"solution": "جدول", "implementation": "المركز", "monitoring": "أسبوعيًا"}
    assert browser.post(f"/complaints/reviews/{month.id}/lines/{line.id}", data=texts).status_code == 302
    assert browser.post(f"/complaints/reviews/{month.id}").status_code == 302
    assert b"RUN-2026-" in browser.get(f"/complaints/reviews/{month.id}").data
    assert browser.post(f"/complaints/reviews/{month.id}/lines/{line.id}", data=texts).status_code == 409


def test_the_performance_report_from_preparation_to_archive(client: FlaskClient, staff: Staff, session: Session, opened: dict) -> None:
    period = opened["MAN-RPT", 1, department(session, "crm").id]
    address = f"/complaints/reviews/{period.id}"
    for who, text in ((staff.crm, "شكويان"), (staff.crm_manager, "التأخر"), (staff.crm_manager, ""), (staff.secretary, "نوقش"), (staff.crm, "")):
        assert as_(client, who.user).post(address, data={"text": text}).status_code == 302, who.user.username
        assert client.get(address).status_code == 200

    session.expire_all()
    made = session.scalars(sa.select(Performance)).one()
    assert (made.weak_points, made.discussion, made.archived_at, made.submitted_at) == ("التأخر", "نوقش", LAST_DAY, LAST_DAY)
    assert b"archived" in client.get(address).data
    assert as_(client, staff.crm.user).post(address, data={"text": "x"}).status_code == 409


def test_a_missing_text_is_told_and_what_was_typed_stays(client: FlaskClient, staff: Staff, session: Session, opened: dict) -> None:
    period = opened["MAN-RPT", 1, department(session, "crm").id]
    assert as_(client, staff.crm.user).post(f"/complaints/reviews/{period.id}", data={"text": "شيء"}).status_code == 302
    work.commit(session)

    answer = as_(client, staff.crm_manager.user).post(f"/complaints/reviews/{period.id}", data={"text": " "})
    assert answer.status_code == 422
    assert b"Mark the weak points" in answer.data
