"""Movements of the finance system: matched on number and reference, listed when not, the same one twice adds nothing (FIN-03)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.customers.models import Customer
from core.finance.models import Contribution, FinanceMovement
from core.finance.movements import Movement, import_movements, match_again
from tests.core.finance.conftest import FINANCE, NOW, sar


def count(session: Session) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(FinanceMovement)) or 0


def test_movements_match_differ_or_are_listed(session: Session, donor: Customer, give: Callable[..., Contribution]) -> None:
    give("100.00", reference="TR-1"), give("200.00", reference="TR-2")
    day = date(2026, 1, 12)
    lines = [Movement(donor.number, "TR-1", day, sar("100.00")), Movement(donor.number, "TR-2", day, sar("150.00")),
             Movement(donor.number, "TR-3", day, sar("1.00")), Movement("999", "TR-1", day, sar("100.00"))]

    outcomes = import_movements(session, lines, source_name="bank.csv", actor=FINANCE, now=NOW)

    assert [one.state for one in outcomes] == ["matched", "differs", "unmatched", "unmatched"]
    assert all(str(one.reason) for one in outcomes[1:])
    assert count(session) == 4


def test_same_file_twice_adds_nothing(session: Session, donor: Customer, give: Callable[..., Contribution]) -> None:
    give("100.00", reference="TR-1")
    lines = [Movement(donor.number, "TR-1", date(2026, 1, 12), sar("100.00"))] * 2 + [Movement(donor.number, "TR-8", date(2026, 1, 12), sar("5.00"))]

    first = import_movements(session, lines, actor=FINANCE, now=NOW)
    second = import_movements(session, lines, actor=FINANCE, now=NOW)

    assert count(session) == 2
    assert [one.known_id for one in first] == [one.known_id for one in second]


def test_what_was_recorded_since_matches_again(session: Session, donor: Customer, give: Callable[..., Contribution]) -> None:
    import_movements(session, [Movement(donor.number, "TR-8", date(2026, 1, 12), sar("5.00"))], actor=FINANCE, now=NOW)
    found = give("5.00", reference="TR-8")

    assert match_again(session, actor=FINANCE) == 1

    assert session.scalars(sa.select(FinanceMovement)).one().contribution_id == found.id
