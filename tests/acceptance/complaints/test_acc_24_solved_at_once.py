"""ACC-24: solved at once is closed with the time of receipt, without study or call-back (CMPL-05, 16)."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.procedures.models import StepRun
from plugins.complaints import domain
from plugins.complaints.models import Entry
from tests.plugins.complaints.conftest import Staff


def test_it_is_closed_at_once_and_asks_for_nothing_more(session: Session, staff: Staff, receive: Callable[..., Entry]) -> None:
    entry = receive(staff.crm, answer_now="solved", answer="أُرسل الإيصال بالبريد")

    assert entry.state == domain.CLOSED
    assert domain.response_minutes(entry.received_at, entry.returned_at) == 0
    steps = set(session.scalars(sa.select(StepRun.step_number).where(StepRun.record_type == "complaints_entry", StepRun.record_id == entry.id)))
    assert steps & {3, 5} == set()
