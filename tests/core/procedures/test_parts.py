"""A step in parts: one responsible person each, complete only when all are done (ORG-19); an output written by who has the step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.audit.models import AuditEvent
from core.auth.actor import Actor, Delegator
from core.auth.models import User
from core.errors import Conflict, InvalidInput, NotAllowed
from core.i18n import use_language
from core.notices.models import Notice
from core.notices.services import words
from core.procedures import queries, services
from core.procedures.models import StepRun
from core.state import state
from tests.conftest import PLUGINS
from tests.support.people import person

NOON = datetime(2026, 2, 1, 9, 0, tzinfo=UTC)
MANAGER = Actor(700, "manager", roles=frozenset({"crm_manager"}))
STRANGER = Actor(800, "stranger", roles=frozenset({"quality_employee"}))


def form(ident: int = 41, **more: Any) -> Any:
    return SimpleNamespace(__tablename__="core_customer_form", id=ident, number=f"F-{ident}", subject_id=None, customer_id=None, **more)


@pytest.fixture(autouse=True)
def english(session: Session) -> Iterator[None]:
    with use_language("en"):
        yield


@pytest.fixture
def sara(session: Session) -> User:
    return person(session, "crm_employee")


@pytest.fixture
def run(session: Session) -> StepRun:
    services.load(session, [("core", services.CORE_FILE)])
    return services.open_step(session, "MAN-CUST", 2, record=form(), now=NOON)


def as_actor(user: User) -> Actor:
    return Actor(user.id, user.username, roles=frozenset({"crm_employee"}))


def test_a_step_with_three_parts_is_complete_when_all_three_are_done(session: Session, run: StepRun, sara: User) -> None:
    tasks = [services.split(session, run, title, user_id=sara.id, actor=MANAGER, now=NOON) for title in ("Text", "Picture", "Proof")]
    for task in tasks[:2]:
        services.finish_task(session, task, actor=as_actor(sara), now=NOON + timedelta(hours=1))

    assert queries.parts_of(session, [run.id]) == {run.id: (2, 3)}
    with pytest.raises(Conflict, match=r"not done yet: Proof\."):
        services.close_run(session, run, record=form(), actor=MANAGER, now=NOON)

    services.finish_task(session, tasks[2], actor=as_actor(sara), now=NOON + timedelta(hours=1))
    services.close_run(session, run, record=form(), actor=MANAGER, now=NOON + timedelta(hours=2))
    assert run.ended_as == "closed"


@pytest.mark.parametrize("title", ["", "   ", "x" * 301, "a\u202eb", "a\x00b"])
def test_a_part_needs_words(session: Session, run: StepRun, sara: User, title: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        services.split(session, run, title, user_id=sara.id, actor=MANAGER, now=NOON)
    assert refused.value.field == "title"


def test_a_part_has_one_person_who_can_sign_in(session: Session, run: StepRun, sara: User) -> None:
    sara.active = False
    for user_id in (None, 99999, sara.id):
        with pytest.raises(InvalidInput) as refused:
            services.split(session, run, "Text", user_id=user_id, actor=MANAGER, now=NOON)
        assert refused.value.field == "user_id"


def test_only_who_has_the_step_splits_it(session: Session, run: StepRun, sara: User) -> None:
    with pytest.raises(NotAllowed):
        services.split(session, run, "Text", user_id=sara.id, actor=STRANGER, now=NOON)
    services.assign(session, run, sara.id)
    with pytest.raises(NotAllowed):
        services.split(session, run, "Text", user_id=sara.id, actor=MANAGER, now=NOON)

    assert services.split(session, run, "Text", user_id=sara.id, actor=as_actor(sara), now=NOON).user_id == sara.id


def test_a_deputy_splits_in_the_managers_name(session: Session, run: StepRun, sara: User) -> None:
    manager = person(session, "crm_manager")
    deputy = Actor(sara.id, sara.username, delegators=(Delegator(manager.id, "Fahd", frozenset(), frozenset({"crm_manager"}), manager.username),))

    services.split(session, run, "Text", user_id=sara.id, actor=deputy, now=NOON)

    session.flush()
    assert session.info["on_behalf_of"] == (manager.id, "Fahd")


def test_a_part_is_done_by_its_person_or_by_who_has_the_step_and_by_nobody_else(session: Session, run: StepRun, sara: User) -> None:
    first, second = (services.split(session, run, title, user_id=sara.id, actor=MANAGER, now=NOON) for title in ("Text", "Picture"))

    with pytest.raises(NotAllowed):
        services.finish_task(session, first, actor=STRANGER, now=NOON)
    services.finish_task(session, first, actor=MANAGER, now=NOON)
    services.finish_task(session, second, actor=as_actor(sara), now=NOON)
    services.finish_task(session, second, actor=as_actor(sara), now=NOON + timedelta(days=1))

    assert (first.done_at, second.done_at) == (NOON, NOON), "done twice is done once"


def test_parts_of_a_step_that_has_ended_stay_as_they_are(session: Session, run: StepRun, sara: User) -> None:
    task = services.split(session, run, "Text", user_id=sara.id, actor=MANAGER, now=NOON)
    services.cancel_steps(session, record=form(), actor=MANAGER, now=NOON)

    for act in (lambda: services.finish_task(session, task, actor=as_actor(sara), now=NOON),
                lambda: services.split(session, run, "More", user_id=sara.id, actor=MANAGER, now=NOON)):
        with pytest.raises(Conflict, match="has ended"):
            act()
    assert queries.tasks_of(session, as_actor(sara)) == []


def test_open_parts_are_found_by_their_person_and_deputy(session: Session, run: StepRun, sara: User) -> None:
    task = services.split(session, run, "Text", user_id=sara.id, actor=MANAGER, now=NOON)
    deputy = replace(STRANGER, delegators=(Delegator(sara.id, "Sara", frozenset(), frozenset()),))

    assert [(one.id, of.id) for one, of in queries.tasks_of(session, as_actor(sara))] == [(task.id, run.id)]
    assert len(queries.tasks_of(session, deputy)) == 1
    assert queries.tasks_of(session, MANAGER) == queries.tasks_of(session, STRANGER) == []

    services.finish_task(session, task, actor=deputy, now=NOON)
    assert session.info["on_behalf_of"] == (sara.id, "Sara") and queries.tasks_of(session, as_actor(sara)) == []


def test_parts_of_a_plugin_that_is_off_wait_with_it(session: Session, sara: User, monkeypatch: pytest.MonkeyPatch) -> None:
    services.load(session, [("visits", PLUGINS / "visits" / "procedures.json")])
    visit = services.open_step(session, "VISITS", 2, record=form(), now=NOON)
    services.split(session, visit, "Text", user_id=sara.id, actor=MANAGER, now=NOON)

    assert queries.tasks_of(session, as_actor(sara)) == []
    monkeypatch.setattr(state(), "active", [*state().active, SimpleNamespace(name="visits")])
    assert len(queries.tasks_of(session, as_actor(sara))) == 1


@pytest.mark.parametrize("actor", [
    MANAGER, STRANGER, Actor(1, "nobody"), replace(MANAGER, centre_ids=frozenset({5})), replace(MANAGER, centre_ids=frozenset({6})),
    Actor(9, "deputy", delegators=(Delegator(700, "Fahd", frozenset(), frozenset({"crm_manager"})),)), Actor(12, "assigned"),
])
def test_has_step_says_what_the_inbox_shows(session: Session, run: StepRun, actor: Actor) -> None:
    services.open_step(session, "MAN-CUST", 2, record=form(42, centre_id=5), now=NOON)
    services.assign(session, services.open_step(session, "MAN-CUST", 2, record=form(43), now=NOON), 12)
    services.assign(session, services.open_step(session, "MAN-CUST", 2, record=form(44), now=NOON), 700)

    shown = {one.run.id for steps in queries.inbox(session, actor, NOON).groups.values() for one in steps}

    assert {one.id for one in session.scalars(sa.select(StepRun)) if queries.has_step(one, actor)} == shown


def test_an_output_is_written_by_who_has_the_step_and_closes_it(session: Session, run: StepRun) -> None:
    with pytest.raises(NotAllowed):
        services.write_output(session, run, form(), "Reviewed", actor=STRANGER, now=NOON)
    with pytest.raises(InvalidInput):
        services.write_output(session, run, form(), " \n", actor=MANAGER, now=NOON)

    services.write_output(session, run, form(), "Reviewed\nand sent", actor=MANAGER, now=NOON)

    assert (run.output_note, run.ended_as) == ("Reviewed\nand sent", "closed")
    assert services.open_run(session, "MAN-CUST", 3, record=form()) is not None, "what follows is open"


def test_giving_and_finishing_a_part_is_logged(session: Session, run: StepRun, sara: User) -> None:
    task = services.split(session, run, "Text", user_id=sara.id, actor=MANAGER, now=NOON)
    work.commit(session)
    work.begin_write(session)
    services.finish_task(session, task, actor=as_actor(sara), now=NOON)
    work.commit(session)

    logged = session.scalars(sa.select(AuditEvent).where(AuditEvent.record_type == "core_step_task").order_by(AuditEvent.id)).all()
    assert [one.action for one in logged] == ["create", "close"]
    assert [one.actor_label for one in logged] == ["manager", sara.username]


def test_a_part_sent_twice_is_given_once(session: Session, run: StepRun, sara: User) -> None:
    def give(key: str, to: StepRun = run) -> Any:
        return services.split(session, to, "Text", user_id=sara.id, operation_key=key, actor=MANAGER, now=NOON)

    assert give("one") is give("one")
    assert [task.title for task, _user in queries.tasks_of_run(session, run)] == ["Text"]
    assert give("two") is not give("one")
    with pytest.raises(Conflict, match="something else"):
        give("one", services.open_step(session, "MAN-CUST", 2, record=form(42), now=NOON))


def test_who_is_given_a_part_is_told_once_and_not_of_his_own_act(session: Session, run: StepRun, sara: User) -> None:
    def told() -> list[str]:
        return [words(one) for one in session.scalars(sa.select(Notice).where(Notice.user_id == sara.id, Notice.link == f"/procedures/runs/{run.id}"))]

    for _n in range(2):
        services.split(session, run, "Text", user_id=sara.id, operation_key="k", actor=MANAGER, now=NOON)
    assert [re.sub("[\u2066-\u2069]", "", text) for text in told()] == [f"manager gave you a part of the step “{run.step.action}” (F-41): Text"]

    own = replace(MANAGER, user_id=sara.id)
    services.split(session, run, "Picture", user_id=sara.id, actor=own, now=NOON)
    assert len(told()) == 1


def test_the_menu_counts_the_parts_of_a_person_until_they_are_done(session: Session, run: StepRun, sara: User) -> None:
    writer, deputy = Actor(sara.id, "sara"), Actor(900, "deputy", delegators=(Delegator(sara.id, "sara", frozenset(), frozenset()),))
    assert queries.inbox_count(session, writer) == 0

    tasks = [services.split(session, run, title, user_id=sara.id, actor=MANAGER, now=NOON) for title in ("Text", "Picture")]
    assert [queries.inbox_count(session, one) for one in (writer, deputy, MANAGER, STRANGER)] == [2, 2, 1, 0]

    services.finish_task(session, tasks[0], actor=writer, now=NOON)
    assert queries.inbox_count(session, writer) == 1
    services.cancel_steps(session, record=form(), actor=MANAGER, now=NOON)
    assert queries.inbox_count(session, writer) == 0
