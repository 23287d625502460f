"""How often the public pages are used: the counters of ``core.limits``, per network and in all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from core import limits, settings
from core.i18n import LazyString, lazy_ngettext
from core.limits import Counter, network
from plugins.complaints.models import Limit

KEPT = timedelta(days=1)


def sendings(session: Session, address: str) -> tuple[Counter, Counter]:
    """Messages sent with the public form: of one network, and of all."""
    return (Counter(f"send:{network(address)}", settings.get(session, "complaints.public_each")),
            Counter("send:all", settings.get(session, "complaints.public_all")))


def guesses(session: Session, address: str) -> tuple[Counter, Counter]:
    """Numbers and codes that were not right, on the follow-up page."""
    return (Counter(f"guess:{network(address)}", settings.get(session, "complaints.public_each")),
            Counter("guess:all", settings.get(session, "complaints.public_all")))


def refuse_over(session: Session, counters: Sequence[Counter], now: datetime) -> None:
    """Raise TooManyAttempts where one of the counters has reached its limit; reads only."""
    limits.refuse_over(session, Limit, counters, now, _wait)


def count(session: Session, counters: Sequence[Counter], now: datetime) -> None:
    """Count one more, judged with the counters held."""
    limits.count(session, Limit, counters, now, _wait)


def _wait(minutes: int) -> LazyString:
    return lazy_ngettext("Too much was sent within the hour. Try again in %(num)s minute.",
                         "Too much was sent within the hour. Try again in %(num)s minutes.", minutes)


def sweep(session: Session, arguments: Mapping[str, Any], now: datetime) -> None:
    """The job of each day: counters that nobody needs any more go."""
    limits.sweep(session, Limit, now - KEPT)
