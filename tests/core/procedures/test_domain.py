"""What a procedure's file may say, and where a step stands in an inbox."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import DiwanError
from core.procedures.domain import bars, followers, group_of, read_procedures, used_up

NOW = datetime(2026, 11, 22, 6, 40, tzinfo=UTC)
TODAY = date(2026, 11, 22)
STEP = {"no": 1, "role": {"ar": "موظف", "en": "Employee", "slug": "crm_employee"}, "action": {"ar": "عمل", "en": "Work"}, "duration": "P1D"}


def document(**changes: object) -> dict[str, object]:
    return {"procedures": [{"code": "X", "plugin": "notes", "name": {"ar": "س", "en": "X"}, "steps": [{**STEP, **changes}]}]}


def test_core_file_holds_the_five_steps_of_the_manual(shared: Path) -> None:
    own = json.loads((Path("core/procedures/procedures.json")).read_text(encoding="utf-8"))
    given = json.loads((shared / "requirements" / "procedures.json").read_text(encoding="utf-8"))
    source = next(one for one in given["procedures"] if one["code"] == "MAN-CUST")

    copied = own["procedures"][0]
    kept = [{key: step[key] for key in source["steps"][no]} for no, step in enumerate(copied["steps"])]

    assert kept == source["steps"]
    assert copied["name"] == source["name"]


def test_read_procedures_passes_over_other_owners() -> None:
    assert read_procedures("leads", document(), "file") == []


def test_read_procedures_names_file_and_step_of_a_wrong_duration() -> None:
    with pytest.raises(DiwanError, match=r"file, X step 1, duration: 'one day'"):
        read_procedures("notes", document(duration="one day"), "file")


def test_read_procedures_refuses_an_unknown_mode() -> None:
    role = {"slug": "a", "slugs": ["a", "b"], "mode": "sometimes", "ar": "أ", "en": "A"}

    with pytest.raises(DiwanError, match="the mode 'sometimes' is unknown"):
        read_procedures("notes", document(role=role), "file")


def test_read_procedures_refuses_a_follower_that_does_not_exist() -> None:
    with pytest.raises(DiwanError, match="opens step 7, which does not exist"):
        read_procedures("notes", document(opens=[{"number": 7}]), "file")


def test_read_procedures_names_what_a_step_lacks() -> None:
    broken = document()
    del broken["procedures"][0]["steps"][0]["action"]  # type: ignore[index]

    with pytest.raises(DiwanError, match="X lacks 'action'"):
        read_procedures("notes", broken, "file")


def test_bars_keeps_slugs_apart() -> None:
    assert bars(["crm_manager", "centres_manager"]) == "|crm_manager|centres_manager|"
    assert bars([]) == ""


@pytest.mark.parametrize(("outcome", "expected"), [("approved", [4, 6]), ("rejected", [6]), (None, [6])])
def test_followers_depend_on_the_outcome(outcome: str | None, expected: list[int]) -> None:
    opens = {"steps": [{"number": 4, "when": "approved"}, {"number": 6}]}

    assert followers(opens, outcome) == expected


@pytest.mark.parametrize(("hours", "group"), [(-1, "overdue"), (2, "today"), (24, "week"), (7 * 24, "week"), (8 * 24, "later")])
def test_group_of_by_due_moment(hours: int, group: str) -> None:
    due = NOW + timedelta(hours=hours)

    assert group_of(due, due.date(), NOW, TODAY) == group


def test_group_of_without_limit_is_when_needed() -> None:
    assert group_of(None, None, NOW, TODAY) == "when_needed"


@pytest.mark.parametrize(("passed", "used"), [(0, 0), (6, 25), (24, 100), (48, 100)])
def test_used_up_is_bounded(passed: int, used: int) -> None:
    opened = NOW - timedelta(hours=passed)

    assert used_up(opened, opened + timedelta(hours=24), NOW) == used
