"""The demo shows every state, and who decided is never who raised."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.organisation.models import Department
from core.recommendations import demo
from core.recommendations.models import STATES, Recommendation
from core.testing import NOON
from tests.support.people import person


def test_every_state_is_there(session: Session, centres: Department) -> None:
    for role in ("crm_manager", "centres_manager", "quality_employee", "subcouncil_secretary"):
        person(session, role, department_id=centres.id)

    demo.make(session, NOON)

    made = session.scalars(sa.select(Recommendation)).all()
    assert {one.state for one in made} == set(STATES)
    assert all(one.decided_by_id != one.raised_by_id and one.raised_at < NOON - timedelta(days=1) for one in made)


def test_without_a_secretary_there_is_nothing(session: Session) -> None:
    person(session, "crm_manager")

    demo.make(session, NOON)

    assert session.scalars(sa.select(Recommendation)).all() == []
