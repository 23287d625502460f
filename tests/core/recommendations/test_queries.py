"""What reports ask, and what each person sees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy.orm import Session

from core.auth import services as auth
from core.auth.actor import Actor
from core.commands import operator
from core.errors import NotFound
from core.organisation.models import Department
from core.organisation.queries import department_by_slug
from core.procedures.models import StepPeriod
from core.recommendations import queries, services
from core.recommendations.domain import Source
from core.recommendations.models import Recommendation
from core.testing import NOON
from tests.core.recommendations.conftest import actor_of
from tests.support.people import person

Raise = Callable[..., Recommendation]


def crm(session: Session, **more: object) -> Source:
    found = department_by_slug(session, "crm")
    assert found is not None
    return Source(label="Meeting", plugin="visits", department_id=found.id, **more)  # type: ignore[arg-type]


def test_those_of_a_source_in_the_order_of_raising(session: Session, raised: Raise, review: StepPeriod) -> None:
    first, second = raised(), raised("Another")
    raised("Elsewhere", source=crm(session))

    assert list(queries.of_source(session, review)) == [first, second]
    assert list(queries.of_source(session, ("core_step_period", review.id))) == [first, second]


def test_those_that_wait_are_due_first(session: Session, raised: Raise, centres: Department, secretary: Actor) -> None:
    late, without, soon = raised(due_on=date(2026, 5, 1)), raised("No day"), raised("Soon", due_on=date(2026, 3, 1))
    other = raised("Other", source=crm(session))
    services.decide(session, raised("Decided"), True, actor=secretary, now=NOON)

    assert list(queries.waiting_for_decision(session)) == [soon, late, without, other]
    assert list(queries.waiting_for_decision(session, department_id=centres.id)) == [soon, late, without]
    assert list(queries.waiting_for_decision(session, plugin="visits")) == [other]
    assert list(queries.waiting_for_decision(session, first=date(2026, 1, 1), last=date(2026, 1, 31))) == [soon, late, without]


def test_followed_are_adopted_ones_of_periods_before(session: Session, raised: Raise, manager: Actor, secretary: Actor, centres: Department) -> None:
    open_one, caused, done, now = raised(), raised("Caused"), raised("Done"), raised("Of today", source=Source(department_id=centres.id))
    for one in (open_one, caused, done, now):
        services.decide(session, one, True, actor=secretary, now=NOON)
    services.record_cause(session, caused, "Ill", actor=manager, now=NOON)
    services.carry_out(session, done, actor=manager, now=NOON)

    assert list(queries.followed(session, department_id=centres.id, before=date(2026, 2, 1))) == [open_one, caused]
    assert list(queries.followed(session)) == [open_one, caused, now]


def test_a_week_that_reaches_into_the_next_month_is_followed_up_there_and_belongs_to_the_one_in_which_it_began(
    session: Session, raised: Raise, secretary: Actor,
) -> None:
    one = services.decide(session, raised(source=Source(period=(date(2026, 1, 25), date(2026, 2, 2)))), True, actor=secretary, now=NOON)

    assert list(queries.followed(session, before=date(2026, 2, 1))) == [one]
    assert list(queries.of_period(session, date(2026, 1, 1), date(2026, 1, 31))) == [one]
    assert list(queries.of_period(session, date(2026, 2, 1), date(2026, 2, 28))) == []


def test_a_period_has_its_own_and_what_was_carried_over_from_it(session: Session, raised: Raise, manager: Actor, secretary: Actor) -> None:
    kept, over = raised(), raised("Carried over")
    services.decide(session, over, True, actor=secretary, now=NOON)
    services.record_cause(session, over, "Ill", actor=manager, now=NOON)
    services.carry_over(session, over, first=date(2026, 2, 1), last=date(2026, 2, 28), actor=manager, now=NOON)

    assert list(queries.of_period(session, date(2026, 1, 1), date(2026, 1, 31))) == [kept, over]
    assert list(queries.of_period(session, date(2026, 2, 1), date(2026, 2, 28))) == [over]
    assert list(queries.of_period(session, date(2026, 1, 1), date(2026, 1, 31), plugin="visits")) == []


def test_a_manager_reads_those_of_the_own_department_only(session: Session, raised: Raise, manager: Actor) -> None:
    own, other, everybodys = raised(), raised("Other", source=crm(session)), raised("All", source=Source())
    colleague = actor_of(session, "centres_manager")

    assert queries.readable(session, own.id, colleague) == own
    assert queries.readable(session, everybodys.id, colleague) == everybodys
    with pytest.raises(NotFound):
        queries.readable(session, other.id, colleague)
    assert queries.readable(session, other.id, manager) == other  # he raised it
    assert queries.readable(session, other.id, actor_of(session, "auditor")) == other


def test_who_stands_in_for_a_manager_reads_what_he_reads(session: Session, raised: Raise) -> None:
    own, absent, deputy = raised(), person(session, "centres_manager"), person(session, "finance_manager")

    with pytest.raises(NotFound):
        queries.readable(session, own.id, auth.actor_for(session, deputy, source="web", now=NOON))
    auth.delegate(session, absent, deputy, from_on=date(2026, 2, 1), until_on=date(2026, 2, 7), reason="", actor=operator(), now=NOON)
    assert queries.readable(session, own.id, auth.actor_for(session, deputy, source="web", now=NOON)) == own


def test_to_decide_is_what_is_this_persons(session: Session, raised: Raise, secretary: Actor, manager: Actor) -> None:
    one = raised()
    own = raised("The secretary's", actor=actor_of(session, "centres_manager", "subcouncil_secretary"))

    assert queries.to_decide(session, secretary) == [one, own]
    assert queries.to_decide(session, manager) == queries.to_decide(session, actor_of(session, "association_management")) == []
    assert queries.may_decide(session, one, secretary) and not queries.may_decide(session, one, manager)
    services.decide(session, one, True, actor=secretary, now=NOON)
    assert queries.to_decide(session, secretary) == [own] and not queries.may_decide(session, one, secretary)


def test_what_one_raised_is_not_among_what_one_decides(session: Session, raised: Raise) -> None:
    both = actor_of(session, "centres_manager", "subcouncil_secretary")
    raised(actor=both)

    assert queries.to_decide(session, both) == []
