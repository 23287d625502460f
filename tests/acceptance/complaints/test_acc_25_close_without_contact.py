"""ACC-25: closing needs answer, channel and a time not before the receipt (CMPL-19)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from core.errors import InvalidInput, faults
from plugins.complaints import services
from plugins.complaints.models import Entry
from tests.plugins.complaints.conftest import Staff

RETURNED = datetime(2026, 2, 2, 8, 0, tzinfo=UTC)
GIVEN = {"answer": "حُدد موعد جديد", "answer_channel": "phone", "returned_at": RETURNED}


@pytest.mark.parametrize(("field", "value"), [("answer", ""), ("answer_channel", ""), ("returned_at", None),
                                              ("returned_at", datetime(2026, 2, 2, 6, 0, tzinfo=UTC))])
def test_without_one_of_them_it_is_refused(session: Session, staff: Staff, receive: Callable[..., Entry], field: str, value: object) -> None:
    """The last case: returned at 09:00 for a complaint that was received at 10:15."""
    entry = receive(staff.crm)

    with pytest.raises(InvalidInput) as refused:
        services.close(session, entry, **{**GIVEN, field: value}, actor=staff.crm.actor, now=RETURNED)  # type: ignore[arg-type]

    assert [one.field for one in faults(refused.value)] == [field]
    assert entry.state == "received"


def test_with_all_three_it_is_closed(session: Session, staff: Staff, receive: Callable[..., Entry]) -> None:
    entry = receive(staff.crm)

    services.close(session, entry, **GIVEN, actor=staff.crm.actor, now=RETURNED)  # type: ignore[arg-type]

    assert (entry.state, entry.returned_at) == ("closed", RETURNED)
