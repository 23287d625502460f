"""Campaigns of calls: one task a customer, progress until all are informed, whoever may be called and nobody else (CALL-07, 10, 11, 12)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import outreach, settings, work
from core.consent import services as consent
from core.customers import entry, importing
from core.customers import services as forms
from core.customers.models import Customer, OptionalField
from core.errors import Conflict, InvalidInput, NotAllowed, faults
from core.finance import services as money
from core.money import Money
from core.outreach import Outreach, Progress
from core.procedures.models import StepRun
from core.testing import actor_with
from plugins.callcenter import campaigns, reminders, rules, services, tasks
from plugins.callcenter.models import Call, Campaign, Task
from tests.plugins.callcenter.conftest import MONDAY, People, Staff
from tests.support.statements import counting

SECTOR = actor_with(label="sector manager")
FINANCE = actor_with("finance.record", scopes={"customers": "all"})
NIGHT = MONDAY.replace(hour=22)
DAY = timedelta(days=1)


@pytest.fixture
def donors(session: Session, people: People) -> Callable[..., list[Customer]]:
    """That many donors with mobiles, entered through one import."""
    def make(count: int, first: int = 0, **values: Any) -> list[Customer]:
        rows = [{"name": f"متبرع رقم {first + n}", "customer_class": "donor", "mobile": f"+96655{first + n:07}", **values} for n in range(count)]
        work.begin_write(session)
        form = importing.fill_import(session, rows, source="a.csv", operation_key=f"import-{first}", actor=people.employee.actor, now=MONDAY)
        forms.review(session, form, actor=people.manager.actor, now=MONDAY)
        forms.approve(session, form, actor=people.manager.actor, now=MONDAY)
        entry.enter(session, form, actor=people.officer.actor, now=MONDAY)
        return list(session.scalars(sa.select(Customer).where(Customer.form_id == form.id).order_by(Customer.id)))

    return make


@pytest.fixture
def three(donors: Callable[..., list[Customer]]) -> list[Customer]:
    return donors(3)


def notice(people: list[Customer], **more: Any) -> Outreach:
    return Outreach("links", "7", "مشروع لم يكتمل", [one.id for one in people], script="يوجه المبلغ إلى مشروعات التعليم.", link="/links/7", **more)


@pytest.fixture
def campaign(session: Session, three: list[Customer]) -> Campaign:
    campaigns.take(session, notice(three), actor=SECTOR, now=MONDAY)
    return session.scalars(sa.select(Campaign)).one()


def call(session: Session, campaign: Campaign, who: Staff | Any, result: str = "informed", now: datetime = MONDAY, **values: Any) -> Task:
    task = campaigns.take_next(session, campaign, actor=who.actor, now=now)
    return campaigns.record(session, task, {"result": result, "duration": "1:00", **values}, actor=who.actor, now=now)


def step_of(session: Session, campaign: Campaign) -> StepRun:
    of_it = sa.select(StepRun).where(StepRun.record_type == "callcenter_campaign", StepRun.record_id == campaign.id)
    return session.scalars(of_it.order_by(StepRun.id.desc()).limit(1)).one()


def left_in(session: Session, campaign: Campaign) -> tuple[int, int, int]:
    found = campaigns.progress(session, campaign)
    return found.reached, found.unreached, found.left


# --- a notice of another plugin ----------------------------------------------------------------------------------------


def test_a_notice_that_a_plugin_asks_for_is_one_task_for_each_customer_until_all_are_informed(session: Session, staff: Staff, three: list[Customer]) -> None:
    asked = outreach.ask(session, notice(three), actor=SECTOR, now=MONDAY)

    assert asked is not None and (asked.reached, asked.unreached, asked.left, asked.all_informed) == (0, 0, 3, False)
    campaign = session.scalars(sa.select(Campaign)).one()
    assert asked.link == f"/callcenter/campaigns/{campaign.id}"
    step = step_of(session, campaign)
    assert (step.record_label, step.ended_at, set(step.role_slugs)) == ("مشروع لم يكتمل", None, {"call_agent", "donor_service_agent"})
    for _one in three[:2]:
        call(session, campaign, staff.agent)
    assert outreach.progress(session, "links", "7") == Progress(2, 0, 1, asked.link)
    call(session, campaign, staff.donors)
    told = outreach.progress(session, "links", "7")
    assert told is not None and told.all_informed
    assert (campaign.state, step_of(session, campaign).ended_at) == ("done", MONDAY)
    made = session.scalars(sa.select(Call).order_by(Call.id)).all()
    assert [(one.direction, one.subject, one.customer_id, one.phone) for one in made] == [("out", "notice", one.id, one.mobile) for one in three]


def test_asked_again_it_is_the_same_campaign_with_whom_it_lacked(session: Session, staff: Staff, campaign: Campaign, three: list[Customer],
                                                                 donors: Callable[..., list[Customer]]) -> None:
    for _one in three:
        call(session, campaign, staff.agent)
    (fourth,) = donors(1, first=50)

    again = campaigns.take(session, notice([*three, fourth]), actor=SECTOR, now=MONDAY + DAY)

    assert (again.reached, again.left, campaign.state, campaign.ended_at) == (3, 1, "open", None)
    assert session.scalar(sa.select(sa.func.count(Campaign.id))) == 1
    assert step_of(session, campaign).ended_at is None


def test_a_customer_who_is_none_refuses_the_whole_notice(session: Session, three: list[Customer]) -> None:
    with pytest.raises(InvalidInput, match="987654"):
        campaigns.take(session, Outreach("links", "8", "x", [three[0].id, 987654]), actor=SECTOR, now=MONDAY)


# --- calling -----------------------------------------------------------------------------------------------------------


def test_two_agents_are_never_given_the_same_customer(session: Session, staff: Staff, campaign: Campaign) -> None:
    first, second = (campaigns.take_next(session, campaign, actor=one.actor, now=MONDAY) for one in (staff.agent, staff.donors))

    assert first.id != second.id
    assert campaigns.take_next(session, campaign, actor=staff.agent.actor, now=MONDAY).id == first.id
    assert campaigns.take_next(session, campaign, actor=staff.donors.actor, now=MONDAY + campaigns.HELD_FOR + timedelta(minutes=1)).id == first.id


def test_nobody_is_offered_outside_the_contact_hours(session: Session, english: None, staff: Staff, campaign: Campaign) -> None:
    with pytest.raises(Conflict, match="Customers are called from") as refused:
        campaigns.take_next(session, campaign, actor=staff.agent.actor, now=NIGHT)

    assert refused.value.rule == "CALL-10"


def test_who_wants_no_calls_is_not_offered_and_is_informed_otherwise(session: Session, people: People, staff: Staff, campaign: Campaign,
                                                                      three: list[Customer]) -> None:
    consent.withdraw(session, three[0], "phone", "all", source="letter", actor=people.manager.actor, now=MONDAY)

    assert campaigns.barred(session, campaign, staff.agent.actor) == 1
    for _one in three[1:]:
        assert call(session, campaign, staff.agent).customer_id != three[0].id
    with pytest.raises(Conflict):
        campaigns.take_next(session, campaign, actor=staff.agent.actor, now=MONDAY)
    left = session.scalars(sa.select(Task).where(Task.state == "open")).one()
    campaigns.settle(session, left, "otherwise", "خطاب مسجل", actor=staff.agent.actor, now=MONDAY)
    assert (left_in(session, campaign), campaign.state, left.reason) == ((3, 0, 0), "done", "خطاب مسجل")


def test_who_does_not_answer_is_tried_later_and_counts_as_not_reached_after_the_last_attempt(session: Session, staff: Staff, campaign: Campaign,
                                                                                             three: list[Customer]) -> None:
    settings.put(session, "callcenter.most_attempts", 2)
    first = call(session, campaign, staff.agent, "no_answer")
    assert (first.state, first.attempts) == ("open", 1)
    offered = {call(session, campaign, staff.agent).id for _place in range(2)}
    assert first.id not in offered
    with pytest.raises(Conflict):
        campaigns.take_next(session, campaign, actor=staff.agent.actor, now=MONDAY + timedelta(hours=3))

    call(session, campaign, staff.agent, "busy", now=MONDAY + timedelta(hours=4))

    assert (first.state, left_in(session, campaign), campaign.state) == ("unreached", (2, 1, 0), "done")
    assert not campaigns.progress(session, campaign).all_informed
    assert campaigns.call_again(session, campaign, actor=staff.manager.actor, now=MONDAY + DAY) == 1
    session.refresh(first)
    assert (first.state, first.attempts, campaign.state, step_of(session, campaign).ended_at) == ("open", 0, "open", None)


def test_a_promised_call_back_leaves_him_open_until_it_reaches_him(session: Session, staff: Staff, campaign: Campaign) -> None:
    task = call(session, campaign, staff.agent, "callback", due_at=MONDAY + DAY)
    promised = session.scalars(sa.select(services.Callback)).one()
    assert (task.state, promised.call_id) == ("open", task.call_id)

    services.complete_callback(session, promised, {"result": "solved"}, actor=staff.donors.actor, now=MONDAY + DAY)

    assert (task.state, task.attempts, task.call_id) == ("reached", 2, promised.done_call_id)


def test_the_call_of_a_task_sent_twice_is_one_call(session: Session, staff: Staff, campaign: Campaign) -> None:
    task = campaigns.take_next(session, campaign, actor=staff.agent.actor, now=MONDAY)
    for _time in range(2):
        campaigns.record(session, task, {"result": "informed"}, actor=staff.agent.actor, now=MONDAY, operation_key="k-1")

    assert (task.attempts, session.scalar(sa.select(sa.func.count(Call.id)))) == (1, 1)
    with pytest.raises(Conflict):
        campaigns.record(session, task, {"result": "informed"}, actor=staff.agent.actor, now=MONDAY, operation_key="k-2")


def test_a_campaign_is_closed_for_a_reason_by_who_may(session: Session, staff: Staff, campaign: Campaign) -> None:
    with pytest.raises(NotAllowed):
        campaigns.close(session, campaign, "x", actor=staff.agent.actor, now=MONDAY)
    with pytest.raises(InvalidInput):
        campaigns.close(session, campaign, " ", actor=staff.manager.actor, now=MONDAY)

    campaigns.close(session, campaign, "اكتمل المشروع", actor=staff.manager.actor, now=MONDAY)

    assert (campaign.state, campaign.reason, step_of(session, campaign).ended_at, campaigns.progress(session, campaign).closed) == (
        "closed", "اكتمل المشروع", MONDAY, True)
    with pytest.raises(Conflict):
        campaigns.take_next(session, campaign, actor=staff.agent.actor, now=MONDAY)


def test_of_two_customers_who_became_one_one_task_is_left(session: Session, staff: Staff, campaign: Campaign, three: list[Customer]) -> None:
    found = session.scalars(sa.select(Task).order_by(Task.id)).all()
    found[1].customer_id = three[0].id
    session.flush()

    campaigns.merged(session, three[0].id, actor=SECTOR, now=MONDAY)

    assert [one.customer_id for one in session.scalars(sa.select(Task).order_by(Task.id))] == [three[0].id, three[2].id]


# --- lists by a rule ---------------------------------------------------------------------------------------------------


def give(session: Session, donor: Customer, *days: date) -> None:
    for day in days:
        money.record_contribution(session, customer_id=donor.id, amount=Money.of_minor(10_000, "SAR"), received_on=day, method="cash", actor=FINANCE,
                                  now=MONDAY)


def found_by(session: Session, code: str, number: int, now: datetime = MONDAY) -> set[int]:
    return {one for one, _subject in session.execute(rules.found(session, rules.RULES[code], number, now, actor=FINANCE))}


def test_who_gave_and_has_given_nothing_for_months_is_found(session: Session, three: list[Customer]) -> None:
    long_ago, lately, never = three
    give(session, long_ago, date(2025, 1, 31), date(2025, 8, 1))
    give(session, lately, date(2024, 1, 1), date(2025, 8, 2))

    assert found_by(session, "no_gift", 6) == {long_ago.id}
    assert never.id not in found_by(session, "no_gift", 0)


def test_loyal_customers_nobody_has_spoken_to_for_90_days_are_found(session: Session, staff: Staff, three: list[Customer]) -> None:
    quiet, spoken, seldom = three
    for one in (quiet, spoken):
        give(session, one, date(2025, 6, 1), date(2025, 9, 1), date(2026, 1, 1))
    give(session, seldom, date(2025, 6, 1), date(2026, 1, 1))
    for one, days in ((quiet, 91), (spoken, 90)):
        services.log_call(session, {"direction": "out", "subject": "thanks", "result": "informed", "customer_number": one.number,
                                    "started_at": MONDAY - timedelta(days=days)}, actor=staff.agent.actor, now=MONDAY)
    services.log_call(session, {"direction": "out", "subject": "thanks", "result": "no_answer", "customer_number": quiet.number}, actor=staff.agent.actor,
                      now=MONDAY)

    assert rules.default_number(session, rules.RULES["loyal"]) == 90
    assert found_by(session, "loyal", 90) == {quiet.id}
    settings.put(session, "callcenter.loyal_gifts", 2)
    assert found_by(session, "loyal", 90) == {quiet.id, seldom.id}


@pytest.mark.parametrize(("day", "ahead", "found"), [
    (date(2026, 2, 2), 0, {"1980-02-02"}), (date(2026, 2, 2), 3, {"1980-02-02", "1999-02-05"}), (date(2026, 2, 28), 0, {"2000-02-29"}),
    (date(2028, 2, 28), 0, set()), (date(2028, 2, 29), 0, {"2000-02-29"}), (date(2026, 12, 31), 1, {"1970-01-01"}),
])
def test_birthdays_are_found_where_the_register_keeps_them(session: Session, people: People, customer: Callable[..., Customer], day: date, ahead: int,
                                                           found: set[str]) -> None:
    field = session.scalars(sa.select(OptionalField).where(OptionalField.code == "birth_date")).one()
    assert "birthday" not in {one.code for one in rules.offered(session)}
    field.enabled, field.purpose = True, "التهنئة"
    session.flush()
    born = {"1980-02-02": "أحمد", "1999-02-05": "سالم", "2000-02-29": "فاطمة", "1970-01-01": "خالد"}
    ids = {customer(name=f"{name} العتيبي", mobile=f"05500000{place:02}", phone=None, email=None, extra={"birth_date": birth}).id: birth
           for place, (birth, name) in enumerate(born.items())}

    assert {ids[one] for one in found_by(session, "birthday", ahead, datetime(day.year, day.month, day.day, 9, tzinfo=MONDAY.tzinfo))} == found


def test_who_missed_an_appointment_is_found_until_somebody_speaks_to_him(session: Session, staff: Staff, three: list[Customer]) -> None:
    one = reminders.plan(session, {"customer_number": three[0].number, "kind": "appointment", "channel": "phone", "about": "موعد في المركز",
                                   "due_at": MONDAY + timedelta(hours=1), "about_at": MONDAY + timedelta(hours=3)}, actor=staff.agent.actor, now=MONDAY)
    later = MONDAY + DAY
    reminders.note_result(session, one, {"result": "missed"}, actor=staff.agent.actor, now=later)

    assert found_by(session, "missed", 30, later) == {three[0].id}
    assert found_by(session, "missed", 30, later + timedelta(days=31)) == set()
    services.log_call(session, {"direction": "out", "subject": "follow_up", "result": "informed", "customer_number": three[0].number,
                                "started_at": later + timedelta(hours=1)}, actor=staff.agent.actor, now=later + timedelta(hours=1))
    assert found_by(session, "missed", 30, later + timedelta(hours=2)) == set()


def test_a_list_leaves_out_who_may_not_be_called_or_waits_in_another(session: Session, people: People, staff: Staff, three: list[Customer]) -> None:
    for one in three:
        give(session, one, date(2024, 1, 1))
    consent.withdraw(session, three[0], "all", "fundraising", source="call", actor=people.manager.actor, now=MONDAY)

    made = campaigns.begin(session, {"rule": "no_gift", "number": 12}, actor=staff.manager.actor, now=MONDAY)

    assert {one.customer_id for one in session.scalars(sa.select(Task))} == {three[1].id, three[2].id}
    assert (made.kind, made.purpose, made.rule_number, str(made.title)) == ("list", "fundraising", 12, str(rules.RULES["no_gift"].title))
    with pytest.raises(InvalidInput) as nobody:
        campaigns.begin(session, {"rule": "no_gift"}, actor=staff.manager.actor, now=MONDAY)
    assert faults(nobody.value)[0].field == "rule"


def test_a_standing_list_gets_whom_the_rule_finds_each_morning(session: Session, staff: Staff, three: list[Customer]) -> None:
    made = campaigns.begin(session, {"rule": "no_gift", "number": 6, "standing": True}, actor=staff.manager.actor, now=MONDAY)
    give(session, three[1], date(2025, 1, 1))

    for _time in range(2):
        campaigns.find_again(session, {}, MONDAY + DAY)

    assert [one.customer_id for one in session.scalars(sa.select(Task))] == [three[1].id]
    call(session, made, staff.agent, now=MONDAY + DAY)
    assert made.state == "open"


@pytest.mark.parametrize(("values", "fields"), [
    ({}, {"numbers", "title"}), ({"rule": "everybody"}, {"rule"}), ({"rule": "no_gift", "number": -1}, {"number"}),
    ({"numbers": "10 11", "title": "x", "due_at": MONDAY}, {"numbers", "due_at"}),
])
def test_every_fault_of_a_new_campaign_is_named(session: Session, staff: Staff, values: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        campaigns.begin(session, values, actor=staff.manager.actor, now=MONDAY)

    assert {fault.field for fault in faults(refused.value)} == fields


def test_customers_are_named_by_their_numbers(session: Session, staff: Staff, three: list[Customer]) -> None:
    typed = f"{three[0].number}، {three[2].number}\n{three[0].number}"
    made = campaigns.begin(session, {"numbers": typed, "title": "تحديث"}, actor=staff.manager.actor, now=MONDAY)

    assert {one.customer_id for one in session.scalars(sa.select(Task).where(Task.campaign_id == made.id))} == {three[0].id, three[2].id}
    with pytest.raises(NotAllowed):
        campaigns.begin(session, {"numbers": three[0].number, "title": "تحديث"}, actor=staff.agent.actor, now=MONDAY)


# --- its cost ----------------------------------------------------------------------------------------------------------


def test_a_list_of_many_takes_as_many_statements_as_one_of_few(session: Session, staff: Staff, donors: Callable[..., list[Customer]]) -> None:
    counts = []
    for size, first, day in ((3, 0, date(2024, 1, 1)), (60, 100, date(2024, 1, 1))):
        for one in donors(size, first=first):
            give(session, one, day)
        with counting(session) as counted:
            made = campaigns.begin(session, {"rule": "no_gift"}, actor=staff.manager.actor, now=MONDAY)
            campaigns.barred(session, made, staff.agent.actor)
            tasks.counts(session, [made.id])
            campaigns.take_next(session, made, actor=staff.agent.actor, now=MONDAY)
        counts.append(len(counted))
        assert session.scalar(sa.select(sa.func.count(Task.id)).where(Task.campaign_id == made.id)) == size

    assert counts[1] <= counts[0] + 2
