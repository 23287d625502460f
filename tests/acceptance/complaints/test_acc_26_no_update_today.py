"""ACC-26: an open complaint without an update is in the list at the day's end (CMPL-18)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from plugins.complaints import queries
from plugins.complaints.models import Entry
from tests.plugins.complaints.conftest import Staff

TUESDAY, WEDNESDAY = datetime(2026, 2, 2, 21, 0, tzinfo=UTC), datetime(2026, 2, 3, 21, 0, tzinfo=UTC)
"""The first moments of 3 and 4 February in Makkah."""


def test_the_open_one_is_listed_the_closed_one_is_not(session: Session, staff: Staff, receive: Callable[..., Entry]) -> None:
    still_open, closed = receive(staff.crm), receive(staff.crm, answer_now="solved", answer="تم")

    found = session.scalars(queries.scope(sa.select(Entry).where(queries.quiet(TUESDAY, WEDNESDAY)), staff.quality.actor)).all()

    assert still_open in found
    assert closed not in found
