"""The catalogue of causes: why people complain, as this association tells causes apart (CMPL-06)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from core import kinds
from core.auth.actor import Actor, authorize
from plugins.complaints.models import Cause

MANAGE = "complaints.manage"


def save(session: Session, cause: Cause | None = None, *, name_ar: str, name_en: str = "", active: bool = True, actor: Actor, now: datetime) -> Cause:
    """Add a cause, rename it or take it out of use. Entries that name it keep it; its code, by which reports find it, stays."""
    authorize(session, actor, MANAGE, rule="CMPL-06")
    return kinds.save(session, Cause, cause, name_ar=name_ar, name_en=name_en, active=active, rule="CMPL-06")
