"""What the call centre tells the panels and reports of others: its calls, and how long conversations last (CALL-06)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from core.rollups import totals
from plugins.callcenter import domain, queries
from plugins.callcenter.models import BY_DAY


def of_periods(session: Session, periods: Sequence[tuple[datetime, datetime]]) -> list[Mapping[str, int]]:
    """Of each period the calls with people outside, by way, the answered ones, their seconds, and those without a length. Former totals stay out."""
    told = [{"outgoing": 0, "incoming": 0, "answered": 0, "talk_seconds": 0, "untimed": 0} for _one in periods]
    for place, way, answered, count, seconds, untimed in session.execute(
            totals(BY_DAY, periods=periods, by=("direction", "answered"), where=queries.outside)):
        told[place]["outgoing" if way == domain.OUT else "incoming"] += count
        if answered:
            told[place]["answered"] += count
            told[place]["talk_seconds"] += seconds
            told[place]["untimed"] += untimed
    return [*told]
