"""What an event is about, the hours of calls, and the lists of the catalogue."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from core.calendar import OfficeCalendar
from core.consent import domain
from core.consent.domain import ContactHours
from core.i18n import use_language

SUNDAY_TO_THURSDAY = frozenset({6, 0, 1, 2, 3})
OFFICE = OfficeCalendar(weekend=frozenset(), closed=frozenset({date(2026, 2, 3)}))


def hours(start: int = 9, until: int = 21, *, days: frozenset[int] = SUNDAY_TO_THURSDAY, holidays: bool = False) -> ContactHours:
    return ContactHours(days, time(start), time(until), OFFICE, holidays)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """That hour of February 2026 by the clock of Makkah; the 1st is a Sunday, the 3rd a holiday, the 6th a Friday."""
    return datetime(2026, 2, day, hour - 3, minute, tzinfo=UTC) if hour >= 3 else datetime(2026, 2, day - 1, hour + 21, minute, tzinfo=UTC)


@pytest.mark.parametrize(("moment", "is_open"), [
    (at(1, 9), True), (at(1, 8, 59), False), (at(1, 20, 59), True), (at(1, 21), False), (at(6, 12), False), (at(7, 12), False), (at(3, 12), False),
])
def test_calls_are_made_on_the_chosen_days_and_hours_and_on_no_holiday(moment: datetime, is_open: bool) -> None:
    assert hours().open_at(moment) is is_open


def test_holidays_may_be_days_of_calls() -> None:
    assert hours(holidays=True).open_at(at(3, 12))


@pytest.mark.parametrize(("moment", "is_open"), [(at(5, 23), True), (at(6, 1), True), (at(6, 2), False), (at(6, 23), False), (at(5, 20), False)])
def test_hours_past_midnight_belong_to_the_day_on_which_they_began(moment: datetime, is_open: bool) -> None:
    """Thursday night runs into Friday; Friday itself is no day of calls."""
    assert hours(21, 2).open_at(moment) is is_open


def test_the_same_time_twice_is_the_whole_day() -> None:
    assert [hours(8, 8).open_at(moment) for moment in (at(1, 8), at(1, 23), at(2, 7), at(6, 9))] == [True, True, True, False]


def test_the_next_opening_skips_holidays_and_closed_days() -> None:
    assert hours().next_opening(at(1, 8)) == at(1, 9)
    assert hours().next_opening(at(2, 22)) == at(4, 9)
    assert hours().next_opening(at(5, 22)) == at(8, 9)
    assert hours(days=frozenset()).next_opening(at(1, 8)) is None


def test_an_event_for_all_is_about_every_cell_and_sharing_about_no_channel() -> None:
    assert len(domain.cells("all", "all")) == 5 * 4 + 1
    assert domain.cells("email", "marketing") == (("email", "marketing"),)
    assert domain.cells("all", "sharing") == (("all", "sharing"),)
    assert ("all", "sharing") not in domain.cells("phone", "all")
    assert domain.bearing_on("email", "marketing") == (("email", "all"), ("marketing", "all"))
    assert domain.bearing_on("email", "sharing") == (("all",), ("sharing", "all"))


def test_the_checklist_holds_the_five_conditions_and_names_what_is_not_met() -> None:
    assert [one.code for one in domain.checklist()] == ["timely", "short", "relevant", "consistent", "trustworthy"]
    assert [one.code for one in domain.unmet({"timely", "relevant", "trustworthy"})] == ["short", "consistent"]
    assert domain.unmet([one.code for one in domain.checklist()]) == ()
    with use_language("ar"):
        assert [str(one.title) for one in domain.checklist()] == ["في الوقت المناسب", "قصيرة", "ذات صلة", "متسقة", "موثوقة"]


def test_the_catalogue_has_what_the_code_names() -> None:
    assert tuple(domain.purposes()) == domain.PURPOSES
    assert tuple(domain.channels()) == domain.CHANNELS == tuple(domain.REACHED_BY)
    assert domain.LINK in domain.sources()
    assert tuple(domain.wordings()) == domain.WORDINGS
    assert set(domain.withdrawals()) == {"news", "sharing", "all", *domain.CHANNELS}
