"""Whether the log is what was written: reads it once, in order, with the key; writes nothing.

Separate from what writes the log, sharing with it only the canonical forms of ``chain``. Memory stays flat: blocks and
entries are streamed side by side in order of their batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.audit import chain
from core.audit.anchor import Anchor
from core.audit.models import AuditBlock, AuditEvent

Row = Mapping[str, Any]
MOST_DAMAGES = 50
MOST_COMPARED = 200
CHUNK = 2_000
_events: Any = AuditEvent.__table__
_blocks: Any = AuditBlock.__table__


@dataclass(frozen=True)
class Damage:
    """One thing that is wrong.

    ``kind``: changed, swapped, deleted, inserted, block_changed, block_deleted, rebuilt (chain rows that this key never
    wrote), cut (an anchor lies beyond the end), anchor_differs, unknown_version. ``entry`` is the number of the entry,
    for a deleted one that of the last before it; ``seq`` the chain row.
    """

    kind: str
    seq: int | None = None
    entry: int | None = None
    other: int | None = None
    at: datetime | None = None


@dataclass
class Verdict:
    """What the verification found. ``unjudged`` entries lie in chain rows that cannot be believed."""

    entries: int = 0
    blocks: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    damages: list[Damage] = field(default_factory=list)
    damage_count: int = 0
    damaged_entries: int = 0
    unjudged: int = 0
    anchor: Anchor | None = None
    """The last anchor that fits."""
    seconds: float = 0.0

    @property
    def sound(self) -> bool:
        return self.damage_count == 0

    @property
    def still_sound(self) -> int:
        """Entries that are proved to be as they were written."""
        return self.entries - self.damaged_entries - self.unjudged

    @property
    def first_damage(self) -> Damage | None:
        return self.damages[0] if self.damages else None

    def add(self, damage: Damage) -> None:
        self.damage_count += 1
        if len(self.damages) < MOST_DAMAGES:
            self.damages.append(damage)


def verify(connection: Connection, key: bytes, anchors: Sequence[Anchor] = ()) -> Verdict:
    """Judge the whole log up to its present end; ``key`` is the association's audit key."""
    started, verdict = monotonic(), Verdict()
    last = connection.execute(sa.select(sa.func.max(_blocks.c.seq))).scalar_one() or 0
    doubtful = _judge_blocks(connection, key, last, anchors, verdict)
    _judge_entries(connection, key, last, doubtful, verdict)
    verdict.damages.sort(key=lambda one: (one.seq or last + 1, one.entry or 0))
    verdict.seconds = monotonic() - started
    return verdict


# --- the chain --------------------------------------------------------------------------------------------------------


def _judge_blocks(connection: Connection, key: bytes, last: int, anchors: Sequence[Anchor], verdict: Verdict) -> set[int]:
    """Check the chain rows in order; returns the sequences of those that cannot be believed."""
    by_seq: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        by_seq.setdefault(anchor.seq, []).append(anchor)
    before, foreign, doubtful = _Before(), [], set()
    for block in _stream(connection, sa.select(_blocks).where(_blocks.c.seq <= last).order_by(_blocks.c.seq)):
        fault = _fault_of(key, block, before)
        if fault == "foreign":
            foreign.append(block["seq"])
        elif fault is not None:
            verdict.add(Damage(fault, block["seq"], before.entry, at=block["at"]))
        if fault in ("foreign", "unknown_version"):
            doubtful.add(block["seq"])
        _match_anchors(block, by_seq.pop(block["seq"], ()), verdict)
        before = _Before(block["seq"], block["code"], block["entries"], block["batch"] + block["count"] - 1, block["seq"] not in doubtful)
        verdict.blocks += 1
        verdict.first_at, verdict.last_at = verdict.first_at or block["at"], block["at"]
    _judge_foreign(foreign, last, verdict)
    for anchor in (one for lost in by_seq.values() for one in lost if one.seq):
        verdict.add(Damage("cut" if anchor.seq > last else "anchor_differs", anchor.seq, at=anchor.at))
    return doubtful


@dataclass
class _Before:
    seq: int = 0
    code: str = chain.GENESIS
    entries: int = 0
    entry: int | None = None
    believed: bool = True


def _fault_of(key: bytes, block: Row, before: _Before) -> str | None:
    if block["version"] != chain.VERSION:
        return "unknown_version"
    if chain.block_code(key, block) != block["code"]:
        return "foreign"
    if block["seq"] != before.seq + 1:
        return "block_deleted"
    if before.believed and (block["previous"] != before.code or block["entries"] != before.entries + block["count"]):
        return "block_changed"
    return None


def _judge_foreign(foreign: list[int], last: int, verdict: Verdict) -> None:
    """Chain rows with codes of another key: a rebuilt tail when they reach the end, else single changed rows."""
    if not foreign:
        return
    tail = [seq for number, seq in enumerate(reversed(foreign)) if seq == last - number]
    if len(tail) > 1 or len(foreign) == last:
        verdict.add(Damage("rebuilt", min(tail)))
        foreign = [seq for seq in foreign if seq not in tail]
    for seq in foreign:
        verdict.add(Damage("block_changed", seq))


def _match_anchors(block: Row, anchors: Iterable[Anchor], verdict: Verdict) -> None:
    for anchor in anchors:
        if (anchor.code, anchor.entries) == (block["code"], block["entries"]):
            verdict.anchor = anchor
        else:
            verdict.add(Damage("anchor_differs", block["seq"], at=anchor.at))


# --- the entries ------------------------------------------------------------------------------------------------------


def _judge_entries(connection: Connection, key: bytes, last: int, doubtful: set[int], verdict: Verdict) -> None:
    """Walk blocks and entries side by side in order of batch."""
    blocks = _stream(connection, sa.select(_blocks).where(_blocks.c.seq <= last).order_by(_blocks.c.batch))
    events = _stream(connection, sa.select(_events).order_by(_events.c.batch, _events.c.position))
    suspects: list[tuple[Row, int | None]] = []
    strays: list[tuple[int, list[Row]]] = []
    block = next(blocks, None)
    for batch, members in groupby(events, key=lambda row: row["batch"]):
        rows = list(members)
        while block is not None and block["batch"] < batch:
            _judge_block(key, block, [], doubtful, verdict, suspects)
            block = next(blocks, None)
        if block is not None and block["batch"] == batch:
            _judge_block(key, block, rows, doubtful, verdict, suspects)
            block = next(blocks, None)
        else:
            strays.append((batch, rows))
    while block is not None:
        _judge_block(key, block, [], doubtful, verdict, suspects)
        block = next(blocks, None)
    _judge_strays(connection, key, strays, last, verdict, suspects)
    _judge_suspects(key, suspects, verdict)


def _judge_block(key: bytes, block: Row, rows: list[Row], doubtful: set[int], verdict: Verdict, suspects: list[tuple[Row, int | None]]) -> None:
    """Check the entries of one chain row: each by itself, then that they are all there."""
    verdict.entries += len(rows)
    seq = block["seq"]
    if seq in doubtful:
        verdict.unjudged += len(rows)
        return
    sound, wrong = _sorted(key, rows)
    if len(sound) == len(rows) == block["count"] and chain.digest(row["code"] for row in rows) == block["digest"]:
        return
    for row in wrong:
        if row["position"] >= block["count"]:
            _damaged(verdict, Damage("inserted", seq, row["id"], at=row["at"]))
        else:
            suspects.append((row, seq))
    _judge_missing(block, rows, sound, verdict)


def _sorted(key: bytes, rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Entries whose code fits, and those whose code does not."""
    sound: list[Row] = []
    wrong: list[Row] = []
    for row in rows:
        (sound if chain.event_code(key, row) == row["code"] else wrong).append(row)
    return sound, wrong


def _judge_missing(block: Row, rows: list[Row], sound: list[Row], verdict: Verdict) -> None:
    present = {row["position"] for row in rows}
    missing = [position for position in range(block["count"]) if position not in present]
    for position in missing:
        before = max((row["id"] for row in rows if row["position"] < position), default=block["batch"] - 1)
        verdict.add(Damage("deleted", block["seq"], before, at=block["at"]))
    if missing:
        verdict.unjudged += len(sound)
    elif len(sound) == len(rows) == block["count"]:
        verdict.add(Damage("block_changed", block["seq"], at=block["at"]))
        verdict.unjudged += len(sound)


def _judge_strays(
    connection: Connection, key: bytes, strays: list[tuple[int, list[Row]]], last: int, verdict: Verdict, suspects: list[tuple[Row, int | None]],
) -> None:
    """Entries without a chain row: written while we read, left over from a deleted chain row, moved, or slipped in."""
    for batch, rows in strays:
        seq = connection.execute(sa.select(_blocks.c.seq).where(_blocks.c.batch == batch)).scalar()
        if seq is not None and seq > last:
            continue
        verdict.entries += len(rows)
        genuine, wrong = _sorted(key, rows)
        verdict.unjudged += len(genuine)
        suspects += [(row, None) for row in wrong]
        if genuine and not any(one.kind == "block_deleted" for one in verdict.damages):
            verdict.add(Damage("block_deleted", None, genuine[0]["id"], at=genuine[0]["at"]))


def _judge_suspects(key: bytes, suspects: list[tuple[Row, int | None]], verdict: Verdict) -> None:
    """Entries whose code does not fit: two that only changed places, one slipped in, or one that was changed."""
    remaining = list(suspects)
    if len(remaining) <= MOST_COMPARED:
        remaining = _without_swapped(key, remaining, verdict)
    for row, seq in remaining:
        _damaged(verdict, Damage("changed" if seq is not None else "inserted", seq, row["id"], at=row["at"]))


def _without_swapped(key: bytes, suspects: list[tuple[Row, int | None]], verdict: Verdict) -> list[tuple[Row, int | None]]:
    remaining = list(suspects)
    for one, seq in suspects:
        for other, other_seq in suspects:
            pair = ((one, seq), (other, other_seq))
            if one["id"] < other["id"] and all(item in remaining for item in pair) and _swapped(key, one, other):
                for item in pair:
                    remaining.remove(item)
                _damaged(verdict, Damage("swapped", seq, one["id"], other["id"], at=one["at"]))
                verdict.damaged_entries += 1
    return remaining


def _swapped(key: bytes, one: Row, other: Row) -> bool:
    """Whether ``one`` fits its code once it stands in the place of ``other``."""
    for place in (("batch", "position"), ("id",), ("id", "batch", "position")):
        moved = {**one, **{name: other[name] for name in place}}
        if chain.event_code(key, moved) in (one["code"], other["code"]):
            return True
    return False


def _damaged(verdict: Verdict, damage: Damage) -> None:
    verdict.damaged_entries += 1
    verdict.add(damage)


def _stream(connection: Connection, query: Any) -> Iterator[Row]:
    result = connection.execute(query, execution_options={"yield_per": CHUNK})
    for part in result.mappings().partitions():
        yield from map(dict, part)
