"""What services, edges and plugins say to the audit log; everything they change is captured without being said.

None of these commits. Nothing personal goes into ``data``, ``reason`` or labels, but through ``private`` with the subject
under whose key it is encrypted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice, repeat
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import work
from core.audit import capture, seal
from core.audit.entries import describe, name_entry, new_entry
from core.audit.pending import Naming, Pending, Values, current, ledger_of, plain
from core.audit.plan import Plan, plan_for
from core.bulk import insert_columns
from core.database import owner_of, section
from core.errors import AppError, DiwanError
from core.i18n import in_both
from core.keys import load_subject_keys

__all__ = ["about", "bulk", "capture", "name_action", "record", "record_denied"]

BLOCK_ROWS = 2_000
Record = Any
"""A model instance, or ``(table, id, label)`` of a record that is not at hand."""


def name_action(session: Session, obj: Any, action: str, *, reason: str | None = None, form_number: str | None = None) -> None:
    """Call what this transaction changes of ``obj`` by its business name: approve, reject, enter, file, plugin_on …

    Names the change that waits to be flushed, else the last flushed and not yet named one, else the next one to come; when
    none comes, the act is logged without changes. ``reason`` is encrypted when the record has a subject.
    """
    ledger = ledger_of(session)
    naming = Naming(action, reason, form_number, current(session))
    waiting = obj in session.new or (obj in session.dirty and session.is_modified(obj))
    if waiting and id(obj) in ledger.names:
        session.flush()
        waiting = False
    latest = ledger.latest.get(id(obj))
    if not waiting and latest is not None and not latest.named and not latest.dropped:
        name_entry(latest, naming)
    else:
        ledger.names[id(obj)] = (obj, naming)


def record(
    session: Session, action: str, *, record: Record = None, summary: str | None = None, data: Mapping[str, Any] | None = None,
    reason: str | None = None, rule: str | None = None, form_number: str | None = None, plugin: str | None = None,
    private: Mapping[str, Any] | None = None, subject_id: str | None = None,
) -> None:
    """Log an act that is no change of a row: an upload, an export with filter, count and checksum, a sign-in.

    ``summary`` is a short text that is not personal. ``private`` values are encrypted under ``subject_id`` (or the
    record's subject). Raises DiwanError outside a writing transaction, where the entry would be lost.
    """
    if not session.info.get("write"):
        raise DiwanError(f"The act '{action}' was to be logged in a read transaction: call core.work.begin_write(session) first.")
    entry = new_entry(session, "act", action)
    _about(entry, record)
    facts = {**({"summary": str(summary)} if summary else {}), **(data or {})}
    entry.data = plain(facts) if facts else None
    entry.private = {name: [None, plain(value)] for name, value in (private or {}).items()}
    entry.reason, entry.rule, entry.form_number = reason, rule, form_number
    entry.subject_id = subject_id or entry.subject_id
    entry.plugin = plugin or entry.plugin
    entry.obj = None
    ledger_of(session).add(entry)


_record = record


def _about(entry: Pending, about: Record) -> None:
    if about is None:
        return
    if isinstance(about, (tuple, list)):
        table, key, label = about
        entry.plugin, entry.record_type, entry.record_id = owner_of(table), table, str(key)
        entry.record_label = None if label is None else str(label)[:200]
    else:
        describe(entry, sa.inspect(about).mapper, about)


@contextmanager
def about(obj: Any) -> Iterator[None]:
    """Let a refusal inside the block name the record that it was about when it is logged."""
    entry = Pending("act", "denied", work.now(), None, None)
    describe(entry, sa.inspect(obj).mapper, obj)
    try:
        yield
    except AppError as error:
        error.record = error.record or (str(entry.record_type), entry.record_id, entry.record_label)
        raise


def record_denied(session: Session, error: AppError, *, record: Record = None) -> None:
    """Log a refused attempt with the requirement ID of the rule it met (AUD-04); called by ``core.work.denied``."""
    entry_data: dict[str, Any] = {"message": in_both(error.message)}
    if error.field:
        entry_data["field"] = error.field
    _record(session, "denied", record=error.record if record is None else record, data=entry_data, rule=error.rule)


# --- many rows at once ------------------------------------------------------------------------------------------------


def bulk(
    session: Session, model: type[Any], rows: Sequence[Mapping[str, Any]], *, before: Sequence[Mapping[str, Any]] | None = None,
    action: str | None = None, reason: str | None = None, form_number: str | None = None, block_rows: int = BLOCK_ROWS,
) -> list[Any]:
    """Insert many rows (or, with ``before``, update them) past the session's flush, with the same entries as it would write.

    The one sanctioned bulk writer (DESIGN 4): an entry a row, a chain row a block, fast enough for imports. ``rows`` are
    mappings by attribute; a missing ``id`` is given and a model with personal fields needs its subject (``new_subjects``).
    For an update each row holds the primary key and the new values, ``before`` the old values in the same order. Objects
    of these rows that the session holds are expired. Returns the primary keys (first column) in order.
    """
    session.flush()
    mapper = sa.inspect(model)
    plan, key = plan_for(mapper), mapper.get_property_by_column(mapper.primary_key[0]).key
    done: list[Any] = []
    olds = iter(before) if before is not None else None
    for part in _blocks_of(rows, block_rows):
        if before is None and key not in part[0]:
            part = [{key: number, **row} for number, row in zip(seal.allocate(session, mapper.local_table, len(part)), part, strict=True)]
        _write(session, mapper, part, key, updating=before is not None)
        if plan.audited:
            old = list(islice(olds, len(part))) if olds is not None else None
            _log(session, plan, part, old, key, Naming(action or ("create" if old is None else "update"), reason, form_number, None))
        done += [row[key] for row in part]
    if before is not None:
        session.expire_all()
    return done


def _blocks_of(rows: Sequence[Mapping[str, Any]], size: int) -> Iterator[list[Mapping[str, Any]]]:
    remaining = iter(rows)
    while part := list(islice(remaining, size)):
        yield part


def _write(session: Session, mapper: Any, part: list[Mapping[str, Any]], key: str, *, updating: bool) -> None:
    table = mapper.local_table
    names = {prop.key: prop.columns[0].name for prop in mapper.column_attrs}
    if not updating:
        with section("audited bulk"):
            insert_columns(session, table, {names[name]: [row[name] for row in part] for name in part[0]}, len(part))
        return
    values = [{names[name]: value for name, value in row.items()} for row in part]
    column = table.c[names[key]]
    changed = [name for name in values[0] if name != column.name]
    statement = sa.update(table).where(column == sa.bindparam("pk_")).values({name: sa.bindparam(f"v_{name}") for name in changed})
    with section("audited bulk"):
        session.connection().execute(statement, [{"pk_": row[column.name], **{f"v_{name}": row[name] for name in changed}} for row in values])


def _log(session: Session, plan: Plan, part: list[Mapping[str, Any]], old: list[Mapping[str, Any]] | None, key: str, naming: Naming) -> None:
    if plan.subject:
        load_subject_keys(session, [row.get(plan.subject) for row in part])
    like = new_entry(session, "create" if old is None else "update", naming.action)
    like.plugin, like.record_type, like.form_number = plan.plugin, plan.table, naming.form_number
    fields = [(name, sort, _shared(part, name)) for name in part[0] if (sort := plan.fields.get(name))]
    own: dict[str, list[Any]] = {name: [] for name in ("record_id", "record_label", "subject_id", "changes", "sealed", "reason")}
    for row, was in zip(part, old if old is not None else repeat(_NOTHING, len(part)), strict=True):
        label, subject_id = _either(row, was, plan.label), _either(row, was, plan.subject)
        changes, private = _differ(fields, row, was)
        sealed, reason = seal.sealed_of(session, subject_id, private, naming.reason)
        own["record_id"].append(str(row[key]))
        own["record_label"].append(None if label is None else str(label)[:200])
        own["subject_id"].append(subject_id)
        own["changes"].append(seal.changes_of(changes, private))
        own["sealed"].append(sealed)
        own["reason"].append(reason)
    ledger_of(session).batches.append(seal.write_alike(session, like, own))


_NOTHING: Mapping[str, Any] = {}


def _either(row: Mapping[str, Any], was: Mapping[str, Any], name: str | None) -> Any:
    return None if name is None else row.get(name, was.get(name))


def _shared(part: Sequence[Mapping[str, Any]], name: str) -> list[Any] | None:
    """As the log has it, the one object that all rows hold there: the moment of an import, its form. None where they differ."""
    first = part[0][name]
    return [None, plain(first)] if all(row[name] is first for row in part) else None


def _differ(fields: Sequence[tuple[str, str, list[Any] | None]], row: Mapping[str, Any], was: Mapping[str, Any]) -> tuple[Values, Values]:
    """What changed of the open fields, and of the personal ones."""
    changes: Values = {}
    private: Values = {}
    for name, sort, shared in fields:
        new = row[name]
        old = was.get(name) if was else None
        if new is old or new == old:
            continue
        if sort == "secret":
            changes[name] = [None if old is None else capture.HIDDEN, None if new is None else capture.HIDDEN]
        else:
            pair = shared if shared is not None and old is None else [plain(old), plain(new)]
            (private if sort == "personal" else changes)[name] = pair
    return changes, private
