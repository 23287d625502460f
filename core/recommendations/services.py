"""Raising, deciding and following up recommendations (CMPL-21, CMPL-22, RPT-06, RPT-07).

Whoever raised one never decides on it (ORG-09); who decides is said by the table of authorities (ORG-08), by the line that
the source names, else by the line of recommendations in general.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import settings
from core.audit import services as audit
from core.auth import services as auth
from core.auth.actor import Actor, authorize
from core.calendar import day_words, local_day
from core.database import owner_of
from core.errors import Conflict, InvalidInput
from core.i18n import lazy_gettext as _l
from core.numbering import next_value
from core.procedures.models import Procedure
from core.recommendations import telling
from core.recommendations.domain import DEFAULT_DECISION, STATE_NAMES, Source, checked, checked_link
from core.recommendations.models import (
    ADOPTED,
    CARRIED_OUT,
    DECLINED,
    FOLLOWED,
    NOT_CARRIED_OUT,
    PROPOSED,
    Recommendation,
)
from core.sending import made_before
from core.text import isolate

READ, READ_ALL, PROPOSE = "recommendations.read", "recommendations.read_all", "recommendations.propose"
DECIDE, FOLLOW = "recommendations.decide", "recommendations.follow"
DECIDING = "CMPL-22"


# --- raising ----------------------------------------------------------------------------------------------------------


def source_of(
    session: Session, record: Any, *, label: str | None = None, link: str = "", plugin: str | None = None, decision: str | None = None,
    department_id: int | None = None, period: tuple[date, date] | None = None,
) -> Source:
    """A record (a model instance, flushed) as the source of recommendations.

    Read from it where not given: its ``number``, its ``department_id``, its period (``starts_on`` and ``ends_on``), and whose
    it is: the owner of its procedure, else of its table.
    """
    if period is None and getattr(record, "starts_on", None) is not None:
        period = record.starts_on, record.ends_on
    return Source(
        label=(label or str(getattr(record, "number", None) or record.id))[:200], link=checked_link(link), record_type=record.__tablename__,
        record_id=record.id, plugin=plugin or _owner(session, record), decision=decision or DEFAULT_DECISION,
        department_id=department_id or getattr(record, "department_id", None), period=period,
    )


def _owner(session: Session, record: Any) -> str:
    code = getattr(record, "procedure_code", None)
    own = session.scalar(sa.select(Procedure.plugin).where(Procedure.code == code)) if code else None
    return own or owner_of(record.__tablename__)


def propose(
    session: Session, text: str, *, source: Source, why: str = "", due_on: date | None = None, operation_key: str | None = None,
    actor: Actor, now: datetime,
) -> Recommendation:
    """Raise a recommendation; ``due_on`` is the day until which it should be carried out. Raises InvalidInput.

    Sent twice with the same ``operation_key``, it is one. Its period is the source's, else the day of raising.
    """
    authorize(session, actor, PROPOSE, rule="CMPL-21")
    known = made_before(session, Recommendation, operation_key, raised_by_id=actor.user_id)
    if known is not None:
        return known
    text, why = checked(text, field="text", missing=_l("Write what is recommended.")), checked(why, field="why")
    today = _today(session, now)
    _refuse_past(due_on, today)
    first, last = source.period or (today, today)
    one = Recommendation(
        number=f"R-{today.year}-{next_value(session, f'recommendation_{today.year}'):04d}", text=text, why=why, state=PROPOSED,
        record_type=source.record_type, record_id=source.record_id, record_label=checked(source.label, field="label"), link=checked_link(source.link),
        plugin=source.plugin, decision=source.decision, department_id=source.department_id, period_from=first, period_until=last, due_on=due_on,
        raised_at=now, raised_by_id=actor.user_id, operation_key=operation_key,
    )
    session.add(one)
    audit.name_action(session, one, "propose")
    session.flush()
    return one


def _today(session: Session, now: datetime) -> date:
    return local_day(now, settings.time_zone(session))


def _refuse_past(due_on: date | None, today: date) -> None:
    if due_on is not None and due_on < today:
        raise InvalidInput(_l("The day %(day)s is past. Give a day from today on.", day=day_words(due_on)), field="due_on", value=due_on)


def _refuse_new_past(session: Session, one: Recommendation, due_on: date | None, now: datetime) -> None:
    """A new day is one to come; the day that stands there already may have passed."""
    if due_on != one.due_on:
        _refuse_past(due_on, _today(session, now))


# --- deciding ---------------------------------------------------------------------------------------------------------


def decide(
    session: Session, one: Recommendation, adopt: bool, *, reason: str = "", due_on: date | None = None, actor: Actor, now: datetime,
) -> Recommendation:
    """Adopt a recommendation, or decline it with a reason (CMPL-22); ``due_on`` gives another day to carry it out until.

    Raises NotAllowed for whoever raised it and for whom the table of authorities does not name, Conflict when it is decided.
    """
    authorize(session, actor, DECIDE, rule=DECIDING)
    _lock(session, one)
    auth.refuse_own(actor, one.raised_by_id, rule=DECIDING, delegator=actor.delegator_for(DECIDE))
    auth.require_approver(session, line_of(session, one.decision), actor, made_by=[one.raised_by_id])
    if one.state != PROPOSED:
        raise Conflict(_l("%(number)s is decided already: %(state)s.", number=isolate(one.number), state=STATE_NAMES[one.state]), rule=DECIDING)
    reason = checked(reason, field="reason", missing=None if adopt else _l("Say why it is declined; whoever raised it reads this."))
    _refuse_new_past(session, one, due_on, now)
    one.state, one.decision_reason = ADOPTED if adopt else DECLINED, reason
    one.decided_at, one.decided_by_id = now, actor.user_id
    one.due_on = due_on or one.due_on
    audit.name_action(session, one, "adopt" if adopt else "decline")
    session.flush()
    telling.decided(session, one, actor=actor, now=now)
    return one


def line_of(session: Session, decision: str) -> str:
    """The line of the table of authorities that holds; that of recommendations in general while the source's plugin is off."""
    return decision if decision in session.info.get("decisions", {}) else DEFAULT_DECISION


# --- following up -----------------------------------------------------------------------------------------------------


def carry_out(session: Session, one: Recommendation, *, actor: Actor, now: datetime) -> Recommendation:
    """An adopted recommendation was carried out, in time or after all; the cause of the delay stays on it."""
    _follow(session, one, actor, "RPT-06")
    one.state, one.done_at, one.done_by_id = CARRIED_OUT, now, actor.user_id
    audit.name_action(session, one, "carry_out")
    session.flush()
    return one


def record_cause(
    session: Session, one: Recommendation, cause: str, *, due_on: date | None = None, actor: Actor, now: datetime,
) -> Recommendation:
    """Why an adopted recommendation was not carried out (RPT-07), and the new day for it where given.

    A further cause takes the place of the first, which the log keeps.
    """
    _follow(session, one, actor, "RPT-07")
    cause = checked(cause, field="cause", missing=_l("Write why it was not carried out."))
    _refuse_new_past(session, one, due_on, now)
    one.state, one.cause, one.due_on = NOT_CARRIED_OUT, cause, due_on or one.due_on
    audit.name_action(session, one, "record_cause")
    session.flush()
    return one


def carry_over(
    session: Session, one: Recommendation, *, first: date, last: date, due_on: date | None = None, actor: Actor, now: datetime,
) -> Recommendation:
    """Take what is not carried out yet into a later period (``first`` to ``last``, both included), with a new day where given.

    What should have been carried out by now has its cause on it first (RPT-07). Raises InvalidInput.
    """
    _follow(session, one, actor, "RPT-06")
    if lacks_cause(one, _today(session, now)):
        raise InvalidInput(_l("%(number)s should have been carried out by now. Write down why it was not, then carry it over.", number=isolate(one.number)),
                           field="cause", rule="RPT-07")
    if first <= one.period_until or last < first:
        raise InvalidInput(_l("%(number)s is carried over to a period after its own.", number=isolate(one.number)), field="first", value=first)
    _refuse_new_past(session, one, due_on, now)
    one.carried_from = one.carried_from or one.period_from
    one.period_from, one.period_until, one.due_on = first, last, due_on or one.due_on
    audit.name_action(session, one, "carry_over")
    session.flush()
    return one


def lacks_cause(one: Recommendation, today: date) -> bool:
    """Adopted, its day past or never given, and nobody has said why it is not carried out."""
    return one.state == ADOPTED and (one.due_on is None or one.due_on < today)


def _follow(session: Session, one: Recommendation, actor: Actor, rule: str) -> None:
    authorize(session, actor, FOLLOW, rule=rule)
    _lock(session, one)
    if one.state not in FOLLOWED:
        raise Conflict(_l("%(number)s is not among those to be carried out: %(state)s.", number=isolate(one.number), state=STATE_NAMES[one.state]), rule=rule)


def _lock(session: Session, one: Recommendation) -> None:
    """What is judged is what the database holds now: two who act at once follow each other."""
    session.scalar(sa.select(Recommendation.id).where(Recommendation.id == one.id).with_for_update())
    session.refresh(one)
