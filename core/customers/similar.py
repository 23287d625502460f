"""When two records may be of one customer: one list of rules, asked of a form being filled, of an import, and of the whole register.

A form is held against the register key by key; the register against itself by groups of equal keys, so that the work grows with the
number of customers and not with its square. There a name alone says little: it counts together with the city.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.customers.domain import email_key, name_key
from core.customers.models import Customer, CustomerDistinct, CustomerDuplicate, CustomerFormer, CustomerSearch
from core.database import section

LARGEST_GROUP = 12
"""More customers than this with one key are a crowd (a switchboard, a family's name in a city): named, not paired."""
MOST_PAIRS = 50_000
"""The search stops here, the strongest rules first: nobody looks through more in a day, and settling these finds the next."""
BLOCK = 500


def _phones(values: Mapping[str, Any]) -> set[str]:
    return {value for value in (values.get("mobile"), values.get("phone")) if value}


def _email(values: Mapping[str, Any]) -> set[str]:
    return {key for key in (email_key(values.get("email")),) if key}


def _name(values: Mapping[str, Any]) -> set[str]:
    return {key for key in (name_key(values.get("name") or ""),) if key}


@dataclass(frozen=True)
class Rule:
    """``keys`` of what is asked about must be among those in ``column``, beside which ``holder`` names the customer.

    ``personal`` rules are asked only for who may see contact data. ``within`` is what else must be equal in the register itself.
    """

    code: str
    keys: Callable[[Mapping[str, Any]], set[str]]
    column: Any
    holder: Any
    kind: str | None = None
    personal: bool = True
    within: Any = None

    @property
    def condition(self) -> sa.ColumnElement[bool]:
        return self.column.is_not(None) if self.kind is None else CustomerFormer.kind == self.kind

    def candidates(self, keys: Iterable[str]) -> sa.Select[Any]:
        """Registered customers that hold one of these keys."""
        query = select(Customer.id, Customer.number, Customer.name, self.column.label("key")).where(self.column.in_(list(keys)), self.condition)
        return query if self.holder is Customer.id else query.join(self.column.class_, self.holder == Customer.id)

    def held(self) -> sa.Select[Any]:
        """Every key of the register: customer, key, the other part of it, and this rule's code."""
        query = select(self.holder.label("id"), self.column.label("key"), (sa.literal(0) if self.within is None else self.within).label("part"),
                       sa.literal(self.code).label("code")).where(self.condition)
        if self.within is None:
            return query
        return query.join(Customer, Customer.id == self.holder).where(self.within.is_not(None), self.column != "")


RULES = (
    Rule("mobile", _phones, Customer.mobile, Customer.id),
    Rule("phone", _phones, Customer.phone, Customer.id),
    Rule("phone", _phones, CustomerFormer.value, CustomerFormer.customer_id, kind="phone"),
    Rule("email", _email, CustomerSearch.email_key, CustomerSearch.customer_id),
    Rule("email", _email, CustomerFormer.value, CustomerFormer.customer_id, kind="email"),
    Rule("name", _name, CustomerSearch.name_key, CustomerSearch.customer_id, personal=False, within=Customer.city_id),
)
CODES = tuple(dict.fromkeys(rule.code for rule in RULES))


def reasons_of(text: str) -> tuple[str, ...]:
    """The codes in a stored ``|mobile|name|``."""
    return tuple(code for code in text.split("|") if code)


# --- the register against itself --------------------------------------------------------------------------------------

Pairs = dict[tuple[int, int], set[str]]


@dataclass(frozen=True)
class Looked:
    """What a search through the register found; crowds are (rule, oldest customer, how many)."""

    pairs: Pairs
    crowds: list[tuple[str, int, int]]
    whole: bool


def look(session: Session) -> Looked:
    """Pairs of the register that look alike and of which nobody said that they are two. Only reads."""
    pairs: Pairs = {}
    crowds: list[tuple[str, int, int]] = []
    distinct = _distinct(session)
    for family in dict.fromkeys(rule.keys for rule in RULES):
        for group in _groups(session, [rule for rule in RULES if rule.keys is family]):
            if len(group) > LARGEST_GROUP:
                crowds.append((group[min(group)], min(group), len(group)))
                continue
            for one, other in combinations(sorted(group), 2):
                if (one, other) not in distinct:
                    pairs.setdefault((one, other), set()).add(group[one])
            if len(pairs) >= MOST_PAIRS:
                return Looked(pairs, crowds, whole=False)
    return Looked(pairs, crowds, whole=True)


def _distinct(session: Session) -> set[tuple[int, int]]:
    return {(one, other) for one, other in session.execute(select(CustomerDistinct.one_id, CustomerDistinct.other_id))}


def _groups(session: Session, rules: list[Rule]) -> Iterator[dict[int, str]]:
    """Customers that share a key by these rules, each with the code of the rule by which the register holds it."""
    held = sa.union_all(*(rule.held() for rule in rules)).subquery()
    number = func.count(held.c.id.distinct())
    shared = session.execute(select(held.c.key, held.c.part).group_by(held.c.key, held.c.part).having(number > 1)
                             .order_by(held.c.key, held.c.part).limit(MOST_PAIRS)).all()
    for start in range(0, len(shared), BLOCK):
        wanted = {(row.key, row.part) for row in shared[start:start + BLOCK]}
        found: dict[tuple[Any, Any], dict[int, str]] = {key: {} for key in sorted(wanted)}
        for rule in rules:
            for row in session.execute(rule.held().where(rule.column.in_({key for key, _part in wanted}))):
                if (row.key, row.part) in found:
                    found[row.key, row.part].setdefault(row.id, row.code)
        yield from (group for group in found.values() if len(group) > 1)


def write(session: Session, looked: Looked, now: datetime) -> None:
    """Put what was found in the place of what the last search found, the likeliest first; who is gone by now, or was told apart, is left out."""
    table: Any = CustomerDuplicate.__table__
    likeliest = sorted(looked.pairs.items(), key=lambda item: (-len(item[1]), min(CODES.index(code) for code in item[1]), item[0]))
    rows: list[dict[str, Any]] = [{"one_id": one, "other_id": other, "reasons": _stored(codes), "size": None, "found_at": now}
                                  for (one, other), codes in likeliest]
    rows += [{"one_id": one, "other_id": None, "reasons": _stored({code}), "size": size, "found_at": now} for code, one, size in looked.crowds]
    distinct = _distinct(session)
    with section("customer duplicates"):
        session.execute(sa.delete(table))
        for start in range(0, len(rows), BLOCK):
            part = rows[start:start + BLOCK]
            there = set(session.scalars(select(Customer.id).where(Customer.id.in_({row["one_id"] for row in part} | {row["other_id"] for row in part}))))
            part = [row for row in part if row["one_id"] in there and (row["other_id"] is None or row["other_id"] in there)
                    and (row["one_id"], row["other_id"]) not in distinct]
            if part:
                session.execute(sa.insert(table), part)


def _stored(codes: set[str]) -> str:
    return "|" + "".join(f"{code}|" for code in CODES if code in codes)
