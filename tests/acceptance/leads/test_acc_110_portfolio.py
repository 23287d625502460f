"""ACC-110: the portfolio and its reminder, donors proposed by their interests, what a lead needs, the weekly stamp (LEAD-01, 02, 16…19)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import settings, work
from core.customers.models import Customer
from core.errors import InvalidInput, InvalidInputs
from core.notices.models import Notice
from core.organisation.models import Programme
from core.procedures import queries as runs
from core.procedures import recurring
from core.procedures.models import StepPeriod
from core.testing import sign_in
from plugins.leads import domain, interests, portfolio, queries, reviews, services
from plugins.leads.models import Item, Lead, Portfolio, Study
from tests.plugins.leads.conftest import SUNDAY, Staff, kind

REMINDER = date(2026, 7, 5)


def at_six(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 3, 0, tzinfo=UTC)


def test_six_months_after_the_receipt_a_reminder_appears(session: Session, staff: Staff, received: Portfolio) -> None:
    portfolio.remind(session, {}, at_six(REMINDER - timedelta(days=1)))
    assert queries.portfolio_awaited(session) is None

    portfolio.remind(session, {}, at_six(REMINDER))
    awaited = queries.portfolio_awaited(session)
    assert awaited is not None
    assert awaited.expected_on == REMINDER
    inbox = runs.inbox(session, staff.manager.actor, at_six(REMINDER))
    mine = [one for lines in inbox.groups.values() for one in lines if (one.run.procedure_code, one.run.step_number) == (domain.CREATION, domain.RECEIVE)]
    assert [one.run.record_label for one in mine] == [awaited.number]
    told = session.scalars(sa.select(Notice).where(Notice.user_id == staff.manager.user.id, Notice.link == f"/leads/portfolio/{awaited.id}")).all()
    assert len(told) == 1

    portfolio.remind(session, {}, at_six(REMINDER + timedelta(days=1)))
    assert session.scalar(sa.select(sa.func.count()).select_from(Portfolio)) == 2, "one reminder, not one a day"


def test_with_twelve_months_it_appears_in_january(session: Session, staff: Staff, received: Portfolio) -> None:
    settings.put(session, "leads.portfolio_months", "12")

    portfolio.remind(session, {}, at_six(REMINDER))
    assert queries.portfolio_awaited(session) is None
    portfolio.remind(session, {}, at_six(date(2027, 1, 5)))
    assert queries.portfolio_awaited(session) is not None


def test_a_donor_is_proposed_for_programmes_of_his_interest_only(session: Session, staff: Staff, item: Item, donor: Customer, other: Customer) -> None:
    interests.record(session, customer_number=donor.number, interest_id=kind(session, "education").id, actor=staff.employee.actor, now=SUNDAY)
    interests.record(session, customer_number=other.number, interest_id=kind(session, "health").id, actor=staff.employee.actor, now=SUNDAY)

    assert queries.proposed_for(session, item.programme_id, staff.manager.actor) == [donor]


def test_a_lead_needs_programme_donor_and_study(session: Session, staff: Staff, study: Callable[..., Study], programme: Programme, donor: Customer) -> None:
    whole = {"programme_id": programme.id, "donors": [donor.number], "probability": 30, "factors": "اهتمام سابق"}

    def refused(about: Study | None, **values: object) -> list[tuple[str | None, str | None]]:
        with pytest.raises(InvalidInputs) as error:
            services.document(session, about, **{**whole, **values}, actor=staff.employee.actor, now=SUNDAY)  # type: ignore[arg-type]
        return [(fault.field, fault.rule) for fault in error.value.faults]

    one = study()
    assert refused(one, programme_id=None) == [("programme_id", "LEAD-18")]
    assert refused(one, donors=[]) == [("donors", "LEAD-18")]
    assert refused(None) == [("study_id", "LEAD-17")]
    assert session.scalar(sa.select(sa.func.count()).select_from(Lead)) == 0
    with pytest.raises(InvalidInput) as empty:
        services.identify(session, title="تأهيل", text=" ", actor=staff.manager.actor, now=SUNDAY)
    assert (empty.value.field, empty.value.rule) == ("text", "LEAD-17")

    assert services.document(session, one, **whole, actor=staff.employee.actor, now=SUNDAY).state == domain.IDENTIFIED  # type: ignore[arg-type]


def test_the_weekly_review_stamps_each_open_lead(session: Session, staff: Staff, lead: Callable[..., Lead], client: FlaskClient) -> None:
    first, second, gone = lead(), lead(), lead()
    services.cancel(session, gone, "خارج الميزانية", actor=staff.manager.actor, now=SUNDAY)
    recurring.open_periods(session, {}, SUNDAY)
    week = session.scalars(sa.select(StepPeriod).where(StepPeriod.procedure_code == domain.CREATION)).one()
    assert (week.step_number, week.starts_on) == (domain.REVIEW, date(2026, 1, 11))
    work.commit(session)

    with work.time_at(SUNDAY):
        sign_in(client, staff.manager.user)
        assert first.number in client.get(f"/leads/reviews/{week.id}").get_data(as_text=True)
        assert client.post(f"/leads/reviews/{week.id}", data={"text": "نوقشت كل الفرص"}).status_code == 302

    session.expire_all()
    assert [one.reviewed_on for one in (first, second, gone)] == [date(2026, 1, 11), date(2026, 1, 11), None]
    assert reviews.review_of(session, week) is not None
