"""Developments with their measures, improvement actions, and money on leads as finance sees it (LEAD-24, 27, FIN-06, 07)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import work
from core.customers.models import Customer
from core.errors import Conflict, InvalidInputs, NotAllowed
from core.finance import batches
from core.finance import reports as finance_reports
from core.finance.batches import Choice
from core.finance.models import Contribution
from core.i18n import use_language
from core.notices.models import Notice
from core.organisation.models import Programme
from core.recommendations.models import Recommendation
from core.testing import actor_with
from plugins.leads import developments, reports, services
from plugins.leads.models import Development, Improvement, Lead
from tests.plugins.leads.conftest import MARCH, SUNDAY, Person, Staff

FINANCE = actor_with("finance.read", "customers.read", scopes={"*": "all"})


# --- developments and improvement actions --------------------------------------------------------------------------------


def test_a_development_names_whom_it_affects_and_the_measure(session: Session, staff: Staff, programme: Programme, donor: Customer) -> None:
    made = developments.record(session, kind="external", text="تأخر المانح عن سداد الدفعة", measure="خطاب تذكير ولقاء", happened_on=date(2026, 3, 8),
                               programme_ids=[programme.id], donors=[donor.number], actor=staff.employee.actor, now=MARCH)

    assert [(one.programme_id, one.customer_id) for one in developments.affected(session, [made])[made.id]] == [(programme.id, None), (None, donor.id)]
    assert (made.number, made.happened_on) == ("D-0001", date(2026, 3, 8))
    with pytest.raises(InvalidInputs) as refused:
        developments.record(session, kind="odd", text="", measure=" ", happened_on=date(2027, 1, 1), donors=["77"], actor=staff.employee.actor, now=MARCH)
    assert [fault.field for fault in refused.value.faults] == ["kind", "text", "measure", "happened_on", "donors"]
    with pytest.raises(InvalidInputs) as nobody:
        developments.record(session, kind="internal", text="عطل", measure="إصلاح", happened_on=None, actor=staff.employee.actor, now=MARCH)
    assert [fault.field for fault in nobody.value.faults] == ["happened_on", "programme_ids"]
    with pytest.raises(NotAllowed):
        developments.record(session, kind="internal", text="عطل", measure="إصلاح", happened_on=date(2026, 3, 8), actor=staff.quality.actor, now=MARCH)


def test_a_development_has_its_page_and_a_recommendation_is_raised_on_it(
    session: Session, staff: Staff, programme: Programme, donor: Customer, browser: Callable[[Person], FlaskClient],
) -> None:
    client = browser(staff.manager)
    given = {"kind": "external", "happened_on": "2026-03-08", "text": "تأخر الدفعة", "measure": "خطاب تذكير", "programme_ids": [programme.id],
             "donors": donor.number}
    assert client.post("/leads/developments/new/", data={**given, "measure": ""}).status_code == 422
    assert client.post("/leads/developments/new/", data=given).status_code == 302
    made = session.scalars(sa.select(Development)).one()
    page = client.get(f"/leads/developments/{made.id}").get_data(as_text=True)
    assert "مؤسسة الخير" in page
    assert 'name="recommendation-text"' in page or "recommend" in page
    assert "مؤسسة الخير" in client.get("/leads/developments/?f.kind=external").get_data(as_text=True)
    assert session.scalar(sa.select(sa.func.count(Recommendation.id))) == 0

    client = browser(staff.quality)
    assert "مؤسسة الخير" not in client.get(f"/leads/developments/{made.id}").get_data(as_text=True)
    assert "مؤسسة الخير" not in client.get("/leads/developments/").get_data(as_text=True)


def test_an_improvement_has_source_action_person_day_and_result(session: Session, staff: Staff) -> None:
    given = {"relation": "donors", "source": "شكوى", "action": "تقرير ربع سنوي لكل مانح", "due_on": date(2026, 6, 1)}
    made = developments.plan(session, **given, person_id=staff.employee.user.id, actor=staff.manager.actor, now=MARCH)  # type: ignore[arg-type]
    assert session.scalar(sa.select(sa.func.count(Notice.id)).where(Notice.user_id == staff.employee.user.id)) == 1
    with pytest.raises(NotAllowed):
        developments.finish(session, made, result="أرسل", actor=staff.colleague.actor, now=MARCH)
    with pytest.raises(InvalidInputs) as refused:
        developments.plan(session, relation="", source="", action="", person_id=None, due_on=date(2026, 1, 1), actor=staff.manager.actor, now=MARCH)
    assert [fault.field for fault in refused.value.faults] == ["relation", "source", "action", "person_id", "due_on"]

    developments.finish(session, made, result="أرسل التقرير الأول إلى 12 مانحا", actor=staff.employee.actor, now=MARCH)
    assert (made.done_on, made.result) == (date(2026, 3, 10), "أرسل التقرير الأول إلى 12 مانحا")
    with pytest.raises(Conflict):
        developments.finish(session, made, result="مرة أخرى", actor=staff.manager.actor, now=MARCH)


def test_an_improvement_is_planned_and_finished_on_its_pages(session: Session, staff: Staff, browser: Callable[[Person], FlaskClient]) -> None:
    client = browser(staff.manager)
    given = {"relation": "beneficiaries", "source": "استبيان", "action": "اختصار نموذج التسجيل", "person_id": staff.employee.user.id, "due_on": "2099-06-01"}
    assert client.post("/leads/improvements/new/", data=given).status_code == 302
    made = session.scalars(sa.select(Improvement)).one()
    client = browser(staff.employee)
    assert "اختصار نموذج التسجيل" in client.get("/leads/improvements/?f.open=1").get_data(as_text=True)
    assert client.post(f"/leads/improvements/edit/?id={made.id}", data={"result": "اختصر إلى صفحة"}).status_code == 302
    assert "اختصار نموذج التسجيل" not in client.get("/leads/improvements/?f.open=1").get_data(as_text=True)


# --- money --------------------------------------------------------------------------------------------------------------


def test_what_is_pledged_and_what_was_received_are_apart(
    session: Session, staff: Staff, pledged: Callable[..., Lead], pay: Callable[..., Contribution],
) -> None:
    """FIN-06: pledged while the lead is closing, received when it is successful, in two files and two columns."""
    closing, won = pledged(amount="30000"), pledged(amount="50000")
    pay(closing, "10000")
    pay(won, "50000")
    services.succeed(session, won, actor=staff.manager.actor, now=MARCH + timedelta(days=1))

    with work.time_at(MARCH + timedelta(days=2)), use_language("en"):
        rows = [(row[0], str(row[2]), *row[5:]) for row in reports.money(session, {}, FINANCE)]
    assert rows == [(closing.number, "Closing (pledged)", 30000_00, 10000_00, 20000_00), (won.number, "Successful", None, 50000_00, None)]
    days = {"from_on": date(2026, 3, 1), "until_on": date(2026, 3, 31)}
    kinds = {content: {(one.entry.kind, one.entry.amount.minor) for one in batches.preview_batch(session, Choice(content=content, **days),
                                                                                              actor=FINANCE).candidates}
             for content in ("pledges", "contributions")}
    assert kinds == {"pledges": {("pledge", 30000_00), ("pledge", 50000_00)}, "contributions": {("contribution", 10000_00), ("contribution", 50000_00)}}


def test_a_pledge_past_its_day_without_all_its_money_is_overdue(
    session: Session, staff: Staff, donor: Customer, pledged: Callable[..., Lead], pay: Callable[..., Contribution],
) -> None:
    """FIN-07: with the days since the promised day, until the whole is there."""
    lead = pledged(amount="30000", schedule="2026-03-20 10000\n2026-04-10 20000")
    pay(lead, "4000")

    def overdue(at: datetime) -> list[tuple[object, ...]]:
        with work.time_at(at):
            return [(row[0], row[5], row[6], row[8], row[9]) for row in finance_reports.overdue(session, {}, FINANCE)]

    april = datetime(2026, 4, 9, 7, 0, tzinfo=UTC)
    assert overdue(SUNDAY) == overdue(datetime(2026, 3, 20, 7, 0, tzinfo=UTC)) == []
    assert overdue(april) == [(donor.number, date(2026, 3, 20), 20, 10000_00, 6000_00)]
    assert [one[2] for one in overdue(april + timedelta(days=3))] == [23, 2]
    pay(lead, "6000", at=april)
    assert overdue(april) == []
    with work.time_at(april + timedelta(days=3)):
        assert [figure.value for figure in finance_reports.overdue_figures(session, {}, FINANCE)] == [1, 2]
