"""The session's own record of what it changes: no view, command or plugin can forget it (DESIGN 5; architecture 1c).

Every flush is watched, also those inside savepoints, whose entries go when they are rolled back. ``before_commit``
flushes until nothing is left, then writes the entries and closes them with a chain row; whoever changes something after
that is refused.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapper, Session, SessionTransaction, UOWTransaction, object_session
from sqlalchemy.orm.attributes import get_history
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE
from sqlalchemy.sql import ClauseElement

from core.audit import seal
from core.audit.entries import describe, label_of, name_entry, new_entry
from core.audit.pending import Ledger, Pending, Values, ledger_of, plain
from core.audit.plan import Plan, plan_for
from core.database import OwnedBase
from core.database import Session as DiwanSession
from core.errors import DiwanError
from core.keys import forget_subject_keys

HIDDEN = "•"
MOST_FLUSHES = 100


def _keep_old_values_of_deferred(mapper: Mapper[Any], model: type[Any]) -> None:
    # core.database keeps the old value of every other column; a deferred one listens to no such flag.
    for prop in mapper.column_attrs:
        if prop.deferred:
            event.listen(getattr(model, prop.key), "set", _nothing, active_history=True)


def _nothing(target: Any, value: Any, old: Any, initiator: Any) -> None:
    """Listening is what makes the old value be loaded."""


def _refuse_expressions(mapper: Mapper[Any], connection: Connection, target: Any) -> None:
    plan, values = plan_for(mapper), sa.inspect(target).dict
    if plan.audited and any(isinstance(values.get(name), ClauseElement) for name in plan.fields):
        raise DiwanError(f"An SQL expression was assigned to an audited field of {plan.table}: the log could not say what it became. Assign a value.")


def _inserted(mapper: Mapper[Any], connection: Connection, target: Any) -> None:
    _note("create", mapper, target, None)


def _updated(mapper: Mapper[Any], connection: Connection, target: Any) -> None:
    _note("update", mapper, target, None)


def _about_to_delete(mapper: Mapper[Any], connection: Connection, target: Any) -> None:
    plan = plan_for(mapper)
    if plan.audited:
        stored = _stored(plan, mapper, connection, target)
        _note("delete", mapper, target, {name: [value, None] for name, value in stored.items() if value is not None})


def _note(kind: str, mapper: Mapper[Any], target: Any, values: Values | None) -> None:
    session = object_session(target)
    if session is not None and plan_for(mapper).audited:
        ledger_of(session).flushed.append((kind, target, values))


def _stored(plan: Plan, mapper: Mapper[Any], connection: Connection, target: Any) -> dict[str, Any]:
    """The values of a row that is about to go, as the database has them."""
    columns = [mapper.column_attrs[name].columns[0].label(name) for name in plan.fields]
    keys = zip(mapper.primary_key, mapper.primary_key_from_instance(target), strict=True)
    query = sa.select(*columns).select_from(mapper.selectable).where(*(column == value for column, value in keys))
    row = connection.execute(query).mappings().first()
    return dict(row) if row else {}


def _before_flush(session: Session, context: UOWTransaction, instances: Any) -> None:
    ledger = ledger_of(session)
    if ledger.sealed:
        raise DiwanError("Something was changed after the audit log of this transaction was closed; the whole transaction is refused.")
    ledger.flushed.clear()


def _after_flush(session: Session, context: UOWTransaction) -> None:
    ledger = ledger_of(session)
    noted, ledger.flushed = ledger.flushed, []
    for kind, target, values in noted:
        _capture(session, ledger, kind, target, values)


def _capture(session: Session, ledger: Ledger, kind: str, target: Any, values: Values | None) -> None:
    mapper: Mapper[Any] = sa.inspect(target).mapper
    plan = plan_for(mapper)
    if values is None:
        values = _created(plan, target) if kind == "create" else _changed(plan, target)
    entry = new_entry(session, kind, kind)
    describe(entry, mapper, target)
    for name, pair in values.items():
        _put(entry, plan.fields[name], name, pair)
    entry.links = _linked(plan, target)
    _take_name(ledger, entry, target)
    if not entry.empty:
        ledger.add(entry)


def _created(plan: Plan, target: Any) -> Values:
    values = sa.inspect(target).dict
    return {name: [None, values[name]] for name in plan.fields if values.get(name) is not None}


def _changed(plan: Plan, target: Any) -> Values:
    changed = {}
    for name in plan.fields:
        added, _same, deleted = get_history(target, name, PASSIVE_NO_INITIALIZE)
        if added or deleted:
            old, new = (deleted[0] if deleted else None), (added[0] if added else None)
            if not _equal(old, new):
                changed[name] = [old, new]
    return changed


def _equal(old: Any, new: Any) -> bool:
    """Whether the database holds the same for both: ``5`` set as ``"5"`` from a form is no change."""
    if old == new:
        return True
    if old is None or new is None or isinstance(old, bool) or isinstance(new, (dict, list)):
        return False
    return type(old) is not type(new) and str(plain(old)) == str(plain(new))


def _put(entry: Pending, sort: str, name: str, pair: list[Any]) -> None:
    if sort == "secret":
        entry.changes[name] = [None if value is None else HIDDEN for value in pair]
    else:
        (entry.private if sort == "personal" else entry.changes)[name] = [plain(value) for value in pair]


def _linked(plan: Plan, target: Any) -> Values:
    links = {}
    for name, reverse in plan.links.items():
        added, _same, deleted = get_history(target, name, PASSIVE_NO_INITIALIZE)
        gone = [label_of(one) for one in deleted or () if not _said_by(one, reverse, target, 2)]
        come = [label_of(one) for one in added or () if not _said_by(one, reverse, target, 0)]
        if gone or come:
            links[name] = [gone, come]
    return links


def _said_by(other: Any, reverse: str | None, target: Any, part: int) -> bool:
    """Whether the other side of a link logs it already."""
    return reverse is not None and any(one is target for one in get_history(other, reverse, PASSIVE_NO_INITIALIZE)[part] or ())


def _take_name(ledger: Ledger, entry: Pending, target: Any) -> None:
    _obj, naming = ledger.names.pop(id(target), (None, None))
    if naming is not None:
        name_entry(entry, naming)


def _before_commit(session: Session) -> None:
    if session.in_nested_transaction():
        return
    for _attempt in range(MOST_FLUSHES):
        if session._is_clean():
            break
        session.flush()
    else:
        raise DiwanError(f"The transaction still changes something after {MOST_FLUSHES} flushes.")
    ledger = ledger_of(session)
    seal.close(session, ledger)
    ledger.sealed = True


def _after_soft_rollback(session: Session, previous: SessionTransaction) -> None:
    ended = previous
    while ended.parent is not None and not ended.nested:
        ended = ended.parent
    ledger_of(session).drop(ended)
    forget_subject_keys(session)


def _after_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop("audit", None)
        forget_subject_keys(session)


event.listen(OwnedBase, "mapper_configured", _keep_old_values_of_deferred, propagate=True)
event.listen(OwnedBase, "before_insert", _refuse_expressions, propagate=True)
event.listen(OwnedBase, "before_update", _refuse_expressions, propagate=True)
event.listen(OwnedBase, "after_insert", _inserted, propagate=True)
event.listen(OwnedBase, "after_update", _updated, propagate=True)
event.listen(OwnedBase, "before_delete", _about_to_delete, propagate=True)
event.listen(DiwanSession, "before_flush", _before_flush)
event.listen(DiwanSession, "after_flush", _after_flush)
event.listen(DiwanSession, "before_commit", _before_commit)
event.listen(DiwanSession, "after_soft_rollback", _after_soft_rollback)
event.listen(DiwanSession, "after_transaction_end", _after_transaction_end)
