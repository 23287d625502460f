"""Exact money: integer minor units by ISO 4217 in the database, ``Decimal`` in Python, never a float."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from babel.core import get_global
from babel.numbers import get_currency_name, get_territory_currencies, list_currencies

from core.errors import InvalidInput
from core.i18n import LazyString, language, lazy_ngettext
from core.i18n import lazy_gettext as _l
from core.text import isolate, normalise_digits

THREE = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
NONE = frozenset({"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"})
LARGEST = 10**15
LONGEST = 60
_PLAIN = re.compile(r"-?\d{1,16}(\.\d{1,6})?")
_GROUPED = re.compile(r"-?\d{1,3}(?P<sign>[, ])\d{3}((?P=sign)\d{3})*(\.\d{1,6})?")
_ONE_GROUP = re.compile(r"-?[1-9]\d{0,2},\d{3}")
_SPACES = re.compile("[\u00a0\u2009\u202f]")
_MARKS = re.compile("[\u200e\u200f\u061c]")


def minor_units(currency: str) -> int:
    """Decimals of a currency: KWD 3, SAR 2, JPY 0."""
    return 3 if currency in THREE else 0 if currency in NONE else 2


@cache
def known_currencies() -> frozenset[str]:
    """Every code of ISO 4217 that names a currency, those that were replaced by others too: an old gift keeps its currency."""
    return frozenset(list_currencies()) - {"XXX", "XTS"}


@cache
def currencies() -> tuple[tuple[str, Any], ...]:
    """What is paid with today, as choices: code, and code with its name in the reader's language."""
    used = {code for territory in get_global("territory_currencies") for code in get_territory_currencies(territory)}
    return tuple((code, LazyString(_named, code)) for code in sorted(used))


def _named(code: str) -> str:
    return f"{code} · {_name_of(code)}"


def _name_of(code: str) -> str:
    return str(get_currency_name(code, locale=language()))


def check_currency(code: str) -> str:
    """The code as it is stored. Raises InvalidInput for what ISO 4217 does not know."""
    found = code.strip().upper()
    if found not in known_currencies():
        raise InvalidInput(_l("“%(value)s” is no currency code. Write three capital letters, such as SAR.", value=code[:40]), field="currency", value=code)
    return found


@dataclass(frozen=True, order=False)
class Money:
    """An amount with its currency. Two currencies are never added: that raises ValueError."""

    amount: Decimal
    currency: str

    @classmethod
    def of_minor(cls, minor: int, currency: str) -> Money:
        return cls(from_minor(minor, currency), currency)

    @property
    def minor(self) -> int:
        return to_minor(self.amount, self.currency)

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} are not added")
        return Money(self.amount + other.amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __str__(self) -> str:
        return f"{plain_amount(self.amount, self.currency)} {self.currency}"


def to_minor(amount: Decimal, currency: str) -> int:
    """Minor units of an exact amount. Raises InvalidInput for more decimals than the currency has, and for an unknown one."""
    check_currency(currency)
    scaled = amount.scaleb(minor_units(currency))
    if scaled != scaled.to_integral_value():
        raise InvalidInput(lazy_ngettext("Too many decimals in %(value)s: an amount in %(currency)s has at most %(num)s.",
                                         "Too many decimals in %(value)s: an amount in %(currency)s has at most %(num)s.", minor_units(currency),
                                         value=isolate(str(amount)), currency=LazyString(_name_of, currency)), field="amount", value=str(amount))
    if abs(scaled) > LARGEST:
        raise InvalidInput(_l("%(value)s is too large an amount.", value=str(amount)), field="amount", value=str(amount))
    return int(scaled)


def from_minor(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-minor_units(currency))


def plain_amount(amount: Decimal, currency: str) -> str:
    """``-1234.50``: a dot, the currency's decimals, nothing else; for files."""
    return f"{amount:.{minor_units(currency)}f}"


def shown_amount(amount: Decimal, currency: str) -> str:
    """``−1,234.50``: grouped, with the real minus sign; for pages."""
    text = f"{abs(amount):,.{minor_units(currency)}f}"
    return f"\u2212{text}" if amount < 0 else text


def parse_amount(text: str, currency: str, *, field: str = "amount", decimal: str = ".") -> Decimal:
    """The amount that ``text`` writes: 1234.5, 1,234.50, 1 234.50, ١٬٢٣٤٫٥٠ or with a minus. Raises InvalidInput rather than guess.

    ``decimal`` is the declared sign before the decimals; the other of dot and comma only groups by three. Refused: other
    grouping, an exponent, NaN, too many decimals, and 1,234 in a currency of three decimals, which may be either.
    """
    plain = _plain(text, decimal) if len(text) <= LONGEST else ""
    if not (plain.isascii() and (_PLAIN.fullmatch(plain) or _GROUPED.fullmatch(plain))):
        raise InvalidInput(_l("“%(value)s” is no amount. Write it with a dot, such as 1250.50.", value=text[:40]), field=field, value=text)
    if decimal == "." and minor_units(currency) == 3 and "," in text and _ONE_GROUP.fullmatch(plain):
        raise InvalidInput(_l("“%(value)s” may be a thousand or a few with three decimals. Write 1234.000 or 1.234.", value=text[:40]), field=field, value=text)
    try:
        return from_minor(to_minor(Decimal(plain.replace(",", "").replace(" ", "")), currency), currency)
    except InvalidInput as error:
        raise InvalidInput(error.message, field=field, value=text) from None


def _plain(text: str, decimal: str) -> str:
    """ASCII digits, a dot before the decimals, commas or spaces as they grouped, a hyphen for minus."""
    plain = _SPACES.sub(" ", _MARKS.sub("", normalise_digits(text))).strip().replace("\u2212", "-")
    if decimal == ",":
        plain = plain.translate({ord("."): ",", ord(","): "."})
    return plain.replace("٫", ".").replace("٬", ",")
