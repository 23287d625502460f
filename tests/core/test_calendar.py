"""Days: Umm al-Qura against 1,220 published pairs, dates read only as declared, due moments of every kind of limit."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st

from core.calendar import (
    FIRST_DAY,
    LAST_DAY,
    Duration,
    OfficeCalendar,
    add_months,
    country_holidays,
    day_bounds,
    due_at,
    from_hijri,
    gregorian_text,
    hijri_month_days,
    hijri_parts,
    hijri_text,
    label_words,
    last_day,
    late_words,
    local_day,
    office_calendar,
    parse_date,
    parse_duration,
    period_of,
    read_holiday,
    weeks_words,
)
from core.errors import InvalidInput
from core.i18n import compile_catalogues, use_language

RIYADH = ZoneInfo("Asia/Riyadh")
TRANSLATIONS = Path(__file__).resolve().parents[2] / "core" / "translations"
CALENDAR_DAYS = OfficeCalendar()
WORKING_DAYS = OfficeCalendar(working=True)


@pytest.fixture(scope="module")
def words() -> Iterator[None]:
    """Both languages of the core, without an association."""
    compile_catalogues([str(TRANSLATIONS)])
    app = Flask(__name__)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS)
    Babel(app)
    with app.app_context():
        yield


# --- Hijri -----------------------------------------------------------------------------------------------------------


def test_published_pairs_of_both_calendars_agree(shared):
    website = json.loads((shared / "data/hijri/ummalqura_calendar_website.json").read_text())
    newspaper = json.loads((shared / "data/hijri/ummalqura_newspaper_issues.json").read_text())
    pairs = [entry[0] for entry in (*website, *newspaper)]

    for hijri, gregorian in pairs:
        assert from_hijri(*hijri) == date(*gregorian)
        assert hijri_parts(date(*gregorian)) == tuple(hijri)
    assert len(pairs) == 1220


def test_known_days_months_and_impossible_days(shared):
    known = json.loads((shared / "data/expected.json").read_text())

    for day, hijri in known["hijri_of_days_give"].items():
        assert "{:04}-{:02}-{:02}".format(*hijri_parts(date.fromisoformat(day))) == hijri
    for year, lengths in known["hijri_month_lengths"].items():
        assert [hijri_month_days(int(year), month) for month in range(1, 13)] == lengths
    impossible = known["hijri_invalid"]
    for text in (*impossible["never_valid"], *impossible["outside_1343_1500"], *impossible["invalid_30th"]):
        with pytest.raises(InvalidInput):
            parse_date(text, calendar="hijri")
    for text in impossible["valid_30th"]:
        assert hijri_parts(parse_date(text, calendar="hijri")) == tuple(int(part) for part in text.split("-"))


def test_announced_holidays_are_known_to_the_office(shared):
    with (shared / "data/hijri/islamic_holidays_sa_kw_2015-2027.csv").open(encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if row["estimated"] == "0"]

    missing = [row for row in rows if date.fromisoformat(row["gregorian"]) not in country_holidays(row["country"], int(row["gregorian"][:4]))]

    assert missing == []
    assert len(rows) == 106


@given(st.dates(FIRST_DAY, LAST_DAY))
def test_hijri_goes_there_and_back(day):
    assert from_hijri(*hijri_parts(day)) == day


@pytest.mark.parametrize("day", [FIRST_DAY - timedelta(days=1), LAST_DAY + timedelta(days=1)])
def test_outside_the_published_years_there_is_no_hijri_date(day, words):
    assert hijri_parts(day) is None
    assert hijri_text(day) == ""


@pytest.mark.parametrize(("label", "arabic", "english"), [
    ("2026-11", "نوفمبر 2026", "November 2026"), ("2026-12", "ديسمبر 2026", "December 2026"), ("2026", "2026", "2026"),
    ("2026-11-15 – 2026-11-21", "أسبوع 15 نوفمبر 2026", "week of 15 November 2026"), ("2026-11-15", "15 نوفمبر 2026", "15 November 2026"),
    ("2026-02-03 – 2026-02-12", "3 فبراير 2026 إلى 12 فبراير 2026", "3 February 2026 to 12 February 2026"),
    ("2026-13", "2026-13", "2026-13"), ("0000", "0000", "0000"), ("C-2026-0418", "C-2026-0418", "C-2026-0418"), ("1042712", "1042712", "1042712"),
    ("9999-12", "9999-12", "9999-12"), ("اجتماع 2026-11", "اجتماع 2026-11", "اجتماع 2026-11"),
])
def test_the_label_of_a_period_is_read_as_its_name(label, arabic, english, words):
    with use_language("ar"):
        assert label_words(label) == arabic
    with use_language("en"):
        assert label_words(label) == english


def test_dates_in_words_of_both_languages(words):
    day = date(2026, 11, 22)

    with use_language("ar"):
        assert hijri_text(day, weekday=True) == "الأحد 12 جمادى الآخرة 1448 هـ"
        assert gregorian_text(day, mark=True) == "22 نوفمبر 2026 م"
    with use_language("en"):
        assert hijri_text(day) == "12 Jumada II 1448 AH"
        assert gregorian_text(day, weekday=True, mark=True) == "Sunday 22 November 2026"


# --- reading dates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "order", "calendar", "expected"), [
    ("2026-09-23", None, "gregorian", "2026-09-23"), ("2026/9/3", "dmy", "gregorian", "2026-09-03"), ("03/04/2026", "dmy", "gregorian", "2026-04-03"),
    ("03/04/2026", "mdy", "gregorian", "2026-03-04"), ("23/09/2026", None, "gregorian", "2026-09-23"), ("09/23/2026", None, "gregorian", "2026-09-23"),
    ("05/05/2026", None, "gregorian", "2026-05-05"), ("٢٣/٠٩/٢٠٢٦", "dmy", "gregorian", "2026-09-23"), ("\u200f23/09/2026", "dmy", "gregorian", "2026-09-23"),
    ("23.9.26", "dmy", "gregorian", "2026-09-23"), ("26-09-23", "ymd", "gregorian", "2026-09-23"), ("1/1/85", "dmy", "gregorian", "1985-01-01"),
    ("20-Jan-2023", None, "gregorian", "2023-01-20"), ("Jan 05, 2024", None, "gregorian", "2024-01-05"),
    ("5 كانون الثاني 2024", None, "gregorian", "2024-01-05"),
    ("22 نوفمبر 2026 م", None, "hijri", "2026-11-22"), ("12/06/1448", "dmy", "hijri", "2026-11-22"), ("12/06/1448 هـ", "dmy", "gregorian", "2026-11-22"),
    ("12 جمادى الآخرة 1448 هـ", None, "gregorian", "2026-11-22"), ("12 Jumada II 1448 AH", None, "gregorian", "2026-11-22"),
    ("12 جمادي الثانيه 1448", None, "gregorian", "2026-11-22"), ("1445/09/30", None, "hijri", "2024-04-09"),
])
def test_dates_are_read_as_declared(text, order, calendar, expected):
    assert parse_date(text, order=order, calendar=calendar).isoformat() == expected


@pytest.mark.parametrize(("text", "order", "calendar"), [
    ("03/04/2026", None, "gregorian"), ("13/04/26", None, "gregorian"), ("23/09/2026", "mdy", "gregorian"), ("09/23/2026", "dmy", "gregorian"),
    ("03/04/2026", "ymd", "gregorian"), ("2026/13/04", "dmy", "gregorian"), ("31/02/2026", "dmy", "gregorian"), ("1448-06-12", None, "gregorian"),
    ("2026-09-23", None, "hijri"), ("22 نوفمبر 2026 هـ", None, "gregorian"), ("0024-01-01", None, "gregorian"), ("45292", None, "gregorian"),
    ("2026-09-23 noon", None, "gregorian"), ("", None, "gregorian"), ("९/९/२०२६", "dmy", "gregorian"), ("1 Xyz 2026", None, "gregorian"),
    ("2026-09-2345", None, "gregorian"), ("x" * 100_000, None, "gregorian"), ("a " * 50_000, None, "gregorian"),
])
def test_what_contradicts_the_declaration_or_may_be_two_days_is_refused(text, order, calendar):
    with pytest.raises(InvalidInput) as refused:
        parse_date(text, order=order, calendar=calendar, field="born_on")

    assert refused.value.field == "born_on"


@given(st.dates(date(1925, 1, 1), date(2070, 1, 1)), st.sampled_from(["dmy", "mdy", "ymd"]))
def test_a_written_date_reads_back_in_its_order(day, order):
    pattern = {"dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y", "ymd": "%Y/%m/%d"}[order]

    assert parse_date(day.strftime(pattern), order=order) == day


@given(st.dates(date(1970, 1, 1), date(2070, 1, 1)))
def test_without_an_order_a_date_is_read_rightly_or_not_at_all(day):
    try:
        found = parse_date(day.strftime("%d/%m/%Y"))
    except InvalidInput:
        assert day.day <= 12 and day.day != day.month
    else:
        assert found == day


# --- limits ----------------------------------------------------------------------------------------------------------


def test_durations_of_the_manual():
    assert parse_duration("P1D") == Duration(days=1)
    assert parse_duration("PT24H") == Duration(minutes=1440)
    assert parse_duration("P2W") == Duration(weeks=2)
    assert parse_duration("P1Y2M3DT4H5M") == Duration(months=14, days=3, minutes=245)
    assert parse_duration("PT0S") == Duration()
    assert [parse_duration(text).in_days for text in ("P1D", "P2W", "P1M", "PT24H", "P1DT1H", "PT0S")] == [True, True, True, False, False, False]


@pytest.mark.parametrize("text", ["", "P", "PT", "P1", "1D", "P1DT", "PT30S", "P-1D", "P1.5D", "P١D", "P1D ", "P99999999D"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(InvalidInput):
        parse_duration(text)


def at(text: str) -> datetime:
    """A moment by the clock of Riyadh."""
    return datetime.fromisoformat(text).replace(tzinfo=RIYADH)


@pytest.mark.parametrize(("opened", "limit", "calendar_days", "working_days"), [
    ("2026-11-19T10:30", "P1D", "2026-11-20T10:30", "2026-11-22T10:30"),
    ("2026-11-19T10:30", "PT24H", "2026-11-20T10:30", "2026-11-20T10:30"),
    ("2026-11-18T10:30", "P2D", "2026-11-20T10:30", "2026-11-22T10:30"),
    ("2026-11-19T10:30", "P1W", "2026-11-26T10:30", "2026-11-26T10:30"),
    ("2026-11-18T10:30", "P2W", "2026-12-02T10:30", "2026-12-02T10:30"),
    ("2026-11-20T10:30", "P1D", "2026-11-21T10:30", "2026-11-22T10:30"),
    ("2026-01-31T10:30", "P1M", "2026-02-28T10:30", "2026-02-28T10:30"),
    ("2026-11-19T10:30", "PT0S", "2026-11-19T10:30", "2026-11-19T10:30"),
    ("2026-11-19T23:30", "PT3H", "2026-11-20T02:30", "2026-11-20T02:30"),
])
def test_due_moments(opened, limit, calendar_days, working_days):
    assert due_at(at(opened).astimezone(UTC), limit, CALENDAR_DAYS) == at(calendar_days)
    assert due_at(at(opened).astimezone(UTC), limit, WORKING_DAYS) == at(working_days)


def test_a_step_opened_after_midnight_counts_by_the_association_s_day():
    opened = at("2026-11-19T01:00").astimezone(UTC)

    assert opened.date() == date(2026, 11, 18)
    assert due_at(opened, "P1D", WORKING_DAYS) == at("2026-11-22T01:00")


def test_days_keep_the_clock_where_the_clocks_change():
    cairo = OfficeCalendar(zone=ZoneInfo("Africa/Cairo"))
    opened = datetime(2026, 4, 23, 10, 0, tzinfo=cairo.zone)

    assert due_at(opened, "P1D", cairo) == datetime(2026, 4, 24, 10, 0, tzinfo=cairo.zone)
    assert due_at(opened, "P1D", cairo) - opened.astimezone(UTC) == timedelta(hours=23)
    assert due_at(opened, "PT24H", cairo) - opened.astimezone(UTC) == timedelta(hours=24)


@pytest.mark.parametrize(("line", "kept"), [
    ("H 10-01", "H 10-01"), ("h 10-1", "H 10-01"), ("10-01 هـ", "10-01 هـ"), ("١٠-٠١ هـ", "10-01 هـ"),
    ("2026-09-23", "2026-09-23"), ("-2026-09-23", "-2026-09-23"),
])
def test_own_holidays_are_days_or_come_every_hijri_year(line, kept):
    assert read_holiday(line).text == kept


@pytest.mark.parametrize("line", ["10-01", "H 13-01", "H 10-31", "H 0-1", "H 10-01 هـ", "-H 10-01", "23-09-2026", "2026-02-30", "", "H", "H 10-01x", "9" * 90])
def test_what_is_no_holiday_is_refused(line):
    with pytest.raises(InvalidInput, match="2026-09-23"):
        read_holiday(line)


def test_a_hijri_holiday_comes_every_year_on_its_own_day():
    values = {"time_zone": "Asia/Riyadh", "day_count": "working", "weekend": [4, 5], "public_holidays": False, "holidays": ["H 10-01", "9-1 هـ", "-2027-03-09"]}
    office = office_calendar(values)
    years = {year: from_hijri(year, 10, 1) for year in range(1445, 1450)}

    assert len({day.replace(year=2000) for day in years.values()}) == 5, "each year on another day of the Gregorian one"
    assert [office.is_working(day) for year, day in years.items() if day != date(2027, 3, 9)] == [False] * 4
    assert not office.is_working(from_hijri(1447, 9, 1)) and office.is_working(date(2026, 3, 22))
    assert years[1448] == date(2027, 3, 9) and office.is_working(date(2027, 3, 9)), "an own working day goes before"
    assert due_at(at("2026-02-17T09:00"), "P1D", office) == at("2026-02-19T09:00")


def test_holidays_of_country_and_association_are_skipped():
    values = {"time_zone": "Asia/Riyadh", "day_count": "working", "weekend": [4, 5], "country": "SA", "public_holidays": True,
              "holidays": ["2026-09-24", "-2026-09-25"]}
    office = office_calendar(values)

    assert not office.is_working(date(2026, 9, 23)) and not office.is_working(date(2026, 9, 24))
    assert office.is_working(date(2026, 9, 25))
    assert due_at(at("2026-09-22T09:00"), "P1D", office) == at("2026-09-25T09:00")
    assert due_at(at("2026-09-22T09:00"), "P1D", office_calendar({**values, "public_holidays": False})) == at("2026-09-23T09:00")


def test_a_week_without_any_working_day_does_not_count_for_ever():
    never = OfficeCalendar(working=True, weekend=frozenset(range(7)))

    assert due_at(at("2026-11-19T10:00"), "P2D", never) == at("2026-11-21T10:00")


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 60))
def test_adding_days_and_counting_them_agree(day, count):
    for office in (CALENDAR_DAYS, WORKING_DAYS):
        assert office.days_between(day, office.add_days(day, count)) == count


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 400))
def test_months_end_on_the_same_day_or_the_month_s_last(day, months):
    found = add_months(day, months)

    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == months
    assert found.day == day.day or (found + timedelta(days=1)).day == 1


@pytest.mark.parametrize(("every", "first", "last"), [
    ("day", date(2026, 2, 14), date(2026, 2, 14)), ("week", date(2026, 2, 8), date(2026, 2, 14)), ("month", date(2026, 2, 1), date(2026, 2, 28)),
    ("quarter", date(2026, 1, 1), date(2026, 3, 31)), ("year", date(2026, 1, 1), date(2026, 12, 31)),
])
def test_period_in_which_a_day_lies(every, first, last):
    assert period_of(every, date(2026, 2, 14)) == period_of(every, first) == period_of(every, last) == (first, last)


def test_a_week_runs_from_sunday_to_saturday():
    assert period_of("week", date(2026, 1, 10)) == (date(2026, 1, 4), date(2026, 1, 10))
    assert period_of("week", date(2026, 1, 11)) == (date(2026, 1, 11), date(2026, 1, 17))


def test_a_day_of_the_association_is_not_the_day_of_utc():
    assert local_day(datetime(2026, 11, 21, 22, 0, tzinfo=UTC), RIYADH) == date(2026, 11, 22)
    assert day_bounds(date(2026, 11, 22), RIYADH) == (datetime(2026, 11, 21, 21, tzinfo=UTC), datetime(2026, 11, 22, 21, tzinfo=UTC))


# --- lateness in words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "arabic", "english"), [
    (1, "يوم عمل واحد", "1 working day"), (2, "يومي عمل", "2 working days"), (3, "3 أيام عمل", "3 working days"), (11, "11 يوم عمل", "11 working days"),
    (100, "100 يوم عمل", "100 working days"),
])
def test_lateness_counts_in_the_unit_of_its_limit_with_the_right_plural(words, days, arabic, english):
    due = at("2026-11-22T10:00")
    now = due_at(due, f"P{days}D", WORKING_DAYS) + timedelta(hours=1)

    with use_language("ar"):
        assert late_words(due, now, WORKING_DAYS, in_days=True) == arabic
    with use_language("en"):
        assert late_words(due, now, WORKING_DAYS, in_days=True) == english


@pytest.mark.parametrize(("due", "late"), [
    ("2026-11-18T05:40", "1 working day"), ("2026-11-19T06:00", "less than a working day"), ("2026-11-20T06:00", "less than a working day"),
    ("2026-11-21T09:00", "3 hours"),
])
def test_no_limit_in_working_days_is_told_in_calendar_days(words, due, late):
    with use_language("en"):
        assert late_words(at(due), at("2026-11-21T12:00"), WORKING_DAYS, in_days=True) == late, "a Saturday, the second day of the weekend"


@given(st.datetimes(datetime(2026, 11, 1), datetime(2026, 12, 1)), st.datetimes(datetime(2026, 11, 1), datetime(2026, 12, 1)))
def test_what_was_due_earlier_never_reads_as_less_late(one, other):
    now, (earlier, later) = at("2026-12-01T12:00"), sorted(moment.replace(tzinfo=RIYADH) for moment in (one, other))
    weights = {"minute": 1, "hour": 60, "less": 24 * 60, "working": 25 * 60, "day": 24 * 60}

    def weight(words):
        number, unit = (1, "less") if words.startswith("less") else (int(words.split()[0]), words.split()[1].rstrip("s"))
        return number * weights[unit]

    with use_language("en"):
        for office in (WORKING_DAYS, CALENDAR_DAYS):
            assert weight(late_words(earlier, now, office, in_days=True)) >= weight(late_words(later, now, office, in_days=True))


@pytest.mark.parametrize(("minutes", "arabic", "english"), [
    (0, "أقل من دقيقة", "less than a minute"), (1, "دقيقة واحدة", "1 minute"), (60, "ساعة واحدة", "1 hour"), (120, "ساعتين", "2 hours"),
    (300, "5 ساعات", "5 hours"),
    (15 * 60, "15 ساعة", "15 hours"),
])
def test_lateness_of_hours(words, minutes, arabic, english):
    due = at("2026-11-22T03:00")

    with use_language("ar"):
        assert late_words(due, due + timedelta(minutes=minutes), CALENDAR_DAYS, in_days=False) == arabic
    with use_language("en"):
        assert late_words(due, due + timedelta(minutes=minutes), CALENDAR_DAYS, in_days=False) == english


def test_weeks_of_a_limit_are_told_as_weeks(words):
    with use_language("ar"):
        assert [weeks_words(count) for count in (1, 2, 3, 11, 100)] == ["أسبوع واحد", "أسبوعين", "3 أسابيع", "11 أسبوعًا", "100 أسبوع"]
    with use_language("en"):
        assert weeks_words(2) == "2 weeks"


@pytest.mark.parametrize(("due", "day"), [("2026-11-22T00:00", 21), ("2026-11-22T00:01", 22), ("2026-11-21T23:59", 21)])
def test_what_is_due_at_midnight_is_due_by_the_day_before(due, day):
    assert last_day(at(due), RIYADH) == date(2026, 11, day)
