"""What the database refuses by itself, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from core.auth.actor import Actor
from core.database import section
from core.recommendations import services
from core.recommendations.models import Recommendation
from core.testing import NOON

Raise = Callable[..., Recommendation]
TABLE = Recommendation.__table__
DECIDED = {"decided_at": NOON}


def refused(session: Session, statement: sa.Update | sa.Delete) -> bool:
    """Whether the database itself says no."""
    try:
        with section("test"), session.begin_nested():
            session.execute(statement)
    except DatabaseError:
        return True
    return False


def change(one: Recommendation, **values: object) -> sa.Update:
    return sa.update(TABLE).where(TABLE.c.id == one.id).values(**values)


def test_a_state_needs_what_belongs_to_it(session: Session, raised: Raise, manager: Actor, secretary: Actor) -> None:
    one, by = raised(), {"decided_by_id": secretary.user_id}

    assert refused(session, change(one, state="adopted"))
    assert refused(session, change(one, state="adopted", decided_at=NOON))
    assert refused(session, change(one, state="adopted", decided_at=NOON, decided_by_id=manager.user_id))
    assert refused(session, change(one, state="declined", decided_at=NOON, **by))
    assert refused(session, change(one, state="carried_out", decided_at=NOON, done_at=NOON, **by))
    assert refused(session, change(one, state="maybe"))
    assert refused(session, change(one, text=""))
    assert not refused(session, change(one, state="declined", decided_at=NOON, decision_reason="No", **by))


def test_what_follows_the_adoption(session: Session, raised: Raise, secretary: Actor) -> None:
    one = services.decide(session, raised(), True, actor=secretary, now=NOON)

    assert refused(session, change(one, state="proposed", decided_at=None, decided_by_id=None))
    assert refused(session, change(one, state="declined", decision_reason="No"))
    assert refused(session, change(one, state="not_carried_out"))
    assert refused(session, change(one, state="carried_out"))
    assert refused(session, change(one, text="Something else"))
    assert not refused(session, change(one, state="not_carried_out", cause="Ill"))
    assert not refused(session, change(one, state="carried_out", done_at=NOON))
    assert refused(session, change(one, state="adopted", done_at=None))


def test_none_is_ever_deleted(session: Session, raised: Raise) -> None:
    assert refused(session, sa.delete(TABLE).where(TABLE.c.id == raised().id))


@pytest.mark.parametrize("values", [{"record_type": None}, {"period_until": sa.literal("2026-01-01").cast(sa.Date)}])
def test_source_and_period_are_whole(session: Session, raised: Raise, values: dict[str, object]) -> None:
    assert refused(session, change(raised(), **values))
