"""What a transaction has done so far and not yet written to the log; kept in ``session.info``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session, SessionTransaction

Values = dict[str, list[Any]]


@dataclass(slots=True)
class Pending:
    """One entry to be. ``changes`` are open values, ``private`` personal ones, both ``{field: [old, new]}``.

    ``kind`` is create, update, delete or act; ``action`` is what the log will call it. ``links`` are rows of a secondary
    table ``{relationship: [removed, added]}``.
    """

    kind: str
    action: str
    at: datetime
    actor: Any
    transaction: SessionTransaction | None
    obj: Any = None
    named: bool = False
    plugin: str = "core"
    record_type: str | None = None
    record_id: str | None = None
    record_label: str | None = None
    subject_id: str | None = None
    changes: Values = field(default_factory=dict)
    private: Values = field(default_factory=dict)
    links: Values = field(default_factory=dict)
    data: dict[str, Any] | None = None
    reason: str | None = None
    form_number: str | None = None
    rule: str | None = None
    dropped: bool = False

    @property
    def empty(self) -> bool:
        """Nothing happened that would be worth an entry."""
        return self.kind == "update" and not self.named and not (self.changes or self.private or self.links)


@dataclass(frozen=True, slots=True)
class Naming:
    """What a service calls the change of an object: approve, reject, enter, file …"""

    action: str
    reason: str | None
    form_number: str | None
    transaction: SessionTransaction | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that are in the table already and wait for their chain row."""

    batch: int
    count: int
    digest: str
    at: datetime
    transaction: SessionTransaction | None = None


@dataclass
class Ledger:
    """All of it for one session; emptied when its transaction ends."""

    entries: list[Pending] = field(default_factory=list)
    names: dict[int, tuple[Any, Naming]] = field(default_factory=dict)
    latest: dict[int, Pending] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    flushed: list[tuple[str, Any, Values | None]] = field(default_factory=list)
    sealed: bool = False

    def add(self, entry: Pending) -> None:
        self.entries.append(entry)
        if entry.obj is not None:
            self.latest[id(entry.obj)] = entry

    def drop(self, ended: SessionTransaction) -> None:
        """Forget what was done in a savepoint that was rolled back, and in those inside it."""
        for entry in self.entries:
            entry.dropped = entry.dropped or _within(entry.transaction, ended)
        self.entries = [entry for entry in self.entries if not entry.dropped]
        self.batches = [batch for batch in self.batches if not _within(batch.transaction, ended)]
        self.names = {key: (obj, name) for key, (obj, name) in self.names.items() if not _within(name.transaction, ended)}


def ledger_of(session: Session) -> Ledger:
    found: Ledger | None = session.info.get("audit")
    if found is None:
        found = session.info["audit"] = Ledger()
    return found


def current(session: Session) -> SessionTransaction | None:
    """The innermost transaction or savepoint."""
    return session.get_nested_transaction() or session.get_transaction()


def _within(transaction: SessionTransaction | None, ended: SessionTransaction) -> bool:
    while transaction is not None:
        if transaction is ended:
            return True
        transaction = transaction.parent
    return False


def merged(entries: Iterable[Pending]) -> list[Pending]:
    """One entry per record and act: several flushes of one object are one change from the first old to the last new value."""
    result: list[Pending] = []
    last: dict[int, Pending] = {}
    for entry in entries:
        before = last.get(id(entry.obj)) if entry.obj is not None else None
        if before is not None and _one_act(before, entry):
            _absorb(before, entry)
            continue
        result.append(entry)
        if entry.obj is not None:
            last[id(entry.obj)] = entry
    return [entry for entry in result if not entry.empty]


def _one_act(before: Pending, after: Pending) -> bool:
    if after.kind != "update" or before.kind not in ("create", "update"):
        return False
    return not after.named or (before.kind == "update" and not before.named)


def _absorb(before: Pending, after: Pending) -> None:
    for mine, other in ((before.changes, after.changes), (before.private, after.private)):
        for name, (old, new) in other.items():
            mine[name] = [mine[name][0] if name in mine else old, new]
            if mine[name][0] == new:
                del mine[name]
    for name, (removed, added) in after.links.items():
        gone, come = before.links.get(name, [[], []])
        both = [[x for x in gone + removed if x not in come + added], [x for x in come + added if x not in gone + removed]]
        before.links.pop(name, None)
        if both != [[], []]:
            before.links[name] = both
    if after.named:
        before.named, before.action = True, after.action
    before.reason = after.reason or before.reason
    before.form_number = after.form_number or before.form_number
    before.record_label = after.record_label or before.record_label
    before.subject_id = after.subject_id or before.subject_id


_AS_THEY_ARE = frozenset((str, int, bool, type(None)))


def plain(value: Any) -> Any:
    """A value as JSON has it, the same on both engines; bytes by size and fingerprint only."""
    if value.__class__ in _AS_THEY_ARE:
        return value
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, (str, int)):
        return str(value) if isinstance(value, str) else int(value)
    if isinstance(value, bytes):
        return {"bytes": len(value), "sha256": sha256(value).hexdigest()}
    return _plain_many(value)


def _plain_many(value: Any) -> Any:
    if isinstance(value, float):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    return str(value)
