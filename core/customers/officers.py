"""Who may write customer data: one primary officer, and one deputy while the primary is recorded absent (CUST-08…10)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import settings
from core.auth.actor import Actor, act_for, authorize
from core.auth.models import User
from core.auth.queries import powers_of
from core.customers import queries
from core.customers.models import DataOfficer, DataOfficerAbsence
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.i18n import lazy_gettext as _l

APPOINT = "customers.officers"
ENTER = "customers.enter"


def appoint(session: Session, user_id: int, kind: str, *, actor: Actor, now: datetime) -> DataOfficer:
    """Make somebody primary officer or deputy; refused while there is one of that kind (CUST-08, CUST-09)."""
    authorize(session, actor, APPOINT, rule="CUST-08")
    _lock(session)
    if kind not in ("primary", "deputy"):
        raise InvalidInput(_l("Choose primary officer or deputy."), field="kind", value=kind)
    if session.get(User, user_id) is None:
        raise NotFound(_l("There is no such user."), field="user_id", value=user_id)
    present = queries.officer(session, kind)
    if present is not None:
        raise Conflict(_l("%(name)s holds this post now. End that appointment first, then appoint somebody else.", name=user_label(session, present.user_id)),
                       field="user_id", rule="CUST-08" if kind == "primary" else "CUST-09")
    other = queries.officer(session, "deputy" if kind == "primary" else "primary")
    if other is not None and other.user_id == user_id:
        raise Conflict(_l("Nobody can be his own deputy. Choose another person."), field="user_id", rule="CUST-09")
    officer = DataOfficer(user_id=user_id, kind=kind, started_at=now, appointed_by=actor.user_id)
    session.add(officer)
    session.flush()
    return officer


def end_appointment(session: Session, officer: DataOfficer, *, actor: Actor, now: datetime) -> DataOfficer:
    """End an appointment; the post is free then."""
    authorize(session, actor, APPOINT, rule="CUST-08")
    if officer.ended_at is not None:
        raise Conflict(_l("This appointment has ended already."))
    officer.ended_at = now
    session.flush()
    return officer


def record_absence(session: Session, from_on: date, until_on: date, *, actor: Actor, now: datetime) -> DataOfficerAbsence:
    """Record days, both included, on which the primary officer is away; by the officer or by who appoints."""
    primary = queries.officer(session, "primary")
    if primary is None:
        raise Conflict(_l("There is no primary data officer to be absent. Appoint one first."), rule="CUST-08")
    if primary.user_id != actor.user_id:
        authorize(session, actor, APPOINT, rule="CUST-09")
    if until_on < from_on:
        raise InvalidInput(_l("The last day lies before the first."), field="until_on", value=until_on)
    absence = DataOfficerAbsence(officer_id=primary.id, from_on=from_on, until_on=until_on, recorded_by=actor.user_id, recorded_at=now)
    session.add(absence)
    session.flush()
    return absence


def come_back(session: Session, absence: DataOfficerAbsence, *, actor: Actor, now: datetime) -> None:
    """The officer is back earlier: yesterday was the last day away; an absence that begins today or later is taken back."""
    officer = session.get_one(DataOfficer, absence.officer_id)
    if officer.user_id != actor.user_id:
        authorize(session, actor, APPOINT, rule="CUST-09")
    yesterday = now.astimezone(settings.time_zone(session)).date() - timedelta(days=1)
    if absence.until_on <= yesterday:
        raise Conflict(_l("This absence is over already."))
    if absence.from_on > yesterday:
        session.delete(absence)
    else:
        absence.until_on = yesterday
    session.flush()


def authorize_entry(session: Session, actor: Actor, *, now: datetime) -> None:
    """Let the primary officer write, or the deputy on a day of the primary's absence (then logged as on behalf of).

    Anybody else is refused, whatever permissions they hold (CUST-10).
    """
    if ENTER not in actor.permissions or actor.user_id is None:
        raise _refusal()
    primary, deputy = queries.officer(session, "primary"), queries.officer(session, "deputy")
    if primary is not None and primary.user_id == actor.user_id:
        return
    if deputy is None or deputy.user_id != actor.user_id:
        raise _refusal()
    if primary is None or not queries.absent_on(session, primary.id, now.astimezone(settings.time_zone(session)).date()):
        raise NotAllowed(_l("The deputy enters data only on days for which the primary data officer is recorded absent (6.1.4)."), rule="CUST-10")
    absent = session.get_one(User, primary.user_id)
    act_for(session, absent.id, absent.label, username=absent.username)


def may_enter(session: Session, actor: Actor, *, now: datetime) -> bool:
    """Whether ``authorize_entry`` would let this person write now."""
    behalf = session.info.get("on_behalf_of")
    try:
        authorize_entry(session, actor, now=now)
    except NotAllowed:
        return False
    finally:
        if behalf is None:
            session.info.pop("on_behalf_of", None)
    return True


def lacking_right(session: Session, user_ids: Iterable[int]) -> set[int]:
    """Those who cannot enter even when appointed: none of their roles holds the permission.

    Appointing is the CRM department's, whose person it is (CUST-08); roles are the administrator's. Neither waits for the
    other, so an appointment without the role stands, and whoever made it is told that nothing can be entered yet.
    """
    wanted = list(user_ids)
    powers = powers_of(session, wanted) if wanted else {}
    return {user_id for user_id in wanted if ENTER not in powers[user_id].permissions}


def _refusal() -> NotAllowed:
    return NotAllowed(_l("Customer data is entered only by the customer-data officer, or by the deputy in the officer's absence (6.1.4)."), rule="CUST-10")


def user_label(session: Session, user_id: int | None) -> str:
    """What a person is called in the reader's language, for pages; what is kept of an act takes ``User.label``."""
    user = session.get(User, user_id) if user_id is not None else None
    return str(user.name) or user.label if user is not None else "–"


def _lock(session: Session) -> None:
    # One appointment at a time on PostgreSQL too; SQLite's writing transaction is alone anyway.
    if queries.dialect_of(session) == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(0x0D1A0FF1)))
