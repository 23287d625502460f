"""How often the public pages are used, counted in the database per network and in all, so that several servers count as one.

Whoever is over a limit is refused by a read alone: a flood costs no write, and nobody waits for its locks.
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

from core import settings
from core.database import section
from core.errors import TooManyAttempts
from core.i18n import lazy_ngettext
from plugins.complaints.models import Limit

WINDOW = timedelta(hours=1)
CLOCKS_APART = timedelta(minutes=5)
KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Counter:
    """What is counted, and how many of it an hour are let through."""

    key: str
    most: int


def sendings(session: Session, address: str) -> tuple[Counter, Counter]:
    """Messages sent with the public form: of one network, and of all."""
    return (Counter(f"send:{network(address)}", settings.get(session, "complaints.public_each")),
            Counter("send:all", settings.get(session, "complaints.public_all")))


def guesses(session: Session, address: str) -> tuple[Counter, Counter]:
    """Numbers and codes that were not right, on the follow-up page."""
    return (Counter(f"guess:{network(address)}", settings.get(session, "complaints.public_each")),
            Counter("guess:all", settings.get(session, "complaints.public_all")))


def network(address: str) -> str:
    """An address as it is counted, hashed: whole for IPv4, its first 64 bits for IPv6, where everybody has many."""
    try:
        found = ipaddress.ip_address(address)
        text = str(ipaddress.ip_network((address, 64), strict=False)) if found.version == 6 else str(found)
    except ValueError:
        text = address
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def refuse_over(session: Session, counters: Sequence[Counter], now: datetime) -> None:
    """Raise TooManyAttempts where one of the counters has reached its limit; reads only."""
    rows = {row.key: row for row in session.scalars(sa.select(Limit).where(Limit.key.in_([one.key for one in counters])))}
    _judge(rows, counters, now)


def count(session: Session, counters: Sequence[Counter], now: datetime) -> None:
    """Count one more, judged with the counters held: a burst is let through as far as one after the other would be."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    absent = dialect.insert(Limit.__table__).values([{"key": one.key, "count": 0, "since_at": now} for one in counters])
    with section("public limits"):
        session.execute(absent.on_conflict_do_nothing())
    query = sa.select(Limit).where(Limit.key.in_([one.key for one in counters])).order_by(Limit.key).with_for_update()
    rows = {row.key: row for row in session.scalars(query.execution_options(populate_existing=True))}
    _judge(rows, counters, now)
    for row in rows.values():
        if not _recent(row, now):
            row.count, row.since_at = 0, now
        row.count += 1
    session.flush()


def _judge(rows: Mapping[str, Limit], counters: Sequence[Counter], now: datetime) -> None:
    full = [rows[one.key] for one in counters if one.key in rows and _recent(rows[one.key], now) and rows[one.key].count >= one.most]
    if full:
        until = max(row.since_at for row in full) + WINDOW
        minutes = max(1, -int((now - until).total_seconds() // 60))
        raise TooManyAttempts(lazy_ngettext("Too much was sent within the hour. Try again in %(num)s minute.",
                                            "Too much was sent within the hour. Try again in %(num)s minutes.", minutes), value=minutes)


def _recent(row: Limit, now: datetime) -> bool:
    """Within the hour; a beginning that lies ahead is a clock that jumped, and begins anew."""
    return -CLOCKS_APART <= now - row.since_at < WINDOW


def sweep(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """The job of each day: counters that nobody needs any more go."""
    with section("public limits"):
        session.execute(sa.delete(Limit).where(Limit.since_at < now - KEPT))
