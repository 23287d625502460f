"""How values become words and marks on a page: the parts that the macros in ``templates/macros`` put together.

Nothing here makes a decision and nothing else prints a number, a phone, an amount, a date or a due moment. Texts follow
the language of the page; digits are 0–9 in both. What needs a clock or a zone takes them as arguments.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

from core import text as texts
from core.calendar import (
    MONTHS,
    WEEKDAYS,
    OfficeCalendar,
    days_words,
    gregorian_text,
    hijri_text,
    label_words,
    last_day,
    late_words,
    parse_duration,
    span_words,
    weeks_words,
)
from core.errors import InvalidInput
from core.i18n import gettext as _
from core.i18n import language, ngettext
from core.i18n import lazy_gettext as _l
from core.money import shown_amount

MINUS = "\u2212"
CURRENCY_SIGNS = {
    "SAR": _l("SAR"), "KWD": _l("KWD"), "AED": _l("AED"), "BHD": _l("BHD"), "QAR": _l("QAR"), "OMR": _l("OMR"), "JOD": _l("JOD"),
    "EGP": _l("EGP"), "GBP": _l("GBP"), "EUR": _l("EUR"), "USD": _l("USD"),
}
NEAR_DAYS = {0: _l("today"), -1: _l("yesterday"), 1: _l("tomorrow")}


# --- numbers ---------------------------------------------------------------------------------------------------------


def number_parts(value: Any) -> tuple[str, str]:
    """A record's number as ``(digits, check digit)``; ``("", "")`` for nothing, no check digit where it is no such number."""
    text = str(value or "").replace("-", "") if str(value or "").replace("-", "").isdigit() else str(value or "")
    return (text[:-1], text[-1]) if len(text) > 1 and text.isdigit() else (text, "")


def whole(value: Any) -> str:
    """A count with thousands separated by a comma and a true minus."""
    return f"{int(value or 0):,}".replace("-", MINUS)


def percent(value: Any, decimals: int = 1) -> str:
    return f"{Decimal(str(value)):.{decimals}f}%".replace("-", MINUS)


def money_parts(value: Any, currency: str | None = None) -> tuple[str, str]:
    """``(amount, what the currency is called)``: decimals of the currency, minus before the digits.

    ``value`` is a ``Money`` or an amount in units of ``currency``.
    """
    amount, code = (value, currency) if currency else (value.amount, value.currency)
    return shown_amount(Decimal(amount), code), str(CURRENCY_SIGNS.get(code, code))


def file_size(size: int) -> str:
    """Bytes in the unit people read: B, KB, MB."""
    if size < 1024:
        return f"{size} B"
    return f"{size / 1024:.0f} KB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MB"


def record_words(label: Any) -> str:
    """The label of a record: a period by its name, a number as one left-to-right run, words as they are."""
    text = str(label or "")
    words = label_words(text)
    return isolate(text) if words == text and text.isascii() else words


def isolate(value: Any) -> str:
    """For places that hold no markup (``option``, ``title``, ``placeholder``): an LTR run that nothing turns round."""
    return texts.isolate(str(value)) if value not in (None, "") else ""


# --- dates -----------------------------------------------------------------------------------------------------------


def two_calendars(day: date, weekday: bool = False) -> tuple[str, str]:
    """The date in the calendar of the page's language (with the day of the week if asked), then in the other one.

    The second is empty outside the years of the Umm al-Qura calendar, where the Gregorian date comes first in Arabic too.
    """
    return _calendars(day, weekday, language())


@lru_cache(maxsize=4_000)
def _calendars(day: date, weekday: bool, language: str) -> tuple[str, str]:
    if language == "ar" and (own := hijri_text(day, weekday=weekday)):
        return own, gregorian_text(day, mark=True)
    return gregorian_text(day, weekday=weekday), hijri_text(day)


def both_calendars(day: date) -> str:
    """The date in both calendars on one line."""
    return _both_calendars(day, language())


@lru_cache(maxsize=4_000)
def _both_calendars(day: date, language: str) -> str:
    return " · ".join(part for part in _calendars(day, False, language) if part)


def day_and_month(day: date) -> str:
    return f"{day.day} {MONTHS[language()][day.month - 1]}"


def month_heading(day: date) -> str:
    """The month of a day, ``November 2026 · Jumada I – Jumada II 1448 AH``, the page's own calendar first; its Hijri months are two."""
    first = day.replace(day=1)
    own = gregorian_text(day, mark=True).partition(" ")[2]
    one, two = (hijri_text(end).partition(" ")[2] for end in (first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)))
    name, _space, year = one.partition(f" {two.rsplit(' ', 2)[1]} ") if two else ("", "", "")
    other = two if one == two or not one else f"{name if year else one} – {two}"
    return " · ".join(part for part in ((other, own) if language() == "ar" else (own, other)) if part)


def weekday(day: date) -> str:
    return WEEKDAYS[language()][day.weekday()]


def near_day(day: date, today: date) -> str:
    """Today, yesterday, tomorrow; else the day and month, with the year where it is another."""
    return _near_day(day, today, language())


@lru_cache(maxsize=4_000)
def _near_day(day: date, today: date, _language: str) -> str:
    near = NEAR_DAYS.get((day - today).days)
    return str(near) if near else day_and_month(day) if day.year == today.year else gregorian_text(day)


def clock(at: datetime, zone: tzinfo, *, seconds: bool = False) -> str:
    return at.astimezone(zone).strftime("%H:%M:%S" if seconds else "%H:%M")


def moment_words(at: datetime, now: datetime, zone: tzinfo) -> tuple[str, str]:
    """Day in words and time of day, both in ``zone``."""
    local = at.astimezone(zone)
    return near_day(local.date(), now.astimezone(zone).date()), clock(at, zone)


# --- due -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """A due moment in words. ``state``: overdue, today, later, closed, closed_late or whenever. ``used`` is 0–100, or None."""

    state: str
    words: str
    time: str = ""
    used: int | None = None


ICONS = {"overdue": "alert-triangle", "today": "clock", "later": "calendar", "closed": "check", "closed_late": "check", "whenever": "infinity"}


def due(
    *, opened_at: datetime | None, due_at: datetime | None, closed_at: datetime | None, limit: str | None, now: datetime, office: OfficeCalendar,
) -> Due:
    """Judge one step: ``limit`` is its ISO 8601 duration, which says in which unit lateness is counted
    (``core.calendar.late_words``)."""
    if due_at is None:
        return Due("closed", _("closed")) if closed_at else Due("whenever", _("when needed"))
    if (closed_at or now) > due_at:
        late = late_words(due_at, closed_at or now, office, in_days=in_days(limit))
        return Due("closed_late", _("closed %(late)s late", late=late)) if closed_at else Due("overdue", _("%(late)s late", late=late), used=100)
    if closed_at is not None:
        return Due("closed", _("closed in time"))
    used, day = _used(opened_at, due_at, now), last_day(due_at, office.zone)
    days = (day - now.astimezone(office.zone).date()).days
    if days == 0:
        return Due("today", _("today"), clock(due_at, office.zone) if due_at.astimezone(office.zone).date() == day else "", used)
    return Due("later", _("%(weekday)s, %(distance)s", weekday=weekday(day), distance=distance(days)), used=used)


def in_days(limit: str | None) -> bool:
    try:
        return bool(limit) and parse_duration(str(limit)).in_days
    except InvalidInput:
        return False


def distance(days: int) -> str:
    return str(_("tomorrow") if days == 1 else ngettext("in %(num)s day", "in %(num)s days", days))


def limit_words(limit: str | None, working: bool = False) -> str:
    """An ISO 8601 duration in words: within a day, within 4 hours; "when needed" for none, "at once" for zero."""
    if not limit:
        return str(_("when needed"))
    try:
        found = parse_duration(limit)
    except InvalidInput:
        return limit
    parts = [ngettext("%(num)s month", "%(num)s months", found.months) if found.months else "", weeks_words(found.weeks) if found.weeks else "",
             days_words(found.days, working=working) if found.days else "", span_words(found.minutes) if found.minutes else ""]
    shown = [part for part in parts if part]
    return str(_("within %(span)s", span=" ".join(shown)) if shown else _("at once"))


def _used(opened_at: datetime | None, due_at: datetime, now: datetime) -> int | None:
    if opened_at is None or due_at <= opened_at:
        return None
    return max(0, min(100, round(100 * ((now - opened_at) / (due_at - opened_at)))))


# --- found letters and differences -----------------------------------------------------------------------------------


def highlight(text: Any, search: str) -> Markup:
    """``text`` with what the search found marked, also where the spelling differs (hamza, tashkeel, case, digits)."""
    if not search:
        return escape(text or "")
    whole = str(text or "")
    made = str if len(escape(whole)) == len(whole) else escape
    return Markup("".join([f'<mark class="dw-found">{made(piece)}</mark>' if found else made(piece) for piece, found in texts.highlight(whole, search)]))


def differences(old: Any, new: Any) -> tuple[Markup, Markup]:
    """Both values with only the changed words marked: ``<del>`` in the old one, ``<ins>`` in the new one."""
    before, after = _words(str(old or "")), _words(str(new or ""))
    left: list[Markup] = []
    right: list[Markup] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        one, two = "".join(before[a:b]), "".join(after[c:d])
        left.append(_struck("del", one) if kind != "equal" else escape(one))
        right.append(_struck("ins", two) if kind != "equal" else escape(two))
    return Markup("").join(left), Markup("").join(right)


def _struck(tag: str, text: str) -> Markup:
    """The tag around the words, spaces at the ends left outside."""
    core = text.strip()
    if not core:
        return escape(text)
    lead, tail = text[: text.index(core)], text[text.index(core) + len(core):]
    return Markup("{}<{}>{}</{}>{}").format(lead, Markup(tag), core, Markup(tag), tail)


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|[^\s،,؛;.]+|[،,؛;.]", text)


def reads_ltr(value: Any) -> bool:
    """Whether a value is a phone, a code or an address of mail: to be isolated left to right as a whole."""
    text = str(value or "")
    return bool(text) and not re.search("[\u0590-\u08ff]", text) and bool(re.search(r"[\d@+]", text))


def as_utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)
