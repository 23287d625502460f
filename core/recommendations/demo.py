"""Demo recommendations in every state: raised by managers over three months, decided by the secretary, followed up."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from core import settings
from core.auth import services as auth
from core.auth.actor import Actor
from core.auth.queries import holders_of
from core.calendar import local_day
from core.recommendations import services
from core.recommendations.domain import Source
from core.recommendations.models import Recommendation

WORDS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "demo.json").read_text(encoding="utf-8"))


def make(session: Session, now: datetime) -> None:
    """Through the services, each act by whom it is for; nothing where the demo has no secretary."""
    secretary = _actor(session, "subcouncil_secretary", now)
    for one in WORDS:
        raiser = _actor(session, one["role"], now)
        if secretary is not None and raiser is not None:
            _course(session, _raised(session, one, raiser, now), one, raiser, secretary, now)


def _actor(session: Session, role: str, now: datetime) -> Actor | None:
    people = holders_of(session, role)
    return auth.actor_for(session, people[0], source="demo", now=now) if people else None


def _raised(session: Session, one: dict[str, Any], raiser: Actor, now: datetime) -> Recommendation:
    at = now - timedelta(days=one["days_ago"])
    due_on = local_day(at, settings.time_zone(session)) + timedelta(days=one["allowed_days"])
    source = Source(label=one["raised_in"], department_id=raiser.department_id)
    return services.propose(session, one["text"], why=one["why"], source=source, due_on=due_on, actor=raiser, now=at)


def _course(session: Session, made: Recommendation, one: dict[str, Any], raiser: Actor, secretary: Actor, now: datetime) -> None:
    """What became of it: decided four days later, carried out or not by the day before yesterday."""
    if one["state"] == "proposed":
        return
    services.decide(session, made, one["state"] != "declined", reason=one.get("reason", ""), actor=secretary, now=made.raised_at + timedelta(days=4))
    if one["state"] == "carried_out":
        services.carry_out(session, made, actor=raiser, now=now - timedelta(days=2))
    elif one["state"] == "not_carried_out":
        services.record_cause(session, made, one["cause"], actor=raiser, now=now - timedelta(days=2))
