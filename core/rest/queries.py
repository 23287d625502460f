"""What the page and the command show of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.rest.models import RestToken, RestUse

DAY = timedelta(hours=24)
SOON = timedelta(days=14)


@dataclass(frozen=True)
class Shown:
    """A token with what it was used for in the last 24 hours; ``state`` is valid, ending (within two weeks), expired or revoked."""

    token: RestToken
    state: str
    calls: int
    refused: int


def tokens(session: Session, now: datetime) -> list[Shown]:
    """All tokens: those that are valid first, the newest first."""
    used = {token_id: (calls, refused) for token_id, calls, refused in session.execute(
        sa.select(RestUse.token_id, sa.func.sum(RestUse.calls), sa.func.sum(RestUse.refused)).where(RestUse.hour_at > now - DAY).group_by(RestUse.token_id))}
    rows: Sequence[RestToken] = session.scalars(sa.select(RestToken).order_by(RestToken.id.desc())).all()
    shown = [Shown(one, state_of(one, now), *(int(number) for number in used.get(one.id, (0, 0)))) for one in rows]
    return sorted(shown, key=lambda one: one.state in ("expired", "revoked"))


def state_of(token: RestToken, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at <= now:
        return "expired"
    return "ending" if token.expires_at <= now + SOON else "valid"
