"""Selects over the register: whose records one may read, search, duplicates, forms by state. They never write."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from core import settings, work
from core.auth.actor import Actor
from core.customers import similar
from core.customers.domain import OPEN_STATES, name_key
from core.customers.models import (
    Customer,
    CustomerAlias,
    CustomerForm,
    CustomerFormer,
    CustomerFormLine,
    CustomerInfluence,
    CustomerMerge,
    CustomerSearch,
    CustomerState,
    DataOfficer,
    DataOfficerAbsence,
    OptionalField,
)
from core.errors import InvalidInput
from core.i18n import lazy_gettext as _l
from core.keys import has_key
from core.numbering import check_digit
from core.phones import beginnings, parse_phone
from core.text import fold, normalise_digits, without_marks

PERSONAL = "customers.personal"
COUNTED = 1_000
"""Lists count up to here and then say "more than"."""
MOST_MEANT, FREQUENT = 200, 100
FEW = 50
"""Customers whose numbers begin alike; where there are more, the search by parts shows them page by page."""


# --- whose records one may read (CUST-37) ----------------------------------------------------------------------------


def scope_of(actor: Actor) -> str:
    """``all``, ``department`` (own department and centre, the default), ``centre`` or ``own``."""
    return actor.scopes.get("customers") or actor.scopes.get("*") or "department"


def scope(query: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
    """Only the customers this person may read: all, own department and centre (the default), own centres, or own forms.

    A customer without department or centre belongs to the whole association and is open to every scope but ``own``.
    """
    kind = scope_of(actor)
    if kind == "own":
        own = select(CustomerForm.id).where(CustomerForm.made_by == actor.user_id)
        return query.where(Customer.form_id.in_(own))
    return query.where(*_within(Customer, kind, actor))


def _within(model: type[Customer] | type[CustomerFormLine], kind: str, actor: Actor) -> list[sa.ColumnElement[bool]]:
    conditions = []
    if kind == "department":
        conditions.append(or_(model.department_id.is_(None), model.department_id == actor.department_id))
    if kind == "centre" or (kind == "department" and actor.centre_ids):
        conditions.append(or_(model.centre_id.is_(None), model.centre_id.in_(actor.centre_ids)))
    return conditions


def form_scope(query: sa.Select[Any], actor: Actor) -> sa.Select[Any]:
    """Only the forms this person may read: one's own, and those for customers within one's scope; no one else's drafts."""
    own = CustomerForm.made_by == actor.user_id
    kind = scope_of(actor)
    query = query.where(or_(CustomerForm.state != "draft", own))
    if kind == "own":
        return query.where(own)
    within = _within(CustomerFormLine, kind, actor)
    if not within:
        return query
    return query.where(or_(own, select(CustomerFormLine.id).where(CustomerFormLine.form_id == CustomerForm.id, *within).exists()))


def may_read(session: Session, customer_id: int, actor: Actor) -> bool:
    return session.scalar(scope(select(Customer.id).where(Customer.id == customer_id), actor)) is not None


def readable(session: Session, number: str, actor: Actor, *, field: str = "number") -> Customer:
    """The customer that a form names, if this actor may read it; otherwise InvalidInput, whether there is one or not.

    ``number`` is the customer's, an earlier one, or, for who may see them, a telephone number in any writing that one customer has.
    """
    found = by_number(session, number) or _by_telephone(session, number, actor, field)
    if found is None or not may_read(session, found.id, actor):
        raise InvalidInput(_l("There is no customer with the number “%(value)s”, or it is not among the records you may read.", value=number[:40]),
                           field=field, value=number)
    if not has_key(session, found.subject_id):
        raise InvalidInput(_l("The data of customer %(number)s was erased; nothing can be recorded of it any more.", number=number[:40]),
                           field=field, value=number)
    return found


def _by_telephone(session: Session, number: str, actor: Actor, field: str) -> Customer | None:
    phone = read_phone(session, number) if actor.may(PERSONAL) else None
    found = having_phone(session, phone, actor, limit=FEW) if phone else []
    if len(found) > 1:
        raise InvalidInput(_l("Several customers have this telephone number: %(numbers)s. Write the customer number of the one who is meant.",
                              numbers=", ".join(one.number for one in found)), field=field, value=number[:40])
    return found[0] if found else None


def by_number(session: Session, number: str) -> Customer | None:
    """The customer with this number, or whose earlier number it is; digits of any kind, with or without hyphen.

    An earlier number may come from a former register and hold letters; it is taken as it was written there.
    """
    text = normalise_digits(number).strip()[:80]
    digits = re.sub(r"[\s-]", "", text)
    if digits.isascii() and digits.isdigit() and len(digits) <= 20:
        found = session.scalar(select(Customer).where(Customer.number == digits))
        if found is not None:
            return found
    query = select(Customer).join(CustomerAlias, CustomerAlias.customer_id == Customer.id)
    return session.scalar(query.where(CustomerAlias.number.in_({text, digits})).order_by(CustomerAlias.id).limit(1))


def ids_by_number(session: Session, numbers: Collection[str], actor: Actor) -> dict[str, int]:
    """Number → customer, by present numbers and earlier ones, written as the register has them; of whom this actor may read."""
    if not numbers:
        return {}
    found = {number: key for number, key in session.execute(select(Customer.number, Customer.id).where(Customer.number.in_(numbers)))}
    earlier = select(CustomerAlias.number, CustomerAlias.customer_id).where(CustomerAlias.number.in_(set(numbers) - set(found)))
    found |= {number: key for number, key in session.execute(earlier)}
    readable = readable_ids(session, set(found.values()), actor)
    return {number: key for number, key in found.items() if key in readable}


def having_phone(session: Session, phone: str, actor: Actor, *, limit: int) -> list[Customer]:
    """The customers within the actor's scope whose mobile or telephone is this (E.164), by number."""
    query = scope(select(Customer).where(or_(Customer.mobile == phone, Customer.phone == phone)), actor)
    return list(session.scalars(query.order_by(Customer.id).limit(limit)))


def aliases_of(session: Session, customer_id: int) -> list[str]:
    """The numbers that led to this customer before, without its own, which is an alias too once a merge was undone."""
    query = select(CustomerAlias.number).join(Customer, Customer.id == CustomerAlias.customer_id)
    return list(session.scalars(query.where(CustomerAlias.customer_id == customer_id, CustomerAlias.number != Customer.number).order_by(CustomerAlias.id)))


# --- search ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """How an input was read: ``number``, ``phone``, ``email``, ``name`` or ``empty``, and what was looked for."""

    kind: str
    shown: str
    words: tuple[str, ...] = ()
    customer_ids: tuple[int, ...] = ()

    @property
    def personal(self) -> bool:
        return self.kind in ("phone", "email")


_INDEXES = {name: sa.table(name, sa.column("rowid", sa.Integer)) for name in ("core_customer_open_fts", "core_customer_personal_fts")}
_NUMBER_LIKE = re.compile(r"[0-9+()\s-]+")
_ARTICLE = "\u0627\u0644"


def read_input(session: Session, text: str, actor: Actor) -> Reading:
    """Decide what somebody typed: a customer number (also an old one, also without its check digit), digits of a phone
    or an e-mail address (only for who may see personal data), or parts of a name."""
    text = normalise_digits(without_marks(text) or "").strip()
    if not text:
        return Reading("empty", "")
    digits = re.sub(r"\D", "", text) if _NUMBER_LIKE.fullmatch(text) else ""
    found = _read_digits(session, digits, actor) if digits else None
    if found is None or not found.customer_ids:
        found = _read_phone(session, text, actor) or found
    if found is not None:
        return found
    if "@" in text and actor.may(PERSONAL):
        return Reading("email", text.casefold(), (text.casefold(),))
    return Reading("name", text, tuple(fold(text).split()))


def _read_digits(session: Session, digits: str, actor: Actor) -> Reading:
    if len(digits) <= 19:
        numbers = [digits, digits + check_digit(digits)]
        found = list(session.scalars(select(Customer.id).where(Customer.number.in_(numbers))))
        found += session.scalars(select(CustomerAlias.customer_id).where(CustomerAlias.number.in_(numbers)))
        if found:
            return Reading("number", digits, customer_ids=tuple(dict.fromkeys(found)))
    if actor.may(PERSONAL) and len(digits) >= 3:
        local = digits[2:] if digits.startswith("00") else digits
        return Reading("phone", local, (local,), tuple(_beginning_with(session, digits)))
    return Reading("name", digits, (digits,))


def _read_phone(session: Session, text: str, actor: Actor) -> Reading | None:
    """A whole number in a writing of its own (``tel:``, dots, a zero in brackets) that somebody here has; None for anything else."""
    if not actor.may(PERSONAL) or not re.search(r"\d{2}", text):
        return None
    phone = read_phone(session, text)
    ids = dict.fromkeys(customer_id for _phone, customer_id, _subject in having_phones(session, [phone])) if phone else ()
    return Reading("phone", phone, (phone.removeprefix("+"),), tuple(ids)) if phone and ids else None


def read_phone(session: Session, text: str) -> str | None:
    """A number in E.164, read by the association's country; None for what is none."""
    try:
        return parse_phone(text, settings.get(session, "core.country")) if text else None
    except InvalidInput:
        return None


_PHONES: tuple[tuple[Any, Any], ...] = ((Customer.id, Customer.mobile), (Customer.id, Customer.phone), (CustomerFormer.customer_id, CustomerFormer.value))
"""Where telephone numbers of customers stand; the last holds e-mail addresses too, which none is taken for."""


def having_phones(session: Session, phones: Sequence[str]) -> list[tuple[str, int, str]]:
    """Who has one of these numbers (E.164) as mobile or telephone, or had it before a merge: number, customer and subject."""
    found: list[tuple[str, int, str]] = []
    for holder, column in _PHONES:
        query = select(column, Customer.id, Customer.subject_id).where(column.in_(phones))
        found += [(phone, customer_id, subject_id) for phone, customer_id, subject_id
                  in session.execute(query if column.class_ is Customer else query.join(Customer, Customer.id == holder))]
    return found


def _beginning_with(session: Session, digits: str) -> list[int]:
    """Customers of whom a number begins with these digits, when they are few: found in the numbers' own index, without a look at
    every number that holds the digits anywhere."""
    found: set[int] = set()
    for first, last in beginnings(digits, settings.get(session, "core.country")):
        for holder, column in _PHONES:
            found.update(session.scalars(select(holder).where(column >= first, column < last).limit(FEW + 1)))
    return sorted(found) if len(found) <= FEW else []


@dataclass(frozen=True)
class Found:
    """Hits of a search, newest first, and how the input was read."""

    reading: Reading
    customers: list[Customer] = field(default_factory=list)


def search(session: Session, text: str, actor: Actor, *, limit: int = 20) -> Found:
    """Customers that this person may read and that match what was typed: number, phone digits, e-mail or name."""
    reading = read_input(session, text, actor)
    if reading.kind == "empty":
        return Found(reading)
    return Found(reading, list(session.scalars(_newest_found(session, select(Customer), reading, actor, limit))))


def meant(session: Session, text: str, actor: Actor) -> list[int]:
    """Ids of the customers whom somebody may mean by ``text``: at most ``MOST_MEANT``, the newest; enough for hits while somebody types.

    While reading they are looked up once for all who ask: the search of everything asks each plugin.
    """
    def ids() -> list[int]:
        reading = read_input(session, text, actor)
        return [] if reading.kind == "empty" else list(session.scalars(_newest_found(session, select(Customer.id), reading, actor, MOST_MEANT)))

    return ids() if session.info.get("write") else work.read_once(session, f"customers.meant {text} {actor!r}", ids)


def whose(session: Session, column: InstrumentedAttribute[Any], text: str, actor: Actor, *, newest: bool = False) -> sa.ColumnElement[bool]:
    """A condition on a list of what belongs to customers: ``column`` is one of all whom ``text`` means, by their ids where they are few.

    Where at least every ``FREQUENT``-th is meant, each row of the list is asked for its customer: the first rows that fit are soon found.
    ``newest`` is content with the newest of them (``meant``): quick enough for hits while somebody types.
    """
    few = meant(session, text, actor)
    if newest or len(few) < MOST_MEANT:
        return column.in_(few)
    reading = read_input(session, text, actor)
    if not is_frequent(session, text, actor):
        return column.in_(scope(matching(select(Customer.id), reading, dialect_of(session)), actor))
    # No EXISTS: PostgreSQL would read all texts first, whatever the list is cut at.
    asked = (select(sa.literal(1)).where(CustomerSearch.customer_id == column, *_words_in(reading, dialect_of(session)))
             .correlate_except(CustomerSearch).scalar_subquery() == 1)
    return asked if scope_of(actor) == "all" else sa.and_(asked, column.in_(scope(select(Customer.id), actor)))


def is_frequent(session: Session, text: str, actor: Actor) -> bool:
    """Whether ``text`` means at least every ``FREQUENT``-th of the newest customers."""
    few = meant(session, text, actor)
    return len(few) >= MOST_MEANT and few[0] - few[-1] <= MOST_MEANT * FREQUENT


def _newest_found(session: Session, query: sa.Select[Any], reading: Reading, actor: Actor, limit: int) -> sa.Select[Any]:
    dialect = dialect_of(session)
    return scope(matching(query, reading, dialect), actor).order_by(newest(reading, dialect)).limit(limit)


def matching(query: sa.Select[Any], reading: Reading, dialect: str) -> sa.Select[Any]:
    """``query`` over Customer, narrowed to what was read; words must all occur."""
    if reading.kind == "empty" or (reading.kind == "name" and not reading.words):
        return query
    if reading.customer_ids:
        return query.where(Customer.id.in_(reading.customer_ids))
    index = _index(reading) if dialect == "sqlite" else None
    words = _holding(reading, index)
    if query.whereclause is None:
        texts = select(CustomerSearch.customer_id)
        alone = texts if index is None else texts.join(index, index.c.rowid == CustomerSearch.customer_id)
        several = index is None and reading.kind == "name" and len(reading.words) > 1
        query = query.execution_options(alone=(alone.where(*(_found_by_ends(reading) if several else words)), len(words)))
    query = query.join(CustomerSearch, CustomerSearch.customer_id == Customer.id)
    if index is not None:
        query = query.join(index, index.c.rowid == Customer.id).execution_options(walked=index.name)
    return query.where(*words)


def _holding(reading: Reading, index: sa.TableClause | None) -> list[sa.ColumnElement[bool]]:
    """That a row of ``CustomerSearch`` holds every word, found by ``index`` on SQLite and by the text's own trigrams on PostgreSQL."""
    if index is None:
        return _words_in(reading, "postgresql")
    return [sa.literal_column(index.name).op("MATCH")(_trigrams(_needles(reading))), *_words_in(reading, "sqlite")]


def _words_in(reading: Reading, dialect: str) -> list[sa.ColumnElement[bool]]:
    """That the text of a row of ``CustomerSearch`` holds every word."""
    column = _text_of(reading)
    if dialect == "sqlite":
        return [func.instr(column, needle) > 0 for needle in _needles(reading)]
    return [column.like(f"%{_escaped(needle)}%") for needle in _needles(reading)]


def _text_of(reading: Reading) -> InstrumentedAttribute[str]:
    return CustomerSearch.personal_text if reading.personal else CustomerSearch.open_text


def newest(reading: Reading, dialect: str) -> sa.ColumnElement[Any]:
    """The order of search results; on SQLite by the index's own row number, which it can walk backwards."""
    if dialect == "sqlite" and reading.words and not reading.customer_ids:
        return _index(reading).c.rowid.desc()
    return Customer.id.desc()


def alone(query: sa.Select[Any]) -> sa.Select[int] | None:
    """Where nothing but a search narrows the register: its hits as ids from the search text alone, without a look at each customer.

    None as soon as anything else does, a scope or a filter put on before or after.
    """
    ids, conditions = query.get_execution_options().get("alone", (None, 0))
    return ids if ids is not None and len(getattr(query.whereclause, "clauses", [query.whereclause])) == conditions else None


def walked(query: sa.Select[Any]) -> sa.ColumnElement[int] | None:
    """The row number of the full-text index that ``matching`` joined: the customer's id again, but in the order in which
    the index is read, so that a page of a common word needs no sorting of all its hits. None where there is no such index."""
    name = query.get_execution_options().get("walked")
    return _INDEXES[name].c.rowid if name else None


def _index(reading: Reading) -> sa.TableClause:
    return _INDEXES["core_customer_personal_fts" if reading.personal else "core_customer_open_fts"]


def _needle(word: str) -> str:
    """One or two letters find words that begin with them; three and more are found anywhere."""
    return word if len(word) >= 3 else f"  {word}"


def _needles(reading: Reading) -> list[str]:
    return [_needle(word) for word in reading.words]


def _trigrams(needles: Iterable[str]) -> str:
    """The ends of each needle, because each trigram is a list to be walked; whether the needle itself is there, its text says."""
    return " AND ".join('"' + gram.replace('"', '""') + '"' for gram in _ends(needles))


def _found_by_ends(reading: Reading) -> list[sa.ColumnElement[bool]]:
    """The same of several names for PostgreSQL, where every hit is wanted: of a pattern it would walk the list of each of its trigrams."""
    column, needles = _text_of(reading), _needles(reading)
    return [*(column.like(f"%{_escaped(gram)}%") for gram in _ends(needles)), *(func.strpos(column, needle) > 0 for needle in needles if len(needle) > 3)]


def _ends(needles: Iterable[str]) -> list[str]:
    """The trigrams with which needles begin, their article aside, and end; each once."""
    return list(dict.fromkeys(gram for needle in needles for gram in (_without_article(needle)[:3], needle[-3:])))


def _without_article(needle: str) -> str:
    return needle[2:] if needle.startswith(_ARTICLE) and len(needle) > 4 else needle


def _escaped(needle: str) -> str:
    return needle.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def dialect_of(session: Session) -> str:
    return session.get_bind().dialect.name


def bounded_count(session: Session, query: sa.Select[Any], most: int = COUNTED) -> int:
    """How many rows ``query`` has, counted up to ``most`` + 1."""
    inner = query.with_only_columns(sa.literal(1), maintain_column_froms=True).order_by(None).limit(most + 1).subquery()
    return session.scalar(select(func.count()).select_from(inner)) or 0


# --- duplicates (CUST-20) --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Duplicate:
    """A customer, or a line of a form under way, that may be the same; ``reasons`` are codes: mobile, phone, email, name."""

    reasons: tuple[str, ...]
    customer_id: int | None = None
    number: str | None = None
    name: str | None = None
    form_id: int | None = None
    form_number: str | None = None
    visible: bool = True

    @property
    def sure(self) -> bool:
        """Whether more than the name speaks for it."""
        return self.reasons != ("name",)


def duplicates(
    session: Session, values: Mapping[str, Any], *, actor: Actor, exclude: int | None = None, exclude_form: int | None = None, limit: int = 8,
) -> list[Duplicate]:
    """Likely duplicates of one set of values: same mobile or phone (E.164), e-mail, or name after folding.

    Contact points are compared only for who may see them, so that a warning tells nobody whose number it is; a customer
    outside the person's scope is reported without its name.
    """
    found = find_duplicates(session, [values], personal=actor.may(PERSONAL), limit=limit + 1).get(0, [])
    kept = [one for one in found if one.customer_id is None or one.customer_id != exclude]
    readable = readable_ids(session, [one.customer_id for one in kept if one.customer_id], actor)
    kept = [one if one.customer_id is None or one.customer_id in readable else _hidden(one) for one in kept]
    return [one for one in [*kept, *_under_way(session, values, actor, exclude_form)] if one.form_id is None or one.form_id != exclude_form][:limit]


def readable_ids(session: Session, ids: Collection[int], actor: Actor) -> set[int]:
    """Of these customers those whom this actor may read."""
    return set(session.scalars(scope(select(Customer.id).where(Customer.id.in_(ids)), actor))) if ids else set()


def _hidden(one: Duplicate) -> Duplicate:
    return Duplicate(one.reasons, customer_id=one.customer_id, number=one.number, visible=False)


def find_duplicates(session: Session, batch: Sequence[Mapping[str, Any]], *, personal: bool = True, limit: int = 8) -> dict[int, list[Duplicate]]:
    """Duplicates in the register for many sets of values at once, by position in ``batch``; for imports.

    A statement a rule; keep a batch under 1,000 lines.
    """
    reasons: dict[int, dict[int, list[str]]] = {}
    found: dict[int, tuple[int, str, str]] = {}

    def note(rule: similar.Rule, keys: Mapping[int, set[str]]) -> None:
        wanted = {key for one in keys.values() for key in one}
        if not wanted:
            return
        by_key: dict[str, list[Any]] = {}
        for row in session.execute(rule.candidates(wanted).limit(len(wanted) * limit)):
            by_key.setdefault(row.key, []).append(row)
        for position, own in keys.items():
            for row in (row for key in own for row in by_key.get(key, ())):
                codes = reasons.setdefault(position, {}).setdefault(row.id, [])
                found[row.id] = (row.id, row.number, row.name)
                if rule.code not in codes:
                    codes.append(rule.code)

    for rule in similar.RULES:
        if personal or not rule.personal:
            note(rule, {i: keys for i, values in enumerate(batch) if (keys := rule.keys(values))})
    return {position: sorted((Duplicate(tuple(codes), *found[one]) for one, codes in rows.items()), key=_by_weight)[:limit]
            for position, rows in reasons.items()}


def _by_weight(one: Duplicate) -> tuple[int, int]:
    return (-len(one.reasons) - (2 if one.sure else 0), -(one.customer_id or 0))


def _under_way(session: Session, values: Mapping[str, Any], actor: Actor, exclude_form: int | None) -> list[Duplicate]:
    """The same person on a form that is not entered yet."""
    same = [CustomerFormLine.name_key == name_key(values.get("name") or "")] if values.get("name") else []
    if actor.may(PERSONAL) and values.get("mobile"):
        same.append(CustomerFormLine.mobile == values["mobile"])
    if not same:
        return []
    query = (select(CustomerFormLine, CustomerForm).join(CustomerForm, CustomerForm.id == CustomerFormLine.form_id)
             .where(CustomerFormLine.state == "open", CustomerFormLine.action == "create", CustomerForm.state.in_(OPEN_STATES), or_(*same)).limit(5))
    if exclude_form is not None:
        query = query.where(CustomerForm.id != exclude_form)
    found = list(session.execute(query))
    open_to = set(session.scalars(form_scope(select(CustomerForm.id).where(CustomerForm.id.in_([form.id for _line, form in found])), actor)))
    return [_line_duplicate(line, form, values, visible=form.id in open_to) for line, form in found]


def _line_duplicate(line: CustomerFormLine, form: CustomerForm, values: Mapping[str, Any], *, visible: bool) -> Duplicate:
    reasons = [code for code, same in (("mobile", bool(line.mobile) and line.mobile == values.get("mobile")),
                                       ("name", line.name_key == name_key(values.get("name") or ""))) if same]
    return Duplicate(tuple(reasons), name=line.name if visible else None, form_id=form.id, form_number=form.number, visible=visible)


# --- forms -----------------------------------------------------------------------------------------------------------


def forms_of(session: Session, customer_id: int, *, before: int | None = None, limit: int = 20) -> list[CustomerForm]:
    """The forms that concern a customer, newest first (CUST-18)."""
    query = (select(CustomerForm).join(CustomerFormLine, CustomerFormLine.form_id == CustomerForm.id)
             .where(CustomerFormLine.customer_id == customer_id).order_by(CustomerForm.id.desc()).limit(limit))
    if before is not None:
        query = query.where(CustomerForm.id < before)
    return list(session.scalars(query))


def open_form_of(session: Session, customer_id: int, *, but: CustomerForm | None = None) -> CustomerForm | None:
    """A form under way that would change this customer, or merge it into another."""
    changing = select(CustomerFormLine.form_id).where(CustomerFormLine.customer_id == customer_id, CustomerFormLine.action == "update")
    losing = select(CustomerMerge.form_id).where(CustomerMerge.lost_id == customer_id)
    query = select(CustomerForm).where(or_(CustomerForm.id.in_(changing), CustomerForm.id.in_(losing)), CustomerForm.state.in_(OPEN_STATES)).limit(1)
    return session.scalar(query if but is None else query.where(CustomerForm.id != but.id))


def merges_of(session: Session, customer_id: int) -> list[CustomerMerge]:
    """The merges that hold and by which others became a part of this customer, newest first."""
    holds = (CustomerMerge.kept_id == customer_id, CustomerMerge.entered_at.is_not(None), CustomerMerge.undone_at.is_(None), CustomerMerge.undoes_id.is_(None))
    return list(session.scalars(select(CustomerMerge).where(*holds).order_by(CustomerMerge.id.desc())))


def merge_of_form(session: Session, form: CustomerForm) -> CustomerMerge | None:
    """The pair that a form of kind merge or unmerge names."""
    return session.scalar(select(CustomerMerge).where(CustomerMerge.form_id == form.id)) if form.kind in ("merge", "unmerge") else None


def state_counts(session: Session, actor: Actor) -> dict[str, int]:
    """How many forms stand in each state that waits for somebody, and how many drafts are one's own."""
    waiting = ("filled", "reviewed", "approved", "entering", "entered")
    waits: Any = select(CustomerForm.state, func.count()).where(CustomerForm.state.in_(waiting))
    query = form_scope(waits, actor)
    rows = session.execute(query.group_by(CustomerForm.state))
    counts = {state: count for state, count in rows}
    counts["draft"] = session.scalar(select(func.count()).where(CustomerForm.state == "draft", CustomerForm.made_by == actor.user_id)) or 0
    return counts


def forms_in(session: Session, state: str | None, actor: Actor, *, before: int | None = None, limit: int = 50) -> list[CustomerForm]:
    """Forms of one state, or all, newest first; drafts are their makers' own."""
    query = form_scope(select(CustomerForm), actor).order_by(CustomerForm.id.desc()).limit(limit)
    if state:
        query = query.where(CustomerForm.state == state)
    if before is not None:
        query = query.where(CustomerForm.id < before)
    return list(session.scalars(query))


def form_by_id(session: Session, form_id: int, actor: Actor) -> CustomerForm | None:
    found: CustomerForm | None = session.scalar(form_scope(select(CustomerForm).where(CustomerForm.id == form_id), actor))
    return found


def names_of(session: Session, ids: Iterable[int], actor: Actor) -> dict[int, str]:
    """The names of those of these customers that the actor may read, by id."""
    wanted = list(ids)
    named: Any = select(Customer.id, Customer.name).where(Customer.id.in_(wanted))
    return {row.id: row.name for row in session.execute(scope(named, actor))} if wanted else {}


def names_on_forms(session: Session, ids: Iterable[int], actor: Actor) -> dict[int, str]:
    """Who stands on those of these forms that the actor may read, by the form's id; of an import its file's name."""
    wanted = list(ids)
    forms = list(session.scalars(form_scope(select(CustomerForm).where(CustomerForm.id.in_(wanted)), actor))) if wanted else []
    lines = first_lines(session, [form for form in forms if form.single])
    return {form.id: name for form in forms if (name := lines[form.id].name if form.id in lines else form.source)}


def first_lines(session: Session, forms: Sequence[CustomerForm]) -> dict[int, CustomerFormLine]:
    """The first line of each form, in one statement."""
    ids = [form.id for form in forms]
    rows = session.scalars(select(CustomerFormLine).where(CustomerFormLine.form_id.in_(ids), CustomerFormLine.position == 1))
    return {line.form_id: line for line in rows}


def lines_of(session: Session, form: CustomerForm, actor: Actor, *, after: int = 0, limit: int = 100) -> list[CustomerFormLine]:
    """Lines of an import in their order, from the position behind ``after``; all of one's own, of others' those within one's scope."""
    query = select(CustomerFormLine).where(CustomerFormLine.form_id == form.id, CustomerFormLine.position > after)
    if form.made_by != actor.user_id:
        query = query.where(*_within(CustomerFormLine, scope_of(actor), actor))
    return list(session.scalars(query.order_by(CustomerFormLine.position).limit(limit)))


# --- who may enter ---------------------------------------------------------------------------------------------------


def officer(session: Session, kind: str) -> DataOfficer | None:
    """The present primary or deputy data officer."""
    return session.scalar(select(DataOfficer).where(DataOfficer.kind == kind, DataOfficer.ended_at.is_(None)))


def absent_on(session: Session, officer_id: int, day: date) -> bool:
    found = select(DataOfficerAbsence.id).where(DataOfficerAbsence.officer_id == officer_id, DataOfficerAbsence.from_on <= day)
    return session.scalar(found.where(DataOfficerAbsence.until_on >= day).limit(1)) is not None


def officers(session: Session) -> list[DataOfficer]:
    """Everyone who is or was data officer, present ones first, then newest."""
    return list(session.scalars(select(DataOfficer).order_by(DataOfficer.ended_at.is_not(None), DataOfficer.kind.desc(), DataOfficer.id.desc()).limit(50)))


def absences(session: Session, officer_id: int) -> list[DataOfficerAbsence]:
    query = select(DataOfficerAbsence).where(DataOfficerAbsence.officer_id == officer_id)
    return list(session.scalars(query.order_by(DataOfficerAbsence.from_on.desc()).limit(20)))


# --- the rest --------------------------------------------------------------------------------------------------------


def optional_fields(session: Session, *, enabled_only: bool = True) -> list[OptionalField]:
    query = select(OptionalField).order_by(OptionalField.id)
    return list(session.scalars(query.where(OptionalField.enabled) if enabled_only else query))


def influences_of(session: Session, customer_id: int) -> list[CustomerInfluence]:
    return list(session.scalars(select(CustomerInfluence).where(CustomerInfluence.customer_id == customer_id).order_by(CustomerInfluence.id)))


def unconfirmed_since(moment: datetime) -> sa.ColumnElement[bool]:
    """A condition on Customer: nobody confirmed the data since ``moment`` (CUST-31); join CustomerState outer first."""
    return or_(CustomerState.confirmed_at.is_(None), CustomerState.confirmed_at < moment)
