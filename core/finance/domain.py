"""Values and pure rules of finance: ways to pay, funds, what a row of a batch is, totals per currency."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.i18n import lazy_gettext as _l
from core.money import Money

METHODS: Mapping[str, Any] = {
    "cash": _l("Cash"),
    "bank": _l("Bank transfer"),
    "card": _l("Card"),
    "cheque": _l("Cheque"),
    "online": _l("Online payment"),
    "sms": _l("Text message"),
    "in_kind": _l("In kind"),
    "other": _l("Other"),
}
CONTENTS: Mapping[str, Any] = {"contributions": _l("Contributions and refunds"), "pledges": _l("Pledges")}
SOURCES: Mapping[str, Any] = {"manual": _l("Entered here"), "import": _l("Imported"), "finance": _l("From the finance system"), "demo": _l("Demo")}
FUND_SEEDS = (
    ("general", "عام", "General"),
    ("zakat", "زكاة", "Zakat"),
    ("sadaqah", "صدقة", "Sadaqah"),
    ("sadaqah_jariyah", "صدقة جارية", "Running charity (sadaqa jariya)"),
    ("waqf", "وقف", "Endowment (waqf)"),
    ("sponsorship", "كفالة", "Sponsorship"),
)
"""Funds that a new association begins with; it changes and adds to them."""


@dataclass
class CurrencyTotal:
    """What one currency comes to. Minor units; ``net`` is ``gross`` less ``refunds``, which is positive."""

    currency: str
    rows: int = 0
    gross_minor: int = 0
    refunds_minor: int = 0

    def add(self, minor: int) -> None:
        self.rows += 1
        if minor < 0:
            self.refunds_minor -= minor
        else:
            self.gross_minor += minor

    @property
    def gross(self) -> Money:
        return Money.of_minor(self.gross_minor, self.currency)

    @property
    def refunds(self) -> Money:
        return Money.of_minor(-self.refunds_minor, self.currency)

    @property
    def net(self) -> Money:
        return Money.of_minor(self.gross_minor - self.refunds_minor, self.currency)

    def stored(self) -> dict[str, int]:
        return {"rows": self.rows, "gross_minor": self.gross_minor, "refunds_minor": self.refunds_minor}


def totals(amounts: Iterable[tuple[int, str]]) -> list[CurrencyTotal]:
    """Totals of (minor units, currency), by currency: two currencies are never added."""
    found: dict[str, CurrencyTotal] = {}
    for minor, currency in amounts:
        found.setdefault(currency, CurrencyTotal(currency)).add(minor)
    return [found[currency] for currency in sorted(found)]


def stored_totals(stored: Mapping[str, Any]) -> list[CurrencyTotal]:
    """The totals that a batch holds, as ``CurrencyTotal.stored`` wrote them."""
    return [CurrencyTotal(currency, **stored[currency]) for currency in sorted(stored)]


@dataclass
class Balance:
    """Pledged, received and outstanding of one currency; ``overdue`` is the part of outstanding whose date has passed."""

    currency: str
    pledged_minor: int = 0
    received_minor: int = 0
    outstanding_minor: int = 0
    overdue_minor: int = 0
    count: int = field(default=0)

    @property
    def pledged(self) -> Money:
        return Money.of_minor(self.pledged_minor, self.currency)

    @property
    def received(self) -> Money:
        return Money.of_minor(self.received_minor, self.currency)

    @property
    def outstanding(self) -> Money:
        return Money.of_minor(self.outstanding_minor, self.currency)

    @property
    def overdue(self) -> Money:
        return Money.of_minor(self.overdue_minor, self.currency)
