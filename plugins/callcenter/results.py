"""Results of a campaign that was called elsewhere, as its file says them: by month and weekday, with no moment and nobody's name (CALL-07, ROI of calls).

They are no calls here: no call log grows by them, and no customer. What a file does not say stays empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit import services as audit
from core.auth.actor import Actor, authorize
from core.database import section
from plugins.callcenter import domain
from plugins.callcenter.exchange import IMPORT
from plugins.callcenter.models import Campaign, CampaignResult

SOURCE = "import"
VALUES = ("success", "month", "weekday", "channel", "seconds", "attempts", "earlier", "occupation")
MOST_ATTEMPTS_APART = 9
"""Attempts above this are one group."""


@dataclass(frozen=True)
class Sum:
    """What the results of a group come to. Attempts and seconds count where the file says them."""

    results: int
    successes: int
    seconds: int
    attempts: int


def campaign_of(session: Session, title: str, *, actor: Actor, now: datetime) -> Campaign:
    """The campaign of this name to which results belong; made at the first."""
    there = session.scalar(sa.select(Campaign).where(Campaign.source == SOURCE, Campaign.reference == title[:80]))
    if there is not None:
        return there
    made = Campaign(kind=domain.RESULTS, title=title[:200], purpose="service", subject="other", source=SOURCE, reference=title[:80], state=domain.ENDED_DONE,
                    made_at=now, made_by_id=actor.user_id, ended_at=now, ended_by_id=actor.user_id)
    session.add(made)
    session.flush()
    return made


def known(session: Session, keys: Sequence[str]) -> dict[str, int]:
    """Which of these results are there, by key."""
    return {key: one for start in range(0, len(keys), 400) for key, one in session.execute(
        sa.select(CampaignResult.key, CampaignResult.id).where(CampaignResult.key.in_(keys[start:start + 400])))}


def take_in(
    session: Session, campaign: Campaign, rows: Sequence[tuple[str, Mapping[str, Any]]], *, import_id: int, actor: Actor, now: datetime,
) -> list[int]:
    """Keep results, each under its key; one that is there already adds nothing. Their ids in the order of ``rows``."""
    authorize(session, actor, IMPORT, rule="CALL-07")
    keys = [key for key, _values in rows]
    there = known(session, keys)
    fresh = [{"campaign_id": campaign.id, "key": key, "import_id": import_id, **{name: values.get(name) for name in VALUES}}
             for key, values in rows if key not in there]
    if fresh:
        there |= dict(zip([row["key"] for row in fresh], audit.bulk(session, CampaignResult, fresh), strict=True))
    return [there[key] for key in keys]


def take_back(session: Session, ids: Sequence[int], *, import_id: int, actor: Actor) -> None:
    """Remove an import's results, and the campaign with its last one."""
    authorize(session, actor, IMPORT, rule="CALL-07")
    for start in range(0, len(ids), 400):
        part = ids[start:start + 400]
        campaigns = list(session.scalars(sa.select(CampaignResult.campaign_id).where(CampaignResult.id.in_(part)).distinct()))
        with section("callcenter.results"):
            session.execute(sa.delete(CampaignResult).where(CampaignResult.id.in_(part), CampaignResult.import_id == import_id))
        for one in campaigns:
            if session.scalar(sa.select(CampaignResult.id).where(CampaignResult.campaign_id == one).limit(1)) is None:
                campaign = session.get_one(Campaign, one)
                audit.name_action(session, campaign, "undo")
                session.delete(campaign)
    session.flush()


def summed(session: Session, by: str, campaign_id: int | None = None) -> dict[Any, Sum]:
    """Results by month, weekday, channel, attempts, outcome of the campaign before, or occupation; with one statement, the groups in order."""
    group = _group(by)
    query = (sa.select(group, sa.func.count(), sa.func.sum(sa.case((CampaignResult.success, 1), else_=0)), sa.func.sum(CampaignResult.seconds),
                       sa.func.sum(CampaignResult.attempts)).group_by(group).order_by(group))
    if campaign_id is not None:
        query = query.where(CampaignResult.campaign_id == campaign_id)
    return {key: Sum(count, int(yes or 0), int(seconds or 0), int(attempts or 0)) for key, count, yes, seconds, attempts in session.execute(query)}


def _group(by: str) -> Any:
    if by == "attempts":
        more = sa.literal(MOST_ATTEMPTS_APART + 1)
        return sa.case((CampaignResult.attempts > MOST_ATTEMPTS_APART, more), else_=CampaignResult.attempts)
    return {"month": CampaignResult.month, "weekday": CampaignResult.weekday, "channel": CampaignResult.channel, "earlier": CampaignResult.earlier,
            "occupation": CampaignResult.occupation}[by]


def campaigns(session: Session) -> Sequence[Campaign]:
    return session.scalars(sa.select(Campaign).where(Campaign.kind == domain.RESULTS).order_by(Campaign.id.desc())).all()
