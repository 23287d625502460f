"""One kill as a sample of ``make faults``, and the comparison itself: a loss planted on purpose is found."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from core.numbering import FIRST, check_digit
from tests.faults import kill_worker, truth
from tests.faults.__main__ import FAULTS
from tests.faults.fault import Fault, Outcome, play
from tests.faults.load import Ledger
from tests.faults.truth import Held


def number(n: int) -> str:
    body = str(FIRST + n)
    return body + check_digit(body)


def held(**other: Any) -> Held:
    """Two customers, a contribution and a batch, as a load leaves them."""
    sound: dict[str, Any] = {
        "forms": {1: ("Load a", "F1", "entered"), 2: ("Load b", "F2", "entered")}, "customers": {number(0): 1, number(1): 2},
        "references": ["ref-a"], "batches": ["B1"], "exported": [1], "void": {}, "complaints": {"C-2026-0001": "complaint-a"}}
    return Held(**{**sound, **other})


ACKNOWLEDGED: list[dict[str, Any]] = [
    {"act": "form", "key": "a", "form": 1}, {"act": "review", "key": "b", "form": 2}, {"act": "customer", "key": "a", "form": 1, "number": number(0)},
    {"act": "contribution", "key": "a", "reference": "ref-a"}, {"act": "batch", "key": "a", "number": "B1"},
    {"act": "complaint", "key": "a", "number": "C-2026-0001"}]


def test_what_is_as_acknowledged_has_no_fault() -> None:
    assert truth.faults(held(), ACKNOWLEDGED, {"a", "b"}) == []


@pytest.mark.parametrize(("planted", "said"), [
    ({"forms": {2: ("Load b", "F2", "entered")}}, "acknowledged and lost: form of form 1"),
    ({"forms": {1: ("Load a", "F1", "entered"), 2: ("Load b", "F2", "filled")}}, "acknowledged and lost: review of form 2"),
    ({"customers": {number(0): 2, number(1): 1}}, f"acknowledged and lost: customer {number(0)}"),
    ({"references": []}, "acknowledged and lost: contribution ref-a"),
    ({"batches": []}, "acknowledged and lost: batch B1"),
    ({"complaints": {"C-2026-0001": "complaint-b"}}, "acknowledged and lost: complaint C-2026-0001"),
    ({"complaints": {"C-2026-0001": "complaint-a", "C-2026-0003": "complaint-b"}}, "never given: complaints_entry_2026 2"),
    ({"references": ["ref-a", "ref-a"]}, "there twice: contribution ref-a"),
    ({"exported": [1, 1]}, "there twice: exported contribution 1"),
    ({"forms": {1: ("Load a", "F1", "entered"), 2: ("Load a", "F2", "entered")}}, "there twice: form Load a"),
    ({"customers": {number(0): 1, number(1): 2, number(2): 2}}, "there twice: customer of form 2"),
    ({"customers": {number(0): 1, number(2): 2}}, f"never given: customer {FIRST + 1}"),
    ({"forms": {1: ("Load a", "F1", "entered"), 2: ("Load b", "F2", "entered"), 3: ("Load c", "F3", "filled")}}, "there and never sent: Load c"),
])
def test_a_planted_fault_is_found(planted: dict[str, Any], said: str) -> None:
    assert any(said in one for one in truth.faults(held(**planted), ACKNOWLEDGED, {"a", "b"}))


def test_a_number_acknowledged_twice_is_found_whatever_the_database_holds() -> None:
    again = {"act": "customer", "key": "b", "form": 1, "number": number(0)}

    assert f"1 given twice: customer {number(0)}" in truth.faults(held(), [*ACKNOWLEDGED, again])


def test_numbers_void_since_a_restore_are_no_gap() -> None:
    found = held(customers={number(0): 1, number(2): 2}, void={"customer": {FIRST + 1}})

    assert truth.faults(found, ACKNOWLEDGED) == []


def test_the_ledger_keeps_what_was_acknowledged_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    ledger = Ledger(tmp_path / "ledger.jsonl")

    ledger.write("form", key="a", form=1)

    assert len(synced) == 1
    assert [(one["act"], one["form"]) for one in Ledger(tmp_path / "ledger.jsonl").read()] == [("form", 1)]


def test_a_script_that_raises_is_a_fault_not_survived(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(engine: str, rounds: int) -> Outcome:
        raise TimeoutError("nobody came back")

    outcome, _seconds = play(Fault("broken", "broken", broken), "sqlite")

    assert (outcome.word, outcome.problems) == ("FAILED", ["TimeoutError: nobody came back"])
    assert "nobody came back" in capsys.readouterr().err


def test_every_script_is_run_by_make_faults() -> None:
    here = Path(__file__).parent
    scripts = {file.stem for file in here.glob("*.py") if "FAULT = Fault(" in file.read_text(encoding="utf-8") and not file.stem.startswith("test_")}

    assert {one.name for one in FAULTS} == scripts


@pytest.mark.processes
@pytest.mark.slow
def test_a_killed_worker_loses_nothing() -> None:
    outcome, _seconds = play(kill_worker.FAULT, "sqlite", 1)

    assert outcome.problems == []
    assert "1 kills" in outcome.figures
