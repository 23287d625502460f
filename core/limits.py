"""How often something is done, counted in the database, so that several workers and servers count as one.

Whoever is over a limit is refused by a read alone: a flood costs no write, and nobody waits for its locks. Each owner keeps
its counters in a table of its own with the columns ``key``, ``count`` and ``since_at``.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.database import section
from core.errors import TooManyAttempts

HOUR = timedelta(hours=1)
CLOCKS_APART = timedelta(minutes=5)


@dataclass(frozen=True)
class Counter:
    """What is counted, and how many of it are let through within ``window``."""

    key: str
    most: int
    window: timedelta = HOUR


def network(address: str) -> str:
    """An address as it is counted, hashed: whole for IPv4, its first 64 bits for IPv6, where everybody has many."""
    try:
        found = ipaddress.ip_address(address)
        text = str(ipaddress.ip_network((address, 64), strict=False)) if found.version == 6 else str(found)
    except ValueError:
        text = address
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def refuse_over(session: Session, model: Any, counters: Sequence[Counter], now: datetime, message: Any) -> None:
    """Raise TooManyAttempts where one of the counters has reached its limit; reads only. ``message`` takes the minutes to wait."""
    rows = {row.key: row for row in session.scalars(sa.select(model).where(model.key.in_([one.key for one in counters])))}
    _judge(rows, counters, now, message)


def count(session: Session, model: Any, counters: Sequence[Counter], now: datetime, message: Any) -> None:
    """Count one more, judged with the counters held: a burst is let through as far as one after the other would be."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    absent = dialect.insert(model.__table__).values([{"key": one.key, "count": 0, "since_at": now} for one in counters])
    with section("limits"):
        session.execute(absent.on_conflict_do_nothing())
    query = sa.select(model).where(model.key.in_([one.key for one in counters])).order_by(model.key).with_for_update()
    rows = {row.key: row for row in session.scalars(query.execution_options(populate_existing=True))}
    _judge(rows, counters, now, message)
    for one in counters:
        row = rows[one.key]
        if not _recent(row, one, now):
            row.count, row.since_at = 0, now
        row.count += 1
    session.flush()


def _judge(rows: Mapping[str, Any], counters: Sequence[Counter], now: datetime, message: Any) -> None:
    full = [rows[one.key].since_at + one.window for one in counters
            if one.key in rows and _recent(rows[one.key], one, now) and rows[one.key].count >= one.most]
    if full:
        seconds = max(1, -int((now - max(full)).total_seconds() // 1))
        minutes = -(-seconds // 60)
        raise TooManyAttempts(message(minutes), value=minutes, retry_after=seconds)


def _recent(row: Any, counter: Counter, now: datetime) -> bool:
    """Within the window; a beginning that lies ahead is a clock that jumped, and begins anew."""
    return bool(-CLOCKS_APART <= now - row.since_at < counter.window)


def sweep(session: Session, model: Any, before: datetime) -> None:
    """Forget counters that began before this moment."""
    with section("limits"):
        session.execute(sa.delete(model).where(model.since_at < before))
