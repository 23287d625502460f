"""Whose inbox a step is in, and how a clause was kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.admin import printing
from core.auth.actor import Actor, Delegator
from core.i18n import use_language
from core.procedures import queries, services, timing
from core.procedures.queries import Inbox, Kept
from core.state import state
from tests.conftest import PLUGINS

NOON = datetime(2026, 2, 1, 9, 0, tzinfo=UTC)
MANAGER = Actor(7, "manager", roles=frozenset({"crm_manager"}))


def form(ident: int, **attributes: Any) -> Any:
    return SimpleNamespace(__tablename__="core_customer_form", id=ident, number=f"F-{ident}", **attributes)


@pytest.fixture(autouse=True)
def english(session: Session) -> Iterator[None]:
    """Messages in English, as the tests below read them."""
    with use_language("en"):
        yield


@pytest.fixture
def loaded(session: Session) -> Session:
    services.load(session, [("core", services.CORE_FILE)])
    return session


def labels(inbox: Inbox) -> dict[str, list[str]]:
    return {group: [one.run.record_label for one in steps] for group, steps in inbox.groups.items()}


def test_inbox_groups_by_due_moment_the_most_urgent_first(loaded: Session) -> None:
    for ident, age in ((1, 30), (2, 50), (3, 20), (4, 0)):
        services.open_step(loaded, "MAN-CUST", 2, record=form(ident), now=NOON - timedelta(hours=age))

    found = queries.inbox(loaded, MANAGER, NOON)

    assert labels(found) == {"overdue": ["F-2", "F-1"], "today": ["F-3"], "week": ["F-4"]}
    assert found.count == 4
    assert queries.inbox_count(loaded, MANAGER) == 4


def test_overdue_step_says_by_how_much(loaded: Session) -> None:
    services.open_step(loaded, "MAN-CUST", 2, record=form(1), now=NOON - timedelta(days=3))

    step = queries.inbox(loaded, MANAGER, NOON).overdue[0]

    assert step.late == "2 days"
    assert step.used == 100


def test_inbox_holds_no_step_of_another_role(loaded: Session) -> None:
    services.open_step(loaded, "MAN-CUST", 2, record=form(1), now=NOON)

    assert queries.inbox(loaded, Actor(8, "e", roles=frozenset({"crm_employee"})), NOON).count == 0
    assert queries.inbox(loaded, Actor(8, "e", roles=frozenset({"crm_manage"})), NOON).count == 0
    assert queries.inbox(loaded, Actor(8, "nobody"), NOON).count == 0


def test_inbox_of_a_delegate_names_whose_step_it_is(loaded: Session) -> None:
    services.open_step(loaded, "MAN-CUST", 2, record=form(1), now=NOON)
    delegate = Actor(9, "deputy", delegators=(Delegator(7, "Fahd", frozenset(), frozenset({"crm_manager"})),))

    found = queries.inbox(loaded, delegate, NOON)

    assert found.behalves == {"Fahd": 1}
    assert queries.inbox(loaded, MANAGER, NOON).behalves == {}


def test_assigned_step_is_in_one_inbox_only(loaded: Session) -> None:
    run = services.open_step(loaded, "MAN-CUST", 2, record=form(1), now=NOON)
    services.assign(loaded, run, 12)

    assert queries.inbox(loaded, MANAGER, NOON).count == 0
    assert queries.inbox(loaded, Actor(12, "other"), NOON).count == 1


def test_step_of_another_centre_is_not_shown(loaded: Session) -> None:
    services.open_step(loaded, "MAN-CUST", 2, record=form(1, centre_id=5), now=NOON)
    services.open_step(loaded, "MAN-CUST", 2, record=form(2, centre_id=None), now=NOON)
    bounded = Actor(7, "manager", roles=frozenset({"crm_manager"}), centre_ids=frozenset({6}))

    assert labels(queries.inbox(loaded, bounded, NOON)) == {"week": ["F-2"]}
    assert queries.inbox(loaded, MANAGER, NOON).count == 2


def test_closed_step_leaves_the_inbox(loaded: Session) -> None:
    services.open_step(loaded, "MAN-CUST", 5, record=form(1), now=NOON)
    services.close_step(loaded, "MAN-CUST", 5, record=form(1), actor=MANAGER, now=NOON)

    assert queries.inbox(loaded, Actor(1, "e", roles=frozenset({"crm_employee"})), NOON).count == 0


def test_overdue_of_team_shows_what_reports_to_the_manager(loaded: Session) -> None:
    """An overdue step appears for the role's holders and their manager (ACC-94)."""
    services.open_step(loaded, "MAN-CUST", 5, record=form(1), now=NOON - timedelta(days=2))
    services.open_step(loaded, "MAN-CUST", 5, record=form(2), now=NOON)

    found = queries.overdue_of_team(loaded, MANAGER, NOON, ["crm_employee"])

    assert labels(found) == {"overdue": ["F-1"]}
    assert queries.overdue_of_team(loaded, MANAGER, NOON, []).count == 0


def test_kept_counts_in_time_late_and_open(loaded: Session) -> None:
    for ident, hours in ((1, 3), (2, 30), (3, 5)):
        services.open_step(loaded, "MAN-CUST", 5, record=form(ident), now=NOON)
        services.close_step(loaded, "MAN-CUST", 5, record=form(ident), actor=MANAGER, now=NOON + timedelta(hours=hours))
    services.open_step(loaded, "MAN-CUST", 5, record=form(4), now=NOON)

    found = queries.kept(loaded, NOON + timedelta(days=2))[("MAN-CUST", 5)]

    assert found == Kept(closed=3, in_time=2, open=1, overdue=1)
    assert (found.late, found.share) == (1, 66.7)


def test_kept_of_a_period_leaves_out_what_closed_outside(loaded: Session) -> None:
    services.open_step(loaded, "MAN-CUST", 5, record=form(1), now=NOON)
    services.close_step(loaded, "MAN-CUST", 5, record=form(1), actor=MANAGER, now=NOON)

    found = queries.kept(loaded, NOON, since=NOON + timedelta(days=1))

    assert found[("MAN-CUST", 5)].closed == 0


def test_procedures_with_steps_shows_the_governing_versions(loaded: Session) -> None:
    changer = Actor(7, "manager", frozenset({"procedures.change"}))
    services.change_limit(loaded, "MAN-CUST", 2, "P3D", actor=changer, now=datetime(2099, 1, 1, tzinfo=UTC))

    steps = dict((procedure.code, own) for procedure, own in queries.procedures_with_steps(loaded, NOON))["MAN-CUST"]

    assert [step.number for step in steps] == [1, 2, 3, 4, 5]
    assert steps[1].duration == "P1D"
    assert [one.duration for one in queries.versions_of(loaded, "MAN-CUST", 2)] == ["P3D", "P1D"]


def test_steps_of_a_plugin_that_is_off_rest_until_it_is_on_again(loaded: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    services.load(loaded, [("visits", PLUGINS / "visits" / "procedures.json")])
    services.open_step(loaded, "VISITS", 2, record=form(1, customer_id=None), now=NOON)

    assert queries.inbox(loaded, MANAGER, NOON).count == queries.inbox_count(loaded, MANAGER) == 0

    monkeypatch.setattr(state(), "active", [*state().active, SimpleNamespace(name="visits")])
    assert queries.inbox(loaded, MANAGER, NOON).count == queries.inbox_count(loaded, MANAGER) == 1


def test_a_daily_step_that_ends_at_midnight_is_todays_work(loaded: Session) -> None:
    ended = datetime(2026, 2, 1, 21, 0, tzinfo=UTC)  # midnight in Makkah
    run = services.open_step(loaded, "MAN-CUST", 2, record=form(1), now=NOON, due_at=ended)

    assert labels(queries.inbox(loaded, MANAGER, NOON)) == {"today": ["F-1"]}
    assert labels(queries.inbox(loaded, MANAGER, NOON - timedelta(days=1))) == {"week": ["F-1"]}
    assert labels(queries.inbox(loaded, MANAGER, ended + timedelta(seconds=1))) == {"overdue": ["F-1"]}
    shown = printing.due(opened_at=run.opened_at, due_at=ended, closed_at=None, limit=None, now=NOON, office=timing.office(loaded))
    assert (shown.state, shown.time) == ("today", ""), "no time of day: it is until the day's end"
