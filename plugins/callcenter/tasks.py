"""Tasks of a campaign: one customer to be called, settled when he was reached or cannot be; with the last one the campaign ends (CALL-07)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit import services as audit
from core.auth.actor import Actor
from core.procedures import services as procedures
from plugins.callcenter import domain
from plugins.callcenter.models import Call, Campaign, Task

LISTS, CALL_ALL = "CALL_LISTS", 1


def counts(session: Session, ids: list[int]) -> dict[int, dict[str, int]]:
    """Customers of each of these campaigns by state, with one statement."""
    query = sa.select(Task.campaign_id, Task.state, sa.func.count()).where(Task.campaign_id.in_(ids)).group_by(Task.campaign_id, Task.state)
    found: dict[int, dict[str, int]] = {one: dict.fromkeys(domain.TASK_STATES, 0) for one in ids}
    for campaign_id, state, count in session.execute(query):
        found[campaign_id][state] = count
    return found


def begin_step(session: Session, campaign: Campaign, now: datetime) -> None:
    """One step of the inbox for the whole campaign; a list that fills anew each morning has none."""
    if not campaign.standing:
        procedures.open_step(session, LISTS, CALL_ALL, record=campaign, now=now, label=campaign.title, due_at=campaign.due_at)


def settle(session: Session, task: Task, state: str, *, actor: Actor, now: datetime, reason: str | None = None, action: str) -> None:
    """The customer was reached, or cannot be. Ends the campaign with the last one."""
    task.state, task.settled_at, task.settled_by_id, task.reason = state, now, actor.user_id, reason
    task.held_by_id = task.held_until = None
    audit.name_action(session, task, action)
    session.flush()
    end_if_done(session, session.get_one(Campaign, task.campaign_id), actor=actor, now=now)


def end_if_done(session: Session, campaign: Campaign, *, actor: Actor, now: datetime) -> None:
    left = session.scalar(sa.select(Task.id).where(Task.campaign_id == campaign.id, Task.state == domain.OPEN).limit(1))
    if left is None and not campaign.standing and campaign.state == domain.OPEN:
        end(session, campaign, domain.ENDED_DONE, actor=actor, now=now)


def end(session: Session, campaign: Campaign, state: str, *, actor: Actor, now: datetime) -> None:
    campaign.state, campaign.ended_at, campaign.ended_by_id = state, now, actor.user_id
    audit.name_action(session, campaign, "end" if state == domain.ENDED_DONE else "close")
    if state == domain.ENDED_DONE:
        procedures.close_step(session, LISTS, CALL_ALL, record=campaign, actor=actor, now=now)
    else:
        procedures.cancel_steps(session, record=campaign, actor=actor, now=now, code=LISTS)
    session.flush()


def reached_by_call(session: Session, call_id: int | None, call: Call, *, actor: Actor, now: datetime) -> None:
    """A call-back that was promised in the call of a task has reached its customer."""
    query: Any = sa.select(Task).where(Task.call_id == call_id, Task.state == domain.OPEN)
    for task in session.scalars(query).all() if call_id is not None else []:
        task.attempts, task.tried_at, task.call_id = task.attempts + 1, call.started_at, call.id
        settle(session, task, domain.REACHED, actor=actor, now=now, action="reach")
