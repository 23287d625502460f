"""Loading procedures, and the life of a step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor, Delegator
from core.errors import Conflict, DiwanError, InvalidInput, NotAllowed
from core.i18n import use_language
from core.procedures import services
from core.procedures.models import Procedure, StepRun, StepVersion

NOON = datetime(2026, 2, 1, 9, 0, tzinfo=UTC)  # a Sunday
MANAGER = Actor(7, "manager", frozenset({"procedures.change"}), frozenset({"crm_manager"}))
PAGE = "/customers/forms/{id}"


def form(number: str = "F-2026-1", ident: int = 41) -> Any:
    return SimpleNamespace(__tablename__="core_customer_form", id=ident, number=number, subject_id=None, centre_id=None, customer_id=None)


@pytest.fixture(autouse=True)
def english(session: Session) -> Iterator[None]:
    """Messages in English, as the tests below read them."""
    with use_language("en"):
        yield


@pytest.fixture
def loaded(session: Session) -> Session:
    services.load(session, [("core", services.CORE_FILE)])
    return session


def count(session: Session, model: Any) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_load_twice_adds_nothing(loaded: Session) -> None:
    before = count(loaded, Procedure), count(loaded, StepVersion)

    added = services.load(loaded, [("core", services.CORE_FILE)])

    assert added == 0
    assert (count(loaded, Procedure), count(loaded, StepVersion)) == before
    assert loaded.scalars(sa.select(StepVersion.number).join(Procedure).where(Procedure.code == "MAN-CUST")).all() == [1, 2, 3, 4, 5]


def test_load_passes_over_an_owner_without_file(session: Session, tmp_path: Path) -> None:
    assert services.load(session, [("nobody", tmp_path / "procedures.json")]) == 0


def test_load_refuses_a_code_of_another_owner(loaded: Session, tmp_path: Path) -> None:
    data = json.loads(services.CORE_FILE.read_text(encoding="utf-8"))
    data["procedures"][0]["plugin"] = "notes"
    file = tmp_path / "procedures.json"
    file.write_text(json.dumps(data), encoding="utf-8")

    with pytest.raises(DiwanError, match=r"MAN-CUST of 'notes' is already there as one of 'core'"):
        services.load(loaded, [("notes", file)])


def test_open_step_is_due_by_its_limit_and_leads_to_the_record(loaded: Session) -> None:
    run = services.open_step(loaded, "MAN-CUST", 2, record=form(), now=NOON)

    assert run.due_at == NOON + timedelta(days=1)
    assert run.link == "/customers/forms/details/?id=41" or run.link == PAGE.replace("{id}", "41")
    assert (run.record_label, run.role_slugs) == ("F-2026-1", ["crm_manager"])


def test_open_step_counts_working_days_where_chosen(loaded: Session) -> None:
    settings.put(loaded, "core.day_count", "working")
    thursday = datetime(2026, 2, 5, 9, 0, tzinfo=UTC)

    run = services.open_step(loaded, "MAN-CUST", 2, record=form(), now=thursday)

    assert run.due_at == datetime(2026, 2, 8, 9, 0, tzinfo=UTC)


def test_open_step_twice_is_one_run(loaded: Session) -> None:
    first = services.open_step(loaded, "MAN-CUST", 2, record=form(), now=NOON)

    second = services.open_step(loaded, "MAN-CUST", 2, record=form(), now=NOON + timedelta(hours=1))

    assert second is first
    assert count(loaded, StepRun) == 1


def test_open_step_that_does_not_exist_names_it(loaded: Session) -> None:
    with pytest.raises(DiwanError, match="no step 9 of MAN-CUST"):
        services.open_step(loaded, "MAN-CUST", 9, record=form(), now=NOON)


def test_close_step_opens_what_follows(loaded: Session) -> None:
    services.open_step(loaded, "MAN-CUST", 2, record=form(), now=NOON)

    run = services.close_step(loaded, "MAN-CUST", 2, record=form(), actor=MANAGER, now=NOON + timedelta(hours=3))

    assert run is not None
    assert (run.ended_as, run.ended_by_id, run.ended_by_label) == ("closed", 7, "manager")
    following = services.open_run(loaded, "MAN-CUST", 3, record=form())
    assert following is not None
    assert following.due_at == NOON + timedelta(days=1, hours=3)


@pytest.mark.parametrize(("outcome", "opened"), [("approved", True), ("rejected", False)])
def test_close_step_follows_its_outcome(loaded: Session, outcome: str, opened: bool) -> None:
    services.open_step(loaded, "MAN-CUST", 3, record=form(), now=NOON)

    services.close_step(loaded, "MAN-CUST", 3, record=form(), actor=MANAGER, now=NOON, outcome=outcome)

    assert (services.open_run(loaded, "MAN-CUST", 4, record=form()) is not None) is opened


def test_close_step_that_is_not_open_does_nothing(loaded: Session) -> None:
    assert services.close_step(loaded, "MAN-CUST", 2, record=form(), actor=MANAGER, now=NOON) is None


def test_close_run_twice_names_who_was_first(loaded: Session) -> None:
    run = services.open_step(loaded, "MAN-CUST", 2, record=form(), now=NOON)
    services.close_run(loaded, run, actor=MANAGER, now=NOON)

    with pytest.raises(Conflict, match="manager"):
        services.close_run(loaded, run, actor=MANAGER, now=NOON)


def test_close_step_for_another_names_him(loaded: Session) -> None:
    deputy = Actor(9, "deputy", delegators=(Delegator(7, "Fahd", frozenset(), frozenset({"crm_manager"})),))
    services.open_step(loaded, "MAN-CUST", 2, record=form(), now=NOON)

    run = services.close_step(loaded, "MAN-CUST", 2, record=form(), actor=deputy, now=NOON)

    assert run is not None
    assert (run.on_behalf_of_id, run.on_behalf_of_label) == (7, "Fahd")


class Refusing:
    """Hooks with one listener that refuses."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def tell(self, hook: str, **arguments: Any) -> None:
        self.told.append({"hook": hook, **arguments})
        raise Conflict("not yet")


def test_close_step_tells_listeners_who_may_refuse(loaded: Session) -> None:
    loaded.info["hooks"] = hooks = Refusing()
    run = services.open_step(loaded, "MAN-CUST", 2, record=form(), now=NOON)

    with pytest.raises(Conflict, match="not yet"):
        services.close_step(loaded, "MAN-CUST", 2, record=form(), actor=MANAGER, now=NOON)

    assert [(one["hook"], one["step_run_id"]) for one in hooks.told] == [("on_step_closed", run.id)]


def test_cancel_steps_ends_all_that_are_open(loaded: Session) -> None:
    services.open_step(loaded, "MAN-CUST", 2, record=form(), now=NOON)
    services.open_step(loaded, "MAN-CUST", 4, record=form(), now=NOON)
    other = services.open_step(loaded, "MAN-CUST", 2, record=form("F-2", 42), now=NOON)

    cancelled = services.cancel_steps(loaded, record=form(), actor=MANAGER, now=NOON)

    assert cancelled == 2
    assert other.is_open()


def test_change_limit_governs_the_next_case_only(loaded: Session) -> None:
    running = services.open_step(loaded, "MAN-CUST", 2, record=form(), now=NOON)

    fresh = services.change_limit(loaded, "MAN-CUST", 2, "P3D", actor=MANAGER, now=NOON + timedelta(hours=1), reason="Ramadan")

    following = services.open_step(loaded, "MAN-CUST", 2, record=form("F-2", 42), now=NOON + timedelta(hours=2))
    assert (fresh.version, fresh.author_label, fresh.reason) == (2, "manager", "Ramadan")
    assert running.due_at == NOON + timedelta(days=1)
    assert running.step.version == 1
    assert following.due_at == NOON + timedelta(hours=2, days=3)


def test_change_role_moves_the_next_case_to_other_inboxes(loaded: Session) -> None:
    services.change_role(loaded, "MAN-CUST", 2, ["centres_manager"], titles=("مدير", "Manager"), actor=MANAGER, now=NOON)

    run = services.open_step(loaded, "MAN-CUST", 2, record=form(), now=NOON)

    assert run.role_slugs == ["centres_manager"]
    assert run.step.role_en == "Manager"


def test_changes_of_a_step_need_the_permission(loaded: Session) -> None:
    with pytest.raises(NotAllowed):
        services.change_limit(loaded, "MAN-CUST", 2, "P3D", actor=Actor(1, "nobody"), now=NOON)


def test_change_limit_refuses_what_is_no_duration(loaded: Session) -> None:
    with pytest.raises(InvalidInput, match="three days"):
        services.change_limit(loaded, "MAN-CUST", 2, "three days", actor=MANAGER, now=NOON)


def test_loading_again_keeps_what_the_association_changed(loaded: Session) -> None:
    services.change_limit(loaded, "MAN-CUST", 2, "P3D", actor=MANAGER, now=NOON)

    services.load(loaded, [("core", services.CORE_FILE)])

    assert services.step_at(loaded, "MAN-CUST", 2, NOON + timedelta(seconds=1)).duration == "P3D"
