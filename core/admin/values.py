"""How single values are printed: no template prints a number, phone, amount or date in another way.

Each function returns the markup of one value. ``templates/macros/text.html`` offers them to templates under the same
names; lists call ``value`` for every cell, which is why this is Python and not a macro. Texts follow the language of the
page, moments the association's clock; what is left to right is one isolate, so that Arabic text never turns it round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date as Date
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from flask import g
from markupsafe import Markup, escape
from sqlalchemy.exc import SQLAlchemyError

from core import settings, work
from core.admin import printing
from core.calendar import OfficeCalendar, office_calendar
from core.database import ERASED, db
from core.i18n import gettext as _
from core.i18n import language
from core.phones import format_phone

OFFICE_KEYS = ("time_zone", "day_count", "weekend", "country", "public_holidays", "holidays")


# --- what was erased -------------------------------------------------------------------------------------------------


def erased_in_words(value: Any) -> Any:
    """What stands where the text of an erased person was, in the reader's language; every other value as it is.

    Whatever a template prints goes through here: what is stored says it in both languages.
    """
    return value.replace(ERASED, _("erased")) if isinstance(value, str) and ERASED in value else value


def without_number(name: str) -> str:
    """A customer's name where the number stands beside it: of an erased one it is told once."""
    return ERASED if name.startswith(ERASED) else name


# --- the association's clock -----------------------------------------------------------------------------------------


def office() -> OfficeCalendar:
    """When the association works and by which clock, read once per request; Makkah time where there is no association."""
    found = g.get("office")
    if found is None:
        try:
            session = work.real(db.session)
            found = office_calendar({key: settings.get(session, f"core.{key}") for key in OFFICE_KEYS})
        except (KeyError, RuntimeError, SQLAlchemyError):
            found = OfficeCalendar()
        g.office = found
    return found  # type: ignore[no-any-return]


def zone() -> ZoneInfo:
    return office().zone


def today() -> Date:
    return work.now().astimezone(zone()).date()


def local_day(value: Date | datetime) -> Date:
    """The calendar day of a moment where the association is."""
    return printing.as_utc(value).astimezone(zone()).date() if isinstance(value, datetime) else value


def is_near(value: Date | datetime) -> bool:
    """Today or yesterday: near enough that the time of day says something."""
    return 0 <= (today() - local_day(value)).days <= 1


def near_words(value: Date | datetime) -> str:
    return printing.near_day(local_day(value), today())


def moment_parts(at: datetime) -> tuple[str, str]:
    return printing.moment_words(printing.as_utc(at), work.now(), zone())


def clock_words(at: datetime, seconds: bool = False) -> str:
    return printing.clock(printing.as_utc(at), zone(), seconds=seconds)


def phone_words(value: Any) -> str:
    """A phone as it is read: international and spaced; what is masked or no number stays as it is."""
    text = str(value or "")
    return format_phone(text) if text.startswith("+") and "•" not in text else text


# --- markup ----------------------------------------------------------------------------------------------------------


def nothing(text: Any = None) -> Markup:
    """Stands for an empty value."""
    return Markup(f'<span class="dw-nothing">{escape(text or "–")}</span>')


def ltr(text: Any, extra: str = "") -> Markup:
    """A run that is left to right in every language."""
    return Markup(f'<bdi dir="ltr" class="{extra}">{escape(text)}</bdi>' if extra else f'<bdi dir="ltr">{escape(text)}</bdi>')


def bdi(text: Any) -> Markup:
    return Markup(f"<bdi>{escape(text)}</bdi>")


def num(number: Any) -> Markup:
    """A record's number: digits heavy, check digit light."""
    digits, check = printing.number_parts(number)
    if not digits:
        return nothing()
    if not check:
        return code(digits)
    return Markup(f'<bdi dir="ltr" class="dw-num">{escape(digits)}<span class="dw-check">-{escape(check)}</span></bdi>')


def code(text: Any) -> Markup:
    """A record code, reference, hash or file name."""
    return ltr(text, "dw-code") if text else nothing()


def phone(value: Any, link: bool = True) -> Markup:
    """An E.164 number, spaced, as a ``tel:`` link; a masked one as it is."""
    if not value:
        return nothing()
    shown = escape(phone_words(value))
    if link and str(value).startswith("+"):
        return Markup(f'<a href="tel:{escape(value)}" class="dw-phone"><bdi dir="ltr">{shown}</bdi></a>')
    return Markup(f'<bdi dir="ltr" class="dw-phone">{shown}</bdi>')


def email(address: Any, link: bool = True) -> Markup:
    if not address:
        return nothing()
    run = ltr(address)
    return Markup(f'<a href="mailto:{escape(address)}">{run}</a>') if link and "•" not in str(address) else run


def money(value: Any, currency: str | None = None, sign: bool = True) -> Markup:
    """A ``Money``, or an amount with its currency; ``sign=False`` leaves the currency to the column's heading."""
    if value is None or value == "":
        return nothing()
    shown, named = printing.money_parts(value, currency)
    kind = "dw-money dw-minus" if shown.startswith(printing.MINUS) else "dw-money"
    return Markup(f'<span class="{kind}">{ltr(shown)}{f" <small>{escape(named)}</small>" if sign else ""}</span>')


def amount(value: Any, currency: str | None = None) -> Markup:
    return money(value, currency, sign=False)


def whole(value: Any) -> Markup:
    return ltr(printing.whole(value))


def percent(value: Any, decimals: int = 1) -> Markup:
    return ltr(printing.percent(value, decimals))


def size(count: int) -> Markup:
    """A count of bytes."""
    return ltr(printing.file_size(count))


def date(value: Date | datetime | None) -> Markup:
    """One calendar, the other in the title."""
    if not value:
        return nothing()
    day = local_day(value)
    own, other = printing.two_calendars(day)
    title = f' title="{escape(other)}"' if other else ""
    return Markup(f'<time datetime="{day.isoformat()}"{title}><bdi>{escape(own)}</bdi></time>')


def near(value: Date | datetime | None) -> Markup:
    """Today, yesterday, 19 November; both calendars in the title."""
    if not value:
        return nothing()
    return Markup(f'<time datetime="{local_day(value).isoformat()}" title="{_both(value)}"><bdi>{escape(near_words(value))}</bdi></time>')


def dual_date(value: Date | datetime | None, weekday: bool = False) -> Markup:
    """Both calendars, one under the other."""
    if not value:
        return nothing()
    day = local_day(value)
    own, other = printing.two_calendars(day, weekday)
    second = f"<small><bdi>{escape(other)}</bdi></small>" if other else ""
    return Markup(f'<time class="dw-dual" datetime="{day.isoformat()}"><bdi>{escape(own)}</bdi>{second}</time>')


def clock(at: datetime, seconds: bool = False) -> Markup:
    """Time of day."""
    return ltr(clock_words(at, seconds))


def moment(at: datetime | None, seconds: bool = False) -> Markup:
    """Near day and time of day, by the association's clock."""
    return _moment(at, zone(), today(), language(), seconds) if at else nothing()


def near_moment(at: datetime | None) -> Markup:
    """As ``near``, with the time of day for today and yesterday; else it is in the title."""
    return _near_moment(at, zone(), today(), language()) if at else nothing()


@lru_cache(maxsize=4_000)
def _moment(at: datetime, zone: ZoneInfo, today: Date, language: str, seconds: bool) -> Markup:
    local = printing.as_utc(at).astimezone(zone)
    day, time = local.date(), f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    near = escape(printing.near_day(day, today))
    return Markup(f'<time class="dw-moment" datetime="{at.isoformat()}" title="{_both(day)}"><bdi>{near}</bdi> <bdi dir="ltr">{time}</bdi></time>')


@lru_cache(maxsize=4_000)
def _near_moment(at: datetime, zone: ZoneInfo, today: Date, language: str) -> Markup:
    local = printing.as_utc(at).astimezone(zone)
    if 0 <= (today - local.date()).days <= 1:
        return _moment(at, zone, today, language, False)
    title = f"{_both(local.date())} {printing.isolate(f'{local:%H:%M}')}"
    return Markup(f'<time datetime="{at.isoformat()}" title="{title}"><bdi>{escape(printing.near_day(local.date(), today))}</bdi></time>')


def _both(value: Date | datetime) -> Markup:
    return escape(printing.both_calendars(local_day(value)))


def iso(value: Date | datetime) -> Markup:
    """As a file will have it."""
    return ltr(value.isoformat())


def found(text: Any, search: str = "") -> Markup:
    """The letters that the search found marked."""
    return Markup(f"<bdi>{printing.highlight(text, search)}</bdi>")


KINDS: dict[str, Callable[[Any], Markup]] = {
    "number": num, "code": code, "phone": phone, "email": email, "money": money, "date": date, "moment": moment, "integer": whole, "percent": percent,
}
"""What prints each kind of a list column; ``choice`` and ``state`` look their value up, ``text`` and ``name`` are text."""


def value(x: Any, kind: str = "text", search: str = "", choices: Mapping[Any, Any] | None = None, dense: bool = False) -> Markup:
    """One value by the kind of its list column. ``dense`` shortens moments; ``search`` marks what was found in texts."""
    return nothing() if x is None or x == "" else printer(kind, search, choices, dense)(x)


def printer(kind: str = "text", search: str = "", choices: Mapping[Any, Any] | None = None, dense: bool = False) -> Callable[[Any], Markup]:
    """What prints the values of one column, empty ones aside, with everything decided that is the same for each of them."""
    if kind == "moment" and dense:
        clock, day, code = zone(), today(), language()
        return lambda at: _near_moment(at, clock, day, code)
    if kind in KINDS:
        return KINDS[kind]
    if kind in ("choice", "state"):
        return lambda x: escape((choices or {}).get(x, x))
    marked = search if kind in ("text", "name") else ""
    return lambda x: _text(x, marked)


def _text(x: Any, search: str) -> Markup:
    if x is True or x is False:
        return escape(_("yes") if x else _("no"))
    if search:
        return found(x, search)
    return ltr(x) if printing.reads_ltr(x) else bdi(x)


MACROS: dict[str, Callable[..., Markup]] = {one.__name__: one for one in (
    num, code, phone, email, money, amount, whole, percent, size, date, near, near_moment, dual_date, moment, clock, iso, found, nothing, ltr, value,
)}
"""What ``macros/text.html`` offers."""
