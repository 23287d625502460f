"""Pure rules of calls: legs into calls, answered or not, directions, lengths (CALL-01, 05)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plugins.callcenter import domain
from plugins.callcenter.domain import House, Leg

NINE = datetime(2026, 2, 2, 6, 0, tzinfo=UTC)
HOUSE = House(4, frozenset({"1888808"}))
DONOR = "0557654321"


def leg(**changed: Any) -> Leg:
    given: dict[str, Any] = {"key": "k", "group": "g", "duration": 30, "talk": 0, "disposition": "NO ANSWER", "source": DONOR, "destination": "201"}
    at = changed.pop("after", 0)
    return Leg(**{**given, "started_at": NINE + timedelta(seconds=at), **changed})


def test_five_legs_of_a_queue_with_one_answered_are_one_answered_call() -> None:
    ringing = [leg(key=str(place), destination=f"20{place}", duration=20) for place in range(4)]
    call = domain.call_of([*ringing, leg(key="5", destination="205", duration=80, talk=60, disposition="ANSWERED")], HOUSE)

    assert (call.direction, call.party, call.answered, call.talk, call.duration, call.extension, call.legs) == ("in", DONOR, True, 60, 80, "205", 5)


def test_five_legs_that_nobody_answered_are_one_missed_call() -> None:
    call = domain.call_of([leg(key=str(place), destination=f"20{place}") for place in range(5)], HOUSE)

    assert (call.direction, call.answered, call.talk, call.legs) == ("in", False, 0, 5)


def test_times_in_which_several_legs_talk_count_once() -> None:
    over = [leg(duration=100, talk=90, disposition="ANSWERED"), leg(after=40, duration=100, talk=100, disposition="ANSWERED", key="b")]

    assert domain.talk_of(over) == 130


@pytest.mark.parametrize(("source", "destination", "more", "wanted"), [
    (DONOR, "201", {}, ("in", DONOR)), ("201", DONOR, {}, ("out", DONOR)), ("201", "202", {}, ("internal", "")), ("105", "*60", {}, ("internal", "")),
    ("client1", "6789", {}, ("internal", "")), ("1888808", DONOR, {}, ("out", DONOR)), (DONOR, "+965 1888808", {}, ("in", DONOR)),
    (DONOR, "0112223334", {}, ("in", DONOR)), (DONOR, "0112223334", {"context": "from-internal"}, ("out", "0112223334")),
    (DONOR, "0112223334", {"direction": "outbound"}, ("out", "0112223334")),
])
def test_direction_and_who_is_outside(source: str, destination: str, more: dict[str, str], wanted: tuple[str, str]) -> None:
    call = domain.call_of([leg(source=source, destination=destination, **more)], HOUSE)

    assert (call.direction, call.party) == wanted


@pytest.mark.parametrize(("word", "talk", "wanted"), [
    ("ANSWERED", 0, "answered"), ("no answer", 0, "no_answer"), ("BUSY", 0, "busy"), ("FAILED", 0, "failed"), ("16", 12, "answered"), ("16", 0, "no_answer"),
    ("17", 80, "busy"), ("", 5, "answered"), ("", 0, "no_answer"), ("something new", 9, "failed"),
])
def test_answered_by_the_exchanges_word_or_its_cause(word: str, talk: int, wanted: str) -> None:
    assert domain.outcome_of(word, talk) == wanted


@pytest.mark.parametrize(("typed", "seconds"), [
    ("3:20", 200), ("٣:٢٠", 200), ("1:02:05", 3725), ("95", 95), ("0", 0), ("3:75", None), ("three", None), ("-5", None), ("", None)])
def test_lengths_as_they_are_typed(typed: str, seconds: int | None) -> None:
    assert domain.seconds_of(typed) == seconds


def test_averages_are_whole_seconds_and_none_of_none() -> None:
    assert (domain.average_seconds(600, 3), domain.average_seconds(5, 2), domain.average_seconds(0, 0)) == (200, 3, None)
    assert (domain.clock_of(200), domain.clock_of(90061), domain.clock_of(None)) == ("00:03:20", "25:01:01", "")
