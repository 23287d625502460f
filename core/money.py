"""Exact money: integer minor units by ISO 4217 in the database, ``Decimal`` in Python, never a float."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from core.errors import InvalidInput
from core.i18n import lazy_gettext as _l
from core.text import normalise_digits

THREE = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
NONE = frozenset({"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"})
LARGEST = 10**15
_PLAIN = re.compile(r"-?\d{1,15}(\.\d{1,6})?")
_GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d{1,6})?")


def minor_units(currency: str) -> int:
    """Decimals of a currency: KWD 3, SAR 2, JPY 0."""
    return 3 if currency in THREE else 0 if currency in NONE else 2


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
    """Minor units of an exact amount. Raises InvalidInput for more decimals than the currency has."""
    scaled = amount.scaleb(minor_units(currency))
    if scaled != scaled.to_integral_value():
        raise InvalidInput(_l("%(value)s has more decimals than %(currency)s, which has %(n)s.", value=str(amount), currency=currency, n=minor_units(currency)),
                           field="amount", value=str(amount))
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


def parse_amount(text: str, currency: str, *, field: str = "amount") -> Decimal:
    """The amount that ``text`` writes: 1234.5, 1,234.50, ١٬٢٣٤٫٥٠ or with a minus. Raises InvalidInput rather than guess.

    A comma before other than three digits, an exponent, NaN, or too many decimals are refused.
    """
    plain = normalise_digits(text).strip().replace("\u2212", "-").replace("٫", ".").replace("٬", ",").replace("\u00a0", "").replace(" ", "")
    if not (_PLAIN.fullmatch(plain) or _GROUPED.fullmatch(plain)) or not plain.isascii():
        raise InvalidInput(_l("“%(value)s” is no amount. Write it with a dot, such as 1250.50.", value=text[:40]), field=field, value=text)
    try:
        amount = Decimal(plain.replace(",", ""))
    except InvalidOperation:
        raise InvalidInput(_l("“%(value)s” is no amount. Write it with a dot, such as 1250.50.", value=text[:40]), field=field, value=text) from None
    return from_minor(to_minor(amount, currency), currency)
