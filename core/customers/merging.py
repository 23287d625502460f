"""Entry of a merge and of its undoing: two customers become one, and two again (CUST-06, CUST-20).

One transaction re-points every row of every owner from the lost customer to the survivor, settles what cannot belong to one
customer twice, keeps the lost number as an alias and takes the lost row out of the register into the record of the merge. So
no list, count, search or export needs to know of merges. What is issued or kept stays as it is: rows of finance batches, runs
of reports, the audit log. The undoing moves back exactly the rows that were moved; what came since stays with the survivor.

Of two rows that a unique key does not allow one customer to have, the lost one's is taken aside where its model says
``__merge_same__``, else its plugin settles it in ``on_customer_merged``; what nobody settles refuses the whole merge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.audit import services as audit
from core.audit.plan import plan_for
from core.audit.titles import model_of, record_title
from core.auth.actor import Actor
from core.customers import indexing, queries
from core.customers.domain import email_key
from core.customers.models import (
    Customer,
    CustomerAlias,
    CustomerDistinct,
    CustomerDuplicate,
    CustomerForm,
    CustomerFormer,
    CustomerMerge,
    CustomerState,
)
from core.customers.pointers import Collision, Pointer, collisions, pointers, strangers
from core.customers.rows import Row, attributes, dump, load, read_row
from core.database import metadata, owner_of, section
from core.errors import Conflict
from core.i18n import lazy_gettext as _l
from core.keys import ERASED, adopt_subject, decrypt, encrypt, release_subject
from core.numbering import printed
from core.text import isolate

RULE = "CUST-06"
LABELS = ("number", "reference", "code", "title")
BLOCK = 500
_customers: Any = Customer.__table__


# --- entering a merge ------------------------------------------------------------------------------------------------


def begin(session: Session, form: CustomerForm) -> CustomerMerge:
    """Judge once more whether the two may become one, and keep their rows as they are before anything changes."""
    merge = session.scalars(select(CustomerMerge).where(CustomerMerge.form_id == form.id)).one()
    kept, lost = both(session, merge.kept_id, merge.lost_id, lock=True)
    refuse_under_way(session, kept, lost, form)
    if form.filled_at is not None and lost.changed_at > form.filled_at:
        raise Conflict(_l("The customer %(number)s was changed by another form since this one was filled."
                          " Have it rejected and fill a new one from today's data.", number=_number(lost.number)), rule="CUST-13")
    if unknown := strangers(session, lost.id):
        raise Conflict(_l("The table “%(table)s” of the plugin “%(plugin)s” holds rows of customer %(number)s, and the plugin is not installed or failed to "
                          "load. Mend or install it, then enter this form again.", table=unknown[0], plugin=owner_of(unknown[0]),
                          number=_number(lost.number)), value=unknown[0], rule="PLUG-06")
    merge.kept_row = encrypt(session, kept.subject_id, dump(read_row(session, _customers, kept.id)))
    merge.lost_row = encrypt(session, lost.subject_id, dump(read_row(session, _customers, lost.id)))
    session.flush()
    return merge


def both(session: Session, kept_id: int, lost_id: int, *, lock: bool = False) -> tuple[Customer, Customer]:
    """The two customers; Conflict when one of them is no longer in the register."""
    query = select(Customer).where(Customer.id.in_((kept_id, lost_id))).order_by(Customer.id).execution_options(populate_existing=True)
    found = {one.id: one for one in session.scalars(query.with_for_update() if lock else query)}
    if len(found) < 2:
        raise Conflict(_l("One of the two customers has been merged into another since. Have this form rejected and begin from today's register."), rule=RULE)
    return found[kept_id], found[lost_id]


def refuse_under_way(session: Session, kept: Customer, lost: Customer, form: CustomerForm | None = None) -> None:
    """No other form may be about to change either of them."""
    for customer in (kept, lost):
        under_way = queries.open_form_of(session, customer.id, but=form)
        if under_way is not None:
            raise Conflict(_l("The form %(form)s for the customer %(number)s is under way. Wait until it is entered or rejected.",
                              form=isolate(under_way.number or ""), number=_number(customer.number)), value=under_way.number, rule="CUST-13")


def take_in(session: Session, form: CustomerForm, merge: CustomerMerge, *, actor: Actor, now: datetime) -> None:
    """Make the lost customer a part of the survivor, whose own row the form has changed already."""
    kept, lost = both(session, merge.kept_id, merge.lost_id)
    mover = _Mover(session, form.number, action="merge")
    found = collisions(session, kept.id, lost.id)
    held = {(one.table.name, key): row for one in found for key, row in zip(one.keys(), one.rows, strict=True)}
    _take_aside(session, found, form)
    moved = mover.move(lost.id, kept.id, but=held)
    _keep_numbers(session, form, kept, lost, now)
    _keep_contacts(session, form, merge, kept, lost)
    _tell(session, kept, lost, actor, now)
    _refuse_unsettled(session, collisions(session, kept.id, lost.id), kept, lost)
    mover.move(lost.id, kept.id)
    held |= _take_out_own(session, lost)
    adopt_subject(session, lost.subject_id, into=kept.subject_id)
    settled = [{"table": table, "key": key, "before": row, "after": read_row(session, metadata.tables[table], key)} for (table, key), row in held.items()]
    merge.moved, merge.settled, merge.entered_at = moved, encrypt(session, lost.subject_id, dump(settled)), now
    audit.name_action(session, merge, "merge", form_number=form.number)
    indexing.remove_rows(session, [lost.id])
    session.delete(lost)
    audit.name_action(session, lost, "merge", form_number=form.number)
    session.flush()
    indexing.reindex(session, ids=[kept.id])


def _take_aside(session: Session, found: Iterable[Collision], form: CustomerForm) -> None:
    """Of two rows that then say the same, the lost customer's goes into the record of the merge."""
    for collision in found:
        model = model_of(collision.table.name)
        spare = collision.keys() if len(collision.rows) == 1 else collision.keys()[1:] if getattr(model, "__merge_same__", False) else ()
        for key in spare:
            row = session.get(model, key)
            if row is not None:  # it may collide by two keys
                with _or_refuse(session, collision.table):
                    session.delete(row)
                    audit.name_action(session, row, "merge", form_number=form.number)
                    session.flush()


def _keep_numbers(session: Session, form: CustomerForm, kept: Customer, lost: Customer, now: datetime) -> None:
    """The lost number finds the survivor from now on (CUST-06); after an undone merge it is an alias already, and moved with the others."""
    if session.scalar(select(CustomerAlias.id).where(CustomerAlias.number == lost.number)) is None:
        session.add(CustomerAlias(customer_id=kept.id, number=lost.number, form_id=form.id, created_at=now))
    session.flush()


def _keep_contacts(session: Session, form: CustomerForm, merge: CustomerMerge, kept: Customer, lost: Customer) -> None:
    """Who calls from a number that the survivor's record does not hold any more is still found."""
    before = [unsealed(session, kept.subject_id, merge.kept_row), unsealed(session, lost.subject_id, merge.lost_row)]
    known = {("phone", kept.mobile), ("phone", kept.phone), ("email", email_key(kept.email))}
    known |= {(one.kind, one.value) for one in session.scalars(select(CustomerFormer).where(CustomerFormer.customer_id == kept.id))}
    for row in before:
        for kind, value in (("phone", row["mobile"]), ("phone", row["phone"]), ("email", email_key(row["email"]))):
            if value and (kind, value) not in known:
                known.add((kind, value))
                session.add(CustomerFormer(customer_id=kept.id, kind=kind, value=value, subject_id=row["subject_id"], form_id=form.id))
    session.flush()


def _tell(session: Session, kept: Customer, lost: Customer, actor: Actor, now: datetime) -> None:
    hooks = session.info.get("hooks")
    if hooks is not None:
        hooks.tell("on_customer_merged", session=session, kept_id=kept.id, lost_id=lost.id, actor=actor, now=now)
    session.flush()


def _refuse_unsettled(session: Session, left: Sequence[Collision], kept: Customer, lost: Customer) -> None:
    if not left:
        return
    one = left[0]
    words = str(_l(", ")).join(_label(row) for row in one.rows)
    raise Conflict(
        _l("“%(record)s” of the plugin “%(plugin)s”: the entries %(rows)s (table %(table)s) cannot both belong to one customer. "
           "End or change one of them there, or switch the plugin on so that it can settle this, then enter this form again. Nothing was changed.",
           record=record_title(one.table.name), plugin=one.owner, rows=words, table=isolate(one.table.name)), value=one.table.name, rule="PLUG-06")


def _take_out_own(session: Session, lost: Customer) -> dict[tuple[str, Any], Row]:
    """What is about the lost row alone goes with it; pairs that looked alike are found anew by the next night's search."""
    held: dict[tuple[str, Any], Row] = {}
    distinct: Any = select(CustomerDistinct).where(sa.or_(CustomerDistinct.one_id == lost.id, CustomerDistinct.other_id == lost.id))
    for one in [session.get_one(CustomerState, lost.id), *session.scalars(distinct)]:
        table: Any = one.__table__
        key = getattr(one, next(iter(table.primary_key.columns)).name)
        held[table.name, key] = read_row(session, table, key) or {}
        session.delete(one)
    session.flush()
    pairs: Any = CustomerDuplicate.__table__
    with section("customer duplicates"):
        session.execute(sa.delete(pairs).where(sa.or_(pairs.c.one_id == lost.id, pairs.c.other_id == lost.id)))
    return held


# --- entering the undoing --------------------------------------------------------------------------------------------


def undo(session: Session, form: CustomerForm, *, actor: Actor, now: datetime) -> None:
    """Put the lost customer back as it was, with the rows that were moved; the survivor's row becomes what it was before."""
    own = session.scalars(select(CustomerMerge).where(CustomerMerge.form_id == form.id)).one()
    merge = own.undoes
    assert merge is not None
    kept = refuse_undoing(session, merge, form)
    kept_row, lost_row, settled = _snapshots(session, merge, kept)
    audit.bulk(session, Customer, [attributes(Customer, lost_row)], action="unmerge", form_number=form.number)
    mover = _Mover(session, form.number, action="unmerge")
    mover.move_back(merge, kept.id, merge.lost_id)
    _give_number_back(session, merge)
    _forget_contacts(session, merge)
    for one in settled:
        _put_back(session, metadata.tables[one["table"]], one, form)
    kept = session.get_one(Customer, merge.kept_id)
    for name, value in attributes(Customer, kept_row).items():
        if getattr(kept, name) != value:
            setattr(kept, name, value)
    audit.name_action(session, kept, "unmerge", form_number=form.number)
    merge.undone_at, merge.kept_row, merge.lost_row, merge.settled, merge.moved = now, None, None, None, None
    own.entered_at = now
    audit.name_action(session, merge, "unmerge", form_number=form.number)
    release_subject(session, merge.subject_id)
    session.flush()
    indexing.reindex(session, ids=[kept.id, merge.lost_id])


def refuse_undoing(session: Session, merge: CustomerMerge, form: CustomerForm | None = None) -> Customer:
    """Why a merge cannot be undone, as Conflict; otherwise the survivor."""
    if merge.undoes_id is not None or merge.entered_at is None or merge.undone_at is not None:
        raise Conflict(_l("This merge does not hold: it was not entered, or it was undone already."), rule=RULE)
    kept = session.scalar(select(Customer).where(Customer.id == merge.kept_id).with_for_update().execution_options(populate_existing=True))
    if kept is None:
        raise Conflict(_l("The customer %(number)s was merged into another since. Undo that merge first.", number=_number(merge.kept_number)), rule=RULE)
    if kept.line_id != merge.form.line.id:
        since = session.get_one(CustomerForm, kept.form_id)
        raise Conflict(_l("The form %(form)s changed the customer %(number)s since the merge, so it cannot be undone. Fill forms that say what is right now.",
                          form=isolate(since.number or ""), number=_number(kept.number)), value=since.number, rule="CUST-13")
    under_way = queries.open_form_of(session, kept.id, but=form)
    if under_way is not None:
        raise Conflict(_l("The form %(number)s for this customer is under way. Wait until it is entered or rejected.", number=isolate(under_way.number or "")),
                       rule="CUST-13")
    return kept


def unsealed(session: Session, subject_id: str, token: str | None) -> Any:
    """What a merge keeps sealed; Conflict once the person was erased."""
    text = decrypt(session, subject_id, token) if token is not None else ERASED
    if not isinstance(text, str):
        raise Conflict(_l("What the merge kept was erased with the person's data; it cannot be undone any more."), rule="CUST-20")
    return load(text)


def _snapshots(session: Session, merge: CustomerMerge, kept: Customer) -> tuple[Row, Row, list[Row]]:
    return (unsealed(session, kept.subject_id, merge.kept_row), unsealed(session, merge.subject_id, merge.lost_row),
            unsealed(session, merge.subject_id, merge.settled))


def _give_number_back(session: Session, merge: CustomerMerge) -> None:
    """A number is never given up: the alias stays and now leads to the customer whose own number it is again."""
    alias = session.scalars(select(CustomerAlias).where(CustomerAlias.number == merge.lost_number)).one()
    alias.customer_id = merge.lost_id
    session.flush()


def _forget_contacts(session: Session, merge: CustomerMerge) -> None:
    for one in session.scalars(select(CustomerFormer).where(CustomerFormer.form_id == merge.form_id)):
        session.delete(one)
    session.flush()


def _put_back(session: Session, table: sa.Table, one: Row, form: CustomerForm) -> None:
    """A row that was settled becomes what it was before, unless somebody changed it since."""
    now_there, model = read_row(session, table, one["key"]), model_of(table.name)
    if now_there != one["after"] or model is None:
        raise _changed_since(table, one["before"])
    before = attributes(model, one["before"])
    with _or_refuse(session, table):
        if now_there is None:
            audit.bulk(session, model, [before], action="unmerge", form_number=form.number)
        elif now_there != one["before"]:
            audit.bulk(session, model, [before], before=[attributes(model, now_there)], action="unmerge", form_number=form.number)


def _changed_since(table: sa.Table, row: Mapping[str, Any]) -> Conflict:
    return Conflict(
        _l("“%(record)s” %(row)s of the plugin “%(plugin)s” was changed or taken away since the merge, so it cannot go back as it was and nothing was changed. "
           "Fill forms that say what is right now.", record=record_title(table.name), row=_label(row), plugin=owner_of(table.name)),
        value=table.name, rule=RULE)


# --- moving rows -----------------------------------------------------------------------------------------------------


class _Mover:
    """Re-points rows through the sanctioned bulk writer: each has its own entry in the log, as if it had been changed by hand."""

    def __init__(self, session: Session, form_number: str | None, *, action: str) -> None:
        self.session, self.form_number, self.action = session, form_number, action

    def move(self, source: int, target: int, *, but: Mapping[tuple[str, Any], Any] | None = None) -> dict[str, list[Any]]:
        """Every row that points to ``source``, without those in ``but``; returns the keys that were moved by ``table.column``."""
        moved: dict[str, list[Any]] = {}
        for pointer in pointers(self.session):
            where = pointer.at(source)
            keys = [key for key in self.session.scalars(select(pointer.key).where(where).order_by(pointer.key)) if (pointer.table.name, key) not in (but or {})]
            if keys:
                self._point(pointer, keys, source, target)
                moved[pointer.name] = keys
        return moved

    def move_back(self, merge: CustomerMerge, source: int, target: int) -> None:
        """Exactly the rows that the merge moved; one that is gone or points elsewhere by now refuses it."""
        known = {one.name: one for one in pointers(self.session)}
        for name, keys in (merge.moved or {}).items():
            table = name.split(".")[0]
            if name not in known:
                raise Conflict(_l("The merge moved rows of the table “%(table)s”, and its plugin “%(plugin)s” is not installed or failed to load. "
                                  "Mend or install it, then enter this form again.", table=table, plugin=owner_of(table)), value=table, rule="PLUG-06")
            pointer = known[name]
            own_key = pointer.column == pointer.key.name
            there = set(keys) if own_key else self._pointing(pointer, keys, source)
            gone = next((key for key in keys if key not in there), None)
            if gone is not None:
                raise _changed_since(pointer.table, read_row(self.session, pointer.table, gone) or {"id": gone})
            self._point(pointer, [source] if own_key else keys, source, target)

    def _pointing(self, pointer: Pointer, keys: Sequence[Any], customer_id: int) -> set[Any]:
        found: set[Any] = set()
        for start in range(0, len(keys), BLOCK):
            part = keys[start:start + BLOCK]
            found |= set(self.session.scalars(select(pointer.key).where(pointer.at(customer_id), pointer.key.in_(part))))
        return found

    def _point(self, pointer: Pointer, keys: Sequence[Any], source: int, target: int) -> None:
        model = model_of(pointer.table.name)
        with _or_refuse(self.session, pointer.table):
            if model is None or pointer.column == pointer.key.name:
                self._point_key(pointer, source, target)
                return
            plan, names = plan_for(sa.inspect(model)), {prop.columns[0].name: prop.key for prop in sa.inspect(model).column_attrs}
            key, own = names[pointer.key.name], names[pointer.column]
            told = [name for name in (plan.label, plan.subject) if name]
            before: dict[Any, Row] = {}
            for start in range(0, len(keys), BLOCK):
                rows = self.session.execute(select(*(getattr(model, name).label(name) for name in dict.fromkeys((key, own, *told))))
                                            .where(pointer.key.in_(keys[start:start + BLOCK]))).mappings()
                before |= {row[key]: dict(row) for row in rows}
            audit.bulk(self.session, model, [{key: one, own: target} for one in keys], before=[before[one] for one in keys],
                       action=self.action, form_number=self.form_number)

    def _point_key(self, pointer: Pointer, source: int, target: int) -> None:
        """A row whose key is the customer, or one of a table without a model, gets another key; the act is logged by itself."""
        with section("customer merge"):
            self.session.execute(sa.update(pointer.table).where(pointer.at(source)).values({pointer.column: target}))
        self.session.expire_all()
        audit.record(self.session, self.action, record=(pointer.table.name, target, None), data={pointer.column: [source, target]},
                     form_number=self.form_number)


@contextmanager
def _or_refuse(session: Session, table: sa.Table) -> Iterator[None]:
    """A savepoint; what the database refuses inside becomes a refusal that names plugin and table."""
    try:
        with session.begin_nested():
            yield
    except DBAPIError as error:
        raise Conflict(
            _l("The database does not let “%(record)s” of the plugin “%(plugin)s” go to the other customer: %(why)s. Nothing was changed.",
               record=record_title(table.name), plugin=owner_of(table.name), why=str(error.orig).splitlines()[0][:200]),
            value=table.name, rule="PLUG-06") from error


def _label(row: Mapping[str, Any]) -> str:
    return isolate(str(next((row[name] for name in LABELS if row.get(name)), None) or f"#{next(iter(row.values()))}"))


def _number(number: str) -> str:
    return isolate(printed(number))
