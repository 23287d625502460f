"""Numbers given once, on both engines: check digits, blocks, rolled-back numbers, void ranges (CUST-06, CUST-07)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import work
from core.database import db
from core.numbering import (
    FIRST,
    VoidRange,
    check_digit,
    is_valid,
    next_number,
    next_numbers,
    next_value,
    raise_counter,
    split,
)
from core.testing import close_app, make_app, new_association

NOW = datetime(2026, 2, 1, 6, 0, tzinfo=UTC)
BODIES = st.integers(FIRST, 99_999_999).map(str)


@given(BODIES)
def test_a_number_with_its_check_digit_is_valid_and_with_any_other_is_not(body):
    number = body + check_digit(body)

    assert is_valid(number)
    assert split(number) == (body, check_digit(body))
    assert [last for last in "0123456789" if is_valid(body + last)] == [check_digit(body)]


@given(BODIES, st.data())
def test_one_mistyped_digit_is_always_noticed(body, data):
    number = body + check_digit(body)
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != number[place]]))

    assert not is_valid(number[:place] + other + number[place + 1 :])


@given(BODIES, st.data())
def test_two_neighbours_swapped_are_noticed_but_for_zero_and_nine(body, data):
    number = body + check_digit(body)
    place = data.draw(st.integers(0, len(number) - 2))
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]

    assert is_valid(swapped) == (swapped == number or {number[place], number[place + 1]} == {"0", "9"})


@pytest.mark.parametrize("text", ["", "7", "104271-2", "١٠٤٢٧١٢", "10 42712", "abc"])
def test_other_writings_are_no_numbers(text):
    assert not is_valid(text)


def test_numbers_follow_each_other_and_each_name_has_its_own(session):
    numbers = [next_number(session, "test.a") for _ in range(3)] + next_numbers(session, "test.a", 4)

    assert [int(number[:-1]) for number in numbers] == list(range(FIRST, FIRST + 7))
    assert all(is_valid(number) for number in numbers)
    assert next_value(session, "test.b") == 1
    assert next_value(session, "test.b", count=5) == 6


def test_a_number_that_was_rolled_back_is_given_again(session):
    first = next_number(session, "test.a")
    with pytest.raises(RuntimeError), session.begin_nested():
        lost = next_number(session, "test.a")
        raise RuntimeError

    assert next_number(session, "test.a") == lost != first


def test_a_restored_counter_is_lifted_and_tells_what_it_skipped(session):
    last = next_value(session, "test.a", first=FIRST, count=3)

    skipped = raise_counter(session, "test.a", last + 10, reason="restored", now=NOW)

    assert isinstance(skipped, VoidRange)
    assert (skipped.first, skipped.last) == (last + 1, last + 10)
    assert next_value(session, "test.a") == last + 11
    assert raise_counter(session, "test.a", last, reason="restored", now=NOW) is None


@pytest.mark.slow
def test_many_at_once_never_get_one_number_twice(engine_name, deployment, request):
    server = request.getfixturevalue("postgres") if engine_name == "postgresql" else None
    app = make_app(new_association(deployment, f"numbering-{engine_name}", postgres=server), deployment)
    given_out: list[str] = []

    def take() -> None:
        with app.app_context():
            for _turn in range(5):
                with work.unit_of_work(work.real(db.session)) as own:
                    given_out.append(next_number(own, "test.parallel"))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    close_app(app)

    assert sorted(int(number[:-1]) for number in given_out) == list(range(FIRST, FIRST + 20))
