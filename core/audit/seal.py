"""Writing entries, and closing them with the chain row: the last statement before the commit (reliability 2.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings, work
from core.audit import chain
from core.audit.entries import describe, name_entry, new_entry
from core.audit.models import AuditBlock, AuditEvent
from core.audit.pending import Batch, Ledger, Pending, Values, current, merged
from core.bulk import insert_columns
from core.database import section
from core.keys import encrypt, has_key, keys_of
from core.plugins.manifest import CORE_VERSION

_events: Any = AuditEvent.__table__
_blocks: Any = AuditBlock.__table__
_json = chain._encode


def close(session: Session, ledger: Ledger) -> None:
    """Write what the transaction did and its chain rows; nothing when nothing is to be told."""
    entries = merged([*ledger.entries, *_bare_acts(session, ledger)])
    batches = list(ledger.batches)
    if entries:
        batches.append(write_entries(session, entries))
    if batches:
        _chain(session, batches)


def _bare_acts(session: Session, ledger: Ledger) -> list[Pending]:
    """Acts that a service named and that changed no column: they happened all the same."""
    acts = []
    for obj, naming in ledger.names.values():
        entry = new_entry(session, "act", naming.action)
        describe(entry, sa.inspect(obj).mapper, obj)
        name_entry(entry, naming)
        acts.append(entry)
    ledger.names.clear()
    return acts


def write_entries(session: Session, entries: Sequence[Pending]) -> Batch:
    """Insert entries as one batch; its chain row follows at the commit."""
    first, *rest = allocate(session, _events, len(entries))
    common, key, codes, rows = _common(session), keys_of(session).audit, [], []
    for position, (number, entry) in enumerate(zip((first, *rest), entries, strict=True)):
        row = _row(session, entry, common)
        row["id"], row["batch"], row["position"] = number, first, position
        row["code"] = chain.event_code(key, row)
        codes.append(row["code"])
        rows.append(row)
    with section("audit"):
        session.execute(sa.insert(_events), rows)
    return Batch(first, len(rows), chain.digest(codes), work.now(), current(session))


def write_alike(session: Session, like: Pending, own: Mapping[str, list[Any]]) -> Batch:
    """Insert the entries of a bulk act as one batch: all are as ``like``, but for the columns in ``own``, which list a value an entry."""
    shared: dict[str, Any] = _row(session, like, _common(session))
    count = len(next(iter(own.values())))
    numbers = list(allocate(session, _events, count))
    shared["batch"] = numbers[0]
    columns = {**own, "id": numbers, "position": list(range(count))}
    codes = chain.event_codes(keys_of(session).audit, shared, columns)
    with section("audit"):
        insert_columns(session, _events, {**shared, **columns, "code": codes}, count)
    return Batch(numbers[0], count, chain.digest(codes), work.now(), current(session))


@dataclass(frozen=True, slots=True)
class _Common:
    zone: Any
    on_behalf_of: tuple[int | None, str | None]
    request: str | None
    versions: dict[str, str]


def _on_behalf_of(session: Session) -> tuple[int | None, str | None]:
    named = session.info.get("on_behalf_of")
    return (named[0], session.info.get("on_behalf_of_username") or named[1]) if named else (None, None)


def _common(session: Session) -> _Common:
    return _Common(
        zone=settings.time_zone(session),
        on_behalf_of=_on_behalf_of(session),
        request=session.info.get("request"),
        versions={"core": CORE_VERSION, **session.info.get("versions", {})},
    )


def _row(session: Session, entry: Pending, common: _Common) -> dict[str, Any]:
    actor, subject_id = entry.actor, entry.subject_id
    sealed, reason = sealed_of(session, subject_id, entry.private, entry.reason)
    return {
        "at": entry.at,
        "offset_minutes": _offset(entry.at, common.zone),
        "action": entry.action[:40],
        "actor_id": actor.user_id if actor else None,
        "actor_label": actor.logged_as[:200] if actor else "system",
        "on_behalf_of_id": common.on_behalf_of[0],
        "on_behalf_of_label": common.on_behalf_of[1],
        "source": actor.source if actor else "system",
        "plugin": entry.plugin,
        "plugin_version": common.versions.get(entry.plugin),
        "record_type": entry.record_type,
        "record_id": entry.record_id,
        "record_label": entry.record_label,
        "form_number": entry.form_number,
        "subject_id": subject_id,
        "changes": changes_of(entry.changes | entry.links, entry.private),
        "sealed": sealed,
        "data": _json(entry.data) if entry.data else None,
        "reason": reason,
        "rule": entry.rule,
        "request": common.request,
        "address": actor.address if actor else None,
    }


def changes_of(changes: Values, private: Values) -> str | None:
    """What is said openly of the values: the open ones, and of personal ones that they changed."""
    return _json(changes | dict.fromkeys(private)) if changes or private else None


def sealed_of(session: Session, subject_id: str | None, private: Values, reason: str | None) -> tuple[str | None, str | None]:
    """Personal values, and the reason given about a person, under the subject's key; dropped when that is gone. Then the open reason."""
    if subject_id is None:
        return None, reason
    content: dict[str, Any] = {}
    if private:
        content["changes"] = private
    if reason:
        content["reason"] = reason
    if not content or not has_key(session, subject_id):
        return None, None
    return encrypt(session, subject_id, _json(content)), None


def _offset(at: Any, zone: Any) -> int:
    return _offset_at(at.replace(minute=0, second=0, microsecond=0), zone)


@lru_cache(maxsize=512)
def _offset_at(hour: Any, zone: Any) -> int:
    return int(hour.astimezone(zone).utcoffset().total_seconds()) // 60


def allocate(session: Session, table: Any, count: int) -> Sequence[int]:
    """The next ``count`` ids of a table: SQLite holds the write lock, PostgreSQL has a sequence."""
    if session.get_bind().dialect.name == "sqlite":
        last = session.execute(sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0))).scalar_one()
        return range(last + 1, last + count + 1)
    query = sa.text(f"SELECT nextval(pg_get_serial_sequence('{table.name}', 'id')) FROM generate_series(1, :count)")  # noqa: S608
    return session.execute(query, {"count": count}).scalars().all()


def _chain(session: Session, batches: Sequence[Batch]) -> None:
    """Take the chain's end and append to it: nobody else can until this transaction has ended."""
    key = keys_of(session).audit
    seq, entries, previous = _head(session)
    rows = []
    for batch in batches:
        seq, entries = seq + 1, entries + batch.count
        row: dict[str, Any] = {"seq": seq, "batch": batch.batch, "count": batch.count, "entries": entries, "at": batch.at,
                               "digest": batch.digest, "previous": previous, "version": chain.VERSION}
        row["code"] = previous = chain.block_code(key, row)
        rows.append(row)
    with section("audit"):
        session.execute(sa.insert(_blocks), rows)


def _head(session: Session) -> tuple[int, int, str]:
    if session.get_bind().dialect.name == "sqlite":
        query = sa.select(_blocks.c.seq, _blocks.c.entries, _blocks.c.code).order_by(_blocks.c.seq.desc()).limit(1)
    else:
        query = sa.text("SELECT seq, entries, code FROM core_audit_head()")  # type: ignore[assignment]
    row = session.execute(query).first()
    return (row[0], row[1], row[2]) if row else (0, 0, chain.GENESIS)
