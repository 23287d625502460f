"""The search text of customers: derived from the register and the names of places, written in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from core.bulk import insert_rows
from core.customers.domain import email_key, name_key, open_text, personal_text
from core.customers.models import Customer, CustomerAlias, CustomerFormer, CustomerSearch
from core.database import section
from core.organisation.models import Centre, City

BLOCK = 1_000
_search: Any = CustomerSearch.__table__


def reindex(session: Session, *, city_id: int | None = None, centre_id: int | None = None, ids: Iterable[int] | None = None) -> int:
    """Write the search rows of these customers anew, or of all; returns how many. Flushes, runs in blocks of 1,000."""
    session.flush()
    query = select(Customer.id).order_by(Customer.id)
    if city_id is not None:
        query = query.where(Customer.city_id == city_id)
    if centre_id is not None:
        query = query.where(Customer.centre_id == centre_id)
    wanted = list(ids) if ids is not None else list(session.scalars(query))
    for start in range(0, len(wanted), BLOCK):
        _write(session, wanted[start:start + BLOCK])
    return len(wanted)


def _write(session: Session, ids: list[int]) -> None:
    columns = (Customer.id, Customer.number, Customer.name, Customer.city_id, Customer.centre_id, Customer.phone, Customer.mobile, Customer.email)
    rows = [dict(row) for row in session.execute(select(*columns).where(Customer.id.in_(ids))).mappings()]
    aliases, former = _aliases(session, ids), _former(session, ids)
    places = Places(session)
    remove_rows(session, ids)
    add_rows(session, [search_row(row, places, aliases.get(row["id"], ()), former.get(row["id"], ())) for row in rows])


def add_rows(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write search rows of customers that have none, and index them."""
    if not rows:
        return
    with section("customer search"):
        insert_rows(session, _search, rows)
        for index, column in _indexes(session):
            statement = (f"INSERT INTO {index}(rowid, {column}) SELECT customer_id, {column} FROM core_customer_search"  # noqa: S608
                         f" WHERE customer_id IN (SELECT value FROM json_each(:ids)) AND {column} <> ''")
            session.connection().execute(text(statement), {"ids": json.dumps([row["customer_id"] for row in rows])})


def remove_rows(session: Session, ids: Sequence[int]) -> None:
    """Take the search rows of these customers away, and their words out of the index."""
    with section("customer search"):
        old = session.execute(select(CustomerSearch.customer_id, CustomerSearch.open_text, CustomerSearch.personal_text)
                              .where(CustomerSearch.customer_id.in_(ids))).all()
        for index, column in _indexes(session):
            found = [{"id": row.customer_id, "text": getattr(row, column)} for row in old if getattr(row, column)]
            if found:
                statement = f"INSERT INTO {index}({index}, rowid, {column}) VALUES ('delete', :id, :text)"  # noqa: S608
                session.connection().execute(text(statement), found)
        if old:
            session.execute(delete(_search).where(_search.c.customer_id.in_(ids)))


def _indexes(session: Session) -> tuple[tuple[str, str], ...]:
    """The full-text tables that are written by hand: SQLite's; PostgreSQL keeps its own indexes."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    return (("core_customer_open_fts", "open_text"), ("core_customer_personal_fts", "personal_text")) if sqlite else ()


def _aliases(session: Session, ids: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for customer_id, number in session.execute(select(CustomerAlias.customer_id, CustomerAlias.number).where(CustomerAlias.customer_id.in_(ids))):
        found.setdefault(customer_id, []).append(number)
    return found


def _former(session: Session, ids: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    query = select(CustomerFormer.customer_id, CustomerFormer.value).where(CustomerFormer.customer_id.in_(ids)).order_by(CustomerFormer.id)
    for customer_id, value in session.execute(query):
        found.setdefault(customer_id, []).append(value)
    return found


class Places:
    """Names of cities and centres by id, looked up once each."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.known: dict[tuple[str, int], tuple[str, ...]] = {}

    def names(self, city_id: int | None, centre_id: int | None) -> tuple[str, ...]:
        return (*self._of(City, city_id), *self._of(Centre, centre_id))

    def _of(self, model: type[City | Centre], key: int | None) -> tuple[str, ...]:
        if key is None:
            return ()
        at = (model.__tablename__, key)
        if at not in self.known:
            row: Any = self.session.get(model, key)
            self.known[at] = (row.name_ar, row.name_en) if row else ()
        return self.known[at]


def search_row(row: Mapping[str, Any], places: Places, aliases: Iterable[str] = (), former: Sequence[str] = ()) -> dict[str, Any]:
    """The search columns of one customer, from its values with ``id`` and ``number``; ``former`` are contact points of merged records."""
    phones = [one for one in former if one.startswith("+")]
    return {
        "customer_id": row["id"],
        "open_text": open_text([row["name"], row["number"], *aliases, *places.names(row["city_id"], row["centre_id"])]),
        "personal_text": personal_text([row["mobile"], row["phone"], *phones], [row["email"], *(one for one in former if one not in phones)]),
        "name_key": name_key(row["name"]),
        "email_key": email_key(row["email"]),
    }
