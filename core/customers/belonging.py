"""What belongs to one customer, in the tables of every owner, on or off: found from the metadata, so that no plugin says anything.

A row belongs to a customer when it stands under one of the customer's subjects (``__audit_subject__``); when it points at the
customer by foreign key and is under nobody else's; when it is of nobody and holds the customer's own telephone or e-mail; or
when it hangs, without subject and customer of its own, on a row that does. Used by the erasure and by the subject's file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit.plan import plan_for
from core.audit.titles import all_models
from core.customers.models import Customer, CustomerFormLine
from core.customers.pointers import CUSTOMERS, points
from core.database import Phone, existing_objects
from core.keys import family_of

PART = 500


@dataclass(frozen=True)
class Holder:
    """A table that may hold something of a customer."""

    model: Any
    key: Any
    subject: Any | None
    customers: tuple[Any, ...]
    parents: tuple[tuple[Any, str], ...]
    """Foreign keys to other tables: column and the table's name."""

    @property
    def name(self) -> str:
        return str(self.model.__tablename__)

    @property
    def personal(self) -> list[Any]:
        return [column for column in self.model.__table__.c if column.info.get("personal")]


@dataclass
class Belongings:
    """The keys of a customer's rows by table, the subjects under which they stand, and those subjects that were not yet the customer's."""

    customer_id: int
    subjects: set[str]
    rows: dict[str, set[int]] = field(default_factory=dict)
    found: set[str] = field(default_factory=set)

    def of(self, table: str) -> list[int]:
        return sorted(self.rows.get(table, ()))


def holders() -> list[Holder]:
    """Every table that can hold something of a customer, with how; tables of people who work here are not among them."""
    made = []
    for model in all_models():
        table = model.__table__
        if len(table.primary_key) != 1 or not isinstance(next(iter(table.primary_key)).type, sa.Integer):
            continue
        subject = plan_for(sa.inspect(model)).subject
        keys = [(key.parent, key.column.table.name) for column in table.c for key in column.foreign_keys]
        customers = tuple(column for column in table.c if points(column))
        parents = tuple((column, target) for column, target in keys if target not in (CUSTOMERS, "core_user", table.name))
        made.append(Holder(model, next(iter(table.primary_key)), table.c.get(subject) if subject else None, customers, parents))
    return [one for one in made if one.name != CUSTOMERS and (one.subject is not None or one.customers or one.parents)]


def belongings(session: Session, customer: Customer) -> Belongings:
    """All rows of a customer; a statement or two a table, again while new subjects turn up. Flushes.

    A plugin that was installed and has no tables here yet holds nothing.
    """
    session.flush()
    present = existing_objects(session.connection())
    tables = [one for one in holders() if one.name in present]
    mine = Belongings(customer.id, set(family_of(session, customer.subject_id)))
    contacts = contact_points(session, customer)
    before: set[str] = set()
    while mine.subjects != before:
        before = set(mine.subjects)
        for one in tables:
            _by_subject(session, one, mine)
            _by_customer(session, one, mine)
            _by_contact(session, one, mine, contacts)
        for subject in mine.found - before:
            mine.subjects.update(family_of(session, subject))
    _hanging(session, tables, mine)
    mine.rows[CUSTOMERS] = {customer.id}
    return mine


def contact_points(session: Session, customer: Customer) -> dict[str, set[str]]:
    """Telephones and e-mail addresses that are or were the customer's, as ``phone`` and ``email``."""
    lines = session.scalars(sa.select(CustomerFormLine).where(CustomerFormLine.customer_id == customer.id))
    records: list[Any] = [customer, *lines]
    bases = [line.base or {} for line in records[1:]]
    phones = {getattr(one, name) for one in records for name in ("mobile", "phone")} | {base.get(name) for base in bases for name in ("mobile", "phone")}
    emails = {one.email for one in records} | {base.get("email") for base in bases}
    return {"phone": {one for one in phones if one}, "email": {one for one in emails if one}}


def _by_subject(session: Session, one: Holder, mine: Belongings) -> None:
    if one.subject is None:
        return
    for part in parts(sorted(mine.subjects)):
        _take(mine, one, session.scalars(sa.select(one.key).where(one.subject.in_(part))))


def _by_customer(session: Session, one: Holder, mine: Belongings) -> None:
    if not one.customers:
        return
    wanted = sa.or_(*(column == mine.customer_id for column in one.customers))
    if one.subject is None:
        _take(mine, one, session.scalars(sa.select(one.key).where(wanted)))
        return
    _take_free(session, one, mine, wanted)


def _by_contact(session: Session, one: Holder, mine: Belongings, contacts: dict[str, set[str]]) -> None:
    """Rows of nobody that hold the customer's own telephone or e-mail: calls and letters from before the registration.

    A form that waits for its decision may be another person of the same house; it is left alone.
    """
    if one.subject is None or not one.customers:
        return
    same = [column.in_(contacts["phone"]) for column in one.personal if isinstance(column.type, Phone) and contacts["phone"]]
    same += [column.in_(contacts["email"]) for column in one.personal if column.name == "email" and contacts["email"]]
    if not same:
        return
    wanted = sa.and_(sa.or_(*same), *(column.is_(None) for column in one.customers))
    if one.model is CustomerFormLine:
        wanted = sa.and_(wanted, CustomerFormLine.state == "dropped")
    _take_free(session, one, mine, wanted)


def _take_free(session: Session, one: Holder, mine: Belongings, wanted: Any) -> None:
    """Rows that are not under the subject of another customer; a subject of their own becomes the customer's."""
    subject_of: Any = one.subject
    of_another = sa.select(Customer.id).where(Customer.subject_id == subject_of, Customer.id != mine.customer_id).exists()
    for key, subject in session.execute(sa.select(one.key, subject_of).where(wanted, ~of_another)):
        _take(mine, one, [key])
        if subject is not None and subject not in mine.subjects:
            mine.found.add(subject)


def _hanging(session: Session, tables: Sequence[Holder], mine: Belongings) -> None:
    """Rows without subject and customer of their own, by the rows that they point at, as deep as it goes."""
    loose = [one for one in tables if one.subject is None and not one.customers]
    more = True
    while more:
        before = {one.name: len(mine.rows.get(one.name, ())) for one in loose}
        for one in loose:
            for column, target in one.parents:
                for part in parts(mine.of(target)):
                    _take(mine, one, session.scalars(sa.select(one.key).where(column.in_(part))))
        more = any(len(mine.rows.get(one.name, ())) > before[one.name] for one in loose)


def _take(mine: Belongings, one: Holder, keys: Iterable[int]) -> None:
    found = set(keys)
    if found:
        mine.rows.setdefault(one.name, set()).update(found)


def parts(values: Sequence[Any], size: int = PART) -> Iterator[Sequence[Any]]:
    """``values`` in pieces that fit one statement."""
    for start in range(0, len(values), size):
        yield values[start:start + size]
