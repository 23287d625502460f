"""Days: Hijri beside Gregorian, working days, due moments.

Hijri is Umm al-Qura by ``hijridate`` (1343–1500 AH); a browser's or ICU's differs by a day outside 1420–1450. Gregorian is
what is stored. Limits in hours always run on; limits in days and weeks are calendar days, or working days where the
association chose so (PLUG-11).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import holidays
from hijridate import Gregorian, Hijri

from core.errors import InvalidInput
from core.i18n import LazyString, language, ngettext
from core.i18n import gettext as _
from core.i18n import lazy_gettext as _l
from core.text import isolate, name_key, normalise_digits, without_marks

HIJRI_MONTHS = {
    "ar": ("محرم", "صفر", "ربيع الأول", "ربيع الآخر", "جمادى الأولى", "جمادى الآخرة", "رجب", "شعبان", "رمضان", "شوال", "ذو القعدة", "ذو الحجة"),
    "en": ("Muharram", "Safar", "Rabi I", "Rabi II", "Jumada I", "Jumada II", "Rajab", "Sha‘ban", "Ramadan", "Shawwal", "Dhu al-Qi‘dah", "Dhu al-Hijjah"),
}
MONTHS = {
    "ar": ("يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"),
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"),
}
WEEKDAYS = {
    "ar": ("الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
RIYADH = ZoneInfo("Asia/Riyadh")
FIRST_DAY, LAST_DAY = date(1924, 8, 1), date(2077, 11, 16)


# --- showing dates -----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=5_000)
@lru_cache(maxsize=4_000)
def hijri_parts(day: date) -> tuple[int, int, int] | None:
    """(year, month, day) by Umm al-Qura; None outside the years the calendar was ever published for."""
    if not FIRST_DAY <= day <= LAST_DAY:
        return None
    found = Gregorian.fromdate(day).to_hijri()
    return found.year, found.month, found.day


def from_hijri(year: int, month: int, day: int) -> date:
    """The Gregorian date of a day by Umm al-Qura; ValueError (or OverflowError, a year outside 1343–1500) for none."""
    found = Hijri(year, month, day).to_gregorian()
    return date(found.year, found.month, found.day)


def hijri_month_days(year: int, month: int) -> int:
    """29 or 30; ValueError or OverflowError as ``from_hijri``."""
    return int(Hijri(year, month, 1).month_length())


def hijri_text(day: date, *, weekday: bool = False) -> str:
    """``12 جمادى الآخرة 1448 هـ`` or ``12 Jumada II 1448 AH``; empty where there is none."""
    parts = hijri_parts(day)
    if parts is None:
        return ""
    lang = language()
    year, month, number = parts
    text = f"{number} {HIJRI_MONTHS[lang][month - 1]} {year} {'هـ' if lang == 'ar' else 'AH'}"
    return f"{WEEKDAYS[lang][day.weekday()]} {text}" if weekday else text


def gregorian_text(day: date, *, weekday: bool = False, mark: bool = False) -> str:
    """``22 نوفمبر 2026`` or ``22 November 2026``; ``mark`` adds م in Arabic, where both calendars stand together."""
    lang = language()
    text = f"{day.day} {MONTHS[lang][day.month - 1]} {day.year}"
    if mark and lang == "ar":
        text += " م"
    return f"{WEEKDAYS[lang][day.weekday()]} {text}" if weekday else text


def day_words(day: date) -> LazyString:
    """A day as messages name it, in the language of whoever reads them."""
    return LazyString(gregorian_text, day)


def period_name(first: date, last: date) -> str:
    """What a period is called: ``November 2026``, ``week of 15 November 2026``, ``2026``, one day, or its first and last day."""
    if first == last:
        return gregorian_text(first)
    if (first.day, (last + timedelta(days=1)).day) == (1, 1):
        if (first.year, first.month) == (last.year, last.month):
            return f"{MONTHS[language()][first.month - 1]} {first.year}"
        if (first.month, last.month, first.year) == (1, 12, last.year):
            return str(first.year)
    if (last - first).days == 6:
        return _("week of %(day)s", day=gregorian_text(first))
    return _("%(first)s to %(last)s", first=gregorian_text(first), last=gregorian_text(last))


_PERIOD = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?: – (\d{4}-\d{2}-\d{2}))?)?)?")


def label_words(label: str) -> str:
    """The label of a record as it is read: one that stands for a period by the period's name, any other as it is."""
    found = _PERIOD.fullmatch(label)
    if found is None:
        return label
    year, month = int(found[1]), int(found[2] or 1)
    try:
        first = date(year, month, int(found[3] or 1))
        if found[4]:
            return period_name(first, date.fromisoformat(found[4]))
        if found[3]:
            return period_name(first, first)
        following = date(year + 1, 1, 1) if not found[2] or month == 12 else date(year, month + 1, 1)
    except ValueError:
        return label
    return period_name(first, following - timedelta(days=1))


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The day on which a moment falls by the association's clock."""
    return moment.astimezone(zone).date()


# --- reading dates -----------------------------------------------------------------------------------------------------

# Writings of months beside the two above: of the Levant and Egypt, and the other common names of Hijri months.
_FURTHER_MONTHS = {
    "gregorian": (
        ("كانون الثاني", 1), ("شباط", 2), ("آذار", 3), ("نيسان", 4), ("أيار", 5), ("حزيران", 6), ("تموز", 7), ("آب", 8), ("أيلول", 9),
        ("تشرين الأول", 10), ("تشرين الثاني", 11), ("كانون الأول", 12), ("يونيه", 6), ("يوليه", 7), ("Sept", 9),
    ),
    "hijri": (("المحرم", 1), ("ربيع الثاني", 4), ("جمادى الثانية", 6), ("ذي القعدة", 11), ("ذي الحجة", 12)),
}
_ERAS = {"م": "gregorian", "AD": "gregorian", "CE": "gregorian", "هـ": "hijri", "ه": "hijri", "AH": "hijri"}
_ERA = re.compile(r"\s*(م|هـ|ه|AD|CE|AH)\.?$")
_NUMERIC = re.compile(r"([0-9]{1,4})\s*[/\-.]\s*([0-9]{1,2})\s*[/\-.]\s*([0-9]{1,4})")
_NAMED = re.compile(r"(?P<day>[0-9]{1,2})[\s\-./]*(?P<month>[^\W\d][^\d,،]*?)[\s\-./,،]*(?P<year>[0-9]{4}|[0-9]{2})")
_NAME_FIRST = re.compile(r"(?P<month>[^\W\d][^\d,،]*?)[\s\-./]*(?P<day>[0-9]{1,2})\s*[,،\s]\s*(?P<year>[0-9]{4})")
ORDERS = {"dmy": (2, 1, 0), "mdy": (2, 0, 1), "ymd": (0, 1, 2)}
CALENDARS = ("gregorian", "hijri")
LONGEST_DATE = 60


def _month_names() -> dict[str, tuple[str, int]]:
    found = {}
    for calendar, months in (("gregorian", MONTHS), ("hijri", HIJRI_MONTHS)):
        pairs = [(name, number) for names in months.values() for number, name in enumerate(names, 1)]
        found.update({name_key(name): (calendar, number) for name, number in (*pairs, *_FURTHER_MONTHS[calendar])})
    found.update({name[:3].casefold(): ("gregorian", number) for number, name in enumerate(MONTHS["en"], 1)})
    return found


_MONTH_NAMES = _month_names()


def parse_date(text: str, *, order: str | None = None, calendar: str = "gregorian", field: str | None = None) -> date:
    """The date that ``text`` writes, by a declared order of parts (``dmy``, ``mdy``, ``ymd``) and calendar.

    ISO dates and dates with the month's name need no order; a month's name or a written era (هـ, م, AH, AD) says the
    calendar itself. Without a declared order a date that can be read in one way only is read so and any other is
    refused; with one, a date that contradicts it is refused. Raises InvalidInput.
    """
    plain = (without_marks(normalise_digits(text[: LONGEST_DATE + 1])) or "").strip()
    if len(plain) > LONGEST_DATE:
        raise _no_date(text, field)
    era = _ERA.search(plain)
    told = _ERAS[era[1]] if era else None
    plain = plain[: era.start()] if era else plain
    named = _NAMED.fullmatch(plain) or _NAME_FIRST.fullmatch(plain)
    if named:
        return _read_named(named, told, text, field)
    found = _NUMERIC.fullmatch(plain)
    if found is None:
        raise _no_date(text, field)
    return _read_numeric((found[1], found[2], found[3]), order, told or calendar, text, field)


def _read_named(named: re.Match[str], told: str | None, text: str, field: str | None) -> date:
    calendar, month = _MONTH_NAMES.get(name_key(named["month"]), ("", 0))
    if not month or (told is not None and told != calendar):
        raise _no_date(text, field)
    return _make(_year(named["year"]), month, int(named["day"]), calendar, text, field)


def _read_numeric(parts: tuple[str, str, str], order: str | None, calendar: str, text: str, field: str | None) -> date:
    if len(parts[0]) == 4:
        return _make(int(parts[0]), int(parts[1]), int(parts[2]) if len(parts[2]) < 3 else 0, calendar, text, field)
    if len(parts[0]) > 2 or len(parts[2]) not in (2, 4):
        raise _no_date(text, field)
    if order is not None:
        year, month, day = (parts[index] for index in ORDERS[order])
        return _make(_year(year), int(month), int(day), calendar, text, field)
    if len(parts[2]) == 2:
        raise _ambiguous(text, field)
    return _only_reading(int(parts[0]), int(parts[1]), int(parts[2]), calendar, text, field)


def _only_reading(first: int, second: int, year: int, calendar: str, text: str, field: str | None) -> date:
    if first <= 12 and second <= 12 and first != second:
        raise _ambiguous(text, field)
    month, day = (second, first) if first > 12 else (first, second)
    return _make(year, month, day, calendar, text, field)


def _ambiguous(text: str, field: str | None) -> InvalidInput:
    return InvalidInput(_l("“%(value)s” can be read with the day or the month first. Say which order the file uses.", value=text), field=field, value=text)


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text) if int(text) < 70 else 1900 + int(text)


def _make(year: int, month: int, day: int, calendar: str, text: str, field: str | None) -> date:
    if calendar == "gregorian" and 1300 <= year <= 1600:
        raise InvalidInput(_l("“%(value)s” has a Hijri year. Say that the dates are Hijri, or write هـ after it.", value=text[:40]), field=field, value=text)
    try:
        if calendar == "hijri":
            return from_hijri(year, month, day)
        return date(year if 1600 < year < date.max.year else 0, month, day)  # days after it are counted
    except (ValueError, OverflowError):
        raise _no_date(text, field) from None


def _no_date(text: str, field: str | None) -> InvalidInput:
    return InvalidInput(_l("“%(value)s” is no date in the declared order and calendar. Write it like 2026-09-23.", value=text[:40]), field=field, value=text)


# --- working days and due moments --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OfficeCalendar:
    """When an association works. ``working``: limits in days skip weekend and holidays (PLUG-11).

    ``closed`` and ``opened`` are own holidays and own working days; ``yearly`` are holidays by month and day of the Hijri year.
    """

    zone: ZoneInfo = RIYADH
    working: bool = False
    weekend: frozenset[int] = frozenset({4, 5})
    country: str | None = None
    closed: frozenset[date] = field(default_factory=frozenset)
    opened: frozenset[date] = field(default_factory=frozenset)
    yearly: frozenset[tuple[int, int]] = field(default_factory=frozenset)

    @property
    def week(self) -> int:
        """Working days in a week without holidays."""
        return 7 - len(self.weekend)

    def is_working(self, day: date) -> bool:
        if day in self.opened:
            return True
        if day.weekday() in self.weekend or day in self.closed or self._recurs(day):
            return False
        return self.country is None or day not in country_holidays(self.country, day.year)

    def _recurs(self, day: date) -> bool:
        parts = hijri_parts(day) if self.yearly else None
        return parts is not None and parts[1:] in self.yearly

    def add_days(self, day: date, count: int) -> date:
        """The day that lies ``count`` days later, counting working days only where the association chose so."""
        if not self.working or not self.week:
            return day + timedelta(days=count)
        while count > 0:
            day += timedelta(days=1)
            count -= self.is_working(day)
        return day

    def days_between(self, first: date, last: date) -> int:
        """Days (working ones where chosen) after ``first`` up to ``last``."""
        if not self.working:
            return (last - first).days
        return sum(self.is_working(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))


@lru_cache(maxsize=64)
def country_holidays(country: str, year: int) -> frozenset[date]:
    """Public holidays of a country by the ``holidays`` package; Islamic ones are estimates that own holidays correct."""
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()


def office_calendar(values: dict[str, Any]) -> OfficeCalendar:
    """From an association's settings: ``time_zone``, ``day_count``, ``weekend``, ``country``, ``public_holidays``, ``holidays``."""
    own = [read_holiday(line) for line in values.get("holidays") or ()]
    return OfficeCalendar(
        zone=ZoneInfo(values["time_zone"]),
        working=values.get("day_count") == "working",
        weekend=frozenset(values.get("weekend") or ()),
        country=values.get("country") if values.get("public_holidays") else None,
        closed=frozenset(one.day for one in own if one.day is not None and not one.worked),
        opened=frozenset(one.day for one in own if one.day is not None and one.worked),
        yearly=frozenset(one.yearly for one in own if one.yearly is not None),
    )


@dataclass(frozen=True)
class OwnHoliday:
    """One line of an association's own holidays: a ``day`` (``worked``: it is a working day after all), or month and day of every
    Hijri year. ``text`` is the line as it is kept."""

    text: str
    day: date | None = None
    worked: bool = False
    yearly: tuple[int, int] | None = None


_YEARLY = re.compile(r"(?:(H|AH|هـ|ه)\s*)?([0-9]{1,2})\s*-\s*([0-9]{1,2})\s*(H|AH|هـ|ه)?", re.IGNORECASE)


def read_holiday(line: str, field: str | None = None) -> OwnHoliday:
    """``2026-09-23``, ``-2026-09-23``, or each year's ``H 10-01`` (also ``10-01 هـ``): month and day by Umm al-Qura.

    Raises InvalidInput.
    """
    plain = (without_marks(normalise_digits(line[:LONGEST_DATE])) or "").strip()
    yearly = _YEARLY.fullmatch(plain)
    if yearly is not None and (yearly[1] is None) != (yearly[4] is None):
        month, day = int(yearly[2]), int(yearly[3])
        if not (1 <= month <= 12 and 1 <= day <= 30):
            raise _no_holiday(line, field)
        era = "H" if (yearly[1] or yearly[4]).isascii() else "هـ"
        return OwnHoliday(f"H {month:02}-{day:02}" if era == "H" else f"{month:02}-{day:02} {era}", yearly=(month, day))
    try:
        found = date.fromisoformat(plain.removeprefix("-"))
    except ValueError:
        raise _no_holiday(line, field) from None
    worked = plain.startswith("-")
    return OwnHoliday(f"{'-' if worked else ''}{found.isoformat()}", found, worked)


def _no_holiday(line: str, field: str | None) -> InvalidInput:
    shown = line[:LONGEST_DATE]
    words = _l("“%(value)s” is no holiday. Write a day like %(day)s, or month and day of every Hijri year like %(yearly)s.", value=isolate(shown),
               day=isolate("2026-09-23"), yearly=isolate("H 10-01"))
    return InvalidInput(words, field=field, value=shown)


@dataclass(frozen=True)
class Duration:
    """An ISO 8601 duration as the manual writes limits: months, weeks, days, and elapsed hours and minutes."""

    months: int = 0
    weeks: int = 0
    days: int = 0
    minutes: int = 0

    @property
    def in_days(self) -> bool:
        """Whether lateness is told in days."""
        return self.minutes == 0 and (self.days > 0 or self.weeks > 0 or self.months > 0)

    def days_in(self, office: OfficeCalendar) -> int:
        """Its weeks and days as days of ``office``: where it counts working days, a week has as many as it works."""
        return self.weeks * (office.week if office.working and office.week else 7) + self.days


_DURATION = re.compile(r"P(?=.)(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?=.)(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:0{1,6}S)?)?", re.ASCII)


def parse_duration(text: str) -> Duration:
    """``P1D``, ``PT3H``, ``P2W``, ``PT30M``, ``PT0S`` (at once), ``P1M``; seconds are not kept. Raises InvalidInput."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise InvalidInput(_l("“%(value)s” is no time limit. Write P1D for a day, PT3H for three hours.", value=text), value=text)
    years, months, weeks, days, hours, minutes = (int(part or 0) for part in found.groups())
    return Duration(years * 12 + months, weeks, days, hours * 60 + minutes)


def due_at(opened_at: datetime, duration: str, office: OfficeCalendar) -> datetime:
    """When a step that opened at ``opened_at`` (UTC) is due (UTC): the same time of day, so many days on; hours elapse."""
    limit = parse_duration(duration)
    local = opened_at.astimezone(office.zone)
    day = add_months(local.date(), limit.months)
    day = office.add_days(day, limit.days_in(office))
    moved = datetime.combine(day, local.time(), tzinfo=office.zone).astimezone(UTC)
    return moved + timedelta(minutes=limit.minutes)


def add_months(day: date, months: int) -> date:
    """The same day so many months on, or that month's last."""
    if not months:
        return day
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), following - timedelta(days=1))


MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}


def period_of(every: str, day: date) -> tuple[date, date]:
    """The first and the last day of the day, week (Sunday to Saturday), month, quarter or year in which ``day`` lies."""
    if every == "day":
        return day, day
    if every == "week":
        first = day - timedelta(days=(day.weekday() + 1) % 7)
        return first, first + timedelta(days=6)
    months = MONTHS_OF[every]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    return first, add_months(first, months) - timedelta(days=1)


def late_words(due: datetime, now: datetime, office: OfficeCalendar, *, in_days: bool) -> str:
    """By how much something due at ``due`` is late, in the unit of its limit: "2 working days", "3 hours" (PLUG-11).

    A limit in days is counted by dates, from the day it was due to today, and by working days only where the association
    counts its limits so; the two are never mixed. On its own day it is late by hours, and over days on which nobody works
    by "less than a working day". So of two limits of one unit the one that was due earlier never reads as less late.
    """
    due_on, today = local_day(due, office.zone), local_day(now, office.zone)
    if not in_days or due_on >= today:
        return span_words(max(0, int((now - due).total_seconds() // 60)))
    days = office.days_between(due_on, today)
    return days_words(days, working=office.working) if days else str(_("less than a working day"))


def weeks_words(weeks: int) -> str:
    return str(ngettext("%(num)s week", "%(num)s weeks", weeks))


def days_words(days: int, *, working: bool = False) -> str:
    if working:
        return str(ngettext("%(num)s working day", "%(num)s working days", days))
    return str(ngettext("%(num)s day", "%(num)s days", days))


def span_words(minutes: int) -> str:
    """A span in its largest unit."""
    if minutes >= 2 * 24 * 60:
        return days_words(minutes // (24 * 60))
    if minutes >= 60:
        return str(ngettext("%(num)s hour", "%(num)s hours", minutes // 60))
    return str(ngettext("%(num)s minute", "%(num)s minutes", minutes) if minutes else _("less than a minute"))


def last_day(due: datetime, zone: ZoneInfo) -> date:
    """The last day on which something due at ``due`` is in time: what is due at midnight is due by the end of the day before."""
    return local_day(due - timedelta(microseconds=1), zone)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first moment of a day and of the next, in UTC."""
    start = datetime.combine(day, time.min, tzinfo=zone)
    return start.astimezone(UTC), datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone).astimezone(UTC)
