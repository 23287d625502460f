"""Value types and pure rules of the register: classes, fields, states of a form, what differs between two records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from typing import Any

from core.catalogue_file import Catalogue
from core.errors import InvalidInput
from core.i18n import Bilingual
from core.i18n import lazy_gettext as _l
from core.phones import national
from core.text import fold
from core.text import name_key as compact_key

CATALOGUE = Catalogue(__file__)
PROCEDURE = "MAN-CUST"
STEP_FILL, STEP_REVIEW, STEP_DECIDE, STEP_ENTER, STEP_FILE = 1, 2, 3, 4, 5

NEXT_STATES: Mapping[str, frozenset[str]] = {
    "draft": frozenset({"filled"}),
    "filled": frozenset({"reviewed", "withdrawn"}),
    "reviewed": frozenset({"approved", "rejected"}),
    "approved": frozenset({"entering", "rejected"}),
    "entering": frozenset({"entered"}),
    "entered": frozenset({"filed"}),
    "rejected": frozenset({"filed"}),
    "withdrawn": frozenset({"filed"}),
    "filed": frozenset(),
}
"""A form's states and where each leads (manual 6.2). An approved form that the register has overtaken can still be rejected;
a rejected
or withdrawn one is filed like any other."""

STATES = tuple(NEXT_STATES)
OPEN_STATES = ("filled", "reviewed", "approved", "entering")
KINDS = ("new", "modify", "import", "merge", "unmerge", "system")
PERSONAL_FIELDS = frozenset({"address", "phone", "mobile", "email", "remarks"})
"""Shown only with ``customers.personal`` (CUST-34), as is every optional field."""

STATE_TITLES: Mapping[str, Any] = {
    "draft": _l("Draft"),
    "filled": _l("Waiting for review"),
    "reviewed": _l("Waiting for approval"),
    "approved": _l("Waiting for entry"),
    "rejected": _l("Rejected"),
    "withdrawn": _l("Withdrawn"),
    "entering": _l("Being entered"),
    "entered": _l("Entered, to be filed"),
    "filed": _l("Filed"),
}


def classes() -> dict[str, Bilingual]:
    """The five classes in the order of the manual's form (CUST-03…05)."""
    return CATALOGUE.labels("classes")


def channels() -> dict[str, Bilingual]:
    return CATALOGUE.labels("channels")


def origins() -> dict[str, Bilingual]:
    """How somebody asked to be registered (CUST-35)."""
    return CATALOGUE.labels("origins")


def touch_points() -> dict[str, Bilingual]:
    """Through which part of the association's work a customer was met (CUST-33)."""
    return CATALOGUE.labels("touch_points")


def relations() -> dict[str, Bilingual]:
    """What a party of class “other” can be to the association (CUST-36)."""
    return CATALOGUE.labels("relations")


def field_labels() -> dict[str, Bilingual]:
    """The form's fields in its order, with its own words."""
    return CATALOGUE.labels("fields", "name")


@cache
def print_labels() -> dict[str, Bilingual]:
    """Shorter words for the printed form, where both languages stand in one cell."""
    return {item["name"]: Bilingual.of(item["print"]) for item in CATALOGUE["fields"] if "print" in item}


def kinds() -> dict[str, Bilingual]:
    return CATALOGUE.labels("kinds")


def form_title() -> Bilingual:
    return Bilingual.of(CATALOGUE["form"])


def signature_label(which: str) -> Bilingual:
    """``made_by`` or ``decided_by`` as the printed form has it."""
    return Bilingual.of(CATALOGUE["signatures"][which])


FIELDS: tuple[str, ...] = tuple(item["name"] for item in CATALOGUE["fields"])

_SERVANT = fold("عبد")
_FILLERS = frozenset({"بن", "ابن", "بنت", "bin", "ibn", "bint"})


def name_key(name: str) -> str:
    """What two spellings of one name have in common: folded, without spaces, and without the words for "son of" and
    "daughter of": "أحمد بن سالم" and "احمد سالم" are likely one person."""
    words = fold(name).split()
    return compact_key(" ".join(word for word in words if word not in _FILLERS)) or compact_key(name)


def email_key(email: str | None) -> str | None:
    return email.strip().casefold() if email else None


def open_text(parts: Iterable[str | None]) -> str:
    """The folded text that everybody may search.

    Words are set apart by two spaces, with two at either end: so the trigrams hold the beginnings of words, and one or
    two letters find words that begin with them by the same index.
    """
    return _spaced(word for part in parts if part for word in _words(part))


def _words(part: str) -> list[str]:
    """The folded words; "عبد الله" is found by "عبدالله" too."""
    words = fold(part).split()
    return words + [f"{word}{following}" for word, following in pairwise(words) if word == _SERVANT]


def personal_text(phones: Iterable[str | None], emails: Iterable[str | None]) -> str:
    """The text that is searched only for who may see personal data: digits as in ``966550000001``, as written in the
    country (``0550000001``), and e-mail addresses."""
    words: list[str] = []
    for phone in phones:
        if phone:
            words += [phone.lstrip("+"), national(phone)]
    words += [email.casefold() for email in emails if email]
    return _spaced(words)


def _spaced(words: Iterable[str]) -> str:
    found = list(dict.fromkeys(word for word in words if word))
    return f"  {'  '.join(found)}  " if found else ""


@dataclass(frozen=True)
class Change:
    """One field of a form: what stands in the register and what is proposed."""

    field: str
    label: Any
    current: Any
    proposed: Any
    personal: bool = False

    @property
    def changed(self) -> bool:
        return (self.current or None) != (self.proposed or None)


def changed_fields(base: Mapping[str, Any], proposed: Mapping[str, Any]) -> list[str]:
    """Names of fields whose proposed value differs from ``base``; empty text and nothing are the same."""
    return [name for name in proposed if (base.get(name) or None) != (proposed[name] or None)]


def check_transition(state: str, to: str) -> bool:
    return to in NEXT_STATES[state]


def check_optional(kind: str, code: str, value: str) -> str:
    """One optional field's value in its stored form; dates as 2026-11-22."""
    text = value.strip()
    if kind == "date" and text:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError as exc:
            raise InvalidInput(_l("“%(value)s” is no date. Write year, month and day: 1980-04-30.", value=value), field=f"extra_{code}", value=value) from exc
    return text
