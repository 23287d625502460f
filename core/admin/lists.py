"""The list engine: one ``scope`` for rows, counts, actions and exports; keyset paging; stable filter keys; bounded counts.

A list is declared, not written: columns, filters and sort keys name database expressions; which of them a person sees is
decided per request, and a column that is hidden is hidden from sorting, filtering, searching and exporting alike.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement
from werkzeug.datastructures import MultiDict

from core.admin import values
from core.auth.actor import Actor
from core.calendar import day_bounds
from core.errors import InvalidInput
from core.i18n import lazy_gettext as _l

PAGE_SIZE = 50
COUNT_BOUND = 1_000
LONGEST_SEARCH = 200
FIRST_YEAR, LAST_YEAR = 1000, 9000
"""Days before and after have no moment in every time zone."""


@dataclass(frozen=True)
class ListColumn:
    """One column. ``key`` is stable (address, CSV heading); ``kind`` picks the macro that prints it.

    Kinds: text, name, number, code, phone, email, money, date, moment, integer, choice, state, due. ``sort`` is a column
    that is never NULL. ``permission``: who lacks it has no such column anywhere.
    """

    key: str
    label: Any
    kind: str = "text"
    value: Callable[[Any], Any] | None = None
    sort: Any = None
    permission: str | None = None
    choices: Mapping[str, Any] | None = None
    link: Callable[[Any], str] | None = None
    masked: Callable[[Any], Any] | None = None
    """With ``permission``: what others see instead; the column stays, but cannot be sorted, filtered or searched by."""
    searched: bool = True
    """Whether a search looks into this column, so that what it found is marked here; for kinds text and name."""

    def read(self, row: Any) -> Any:
        return self.value(row) if self.value is not None else getattr(row, self.key)


@dataclass(frozen=True)
class ListFilter:
    """One filter. ``kind``: choice, date_from, date_to, text, yes. ``apply(statement, value)`` narrows the statement."""

    key: str
    label: Any
    apply: Callable[[sa.Select[Any], Any], sa.Select[Any]]
    kind: str = "choice"
    choices: Callable[[Session], Sequence[tuple[str, Any]]] | Mapping[str, Any] | Sequence[tuple[str, Any]] = ()
    permission: str | None = None

    def options(self, session: Session) -> Sequence[tuple[str, Any]]:
        found = self.choices(session) if callable(self.choices) else self.choices
        return list(found.items()) if isinstance(found, Mapping) else found


def by_id(column: Any) -> Callable[[sa.Select[Any], str], sa.Select[Any]]:
    """For ``ListFilter.apply``: narrow by an id from the address; one that is no number matches nothing."""
    return lambda statement, value: statement.where(column == (int(value) if value.isascii() and value.isdigit() and len(value) < 19 else -1))


def by_value(column: Any) -> Callable[[sa.Select[Any], Any], sa.Select[Any]]:
    """For ``ListFilter.apply``: narrow by one of the choices."""
    return lambda statement, value: statement.where(column == value)


def from_day(column: Any) -> Callable[[sa.Select[Any], date], sa.Select[Any]]:
    """For ``ListFilter.apply`` of the kind date_from: moments from the beginning of a day of the association on."""
    return lambda statement, day: statement.where(column >= day_bounds(day, values.zone())[0])


def to_day(column: Any) -> Callable[[sa.Select[Any], date], sa.Select[Any]]:
    """For ``ListFilter.apply`` of the kind date_to: moments until the end of a day of the association."""
    return lambda statement, day: statement.where(column < day_bounds(day, values.zone())[1])


@dataclass(frozen=True)
class Chip:
    """An active filter as shown: name, value, and the address without it."""

    key: str
    label: Any
    value: Any
    without: Mapping[str, Any]


@dataclass
class Page:
    """One page of a list. ``count`` is exact up to ``COUNT_BOUND``; above it ``more`` says that there are others."""

    rows: list[Any]
    columns: list[ListColumn]
    count: int
    more: bool
    chips: list[Chip]
    sort: str
    search: str
    spellings: Sequence[str] = ()
    next_cursor: str | None = None
    previous_cursor: str | None = None
    first: Any = None
    last: Any = None
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What the address asks for, checked: nothing in it reaches the database as it came."""

    search: str
    filters: Mapping[str, Any]
    sort: str
    descending: bool
    cursor: tuple[Any, int] | None
    backwards: bool
    count_all: bool


class ListEngine:
    """Rows of one list for one actor. ``scope`` has already narrowed the statement to what the actor may see."""

    def __init__(
        self, *, identity: Any, columns: Sequence[ListColumn], filters: Sequence[ListFilter], default_sort: str,
        find: Callable[[Session, sa.Select[Any], str, Actor], sa.Select[Any]] | None = None,
        spellings: Callable[[str], Sequence[str]] | None = None,
        describe: Callable[[Session, Sequence[Any], Actor], None] | None = None,
    ) -> None:
        self.identity = identity
        self.columns = columns
        self.filters = filters
        self.default_sort = default_sort
        self.find = find
        self.spellings = spellings
        self.describe = describe

    def visible_columns(self, actor: Actor) -> list[ListColumn]:
        return [column for column in self.columns if column.permission is None or column.masked is not None or actor.may(column.permission)]

    def usable_filters(self, actor: Actor) -> list[ListFilter]:
        return [one for one in self.filters if one.permission is None or actor.may(one.permission)]

    def sorts(self, actor: Actor) -> dict[str, ListColumn]:
        return {column.key: column for column in self.columns
                if column.sort is not None and (column.permission is None or actor.may(column.permission))}

    def read_request(self, arguments: MultiDict[str, str], actor: Actor) -> Request:
        """Check the address: unknown sort keys and broken cursors are refused, unknown filters ignored never silently."""
        sort = arguments.get("sort") or self.default_sort
        descending, key = sort.startswith("-"), sort.removeprefix("-")
        sorts = self.sorts(actor)
        if key not in sorts:
            raise InvalidInput(_l("This list cannot be sorted by “%(key)s”.", key=key[:40]), field="sort", value=key)
        search = (arguments.get("q") or "").strip()
        if len(search) > LONGEST_SEARCH:
            raise InvalidInput(_l("A search has at most %(n)s characters.", n=LONGEST_SEARCH), field="q", value=search[:40])
        after, before = arguments.get("after"), arguments.get("before")
        cursor = self._cursor(after or before, sorts[key]) if after or before else None
        filters = self._read_filters(arguments, actor)
        return Request(search, filters, key, descending, cursor, bool(before and not after), arguments.get("count") == "all")

    def _read_filters(self, arguments: MultiDict[str, str], actor: Actor) -> dict[str, Any]:
        usable = {one.key: one for one in self.usable_filters(actor)}
        given = {name.removeprefix("f."): value for name, value in arguments.items() if name.startswith("f.") and value}
        unknown = sorted(set(given) - set(usable))
        if unknown:
            raise InvalidInput(_l("This list has no filter “%(key)s”.", key=unknown[0][:40]), field=unknown[0], value=given[unknown[0]])
        return {key: _filter_value(usable[key], value) for key, value in given.items()}

    def _cursor(self, token: str | None, column: ListColumn) -> tuple[Any, int]:
        try:
            value, identity = json.loads(base64.urlsafe_b64decode((token or "").encode() + b"=="))
            if not isinstance(identity, int) or abs(identity) >= 2**63:
                raise ValueError
            return _from_json(value, column.sort), identity
        except (ValueError, binascii.Error, TypeError, OverflowError, RecursionError):
            raise InvalidInput(_l("This page of the list cannot be found. Begin at its first page."), field="after", value=str(token)[:40]) from None

    def narrowed(self, session: Session, statement: sa.Select[Any], asked: Request, actor: Actor) -> sa.Select[Any]:
        """The statement with filters and search, without order and limit: for counting, actions and exports too."""
        by_key = {one.key: one for one in self.usable_filters(actor)}
        for key, value in asked.filters.items():
            statement = by_key[key].apply(statement, value)
        if asked.search and self.find is not None:
            statement = self.find(session, statement, asked.search, actor)
        return statement

    def page(self, session: Session, scoped: sa.Select[Any], arguments: MultiDict[str, str], actor: Actor, *, size: int = PAGE_SIZE) -> Page:
        """One page, at the same cost wherever it lies."""
        asked = self.read_request(arguments, actor)
        statement = self.narrowed(session, scoped, asked, actor)
        sort = self.sorts(actor)[asked.sort].sort
        assert sort is not None
        hits = self._hits(session, statement) if sort is self.identity and asked.search and not asked.count_all else None
        if hits is not None and len(hits) <= COUNT_BOUND:
            statement = scoped.where(self.identity.in_(self._ids_of_page(hits, asked, size + 1)))
        rows, count, more = self._rows(session, statement, sort, asked, size + 1, hits)
        further = len(rows) > size
        rows = rows[:size]
        if asked.backwards:
            rows.reverse()
        if self.describe is not None:
            self.describe(session, rows, actor)
        sorted_by = ("-" if asked.descending else "") + asked.sort
        page = Page(rows, self.visible_columns(actor), count, more, self._chips(session, asked, actor), sorted_by, asked.search)
        self._add_cursors(page, asked, sort, further)
        if asked.search and self.spellings:
            page.spellings = self.spellings(asked.search)
        page.arguments = {**{f"f.{key}": _in_address(value) for key, value in asked.filters.items()}, **({"q": asked.search} if asked.search else {})}
        return page

    def _hits(self, session: Session, statement: sa.Select[Any]) -> list[int]:
        """Ids of the hits of a search, unsorted, up to one more than ``COUNT_BOUND``.

        A search costs most where it looks words up: so that is done once, and page and count are taken from the ids.
        """
        return list(session.scalars(self._identities(statement).limit(COUNT_BOUND + 1)))

    def _identities(self, statement: sa.Select[Any]) -> sa.Select[int]:
        return statement.with_only_columns(self.identity, maintain_column_froms=True).order_by(None)

    def _ids_of_page(self, found: list[int], asked: Request, size: int) -> list[int]:
        """Of these ids the ones on the page that is asked for."""
        descending = asked.descending != asked.backwards
        if asked.cursor is not None:
            found = [one for one in found if (one < asked.cursor[1] if descending else one > asked.cursor[1])]
        return sorted(found, reverse=descending)[:size]

    def _slice(self, statement: sa.Select[Any], sort: ColumnElement[Any], asked: Request) -> sa.Select[Any]:
        descending = asked.descending != asked.backwards
        columns = (sort,) if sort is self.identity else (sort, self.identity)
        order = [column.desc() if descending else column.asc() for column in columns]
        if asked.cursor is not None:
            here = sa.tuple_(sort, self.identity)
            there = sa.tuple_(sa.literal(asked.cursor[0], sort.type), sa.literal(asked.cursor[1]))
            statement = statement.where(here < there if descending else here > there)
        return statement.order_by(*order)

    def _rows(
        self, session: Session, statement: sa.Select[Any], sort: ColumnElement[Any], asked: Request, limit: int, hits: list[int] | None,
    ) -> tuple[list[Any], int, bool]:
        """The rows of the page, how many match in all, and whether that is a bound; with one statement where there are any."""
        page = self._slice(statement, sort, asked).limit(limit)
        if hits is not None:
            return list(session.execute(page).unique().scalars()), *_bounded(len(hits))
        counted = self._counted(statement, asked)
        found = session.execute(page.add_columns(counted.scalar_subquery())).unique().all()
        count: int = found[0][-1] if found else (session.scalar(counted) or 0) if asked.cursor else 0
        return [row[0] for row in found], *((count, False) if asked.count_all else _bounded(count))

    def _counted(self, statement: sa.Select[Any], asked: Request) -> sa.Select[int]:
        identities = self._identities(statement)
        if not asked.count_all:
            identities = identities.limit(COUNT_BOUND + 1)
        return sa.select(sa.func.count()).select_from(identities.subquery())

    def _chips(self, session: Session, asked: Request, actor: Actor) -> list[Chip]:
        chips = []
        for one in self.usable_filters(actor):
            if one.key in asked.filters:
                value = asked.filters[one.key]
                label = dict(one.options(session)).get(str(value), value) if one.kind == "choice" else value
                rest = {f"f.{key}": _in_address(other) for key, other in asked.filters.items() if key != one.key}
                chips.append(Chip(one.key, one.label, label, rest))
        return chips

    def _add_cursors(self, page: Page, asked: Request, sort: ColumnElement[Any], further: bool) -> None:
        if not page.rows:
            return
        page.first, page.last = (self._sort_value(row, asked.sort) for row in (page.rows[0], page.rows[-1]))
        if further or asked.backwards:
            page.next_cursor = self._token(page.rows[-1], asked.sort)
        if (asked.cursor is not None and not asked.backwards) or (asked.backwards and further):
            page.previous_cursor = self._token(page.rows[0], asked.sort)

    def _sort_value(self, row: Any, key: str) -> Any:
        sort = next(column.sort for column in self.columns if column.key == key)
        return getattr(row, sort.key)

    def _token(self, row: Any, key: str) -> str:
        raw = json.dumps([_to_json(self._sort_value(row, key)), getattr(row, self.identity.key)])
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _bounded(found: int) -> tuple[int, bool]:
    """The count as a page shows it, and whether there are more."""
    return min(found, COUNT_BOUND), found > COUNT_BOUND


def _filter_value(one: ListFilter, raw: str) -> Any:
    if one.kind in ("date_from", "date_to"):
        try:
            day = date.fromisoformat(raw)
            if FIRST_YEAR <= day.year <= LAST_YEAR:
                return day
            raise ValueError
        except ValueError:
            raise InvalidInput(_l("“%(value)s” is no date. Write it like 2026-09-23.", value=raw[:40]), field=one.key, value=raw) from None
    if len(raw) > LONGEST_SEARCH or "\x00" in raw:
        raise InvalidInput(_l("This value cannot be filtered by."), field=one.key, value=raw[:40])
    return raw


def _in_address(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _to_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _from_json(value: Any, sort: Any) -> Any:
    python_type = getattr(sort.type, "impl_instance", sort.type).python_type
    if issubclass(python_type, datetime):
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    if issubclass(python_type, date):
        return date.fromisoformat(value)
    if python_type is int and (not isinstance(value, int) or abs(value) >= 2**63):
        raise ValueError
    if python_type is str and not isinstance(value, str):
        raise ValueError
    return value


def chosen_rows(session: Session, engine: ListEngine, scoped: sa.Select[Any], identities: Iterable[str]) -> list[Any]:
    """The rows behind ticked boxes, read again through the scope: a forged id is simply not among them, and says so."""
    wanted = [int(raw) for raw in identities if raw.isascii() and raw.isdigit() and len(raw) < 19]
    rows = list(session.execute(scoped.where(engine.identity.in_(wanted))).unique().scalars())
    if len(rows) != len(set(wanted)):
        raise InvalidInput(_l("Some of the chosen rows are no longer there or not open to you. Nothing was done; choose again."))
    return rows
