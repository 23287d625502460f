"""A recommendation is raised, decided on once by somebody else, and followed up until it is carried out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.auth import services as auth
from core.auth.actor import Actor
from core.commands import operator
from core.errors import Conflict, InvalidInput, NotAllowed
from core.i18n import use_language
from core.notices.models import Notice
from core.notices.services import words
from core.organisation.models import Department
from core.procedures.models import StepPeriod
from core.recommendations import services, telling
from core.recommendations.domain import Source
from core.recommendations.models import Recommendation
from core.testing import NOON
from tests.core.recommendations.conftest import LINK, actor_of
from tests.support.people import person

Raise = Callable[..., Recommendation]


def test_it_is_numbered_by_year_and_knows_where_it_comes_from(session: Session, raised: Raise, review: StepPeriod, manager: Actor) -> None:
    first, second = raised(why="Three entries lacked a phone", due_on=date(2026, 3, 1)), raised("Hang up the times of programmes")

    assert (first.number, second.number) == ("R-2026-0001", "R-2026-0002")
    assert (first.record_type, first.record_id, first.record_label, first.link) == ("core_step_period", review.id, "2026-01-25", LINK)
    assert (first.plugin, first.department_id, first.raised_by_id, first.state) == ("core", review.department_id, manager.user_id, "proposed")
    assert (first.period_from, first.period_until, first.due_on) == (date(2026, 1, 25), date(2026, 1, 31), date(2026, 3, 1))


def test_the_year_of_its_number_is_the_associations(raised: Raise) -> None:
    assert raised(now=datetime(2026, 12, 31, 22, 0, tzinfo=UTC)).number == "R-2027-0001"


def test_a_form_sent_twice_raises_one(session: Session, raised: Raise) -> None:
    assert raised(operation_key="once").id == raised(operation_key="once").id


@pytest.mark.parametrize(("values", "field"), [
    ({"text": "  \n "}, "text"), ({"text": "x" * 2_001}, "text"), ({"why": "x" * 2_001}, "why"), ({"due_on": date(2026, 1, 31)}, "due_on"),
])
def test_what_is_missing_too_long_or_past_is_refused(raised: Raise, values: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        raised(**values)

    assert refused.value.field == field


@pytest.mark.parametrize("link", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example"])
def test_its_page_lies_inside_the_association(session: Session, review: StepPeriod, link: str) -> None:
    with pytest.raises(InvalidInput):
        services.source_of(session, review, link=link)


def test_raising_needs_the_permission(session: Session, raised: Raise) -> None:
    with pytest.raises(NotAllowed) as refused:
        raised(actor=actor_of(session, "call_agent"))

    assert refused.value.rule == "CMPL-21"


# --- deciding ---------------------------------------------------------------------------------------------------------


def test_adopting_stores_who_and_when(session: Session, raised: Raise, secretary: Actor) -> None:
    one = services.decide(session, raised(), True, due_on=date(2026, 4, 1), actor=secretary, now=NOON + timedelta(days=2))

    assert (one.state, one.decided_by_id, one.decided_at, one.due_on) == ("adopted", secretary.user_id, NOON + timedelta(days=2), date(2026, 4, 1))


def test_declining_needs_a_reason(session: Session, raised: Raise, secretary: Actor) -> None:
    one = raised()

    with pytest.raises(InvalidInput) as refused:
        services.decide(session, one, False, reason=" ", actor=secretary, now=NOON)
    assert (refused.value.field, one.state) == ("reason", "proposed")
    declined = services.decide(session, one, False, reason="Too few calls", actor=secretary, now=NOON)
    assert (declined.state, declined.decision_reason) == ("declined", "Too few calls")


def test_one_whose_day_has_passed_can_still_be_decided(session: Session, raised: Raise, secretary: Actor) -> None:
    one, later = raised(due_on=date(2026, 2, 1)), NOON + timedelta(days=9)

    with pytest.raises(InvalidInput):
        services.decide(session, one, True, due_on=date(2026, 2, 5), actor=secretary, now=later)
    assert services.decide(session, one, False, due_on=date(2026, 2, 1), reason="Too late", actor=secretary, now=later).state == "declined"


def test_whoever_raised_it_never_decides_on_it(session: Session, raised: Raise) -> None:
    both = actor_of(session, "subcouncil_secretary", "centres_manager")

    with pytest.raises(NotAllowed) as refused:
        services.decide(session, raised(actor=both), True, actor=both, now=NOON)

    assert refused.value.rule == "CMPL-22"


def test_nor_does_who_stands_in_for_him(session: Session, raised: Raise) -> None:
    both, deputy = person(session, "subcouncil_secretary", "centres_manager"), person(session, "crm_employee")
    one = raised(actor=auth.actor_for(session, both, source="web", now=NOON))
    auth.delegate(session, both, deputy, from_on=date(2026, 2, 1), until_on=date(2026, 2, 7), reason="", actor=operator(), now=NOON)

    with pytest.raises(NotAllowed):
        services.decide(session, one, True, actor=auth.actor_for(session, deputy, source="web", now=NOON), now=NOON)


def test_a_manager_does_not_decide(session: Session, raised: Raise) -> None:
    with pytest.raises(NotAllowed) as refused:
        services.decide(session, raised(), True, actor=actor_of(session, "crm_manager"), now=NOON)

    assert refused.value.rule == "CMPL-22"


def test_the_table_of_authorities_says_who_decides(session: Session, raised: Raise, secretary: Actor) -> None:
    management = actor_of(session, "association_management")
    one = raised()

    with pytest.raises(NotAllowed) as refused:
        services.decide(session, one, True, actor=management, now=NOON)
    assert refused.value.rule == "ORG-08"
    auth.set_authority(session, "recommendations.decide", "association_management", None, actor=actor_of(session, "admin"))
    with pytest.raises(NotAllowed):
        services.decide(session, one, True, actor=secretary, now=NOON)
    assert services.decide(session, one, True, actor=management, now=NOON).state == "adopted"


def test_a_line_that_nobody_offers_any_more_leaves_the_general_one(session: Session, raised: Raise, review: StepPeriod, secretary: Actor) -> None:
    one = raised(source=services.source_of(session, review, decision="surveys.recommendations"))

    assert one.decision == "surveys.recommendations"
    assert services.decide(session, one, True, actor=secretary, now=NOON).state == "adopted"


def test_it_is_decided_once(session: Session, raised: Raise, secretary: Actor) -> None:
    one = services.decide(session, raised(), True, actor=secretary, now=NOON)

    with pytest.raises(Conflict):
        services.decide(session, one, False, reason="After all not", actor=secretary, now=NOON)


def test_who_raised_it_and_the_departments_manager_are_told(session: Session, raised: Raise, review: StepPeriod, secretary: Actor) -> None:
    raiser, other = person(session, "quality_employee"), person(session, "centres_manager")
    one = raised(actor=auth.actor_for(session, raiser, source="web", now=NOON))

    services.decide(session, one, True, actor=secretary, now=NOON)

    told = {notice.user_id: notice for notice in session.scalars(sa.select(Notice).where(Notice.link == f"/recommendations/{one.id}/"))}
    assert {raiser.id, other.id} <= set(told) and secretary.user_id not in told
    with use_language("en"):
        assert words(told[raiser.id]).startswith("Your recommendation") and "your department carries it out" in words(told[other.id])
    with use_language("ar"):
        assert "توصيتك" in words(told[raiser.id])


def test_of_one_that_is_declined_only_its_raiser_is_told(session: Session, raised: Raise, manager: Actor, secretary: Actor) -> None:
    person(session, "centres_manager")
    services.decide(session, raised(), False, reason="Too few calls", actor=secretary, now=NOON)

    assert session.scalars(sa.select(Notice.user_id)).all() == [manager.user_id]


def test_a_departments_managers_report_to_nobody_inside_it(session: Session, centres: Department) -> None:
    head = person(session, "centres_manager")
    person(session, "centres_employee")

    assert [one.id for one in telling.managers_of(session, centres.id)] == [head.id]


# --- following up -----------------------------------------------------------------------------------------------------


def test_one_that_was_not_carried_out_needs_its_cause_and_is_carried_out_then(session: Session, raised: Raise, manager: Actor, secretary: Actor) -> None:
    one = services.decide(session, raised(), True, actor=secretary, now=NOON)

    with pytest.raises(InvalidInput):
        services.record_cause(session, one, "", actor=manager, now=NOON)
    services.record_cause(session, one, "The trainer was ill", actor=manager, now=NOON)
    assert (one.state, one.cause) == ("not_carried_out", "The trainer was ill")
    services.record_cause(session, one, "The trainer was ill, and so was the second", actor=manager, now=NOON)
    services.carry_out(session, one, actor=manager, now=NOON + timedelta(days=30))
    assert (one.state, one.done_at, one.done_by_id) == ("carried_out", NOON + timedelta(days=30), manager.user_id)
    assert one.cause.startswith("The trainer was ill")


def test_a_cause_may_come_with_a_new_day(session: Session, raised: Raise, manager: Actor, secretary: Actor) -> None:
    one = services.decide(session, raised(due_on=date(2026, 2, 1)), True, actor=secretary, now=NOON)
    later = NOON + timedelta(days=9)

    with pytest.raises(InvalidInput) as refused:
        services.record_cause(session, one, "Ill", due_on=date(2026, 2, 5), actor=manager, now=later)
    assert (refused.value.field, one.state) == ("due_on", "adopted")
    assert services.record_cause(session, one, "Ill", actor=manager, now=later).due_on == date(2026, 2, 1)
    assert services.record_cause(session, one, "Ill", due_on=date(2026, 3, 1), actor=manager, now=later).due_on == date(2026, 3, 1)


@pytest.mark.parametrize("adopt", [None, False])
def test_only_adopted_ones_are_followed_up(session: Session, raised: Raise, manager: Actor, secretary: Actor, adopt: bool | None) -> None:
    one = raised()
    if adopt is not None:
        services.decide(session, one, adopt, reason="No", actor=secretary, now=NOON)

    with pytest.raises(Conflict):
        services.carry_out(session, one, actor=manager, now=NOON)
    with pytest.raises(Conflict):
        services.record_cause(session, one, "Nobody was there", actor=manager, now=NOON)


def test_following_up_needs_the_permission(session: Session, raised: Raise, secretary: Actor) -> None:
    one = services.decide(session, raised(), True, actor=secretary, now=NOON)

    with pytest.raises(NotAllowed) as refused:
        services.record_cause(session, one, "Nobody was there", actor=secretary, now=NOON)

    assert refused.value.rule == "RPT-07"


def test_what_is_left_is_carried_over_and_remembers_its_period(session: Session, raised: Raise, manager: Actor, secretary: Actor) -> None:
    one = services.decide(session, raised(), True, actor=secretary, now=NOON)
    days = {"first": date(2026, 2, 1), "last": date(2026, 2, 28)}

    with pytest.raises(InvalidInput) as refused:
        services.carry_over(session, one, **days, actor=manager, now=NOON)
    assert refused.value.rule == "RPT-07"
    services.record_cause(session, one, "Ill", actor=manager, now=NOON)
    services.carry_over(session, one, **days, due_on=date(2026, 2, 20), actor=manager, now=NOON)
    services.carry_over(session, one, first=date(2026, 3, 1), last=date(2026, 3, 31), actor=manager, now=NOON)

    assert (one.period_from, one.period_until, one.carried_from, one.due_on) == (date(2026, 3, 1), date(2026, 3, 31), date(2026, 1, 25), date(2026, 2, 20))
    with pytest.raises(InvalidInput):
        services.carry_over(session, one, **days, actor=manager, now=NOON)


def test_each_act_has_its_name_in_the_log(session: Session, raised: Raise, manager: Actor, secretary: Actor) -> None:
    one, other = raised(), raised("Another")
    services.decide(session, one, True, actor=secretary, now=NOON)
    services.decide(session, other, False, reason="No", actor=secretary, now=NOON)
    services.record_cause(session, one, "Ill", actor=manager, now=NOON)
    services.carry_over(session, one, first=date(2026, 2, 1), last=date(2026, 2, 28), actor=manager, now=NOON)
    services.carry_out(session, one, actor=manager, now=NOON)
    work.commit(session)

    logged = sa.select(AuditEvent.action).where(AuditEvent.record_type == "core_recommendation").order_by(AuditEvent.id)
    assert session.scalars(logged).all() == ["propose", "propose", "adopt", "decline", "record_cause", "carry_over", "carry_out"]


def test_one_without_a_record_belongs_to_its_day(session: Session, raised: Raise) -> None:
    one = raised(source=Source(label="Meeting of the management"))

    assert (one.record_type, one.period_from, one.period_until, one.record_label) == (None, date(2026, 2, 1), date(2026, 2, 1), "Meeting of the management")
