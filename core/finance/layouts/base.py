"""What every layout shares: entries, the association's settings, the two lines of an entry, and why a row stays out.

Pure functions over plain values: a batch keeps entries and settings, so it can be written again to the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from core.exporter.columns import Column
from core.exporter.stream import read_all
from core.exporter.text import Options, write_csv
from core.i18n import lazy_gettext as _l
from core.money import Money, minor_units

DATE_FORMATS = {"YYYY-MM-DD": "%Y-%m-%d", "DD/MM/YYYY": "%d/%m/%Y", "MM/DD/YYYY": "%m/%d/%Y"}


@dataclass(frozen=True)
class Entry:
    """One contribution, refund (negative amount) or pledge, frozen for a batch.

    ``party`` is the customer's number, ``fund`` its code (``fund_name`` is what a class or tracking column shows).
    """

    reference: str
    on: date
    party: str
    amount: Money
    fund: str = ""
    fund_name: str = ""
    programme: str = ""
    method: str = ""
    memo: str = ""
    kind: str = "contribution"
    due_on: date | None = None


@dataclass(frozen=True)
class LayoutSettings:
    """An association's settings for one layout. Accounts by code of method and of fund; ``""`` is "without a fund".

    ``currency`` is the one the books are kept in, for layouts without a currency column. ``batch_code`` may hold
    ``{year}`` and ``{month}``, those of the first entry.
    """

    method_accounts: Mapping[str, str] = field(default_factory=dict)
    fund_accounts: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    journal: str = "DON"
    company: str = ""
    series: str = "ACC-JV-.YYYY.-"
    cost_center: str = ""
    tax_rate: str = "Tax Exempt"
    tracking: str = "Fund"
    batch_code: str = "DON-{year}{month}"
    template: str = "GENERAL"
    date_format: str = ""
    bom: bool = False

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> LayoutSettings:
        """From what is stored; unknown keys of another version are left out."""
        known = {key: value for key, value in stored.items() if key in cls.__dataclass_fields__ and value is not None}
        return cls(**known)

    def stored(self) -> dict[str, Any]:
        return {**asdict(self), "method_accounts": dict(self.method_accounts), "fund_accounts": dict(self.fund_accounts)}


@dataclass(frozen=True)
class Option:
    """One setting that a layout asks for beside accounts, with its default."""

    key: str
    label: Any
    default: str = ""
    help: Any = ""
    choices: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class LeftOut:
    """Why a row stays out, and what to do: ``code`` groups equal reasons, ``about`` is what is missing."""

    code: str
    reason: Any
    remedy: Any
    about: str = ""


@dataclass(frozen=True)
class Layout:
    """One file format. ``write(entries, settings)`` returns the files' bytes, one or more."""

    code: str
    title: Any
    write: Callable[[Sequence[Entry], LayoutSettings], list[bytes]]
    options: tuple[Option, ...] = ()
    journal: bool = True
    """Debit and credit lines over accounts; pledges are no journal entries and cannot go in."""
    one_currency: bool = False
    """Without a currency column: everything is taken for the books' currency."""
    decimals: int | None = None
    """At most so many decimals; None takes what the currency has."""
    account_help: Any = ""

    def missing_options(self, settings: LayoutSettings) -> list[Option]:
        return [option for option in self.options if option.required and not getattr(settings, option.key)]


@dataclass(frozen=True)
class JournalLine:
    """One side of an entry. ``amount`` is positive for a debit and negative for a credit."""

    account: str
    amount: Money

    @property
    def debit(self) -> str:
        return amount_text(self.amount) if self.amount.amount > 0 else ""

    @property
    def credit(self) -> str:
        return amount_text(-self.amount) if self.amount.amount < 0 else ""


def journal_lines(entry: Entry, settings: LayoutSettings) -> tuple[JournalLine, JournalLine]:
    """Debit first: money account against fund account. A refund is the reversed entry, never a negative debit."""
    money = settings.method_accounts.get(entry.method, "")
    fund = settings.fund_accounts.get(entry.fund, "")
    if entry.amount.amount < 0:
        return JournalLine(fund, -entry.amount), JournalLine(money, entry.amount)
    return JournalLine(money, entry.amount), JournalLine(fund, -entry.amount)


def amount_text(money: Money, decimals: int | None = None) -> str:
    return f"{money.amount:.{minor_units(money.currency) if decimals is None else decimals}f}"


def day_text(day: date, settings: LayoutSettings, default: str) -> str:
    return day.strftime(DATE_FORMATS[settings.date_format or default])


def batch_code(entries: Sequence[Entry], settings: LayoutSettings) -> str:
    """The batch's code in the accounting system; placeholders are the year and month of the first entry."""
    if not entries:
        return settings.batch_code
    first = entries[0].on
    return settings.batch_code.replace("{year}", f"{first.year:04d}").replace("{month}", f"{first.month:02d}")


def table(keys: Sequence[str], rows: Iterable[Sequence[str]], *, heading: bool = True) -> bytes:
    """Finished cells as CSV for a machine: no byte order mark, formula cells guarded."""
    return read_all(write_csv([Column(key) for key in keys], rows, Options(bom=False), keys=heading))


def left_out(entry: Entry, layout: Layout, settings: LayoutSettings) -> LeftOut | None:
    """Why ``entry`` cannot be written in ``layout``, or None."""
    if not layout.journal:
        return None
    return _wrong_kind(entry) or _wrong_currency(entry, layout, settings) or _no_account(entry, layout, settings)


def _wrong_kind(entry: Entry) -> LeftOut | None:
    if entry.kind != "pledge":
        return None
    return LeftOut("pledge", _l("A pledge is no journal entry."), _l("Export pledges in the generic layout."))


def _wrong_currency(entry: Entry, layout: Layout, settings: LayoutSettings) -> LeftOut | None:
    currency = entry.amount.currency
    if layout.one_currency and settings.currency and currency != settings.currency:
        return LeftOut("currency", _l("In %(currency)s; this layout has no currency column and the books are kept in %(books)s.",
                                      currency=currency, books=settings.currency), _l("Export it in a layout with a currency column."), currency)
    if layout.decimals is not None and entry.amount.amount != round(entry.amount.amount, layout.decimals):
        return LeftOut("decimals", _l("Has more decimals than the accounting system takes (%(n)s).", n=layout.decimals),
                       _l("Enter it there by hand, or export it in another layout."), str(Decimal(layout.decimals)))
    return None


def _no_account(entry: Entry, layout: Layout, settings: LayoutSettings) -> LeftOut | None:
    if not settings.method_accounts.get(entry.method):
        return LeftOut("method_account", _l("No account for this way of paying in the layout."), _l("Set the account"), entry.method)
    if not settings.fund_accounts.get(entry.fund):
        return LeftOut("fund_account", _l("No account for this fund in the layout."), _l("Set the account"), entry.fund)
    return None
