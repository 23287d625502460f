"""Values of the log in the reader's words: people and records by name, codes by title, moments as moments.

What is kept stays as it was written; this is for pages only. A field of a record is understood by its column: a foreign
key names a record, ``info={"choices": {code: title}}`` names its codes, a type says date or moment. Where the model is gone
with its plugin, a value that is unmistakably a moment or a date is shown as one and everything else as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit.models import AuditEvent
from core.audit.plan import plan_for
from core.audit.queries import Change, Told
from core.audit.titles import CHOICES, model_of, record_title
from core.auth.models import User
from core.consent import domain as consent
from core.customers import domain as customers
from core.database import UtcDateTime, metadata
from core.finance import domain as finance
from core.i18n import Bilingual

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(\+00:00|Z)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
PEOPLE = re.compile(r"(.*_)?(user_id|by|by_id)|on_behalf_of_id|author_id")
"""Integer columns that hold a person's id without a foreign key."""
USERS = "core_user"
MOST_ASKED = 500

Offered = Callable[[], Mapping[str, Any]]
OFFERED: Mapping[tuple[str, str], Offered] = {
    ("core_customer", "customer_class"): customers.classes,
    ("core_customer", "registration_origin"): customers.origins,
    ("core_customer", "contact_channel"): customers.channels,
    ("core_customer_form_line", "customer_class"): customers.classes,
    ("core_customer_form_line", "registration_origin"): customers.origins,
    ("core_customer_form_line", "contact_channel"): customers.channels,
    ("core_customer_form", "state"): lambda: customers.STATE_TITLES,
    ("core_customer_form", "kind"): customers.kinds,
    ("core_contribution", "method"): lambda: finance.METHODS,
    ("core_contribution", "source"): lambda: finance.SOURCES,
    ("core_pledge", "source"): lambda: finance.SOURCES,
    ("core_finance_batch", "content"): lambda: finance.CONTENTS,
    ("core_consent", "channel"): consent.all_channels,
    ("core_consent", "purpose"): consent.all_purposes,
    ("core_consent", "source"): consent.sources,
    ("core_consent_wording", "kind"): consent.wordings,
}
"""Titles of codes that the areas of core offer for their own fields."""


@dataclass(frozen=True)
class Readable:
    """What names the records of some entries: titles by table and key, and people by id."""

    names: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By table what a record's label stands for: a permission, a setting, a procedure, a role."""

    def told(self, event: AuditEvent, told: Told) -> Told:
        """The same changes with values in words."""
        return replace(told, changes=tuple(self._change(event, change) for change in told.changes))

    def value(self, table: str | None, name: str, value: Any) -> Any:
        """One value of a field in words; a moment as datetime, a day as date, a record by what it is called."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, list):
            return [self.value(table, name, one) for one in value]
        target = target_of(table, name)
        if target is not None:
            return _word(self.names.get(target, {}).get(str(value)), value)
        titled = choices_of(table, name).get(str(value)) if isinstance(value, (str, int)) else None
        return _word(titled, value) if titled is not None else self._plain(table, name, value)

    def person(self, user_id: int | None, label: str | None) -> str | None:
        """A person's name in the page's language, where the entry's own label is one of their names."""
        user = self.names.get(USERS, {}).get(str(user_id))
        return str(user) if isinstance(user, Person) and label in user.known else label

    def record(self, event: AuditEvent) -> Any:
        """What to call the record beside its kind: a title for labels that are mere codes, None where the label says it."""
        if event.record_type == USERS:
            return _word(self.names.get(USERS, {}).get(str(event.record_id)), None)
        return _word(self.records.get(str(event.record_type), {}).get(str(event.record_label)), None)

    def _change(self, event: AuditEvent, change: Change) -> Change:
        if change.shown != "open":
            return change
        table = event.record_type
        return replace(change, old=self.value(table, change.field, change.old), new=self.value(table, change.field, change.new))

    def _plain(self, table: str | None, name: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if name == "record_type":
            return _word(record_title(value), value)
        if name == "procedure_code":
            return _word(self.records.get("core_procedure", {}).get(value), value)
        if name == "roles" and value.startswith("|"):
            return [_word(self.records.get("core_role", {}).get(one), one) for one in value.strip("|").split("|")]
        if name in ("permission", "key"):
            return _word(self.records.get(f"core_{'setting' if name == 'key' else name}", {}).get(value), value)
        return _time(value, _type(table, name))


@dataclass(frozen=True)
class Person:
    """Somebody's names, shown in the page's language."""

    name: Bilingual
    username: str

    @property
    def known(self) -> tuple[str, ...]:
        return (self.name.ar, self.name.en, self.username)

    def __str__(self) -> str:
        return self.name.localized() or self.username


def readable(session: Session, events: Sequence[AuditEvent], told: Mapping[int, Told], titles: Mapping[str, Mapping[str, Any]]) -> Readable:
    """Look up what these entries name, one statement a table. ``titles`` are titles of codes by table (permissions, settings)."""
    wanted: dict[str, set[str]] = {USERS: set()}
    for event in events:
        wanted[USERS] |= {str(one) for one in (event.actor_id, event.on_behalf_of_id) if one is not None}
        if event.record_type == USERS and event.record_id:
            wanted[USERS].add(event.record_id)
        for change in told[event.id].changes:
            target = target_of(event.record_type, change.field)
            if target is not None and change.shown == "open":
                wanted.setdefault(target, set()).update(str(one) for one in (change.old, change.new) if one is not None)
    return Readable({table: names_of(session, table, keys) for table, keys in wanted.items()}, titles)


def target_of(table: str | None, name: str) -> str | None:
    """The table whose record a field names by its key, or None."""
    column = _column(table, name)
    if column is None:
        return None
    key = next(iter(column.foreign_keys), None)
    if key is not None:
        return str(key.target_fullname.split(".")[0])
    return USERS if PEOPLE.fullmatch(name) and isinstance(column.type, sa.Integer) else None


def choices_of(table: str | None, name: str) -> Mapping[str, Any]:
    """Titles of a field's codes: of its column, of its area, of the catalogue; empty where nobody names them."""
    column = _column(table, name)
    own = column.info.get("choices") if column is not None else None
    if own is not None:
        return dict(own() if callable(own) else own)
    offered = OFFERED.get((str(table), name))
    return {**CHOICES.get(f"{table}.{name}", {}), **(offered() if offered is not None else {})}


def names_of(session: Session, table: str, keys: Iterable[str]) -> dict[str, Any]:
    """What records are called, by their key as text; those that are gone are not in it."""
    model = model_of(table)
    if model is None or not hasattr(model, "id"):
        return {}
    numbers = [int(key) for key in keys if key.isascii() and key.isdigit() and len(key) < 19][:MOST_ASKED]
    found = session.scalars(sa.select(model).where(model.id.in_(numbers)).options(sa.orm.lazyload("*"))) if numbers else ()
    return {str(one.id): _called(one) for one in found}


def _called(record: Any) -> Any:
    if isinstance(record, User):
        return Person(record.name, record.username)
    name = getattr(record, "name", None)
    if isinstance(name, Bilingual):
        return name
    plan = plan_for(sa.inspect(record).mapper)
    return getattr(record, plan.label) if plan.label else None


def _word(title: Any, value: Any) -> Any:
    """A title as text in the page's language, or the value where there is none."""
    if title is None or title == "":
        return value
    return title.localized() if isinstance(title, Bilingual) else str(title)


def _time(value: str, kind: Any) -> Any:
    unknown = kind is None
    if (unknown or isinstance(kind, (UtcDateTime, sa.DateTime))) and MOMENT.fullmatch(value):
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    if (unknown or isinstance(kind, sa.Date)) and DAY.fullmatch(value):
        return _day(value)
    return value


def _day(value: str) -> Any:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return value


def _type(table: str | None, name: str) -> Any:
    column = _column(table, name)
    return column.type if column is not None else None


def _column(table: str | None, name: str) -> Any:
    return metadata.tables[table].c.get(name) if table is not None and table in metadata.tables else None
