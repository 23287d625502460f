"""Recommendations in "My day" and in the global search."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.admin.addresses import path_to
from core.admin.offers import Figure, Reading, SearchHit
from core.auth.actor import Actor
from core.calendar import local_day
from core.i18n import lazy_gettext as _l
from core.i18n import lazy_ngettext
from core.recommendations import queries
from core.recommendations.domain import STATE_NAMES
from core.recommendations.models import FOLLOWED, Recommendation
from core.text import isolate, normalise_digits

NUMBER = re.compile(r"R-\d{4}-\d{1,9}")


def to_decide(session: Session, actor: Actor, now: datetime) -> Figure | None:
    """How many wait for this person's decision."""
    waiting = queries.to_decide(session, actor)
    if not waiting:
        return None
    today = local_day(now, settings.time_zone(session))
    late = sum(1 for one in waiting if one.due_on is not None and one.due_on < today)
    words = lazy_ngettext("%(num)s past its day", "%(num)s past their day", late) if late else _l("one card each, due first")
    return Figure(len(waiting), words, path_to("recommendations_list.decisions"), "bad" if late else "")


def to_carry_out(session: Session, actor: Actor, now: datetime) -> Figure | None:
    """How many adopted ones of the actor's departments are not carried out, and how many of them are past their day."""
    own = [Recommendation.state.in_(FOLLOWED), Recommendation.department_id.in_(queries.departments_of(session, actor))]
    past = sa.func.sum(sa.case((Recommendation.due_on < local_day(now, settings.time_zone(session)), 1), else_=0))
    count, late = session.execute(sa.select(sa.func.count(), past).select_from(Recommendation).where(*own)).one()
    if not count:
        return None
    words = lazy_ngettext("%(num)s past its day", "%(num)s past their day", int(late)) if late else _l("all in time")
    return Figure(count, words, path_to("recommendations_list.index_view", **{"f.open": "1"}), "bad" if late else "")


def find(session: Session, reading: Reading, actor: Actor, limit: int) -> Sequence[SearchHit]:
    """By number, as people write it: R-2026-0007."""
    number = normalise_digits(reading.text).strip().upper()
    if not NUMBER.fullmatch(number):
        return []
    found = session.scalars(queries.scope(session, sa.select(Recommendation).where(Recommendation.number == number), actor).limit(limit))
    return [_hit(one) for one in found]


def _hit(one: Recommendation) -> SearchHit:
    label = f"{isolate(one.number)} · {one.text[:120]}"
    return SearchHit(label, path_to("recommendations_list.page", id=one.id), STATE_NAMES[one.state], icon="flag")
