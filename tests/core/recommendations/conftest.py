"""A manager who raises, a secretary who decides, and a week's review as the source."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core import work
from core.auth import services as auth
from core.auth.actor import Actor
from core.organisation.models import Department
from core.organisation.queries import department_by_slug
from core.procedures.models import StepPeriod
from core.recommendations import services
from core.recommendations.models import Recommendation
from core.testing import NOON
from tests.support.people import person

LINK = "/visits/review"


def actor_of(session: Session, *roles: str, **details: Any) -> Actor:
    """A new person with these roles, as an actor."""
    return auth.actor_for(session, person(session, *roles, **details), source="web", now=NOON)


@pytest.fixture(autouse=True)
def _writing(session: Session) -> None:
    work.begin_write(session)


@pytest.fixture
def centres(session: Session) -> Department:
    found = department_by_slug(session, "centres_affairs")
    assert found is not None
    return found


@pytest.fixture
def manager(session: Session) -> Actor:
    return actor_of(session, "centres_manager")


@pytest.fixture
def secretary(session: Session) -> Actor:
    return actor_of(session, "subcouncil_secretary")


@pytest.fixture
def review(session: Session, centres: Department) -> StepPeriod:
    """The review of the week of 25 January, of centres affairs."""
    week = StepPeriod(procedure_code="MAN-CUST", step_number=2, role="centres_manager", department_id=centres.id, starts_on=date(2026, 1, 25),
                      ends_on=date(2026, 1, 31), number="2026-01-25")
    session.add(week)
    session.flush()
    return week


@pytest.fixture
def raised(session: Session, manager: Actor, review: StepPeriod) -> Callable[..., Recommendation]:
    """Raise one from the week's review; keywords change it."""

    def propose(text: str = "Train those who receive complaints", **values: Any) -> Recommendation:
        given = {"source": services.source_of(session, review, link=LINK), "actor": manager, "now": NOON, **values}
        return services.propose(session, text, **given)

    return propose
