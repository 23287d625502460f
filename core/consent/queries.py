"""What holds now: the latest event of each channel and purpose, the condition for lists, wordings, contact hours. Never writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from core import settings, work
from core.auth.actor import Actor
from core.consent import domain
from core.consent.domain import ContactHours
from core.consent.models import Consent, WithdrawalLink, Wording
from core.customers.models import Customer
from core.errors import Conflict, DiwanError
from core.i18n import lazy_gettext as _l
from core.keys import SubjectKey
from core.procedures.timing import office

LIST_HOOK = "uncontactable"

# --- events -----------------------------------------------------------------------------------------------------------


def events_of(session: Session, customer_id: int) -> Sequence[Consent]:
    """A customer's consents and withdrawals, the latest first."""
    found = sa.select(Consent).where(Consent.customer_id == customer_id).options(joinedload(Consent.wording), joinedload(Consent.recorded_by))
    return session.scalars(found.order_by(Consent.said_at.desc(), Consent.id.desc())).all()


def latest(events: Iterable[Consent], channel: str, purpose: str) -> Consent | None:
    """The event that decides about one channel and purpose; ``events`` come latest first."""
    channels, purposes = domain.bearing_on(channel, purpose)
    return next((one for one in events if one.channel in channels and one.purpose in purposes), None)


def withdrawn(events: Sequence[Consent], channel: str, purpose: str) -> bool:
    """Whether the customer of these events has withdrawn for all of it: of ``all`` channels or purposes, for each."""
    return all((one := latest(events, *cell)) is not None and not one.given for cell in domain.cells(channel, purpose))


@dataclass(frozen=True)
class Standing:
    """How one customer stands to one channel and purpose: ``given``, ``withdrawn`` or ``never``, by which event."""

    channel: str
    purpose: str
    event: Consent | None = None

    @property
    def state(self) -> str:
        return domain.NEVER if self.event is None else domain.GIVEN if self.event.given else domain.WITHDRAWN


def standings(events: Sequence[Consent]) -> Mapping[tuple[str, str], Standing]:
    """Each channel and purpose that there is, sharing among them with the channel ``all``."""
    return {(channel, purpose): Standing(channel, purpose, latest(events, channel, purpose)) for channel, purpose in domain.cells(domain.ALL, domain.ALL)}


def needed(session: Session) -> frozenset[str]:
    """The purposes for which nobody is contacted without having consented: marketing and sharing, and what the association chose."""
    return domain.ALWAYS_NEEDED | frozenset(settings.get(session, "consent.needed"))


def allowed(session: Session, standing: Standing) -> bool:
    return standing.state == domain.GIVEN or (standing.state == domain.NEVER and standing.purpose not in needed(session))


# --- lists and exports ------------------------------------------------------------------------------------------------


def contactable(session: Session, statement: sa.Select[Any], channel: str, purpose: str, *, actor: Actor) -> sa.Select[Any]:
    """``statement`` over Customer, narrowed to whom ``actor`` may contact by ``channel`` for ``purpose`` and who can be reached by it.

    Every mailing list and every file for an outside party goes through here; for the latter the purpose is ``sharing``
    and the channel is not looked at (PERM-02, PERM-11). Whom a plugin objects to is left out (``uncontactable``); hours are
    asked for each single contact. Raises Conflict when a plugin cannot be asked.
    """
    statement = statement.where(may_contact(session, channel, purpose))
    for refused in _refused(session, channel, purpose, actor):
        statement = statement.where(Customer.id.not_in(refused))
    if purpose == domain.SHARING:
        return statement
    return statement.where(sa.or_(*(getattr(Customer, name).is_not(None) for name in domain.REACHED_BY[channel])))


def may_contact(session: Session, channel: str, purpose: str) -> sa.ColumnElement[bool]:
    """Core's own condition on Customer: not erased, and the latest event that bears on it is a consent, or there is none and none is needed."""
    check_asked(channel, purpose)
    channels, purposes = domain.bearing_on(channel, purpose)
    given = (sa.select(Consent.given).where(Consent.customer_id == Customer.id, Consent.channel.in_(channels), Consent.purpose.in_(purposes))
             .order_by(Consent.said_at.desc(), Consent.id.desc()).limit(1).correlate(Customer).scalar_subquery())
    erased = sa.select(SubjectKey.subject_id).where(SubjectKey.subject_id == Customer.subject_id, SubjectKey.destroyed_at.is_not(None)).correlate(Customer)
    return sa.and_(sa.func.coalesce(given, sa.literal(purpose not in needed(session))).is_(True), ~erased.exists())


def _refused(session: Session, channel: str, purpose: str, actor: Actor) -> list[sa.Select[Any]]:
    """What the plugins select: ids of customers whom they object to."""
    found = []
    for answer in session.info["hooks"].ask(LIST_HOOK, session=session, channel=channel, purpose=purpose, actor=actor):
        if answer.error is not None:
            raise Conflict(_l("The plugin “%(name)s” could not be asked whom one may contact, so no list is made. Ask the administrator to look at it or turn"
                              " it off.", name=answer.owner), rule="PERM-02")
        if answer.value is not None:
            found.append(answer.value)
    return found


def check_asked(channel: str, purpose: str) -> None:
    """A list is by one of the channels and purposes of the catalogue; anything else is a fault in the program that asks."""
    if purpose not in domain.PURPOSES or (purpose != domain.SHARING and channel not in domain.CHANNELS):
        raise DiwanError(f"There is no consent for channel '{channel}' and purpose '{purpose}'; core/consent/catalogue.json lists them.")


# --- hours ------------------------------------------------------------------------------------------------------------


def contact_hours(session: Session) -> ContactHours:
    """When this association calls people (CALL-10); its weekend does not matter, the days are chosen apart."""
    return ContactHours(
        frozenset(settings.get(session, "consent.call_days")), time.fromisoformat(settings.get(session, "consent.call_from")),
        time.fromisoformat(settings.get(session, "consent.call_until")), replace(office(session), weekend=frozenset()),
        settings.get(session, "consent.call_holidays"))


# --- wordings and links -----------------------------------------------------------------------------------------------


def wording_now(session: Session, kind: str) -> Wording | None:
    return session.scalar(sa.select(Wording).where(Wording.kind == kind).order_by(Wording.version.desc()).limit(1))


def wording_at(session: Session, kind: str, moment: datetime) -> Wording | None:
    """The version that held at ``moment``; before the first one was published, the first."""
    then = sa.select(Wording).where(Wording.kind == kind, Wording.published_at <= moment).order_by(Wording.version.desc()).limit(1)
    return session.scalar(then) or session.scalar(sa.select(Wording).where(Wording.kind == kind).order_by(Wording.version).limit(1))


def wordings(session: Session, kind: str) -> Sequence[Wording]:
    """All versions, the newest first."""
    found = sa.select(Wording).where(Wording.kind == kind).options(joinedload(Wording.published_by)).order_by(Wording.version.desc())
    return session.scalars(found).all()


def privacy_text(session: Session) -> Wording | None:
    """What registration forms show (PERM-16); read once in a transaction."""
    found: Wording | None = work.read_once(session, "consent.privacy", lambda: wording_now(session, domain.PRIVACY))
    return found


def link_of(session: Session, customer_id: int) -> str | None:
    """The token of a customer's withdrawal link, if one was made."""
    return session.scalar(sa.select(WithdrawalLink.token).where(WithdrawalLink.customer_id == customer_id).order_by(WithdrawalLink.id).limit(1))


def customer_of_link(session: Session, token: str) -> Customer | None:
    """Whose withdrawal link this is; None for any other text."""
    return session.scalar(sa.select(Customer).join(WithdrawalLink, WithdrawalLink.customer_id == Customer.id).where(WithdrawalLink.token == token))
