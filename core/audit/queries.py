"""Reading the log: the list, whether what is shown can be believed, and what changed in words that this reader may see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.admin.lists import ListColumn, ListEngine, ListFilter
from core.audit import chain
from core.audit.models import AuditBlock, AuditEvent
from core.audit.titles import actions, field_title
from core.calendar import day_bounds
from core.errors import DiwanError
from core.i18n import lazy_gettext as _l
from core.keys import Erased, decrypt, keys_of, load_subject_keys

PERSONAL = "customers.personal"
Named = Callable[[str], sa.Select[Any]]
_WHO = (AuditEvent.actor_label, AuditEvent.on_behalf_of_label)
SOUND, BROKEN, UNKNOWN = "sound", "broken", "unknown"


# --- the list ---------------------------------------------------------------------------------------------------------


def engine(zone: ZoneInfo, plugins: Sequence[tuple[str, Any]], named: Named | None = None) -> ListEngine:
    """The list of entries, newest first: filters by person, record, plugin, action and period (AUD-06)."""
    return ListEngine(
        identity=AuditEvent.id,
        columns=[ListColumn("id", _l("Entry"), "integer", sort=AuditEvent.id)],
        filters=[
            ListFilter("from", _l("From"), partial(_from, zone), kind="date_from"),
            ListFilter("to", _l("Until"), partial(_until, zone), kind="date_to"),
            ListFilter("who", _l("By"), partial(_by, named), kind="text"),
            ListFilter("action", _l("Action"), _action, choices=lambda _session: list(actions().items())),
            ListFilter("record", _l("Record"), _record, kind="text"),
            ListFilter("plugin", _l("Plugin"), _plugin, choices=plugins),
        ],
        default_sort="-id",
    )


def _from(zone: ZoneInfo, statement: sa.Select[Any], day: Any) -> sa.Select[Any]:
    return statement.where(AuditEvent.at >= day_bounds(day, zone)[0])


def _until(zone: ZoneInfo, statement: sa.Select[Any], day: Any) -> sa.Select[Any]:
    return statement.where(AuditEvent.at < day_bounds(day, zone)[1])


def _by(named: Named | None, statement: sa.Select[Any], label: str) -> sa.Select[Any]:
    """By user name, as the log has it, or by the name that people read, where ``named`` finds user names by it."""
    labels = [column == label for column in _WHO]
    return statement.where(sa.or_(*labels, *(column.in_(named(label)) for column in _WHO if named is not None)))


def _action(statement: sa.Select[Any], action: str) -> sa.Select[Any]:
    return statement.where(AuditEvent.action == action)


def _plugin(statement: sa.Select[Any], plugin: str) -> sa.Select[Any]:
    return statement.where(AuditEvent.plugin == plugin)


def _record(statement: sa.Select[Any], text: str) -> sa.Select[Any]:
    """A number as people write it, or ``table:id`` as links to a record's history have it."""
    table, colon, key = text.partition(":")
    if colon and table.isidentifier():
        return statement.where(AuditEvent.record_type == table, AuditEvent.record_id == key)
    return statement.where(AuditEvent.record_label.in_({text.strip(), text.replace("-", "").strip()}))


def plugins_in_log(session: Session) -> list[str]:
    """Owners that entries come from, also of plugins that are gone; found by skipping, not by reading the log."""
    found: list[str] = []
    step = sa.select(sa.func.min(AuditEvent.plugin))
    name = session.scalar(step)
    while name is not None:
        found.append(name)
        name = session.scalar(step.where(AuditEvent.plugin > name))
    return found


def entry(session: Session, number: int) -> AuditEvent | None:
    return session.get(AuditEvent, number)


# --- whether it can be believed ---------------------------------------------------------------------------------------


def marks(session: Session, events: Sequence[AuditEvent]) -> dict[int, str]:
    """For each entry ``sound``, ``broken``, or ``unknown`` where its neighbours or its chain row are missing or wrong."""
    key, batches = keys_of(session).audit, {event.batch for event in events}
    believed = _believed(session, key, batches)
    return {event.id: _mark(key, event, event.batch in believed) for event in events}


def _mark(key: bytes, event: AuditEvent, believed: bool) -> str:
    if chain.event_code(key, _values(event, chain.EVENT_FIELDS)) != event.code:
        return BROKEN
    return SOUND if believed else UNKNOWN


def _believed(session: Session, key: bytes, batches: set[int]) -> set[int]:
    """Batches whose chain row is genuine, follows a row that is there, and has all its entries."""
    blocks = session.scalars(sa.select(AuditBlock).where(AuditBlock.batch.in_(batches))).all()
    before = dict(session.execute(sa.select(AuditBlock.seq, AuditBlock.code).where(AuditBlock.seq.in_([block.seq - 1 for block in blocks]))).all())
    counted = sa.select(AuditEvent.batch, sa.func.count()).where(AuditEvent.batch.in_(batches)).group_by(AuditEvent.batch)
    counts = dict(session.execute(counted).all())
    before[0] = chain.GENESIS
    return {
        block.batch for block in blocks
        if chain.block_code(key, _values(block, chain.BLOCK_FIELDS)) == block.code
        and before.get(block.seq - 1) == block.previous and counts.get(block.batch) == block.count
    }


def _values(row: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


# --- what changed -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One field, old and new. ``shown`` is open, sealed (not for this reader), erased, absent (never kept) or unreadable."""

    field: str
    title: Any
    old: Any = None
    new: Any = None
    shown: str = "open"


@dataclass(frozen=True)
class Told:
    """What an entry tells this reader; ``reason_shown`` as in ``Change``, empty where none was given."""

    changes: tuple[Change, ...]
    reason: str = ""
    reason_shown: str = ""


def told(session: Session, events: Sequence[AuditEvent], *, personal: bool) -> dict[int, Told]:
    """Changes and reasons of entries; personal values are opened only where ``personal`` (CUST-34)."""
    if personal:
        load_subject_keys(session, [event.subject_id for event in events if event.sealed])
    return {event.id: _told(session, event, personal) for event in events}


def _told(session: Session, event: AuditEvent, personal: bool) -> Told:
    shown, content = _opened(session, event, personal)
    private = content.get("changes", {})
    changes = []
    for name, pair in event.fields.items():
        open_now = bool(pair) or name in private
        old, new = pair or private.get(name, (None, None))
        changes.append(Change(name, field_title(event.record_type, name), old, new, "open" if open_now else shown))
    changes += [Change(name, field_title(event.record_type, name), old, new) for name, (old, new) in private.items() if name not in event.fields]
    reason = event.reason or content.get("reason") or ""
    return Told(tuple(changes), reason, "open" if reason else ("sealed" if shown == "sealed" and not changes else ""))


def _opened(session: Session, event: AuditEvent, personal: bool) -> tuple[str, dict[str, Any]]:
    if event.subject_id is None:
        return "absent", {}
    if event.sealed is None:
        return "erased", {}
    if not personal:
        return "sealed", {}
    try:
        text = decrypt(session, event.subject_id, event.sealed)
    except DiwanError:
        return "unreadable", {}
    return ("erased", {}) if isinstance(text, Erased) else ("open", json.loads(text))


def denied_count(session: Session, narrowed: sa.Select[Any], bound: int = 1000) -> int:
    """Refusals among what is listed, counted up to ``bound``."""
    few = narrowed.where(AuditEvent.action == "denied").with_only_columns(AuditEvent.id).order_by(None).limit(bound).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(few)) or 0
