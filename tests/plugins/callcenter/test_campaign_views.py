"""Pages of campaigns and reminders: beginning one, calling the next customer, what is shown to whom (CALL-07, 10, 11, 14)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import settings, work
from core.consent import services as consent
from core.customers.models import Customer
from core.outreach import Outreach
from core.testing import sign_in
from plugins.callcenter import campaigns, reminders
from plugins.callcenter.models import Call, Campaign, Reminder, Task
from tests.plugins.callcenter.conftest import MONDAY, People, Staff
from tests.plugins.callcenter.test_campaigns import SECTOR, counting, donors, notice, three  # noqa: F401 - fixtures

TOMORROW = "2026-02-03T10:00"


def text(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


@pytest.fixture
def manager(session: Session, english: None, client: FlaskClient, staff: Staff) -> FlaskClient:
    for one in (staff.manager, staff.agent, staff.quality):
        one.user.language = "en"
    session.flush()
    return sign_in(client, staff.manager.user)


@pytest.fixture
def campaign(session: Session, manager: FlaskClient, three: list[Customer]) -> Campaign:  # noqa: F811
    campaigns.take(session, notice(three), actor=SECTOR, now=MONDAY)
    return session.scalars(sa.select(Campaign)).one()


def test_a_campaign_is_begun_by_numbers_and_called_one_after_the_other(session: Session, manager: FlaskClient, three: list[Customer]) -> None:  # noqa: F811
    page = text(manager.get("/callcenter/campaigns/new/"))
    assert "No donation for some months (Months without a donation: 12)" in page and "Birthdays" not in page
    refused = manager.post("/callcenter/campaigns/new/", data={"title": "x", "numbers": "10000019"})
    assert refused.status_code == 422 and "10000019" in text(refused)

    begun = manager.post("/callcenter/campaigns/new/", data={"title": "إبلاغ بالمشروع", "numbers": " ".join(one.number for one in three[:2]), "script": "تم."})

    assert begun.status_code == 302
    made = session.scalars(sa.select(Campaign)).one()
    assert "إبلاغ بالمشروع" in text(manager.get("/callcenter/campaigns/"))
    for left in (1, 0):
        led = manager.post(f"/callcenter/campaigns/{made.id}/next").headers["Location"]
        shown = text(manager.get(led))
        assert "تم." in shown and "+966 55" in shown
        answer = manager.post(f"{led}/record", data={"record-result": "informed", "record-duration": "0:30"})
        assert answer.headers["Location"] == f"/callcenter/campaigns/{made.id}"
        session.expire_all()
        assert campaigns.progress(session, made).left == left
    page = text(manager.get(f"/callcenter/campaigns/{made.id}"))
    assert "all informed" in page and "Call the next one" not in page


def test_what_is_wrong_with_a_call_stands_beside_its_field(manager: FlaskClient, campaign: Campaign) -> None:
    led = manager.post(f"/callcenter/campaigns/{campaign.id}/next").headers["Location"]

    refused = manager.post(f"{led}/record", data={"record-result": "", "record-duration": "long"})
    without = manager.post(f"{led}/settle", data={"settle-how": "otherwise", "settle-reason": ""})

    assert refused.status_code == 422 and "Choose what came of the call." in text(refused) and "is no length of a call" in text(refused)
    assert without.status_code == 422 and "Write how he was informed" in text(without)


def test_outside_the_hours_the_page_says_when_again_and_offers_nobody(session: Session, manager: FlaskClient, campaign: Campaign) -> None:
    work.begin_write(session)
    settings.put(session, "consent.call_from", "12:00")
    work.commit(session)

    page, answer = text(manager.get(f"/callcenter/campaigns/{campaign.id}")), manager.post(f"/callcenter/campaigns/{campaign.id}/next")

    assert "Customers are called from" in page and "Call the next one" not in page
    assert answer.headers["Location"] == f"/callcenter/campaigns/{campaign.id}"
    assert session.scalar(sa.select(Task.id).where(Task.held_by_id.is_not(None))) is None


def test_who_wants_no_calls_is_named_without_a_number_to_call(session: Session, people: People, manager: FlaskClient, campaign: Campaign,
                                                             three: list[Customer]) -> None:  # noqa: F811
    consent.withdraw(session, three[0], "phone", "all", source="letter", actor=people.manager.actor, now=MONDAY)
    task = session.scalars(sa.select(Task).where(Task.customer_id == three[0].id)).one()

    assert "1 of those left may not be called" in text(manager.get(f"/callcenter/campaigns/{campaign.id}"))
    page = text(manager.get(f"/callcenter/campaigns/task/{task.id}"))
    assert "The customer withdrew" in page and "+966 55" not in page


def test_without_the_permission_nobody_is_named(session: Session, manager: FlaskClient, staff: Staff, campaign: Campaign, three: list[Customer]) -> None:  # noqa: F811
    client = sign_in(manager, staff.quality.user)
    page = text(client.get(f"/callcenter/campaigns/{campaign.id}"))

    assert three[0].name in page and "Close the campaign" not in page and "Call the next one" not in page
    assert client.post(f"/callcenter/campaigns/{campaign.id}/next").status_code == 403
    assert client.get("/callcenter/campaigns/new/").status_code == 403


def test_a_campaign_is_closed_and_called_again_from_its_page(session: Session, manager: FlaskClient, staff: Staff, campaign: Campaign) -> None:
    task = session.scalars(sa.select(Task).order_by(Task.id).limit(1)).one()
    campaigns.settle(session, task, "given_up", "لا يرد", actor=staff.manager.actor, now=MONDAY)
    assert "Call those not reached again" in text(manager.get(f"/callcenter/campaigns/{campaign.id}?state=unreached"))

    manager.post(f"/callcenter/campaigns/{campaign.id}/again")
    session.expire_all()
    assert task.state == "open"
    assert manager.post(f"/callcenter/campaigns/{campaign.id}/close", data={"close-reason": ""}).status_code == 422
    assert manager.post(f"/callcenter/campaigns/{campaign.id}/close", data={"close-reason": "اكتمل"}).status_code == 302
    session.expire_all()
    assert (campaign.state, campaign.reason) == ("closed", "اكتمل")


def test_a_reminder_is_planned_made_and_noted_on_its_pages(session: Session, manager: FlaskClient, donor: Customer) -> None:
    assert f'value="{donor.number}"' in text(manager.get(f"/callcenter/reminders/new/?customer={donor.number}"))
    refused = manager.post("/callcenter/reminders/new/", data={"customer_number": donor.number, "kind": "pledge", "channel": "email", "about": "x",
                                                                 "due_at": "2026-02-01T10:00"})
    assert refused.status_code == 422 and "No e-mail address" in text(refused) and "Say when to remind him" in text(refused)
    assert manager.post("/callcenter/reminders/new/", data={"customer_number": donor.number}).status_code == 422

    given = {"customer_number": donor.number, "kind": "pledge", "channel": "phone", "about": "قسط مارس", "due_at": TOMORROW}
    assert manager.post("/callcenter/reminders/new/", data=given).status_code == 302

    one = session.scalars(sa.select(Reminder)).one()
    assert donor.name in text(manager.get("/callcenter/reminders/"))
    page = text(manager.get(f"/callcenter/reminders/{one.id}"))
    assert "قسط مارس" in page and "Did not come" not in page
    manager.post(f"/callcenter/reminders/{one.id}/result", data={"result-result": "reminded", "result-duration": "0:20"})
    session.expire_all()
    assert (one.result, session.scalar(sa.select(sa.func.count(Call.id)))) == ("reminded", 1)
    assert donor.name not in text(manager.get("/callcenter/reminders/")) and donor.name in text(manager.get("/callcenter/reminders/?f.state=done"))


def test_a_reminder_by_a_way_that_he_withdrew_is_refused_beside_the_channel(session: Session, people: People, manager: FlaskClient, donor: Customer) -> None:
    consent.withdraw(session, donor, "phone", "all", source="letter", actor=people.manager.actor, now=MONDAY - timedelta(days=1))

    given = {"customer_number": donor.number, "kind": "pledge", "channel": "phone", "about": "قسط", "due_at": TOMORROW}
    refused = manager.post("/callcenter/reminders/new/", data=given)

    assert refused.status_code == 403 and "withdrew" in text(refused) and "قسط" in text(refused)
    assert session.scalar(sa.select(Reminder.id)) is None


def test_my_day_shows_what_is_left_and_which_reminders_are_due(
    session: Session, manager: FlaskClient, staff: Staff, campaign: Campaign, donor: Customer,
) -> None:
    reminders.plan(session, {"customer_number": donor.number, "kind": "other", "channel": "phone", "about": "x", "due_at": MONDAY + timedelta(hours=2)},
                   actor=staff.manager.actor, now=MONDAY)

    page = text(manager.get("/"))

    assert "Customers to be called in campaigns" in page and "in 1 campaigns" in page and "Reminders due today" in page


def test_the_list_takes_as_many_statements_for_one_campaign_as_for_three(session: Session, manager: FlaskClient, three: list[Customer]) -> None:  # noqa: F811
    counts = []
    for reference in ("1", "2", "3"):
        work.begin_write(session)
        campaigns.take(session, Outreach("links", reference, "x", [three[0].id]), actor=SECTOR, now=MONDAY)
        work.commit(session)
        with counting(session) as counted:
            manager.get("/callcenter/campaigns/")
        counts.append(len(counted))
    assert counts[0] == counts[2]
