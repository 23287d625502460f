"""By what a person is known in texts that point at nobody: kept reports, staged lines of imports, notices, mails.

A name of two words or more, a telephone or an e-mail address says who is meant wherever it stands. A name of one word says it
only in a row that holds the customer's number, telephone or e-mail too: there are many of that name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from core.database import ERASED
from core.phones import format_phone, national
from core.text import LIKE_ESCAPE, digits, fold, loosely

FEWEST_DIGITS = 7


@dataclass(frozen=True)
class Traces:
    """What one person is known by; ``numbers`` are the customer's number and former ones."""

    names: frozenset[str]
    phones: frozenset[str]
    emails: frozenset[str]
    numbers: frozenset[str]

    @cached_property
    def _folded(self) -> tuple[str, ...]:
        return tuple(sorted({fold(name) for name in self.names} - {""}, key=len, reverse=True))

    @cached_property
    def _whole_names(self) -> re.Pattern[str] | None:
        sure = [re.escape(name) for name in self._folded if " " in name]
        return re.compile(rf"(?<!\w)(?:{'|'.join(sure)})(?!\w)") if sure else None

    @cached_property
    def _digits(self) -> frozenset[str]:
        written = {digits(form) for phone in self.phones for form in (phone, national(phone))}
        return frozenset(one.lstrip("0") for one in written if len(one) >= FEWEST_DIGITS)

    def told_by(self, text: str) -> bool:
        """Whether a text says by itself who is meant."""
        folded = fold(text)
        if self._whole_names is not None and self._whole_names.search(folded):
            return True
        if any(fold(email) in folded for email in self.emails):
            return True
        found = digits(text)
        return len(found) >= FEWEST_DIGITS and any(one in found for one in self._digits)

    def named_by(self, text: str) -> bool:
        """Whether a text is one of the names, also of one word."""
        return fold(text) in self._folded

    def numbered_by(self, text: str) -> bool:
        return text.replace("-", "").strip() in self.numbers

    def row(self, cells: Any) -> bool:
        """Whether a row is this person's: one of its cells says so."""
        return any(self.told_by(text) or self.numbered_by(text) for text in texts_in(cells))

    def cleaned(self, value: Any, *, mine: bool = False) -> Any:
        """The same value with every text that tells of the person replaced; ``mine`` says that it is of a row of this person.

        Numbers stay: they are what the association goes on calling the customer.
        """
        if isinstance(value, str):
            return ERASED if self.told_by(value) or (mine and self.named_by(value)) else value
        if isinstance(value, dict):
            return {key: self.cleaned(one, mine=mine) for key, one in value.items()}
        if isinstance(value, list):
            own = mine or (is_row(value) and self.row(value))
            return [self.cleaned(one, mine=own) for one in value]
        return value

    def somewhere_in(self, column: Any) -> sa.ColumnElement[bool]:
        """A condition that finds the rows worth reading: a name, telephone, e-mail or number stands in the column's text."""
        written = {*self.names, *self.emails, *self.numbers}
        for phone in self.phones:
            written |= {phone.lstrip("+"), national(phone), str(format_phone(phone))}
        text = sa.func.lower(sa.cast(column, sa.Text))
        patterns = {loosely(form, escaped=escaped) for form in written if form for escaped in (False, True)}
        return sa.or_(sa.false(), *(text.like(pattern, escape=LIKE_ESCAPE) for pattern in sorted(patterns)))


def is_row(value: Sequence[Any]) -> bool:
    """A list of plain values, as a row of a report is; not a list of rows."""
    return not any(isinstance(one, list) for one in value)


def texts_in(value: Any) -> list[str]:
    """Every text inside a JSON value."""
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in items for text in texts_in(one)]
